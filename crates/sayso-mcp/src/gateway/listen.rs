//! The gateway's door for many clients: streamable HTTP, in both live revisions.
//!
//! A client comes with its agent's own key, and say-so is asked for with it. Without a key it is
//! the gateway's own agent, if the gateway was told to have one.

mod guest;
mod legacy;
mod modern;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use serde_json::value::RawValue;
use tokio::net::TcpListener;

use super::eras::{Era, MODERN};
use super::frame::{Envelope, INVALID_REQUEST, LONGEST, Outcome, PARSE_ERROR, one_line};
use super::headers::{SESSION, VERSION};
use super::{LAST_CALLS, NotRunning, Setup, Shared};
use crate::server::Desk;
use guest::Guests;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const LOOPBACK: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "::1"];

/// Gives each agent its desk.
pub trait Desks: Send + Sync + 'static {
    /// The desk for an agent's key.
    fn desk(&self, key: &str) -> Arc<dyn Desk>;
}

/// How a gateway listens.
pub struct Listen {
    /// How it is set up.
    pub setup: Setup,
    /// Where agents that come with a key ask for say-so.
    pub desks: Arc<dyn Desks>,
    /// Whose say-so is asked for when a client has no key; if none, clients must have one.
    pub own: Option<Arc<dyn Desk>>,
    /// Names besides loopback that clients may know it by, and whose pages may speak to it.
    pub hosts: Vec<String>,
}

/// What the door knows.
struct Door {
    guests: Guests,
    hosts: Vec<String>,
}

/// Listens until `stop`, and ends when the calls that are being made have ended.
pub async fn listen(
    listen: Listen,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), NotRunning> {
    let Listen { setup, desks, own, hosts } = listen;
    let shared = Shared::new(setup, true)?;
    let door = Arc::new(Door { guests: Guests::new(shared, desks, own), hosts });
    let router = Router::new()
        .fallback(|| async { StatusCode::NOT_FOUND })
        .route("/mcp", axum::routing::any(enter))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(&door));
    // Held back, a streamed answer would cost 40 ms.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let serving = async { axum::serve(listener, router).await };
    tokio::select! {
        // Streams would go on for ever.
        served = serving => served?,
        () = stop => {}
    }
    let _ = tokio::time::timeout(LAST_CALLS, door.guests.end()).await;
    Ok(())
}

/// Why a client is turned away.
struct TurnedAway(StatusCode, Outcome);

impl TurnedAway {
    fn new(status: StatusCode, why: &str) -> Self {
        Self(status, Outcome::error(INVALID_REQUEST, why))
    }
}

impl IntoResponse for TurnedAway {
    fn into_response(self) -> Response {
        let Self(status, outcome) = self;
        let body = outcome.to_frame(RawValue::NULL);
        let mut response = (status, [(header::CONTENT_TYPE, JSON)], body).into_response();
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                headers
                    .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(header::ALLOW, header::HeaderValue::from_static("POST"));
            }
            _ => {}
        }
        response
    }
}

async fn enter(State(door): State<Arc<Door>>, request: Request) -> Response {
    served(&door, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn served(door: &Door, request: Request) -> Result<Response, TurnedAway> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    door.checks(headers)?;
    let guest = door.guests.guest(headers).await?;
    let session = match header_text(headers, &SESSION) {
        Some(id) => {
            let wrong = || TurnedAway::new(StatusCode::NOT_FOUND, "the session is over: open one");
            Some(guest.session(id).ok_or_else(wrong)?)
        }
        None => None,
    };
    let version = header_text(headers, &VERSION);
    match (parts.method, session) {
        (Method::GET, Some(session)) => {
            accepts(headers, &[EVENTS])?;
            Ok(session.follow(headers))
        }
        (Method::DELETE, Some(session)) => {
            guest.close(&session);
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        (Method::POST, session) => {
            accepts(headers, &[JSON, EVENTS])?;
            let line = read(headers, body).await?;
            let envelope = Envelope::read(&line).map_err(|wrong| {
                TurnedAway(StatusCode::BAD_REQUEST, Outcome::error(PARSE_ERROR, &wrong))
            })?;
            let method = envelope.method.as_deref();
            let streams = prefers_streams(headers);
            let opens = method == Some("initialize") && Era::of(envelope.params) == Era::Legacy;
            if opens && session.is_none() {
                return legacy::open(&guest, line).await;
            }
            match session {
                Some(session) => {
                    if version.is_some_and(|version| !super::eras::is_legacy(version)) {
                        let why = "MCP-Protocol-Version is not what this session speaks";
                        return Err(TurnedAway::new(StatusCode::BAD_REQUEST, why));
                    }
                    Ok(session.post(line, streams).await)
                }
                None => modern::post(&guest, headers, &envelope, &line, streams).await,
            }
        }
        _ => {
            let why = "POST what you ask; sessions are opened by `initialize`";
            Err(TurnedAway::new(StatusCode::METHOD_NOT_ALLOWED, why))
        }
    }
}

impl Door {
    /// Whether a request was meant for us: a page of somebody else's may have been made to call us
    /// by a name of its own (DNS rebinding).
    fn checks(&self, headers: &HeaderMap) -> Result<(), TurnedAway> {
        let turned = |why| Err(TurnedAway::new(StatusCode::FORBIDDEN, why));
        let host = header_text(headers, &header::HOST);
        if !host.is_some_and(|host| self.knows(host_of(host))) {
            return turned("the Host is not one that this gateway is known by");
        }
        if headers.contains_key(header::ORIGIN) {
            let origin = header_text(headers, &header::ORIGIN);
            let from = origin.and_then(|origin| origin.split_once("://"));
            let is_known = from.is_some_and(|(scheme, host)| {
                matches!(scheme, "http" | "https") && self.knows(host_of(host))
            });
            if !is_known {
                return turned("pages from that Origin may not speak to this gateway");
            }
        }
        Ok(())
    }

    fn knows(&self, host: &str) -> bool {
        let mut known = LOOPBACK.into_iter().chain(self.hosts.iter().map(String::as_str));
        known.any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// A host without its port.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// A header's text, if it stands there once.
fn header_text<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn accepts(headers: &HeaderMap, kinds: &[&str]) -> Result<(), TurnedAway> {
    let accepted: Vec<_> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .collect();
    let takes = |kind: &&str| {
        let group = kind.split('/').next().map(|group| format!("{group}/*")).unwrap_or_default();
        accepted.iter().any(|one| one == kind || *one == group || one == "*/*")
    };
    match kinds.iter().all(takes) {
        true => Ok(()),
        false => {
            let why = format!("the client must accept {}", kinds.join(" and "));
            Err(TurnedAway::new(StatusCode::NOT_ACCEPTABLE, &why))
        }
    }
}

/// Whether a client names streams before plain bodies.
fn prefers_streams(headers: &HeaderMap) -> bool {
    let accepted = header_text(headers, &header::ACCEPT).unwrap_or_default();
    accepted.find(EVENTS) < accepted.find(JSON)
}

/// The body, as one frame.
async fn read(headers: &HeaderMap, body: Body) -> Result<String, TurnedAway> {
    let kind = header_text(headers, &header::CONTENT_TYPE).unwrap_or_default();
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(JSON)) {
        let why = "the Content-Type must be application/json";
        return Err(TurnedAway::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let too_long =
        |_| TurnedAway::new(StatusCode::PAYLOAD_TOO_LARGE, "a message has at most 16 MiB");
    let body = axum::body::to_bytes(body, LONGEST).await.map_err(too_long)?;
    let text = String::from_utf8(body.into());
    let text = text.map_err(|_| {
        TurnedAway(StatusCode::BAD_REQUEST, Outcome::error(PARSE_ERROR, "a message is UTF-8"))
    })?;
    Ok(one_line(text))
}

/// The answer to a frame that has none.
fn accepted() -> Response {
    StatusCode::ACCEPTED.into_response()
}

/// Whether a client's headers say that it speaks the modern revision.
fn says_modern(headers: &HeaderMap) -> bool {
    header_text(headers, &VERSION).is_some_and(|version| version >= MODERN)
}
