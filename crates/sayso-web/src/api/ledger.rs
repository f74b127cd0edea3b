//! `/v1/ledger`: everything that ever happened, in order, for auditors.

use axum::Json;
use axum::extract::{Path, Query, State};
use sayso_client::wire;
use sayso_core::EscalationId;
use sayso_store::{Entry, Happened};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{PersonCaller, reads_everything};
use super::problem::{self, Problem};
use crate::Web;

const LARGEST_PAGE: usize = 1_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    from: Option<u64>,
    limit: Option<usize>,
}

/// Read the ledger from an index on.
#[utoipa::path(
    get, path = "/v1/ledger/entries", tag = "ledger",
    params(
        ("from" = Option<u64>, Query, description = "The first index wanted; they begin with 1"),
        ("limit" = Option<usize>, Query, description = "At most so many, and never over 1000"),
    ),
    responses((status = 200, description = "Entries, oldest first, and the ledger's size")),
    security(("reviewer" = []))
)]
pub(super) async fn entries(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    query: Result<Query<Range>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Problem> {
    if !reads_everything(&person) {
        return Err(Problem::new(problem::FORBIDDEN, "the ledger is for people who may read all"));
    }
    let Query(Range { from, limit }) = query.map_err(|bad| Problem::field("?", bad.body_text()))?;
    let limit = limit.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
    let entries = web.engine.entries(from.unwrap_or(1), limit).await?;
    let size = web.engine.ledger_size().await?;
    let items: Vec<_> = entries.iter().map(shown).collect();
    Ok(Json(json!({"items": items, "size": size})))
}

/// Erase an escalation's texts: what was asked, said, answered and signed. The ledger keeps their
/// hashes, and an entry that says who erased them.
#[utoipa::path(
    delete, path = "/v1/escalations/{id}/texts", tag = "ledger",
    params(("id" = String, Path, description = "The escalation, which must have ended")),
    responses(
        (status = 200, description = "How many texts there were", body = wire::Erased),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = []))
)]
pub(super) async fn erase(
    State(web): State<Web>,
    Path(id): Path<String>,
    PersonCaller(person): PersonCaller,
) -> Result<Json<wire::Erased>, Problem> {
    let none = || Problem::new(problem::NOT_FOUND, format!("there is no escalation {id}"));
    let id: EscalationId = id.parse().map_err(|_| none())?;
    Ok(Json(wire::Erased { texts: web.engine.erase(id, &person).await? }))
}

fn shown(entry: &Entry) -> Value {
    let (escalation, version, event) = match &entry.happened {
        Happened::Escalation { id, version, event } => {
            (json!(id), json!(version), serde_json::to_value(event))
        }
        Happened::Workspace(event) => (Value::Null, Value::Null, serde_json::to_value(event)),
    };
    json!({
        "seq": entry.seq,
        "at": entry.at,
        "escalation": escalation,
        "version": version,
        "event": event.unwrap_or_default(),
        "body_hash": entry.body_hash,
    })
}
