//! `/v1/permits`: executors redeem, once, and say what came of it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use sayso_client::wire;
use sayso_core::escalation::ReceiptResult;
use sayso_core::signature::PersonKey;
use sayso_core::statement::SignedStatement;
use sayso_engine::Possession;
use serde_json::json;

use super::body::Strict;
use super::caller::AgentCaller;
use super::escalations::escalation_id;
use super::problem::Problem;
use super::view;
use crate::Web;

/// The longest comment on a receipt, in characters.
const LONGEST_COMMENT: usize = 4_000;

/// Turn a permit into the approved action, once. When this answers, "started" is on disk.
#[utoipa::path(
    post, path = "/v1/permits/redeem", tag = "permits",
    params(("DPoP" = Option<String>, Header, description = "A DPoP proof (RFC 9449), where the permit has a `cnf`")),
    request_body(content = wire::Redeem, example = json!({"permit": "eyJhbGciOiJFZERTQSIs…"})),
    responses(
        (status = 200, description = "The action: run exactly this", body = wire::Redeemed),
        (status = "4XX", description = "Refused: don't run anything", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("agent" = []))
)]
pub(super) async fn redeem(
    State(web): State<Web>,
    AgentCaller(executor): AgentCaller,
    headers: HeaderMap,
    body: Strict<wire::Redeem>,
) -> Result<Json<wire::Redeemed>, Problem> {
    let proof = possession(&headers, "POST", "/v1/permits/redeem")?;
    let redeemed = web.engine.redeem_with(&body.value.permit, &executor, proof).await?;
    let escalation = &redeemed.record.escalation;
    let started = redeemed.record.history.last().map(|past| past.at.to_string());
    Ok(Json(wire::Redeemed {
        action: view::action(&redeemed.action),
        digest: escalation.digest().to_string(),
        permit_id: escalation.id().to_string(),
        escalation: escalation.id().to_string(),
        started_at: started.unwrap_or_default(),
        evidence: redeemed.evidence.iter().map(evidence).collect(),
    }))
}

fn evidence((signed, key): &(SignedStatement, PersonKey)) -> wire::Evidence {
    let SignedStatement { statement, signature } = signed;
    let batch = signature.batch.as_ref();
    wire::Evidence {
        statement: String::from_utf8_lossy(&statement.bytes()).into_owned(),
        proof: json!(signature.proof),
        batch: batch.map(|batch| batch.statements().iter().map(ToString::to_string).collect()),
        key: json!(key),
    }
}

/// The proof that came with a request, if one did. Of two, neither is believed.
pub(super) fn possession<'a>(
    headers: &'a HeaderMap,
    method: &'a str,
    path: &'a str,
) -> Result<Option<Possession<'a>>, Problem> {
    let mut proofs = headers.get_all("DPoP").iter();
    let Some(proof) = proofs.next() else { return Ok(None) };
    match (proof.to_str(), proofs.next()) {
        (Ok(proof), None) => Ok(Some(Possession { proof, method, path })),
        _ => Err(Problem::field("DPoP", "is one proof, in ASCII")),
    }
}

/// Say what came of running what was redeemed.
#[utoipa::path(
    post, path = "/v1/permits/{id}/receipt", tag = "permits",
    params(("id" = String, Path, description = "The permit's id")),
    request_body(content = wire::Report, example = json!({"result": "succeeded"})),
    responses(
        (status = 200, description = "The escalation with its receipt", body = wire::Escalation),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("agent" = []))
)]
pub(super) async fn receipt(
    State(web): State<Web>,
    AgentCaller(executor): AgentCaller,
    Path(id): Path<String>,
    body: Strict<wire::Report>,
) -> Result<Json<wire::Escalation>, Problem> {
    let id = escalation_id(&id)?;
    let wire::Report { result, comment, precondition } = body.value;
    let result = match result.as_str() {
        "succeeded" => ReceiptResult::Succeeded,
        "failed" => ReceiptResult::Failed,
        "stale" => ReceiptResult::Stale,
        "unknown" => ReceiptResult::Unknown,
        _ => {
            let detail = "is one of `succeeded`, `failed`, `stale`, `unknown`";
            return Err(Problem::field("/result", detail));
        }
    };
    if comment.as_ref().is_some_and(|comment| comment.chars().count() > LONGEST_COMMENT) {
        let detail = format!("must have at most {LONGEST_COMMENT} characters");
        return Err(Problem::field("/comment", detail));
    }
    let record = match (result, precondition) {
        (ReceiptResult::Stale, Some(now)) => {
            web.engine.report_stale(id, &executor, now, comment).await?
        }
        (_, None) => web.engine.report(id, &executor, result, comment).await?,
        (_, Some(_)) => {
            let detail = "goes with the result `stale` alone: leave it out";
            return Err(Problem::field("/precondition", detail));
        }
    };
    Ok(Json(view::escalation(&web.engine, &record)))
}
