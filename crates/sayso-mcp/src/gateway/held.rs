//! Calls that needed a say-so and were made, so that none is made twice: what came of each is kept
//! for whoever asks again.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use sayso_core::Digest;
use serde_json::{Map, Value};
use tokio::sync::{oneshot, watch};

use super::frame::Outcome;
use super::listing::Place;
use super::session::{Asker, Session};
use crate::server::Refused;

/// How many are kept.
const KEPT: usize = 1_000;

/// A call that is made when it is granted.
pub(super) struct Waiting {
    pub(super) session: Arc<Session>,
    pub(super) place: Place,
    /// What the client said with it besides the name and the arguments.
    pub(super) rest: Map<String, Value>,
    pub(super) asker: Asker,
}

/// How a call stands.
#[derive(Clone)]
pub(super) enum State {
    /// It has not been made.
    Unmade,
    /// It is being made.
    Making,
    /// Its server wants to know something first.
    Asks(Round),
    /// Its server made a task of it, which goes on.
    Task(Theirs),
    /// It was made, and this came of it.
    Made(Outcome),
    /// It was not made after all, and may be tried again.
    NotMade(Result<Outcome, Refused>),
}

/// A question of a server's in the middle of a call.
#[derive(Clone)]
pub(super) struct Round {
    /// The client says it with its answer. It is good for one.
    pub(super) token: String,
    /// `inputRequests`.
    pub(super) requests: Map<String, Value>,
}

/// A task of a server's.
#[derive(Clone)]
pub(super) struct Theirs {
    /// The server, by its place in the configuration.
    pub(super) server: usize,
    /// What the server calls it.
    pub(super) id: String,
    /// As the client was told of it, by our name for it.
    pub(super) created: Map<String, Value>,
}

/// One call.
pub(super) struct Call {
    state: watch::Sender<State>,
    /// Answers to the open round.
    answers: Mutex<Option<Answers>>,
    /// The task that its server made of it.
    theirs: OnceLock<Theirs>,
    /// People were told of it by the client, once.
    rung: Mutex<Option<String>>,
    /// Somebody was told what came of it.
    told: AtomicBool,
    pub(super) since: Instant,
}

/// What a round waits for.
struct Answers {
    so_far: Map<String, Value>,
    all: oneshot::Sender<Value>,
}

impl Call {
    fn new() -> Self {
        Self {
            state: watch::Sender::new(State::Unmade),
            answers: Mutex::default(),
            theirs: OnceLock::new(),
            rung: Mutex::default(),
            told: AtomicBool::new(false),
            since: Instant::now(),
        }
    }

    pub(super) fn was_made(&self) -> bool {
        !matches!(*self.state.borrow(), State::Unmade | State::NotMade(_))
    }

    /// Whether it is the caller's to make it: true once, until it turns out that it was not made.
    pub(super) fn begin(&self) -> bool {
        self.state.send_if_modified(|state| {
            let begins = matches!(state, State::Unmade | State::NotMade(_));
            if begins {
                *state = State::Making;
            }
            begins
        })
    }

    /// Somebody was told what came of it: the same call is a new one from now on.
    pub(super) fn tell(&self) {
        self.told.store(true, Ordering::Relaxed);
    }

    pub(super) fn end(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Asks, and waits for the answers; none if nobody will ever answer.
    pub(super) async fn ask(&self, requests: Map<String, Value>) -> Option<Value> {
        let (all, answers) = oneshot::channel();
        *self.answers() = Some(Answers { so_far: Map::new(), all });
        let round = Round { token: super::random(), requests };
        self.state.send_replace(State::Asks(round));
        let answers = answers.await.ok();
        self.state.send_replace(State::Making);
        answers
    }

    fn answers(&self) -> MutexGuard<'_, Option<Answers>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the answers to the open round.
    pub(super) fn answer(&self, answers: Value) {
        let waiting = self.answers().take();
        if let Some(Answers { all, .. }) = waiting {
            // Whoever reads the state next must not find the question again.
            self.state.send_replace(State::Making);
            let _ = all.send(answers);
        }
    }

    /// Takes some of the answers to the open round, which ends with the last of them.
    pub(super) fn answer_some(&self, answers: Map<String, Value>) {
        let mut waiting = self.answers();
        let Some(Answers { so_far, .. }) = &mut *waiting else { return };
        let mut is_open = false;
        self.state.send_if_modified(|state| {
            let State::Asks(round) = state else { return false };
            for (key, answer) in answers {
                if round.requests.remove(&key).is_some() {
                    so_far.insert(key, answer);
                }
            }
            is_open = !round.requests.is_empty();
            true
        });
        let all = (!is_open).then(|| Value::Object(std::mem::take(so_far)));
        drop(waiting);
        if let Some(all) = all {
            self.answer(all);
        }
    }

    /// Its server has made a task of it.
    pub(super) fn became(&self, theirs: Theirs) {
        let theirs = self.theirs.get_or_init(|| theirs);
        self.state.send_replace(State::Task(theirs.clone()));
    }

    /// The task that its server made of it, also when that has ended.
    pub(super) fn theirs(&self) -> Option<&Theirs> {
        self.theirs.get()
    }

    /// Waits until it is not being made any more, where `takes_tasks` says whether a task of its
    /// server's is as good; none if that takes longer than `patience`.
    pub(super) async fn ended(
        &self,
        patience: Option<Duration>,
        takes_tasks: bool,
    ) -> Option<State> {
        let mut states = self.state.subscribe();
        let ended = states.wait_for(|state| match state {
            State::Making => false,
            State::Task(_) => takes_tasks,
            _ => true,
        });
        match patience {
            None => Some(ended.await.ok()?.clone()),
            Some(patience) => {
                let ended = tokio::time::timeout(patience, ended).await;
                Some(ended.ok()?.ok()?.clone())
            }
        }
    }

    /// A token for ringing people's bell, the first time; none after that.
    pub(super) fn ring(&self) -> Option<String> {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        if rung.is_some() {
            return None;
        }
        rung.insert(super::random()).clone().into()
    }

    fn has(&self, token: &str) -> bool {
        let asks = matches!(&*self.state.borrow(), State::Asks(round) if round.token == token);
        asks || self.was_rung_by(token)
    }

    pub(super) fn was_rung_by(&self, token: &str) -> bool {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(token)
    }
}

/// The calls of an agent, by their escalation.
#[derive(Default)]
pub(super) struct Held {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    calls: HashMap<String, Arc<Call>>,
    /// The oldest first.
    order: VecDeque<String>,
    /// Which call waits for its say-so under which digest.
    digests: HashMap<Digest, String>,
}

impl Held {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call of an escalation.
    pub(super) fn call(&self, escalation: &str) -> Arc<Call> {
        let Kept { calls, order, digests } = &mut *self.kept();
        if let Some(call) = calls.get(escalation) {
            return Arc::clone(call);
        }
        if order.len() >= KEPT
            && let Some(oldest) = order.pop_front()
        {
            calls.remove(&oldest);
            digests.retain(|_, escalation| *escalation != oldest);
        }
        order.push_back(escalation.to_owned());
        Arc::clone(calls.entry(escalation.to_owned()).or_insert_with(|| Arc::new(Call::new())))
    }

    /// A call of that digest will be made without being asked for.
    pub(super) fn expect(&self, digest: Digest, escalation: &str) {
        self.kept().digests.insert(digest, escalation.to_owned());
    }

    /// The call of that digest that was made, or is being made, and that nobody was told of yet:
    /// who asks for the same again means that one.
    pub(super) fn untold(&self, digest: &Digest) -> Option<Arc<Call>> {
        let kept = &mut *self.kept();
        let call = kept.calls.get(kept.digests.get(digest)?)?;
        if !call.was_made() {
            return None;
        }
        let is_told = call.told.load(Ordering::Relaxed);
        let untold = (!is_told).then(|| Arc::clone(call));
        if is_told {
            kept.digests.remove(digest);
        }
        untold
    }

    /// The call whose round or ring this is.
    pub(super) fn with_token(&self, token: &str) -> Option<Arc<Call>> {
        self.kept().calls.values().find(|call| call.has(token)).cloned()
    }

    /// Whether there is a call of that escalation.
    pub(super) fn knows(&self, escalation: &str) -> bool {
        self.kept().calls.contains_key(escalation)
    }
}
