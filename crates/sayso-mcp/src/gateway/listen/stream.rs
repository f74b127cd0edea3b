//! What is told to a client, as HTTP: one JSON body if the answer is all there is to tell, else
//! server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use sse_stream::Sse;
use tokio::task::AbortHandle;

use super::{EVENTS, JSON};
use crate::gateway::eras::Era;
use crate::gateway::frame::{Envelope, METHOD_NOT_FOUND, Outcome};
use crate::gateway::reply::{Next, Stream};

/// How long an answer may take before a stream is opened for it.
const SOON: Duration = Duration::from_millis(250);
/// So often something is said, lest somebody in between takes the stream for dead.
const KEPT_ALIVE: Duration = Duration::from_secs(15);
const COMMENT: &[u8] = b":\n\n";
/// When a client whose stream was closed asks again.
const AGAIN: Duration = Duration::from_millis(500);

/// Codes that streamable HTTP has a status of its own for.
const REFUSALS: std::ops::RangeInclusive<i32> = -32_022..=-32_020;

/// Takes a request back when its client has gone.
pub(super) struct Hangup(pub(super) Option<AbortHandle>);

impl Drop for Hangup {
    fn drop(&mut self) {
        if let Some(request) = &self.0 {
            request.abort();
        }
    }
}

/// A stream under way to its reader.
pub(super) struct Reading {
    pub(super) stream: Arc<Stream>,
    /// How many frames have been read.
    pub(super) read: usize,
    /// The stream's name, if it can be asked for again.
    pub(super) name: Option<String>,
    #[expect(dead_code, reason = "it acts when it is dropped")]
    pub(super) hangup: Hangup,
}

/// The response to a request, as soon as it is known what kind it is: a body if that is all, or a
/// stream if the client `prefers` those and nothing was refused.
pub(super) async fn response(reading: Reading, era: Era, prefers: bool) -> Response {
    let first = tokio::time::timeout(SOON, reading.stream.after(0)).await;
    match first {
        Ok(Next::Answer(frame, _)) => {
            let status = match era {
                Era::Modern => status_of(&frame),
                Era::Legacy => StatusCode::OK,
            };
            if prefers && status == StatusCode::OK {
                return events(reading);
            }
            (status, [(header::CONTENT_TYPE, JSON)], frame.to_string()).into_response()
        }
        Ok(Next::Pause) => {
            // Its server wants to be asked again, and so do we.
            streamed(stream::iter(begin(&reading)))
        }
        Ok(Next::Frame(..) | Next::End) | Err(_) => events(reading),
    }
}

/// A response of events, until the answer.
pub(super) fn events(reading: Reading) -> Response {
    let begin = if reading.read == 0 { begin(&reading) } else { None };
    let rest = stream::unfold(Some(reading), |reading| async {
        let mut reading = reading?;
        let next = tokio::time::timeout(KEPT_ALIVE, reading.stream.after(reading.read)).await;
        let (frame, is_last) = match next {
            Ok(Next::Frame(frame, read)) => {
                reading.read = read;
                (frame, false)
            }
            Ok(Next::Answer(frame, read)) => {
                reading.read = read;
                (frame, true)
            }
            Ok(Next::Pause | Next::End) => return None,
            Err(_) => return Some((Bytes::from_static(COMMENT), Some(reading))),
        };
        let id = reading.name.as_ref().map(|name| format!("{name}-{}", reading.read));
        let event = Sse { id, data: Some(frame.to_string()), ..Sse::default() };
        Some((event.into(), (!is_last).then_some(reading)))
    });
    streamed(stream::iter(begin).chain(rest))
}

fn streamed(events: impl stream::Stream<Item = Bytes> + Send + 'static) -> Response {
    let body = Body::from_stream(events.map(Ok::<_, Infallible>));
    let headers = [(header::CONTENT_TYPE, EVENTS), (header::CACHE_CONTROL, "no-cache")];
    (headers, body).into_response()
}

/// An event that says nothing, but from where to ask again.
fn begin(reading: &Reading) -> Option<Bytes> {
    let id = format!("{}-0", reading.name.as_ref()?);
    Some(Sse::default().id(id).retry_duration(AGAIN).data("").into())
}

/// The status that goes with an answer (MCP 2026-07-28, basic/transports).
fn status_of(frame: &str) -> StatusCode {
    let outcome = Envelope::read(frame).ok().and_then(|envelope| Outcome::of(&envelope));
    match outcome.and_then(|outcome| outcome.code()) {
        Some(METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        Some(code) if REFUSALS.contains(&code) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}
