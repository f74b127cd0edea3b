//! `/v1/agents`: who may ask, and for what.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use sayso_client::wire;
use sayso_core::confirmation::Thumbprint;
use sayso_core::directory::{Holder, Machine};
use sayso_core::{AgentName, Directory, Period};
use sayso_engine::NewAgent;

use super::body::Strict;
use super::caller::{PersonCaller, Reader};
use super::problem::Problem;
use super::terms::{named, parsed, tools};
use crate::Web;

/// The longest that an agent's old keys may work on beside a new one.
const LONGEST_OVERLAP: Period = Period::from_secs(30 * 86_400);

/// All agents. For whoever has any role.
#[utoipa::path(get, path = "/v1/agents", tag = "agents",
    responses((status = 200, description = "The agents", body = wire::Agents)),
    security(("reviewer" = [])))]
pub(super) async fn list(State(web): State<Web>, _: Reader) -> Result<Json<wire::Agents>, Problem> {
    let (directory, now) = (web.engine.authority().directory().await?, web.engine.now());
    let items = directory.agents().map(|(name, agent)| view(&directory, name, agent, now));
    Ok(Json(wire::Agents { items: items.collect() }))
}

/// Add an agent. Takes the role `owner`.
#[utoipa::path(post, path = "/v1/agents", tag = "agents",
    request_body(content = wire::AddAgent, example = json!({
        "name": "deploy-bot", "owner": "ana", "tools": ["git_*", "deploy"],
    })),
    responses(
        (status = 201, description = "Added, with its key", body = wire::NewKey),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn add(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    body: Strict<wire::AddAgent>,
) -> Result<(StatusCode, Json<wire::NewKey>), Problem> {
    let wire::AddAgent { name, owner, tools: globs } = body.value;
    let name = parsed("/name", &name)?;
    let owner = owner.map(|owner| parsed("/owner", &owner)).transpose()?;
    let (tools, now) = (tools(globs.as_deref())?, web.engine.now());
    let authority = web.engine.authority();
    let agent = authority.add_agent((&person).into(), name, owner, tools, now).await?;
    Ok((StatusCode::CREATED, Json(key(&agent))))
}

/// One agent. For whoever has any role.
#[utoipa::path(get, path = "/v1/agents/{name}", tag = "agents",
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The agent", body = wire::Agent),
        (status = 404, description = "None of that name", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn read(
    State(web): State<Web>,
    _: Reader,
    Path(name): Path<String>,
) -> Result<Json<wire::Agent>, Problem> {
    one(&web, &named(&name)?).await
}

/// Say who owns an agent and what it may propose from now on. Takes the role `owner`.
#[utoipa::path(put, path = "/v1/agents/{name}", tag = "agents",
    params(("name" = String, Path, description = "Its name")),
    request_body(content = wire::SetAgent),
    responses(
        (status = 200, description = "The agent now", body = wire::Agent),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn set(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(name): Path<String>,
    body: Strict<wire::SetAgent>,
) -> Result<Json<wire::Agent>, Problem> {
    let name = named(&name)?;
    let wire::SetAgent { owner, tools: globs } = body.value;
    let owner = owner.map(|owner| parsed("/owner", &owner)).transpose()?;
    let (tools, now) = (tools(globs.as_deref())?, web.engine.now());
    web.engine.authority().change_agent((&person).into(), &name, owner, tools, now).await?;
    one(&web, &name).await
}

/// Say by which key an agent's permits take a proof from now on. Takes the role `owner`.
#[utoipa::path(put, path = "/v1/agents/{name}/confirmation", tag = "agents",
    params(("name" = String, Path, description = "Its name")),
    request_body(content = wire::ConfirmAgent),
    responses(
        (status = 200, description = "The agent now", body = wire::Agent),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn confirm(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(name): Path<String>,
    body: Strict<wire::ConfirmAgent>,
) -> Result<Json<wire::Agent>, Problem> {
    let name = named(&name)?;
    let key = body.value.key.as_deref().map(Thumbprint::named).transpose();
    let key = key.map_err(|bad| Problem::field("/key", bad.to_string()))?;
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.confirm_agent((&person).into(), &name, key, now).await?;
    one(&web, &name).await
}

/// Give an agent a new key; its others work on for a while. Takes the role `owner`.
#[utoipa::path(post, path = "/v1/agents/{name}/keys", tag = "agents",
    params(("name" = String, Path, description = "Its name")),
    request_body(content = wire::RotateKey, example = json!({"overlap": "1h"})),
    responses(
        (status = 201, description = "The key", body = wire::NewKey),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn rotate(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(name): Path<String>,
    body: Strict<wire::RotateKey>,
) -> Result<(StatusCode, Json<wire::NewKey>), Problem> {
    let overlap = body.value.overlap.map(|overlap| parsed("/overlap", &overlap)).transpose()?;
    let overlap = overlap.unwrap_or(Period::ZERO);
    if overlap > LONGEST_OVERLAP {
        return Err(Problem::field("/overlap", "is at most 30d"));
    }
    let (authority, now) = (web.engine.authority(), web.engine.now());
    let agent = authority.rotate_agent((&person).into(), named(&name)?, overlap, now).await?;
    Ok((StatusCode::CREATED, Json(key(&agent))))
}

/// End an agent, with all its keys. Takes the role `owner`.
#[utoipa::path(delete, path = "/v1/agents/{name}", tag = "agents",
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 204, description = "Ended"),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn revoke(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.revoke_agent((&person).into(), &named(&name)?, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn one(web: &Web, name: &AgentName) -> Result<Json<wire::Agent>, Problem> {
    let (directory, now) = (web.engine.authority().directory().await?, web.engine.now());
    let Some(agent) = directory.agent(name) else {
        let detail = format!("there is no agent {name}");
        return Err(Problem::new(super::problem::NOT_FOUND, detail));
    };
    Ok(Json(view(&directory, name, agent, now)))
}

fn key(agent: &NewAgent) -> wire::NewKey {
    wire::NewKey { name: agent.name.to_string(), token: agent.key.reveal() }
}

fn view(directory: &Directory, name: &AgentName, agent: &Machine, now: Timestamp) -> wire::Agent {
    let mut keys: Vec<_> = directory
        .credentials(now)
        .filter(|key| matches!(&key.holder, Holder::Agent(agent) if agent == name))
        .collect();
    keys.sort_by_key(|key| key.id);
    let keys = keys.into_iter().map(|key| wire::AgentKey {
        id: key.id.to_string(),
        since: key.since.to_string(),
        until: key.until.map(|until| until.to_string()),
    });
    let tools = agent.tools.as_ref();
    wire::Agent {
        name: name.to_string(),
        owner: agent.owner.as_ref().map(ToString::to_string),
        tools: tools.map(|tools| tools.iter().map(ToString::to_string).collect()),
        confirm: agent.confirm.map(|key| key.to_string()),
        keys: keys.collect(),
        since: agent.since.to_string(),
    }
}
