//! `GET /v1/events`: everything that happens, as server-sent events.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use sayso_core::credential::Role;
use sayso_engine::Account;
use serde::Deserialize;

use super::caller::{Caller, reads_everything};
use super::problem::{self, Problem};
use super::view;
use crate::Web;
use crate::feed::Feed;

/// The longest name of a channel.
const LONGEST_CHANNEL: usize = 32;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Means {
    channel: Option<String>,
}

/// Follow what happens: first `open` for each escalation that is open, then `ready`, then every
/// event under its own word (`proposed`, `granted`, `vetoed`, …), each with the escalation as it is
/// now and a ledger index to resume after. `hearing` tells a listener that a window which stood
/// still goes on, because they are there.
///
/// While a reviewer follows, somebody is listening: windows pass.
#[utoipa::path(
    get, path = "/v1/events", tag = "events",
    params(
        ("Last-Event-ID" = Option<u64>, Header, description = "Go on after this index"),
        ("channel" = Option<String>, Query, description = "By what means it is shown: `terminal`"),
    ),
    responses((status = 200, description = "The stream", content_type = "text/event-stream")),
    security(("agent" = []), ("reviewer" = []))
)]
pub(super) async fn events(
    State(web): State<Web>,
    caller: Caller,
    headers: HeaderMap,
    query: Result<Query<Means>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Means { channel }) = query.map_err(|bad| Problem::field("?", bad.body_text()))?;
    let channel = channel.unwrap_or_else(|| "stream".into());
    let plain = |c: char| c.is_ascii_lowercase() || c == '-';
    if channel.is_empty() || channel.len() > LONGEST_CHANNEL || !channel.chars().all(plain) {
        return Err(Problem::field("?channel", "is a word of lower-case letters, like `terminal`"));
    }
    let after = headers.get("last-event-id").map(|value| {
        let index = value.to_str().ok().and_then(|text| text.parse().ok());
        index.ok_or_else(|| Problem::field("Last-Event-ID", "is the `id` of an event seen before"))
    });
    let (listens, agent) = match &caller.0 {
        Account::Agent(agent) => (false, Some(agent.name().clone())),
        Account::Person(person) if reads_everything(person) => (person.is(Role::Reviewer), None),
        Account::Person(_) => {
            return Err(Problem::new(problem::FORBIDDEN, "the events are not for this caller"));
        }
    };
    let credential = caller.credential();
    let with_permit = agent.is_some();
    let feed = Feed {
        engine: web.engine.clone(),
        after: after.transpose()?,
        channel,
        listens,
        agent,
        credential,
        write: Arc::new(move |engine, word, record| {
            let shown = match with_permit {
                true => view::with_permit(engine, record),
                false => view::escalation(engine, record),
            };
            let shown = serde_json::to_string(&shown).unwrap_or_default();
            format!("event: {word}\ndata: {shown}\n")
        }),
        stop: web.stop.clone(),
    };
    Ok(feed.into_response())
}
