//! A server with its people and agents, on clocks that tests move.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sayso_core::credential::{Agent, Person, PersonRecord, ReviewerToken, Role, SecretKind};
use sayso_core::decision::{Says, Seen};
use sayso_core::escalation::{Outcome, Settled};
use sayso_core::grant::Basis;
use sayso_core::{Action, AgentName, EscalationId, Event, Period, ReviewerName, Tier, ToolName};
use sayso_engine::{
    Account, Actor, DecideError, Engine, EngineError, NewEscalation, Options, PolicyFile, Record,
    Subject,
};
use sayso_store::Store;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::audit;
use crate::clock::{ManualClock, minutes};
use crate::place::Place;

/// How long anything may take that has to happen.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a whole test may take, on a machine that does much else.
const TEST: Duration = Duration::from_mins(5);

/// The window of the soft rules below.
pub(crate) const WINDOW: Period = minutes(15);
/// After how long unheard they become hard.
pub(crate) const UNHEARD_AFTER: Period = minutes(30);

pub(crate) const POLICY: &str = r#"
[[rule]]
name = "notes"
tool = "note_*"
tier = "fyi"

[[rule]]
name          = "merges"
tool          = "merge*"
tier          = "soft"
window        = "15m"
unheard_after = "30m"
silent_limit  = "none"

[[rule]]
name          = "few"
tool          = "few*"
tier          = "soft"
window        = "15m"
unheard_after = "30m"
silent_limit  = "3/h"

[[rule]]
name         = "fewer"
tool         = "few_a_day"
tier         = "soft"
window       = "15m"
silent_limit = "3/d"

[[rule]]
name = "deploys"
tool = "deploy*"
tier = "hard"

[[rule]]
name   = "payments"
tool   = "pay*"
tier   = "hard"
quorum = 2
"#;

/// Somewhere to keep everything, who is there, and a running server.
pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) clock: Arc<ManualClock>,
    server: Option<Server>,
    /// An agent.
    pub(crate) bot: Agent,
    /// Another agent.
    pub(crate) mule: Agent,
    /// A reviewer.
    pub(crate) ana: Person,
    /// Another one.
    pub(crate) bo: Person,
}

/// An engine and the store it runs on.
pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn Store>,
}

impl Server {
    /// Starts one over that store.
    pub(crate) async fn start(
        store: Arc<dyn Store>,
        place: &Place,
        clock: &Arc<ManualClock>,
    ) -> Self {
        let options = Options {
            policy: PolicyFile::open(&place.policy_file()).unwrap(),
            clock: Arc::clone(clock) as _,
            issuer: "http://127.0.0.1:7717".into(),
            head: place.head_file(),
            ..Options::default()
        };
        let engine = Engine::start(Arc::clone(&store), options).await.unwrap();
        Self { engine, store }
    }
}

impl World {
    pub(crate) async fn new(place: Place) -> Self {
        std::fs::write(place.policy_file(), POLICY).unwrap();
        let clock = Arc::new(ManualClock::new());
        let server = Server::start(place.open().await, &place, &clock).await;
        let engine = &server.engine;
        let (bot, mule) = (agent(engine, "bot").await, agent(engine, "mule").await);
        let reviewer = &[Role::Reviewer];
        let ana = person(engine, "ana", reviewer).await;
        let bo = person(engine, "bo", reviewer).await;
        Self { place, clock, server: Some(server), bot, mule, ana, bo }
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.server().engine
    }

    /// The server goes down.
    pub(crate) async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            let ended = server.engine.ended();
            drop(server);
            ended.await;
        }
    }

    /// The server comes up, with what `store` makes of the place's store.
    pub(crate) async fn start_on(&mut self, store: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) {
        self.stop().await;
        let store = store(self.place.open().await);
        self.server = Some(Server::start(store, &self.place, &self.clock).await);
    }

    /// The server goes down and comes up again, on a machine that was started anew.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.clock.boot();
        self.start_on(|store| store).await;
    }

    /// Another server on the same place, with the same clocks.
    pub(crate) async fn another(&self) -> Server {
        Server::start(self.place.open().await, &self.place, &self.clock).await
    }

    /// Time passes, and the engine has seen to what is due.
    pub(crate) async fn pass(&self, period: Period) {
        self.clock.pass(period);
        self.look().await;
    }

    /// When this returns, the engine has seen to everything that was asked and is due.
    pub(crate) async fn look(&self) {
        look(self.engine()).await;
    }

    pub(crate) async fn propose(&self, new: NewEscalation) -> Result<Arc<Record>, EngineError> {
        self.engine().propose(&self.bot, new).await
    }

    /// Proposes a call of that tool.
    pub(crate) async fn ask(&self, tool: &str) -> EscalationId {
        self.propose(call(tool)).await.unwrap().escalation.id()
    }

    /// Proposes a call of that tool, and it is delivered.
    pub(crate) async fn ask_delivered(&self, tool: &str) -> EscalationId {
        let id = self.ask(tool).await;
        self.deliver(id).await;
        id
    }

    pub(crate) async fn deliver(&self, id: EscalationId) {
        self.engine().delivered(id, "inbox").await.unwrap();
        self.look().await;
    }

    pub(crate) async fn get(&self, id: EscalationId) -> Arc<Record> {
        self.engine().get(id).await.unwrap()
    }

    pub(crate) async fn outcome(&self, id: EscalationId) -> Option<Outcome> {
        self.get(id).await.escalation.settled().map(|settled| settled.outcome)
    }

    pub(crate) async fn basis(&self, id: EscalationId) -> Option<Basis> {
        self.get(id).await.escalation.settled().and_then(Settled::basis)
    }

    /// How much of its window has been heard.
    pub(crate) async fn heard(&self, id: EscalationId) -> Option<Period> {
        heard(self.engine(), id).await
    }

    pub(crate) async fn deadline(&self, id: EscalationId) -> Option<Timestamp> {
        let record = self.get(id).await;
        record.escalation.deadline(&self.engine().moment(&record))
    }

    /// The words of all that happened to it.
    pub(crate) async fn story(&self, id: EscalationId) -> Vec<&'static str> {
        self.get(id).await.history.iter().map(|past| past.event.word()).collect()
    }

    pub(crate) async fn says(
        &self,
        person: &Person,
        id: EscalationId,
        says: Says,
    ) -> Result<Arc<Record>, DecideError> {
        says_on(self.engine(), person, id, says).await
    }

    pub(crate) async fn approve(&self, id: EscalationId) {
        self.says(&self.ana, id, Says::Approve).await.unwrap();
    }

    pub(crate) async fn veto(&self, id: EscalationId) -> Result<Arc<Record>, DecideError> {
        self.engine().decide(id, &self.ana, Says::Veto, Seen::default(), None).await
    }

    /// The permit of what was granted.
    pub(crate) async fn permit(&self, id: EscalationId) -> String {
        let record = self.get(id).await;
        self.engine().permit(&record.escalation).unwrap()
    }

    /// An approved call of that tool, and its permit.
    pub(crate) async fn granted(&self, tool: &str) -> (EscalationId, String) {
        let id = self.ask(tool).await;
        self.approve(id).await;
        (id, self.permit(id).await)
    }

    /// Writes the policy file anew, and it is in force or found to be bad.
    pub(crate) async fn rewrite_policy(&self, text: &str) {
        let before = self.engine().policy();
        std::fs::write(self.place.policy_file(), text).unwrap();
        eventually("the policy file is read again", async || {
            let now = self.engine().policy();
            now.policy.hash() != before.policy.hash() || now.problem != before.problem
        })
        .await;
    }

    /// What must be true of every world, whatever happened in it.
    pub(crate) async fn audit(&self) {
        if let Some(server) = &self.server {
            audit::all(server).await;
        }
    }
}

pub(crate) async fn agent(engine: &Engine, name: &str) -> Agent {
    let authority = engine.authority();
    let (operator, name) = (Actor::Operator, AgentName::new(name).unwrap());
    let new = authority.add_or_renew_agent(operator, name, None, None, engine.now()).await.unwrap();
    match authority.bearer(&new.key.reveal(), engine.now()).await.unwrap() {
        Some(Account::Agent(agent)) => agent,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn person(engine: &Engine, name: &str, roles: &[Role]) -> Person {
    let authority = engine.authority();
    let name = ReviewerName::new(name).unwrap();
    let new = authority.add_or_renew_person(name, roles, &[], engine.now()).await.unwrap();
    match authority.bearer(&new.token.reveal(), engine.now()).await.unwrap() {
        Some(Account::Person(person)) => person,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn heard(engine: &Engine, id: EscalationId) -> Option<Period> {
    let record = engine.get(id).await.unwrap();
    record.escalation.heard(&engine.moment(&record))
}

/// A person says so about what is open now.
pub(crate) async fn says_on(
    engine: &Engine,
    person: &Person,
    id: EscalationId,
    says: Says,
) -> Result<Arc<Record>, DecideError> {
    let digest = engine.get(id).await.unwrap().escalation.digest();
    engine.decide(id, person, says, Seen::digest(digest), None).await
}

/// When this returns, the engine has seen to everything that was asked and is due: a job that was
/// given to it later is done.
pub(crate) async fn look(engine: &Engine) {
    engine.clock_moved();
    let nobodys = EscalationId::from_uuid(Uuid::nil());
    let person = passer_by();
    let answer = engine.decide(nobodys, &person, Says::Take, Seen::default(), None).await;
    let expected = matches!(answer, Err(DecideError::Engine(EngineError::NoSuchEscalation(_))));
    assert!(expected, "{answer:?}");
}

fn passer_by() -> Person {
    let token = ReviewerToken::from_entropy([9; 32]);
    let record = PersonRecord {
        name: ReviewerName::new("passer-by").unwrap(),
        roles: vec![Role::Reviewer],
        groups: Vec::new(),
        stands_in_for: Vec::new(),
        kind: SecretKind::Token,
        secret: token.hash(),
        expires_at: None,
    };
    record.authenticate(&token, Timestamp::UNIX_EPOCH).unwrap()
}

/// A call of that tool.
pub(crate) fn call(tool: &str) -> NewEscalation {
    call_with(tool, &json!({"branch": "main"}))
}

pub(crate) fn call_with(tool: &str, arguments: &Value) -> NewEscalation {
    let action = Action {
        tool: ToolName::new(tool).unwrap(),
        arguments: object(arguments),
        resource: None,
        precondition: None,
    };
    about(Subject::Action(action))
}

pub(crate) fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A question.
pub(crate) fn question(asked: Value, tier: Option<Tier>) -> NewEscalation {
    let question = serde_json::from_value(asked).unwrap();
    NewEscalation { tier, ..about(Subject::Question(question)) }
}

fn about(subject: Subject) -> NewEscalation {
    NewEscalation {
        subject,
        message: "I would like to.".into(),
        context: None,
        server: None,
        tier: None,
        window: None,
        started_by: None,
        executor: None,
        key: None,
        join: false,
    }
}

/// How often such an event happened to it.
pub(crate) fn count(record: &Record, is: impl Fn(&Event) -> bool) -> usize {
    record.history.iter().filter(|past| is(&past.event)).count()
}

/// A test has to end.
pub(crate) async fn ends<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(TEST, test).await.expect("it never came to pass that the test ends")
}

/// Has to happen soon.
pub(crate) async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    let value = tokio::time::timeout(PATIENCE, event).await.ok();
    value.unwrap_or_else(|| panic!("it never came to pass that {what}"))
}

/// Waits for a condition that nothing signals.
pub(crate) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    within(what, async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
