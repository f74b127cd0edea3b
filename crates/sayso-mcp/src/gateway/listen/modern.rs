//! Requests of the modern revision (MCP 2026-07-28, basic/transports): each says for itself who
//! asks, in its body and again in its headers, and is taken back by closing it.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::guest::Guest;
use super::stream::{Hangup, Reading, response};
use super::{TurnedAway, accepted, header_text, says_modern};
use crate::gateway::eras::{self, Era, MODERN};
use crate::gateway::frame::{Envelope, INVALID_PARAMS, INVALID_REQUEST, Outcome, raw};
use crate::gateway::headers::{self, VERSION};
use crate::gateway::merge;
use crate::gateway::reply::{Reply, Stream};
use crate::gateway::session::{Asker, Session};

/// The headers say something else than the body.
const HEADER_MISMATCH: i32 = -32_020;

/// Answers a frame that belongs to no session.
pub(super) async fn post(
    guest: &Guest,
    headers: &HeaderMap,
    envelope: &Envelope<'_>,
    line: &str,
    streams: bool,
) -> Result<Response, TurnedAway> {
    let (id, method) = match (envelope.id, envelope.method.as_deref()) {
        (Some(id), Some(method)) => (id, method),
        // Without a session there is nobody whom a notification or an answer could concern.
        (None, Some(_)) if says_modern(headers) => return Ok(accepted()),
        _ => {
            let why = "Mcp-Session-Id is missing: sessions are opened by `initialize`";
            return Err(TurnedAway::new(StatusCode::BAD_REQUEST, why));
        }
    };
    let session = guest.modern().await?;
    if let Err(outcome) = checked(session, headers, method, envelope.params).await {
        return Ok(refused(id, &outcome));
    }
    let stream = Arc::new(Stream::default());
    let request = session.take(line.to_owned(), Reply::Stream(Arc::clone(&stream))).await;
    let reading = Reading { stream, read: 0, name: None, hangup: Hangup(request) };
    Ok(response(reading, Era::Modern, streams).await)
}

fn refused(id: &RawValue, outcome: &Outcome) -> Response {
    use axum::response::IntoResponse;
    let kind = [(axum::http::header::CONTENT_TYPE, super::JSON)];
    (StatusCode::BAD_REQUEST, kind, outcome.to_frame(id)).into_response()
}

/// Whether a request says all it must, and its headers the same.
async fn checked(
    session: &Arc<Session>,
    headers: &HeaderMap,
    method: &str,
    params: Option<&RawValue>,
) -> Result<(), Outcome> {
    let params: Map<String, Value> =
        params.and_then(|params| serde_json::from_str(params.get()).ok()).unwrap_or_default();
    let meta = params.get("_meta");
    let said = header_text(headers, &VERSION);
    let version = meta.and_then(|meta| meta.get(eras::VERSION)).and_then(Value::as_str);
    let Some(version) = version else {
        return Err(match said {
            Some(version) if version < MODERN => {
                let why = "Mcp-Session-Id is missing: sessions are opened by `initialize`";
                Outcome::error(INVALID_REQUEST, why)
            }
            _ => missing(eras::VERSION),
        });
    };
    if said != Some(version) {
        let why = "the header MCP-Protocol-Version says something else than the body, or nothing";
        return Err(Outcome::error(HEADER_MISMATCH, why));
    }
    if version != MODERN {
        return Err(Outcome::Error(raw(&json!({
            "code": eras::UNSUPPORTED_VERSION,
            "message": format!("{version} is not spoken here"),
            "data": {"supported": [MODERN], "requested": version},
        }))));
    }
    if !meta.and_then(|meta| meta.get(eras::CAPABILITIES)).is_some_and(Value::is_object) {
        return Err(missing(eras::CAPABILITIES));
    }
    let carried = match (method, params.get("name").and_then(Value::as_str)) {
        ("tools/call", Some(name)) => {
            let asker = Asker { era: Era::Modern, meta: meta.cloned(), back: Reply::Nobody };
            merge::be_open(session, &asker).await?;
            let place = session.catalogue.place(session, &asker, name).await;
            place.map(|place| place.carried).unwrap_or_default()
        }
        _ => Arc::default(),
    };
    let agree = headers::agree(headers, method, &params, &carried);
    agree.map_err(|why| Outcome::error(HEADER_MISMATCH, &why))
}

fn missing(key: &str) -> Outcome {
    Outcome::error(INVALID_PARAMS, &format!("`params._meta` must say {key:?}"))
}
