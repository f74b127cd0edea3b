//! Legacy servers ask their client in the middle of a request, and wait; modern clients are asked
//! by an answer that says so, and come again. In between, the request to the server is parked here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::eras::{self, Era};
use super::frame::{Envelope, INVALID_PARAMS, METHOD_NOT_FOUND, Outcome, raw};
use super::reply::Reply;
use super::session::{Asker, Session};
use super::upstream::Caller;

/// How long a question may stay without an answer.
const PATIENCE: Duration = Duration::from_mins(30);
/// How many requests may be parked at once.
const MOST: usize = 256;
/// The requests that may be answered with a question.
const MAY_ASK: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];

/// Requests that wait for an answer of the client's.
#[derive(Default)]
pub(super) struct Parked {
    requests: Mutex<HashMap<String, Running>>,
}

/// A request to a legacy server that is under way. It is taken back when this is dropped.
struct Running {
    server: usize,
    outcome: JoinSet<Outcome>,
    questions: mpsc::Receiver<String>,
    /// The question that waits: its id at the server, and its key.
    asked: Option<(Box<RawValue>, String)>,
    since: Instant,
}

impl Parked {
    fn put(&self, running: Running) -> String {
        let token = super::random();
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.retain(|_, running| running.since.elapsed() < PATIENCE);
        if requests.len() >= MOST {
            let oldest = requests.iter().min_by_key(|(_, running)| running.since);
            let oldest = oldest.map(|(token, _)| token.clone());
            oldest.and_then(|oldest| requests.remove(&oldest));
        }
        requests.insert(token.clone(), running);
        token
    }

    /// Each state is good for one answer.
    fn take(&self, token: &str) -> Option<Running> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).remove(token)
    }
}

/// Asks a legacy server on a modern client's behalf.
pub(super) async fn ask(
    session: &Arc<Session>,
    server: usize,
    method: &str,
    mut params: Map<String, Value>,
    asker: &Asker,
    caller: &Caller,
) -> Outcome {
    let state = params.remove("requestState");
    let answers = params.remove("inputResponses").unwrap_or_default();
    let mut running = match state {
        None => start(session, server, method, params, caller),
        Some(state) => {
            let parked = state.as_str().and_then(|token| session.parked.take(token));
            let Some(mut running) = parked.filter(|running| running.server == server) else {
                let wrong = "`requestState` is not known (any more): ask again without it";
                return Outcome::error(INVALID_PARAMS, wrong);
            };
            if let Some((id, key)) = running.asked.take() {
                let answer =
                    answers.get(&key).cloned().unwrap_or_else(|| json!({"action": "cancel"}));
                session.upstreams[server].send(Outcome::result(&answer).to_frame(&id)).await;
            }
            running
        }
    };
    loop {
        tokio::select! {
            biased;
            Some(question) = running.questions.recv() => {
                let Some((id, question)) = read(&question) else { continue };
                let asks = question["method"].as_str().unwrap_or_default();
                let can_ask = MAY_ASK.contains(&method) && eras::can_be_asked(asker.meta.as_ref(), asks);
                if !can_ask {
                    let refused = refusal(asks).to_frame(&id);
                    session.upstreams[server].send(refused).await;
                    continue;
                }
                let key = super::random();
                running.asked = Some((id, key.clone()));
                running.since = Instant::now();
                let state = session.parked.put(running);
                return Outcome::result(&json!({
                    "resultType": "input_required",
                    "inputRequests": {key: question},
                    "requestState": state,
                }));
            }
            Some(outcome) = running.outcome.join_next() => {
                let gone = || Outcome::error(super::frame::UPSTREAM_GONE, "the request broke off");
                return eras::modern_outcome(method, outcome.unwrap_or_else(|_| gone()));
            }
            else => return Outcome::error(super::frame::UPSTREAM_GONE, "the request broke off"),
        }
    }
}

fn start(
    session: &Arc<Session>,
    server: usize,
    method: &str,
    mut params: Map<String, Value>,
    caller: &Caller,
) -> Running {
    eras::to_legacy(&mut params);
    let (sender, questions) = mpsc::channel(8);
    let back = Reply::Between { questions: sender, rest: Box::new(caller.back.clone()) };
    let caller = Caller { back, carried: Arc::clone(&caller.carried) };
    let (session, method) = (Arc::clone(session), method.to_owned());
    let mut outcome = JoinSet::new();
    outcome.spawn(async move {
        session.upstreams[server].ask(Era::Legacy, &method, &raw(&params), &caller).await
    });
    Running { server, outcome, questions, asked: None, since: Instant::now() }
}

/// A question's id, and what it asks.
fn read(frame: &str) -> Option<(Box<RawValue>, Value)> {
    let envelope = Envelope::read(frame).ok()?;
    let mut question = json!({"method": envelope.method?});
    if let Some(params) = envelope.params {
        question["params"] = serde_json::from_str(params.get()).ok()?;
    }
    Some((envelope.id?.to_owned(), question))
}

/// What a server is answered that asks a client who can't be asked.
pub(super) fn refusal(method: &str) -> Outcome {
    match method {
        "ping" => Outcome::result(&json!({})),
        "elicitation/create" => Outcome::result(&json!({"action": "cancel"})),
        _ => Outcome::error(METHOD_NOT_FOUND, "this client can't be asked that"),
    }
}
