//! One client and the servers behind us: what it sends, and where that goes; what they say, and
//! whom that reaches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use super::Shared;
use super::agent::Agent;
use super::call;
use super::eras::{self, Era};
use super::frame::{Envelope, INVALID_REQUEST, METHOD_NOT_FOUND, Outcome, raw};
use super::listing::Catalogue;
use super::merge;
use super::parked::{self, Parked};
use super::reply::Reply;
use super::subscriptions::{self, Subscriptions};
use super::tasks;
use super::upstream::{Caller, Ear, NotStarted, OURS, Upstream, no_params};

/// How many rounds of questions a call may take.
const ROUNDS: usize = 10;

/// One client and the servers behind us.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) agent: Arc<Agent>,
    pub(super) upstreams: Vec<Upstream>,
    pub(super) catalogue: Catalogue,
    pub(super) subscriptions: Subscriptions,
    pub(super) parked: Parked,
    /// Where goes what belongs to no request.
    standing: Reply,
    /// Whether several clients speak through it at once.
    is_shared: bool,
    /// How a legacy client opened it.
    pub(super) hello: OnceLock<Value>,
    /// What servers asked the client under their own ids, where there are several: the server, and
    /// the id it knows.
    asked: Mutex<HashMap<String, (usize, Box<RawValue>)>>,
    /// What we asked the client.
    asking: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    requests: Mutex<JoinSet<()>>,
    in_flight: Mutex<HashMap<String, AbortHandle>>,
}

/// Who asks for something, in which revision, and what it says of itself.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) era: Era,
    pub(super) meta: Option<Value>,
    pub(super) back: Reply,
}

impl Asker {
    /// Whose request has these params.
    pub(super) fn of(params: Option<&RawValue>, back: Reply) -> Self {
        let era = Era::of(params);
        let meta = match era {
            Era::Modern => params.and_then(eras::meta),
            Era::Legacy => None,
        };
        Self { era, meta, back }
    }

    /// Whether its request may be answered with a task.
    pub(super) fn takes_tasks(&self) -> bool {
        eras::takes_tasks(self.meta.as_ref())
    }
}

/// A request of the client's.
struct Request {
    id: Box<RawValue>,
    method: String,
    params: Option<Box<RawValue>>,
    line: String,
    reply: Reply,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Starts the servers. What belongs to no request goes to `standing`.
    pub(super) fn start(
        shared: &Arc<Shared>,
        agent: &Arc<Agent>,
        standing: Reply,
        is_shared: bool,
    ) -> Result<Arc<Self>, NotStarted> {
        let mut failed = None;
        let session = Arc::new_cyclic(|session| {
            let mut upstreams = Vec::new();
            for (server, (name, config)) in shared.config.servers.iter().enumerate() {
                let ear = Ear { session: session.clone(), server };
                match Upstream::start(name, config, shared.http.clone(), ear, is_shared) {
                    Ok(upstream) => upstreams.push(upstream),
                    Err(error) => failed = Some(error),
                }
            }
            Self {
                shared: Arc::clone(shared),
                agent: Arc::clone(agent),
                upstreams,
                catalogue: Catalogue::default(),
                subscriptions: Subscriptions::default(),
                parked: Parked::default(),
                standing,
                is_shared,
                hello: OnceLock::new(),
                asked: Mutex::default(),
                asking: Mutex::default(),
                requests: Mutex::default(),
                in_flight: Mutex::default(),
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let (changes, told) = (agent.ahead.changes(), Arc::downgrade(&session));
        tokio::spawn(async move {
            loop {
                changes.notified().await;
                let Some(session) = told.upgrade() else { return };
                session.tell_tools_changed().await;
            }
        });
        Ok(session)
    }

    /// Gives up whatever is still asked.
    pub(super) fn close(&self) {
        locked(&self.requests).abort_all();
    }

    /// Ends when all requests have been answered.
    pub(super) async fn end(&self) {
        let mut requests = std::mem::take(&mut *locked(&self.requests));
        while requests.join_next().await.is_some() {}
    }

    /// Takes a frame of the client's; what there is to say to it goes to `reply`. Gives a handle
    /// by which a request is taken back.
    pub(super) async fn take(self: &Arc<Self>, line: String, reply: Reply) -> Option<AbortHandle> {
        let envelope = match Envelope::read(&line) {
            Ok(envelope) => envelope,
            Err(wrong) => {
                let frame = Outcome::error(INVALID_REQUEST, &wrong).to_frame(RawValue::NULL);
                reply.answer(frame).await;
                return None;
            }
        };
        let (id, method) = (envelope.id.map(ToOwned::to_owned), envelope.method.as_deref());
        // What we passed on as something else, a lenient server might carry out as a call.
        let is_call = method.is_some_and(call::may_be_meant);
        let has_id = id.as_deref().is_some_and(|id| id.get() != "null");
        if is_call && (!has_id || method != Some(call::METHOD)) {
            let wrong = "a call is `tools/call`, letter by letter, and has an `id`";
            let wrong = Outcome::error(INVALID_REQUEST, wrong);
            reply.answer(wrong.to_frame(id.as_deref().unwrap_or(RawValue::NULL))).await;
            return None;
        }
        match (id, method) {
            (Some(id), Some(method)) => {
                let (method, params) = (method.to_owned(), envelope.params.map(ToOwned::to_owned));
                Some(self.begin(Request { id, method, params, line, reply }))
            }
            (None, Some(method)) => {
                let params = envelope.params.map(ToOwned::to_owned);
                let method = method.to_owned();
                self.notice(&method, params.as_deref(), line).await;
                None
            }
            (Some(id), None) => {
                self.pass_answer(&id, &envelope, &line).await;
                None
            }
            (None, None) => {
                let wrong = Outcome::error(INVALID_REQUEST, "neither `method` nor `id`");
                reply.answer(wrong.to_frame(RawValue::NULL)).await;
                None
            }
        }
    }

    /// Begins to answer a request.
    fn begin(self: &Arc<Self>, request: Request) -> AbortHandle {
        let session = Arc::clone(self);
        // Where several clients speak at once, ids are not theirs alone; they take requests back
        // by closing them.
        let key = (!self.is_shared).then(|| request.id.get().to_owned());
        let flying = key.clone();
        let mut requests = locked(&self.requests);
        while requests.try_join_next().is_some() {}
        let mut in_flight = locked(&self.in_flight);
        let handle = requests.spawn(async move {
            session.answer(request).await;
            if let Some(key) = flying {
                locked(&session.in_flight).remove(&key);
            }
        });
        if let Some(key) = key {
            in_flight.insert(key, handle.clone());
        }
        handle
    }

    /// A notification of the client's.
    async fn notice(&self, method: &str, params: Option<&RawValue>, line: String) {
        if method == "notifications/cancelled" {
            let params = params.and_then(|params| serde_json::from_str::<Value>(params.get()).ok());
            let id = params.map(|params| params["requestId"].to_string()).unwrap_or_default();
            // A call that waits for people, or is being made, goes on without its request; one that
            // has been answered is not taken back.
            if let Some(request) = locked(&self.in_flight).remove(&id) {
                request.abort();
            }
            return;
        }
        // To whom it matters is not said: servers ignore what is not theirs.
        for upstream in &self.upstreams {
            let era = upstream.opened().map(|opened| opened.era);
            let is_legacy = self.hello.get().is_some();
            let is_theirs = era.is_none_or(|era| (era == Era::Legacy) == is_legacy);
            if is_theirs {
                upstream.send(line.clone()).await;
            }
        }
    }

    /// Passes the client's answer on to who asked.
    async fn pass_answer(&self, id: &RawValue, envelope: &Envelope<'_>, line: &str) {
        let asking = locked(&self.asking).remove(id.get());
        if let Some(asking) = asking {
            if let Some(outcome) = Outcome::of(envelope) {
                let _ = asking.send(outcome);
            }
            return;
        }
        if let [only] = &self.upstreams[..] {
            return only.send(line.to_owned()).await;
        }
        let asked = locked(&self.asked).remove(id.get());
        if let Some((server, id)) = asked {
            self.upstreams[server].send(envelope.with_id(line, id.get())).await;
        }
    }

    /// Asks the client something, on the way to an answer of its own.
    async fn ask_client(&self, back: &Reply, method: &str, params: Option<&Value>) -> Outcome {
        let id = raw(&format!("{OURS}{}", super::random()));
        let (sender, answer) = oneshot::channel();
        locked(&self.asking).insert(id.get().to_owned(), sender);
        let frame = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        back.tell(frame.to_string()).await;
        answer.await.unwrap_or_else(|_| parked::refusal(method))
    }

    /// Shows the client's person where to decide, without waiting for what they do there.
    pub(super) async fn show(&self, back: &Reply, params: Value) {
        let id = format!("{OURS}{}", super::random());
        let frame = json!({
            "jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": params,
        });
        // What is answered decides nothing.
        let (sender, _) = oneshot::channel();
        locked(&self.asking).insert(format!("\"{id}\""), sender);
        back.tell(frame.to_string()).await;
    }

    async fn answer(self: &Arc<Self>, request: Request) {
        let Request { id, method, params, line, reply } = request;
        let params = params.as_deref();
        let asker = Asker::of(params, reply.clone());
        let outcome = match method.as_str() {
            "initialize" if asker.era == Era::Legacy => merge::initialize(self, params).await,
            "initialize" => Outcome::error(METHOD_NOT_FOUND, "nothing is opened in this revision"),
            "server/discover" => merge::discover(self, params).await,
            _ => match merge::be_open(self, &asker).await {
                Err(outcome) => outcome,
                Ok(()) => match method.as_str() {
                    "tools/list" => self.catalogue.list(self, &asker).await,
                    call::METHOD => call::call(self, params, &asker).await,
                    "subscriptions/listen" if asker.era == Era::Modern => {
                        subscriptions::listen(self, &id, params, &reply).await
                    }
                    _ => match tasks::answer(self, &method, params, &asker).await {
                        Some(outcome) => outcome,
                        None => match self.ungoverned(&method, params, &line, &asker).await {
                            Ok(frame) => return reply.answer(frame).await,
                            Err(outcome) => outcome,
                        },
                    },
                },
            },
        };
        reply.answer(outcome.to_frame(&id)).await;
    }

    /// The revision that a server speaks; an error, if it can't be asked while others can.
    async fn era(&self, server: usize, asker: &Asker) -> Result<Era, Outcome> {
        let upstream = &self.upstreams[server];
        if self.upstreams.len() == 1 {
            return Ok(upstream.once_opened().await.map_or(asker.era, |opened| opened.era));
        }
        upstream.opened().map(|opened| opened.era).ok_or_else(|| upstream.is_closed())
    }

    /// What we don't govern: as it came, where that can be; else an outcome.
    async fn ungoverned(
        self: &Arc<Self>,
        method: &str,
        params: Option<&RawValue>,
        line: &str,
        asker: &Asker,
    ) -> Result<String, Outcome> {
        let [only] = &self.upstreams[..] else {
            return Err(self.of_several(method, params, asker).await);
        };
        let theirs = self.era(0, asker).await?;
        let has_token = params.is_some_and(|params| params.get().contains("progressToken"));
        if theirs == asker.era && !(only.names_tokens() && has_token) {
            let envelope =
                Envelope::read(line).map_err(|wrong| Outcome::error(INVALID_REQUEST, &wrong))?;
            return only.relay(theirs, line, &envelope, &asker.back).await;
        }
        if theirs == Era::Modern && matches!(method, "ping" | "logging/setLevel") {
            return Err(Outcome::result(&json!({})));
        }
        Err(self.ask_raw(0, method, params, asker).await)
    }

    /// What else a client asks, of several servers.
    async fn of_several(
        self: &Arc<Self>,
        method: &str,
        params: Option<&RawValue>,
        asker: &Asker,
    ) -> Outcome {
        if let Some(member) = merge::list_member(method) {
            return merge::list(self, method, member, params, asker).await;
        }
        match method {
            "ping" => Outcome::result(&json!({})),
            "logging/setLevel" => {
                for server in 0..self.upstreams.len() {
                    self.ask_raw(server, method, params, asker).await;
                }
                Outcome::result(&json!({}))
            }
            "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "prompts/get"
            | "completion/complete" => merge::first(self, method, params, asker).await,
            _ => Outcome::error(METHOD_NOT_FOUND, "not to be had from several servers at once"),
        }
    }

    /// Asks a server with params as they came, as far as it speaks the client's revision.
    pub(super) async fn ask_raw(
        self: &Arc<Self>,
        server: usize,
        method: &str,
        params: Option<&RawValue>,
        asker: &Asker,
    ) -> Outcome {
        let upstream = &self.upstreams[server];
        let theirs = match self.era(server, asker).await {
            Ok(theirs) => theirs,
            Err(outcome) => return outcome,
        };
        let none = no_params();
        let params = params.unwrap_or(&none);
        if theirs == asker.era {
            return upstream.ask(theirs, method, params, &Caller::new(asker.back.clone())).await;
        }
        let params = serde_json::from_str(params.get()).unwrap_or_default();
        self.ask(server, method, params, asker, &Caller::new(asker.back.clone())).await
    }

    /// Asks a server on a client's behalf, in the server's revision.
    pub(super) async fn ask(
        self: &Arc<Self>,
        server: usize,
        method: &str,
        params: Map<String, Value>,
        asker: &Asker,
        caller: &Caller,
    ) -> Outcome {
        let upstream = &self.upstreams[server];
        let theirs = match self.era(server, asker).await {
            Ok(theirs) => theirs,
            Err(outcome) => return outcome,
        };
        match (asker.era, theirs) {
            (Era::Modern, Era::Legacy) => {
                parked::ask(self, server, method, params, asker, caller).await
            }
            (Era::Legacy, Era::Modern) => self.ask_modern(server, method, params, caller).await,
            _ => upstream.ask(theirs, method, &raw(&params), caller).await,
        }
    }

    /// Asks a modern server on a legacy client's behalf: what it wants to know first, the client is
    /// asked in the middle of its request.
    async fn ask_modern(
        &self,
        server: usize,
        method: &str,
        mut params: Map<String, Value>,
        caller: &Caller,
    ) -> Outcome {
        let hello = self.hello.get().cloned().unwrap_or_default();
        eras::to_modern(&mut params, &eras::modern_meta(&hello));
        let upstream = &self.upstreams[server];
        for _ in 0..ROUNDS {
            let outcome = upstream.ask(Era::Modern, method, &raw(&params), caller).await;
            let Some(wanted) = eras::wanted(&outcome) else { return outcome };
            let mut answers = Map::new();
            for (key, question) in &wanted.requests {
                let asks = question["method"].as_str().unwrap_or_default();
                let answer = match caller.back.is_heard() {
                    true => self.ask_client(&caller.back, asks, question.get("params")).await,
                    false => parked::refusal(asks),
                };
                if let Outcome::Error(_) = answer {
                    return answer;
                }
                answers.insert(key.clone(), answer.value().unwrap_or_default());
            }
            params.insert("inputResponses".into(), answers.into());
            match wanted.state {
                Some(state) => params.insert("requestState".into(), state),
                None => params.remove("requestState"),
            };
        }
        Outcome::error(METHOD_NOT_FOUND, "the server goes on asking, and never answers")
    }

    /// A server said something by itself, or on the way to an answer: then `back` is where to.
    pub(super) async fn hear(&self, server: usize, frame: String, back: Option<Reply>) {
        let Ok(envelope) = Envelope::read(&frame) else { return };
        let Some(method) = envelope.method.as_deref() else { return };
        if method == "notifications/tools/list_changed" {
            self.catalogue.forget();
        }
        let is_modern = self.hello.get().is_none();
        match envelope.id {
            Some(id) => self.hear_question(server, id, method, &envelope, &frame, back).await,
            None if subscriptions::is_change(method) => match back {
                Some(back @ Reply::Feed { .. }) => back.tell(frame).await,
                _ if is_modern => self.subscriptions.tell(&frame).await,
                _ => self.standing.tell(frame).await,
            },
            None => back.as_ref().unwrap_or(&self.standing).tell(frame).await,
        }
    }

    /// A server asks the client something.
    async fn hear_question(
        &self,
        server: usize,
        id: &RawValue,
        method: &str,
        envelope: &Envelope<'_>,
        frame: &str,
        back: Option<Reply>,
    ) {
        if let Some(Reply::Between { questions, .. }) = &back {
            let _ = questions.send(frame.to_owned()).await;
            return;
        }
        if self.hello.get().is_none() {
            // A modern client can be asked in answers only.
            let refused = parked::refusal(method).to_frame(id);
            return self.upstreams[server].send(refused).await;
        }
        let mut frame = frame.to_owned();
        if self.upstreams.len() > 1 {
            // Two servers may ask under the same id: the client is asked under one of ours.
            let ours = raw(&format!("server-{server}-{}", id.get()));
            frame = envelope.with_id(&frame, ours.get());
            locked(&self.asked).insert(ours.get().to_owned(), (server, id.to_owned()));
        }
        back.as_ref().unwrap_or(&self.standing).tell(frame).await;
    }

    /// The policy changed, so that tools are described in other words.
    pub(super) async fn tell_tools_changed(&self) {
        let frame = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
        match self.hello.get() {
            Some(_) => self.standing.tell(frame.to_owned()).await,
            None => self.subscriptions.tell(frame).await,
        }
    }
}
