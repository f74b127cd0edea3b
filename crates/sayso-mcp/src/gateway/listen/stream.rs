//! What is told to a client, as HTTP: one JSON body if the answer is all there is to tell, else
//! server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::task::AbortHandle;

use super::JSON;
use crate::gateway::eras::Era;
use crate::gateway::frame::{Envelope, METHOD_NOT_FOUND, Outcome};
use crate::gateway::reply::{Next, Stream};

/// How long an answer may take before a stream is opened for it.
const SOON: Duration = Duration::from_millis(250);
/// So often something is said, lest somebody in between takes the stream for dead.
const KEPT_ALIVE: Duration = Duration::from_secs(15);
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

/// The response to a request, as soon as it is known what kind it is.
pub(super) async fn response(reading: Reading, era: Era) -> Response {
    let first = tokio::time::timeout(SOON, reading.stream.after(0)).await;
    match first {
        Ok(Next::Answer(frame)) => {
            let status = match era {
                Era::Modern => status_of(&frame),
                Era::Legacy => StatusCode::OK,
            };
            (status, [(header::CONTENT_TYPE, JSON)], frame.to_string()).into_response()
        }
        Ok(Next::Pause) => {
            // Its server wants to be asked again, and so do we.
            let event = stream::iter(begin(&reading).map(Ok::<_, Infallible>));
            Sse::new(event).into_response()
        }
        Ok(Next::Frame(_) | Next::End) | Err(_) => events(reading),
    }
}

/// A response of events, until the answer.
pub(super) fn events(reading: Reading) -> Response {
    let begin: Vec<_> =
        if reading.read == 0 { begin(&reading).into_iter().collect() } else { Vec::new() };
    let rest = stream::unfold(Some(reading), |reading| async {
        let mut reading = reading?;
        let (frame, is_last) = match reading.stream.after(reading.read).await {
            Next::Frame(frame) => (frame, false),
            Next::Answer(frame) => (frame, true),
            Next::Pause | Next::End => return None,
        };
        reading.read += 1;
        let mut event = Event::default().data(frame);
        if let Some(name) = &reading.name {
            event = event.id(format!("{name}-{}", reading.read));
        }
        Some((event, (!is_last).then_some(reading)))
    });
    let all = futures_util::StreamExt::chain(stream::iter(begin), rest);
    let all = futures_util::StreamExt::map(all, Ok::<_, Infallible>);
    Sse::new(all).keep_alive(KeepAlive::new().interval(KEPT_ALIVE)).into_response()
}

/// An event that says nothing, but from where to ask again.
fn begin(reading: &Reading) -> Option<Event> {
    let name = reading.name.as_ref()?;
    Some(Event::default().id(format!("{name}-0")).retry(AGAIN).data(""))
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
