//! Escalations for tests, made by the law itself, and their way into a store.

use jiff::Timestamp;
use sayso_core::credential::{
    AgentKey, AgentRecord, PersonRecord, ReviewerToken, Role, SecretKind,
};
use sayso_core::decision::{Assurance, Says, Seen, VerifiedDecision};
use sayso_core::escalation::{Due, PERMIT_LASTS, Proposal, Subject, open};
use sayso_core::{
    AgentName, Command, Digest, Escalation, EscalationId, Event, Heard, Moment, Needed, Nonce,
    Period, ReviewerName, RouteName, RuleName, SelfApproval, SilentLimit, Tier, ToolName, Verdict,
    decide,
};
use sayso_store::{Body, Changes, Current, Happened, NewEntry, Store};
use uuid::Uuid;

/// That many seconds into the tests' day.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// Ids are ordered like their numbers.
pub(crate) fn uuid(number: u128) -> Uuid {
    Uuid::from_u128((0x0199_0000_0000_7000_8000 << 48) + number)
}

pub(crate) fn id(number: u128) -> EscalationId {
    EscalationId::from_uuid(uuid(number))
}

pub(crate) fn agent(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

pub(crate) fn person(name: &str) -> ReviewerName {
    ReviewerName::new(name).unwrap()
}

pub(crate) fn route(name: &str) -> RouteName {
    RouteName::new(name).unwrap()
}

pub(crate) fn rule(name: &str) -> RuleName {
    RuleName::new(name).unwrap()
}

pub(crate) fn heard(seconds: u64) -> Heard {
    Heard::from_micros(seconds * 1_000_000)
}

/// Some digest.
pub(crate) fn digest(word: &str) -> Digest {
    Digest::of(word.as_bytes())
}

/// An escalation on its way into a store.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) escalation: Escalation,
    before: Option<u64>,
    entries: Vec<NewEntry>,
    due: Due,
}

impl Case {
    /// A soft one of the agent `robo`, on the route `everyone`.
    pub(crate) fn new(number: u128) -> Self {
        Self::of(number, "robo", Tier::Soft, "everyone")
    }

    pub(crate) fn of(number: u128, name: &str, tier: Tier, on: &str) -> Self {
        let key = AgentKey::from_entropy([1; 32]);
        let record = AgentRecord { name: agent(name), key: key.hash(), owner: None };
        let proposal = Proposal {
            agent: record.authenticate(&key).unwrap(),
            started_by: None,
            executor: None,
            subject: Subject::Action {
                tool: ToolName::new("git_merge").unwrap(),
                digest: digest(&format!("action {number}")),
            },
            verdict: verdict(tier, on),
            tier: None,
            window: None,
            ceremony: Nonce::from_entropy([0; 16]),
        };
        let events = open(proposal, &Moment::at(at(0))).unwrap();
        let escalation =
            Escalation::fold(id(number), events.iter().map(|event| (at(0), event))).unwrap();
        let mut case = Self { escalation, before: None, entries: Vec::new(), due: Due::default() };
        case.note(events, 0);
        case
    }

    fn note(&mut self, events: Vec<Event>, mut version: u64) {
        let id = self.escalation.id();
        self.entries.extend(events.into_iter().map(|event| {
            version += 1;
            let happened = Happened::Escalation { id, version, event };
            NewEntry { at: at(i64::try_from(version).unwrap()), happened, body: None }
        }));
    }

    /// Gives its newest entry a text.
    pub(crate) fn text(mut self, text: &str) -> Self {
        let body = Body { salt: [7; 16], content: text.as_bytes().to_vec() };
        self.entries.last_mut().unwrap().body = Some(body);
        self
    }

    pub(crate) fn due_at(mut self, seconds: i64) -> Self {
        self.due.at = Some(at(seconds));
        self
    }

    pub(crate) fn due_heard(mut self, seconds: u64) -> Self {
        self.due.heard = Some(heard(seconds));
        self
    }

    /// It is as it was kept, and nothing new has happened to it.
    pub(crate) fn kept(mut self) -> Self {
        self.before = Some(self.escalation.version());
        self.entries.clear();
        self
    }

    /// What the law makes of a command.
    pub(crate) fn then(mut self, command: &Command) -> Self {
        let moment = Moment::at(at(1));
        let events = decide(&self.escalation, command, &moment).unwrap();
        assert!(!events.is_empty(), "{command:?} did nothing");
        let version = self.escalation.version();
        for event in &events {
            self.escalation = self.escalation.apply(event, at(1)).unwrap();
        }
        self.note(events, version);
        self
    }

    pub(crate) fn says(self, says: Says) -> Self {
        let token = ReviewerToken::from_entropy([2; 32]);
        let record = PersonRecord {
            name: person("ana"),
            roles: vec![Role::Reviewer],
            groups: Vec::new(),
            stands_in_for: Vec::new(),
            kind: SecretKind::Token,
            secret: token.hash(),
            expires_at: None,
        };
        let ana = record.authenticate(&token, at(0)).unwrap();
        let seen = Seen::digest(self.escalation.digest());
        let decision = VerifiedDecision::in_session(&ana, says, seen).unwrap();
        self.then(&Command::Decide(decision))
    }

    pub(crate) fn delivered(self) -> Self {
        self.then(&Command::Deliver { channel: "inbox".into() })
    }

    pub(crate) fn approved(self) -> Self {
        self.says(Says::Approve)
    }

    pub(crate) fn denied(self) -> Self {
        self.says(Says::Deny)
    }

    pub(crate) fn redeemed(self) -> Self {
        let key = AgentKey::from_entropy([1; 32]);
        let record =
            AgentRecord { name: self.escalation.agent().clone(), key: key.hash(), owner: None };
        let executor = record.authenticate(&key).unwrap();
        let today = self.escalation.verdict().clone();
        self.then(&Command::Redeem { executor, today })
    }

    /// The changes that keep it.
    pub(crate) fn changes(&self) -> Changes {
        changes(std::slice::from_ref(self))
    }
}

pub(crate) fn verdict(tier: Tier, on: &str) -> Verdict {
    Verdict {
        tier,
        rule: Some(rule("merges")),
        window: Period::from_secs(60),
        unheard_after: Period::from_secs(3_600),
        quorum: Needed::ONE,
        self_approval: SelfApproval::Allowed,
        silent_limit: SilentLimit::DEFAULT,
        assurance: Assurance::Session,
        permit_lasts: PERMIT_LASTS,
        route: route(on),
        policy: digest("policy"),
    }
}

/// The changes that keep all of these.
pub(crate) fn changes(cases: &[Case]) -> Changes {
    Changes {
        entries: cases.iter().flat_map(|case| case.entries.clone()).collect(),
        escalations: cases
            .iter()
            .map(|Case { escalation, before, due, .. }| Current {
                escalation: escalation.clone(),
                before: *before,
                due: *due,
            })
            .collect(),
        ..Changes::default()
    }
}

/// Keeps these in a unit of their own; the index of their first entry.
pub(crate) async fn keep(store: &dyn Store, cases: &[Case]) -> u64 {
    commit(store, &changes(cases)).await
}

/// Commits these in a unit of their own; the index of the first entry.
pub(crate) async fn commit(store: &dyn Store, changes: &Changes) -> u64 {
    let mut writer = store.writer().await.unwrap();
    writer.begin().await.unwrap();
    writer.commit(changes).await.unwrap()
}

/// The numbers of these, as [`id`] gave them.
pub(crate) fn numbers<'a>(escalations: impl IntoIterator<Item = &'a Escalation>) -> Vec<u128> {
    let number = |escalation: &Escalation| escalation.id().as_uuid().as_u128() - uuid(0).as_u128();
    escalations.into_iter().map(number).collect()
}
