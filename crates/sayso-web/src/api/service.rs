//! What operators and libraries ask: health, metrics, keys, and who the caller is.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sayso_client::wire;
use sayso_engine::Account;
use serde_json::{Value, json};

use super::caller::Caller;
use super::problem::{self, Problem};
use crate::Web;

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", tag = "service",
    responses((status = 200, description = "It does")))]
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// Whether the server can do its work: the store answers, and the policy is in order.
#[utoipa::path(get, path = "/readyz", tag = "service",
    responses(
        (status = 200, description = "It can"),
        (status = 503, description = "It can't", body = wire::Problem,
         content_type = "application/problem+json"),
    ))]
pub(super) async fn ready(State(web): State<Web>) -> Result<Json<Value>, Problem> {
    web.engine.ping().await?;
    let state = web.engine.policy();
    // A bad newer file is no reason to take the server out: the last good policy judges.
    Ok(Json(json!({
        "status": "ready",
        "policy": state.policy.hash(),
        "policy_problem": state.problem.as_deref(),
    })))
}

/// Counts for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "service",
    responses((status = 200, description = "Metrics", content_type = "text/plain")))]
pub(super) async fn metrics(State(web): State<Web>) -> Result<Response, Problem> {
    let page = web.engine.metrics().await?;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], page).into_response())
}

/// The keys that permits are signed with, as a JWK set (RFC 7517).
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "permits",
    responses((status = 200, description = "The key set")))]
pub(super) async fn jwks(State(web): State<Web>) -> Json<Value> {
    Json(web.engine.permits().jwks(web.engine.now()))
}

/// Who the caller is.
#[utoipa::path(get, path = "/v1/me", tag = "service",
    responses((status = 200, description = "You", body = wire::Me)),
    security(("agent" = []), ("reviewer" = [])))]
pub(super) async fn me(State(web): State<Web>, caller: Caller) -> Result<Json<wire::Me>, Problem> {
    Ok(Json(match caller.0 {
        Account::Agent(agent) => {
            let directory = web.engine.authority().directory().await?;
            let tools = directory.agent(agent.name()).and_then(|known| known.tools.as_ref());
            wire::Me {
                name: agent.name().to_string(),
                roles: vec!["agent".into()],
                tools: tools.map(|tools| tools.iter().map(ToString::to_string).collect()),
            }
        }
        Account::Person(person) => wire::Me {
            name: person.name().to_string(),
            roles: person.roles().iter().map(|role| role.word().into()).collect(),
            tools: None,
        },
    }))
}

/// What is at no address.
pub(super) async fn nowhere() -> Problem {
    Problem::new(problem::NOT_FOUND, "there is nothing at this address; see /openapi.json")
}

/// What is not to be had with that method.
pub(super) async fn wrong_method() -> Problem {
    Problem::new(problem::METHOD, "this address takes another method; see /openapi.json")
}
