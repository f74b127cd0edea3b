//! A server behind the gateway: how it is opened, in which revision, and what is asked of it.

mod opening;
mod process;
mod remote;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use http::HeaderMap;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::config::ServerConfig;
use super::eras::Era;
use super::frame::{Envelope, Outcome, UPSTREAM_GONE, UPSTREAM_UNREACHED, raw};
use super::headers::{self, Carried};
use super::reply::Reply;
use super::session::{Session, locked};
use process::Process;
use remote::Remote;

pub(super) use opening::{Hello, INITIALIZED, Opened};
pub(super) use remote::http_client;

/// What the gateway's own requests are called, so that they are nobody else's.
pub(super) const OURS: &str = "sayso-";
/// A server that ends is not started more often than that.
const RESPITE: Duration = Duration::from_secs(1);

/// A server that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the MCP server {name} can't be started: {cause}")]
pub struct NotStarted {
    /// Its name in the file.
    pub name: String,
    /// Why.
    pub cause: std::io::Error,
}

/// Who hears what a server says without being asked.
#[derive(Clone)]
pub(super) struct Ear {
    pub(super) session: Weak<Session>,
    /// Which server it is.
    pub(super) server: usize,
}

impl Ear {
    /// Hears nothing.
    pub(super) fn deaf() -> Self {
        Self { session: Weak::new(), server: 0 }
    }

    async fn hear(&self, frame: String, back: Option<Reply>) {
        if let Some(session) = self.session.upgrade() {
            session.hear(self.server, frame, back).await;
        }
    }
}

/// Why there is no answer.
enum Lost {
    /// It was never asked.
    Unreached(String),
    /// It may have done what it was asked, or not.
    Gone(String),
}

/// A request, as far as the way to a server must know it.
struct Asks {
    /// Its id, as JSON.
    id: String,
    method: String,
    is_modern: bool,
    headers: HeaderMap,
}

/// The way to a server.
enum Link {
    Process(Process),
    Remote(Remote),
}

impl Link {
    fn is_gone(&self) -> bool {
        match self {
            Self::Process(process) => process.is_gone(),
            Self::Remote(remote) => remote.is_gone(),
        }
    }

    async fn send(&self, line: String) {
        match self {
            Self::Process(process) => process.send(line).await,
            Self::Remote(remote) => remote.send(line).await,
        }
    }
}

/// Who asks, for what comes on the way to an answer.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) back: Reply,
    /// The arguments that are carried in headers, too.
    pub(super) carried: Arc<[Carried]>,
}

impl Caller {
    pub(super) fn new(back: Reply) -> Self {
        Self { back, carried: Arc::new([]) }
    }
}

/// A server behind the gateway.
pub(super) struct Upstream {
    /// Its name in the file.
    pub(super) name: String,
    config: ServerConfig,
    client: reqwest::Client,
    ear: Ear,
    /// Whether several clients speak to it at once.
    is_shared: bool,
    next: AtomicU64,
    link: std::sync::Mutex<Option<Arc<Link>>>,
    opened: std::sync::Mutex<Option<Arc<Opened>>>,
    /// When it was last not waited for any more.
    given_up: std::sync::Mutex<Option<Instant>>,
    /// Locked while it is being opened, so that nobody asks before that.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    since: Option<Instant>,
    hello: Option<Hello>,
}

impl Upstream {
    /// Starts it. What it says without being asked goes to `ear`.
    pub(super) fn start(
        name: &str,
        config: &ServerConfig,
        client: reqwest::Client,
        ear: Ear,
        is_shared: bool,
    ) -> Result<Self, NotStarted> {
        let mut upstream = Self {
            name: name.to_owned(),
            config: config.clone(),
            client,
            ear,
            is_shared,
            next: AtomicU64::new(1),
            link: std::sync::Mutex::default(),
            opened: std::sync::Mutex::default(),
            given_up: std::sync::Mutex::default(),
            state: Mutex::default(),
        };
        let link = upstream.new_link();
        link.map_err(|cause| NotStarted { name: name.to_owned(), cause })?;
        upstream.state.get_mut().since = Some(Instant::now());
        Ok(upstream)
    }

    /// The way to it as it is, if it has not ended.
    fn present_link(&self) -> Option<Arc<Link>> {
        let link = locked(&self.link);
        link.as_ref().filter(|link| !link.is_gone()).cloned()
    }

    fn new_link(&self) -> std::io::Result<Arc<Link>> {
        let link = Arc::new(match &self.config {
            config @ ServerConfig::Process { .. } => {
                Link::Process(Process::start(config, self.ear.clone())?)
            }
            ServerConfig::Remote { url, headers } => {
                let (url, headers) = (url.clone(), headers.clone());
                Link::Remote(Remote::new(self.client.clone(), url, headers, self.ear.clone()))
            }
        });
        *locked(&self.link) = Some(Arc::clone(&link));
        Ok(link)
    }

    /// The way to it, made anew if it has ended, and opened as before.
    async fn link(&self) -> Result<Arc<Link>, Lost> {
        let mut state = self.state.lock().await;
        if let Some(link) = self.present_link() {
            return Ok(link);
        }
        if state.since.is_some_and(|since| since.elapsed() < RESPITE) {
            return Err(Lost::Unreached("it has ended".into()));
        }
        state.since = Some(Instant::now());
        let link = self.new_link().map_err(|cause| Lost::Unreached(cause.to_string()))?;
        if let Some(hello) = state.hello.clone() {
            let opened = self.opening(&link, &hello).await;
            let opened = opened.map_err(|_| Lost::Unreached("it does not open again".into()))?;
            // The client, whose opening this is, has said so before.
            if matches!((opened.era, &hello), (Era::Legacy, Hello::Legacy(_))) {
                link.send(INITIALIZED.into()).await;
            }
            *locked(&self.opened) = Some(Arc::new(opened));
        }
        Ok(link)
    }

    /// Whether it can be asked now; otherwise what is to be answered in its place.
    pub(super) async fn is_there(&self) -> Result<(), Outcome> {
        self.link().await.map(drop).map_err(|lost| self.no_answer(lost))
    }

    fn no_answer(&self, lost: Lost) -> Outcome {
        let (code, why) = match lost {
            Lost::Unreached(why) => (UPSTREAM_UNREACHED, why),
            Lost::Gone(why) => (UPSTREAM_GONE, why),
        };
        Outcome::error(code, &format!("the server {} is gone: {why}", self.name))
    }

    async fn ask_on(&self, link: &Link, era: Era, method: &str, params: &RawValue) -> Outcome {
        let caller = Caller::new(Reply::Nobody);
        let (asks, line) = self.request(era, method, params, &caller);
        let answered = exchange(link, &asks, &line, None, &caller.back).await;
        self.outcome(answered)
    }

    /// Passes on a frame that has no answer.
    pub(super) async fn send(&self, line: String) {
        // One that is gone has nothing to do with what came before.
        if let Some(link) = self.present_link() {
            link.send(line).await;
        }
    }

    /// Asks something in the server's own revision, and waits for the answer.
    pub(super) async fn ask(
        &self,
        era: Era,
        method: &str,
        params: &RawValue,
        caller: &Caller,
    ) -> Outcome {
        let (mut asks, mut line) = self.request(era, method, params, caller);
        let mut token = None;
        if self.names_tokens()
            && let Some((params, own)) = with_token(params, &asks.id)
        {
            (asks, line) = self.request(era, method, &params, caller);
            token = Some((params, own));
        }
        let token = token.map(|(_, own)| own);
        let answered = self.exchange(&asks, &line, token, &caller.back).await;
        self.outcome(answered)
    }

    /// Passes a client's request on as it came, and gives the answer's frame as it came.
    pub(super) async fn relay(
        &self,
        era: Era,
        line: &str,
        envelope: &Envelope<'_>,
        back: &Reply,
    ) -> Result<String, Outcome> {
        let (Some(id), Some(method)) = (envelope.id, envelope.method.as_deref()) else {
            return Err(Outcome::error(super::frame::INVALID_REQUEST, "not a request"));
        };
        let headers = self.headers(era, method, envelope.params, &[]);
        let ours = match &self.config {
            ServerConfig::Process { .. } => Some(self.new_id()),
            ServerConfig::Remote { .. } => None,
        };
        let line = match &ours {
            Some(ours) => envelope.with_id(line, ours),
            None => line.to_owned(),
        };
        let asks = Asks {
            id: ours.clone().unwrap_or_else(|| id.get().to_owned()),
            method: method.to_owned(),
            is_modern: era == Era::Modern,
            headers,
        };
        let answer = self.exchange(&asks, &line, None, back).await;
        let answer = answer.map_err(|lost| self.no_answer(lost))?;
        let read = Envelope::read(&answer).map(|frame| match frame.id {
            Some(_) => Ok(frame.with_id(&answer, id.get())),
            // An error without an id: it could not even read it.
            None => Err(Outcome::of(&frame)),
        });
        match read {
            Ok(Ok(frame)) => Ok(frame),
            Ok(Err(Some(outcome))) => Err(outcome),
            _ => Err(self.no_answer(Lost::Gone("it answered what is no JSON-RPC".into()))),
        }
    }

    async fn exchange(
        &self,
        asks: &Asks,
        line: &str,
        token: Option<Box<RawValue>>,
        back: &Reply,
    ) -> Result<String, Lost> {
        let link = self.link().await?;
        match exchange(&link, asks, line, token.clone(), back).await {
            // It ended unasked: once more, on a new way.
            Err(Lost::Unreached(_)) if link.is_gone() => {
                exchange(&*self.link().await?, asks, line, token, back).await
            }
            answered => answered,
        }
    }

    fn outcome(&self, answered: Result<String, Lost>) -> Outcome {
        let answer = match answered {
            Ok(answer) => answer,
            Err(lost) => return self.no_answer(lost),
        };
        let outcome = Envelope::read(&answer).ok().and_then(|frame| Outcome::of(&frame));
        let odd = || self.no_answer(Lost::Gone("it answered what is no JSON-RPC".into()));
        outcome.unwrap_or_else(odd)
    }

    /// A request of our own, under a new id of ours.
    fn request(
        &self,
        era: Era,
        method: &str,
        params: &RawValue,
        caller: &Caller,
    ) -> (Asks, String) {
        let id = self.new_id();
        // A frame is one line, however the client wrote it.
        let params_line = one_line(params);
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":{},"params":{params_line}}}"#,
            Value::from(method)
        );
        let headers = self.headers(era, method, Some(params), &caller.carried);
        let asks = Asks { id, method: method.to_owned(), is_modern: era == Era::Modern, headers };
        (asks, line)
    }

    fn headers(
        &self,
        era: Era,
        method: &str,
        params: Option<&RawValue>,
        carried: &[Carried],
    ) -> HeaderMap {
        if era == Era::Legacy || matches!(self.config, ServerConfig::Process { .. }) {
            return HeaderMap::new();
        }
        let params = params.and_then(|params| serde_json::from_str(params.get()).ok());
        headers::of(method, &params.unwrap_or_default(), carried)
    }

    /// Whether clients' tokens for progress could be taken for one another's, so that ours stand
    /// in their place.
    pub(super) fn names_tokens(&self) -> bool {
        self.is_shared && matches!(self.config, ServerConfig::Process { .. })
    }

    /// A new id for a request of the gateway's own, as JSON.
    fn new_id(&self) -> String {
        format!("\"{OURS}{}\"", self.next.fetch_add(1, Ordering::Relaxed))
    }
}

async fn exchange(
    link: &Link,
    asks: &Asks,
    line: &str,
    token: Option<Box<RawValue>>,
    back: &Reply,
) -> Result<String, Lost> {
    match link {
        Link::Process(process) => process.exchange(&asks.id, line.to_owned(), token, back).await,
        Link::Remote(remote) => remote.exchange(asks, line.to_owned(), back).await,
    }
}

/// Params whose token for progress is a request's own id, and the token that it was.
fn with_token(params: &RawValue, id: &str) -> Option<(Box<RawValue>, Box<RawValue>)> {
    if !params.get().contains("progressToken") {
        return None;
    }
    let mut params: Value = serde_json::from_str(params.get()).ok()?;
    let token = params.get_mut("_meta")?.get_mut("progressToken")?;
    let own = raw(token);
    *token = serde_json::from_str(id).ok()?;
    Some((raw(&params), own))
}

/// The notification that takes a request back.
fn cancelled(id: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
    )
}

/// Raw JSON without line breaks between its tokens; none can stand inside one.
fn one_line(json: &RawValue) -> std::borrow::Cow<'_, str> {
    match json.get().contains(['\n', '\r']) {
        true => json.get().replace(['\n', '\r'], " ").into(),
        false => json.get().into(),
    }
}

/// Empty params.
pub(super) fn no_params() -> Box<RawValue> {
    raw(&json!({}))
}
