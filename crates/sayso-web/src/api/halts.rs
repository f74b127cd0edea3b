//! `/v1/halts`: the kill switch.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sayso_client::wire;
use sayso_core::HaltId;
use sayso_core::credential::Person;
use sayso_core::halt::{Halt, Scope};
use sayso_engine::Engine;

use super::body::Strict;
use super::caller::{Caller, PersonCaller};
use super::problem::{self, Problem};
use super::terms::parsed;
use crate::Web;

/// The longest reason, in characters.
const LONGEST_REASON: usize = 1_000;

/// Halt everything, an agent, a tool or a rule.
#[utoipa::path(
    post, path = "/v1/halts", tag = "halts",
    request_body(content = wire::CallHalt, example = json!({
        "agent": "deploy-bot", "reason": "It is deleting the wrong buckets.",
    })),
    responses(
        (status = 201, description = "The halt, in force", body = wire::Halt),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = []))
)]
pub(super) async fn call(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    body: Strict<wire::CallHalt>,
) -> Result<(StatusCode, Json<wire::Halt>), Problem> {
    let halt = carry_out(&web.engine, &person, body.value).await?;
    Ok((StatusCode::CREATED, Json(view(&halt))))
}

/// Checks what a person sent and lets the engine call the halt.
pub(crate) async fn carry_out(
    engine: &Engine,
    person: &Person,
    call: wire::CallHalt,
) -> Result<Halt, Problem> {
    let wire::CallHalt { agent, tool, rule, reason } = call;
    let scope = match (agent, tool, rule) {
        (None, None, None) => Scope::Everything,
        (Some(agent), None, None) => Scope::Agent(parsed("/agent", &agent)?),
        (None, Some(tool), None) => Scope::Tool(parsed("/tool", &tool)?),
        (None, None, Some(rule)) => Scope::Rule(parsed("/rule", &rule)?),
        _ => {
            let detail = "a halt covers one agent, one tool or one rule; call one for each";
            return Err(Problem::field("/agent", detail));
        }
    };
    if reason.chars().count() > LONGEST_REASON {
        let detail = format!("must have at most {LONGEST_REASON} characters");
        return Err(Problem::field("/reason", detail));
    }
    Ok(engine.halt(person, scope, reason).await?)
}

/// The halts in force.
#[utoipa::path(
    get, path = "/v1/halts", tag = "halts",
    responses((status = 200, description = "The halts", body = wire::Halts)),
    security(("agent" = []), ("reviewer" = []))
)]
pub(super) async fn list(State(web): State<Web>, _: Caller) -> Json<wire::Halts> {
    Json(wire::Halts { items: web.engine.halts().iter().map(view).collect() })
}

/// Lift a halt.
#[utoipa::path(
    delete, path = "/v1/halts/{id}", tag = "halts",
    params(("id" = String, Path, description = "The halt's id")),
    responses(
        (status = 204, description = "Lifted"),
        (status = 404, description = "None such in force", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = []))
)]
pub(super) async fn lift(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: HaltId = id.parse().map_err(|bad: sayso_core::id::BadId| {
        Problem::new(problem::NOT_FOUND, format!("`id` in the address is {bad}"))
    })?;
    web.engine.lift(&person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(halt: &Halt) -> wire::Halt {
    let (mut agent, mut tool, mut rule) = (None, None, None);
    match &halt.scope {
        Scope::Everything => {}
        Scope::Agent(name) => agent = Some(name.to_string()),
        Scope::Tool(name) => tool = Some(name.to_string()),
        Scope::Rule(name) => rule = Some(name.to_string()),
    }
    wire::Halt {
        id: halt.id.to_string(),
        agent,
        tool,
        rule,
        reason: halt.reason.clone(),
        by: halt.by.to_string(),
        at: halt.at.to_string(),
    }
}
