//! `POST /v1/escalations/{id}/decisions`: people decide.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use sayso_client::wire;
use sayso_core::credential::Person;
use sayso_core::decision::{Says, Seen};
use sayso_core::{Digest, EscalationId};
use sayso_engine::{Engine, Record};

use super::body::Strict;
use super::caller::PersonCaller;
use super::escalations::escalation_id;
use super::problem::Problem;
use super::view;
use crate::Web;

/// The longest comment, in characters.
const LONGEST_COMMENT: usize = 4_000;

/// Decide: bound to the digest that was seen.
#[utoipa::path(
    post, path = "/v1/escalations/{id}/decisions", tag = "decisions",
    params(("id" = String, Path, description = "The escalation's id")),
    request_body(content = wire::Decide, example = json!({
        "decision": "approve",
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "comment": "Checked the backup first.",
    })),
    responses(
        (status = 200, description = "The escalation after it", body = wire::Escalation),
        (status = 403, description = "An agent never decides", body = wire::Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "Not what is open now", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = []))
)]
pub(super) async fn decide(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(id): Path<String>,
    body: Strict<wire::Decide>,
) -> Result<Json<wire::Escalation>, Problem> {
    let record = carry_out(&web.engine, &person, escalation_id(&id)?, body.value).await?;
    Ok(Json(view::escalation(&web.engine, &record)))
}

/// Checks what a person sent and lets the engine decide.
pub(crate) async fn carry_out(
    engine: &Engine,
    person: &Person,
    id: EscalationId,
    decide: wire::Decide,
) -> Result<Arc<Record>, Problem> {
    let wire::Decide { decision, digest, version, comment, arguments, answer } = decide;
    let digest = digest.map(|digest| digest.parse::<Digest>()).transpose();
    let digest = digest.map_err(|bad| Problem::field("/digest", bad.to_string()))?;
    let seen = Seen { digest, version };
    if comment.as_ref().is_some_and(|comment| comment.chars().count() > LONGEST_COMMENT) {
        let detail = format!("must have at most {LONGEST_COMMENT} characters");
        return Err(Problem::field("/comment", detail));
    }
    if arguments.is_some() && decision != "approve" {
        return Err(Problem::field("/arguments", "go with `approve` only"));
    }
    if answer.is_some() && decision != "answer" {
        return Err(Problem::field("/answer", "goes with `answer` only"));
    }
    let says = match (decision.as_str(), arguments) {
        ("approve", Some(arguments)) => {
            return Ok(engine.approve_edited(id, person, arguments, seen, comment).await?);
        }
        ("approve", None) => Says::Approve,
        ("deny", _) => Says::Deny,
        ("veto", _) => Says::Veto,
        ("hold", _) => Says::Hold,
        ("take", _) => Says::Take,
        ("retract", _) => Says::Retract,
        ("answer", _) => Says::Answer(
            answer.ok_or_else(|| Problem::field("/answer", "is missing: what is the answer?"))?,
        ),
        _ => {
            let detail = "is one of `approve`, `deny`, `veto`, `hold`, `answer`, `take`, `retract`";
            return Err(Problem::field("/decision", detail));
        }
    };
    Ok(engine.decide(id, person, says, seen, comment).await?)
}
