//! A small server without a store: it asks the law, and writes down what the law says. Everything
//! in it is counted, nothing random, so that the same story is the same ledger, byte for byte.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sayso_core::credential::{
    Agent, AgentKey, AgentRecord, Person, PersonRecord, ReviewerToken, Role, SecretKind,
};
use sayso_core::decision::{Edit, OwnSignature, Says, Seen, VerifiedDecision};
use sayso_core::directory::{By, Change, Countersigned};
use sayso_core::enrolment::{Countersignature, Enrolment};
use sayso_core::escalation::{Proposal, ReceiptResult, Subject, open};
use sayso_core::grant::Basis;
use sayso_core::halt::{Halt, Scope};
use sayso_core::signature::{Domain, PersonKey, Signature};
use sayso_core::statement::{Displayed, STATEMENT_LASTS, Statement, display};
use sayso_core::{
    Action, AgentName, Command, Digest, Escalation, EscalationId, Event, HaltId, Heard, Hearing,
    Moment, Nonce, Period, Question, ReviewerName, RuleName, Tier, ToolName, WorkspaceEvent,
    decide, json,
};
use sayso_ledger::verify::Body;
use sayso_ledger::{Checkpoint, Leaf, SigningKey};
use sayso_policy::{Call, Policy};
use serde_json::{Value, json};

use crate::ssh::Key;

/// One entry, before it is sealed: what a forger would change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) at: Timestamp,
    pub(crate) of: Option<(EscalationId, u64)>,
    pub(crate) event: Value,
    pub(crate) body: Option<Body>,
}

impl Row {
    /// The event's word.
    pub(crate) fn word(&self) -> &str {
        let event = self.event.get("change").unwrap_or(&self.event);
        event["type"].as_str().unwrap()
    }

    /// The entry's bytes.
    pub(crate) fn seal(&self) -> Vec<u8> {
        let event = String::from_utf8(json::canonical(&self.event)).unwrap();
        let body_hash = self.body.as_ref().map(Body::hash);
        let Self { at, of, .. } = self;
        Leaf { workspace: "default", at: *at, of: *of, event: &event, body_hash }.bytes().unwrap()
    }
}

/// A workspace at work.
pub(crate) struct World {
    pub(crate) rows: Vec<Row>,
    pub(crate) now: Timestamp,
    policy: Policy,
    heard: Heard,
    halts: Vec<Halt>,
    open: BTreeMap<EscalationId, (Escalation, Option<Action>)>,
    /// Grants by silence: under which rule, and when.
    silent: Vec<(Option<RuleName>, Timestamp)>,
    counter: u64,
}

/// The key that signs this log's heads.
pub(crate) fn log_key() -> SigningKey {
    SigningKey::of_log(&[7; 32])
}

/// A signed head over these entries.
pub(crate) fn head(entries: &[Vec<u8>], key: &SigningKey) -> String {
    let edge: sayso_ledger::tree::Edge =
        entries.iter().map(|entry| sayso_ledger::tree::leaf_hash(entry)).collect();
    let (origin, size, root) = (key.public().name().to_owned(), edge.size(), edge.root());
    Checkpoint { origin, size, root }.sign(key)
}

pub(crate) const POLICY: &str = r#"default_tier = "hard"

[[rule]]
tool = "post_*"
tier = "fyi"

[[rule]]
tool = "git_merge"
tier = "soft"
window = "15m"
silent_limit = "3/h"

[[rule]]
tool = "drop_table"
tier = "hard"
quorum = 2
"#;

pub(crate) fn person(name: &str) -> Person {
    let token = ReviewerToken::from_entropy([1; 32]);
    let record = PersonRecord {
        name: ReviewerName::new(name).unwrap(),
        roles: vec![Role::Reviewer],
        groups: Vec::new(),
        stands_in_for: Vec::new(),
        kind: SecretKind::Token,
        secret: token.hash(),
        expires_at: None,
    };
    record.authenticate(&token, Timestamp::UNIX_EPOCH).unwrap()
}

/// The key of that person.
pub(crate) fn key_of(name: &str) -> Key {
    Key::of(name.as_bytes()[0])
}

pub(crate) fn by(name: &str) -> By {
    By::Person(ReviewerName::new(name).unwrap())
}

fn added(name: &str, roles: Vec<Role>) -> Change {
    Change::PersonAdded { name: ReviewerName::new(name).unwrap(), roles, groups: Vec::new() }
}

/// That `voucher`, if it is ana's, says whose key that is; and what it signed.
pub(crate) fn enrolled(
    person: ReviewerName,
    key: &PersonKey,
    voucher: &Key,
    now: Timestamp,
) -> (Change, Vec<u8>) {
    let enrolment = Enrolment {
        v: sayso_core::enrolment::FORM,
        workspace: "default".into(),
        reviewer: person.clone(),
        key: key.clone(),
        by: key_of("ana").public().id(),
        nonce: Nonce::from_entropy([3; 16]),
        issued_at: now,
    };
    let statement = enrolment.text();
    let proof = voucher.sign(Domain::Enrolment, statement.as_bytes());
    let countersignature = Countersignature { statement, proof };
    let (name, statement) = (ReviewerName::new("ana").unwrap(), countersignature.digest());
    let countersigned = Countersigned::Reviewer { name, key: enrolment.by, statement };
    let change = Change::KeyEnrolled { person, key: key.id(), countersigned };
    (change, serde_json::to_vec(&countersignature).unwrap())
}

fn agent(name: &str) -> Agent {
    let key = AgentKey::from_entropy([2; 32]);
    let name = AgentName::new(name).unwrap();
    AgentRecord { name, key: key.hash(), owner: None }.authenticate(&key).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let mut world = Self {
            rows: Vec::new(),
            now: "2026-11-24T08:00:00Z".parse().unwrap(),
            policy: Policy::parse(POLICY).unwrap(),
            heard: Heard::default(),
            halts: Vec::new(),
            open: BTreeMap::new(),
            silent: Vec::new(),
            counter: 0,
        };
        world.policy(POLICY);
        let (reviewer, owner) = (vec![Role::Reviewer], vec![Role::Reviewer, Role::Owner]);
        world.changed(By::FirstStart, added("ana", owner), None);
        world.changed(by("ana"), added("bo", reviewer.clone()), None);
        world.changed(by("ana"), added("cy", reviewer), None);
        let (name, owner, tools) = (AgentName::new("builder").unwrap(), None, None);
        world.changed(by("ana"), Change::AgentAdded { name, owner, tools }, None);
        world
    }

    pub(crate) fn changed(&mut self, by: By, change: Change, content: Option<Vec<u8>>) {
        let change = Box::new(change);
        self.note(&WorkspaceEvent::AuthorityChanged { by, change }, content);
    }

    /// Ana's key is the first, and vouches for bo's; nobody vouches for cy's.
    pub(crate) fn enrol(&mut self) {
        for name in ["ana", "bo", "cy"] {
            let (person, key) = (ReviewerName::new(name).unwrap(), key_of(name).public());
            self.changed(by(name), Change::KeyOffered { person, key }, None);
        }
        let (person, key) = (ReviewerName::new("ana").unwrap(), key_of("ana").public().id());
        let countersigned = Countersigned::First;
        self.changed(by("ana"), Change::KeyEnrolled { person, key, countersigned }, None);
        let person = ReviewerName::new("bo").unwrap();
        let (change, body) = enrolled(person, &key_of("bo").public(), &key_of("ana"), self.now);
        self.changed(by("ana"), change, Some(body));
    }

    /// Signs a say-so; with `arguments`, of the action with those.
    pub(crate) fn sign(&mut self, id: EscalationId, who: &str, says: Says) {
        let nonce = self.nonce();
        let (state, action) = &self.open[&id];
        let (agent, audience) = (state.agent().clone(), state.executor().clone());
        let shown = Displayed::Action(action.as_ref().unwrap());
        let display = Digest::of(display(shown, &agent, &audience, state.tier()).as_bytes());
        let key = key_of(who);
        let statement = Statement {
            v: sayso_core::statement::FORM,
            workspace: "default".into(),
            escalation: id,
            version: state.version(),
            digest: state.digest(),
            decision: sayso_core::statement::Decision::Approve,
            edited: None,
            answer: None,
            tier: state.tier(),
            policy: state.verdict().policy,
            quorum: state.verdict().quorum.clone(),
            audience,
            agent,
            ceremony: state.ceremony(),
            nonce,
            display,
            reviewer: ReviewerName::new(who).unwrap(),
            key: key.public().id(),
            issued_at: self.now,
            expires_at: STATEMENT_LASTS.after(self.now),
        };
        let signature = Signature::alone(key.sign(Domain::Decision, &statement.bytes()));
        let body = json!({"signed": {"statement": statement, "signature": signature}});
        let seen = Seen::digest(state.digest());
        let public = key.public();
        let own = OwnSignature {
            workspace: "default",
            statement: &statement,
            key: &public,
            signature: &signature,
        };
        let decision = VerifiedDecision::by_signature(&person(who), says, seen, &own).unwrap();
        self.command(id, &Command::Decide(decision), Some(body));
    }

    /// Forgets what is settled long since; nothing will be asked of it.
    #[allow(dead_code, reason = "for long stories")]
    pub(crate) fn forget(&mut self) {
        self.open.clear();
        let now = self.now;
        self.silent.retain(|(_, at)| Period::from_secs(86_400).after(*at) > now);
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn nonce(&mut self) -> Nonce {
        let hash = Digest::of(&self.count().to_be_bytes());
        Nonce::from_entropy(*hash.as_bytes().first_chunk().unwrap())
    }

    fn uuid(&mut self) -> uuid::Uuid {
        let count = self.count();
        let millis = u64::try_from(self.now.as_millisecond()).unwrap();
        let mut bytes = [0x11; 10];
        bytes[2..].copy_from_slice(&count.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    fn body(&mut self, content: Vec<u8>) -> Body {
        let count = self.count().to_be_bytes();
        Body { salt: Digest::of(&count).as_bytes()[..16].to_vec(), content }
    }

    pub(crate) fn note(&mut self, event: &WorkspaceEvent, content: Option<Vec<u8>>) {
        let body = content.map(|content| self.body(content));
        let event = serde_json::to_value(event).unwrap();
        self.rows.push(Row { at: self.now, of: None, event, body });
    }

    pub(crate) fn policy(&mut self, text: &str) {
        self.policy = Policy::parse(text).unwrap();
        let policy = self.policy.hash();
        self.note(&WorkspaceEvent::PolicyLoaded { policy }, Some(text.as_bytes().to_vec()));
    }

    /// Time passes, somebody listening or nobody.
    pub(crate) fn pass(&mut self, period: Period, listening: bool) {
        self.now = period.after(self.now);
        if listening {
            self.heard = self.heard + period;
        }
    }

    pub(crate) fn minutes(&mut self, minutes: u64) {
        self.pass(Period::from_secs(minutes * 60), true);
    }

    fn moment(&self, agent: &AgentName, tool: Option<&ToolName>) -> Moment {
        let halt = self.halts.iter().find(|halt| halt.covers(agent, tool, None));
        let hearing = Hearing { reading: self.heard, running: true, last: Some(self.now) };
        Moment { at: self.now, hearing, halt: halt.map(|halt| halt.id) }
    }

    fn append(&mut self, id: EscalationId, version: u64, events: &[Event], body: Option<Body>) {
        let mut body = body;
        for (event, version) in events.iter().zip(version + 1..) {
            let of = Some((id, version));
            let event = serde_json::to_value(event).unwrap();
            self.rows.push(Row { at: self.now, of, event, body: body.take() });
        }
    }

    fn begin(
        &mut self,
        subject: Subject,
        verdict: sayso_core::Verdict,
        ask: &Value,
        action: Option<Action>,
    ) -> EscalationId {
        let id = EscalationId::from_uuid(self.uuid());
        let agent = agent("builder");
        let moment = self.moment(agent.name(), subject.tool());
        let (tier, window, executor) = (None, None, None);
        let (started_by, ceremony) = (None, self.nonce());
        let proposal =
            Proposal { agent, started_by, executor, subject, verdict, tier, window, ceremony };
        self.start(id, proposal, &moment, ask, action)
    }

    fn start(
        &mut self,
        id: EscalationId,
        proposal: Proposal,
        moment: &Moment,
        ask: &Value,
        action: Option<Action>,
    ) -> EscalationId {
        let events = open(proposal, moment).unwrap();
        let body = self.body(serde_json::to_vec(ask).unwrap());
        self.append(id, 0, &events, Some(body));
        let state = Escalation::fold(id, events.iter().map(|event| (self.now, event))).unwrap();
        self.open.insert(id, (state, action));
        id
    }

    /// Proposes an action.
    pub(crate) fn propose(&mut self, tool: &str, arguments: Value) -> EscalationId {
        self.propose_for(tool, arguments, None)
    }

    /// Proposes an action that is to be done only while that holds.
    pub(crate) fn propose_for(
        &mut self,
        tool: &str,
        arguments: Value,
        precondition: Option<Value>,
    ) -> EscalationId {
        let Value::Object(arguments) = arguments else { panic!("no object") };
        let tool = ToolName::new(tool).unwrap();
        let action = Action { tool, arguments, resource: None, precondition };
        let name = AgentName::new("builder").unwrap();
        let verdict = self.policy.judge(&Call::new(&action, &name));
        let ask = json!({"action": action, "message": "because the tests pass"});
        self.begin(Subject::action(&action), verdict, &ask, Some(action))
    }

    /// Asks a question.
    pub(crate) fn ask(&mut self, tier: Tier) -> EscalationId {
        let question: Question = serde_json::from_value(
            json!({"text": "Blue or green?", "options": ["blue", "green"], "default": "blue"}),
        )
        .unwrap();
        let verdict = self.policy.question(tier);
        let ask = json!({"question": question, "message": ""});
        self.begin(Subject::question(&question).unwrap(), verdict, &ask, None)
    }

    pub(crate) fn command(&mut self, id: EscalationId, command: &Command, body: Option<Value>) {
        let (state, action) = self.open.remove(&id).unwrap();
        let moment = self.moment(state.agent(), state.subject().tool());
        let events = decide(&state, command, &moment).unwrap();
        assert!(!events.is_empty(), "{command:?} leads to nothing");
        let body = body.map(|body| self.body(serde_json::to_vec(&body).unwrap()));
        self.append(id, state.version(), &events, body);
        let mut state = state;
        for event in &events {
            state = state.apply(event, self.now).unwrap();
            let is_silent = match event {
                Event::Granted { grant, .. } => grant.basis() == Basis::Silence,
                Event::Answered { basis, .. } => *basis == Basis::Silence,
                _ => false,
            };
            if is_silent {
                self.silent.push((state.rule().cloned(), self.now));
            }
        }
        self.open.insert(id, (state, action));
    }

    pub(crate) fn deliver(&mut self, id: EscalationId) {
        self.command(id, &Command::Deliver { channel: "inbox".into() }, None);
    }

    pub(crate) fn tick(&mut self, id: EscalationId) {
        let state = &self.open[&id].0;
        let stretch = state.verdict().silent_limit.period().unwrap_or_default();
        let counts = self
            .silent
            .iter()
            .filter(|(rule, at)| rule.as_ref() == state.rule() && stretch.after(*at) > self.now);
        let silent_grants = u32::try_from(counts.count()).unwrap();
        self.command(id, &Command::Tick { silent_grants }, None);
    }

    pub(crate) fn says(&mut self, id: EscalationId, who: &str, says: Says) {
        let seen = Seen::digest(self.open[&id].0.digest());
        let body = match &says {
            Says::Answer(answer) => Some(json!({"answer": answer})),
            Says::Deny | Says::Veto => Some(json!({"comment": "not on a Friday"})),
            _ => None,
        };
        let decision = VerifiedDecision::in_session(&person(who), says, seen).unwrap();
        self.command(id, &Command::Decide(decision), body);
    }

    pub(crate) fn approve(&mut self, id: EscalationId, who: &str) {
        self.says(id, who, Says::Approve);
    }

    /// Approves with other arguments.
    pub(crate) fn edit(&mut self, id: EscalationId, who: &str, arguments: Value) {
        let Value::Object(arguments) = arguments else { panic!("no object") };
        let (state, action) = &self.open[&id];
        let action = action.as_ref().unwrap().with_arguments(arguments);
        let verdict = self.policy.judge(&Call::new(&action, state.agent()));
        let seen = Seen::digest(state.digest());
        let ceremony = self.nonce();
        let edit = Edit { digest: action.digest(), verdict, ceremony };
        let says = Says::ApproveEdited(edit);
        let decision = VerifiedDecision::in_session(&person(who), says, seen).unwrap();
        self.command(id, &Command::Decide(decision), Some(json!({"action": action})));
    }

    pub(crate) fn redeem(&mut self, id: EscalationId) {
        let today = self.open[&id].0.verdict().clone();
        self.command(id, &Command::Redeem { executor: agent("builder"), today }, None);
    }

    pub(crate) fn report(&mut self, id: EscalationId) {
        let result = ReceiptResult::Succeeded;
        let executor = agent("builder");
        self.command(id, &Command::Report { executor, result, reopened: None }, None);
    }

    /// What was granted no longer holds; that is said to ask anew.
    pub(crate) fn stale(&mut self, id: EscalationId, reopened: Option<EscalationId>) {
        let (executor, result) = (agent("builder"), ReceiptResult::Stale);
        self.command(id, &Command::Report { executor, result, reopened }, None);
    }

    /// What was granted no longer holds, and is asked anew for what does.
    pub(crate) fn reopen(&mut self, id: EscalationId, precondition: Value) -> EscalationId {
        let (state, action) = self.open[&id].clone();
        let precondition = Some(precondition);
        let action = Action { precondition, ..action.unwrap() };
        let verdict = self.policy.judge(&Call::new(&action, state.agent()));
        let (ceremony, reopened) = (self.nonce(), EscalationId::from_uuid(self.uuid()));
        let proposal = Proposal::anew(&state, &action, verdict, ceremony).unwrap();
        let moment = self.moment(state.agent(), state.subject().tool());
        let ask = json!({"action": action, "message": "because the tests pass"});
        self.start(reopened, proposal, &moment, &ask, Some(action));
        self.stale(id, Some(reopened));
        reopened
    }

    pub(crate) fn withdraw(&mut self, id: EscalationId) {
        self.command(id, &Command::Withdraw(agent("builder")), None);
    }

    /// A halt over everything, carried to these.
    pub(crate) fn halt(&mut self, who: &str, frozen: &[EscalationId]) -> HaltId {
        let id = HaltId::from_uuid(self.uuid());
        let (by, at, reason) = (ReviewerName::new(who).unwrap(), self.now, "smoke".into());
        let halt = Halt { id, scope: Scope::Everything, reason, by, at };
        self.note(&WorkspaceEvent::HaltCalled { halt: halt.clone() }, None);
        self.halts.push(halt);
        for escalation in frozen {
            self.command(*escalation, &Command::Freeze(id), None);
        }
        id
    }

    pub(crate) fn lift(&mut self, halt: HaltId, who: &str, thawed: &[EscalationId]) {
        self.halts.retain(|known| known.id != halt);
        let by = ReviewerName::new(who).unwrap();
        self.note(&WorkspaceEvent::HaltLifted { halt, by }, None);
        for escalation in thawed {
            self.command(*escalation, &Command::Thaw(halt), None);
        }
    }
}
