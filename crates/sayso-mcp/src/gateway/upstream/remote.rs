//! A server elsewhere, spoken to by streamable HTTP, in either revision.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, Url};
use serde_json::Value;
use sse_stream::SseStream;

use super::{Asks, Ear, Lost};
use crate::gateway::eras::MODERN;
use crate::gateway::frame::{Envelope, LONGEST, one_line};
use crate::gateway::headers::{LAST_EVENT, SESSION, VERSION};
use crate::gateway::reply::Reply;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(10);
/// When a stream is asked for again, if the server does not say.
const AGAIN: Duration = Duration::from_secs(1);
/// How often in a row a stream is asked for again in vain.
const TRIES: u32 = 5;
const MOST_REDIRECTS: usize = 3;
const TOO_LONG: &str = "it answered more than 16 MiB";

/// A client for all servers elsewhere. Its trust anchors are Mozilla's, built in.
pub(in crate::gateway) fn http_client() -> Result<Client, reqwest::Error> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut builder = Client::builder()
        .connect_timeout(PATIENCE)
        .redirect(Policy::custom(to_the_same_host))
        .tcp_nodelay(true);
    let tls =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    if let Ok(tls) = tls {
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        builder = builder.tls_backend_preconfigured(tls);
    }
    builder.build()
}

/// Credentials go nowhere else.
fn to_the_same_host(attempt: Attempt) -> reqwest::redirect::Action {
    let at = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port());
    let stays = attempt.previous().first().is_some_and(|first| at(first) == at(attempt.url()));
    if stays && attempt.previous().len() <= MOST_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// One session with a server, or none if it needs none.
pub(super) struct Remote {
    way: Arc<Way>,
    gone: AtomicBool,
    standing: Mutex<Option<tokio::task::AbortHandle>>,
}

/// How it is spoken to.
struct Way {
    client: Client,
    url: Url,
    headers: HeaderMap,
    ear: Ear,
    /// What the legacy revision has of a session: its id, and the revision agreed on.
    session: Mutex<HeaderMap>,
}

impl Remote {
    pub(super) fn new(client: Client, url: Url, headers: HeaderMap, ear: Ear) -> Self {
        let way = Way { client, url, headers, ear, session: Mutex::default() };
        Self { way: Arc::new(way), gone: AtomicBool::new(false), standing: Mutex::default() }
    }

    /// Whether its session is over.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// Passes a frame on that has no answer.
    pub(super) async fn send(&self, line: String) {
        let opened = Envelope::read(&line)
            .is_ok_and(|envelope| envelope.method.as_deref() == Some("notifications/initialized"));
        // What it says to that changes nothing here.
        let _ = self.way.post(line, HeaderMap::new()).send().await;
        if opened {
            self.listen();
        }
    }

    /// Hears what the server says by itself, if it has a stream for that.
    fn listen(&self) {
        let way = Arc::clone(&self.way);
        let listening = tokio::spawn(async move {
            let mut place = Place::default();
            let mut tries = 0;
            while tries < TRIES {
                let Ok(response) = way.get(&place).send().await else { return };
                if response.status() != StatusCode::OK || !is_stream(&response) {
                    return;
                }
                tries = if way.read(response, &mut place, None).await.is_some() {
                    0
                } else {
                    tries + 1
                };
                tokio::time::sleep(place.again).await;
            }
        });
        let before = self
            .standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(listening.abort_handle());
        if let Some(before) = before {
            before.abort();
        }
    }

    /// Sends a request, and gives the frame that answers it.
    pub(super) async fn exchange(
        &self,
        asks: &Asks,
        line: String,
        back: &Reply,
    ) -> Result<String, Lost> {
        let is_taken_back = !asks.is_modern && asks.method != "initialize";
        let mut asked = Asked { way: &self.way, id: is_taken_back.then_some(&asks.id) };
        let answered = self.exchanged(asks, line, back).await;
        // With an answer or without: there is nothing to take back any more.
        asked.id = None;
        answered
    }

    async fn exchanged(&self, asks: &Asks, line: String, back: &Reply) -> Result<String, Lost> {
        let way = &self.way;
        let mut headers = asks.headers.clone();
        if asks.is_modern {
            headers.insert(VERSION, HeaderValue::from_static(MODERN));
        }
        let response = way.post(line, headers).send().await.map_err(|error| lost(&error))?;
        let status = response.status();
        if status == StatusCode::NOT_FOUND && way.has_session() {
            self.gone.store(true, Ordering::SeqCst);
            return Err(Lost::Unreached("its session is over".into()));
        }
        if asks.method == "initialize"
            && let Some(id) = response.headers().get(SESSION).cloned()
        {
            way.session().insert(SESSION, id);
        }
        let answer = match is_stream(&response) {
            true => self.streamed(response, back).await?,
            false => {
                let text = text(response).await?;
                let is_answer = Envelope::read(&text).is_ok_and(|frame| frame.method.is_none());
                if !is_answer {
                    let said = format!("it answered {status} and nothing that is MCP");
                    let undone = status.is_client_error();
                    return Err(if undone { Lost::Unreached(said) } else { Lost::Gone(said) });
                }
                one_line(text)
            }
        };
        if asks.method == "initialize" {
            way.agree(&answer);
        }
        Ok(answer)
    }

    /// The answer of a stream, which may be asked for again when it breaks off.
    async fn streamed(&self, response: Response, back: &Reply) -> Result<String, Lost> {
        let way = &self.way;
        let broken = || Lost::Gone("the connection broke off before its answer".into());
        let mut place = Place::default();
        let mut response = Some(response);
        let mut tries = 0;
        loop {
            let before = place.last.clone();
            if let Some(response) = response.take() {
                match way.read(response, &mut place, Some(back)).await {
                    Some(Heard::Answer(answer)) => return Ok(answer),
                    _ if place.last.is_none() || !way.has_session() => return Err(broken()),
                    _ => {}
                }
            }
            tries = if place.last == before { tries + 1 } else { 0 };
            if tries > TRIES {
                return Err(broken());
            }
            back.pause();
            tokio::time::sleep(place.again).await;
            let again = way.get(&place).send().await.ok();
            response = again.filter(|again| again.status() == StatusCode::OK && is_stream(again));
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if let Some(standing) = self.standing.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            standing.abort();
        }
        // A session of ours is given up, if there is still time for that.
        if self.way.has_session()
            && !self.is_gone()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let request = self.way.dressed(self.way.client.delete(self.way.url.clone()));
            runtime.spawn(request.send());
        }
    }
}

/// Where a stream stands, so that it can be asked for again.
struct Place {
    last: Option<String>,
    again: Duration,
}

impl Default for Place {
    fn default() -> Self {
        Self { last: None, again: AGAIN }
    }
}

/// What was heard on a stream.
enum Heard {
    /// The answer to what was asked.
    Answer(String),
    /// Anything at all.
    Something,
}

impl Way {
    fn session(&self) -> std::sync::MutexGuard<'_, HeaderMap> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_session(&self) -> bool {
        self.session().contains_key(SESSION)
    }

    /// Notes the revision that was agreed on.
    fn agree(&self, answer: &str) {
        let answer: Value = serde_json::from_str(answer).unwrap_or_default();
        let agreed = answer["result"]["protocolVersion"].as_str();
        if let Some(agreed) = agreed.and_then(|agreed| HeaderValue::try_from(agreed).ok()) {
            self.session().insert(VERSION, agreed);
        }
    }

    fn dressed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request.headers(self.headers.clone()).headers(self.session().clone())
    }

    fn post(&self, line: String, headers: HeaderMap) -> reqwest::RequestBuilder {
        let request = self.client.post(self.url.clone());
        self.dressed(request)
            .headers(headers)
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, format!("{JSON}, {EVENTS}"))
            .body(line)
    }

    fn get(&self, place: &Place) -> reqwest::RequestBuilder {
        let request = self.dressed(self.client.get(self.url.clone())).header(ACCEPT, EVENTS);
        match &place.last {
            Some(last) => request.header(LAST_EVENT, last),
            None => request,
        }
    }

    /// Reads a stream until the answer or its end.
    async fn read(
        &self,
        response: Response,
        place: &mut Place,
        back: Option<&Reply>,
    ) -> Option<Heard> {
        // How much has come since the last event: none is without end.
        let length = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&length);
        let parts = response.bytes_stream().map(move |part| {
            let part = part.map_err(io::Error::other)?;
            match counted.fetch_add(part.len(), Ordering::Relaxed) + part.len() > LONGEST {
                true => Err(io::Error::other(TOO_LONG)),
                false => Ok(part),
            }
        });
        let mut events = SseStream::from_bytes_stream(parts);
        let mut heard = None;
        while let Some(Ok(event)) = events.next().await {
            length.store(0, Ordering::Relaxed);
            heard = Some(Heard::Something);
            if event.id.is_some() {
                place.last = event.id;
            }
            if let Some(again) = event.retry {
                place.again = Duration::from_millis(again);
            }
            let Some(frame) = event.data.filter(|data| !data.trim().is_empty()) else { continue };
            let frame = one_line(frame);
            let Ok(envelope) = Envelope::read(&frame) else { continue };
            match (&envelope.method, back) {
                (None, Some(_)) => return Some(Heard::Answer(frame)),
                // An answer to nobody's question goes nowhere.
                (None, None) => {}
                (Some(_), back) => self.ear.hear(frame, back.cloned()).await,
            }
        }
        heard
    }
}

/// Takes a request back that nobody waits for any more. In the modern revision, closing the stream
/// does that.
struct Asked<'a> {
    way: &'a Way,
    id: Option<&'a String>,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let (Some(id), Ok(runtime)) = (self.id, tokio::runtime::Handle::try_current()) {
            runtime.spawn(self.way.post(super::cancelled(id), HeaderMap::new()).send());
        }
    }
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with(EVENTS))
}

/// The whole of an answer that is no stream.
async fn text(response: Response) -> Result<String, Lost> {
    let mut text = Vec::new();
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        text.extend_from_slice(&part.map_err(|error| lost(&error))?);
        if text.len() > LONGEST {
            return Err(Lost::Gone(TOO_LONG.into()));
        }
    }
    String::from_utf8(text).map_err(|_| Lost::Gone("it answered what is no UTF-8".into()))
}

/// Without its address, which may hold a secret.
fn lost(error: &reqwest::Error) -> Lost {
    match error.is_connect() {
        true => Lost::Unreached("it can't be reached".into()),
        false => Lost::Gone("the connection broke off".into()),
    }
}
