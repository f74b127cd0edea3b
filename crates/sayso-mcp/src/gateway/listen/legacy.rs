//! Sessions of the legacy revision (MCP 2025-11-25, basic/transports): opened once, with streams
//! that can be asked for again from where they broke off.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::guest::Guest;
use super::stream::{Hangup, Reading, events, response};
use super::{TurnedAway, accepted, header_text};
use crate::gateway::eras::Era;
use crate::gateway::frame::{Outcome, UPSTREAM_UNREACHED};
use crate::gateway::headers::{LAST_EVENT, SESSION};
use crate::gateway::random;
use crate::gateway::reply::{Reply, Stream};
use crate::gateway::session::Session;

/// A session that nobody uses for that long is closed when there is need.
const IDLE: Duration = Duration::from_mins(30);
/// How many streams a session keeps to be asked for again.
const STREAMS: usize = 64;
/// The stream of what belongs to no request.
const STANDING: u64 = 0;

/// A client's session.
pub(super) struct LegacySession {
    pub(super) id: String,
    pub(super) session: Arc<Session>,
    streams: Mutex<BTreeMap<u64, Arc<Stream>>>,
    next: AtomicU64,
    used: Mutex<Instant>,
}

/// Opens a session by answering `initialize`.
pub(super) async fn open(guest: &Guest, line: String) -> Result<Response, TurnedAway> {
    let standing = Arc::new(Stream::default());
    let reply = Reply::Stream(Arc::clone(&standing));
    let session = Session::start(&guest.shared, &guest.agent, reply, false).map_err(|error| {
        let outcome = Outcome::error(UPSTREAM_UNREACHED, &error.to_string());
        TurnedAway(axum::http::StatusCode::BAD_GATEWAY, outcome)
    })?;
    let session = Arc::new(LegacySession {
        id: random(),
        session,
        streams: Mutex::new(BTreeMap::from([(STANDING, standing)])),
        next: AtomicU64::new(STANDING + 1),
        used: Mutex::new(Instant::now()),
    });
    guest.admit(&session)?;
    let mut response = session.post(line, false).await;
    if let Ok(id) = HeaderValue::try_from(&session.id) {
        response.headers_mut().insert(SESSION, id);
    }
    Ok(response)
}

impl LegacySession {
    fn streams(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Stream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn use_it(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether nobody has used it for long, and nobody listens.
    pub(super) fn is_idle(&self) -> bool {
        let listens =
            self.streams().get(&STANDING).is_some_and(|standing| Arc::strong_count(standing) > 2);
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        !listens && used.elapsed() > IDLE
    }

    /// Takes a frame, and answers it if it is a request.
    pub(super) async fn post(&self, line: String, streams: bool) -> Response {
        self.use_it();
        let stream = Arc::new(Stream::default());
        let name = self.next.fetch_add(1, Ordering::Relaxed);
        let is_request =
            self.session.take(line, Reply::Stream(Arc::clone(&stream))).await.is_some();
        if !is_request && stream.is_empty() {
            return accepted();
        }
        self.keep(name, &stream);
        // A client that breaks off does not take its request back in this revision.
        let hangup = Hangup(None);
        let reading = Reading { stream, read: 0, name: Some(name.to_string()), hangup };
        response(reading, Era::Legacy, streams).await
    }

    /// Keeps a stream to be asked for again.
    fn keep(&self, name: u64, stream: &Arc<Stream>) {
        let mut streams = self.streams();
        if streams.len() > STREAMS {
            // The oldest but for the standing one.
            let oldest = streams.keys().copied().find(|name| *name != STANDING);
            oldest.and_then(|oldest| streams.remove(&oldest));
        }
        streams.insert(name, Arc::clone(stream));
    }

    /// Follows what belongs to no request, or any stream from where it broke off.
    pub(super) fn follow(&self, headers: &HeaderMap) -> Response {
        self.use_it();
        let place = header_text(headers, &LAST_EVENT).and_then(|last| {
            let (name, read) = last.split_once('-')?;
            Some((name.parse().ok()?, read.parse().ok()?))
        });
        let (name, read) = place.unwrap_or((STANDING, 0));
        // One that is gone has nothing more to say.
        let stream = self.streams().get(&name).cloned().unwrap_or_else(Stream::ended);
        events(Reading { stream, read, name: Some(name.to_string()), hangup: Hangup(None) })
    }
}
