//! A world with a virtual clock: one escalation, everybody who may touch it, and a model that
//! keeps its own books on who approved what and how much silence was truly heard.

use std::collections::BTreeSet;
use std::num::NonZeroU8;
use std::sync::LazyLock;

use jiff::Timestamp;
use sayso_core::credential::{
    Agent, AgentKey, AgentRecord, Person, PersonRecord, ReviewerToken, Role, SecretKind,
};
use sayso_core::decision::{Assurance, Edit, Says, Seen, VerifiedDecision};
use sayso_core::escalation::{
    Granted, Hardened, PERMIT_LASTS, Proposal, ReceiptResult, RefusedProposal, Subject, TAKE_LASTS,
    open,
};
use sayso_core::{
    AgentName, Command, Digest, Escalation, EscalationId, Event, GroupName, HaltId, Heard, Hearing,
    Moment, Needed, Nonce, Period, Question, Refusal, ReviewerName, RouteName, RuleName,
    SelfApproval, SilentLimit, Tier, ToolName, Verdict, decide,
};
use serde_json::json;

/// Ten minutes of heard silence are consent here.
pub(crate) const WINDOW: Period = minutes(10);
/// After twenty minutes unheard, soft becomes hard here.
pub(crate) const UNHEARD: Period = minutes(20);
/// So many silent grants an hour, and no more.
pub(crate) const LIMIT: u32 = 2;

pub(crate) const fn minutes(minutes: u64) -> Period {
    Period::from_secs(60 * minutes)
}

pub(crate) fn dawn() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Ana,
    Bo,
    Cy,
}

impl Who {
    pub(crate) fn person(self) -> &'static Person {
        static PEOPLE: LazyLock<[Person; 3]> = LazyLock::new(|| ["ana", "bo", "cy"].map(person));
        &PEOPLE[self as usize]
    }
}

/// Programs: the one that asks, the one that may redeem, and a stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Owner,
    Executor,
    Stranger,
}

impl Program {
    pub(crate) fn agent(self) -> &'static Agent {
        static AGENTS: LazyLock<[Agent; 3]> =
            LazyLock::new(|| ["builder", "runner", "stranger"].map(agent));
        &AGENTS[self as usize]
    }

    pub(crate) fn name(self) -> &'static AgentName {
        self.agent().name()
    }
}

pub(crate) fn person(name: &str) -> Person {
    reviewer(name, vec![Role::Reviewer])
}

pub(crate) fn reviewer(name: &str, roles: Vec<Role>) -> Person {
    somebody(name, roles, &[], &[])
}

/// A reviewer of these groups who stands in for these people.
pub(crate) fn member(name: &str, groups: &[&str], stands_in_for: &[&str]) -> Person {
    somebody(name, vec![Role::Reviewer], groups, stands_in_for)
}

fn somebody(name: &str, roles: Vec<Role>, groups: &[&str], stands_in_for: &[&str]) -> Person {
    let token = ReviewerToken::from_entropy([1; 32]);
    let record = PersonRecord {
        name: ReviewerName::new(name).unwrap(),
        roles,
        groups: groups.iter().map(|name| GroupName::new(name).unwrap()).collect(),
        stands_in_for: stands_in_for.iter().map(|name| ReviewerName::new(name).unwrap()).collect(),
        kind: SecretKind::Token,
        secret: token.hash(),
        expires_at: None,
    };
    record.authenticate(&token, dawn()).unwrap()
}

pub(crate) fn agent(name: &str) -> Agent {
    agent_of(name, None)
}

pub(crate) fn agent_of(name: &str, owner: Option<&str>) -> Agent {
    let key = AgentKey::from_entropy([2; 32]);
    let owner = owner.map(|name| ReviewerName::new(name).unwrap());
    AgentRecord { name: AgentName::new(name).unwrap(), key: key.hash(), owner }
        .authenticate(&key)
        .unwrap()
}

pub(crate) fn nonce(number: u8) -> Nonce {
    Nonce::from_entropy([number; 16])
}

pub(crate) fn halt(number: u8) -> HaltId {
    HaltId::from_uuid(uuid::Uuid::from_bytes([number; 16]))
}

pub(crate) fn verdict(tier: Tier, quorum: u8) -> Verdict {
    Verdict {
        tier,
        rule: Some(RuleName::new("deploys").unwrap()),
        window: WINDOW,
        unheard_after: UNHEARD,
        quorum: Needed::people(NonZeroU8::new(quorum).unwrap()),
        self_approval: SelfApproval::Allowed,
        silent_limit: SilentLimit::Per { count: LIMIT, period: minutes(60) },
        assurance: Assurance::Session,
        permit_lasts: PERMIT_LASTS,
        route: RouteName::everyone(),
        policy: Digest::of(b"the policy"),
    }
}

/// The two actions that people edit back and forth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bytes {
    Proposed,
    Edited,
}

impl Bytes {
    pub(crate) fn digest(self) -> Digest {
        static DIGESTS: LazyLock<[Digest; 2]> =
            LazyLock::new(|| [Digest::of(b"as proposed"), Digest::of(b"as edited")]);
        DIGESTS[self as usize]
    }

    fn other(self) -> Self {
        match self {
            Self::Proposed => Self::Edited,
            Self::Edited => Self::Proposed,
        }
    }
}

/// What a story begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    Action(Tier, u8),
    Question(Tier),
}

pub(crate) const BEGINNINGS: [Beginning; 8] = [
    Beginning::Action(Tier::Fyi, 1),
    Beginning::Action(Tier::Soft, 1),
    Beginning::Action(Tier::Soft, 2),
    Beginning::Action(Tier::Hard, 1),
    Beginning::Action(Tier::Hard, 2),
    Beginning::Action(Tier::Hard, 3),
    Beginning::Question(Tier::Soft),
    Beginning::Question(Tier::Hard),
];

impl Beginning {
    pub(crate) fn proposal(self) -> Proposal {
        let (subject, verdict) = match self {
            Self::Action(tier, quorum) => {
                let tool = ToolName::new("deploy").unwrap();
                let digest = Bytes::Proposed.digest();
                (Subject::Action { tool, digest }, verdict(tier, quorum))
            }
            Self::Question(tier) => (Subject::question(&question()).unwrap(), verdict(tier, 1)),
        };
        Proposal {
            agent: Program::Owner.agent().clone(),
            started_by: None,
            executor: Some(Program::Executor.name().clone()),
            subject,
            verdict,
            tier: None,
            window: None,
            ceremony: nonce(0),
        }
    }
}

pub(crate) fn question() -> Question {
    let asked = json!({"text": "Blue or green?", "options": ["blue", "green"], "default": "blue"});
    serde_json::from_value(asked).unwrap()
}

/// What today's policy asks at redeem, beside what it asked when the escalation began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Today {
    Same,
    Looser,
    LongerWindow,
    Soft(u8),
    Hard(u8),
}

/// One thing that happens in the world: somebody does something, or something befalls everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Approve(Who),
    /// Approving what is not the present digest.
    ApproveOther(Who),
    /// Approving without having seen anything.
    ApproveBlind(Who),
    /// Approving the version before this one.
    ApproveEarlier(Who),
    /// Editing it to the other bytes, which the policy judges so.
    Edit(Who, Tier, u8),
    /// Editing it to the very bytes it has.
    EditNothing(Who),
    Deny(Who),
    Veto(Who),
    /// Refusing without having looked.
    VetoBlind(Who),
    Hold(Who),
    Take(Who),
    Retract(Who),
    Answer(Who),
    AnswerBadly(Who),
    Withdraw(Program),
    Deliver,
    /// Time is let act, after so many silent grants.
    Tick(u32),
    Redeem(Program, Today),
    Report(Program, ReceiptResult),
    /// A halt comes into force, and reaches the escalation at once.
    Halt(u8),
    /// A halt comes into force, and has not reached the escalation yet.
    HaltFar(u8),
    /// A halt is lifted, which reaches the escalation at once.
    Lift(u8),
    /// A halt is lifted, which has not reached the escalation yet.
    LiftFar(u8),
    /// The lifting of a halt that is still in force, or was never called.
    ThawStray(u8),
    /// Time passes, with somebody listening or with nobody.
    Pass(Period, Listener),
    /// The wall clock is set back.
    WallBack(Period),
    /// The listening clock is set back: a crash lost the last of it, or a snapshot was restored.
    ListeningBack(Period),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    There,
    Gone,
}

/// The books that the model keeps, from commands alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// What the escalation is about.
    pub(crate) digest: Digest,
    /// Who approved that, and nothing else.
    pub(crate) approvers: BTreeSet<ReviewerName>,
    /// What its policy asks now.
    pub(crate) quorum: usize,
    pub(crate) window: Period,
    pub(crate) tier: Tier,
    /// Since when it could have been heard.
    pub(crate) since: Timestamp,
    /// Silence truly heard.
    pub(crate) delivered: bool,
    pub(crate) heard: Period,
    /// Whether `heard` is exact; otherwise it is the most that may be claimed.
    pub(crate) exact: bool,
    pub(crate) taken_until: Option<Timestamp>,
    pub(crate) frozen: Option<HaltId>,
    /// What ended it, other than a grant, an answer or its time.
    pub(crate) ended: Option<Ended>,
    pub(crate) granted: Option<GrantedOnce>,
    pub(crate) starts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A person said no.
    Refused,
    /// The agent withdrew it, or a halt took it back.
    Stopped,
}

/// What the model saw when it was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GrantedOnce {
    pub(crate) until: Timestamp,
    pub(crate) digest: Digest,
    pub(crate) people: usize,
    /// The heard silence, if that is what granted it.
    pub(crate) silence: Option<Period>,
}

impl Model {
    fn of(verdict: &Verdict, digest: Digest, since: Timestamp) -> Self {
        Self {
            digest,
            approvers: BTreeSet::new(),
            quorum: usize::from(verdict.quorum.in_all().get()),
            window: verdict.window,
            tier: verdict.tier,
            since,
            delivered: false,
            heard: Period::ZERO,
            exact: true,
            taken_until: None,
            frozen: None,
            ended: None,
            granted: None,
            starts: 0,
        }
    }

    /// Whether silence counts while somebody listens.
    pub(crate) fn counts(&self) -> bool {
        self.delivered && self.taken_until.is_none() && self.frozen.is_none()
    }
}

/// A command that was given, and what came of it.
pub(crate) struct Turn<'a> {
    pub(crate) before: &'a Escalation,
    pub(crate) model_before: &'a Model,
    pub(crate) command: &'a Command,
    pub(crate) moment: Moment,
    pub(crate) said: &'a Result<Vec<Event>, Refusal>,
    pub(crate) after: &'a Escalation,
    pub(crate) model: &'a Model,
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) escalation: Escalation,
    pub(crate) history: Vec<(Timestamp, Event)>,
    pub(crate) at: Timestamp,
    pub(crate) hearing: Hearing,
    /// The halts in force, in the order they were called.
    pub(crate) halts: Vec<HaltId>,
    pub(crate) bytes: Bytes,
    pub(crate) model: Model,
}

impl World {
    pub(crate) fn new(beginning: Beginning) -> Self {
        Self::propose(beginning.proposal()).unwrap()
    }

    pub(crate) fn propose(proposal: Proposal) -> Result<Self, RefusedProposal> {
        Self::propose_under(proposal, None)
    }

    pub(crate) fn propose_under(
        proposal: Proposal,
        halt: Option<HaltId>,
    ) -> Result<Self, RefusedProposal> {
        let at = dawn();
        let moment = Moment { halt, ..Moment::at(at) };
        let history: Vec<_> = open(proposal, &moment)?.into_iter().map(|e| (at, e)).collect();
        let id = EscalationId::from_uuid(uuid::Uuid::from_bytes([9; 16]));
        let escalation = Escalation::fold(id, history.iter().map(|(at, e)| (*at, e))).unwrap();
        let model = Model::of(escalation.verdict(), escalation.digest(), at);
        Ok(Self {
            escalation,
            history,
            at,
            hearing: Hearing { reading: Heard::from_micros(0), running: false, last: None },
            halts: halt.into_iter().collect(),
            bytes: Bytes::Proposed,
            model,
        })
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment { at: self.at, hearing: self.hearing, halt: self.halts.first().copied() }
    }

    /// Takes one step. `judge` sees every command that was given on the way.
    pub(crate) fn step(
        &mut self,
        step: Step,
        judge: &mut dyn FnMut(&Turn),
    ) -> Option<Result<Vec<Event>, Refusal>> {
        match step {
            Step::Pass(period, listener) => self.pass(period, listener),
            Step::WallBack(period) => {
                self.at = self.at.saturating_sub(std::time::Duration::from(period)).unwrap();
            }
            Step::ListeningBack(period) => {
                let micros = self.hearing.reading.as_micros();
                self.hearing.reading =
                    Heard::from_micros(micros.saturating_sub(period.as_micros()));
                self.model.exact = false;
            }
            Step::Halt(number) | Step::HaltFar(number) if !self.halts.contains(&halt(number)) => {
                self.halts.push(halt(number));
            }
            Step::Lift(number) | Step::LiftFar(number) => {
                self.halts.retain(|known| *known != halt(number));
            }
            _ => {}
        }
        let command = self.command(step)?;
        let said = self.give(&command, judge);
        // As the engine does: what one halt let go of, the next takes hold of.
        if let (Step::Lift(_), Some(next)) = (step, self.halts.first().copied()) {
            let _ = self.give(&Command::Freeze(next), judge);
        }
        Some(said)
    }

    /// Takes steps that must all do something, and says what each led to.
    pub(crate) fn all(&mut self, steps: &[Step]) -> Vec<&'static str> {
        let mut words = Vec::new();
        for step in steps {
            match self.step(*step, &mut crate::laws::hold) {
                Some(Ok(events)) => words.extend(events.iter().map(Event::word)),
                Some(Err(refusal)) => panic!("{step:?} was refused: {refusal}"),
                None => {}
            }
            crate::laws::hold_still(self);
        }
        words
    }

    /// Takes a step that must be refused.
    pub(crate) fn refused(&mut self, step: Step) -> Refusal {
        match self.step(step, &mut crate::laws::hold) {
            Some(Err(refusal)) => refusal,
            Some(Ok(events)) => panic!("{step:?} led to {events:?}"),
            None => panic!("{step:?} is no command"),
        }
    }

    fn pass(&mut self, period: Period, listener: Listener) {
        self.at = period.after(self.at);
        self.hearing.running = listener == Listener::There;
        if listener == Listener::There {
            self.hearing.reading = self.hearing.reading + period;
            self.hearing.last = Some(self.at);
            if self.escalation.is_pending() && self.model.counts() {
                self.model.heard = self.model.heard.plus(period);
            }
        }
    }

    /// One that no event of the history has.
    fn next_ceremony(&self) -> Nonce {
        nonce(u8::try_from(self.escalation.version()).unwrap())
    }

    pub(crate) fn command(&self, step: Step) -> Option<Command> {
        let present = self.escalation.digest();
        let other = match self.escalation.subject() {
            Subject::Action { .. } => self.bytes.other().digest(),
            Subject::Question { .. } => Bytes::Edited.digest(),
        };
        let says = |who, says, seen| Some(decision(who, says, seen));
        let seen = Seen::digest(present);
        match step {
            Step::Approve(who) => says(who, Says::Approve, seen),
            Step::ApproveOther(who) => says(who, Says::Approve, Seen::digest(other)),
            Step::ApproveBlind(who) => says(who, Says::Approve, Seen::default()),
            Step::ApproveEarlier(who) => {
                let version = Some(self.escalation.version() - 1);
                says(who, Says::Approve, Seen { version, ..seen })
            }
            Step::Edit(who, tier, quorum) => {
                let (digest, verdict) = (other, verdict(tier, quorum));
                let edit = Edit { digest, verdict, ceremony: self.next_ceremony() };
                says(who, Says::ApproveEdited(edit), seen)
            }
            Step::EditNothing(who) => {
                let (digest, verdict) = (present, verdict(Tier::Fyi, 1));
                let edit = Edit { digest, verdict, ceremony: self.next_ceremony() };
                says(who, Says::ApproveEdited(edit), seen)
            }
            Step::Deny(who) => says(who, Says::Deny, seen),
            Step::Veto(who) => says(who, Says::Veto, seen),
            Step::VetoBlind(who) => says(who, Says::Veto, Seen::default()),
            Step::Hold(who) => says(who, Says::Hold, seen),
            Step::Take(who) => says(who, Says::Take, seen),
            Step::Retract(who) => says(who, Says::Retract, seen),
            Step::Answer(who) => says(who, Says::Answer(json!("green")), seen),
            Step::AnswerBadly(who) => says(who, Says::Answer(json!("red")), seen),
            Step::Withdraw(program) => Some(Command::Withdraw(program.agent().clone())),
            Step::Deliver => Some(Command::Deliver { channel: "inbox".into() }),
            Step::Tick(silent_grants) => Some(Command::Tick { silent_grants }),
            Step::Redeem(program, today) => Some(Command::Redeem {
                executor: program.agent().clone(),
                today: match today {
                    Today::Same => self.escalation.verdict().clone(),
                    Today::Looser => verdict(Tier::Fyi, 1),
                    Today::LongerWindow => {
                        Verdict { window: minutes(60), ..self.escalation.verdict().clone() }
                    }
                    Today::Soft(quorum) => verdict(Tier::Soft, quorum),
                    Today::Hard(quorum) => verdict(Tier::Hard, quorum),
                },
            }),
            Step::Report(program, result) => {
                let executor = program.agent().clone();
                Some(Command::Report { executor, result, reopened: None })
            }
            Step::Halt(number) => Some(Command::Freeze(halt(number))),
            Step::Lift(number) | Step::ThawStray(number) => Some(Command::Thaw(halt(number))),
            Step::LiftFar(_)
            | Step::HaltFar(_)
            | Step::Pass(..)
            | Step::WallBack(_)
            | Step::ListeningBack(_) => None,
        }
    }

    /// Gives a command, and keeps both the law's books and the model's.
    pub(crate) fn give(
        &mut self,
        command: &Command,
        judge: &mut dyn FnMut(&Turn),
    ) -> Result<Vec<Event>, Refusal> {
        let (before, model_before, moment) =
            (self.escalation.clone(), self.model.clone(), self.moment());
        let said = decide(&self.escalation, command, &moment);
        if let Ok(events) = &said {
            for event in events {
                self.escalation = self.escalation.clone().apply(event, self.at).unwrap();
                self.history.push((self.at, event.clone()));
            }
            self.keep_books(command, &before, events);
        }
        judge(&Turn {
            before: &before,
            model_before: &model_before,
            command,
            moment,
            said: &said,
            after: &self.escalation,
            model: &self.model,
        });
        said
    }

    fn keep_books(&mut self, command: &Command, before: &Escalation, events: &[Event]) {
        let (at, halted) = (self.at, self.halts.first().copied());
        let model = &mut self.model;
        let open = before.is_pending();
        match command {
            Command::Decide(decision) => match decision.says() {
                Says::Approve => {
                    model.approvers.insert(decision.by().clone());
                }
                Says::ApproveEdited(edit) => {
                    if edit.digest != model.digest {
                        model.digest = edit.digest;
                        model.approvers.clear();
                        model.quorum = usize::from(edit.verdict.quorum.in_all().get());
                        model.window = model.window.max(edit.verdict.window);
                        model.tier = model.tier.max(edit.verdict.tier);
                        (model.delivered, model.heard, model.since) = (false, Period::ZERO, at);
                        self.bytes = self.bytes.other();
                    }
                    model.approvers.insert(decision.by().clone());
                }
                Says::Retract => {
                    model.approvers.remove(decision.by());
                }
                Says::Deny | Says::Veto => model.ended = Some(Ended::Refused),
                Says::Hold => model.tier = Tier::Hard,
                Says::Take => model.taken_until = Some(TAKE_LASTS.after(at)),
                Says::Answer(_) => {}
            },
            Command::Deliver { .. } => {
                let reachable = open && model.tier == Tier::Soft && halted.is_none();
                let idle = model.taken_until.is_none() && model.frozen.is_none();
                if reachable && idle && !model.delivered {
                    (model.delivered, model.since) = (true, at);
                }
            }
            Command::Tick { .. } if open && at < before.expires_at() => {
                if model.frozen.is_some() {
                } else if halted.is_some() {
                    model.frozen = halted;
                } else if model.taken_until.is_some_and(|until| at >= until) {
                    (model.taken_until, model.since) = (None, at);
                }
            }
            Command::Freeze(halt) => {
                if open {
                    model.frozen = model.frozen.or(Some(*halt));
                }
            }
            Command::Thaw(halt) => {
                if model.frozen == Some(*halt) {
                    (model.frozen, model.since) = (None, at);
                }
            }
            Command::Tick { .. }
            | Command::Withdraw(_)
            | Command::Redeem { .. }
            | Command::Report { .. } => {}
        }
        for event in events {
            match event {
                Event::Hardened { because: Hardened::Unheard | Hardened::SilentLimit } => {
                    model.tier = Tier::Hard;
                }
                Event::Granted { grant, .. } => {
                    model.granted = Some(GrantedOnce {
                        until: PERMIT_LASTS.after(at),
                        digest: model.digest,
                        people: model.approvers.len(),
                        silence: grant.silence().map(|_| model.heard),
                    });
                }
                Event::Started { .. } => model.starts += 1,
                Event::Halted { .. } | Event::Withdrawn => model.ended = Some(Ended::Stopped),
                _ => {}
            }
        }
    }

    pub(crate) fn granted(&self) -> Option<&Granted> {
        self.escalation.settled()?.granted.as_ref()
    }
}

pub(crate) fn decision(who: Who, says: Says, seen: Seen) -> Command {
    Command::Decide(VerifiedDecision::in_session(who.person(), says, seen).unwrap())
}
