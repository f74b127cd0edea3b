//! The client's side: what it sends, and where that goes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::ahead::Ahead;
use super::call::{self, Desk};
use super::definitions::Definitions;
use super::frame::{
    Envelope, INVALID_REQUEST, Line, METHOD_NOT_FOUND, Outcome, PARSE_ERROR, next_line, raw,
};
use super::held::Held;
use super::listing::Catalogue;
use super::merge;
use super::upstream::{Said, Upstream};
use super::{NotRunning, Setup};

/// How long calls that are being made may take to end when the client has gone.
const LAST_CALLS: Duration = Duration::from_secs(10);

/// One client and the servers behind us.
pub(super) struct Session {
    pub(super) upstreams: Vec<Upstream>,
    pub(super) catalogue: Catalogue,
    pub(super) held: Held,
    pub(super) definitions: Definitions,
    pub(super) ahead: Arc<Ahead>,
    pub(super) desk: Desk,
    pub(super) grace: Duration,
    /// Ends when everything has been told.
    telling: Mutex<Option<tokio::task::JoinHandle<()>>>,
    output: mpsc::Sender<String>,
    /// What servers asked the client under their own ids, where there are several: the server, and
    /// the id it knows.
    asked: Mutex<HashMap<String, (usize, Box<RawValue>)>>,
}

impl Session {
    /// Starts the servers and the way to the client.
    pub(super) fn start(
        setup: Setup,
        mut output: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Arc<Self>, NotRunning> {
        let definitions = Definitions::open(setup.definitions)?;
        let (frames, mut lines) = mpsc::channel::<String>(64);
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                let sent = async {
                    output.write_all(line.as_bytes()).await?;
                    output.write_all(b"\n").await?;
                    output.flush().await
                };
                if sent.await.is_err() {
                    break;
                }
            }
        });
        let (said, mut heard) = mpsc::channel(64);
        let servers = setup.config.servers.iter().enumerate();
        let upstreams: Result<_, _> = servers
            .map(|(server, (name, config))| Upstream::start(server, name, config, said.clone()))
            .collect();
        let (ahead, telling) = Ahead::start(&setup.desk);
        let session = Arc::new(Self {
            upstreams: upstreams?,
            catalogue: Catalogue::default(),
            held: Held::default(),
            definitions,
            ahead,
            telling: Mutex::new(Some(telling)),
            desk: setup.desk,
            grace: setup.grace,
            output: frames,
            asked: Mutex::default(),
        });
        let listening = Arc::downgrade(&session);
        tokio::spawn(async move {
            while let Some(said) = heard.recv().await {
                let Some(session) = listening.upgrade() else { break };
                session.hear(said).await;
            }
        });
        Ok(session)
    }

    /// Serves until the client goes.
    pub(super) async fn serve(self: Arc<Self>, mut input: impl AsyncBufRead + Unpin) {
        let mut requests = JoinSet::new();
        loop {
            match next_line(&mut input).await {
                Line::End => break,
                Line::Bad(wrong) => self.tell_nobody(PARSE_ERROR, wrong).await,
                Line::Text(line) if line.trim().is_empty() => {}
                Line::Text(line) => {
                    if let Some(request) = self.take(line).await {
                        let session = Arc::clone(&self);
                        requests.spawn(async move { session.answer(request).await });
                    }
                }
            }
            while requests.try_join_next().is_some() {}
        }
        // What has begun may end; what waits for people waits without us.
        let _ = tokio::time::timeout(LAST_CALLS, async {
            while requests.join_next().await.is_some() {}
            let telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner).take();
            // The last who could add to it goes with us.
            drop(self);
            if let Some(telling) = telling {
                let _ = telling.await;
            }
        })
        .await;
    }

    async fn tell(&self, line: String) {
        // A client that is gone is told nothing.
        let _ = self.output.send(line).await;
    }

    async fn tell_nobody(&self, code: i32, message: &str) {
        self.tell(Outcome::error(code, message).to_frame(RawValue::NULL)).await;
    }

    /// Takes a frame; gives it back as a request if it is one.
    async fn take(&self, line: String) -> Option<Request> {
        let envelope = match Envelope::read(&line) {
            Ok(envelope) => envelope,
            Err(wrong) => {
                self.tell_nobody(INVALID_REQUEST, &wrong).await;
                return None;
            }
        };
        let (id, method) = (envelope.id.map(ToOwned::to_owned), envelope.method.as_deref());
        match (id, method) {
            (Some(id), Some(method)) => {
                if id.get().starts_with("\"sayso-") {
                    let wrong = "ids that begin with \"sayso-\" are the gateway's own";
                    self.tell(Outcome::error(INVALID_REQUEST, wrong).to_frame(&id)).await;
                    return None;
                }
                let (method, params) = (method.to_owned(), envelope.params.map(ToOwned::to_owned));
                Some(Request { id, method, params, line })
            }
            (None, Some(_)) => {
                // To whom it matters is not said: servers ignore what is not theirs. A call that
                // we hold or make lives on when its request is cancelled.
                for upstream in &self.upstreams {
                    upstream.send(line.clone()).await;
                }
                None
            }
            (Some(id), None) => {
                self.pass_answer(&id, &envelope, &line).await;
                None
            }
            (None, None) => {
                self.tell_nobody(INVALID_REQUEST, "neither `method` nor `id`").await;
                None
            }
        }
    }

    /// Passes the client's answer on to the server that asked.
    async fn pass_answer(&self, id: &RawValue, envelope: &Envelope<'_>, line: &str) {
        if let [only] = &self.upstreams[..] {
            return only.send(line.to_owned()).await;
        }
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(id.get());
        if let (Some((server, id)), Some(outcome)) = (asked, Outcome::of(envelope)) {
            self.upstreams[server].send(outcome.to_frame(&id)).await;
        }
    }

    async fn answer(&self, request: Request) {
        let Request { id, method, params, line } = request;
        let (params, upstreams) = (params.as_deref(), &self.upstreams);
        let outcome = match method.as_str() {
            "initialize" => merge::initialize(upstreams, params).await,
            "server/discover" => merge::discover(upstreams, params).await,
            "tools/list" => {
                let params =
                    params.and_then(|params| serde_json::from_str::<Value>(params.get()).ok());
                let meta = params.as_ref().and_then(|params| params.get("_meta"));
                self.catalogue.list(self, meta).await
            }
            "tools/call" => call::call(self, params).await,
            _ => match &upstreams[..] {
                [only] => return only.send(line).await,
                _ => self.of_several(&method, params).await,
            },
        };
        self.tell(outcome.to_frame(&id)).await;
    }

    /// What else a client asks, of several servers.
    async fn of_several(&self, method: &str, params: Option<&RawValue>) -> Outcome {
        if let Some(member) = merge::list_member(method) {
            return merge::list(&self.upstreams, method, member, params).await;
        }
        match method {
            "ping" => Outcome::result(&json!({})),
            "logging/setLevel" => {
                for upstream in &self.upstreams {
                    let none = super::upstream::no_params();
                    upstream.ask(method, params.unwrap_or(&none)).await;
                }
                Outcome::result(&json!({}))
            }
            "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "prompts/get"
            | "completion/complete" => merge::first(&self.upstreams, method, params).await,
            _ => Outcome::error(METHOD_NOT_FOUND, "not to be had from several servers at once"),
        }
    }

    /// A server said something: to what the client asked, or by itself.
    async fn hear(&self, Said { server, line }: Said) {
        let Ok(envelope) = Envelope::read(&line) else { return };
        if envelope.method.as_deref() == Some("notifications/tools/list_changed") {
            self.catalogue.forget();
        }
        let request = envelope.id.zip(envelope.method.as_deref());
        let (Some((id, method)), true) = (request, self.upstreams.len() > 1) else {
            return self.tell(line).await;
        };
        // Two servers may ask under the same id: the client is asked under one of ours.
        let ours = raw(&format!("server-{server}-{}", id.get()));
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(ours.get().to_owned(), (server, id.to_owned()));
        let frame = json!({
            "jsonrpc": "2.0", "id": ours, "method": method, "params": envelope.params,
        });
        self.tell(frame.to_string()).await;
    }
}

/// A request of the client's.
struct Request {
    id: Box<RawValue>,
    method: String,
    params: Option<Box<RawValue>>,
    line: String,
}
