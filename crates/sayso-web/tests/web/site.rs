//! A site to test: engine, store, people, agents, and a clock that tests move.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use jiff::Timestamp;
use sayso_core::Period;
use sayso_core::credential::Role;
use sayso_engine::{Actor, Clock, Engine, Options, PolicyFile};
use sayso_policy::Policy;
use sayso_store::sqlite::{Access, SqliteStore};
use sayso_web::api::RateLimit;
use sayso_web::inbox::SignOn;
use sayso_web::{Web, Wiring, router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt;

pub(crate) const POLICY: &str = r#"
[[rule]]
tool = "note"
tier = "fyi"

[[rule]]
name = "merges"
tool = "merge"
tier = "soft"
window = "15m"

[[rule]]
tool = "drop"
tier = "hard"

[[rule]]
tool = "drop_all"
tier = "hard"
quorum = 2
"#;

/// A clock that stands still until it is moved.
pub(crate) struct ManualClock(Mutex<(Timestamp, Period)>);

impl ManualClock {
    pub(crate) fn advance(&self, by: Period) {
        let mut time = self.0.lock().unwrap();
        *time = (by.after(time.0), time.1.plus(by));
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    fn running(&self) -> Period {
        self.0.lock().unwrap().1
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The problem's kind, its field, and what it says.
    pub(crate) fn problem(&self) -> (u16, String, String, String) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{self:?}");
        let problem = self.json();
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(problem["status"], self.status.as_u16());
        (self.status.as_u16(), text("type"), text("field"), text("detail"))
    }
}

pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) bot: String,
    pub(crate) ana: String,
    pub(crate) bo: String,
    router: Router,
    web: Web,
    _folder: tempfile::TempDir,
    stop: watch::Sender<bool>,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(POLICY, RateLimit::default()).await
    }

    pub(crate) async fn with_rate(rate: RateLimit) -> Self {
        Self::with(POLICY, rate).await
    }

    pub(crate) async fn with(policy: &str, rate: RateLimit) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), "default", Access::Serve).unwrap();
        let start = "2026-03-01T09:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock(Mutex::new((start, Period::ZERO))));
        let options = Options {
            policy: PolicyFile::fixed(Policy::parse(policy).unwrap()),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            issuer: "http://sayso.test".into(),
            ..Options::default()
        };
        let engine = Engine::start(Arc::new(store), options).await.unwrap();
        let now = engine.now();
        let authority = engine.authority();
        let (operator, bot) = (Actor::Operator, "bot".parse().unwrap());
        let bot = authority.add_agent(operator, bot, None, None, now).await.unwrap().key.reveal();
        let mut tokens = Vec::new();
        for name in ["ana", "bo"] {
            let roles = [Role::Reviewer];
            let added = authority.add_or_renew_person(name.parse().unwrap(), &roles, &[], now);
            tokens.push(added.await.unwrap().token.reveal());
        }
        let (stop, stopped) = watch::channel(false);
        let web = Web::new(Wiring {
            engine: engine.clone(),
            public_url: "http://sayso.test".into(),
            rate,
            sign_on: None,
            stop: stopped,
        });
        let bo = tokens.pop().unwrap();
        let ana = tokens.pop().unwrap();
        let router = router(web.clone());
        Self { engine, clock, bot, ana, bo, router, web, _folder: folder, stop }
    }

    /// Serves it on a port of its own, until it is stopped. Says where.
    pub(crate) async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        // Browsers take no address for the name that a passkey is made for.
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let web = Web::new(Wiring { public_url: url.as_str().into(), ..Wiring::clone(&self.web) });
        tokio::spawn(sayso_web::serve(listener, web));
        url
    }

    /// Serves it there, until it is stopped.
    pub(crate) fn serve_on(&self, listener: TcpListener) {
        tokio::spawn(sayso_web::serve(listener, self.web.clone()));
    }

    /// The same site under another address, where people log in at a provider.
    pub(crate) fn at(mut self, url: &str, sign_on: SignOn) -> Self {
        let wiring = Wiring::clone(&self.web);
        self.web = Web::new(Wiring { public_url: url.into(), sign_on: Some(sign_on), ..wiring });
        self.router = router(self.web.clone());
        self
    }

    /// The same site under another address.
    pub(crate) fn under(mut self, url: &str) -> Self {
        let wiring = Wiring::clone(&self.web);
        self.web = Web::new(Wiring { public_url: url.into(), ..wiring });
        self.router = router(self.web.clone());
        self
    }

    /// Where a person logs in, once.
    pub(crate) async fn login_path(&self, person: &str) -> String {
        let person = person.parse().unwrap();
        let (authority, now) = (self.engine.authority(), self.engine.now());
        let link = authority.login_link(Actor::Operator, &person, now).await.unwrap();
        format!("/login/{}", link.reveal())
    }

    /// Another agent's key.
    pub(crate) async fn agent(&self, name: &str) -> String {
        let (authority, now) = (self.engine.authority(), self.engine.now());
        let (operator, name) = (Actor::Operator, name.parse().unwrap());
        authority.add_agent(operator, name, None, None, now).await.unwrap().key.reveal()
    }

    /// A person with that role and no other.
    pub(crate) async fn person(&self, name: &str, role: Role) -> String {
        self.person_with(name, &[role]).await
    }

    /// A person with these roles.
    pub(crate) async fn person_with(&self, name: &str, roles: &[Role]) -> String {
        let (name, now) = (name.parse().unwrap(), self.engine.now());
        let added = self.engine.authority().add_or_renew_person(name, roles, &[], now).await;
        added.unwrap().token.reveal()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// The response's body as it comes, for streams.
    pub(crate) async fn open(&self, path: &str, token: &str) -> Body {
        self.stream(request(Method::GET, path, token).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn stream(&self, request: Request<Body>) -> Body {
        self.router.clone().oneshot(request).await.unwrap().into_body()
    }

    pub(crate) fn router(&self) -> &Router {
        &self.router
    }

    pub(crate) fn stop(&self) {
        self.stop.send(true).unwrap();
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(request(Method::GET, path, token).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.post_raw(path, token, body.to_string().into_bytes()).await
    }

    pub(crate) async fn post_raw(&self, path: &str, token: &str, body: Vec<u8>) -> Answer {
        self.send(request(Method::POST, path, token).body(body.into()).unwrap()).await
    }

    /// Sends anything; of a stream only how it begins.
    pub(crate) async fn begin(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let stream =
            head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let body = match stream {
            true => Vec::new(),
            false => body.collect().await.unwrap().to_bytes().to_vec(),
        };
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn put(&self, path: &str, token: &str, body: &Value) -> Answer {
        let body = body.to_string().into_bytes();
        self.send(request(Method::PUT, path, token).body(body.into()).unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        self.send(request(Method::DELETE, path, token).body(Body::empty()).unwrap()).await
    }

    /// Proposes a call of `tool`, as the bot.
    pub(crate) async fn propose(&self, tool: &str) -> Value {
        self.ask(json!({"action": {"tool": tool, "arguments": {"name": "x"}}})).await
    }

    /// Proposes anything, as the bot.
    pub(crate) async fn ask(&self, body: Value) -> Value {
        let answer = self.post("/v1/escalations", &self.bot, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.json()
    }

    /// Decides on what `escalation` shows.
    pub(crate) async fn decide(&self, token: &str, escalation: &Value, decision: &str) -> Answer {
        let path = format!("/v1/escalations/{}/decisions", escalation["id"].as_str().unwrap());
        let body = json!({"decision": decision, "digest": escalation["digest"]});
        self.post(&path, token, &body).await
    }

    /// The escalation as its agent sees it now.
    pub(crate) async fn now(&self, escalation: &Value) -> Value {
        let path = format!("/v1/escalations/{}", escalation["id"].as_str().unwrap());
        self.get(&path, &self.bot).await.json()
    }
}

/// A free port, and the address it makes.
pub(crate) async fn address() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

pub(crate) fn request(method: Method, path: &str, token: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
}

/// Reads server-sent events from a stream's body.
pub(crate) struct Events {
    body: Body,
    text: String,
}

impl Events {
    pub(crate) fn new(body: Body) -> Self {
        Self { body, text: String::new() }
    }

    /// The next event: its id, word, and data. Pulses are passed over.
    pub(crate) async fn next(&mut self) -> (String, String, Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let part = |name: &str| {
                    event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default()
                };
                let (id, word, data) = (part("id: "), part("event: "), part("data: "));
                if !word.is_empty() {
                    let data = serde_json::from_str(data).unwrap_or_default();
                    return (id.to_owned(), word.to_owned(), data);
                }
                continue;
            }
            let frame = tokio::time::timeout(Duration::from_secs(20), self.body.frame());
            let frame = frame.await.expect("an event within 20 s").unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    /// The next event of that word.
    pub(crate) async fn until(&mut self, word: &str) -> (String, Value) {
        loop {
            let (id, found, data) = self.next().await;
            if found == word {
                return (id, data);
            }
        }
    }

    /// Reads on until the stream ends.
    pub(crate) async fn end(&mut self) {
        while self.body.frame().await.is_some() {}
    }
}
