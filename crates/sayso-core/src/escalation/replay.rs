//! Whether a history is one that the law can have written: each event must be what `open` or
//! `decide` says to some command at that time.
//!
//! It takes the ledger's word for who decided. That a person did is for their signature to prove.

use jiff::Timestamp;
use serde_json::Value;

use super::command::Command;
use super::event::{Event, Hardened};
use super::open::{Proposal, open};
use super::{Escalation, Silence, Wait, decide};
use crate::credential::Agent;
use crate::decision::{Assurance, Edit, Says, Seen, VerifiedDecision};
use crate::grant::Basis;
use crate::halt::Halt;
use crate::id::{EscalationId, HaltId};
use crate::moment::{Heard, Hearing, Moment};
use crate::name::{GroupName, ReviewerName};
use crate::period::Period;
use crate::statement::Signed;

/// What the ledger knows, besides an escalation's own history, when a step of it was taken.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// When.
    pub at: Timestamp,
    /// The halts in force.
    pub halts: &'a [Halt],
    /// How many silent grants the agent had had under the rule, in the limit's stretch.
    pub silent_grants: u32,
    /// The answer that came with it, unless it was erased.
    pub answer: Option<&'a Value>,
}

/// A step that the law would not have taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// It begins with something else than a proposal.
    #[error("a history begins with `proposed`, not with `{0}`")]
    Beginning(&'static str),
    /// The law refuses what must have been asked.
    #[error("`{event}` is refused: {why}")]
    Refused {
        /// The event's word.
        event: &'static str,
        /// In the law's words.
        why: String,
    },
    /// The law says something else.
    #[error("`{event}` does not follow: the law says {instead}")]
    Otherwise {
        /// The event's word.
        event: &'static str,
        /// What it says instead.
        instead: String,
    },
    /// The halt it names is not in force, or does not cover it.
    #[error("`{event}` names the halt {halt}, which {why}")]
    Halt {
        /// The event's word.
        event: &'static str,
        /// Which halt.
        halt: HaltId,
        /// What is wrong with that.
        why: &'static str,
    },
    /// More silence than there was time for.
    #[error("`{event}` counts {heard} of silence where only {passed} have passed")]
    TooMuchHeard {
        /// The event's word.
        event: &'static str,
        /// How much it counts.
        heard: Period,
        /// How much time has passed.
        passed: Period,
    },
    /// The fold does not take it.
    #[error(transparent)]
    History(#[from] super::IllegalHistory),
}

/// An escalation on its way through its history.
#[derive(Clone, Debug)]
pub struct Replay {
    escalation: Escalation,
    /// When silence last began to count, and how much had been heard by then.
    counting: Option<(Timestamp, Period)>,
}

impl Replay {
    /// Begins with the first events of a history; says how many of `events` that took.
    pub fn begin(
        id: EscalationId,
        events: &[&Event],
        facts: &Facts<'_>,
    ) -> Result<(Self, usize), Illegal> {
        let Some(Event::Proposed {
            agent, answerable, executor, subject, verdict, ceremony, ..
        }) = events.first()
        else {
            return Err(Illegal::Beginning(events.first().map_or("nothing", |event| event.word())));
        };
        let halt = match events.get(1) {
            Some(Event::Halted { halt }) => Some(*halt),
            _ => None,
        };
        let covering = facts
            .halts
            .iter()
            .find(|halt| halt.covers(agent, subject.tool(), verdict.rule.as_ref()));
        let halt = match (halt, covering) {
            (Some(named), _) => {
                in_force(named, "halted", facts, |h| {
                    h.covers(agent, subject.tool(), verdict.rule.as_ref())
                })?;
                Some(named)
            }
            (None, covering) => covering.map(|halt| halt.id),
        };
        let proposal = Proposal {
            agent: Agent::replayed(agent.clone(), answerable.first().cloned()),
            started_by: answerable.get(1).cloned(),
            executor: Some(executor.clone()),
            subject: subject.clone(),
            verdict: verdict.clone(),
            tier: None,
            window: None,
            ceremony: *ceremony,
        };
        let moment = Moment { halt, ..Moment::at(facts.at) };
        let said = open(proposal, &moment)
            .map_err(|why| Illegal::Refused { event: "proposed", why: why.to_string() })?;
        let taken = same(&said, events)?;
        let escalation = Escalation::fold(id, said.iter().map(|event| (facts.at, event)))?;
        Ok((Self { escalation, counting: None }, taken))
    }

    /// The state so far.
    pub fn escalation(&self) -> &Escalation {
        &self.escalation
    }

    /// Takes the next step; says how many of `events` it was.
    pub fn step(&mut self, events: &[&Event], facts: &Facts<'_>) -> Result<usize, Illegal> {
        let Some(event) = events.first() else { return Ok(0) };
        let escalation = &self.escalation;
        let heard = heard_by(event);
        self.check_heard(event, heard, facts.at)?;
        let mut moment = Moment {
            at: facts.at,
            hearing: Hearing { reading: self.reading(event, heard), running: false, last: None },
            halt: self.covering(facts).map(|halt| halt.id),
        };
        let command = match event {
            Event::Proposed { .. } | Event::Noted => {
                let (event, instead) = (event.word(), "that it has begun".into());
                return Err(Illegal::Otherwise { event, instead });
            }
            Event::Delivered { channel, .. } => Command::Deliver { channel: channel.clone() },
            Event::Hardened { because: Hardened::Held { by } } => {
                person(by, Says::Hold, escalation)
            }
            Event::Taken { take, .. } => person(&take.by, Says::Take, escalation),
            Event::Hardened {
                because: Hardened::Edited { .. } | Hardened::Unheard | Hardened::SilentLimit,
            }
            | Event::Lapsed { .. }
            | Event::Granted { .. }
            | Event::Expired
            | Event::Answered { by: None, .. }
            | Event::Receipted { by: None, .. } => {
                Command::Tick { silent_grants: facts.silent_grants }
            }
            Event::Edited { by, digest, verdict, ceremony } => {
                let (digest, verdict, ceremony) = (*digest, verdict.clone(), *ceremony);
                let edit = Edit { digest, verdict, ceremony };
                permitting(by, Says::ApproveEdited(edit), escalation, Tie::of(events))
            }
            Event::Approved { approval } => {
                permitting(approval.by(), Says::Approve, escalation, Tie::of(events))
            }
            Event::Retracted { by } => person(by, Says::Retract, escalation),
            Event::Answered { by: Some(by), .. } => match facts.answer {
                Some(answer) => {
                    permitting(by, Says::Answer(answer.clone()), escalation, Tie::of(events))
                }
                // What was answered is erased: that there was a question to answer is all that
                // can be said.
                None => return self.take(&[(*event).clone()], facts.at),
            },
            Event::Denied { by } => person(by, Says::Deny, escalation),
            Event::Vetoed { by } => person(by, Says::Veto, escalation),
            Event::Withdrawn => {
                Command::Withdraw(Agent::replayed(escalation.agent().clone(), None))
            }
            Event::Halted { halt } | Event::Frozen { halt, .. } => {
                let (agent, tool) = (escalation.agent(), escalation.subject().tool());
                in_force(*halt, event.word(), facts, |h| h.covers(agent, tool, escalation.rule()))?;
                Command::Freeze(*halt)
            }
            Event::Thawed { .. } => {
                let halt = escalation.frozen();
                if let Some(halt) = halt
                    && facts.halts.iter().any(|known| known.id == halt)
                {
                    let why = "is still in force";
                    return Err(Illegal::Halt { event: "thawed", halt, why });
                }
                moment.halt = None;
                // Without a halt it is frozen by, no command thaws it.
                Command::Thaw(halt.unwrap_or(HaltId::from_uuid(escalation.id().as_uuid())))
            }
            Event::Started { by } => {
                let today = escalation.verdict().clone();
                Command::Redeem { executor: Agent::replayed(by.clone(), None), today }
            }
            Event::Receipted { result, by: Some(by), reopened } => {
                let executor = Agent::replayed(by.clone(), None);
                Command::Report { executor, result: *result, reopened: *reopened }
            }
        };
        let said = decide(escalation, &command, &moment)
            .map_err(|why| Illegal::Refused { event: event.word(), why: why.to_string() })?;
        let taken = same(&said, events)?;
        self.take(&said, facts.at)?;
        Ok(taken)
    }

    fn take(&mut self, said: &[Event], at: Timestamp) -> Result<usize, Illegal> {
        for event in said {
            self.escalation = self.escalation.clone().apply(event, at)?;
        }
        self.counting = match self.escalation.pending().map(|pending| &pending.wait) {
            Some(Wait::Soft { silence: Silence::Counting { .. }, .. }) => {
                let begun = said.iter().any(|event| {
                    matches!(
                        event,
                        Event::Delivered { .. } | Event::Lapsed { .. } | Event::Thawed { .. }
                    )
                });
                if begun { Some((at, self.stopped())) } else { self.counting }
            }
            Some(Wait::Soft { silence: Silence::Stopped { heard }, .. }) => Some((at, *heard)),
            _ => None,
        };
        Ok(said.len())
    }

    /// How much had been heard when it last stopped.
    fn stopped(&self) -> Period {
        self.counting.map_or(Period::ZERO, |(_, heard)| heard)
    }

    fn covering<'a>(&self, facts: &Facts<'a>) -> Option<&'a Halt> {
        let (agent, tool) = (self.escalation.agent(), self.escalation.subject().tool());
        facts.halts.iter().find(|halt| halt.covers(agent, tool, self.escalation.rule()))
    }

    /// No clock of listeners runs faster than the wall clock.
    fn check_heard(
        &self,
        event: &Event,
        heard: Option<Period>,
        at: Timestamp,
    ) -> Result<(), Illegal> {
        let (Some(heard), Some((since, before))) = (heard, self.counting) else { return Ok(()) };
        let passed = Period::between(since, at).plus(before);
        match heard > passed {
            true => Err(Illegal::TooMuchHeard { event: event.word(), heard, passed }),
            false => Ok(()),
        }
    }

    /// What the listening clock must have said.
    fn reading(&self, event: &Event, heard: Option<Period>) -> Heard {
        let silence = match self.escalation.pending().map(|pending| &pending.wait) {
            Some(Wait::Soft { silence, .. }) => *silence,
            Some(Wait::Hard { .. }) | None => return Heard::default(),
        };
        match (event, silence) {
            (Event::Delivered { from, .. }, _) => from.plus(Period::ZERO),
            (
                Event::Lapsed { from: Some(from) } | Event::Thawed { from: Some(from) },
                Silence::Stopped { heard },
            ) => from.plus(heard),
            (Event::Hardened { because: Hardened::SilentLimit }, Silence::Counting { from }) => {
                from.plus(self.escalation.verdict().window)
            }
            (_, Silence::Counting { from }) => from.plus(heard.unwrap_or_default()),
            (_, Silence::Undelivered | Silence::Stopped { .. }) => Heard::default(),
        }
    }
}

/// How much silence an event says was heard by then.
fn heard_by(event: &Event) -> Option<Period> {
    match event {
        Event::Taken { heard, .. }
        | Event::Frozen { heard, .. }
        | Event::Answered { heard, basis: Basis::Silence, .. } => *heard,
        Event::Granted { grant, .. } => grant.silence().map(|(heard, _)| heard),
        _ => None,
    }
}

/// How a say-so is tied to its person, by what was recorded of it.
#[derive(Default)]
struct Tie {
    assurance: Option<Assurance>,
    groups: Vec<GroupName>,
    signed: Option<Signed>,
}

impl Tie {
    /// That of the approval or the answer among these events.
    fn of(events: &[&Event]) -> Self {
        let mut ties = events.iter().filter_map(|event| match event {
            Event::Approved { approval } => Some(Self {
                assurance: Some(approval.assurance()),
                groups: approval.groups().to_vec(),
                signed: approval.signed(),
            }),
            Event::Answered { assurance, signed, .. } => {
                Some(Self { assurance: *assurance, groups: Vec::new(), signed: *signed })
            }
            _ => None,
        });
        ties.next().unwrap_or_default()
    }
}

/// A decision for which nobody need have seen anything.
fn person(by: &ReviewerName, says: Says, escalation: &Escalation) -> Command {
    permitting(by, says, escalation, Tie::default())
}

fn permitting(by: &ReviewerName, says: Says, escalation: &Escalation, tie: Tie) -> Command {
    let seen = Seen::digest(escalation.digest());
    let assurance = tie.assurance.unwrap_or(Assurance::Channel);
    let (groups, signed) = (tie.groups, tie.signed);
    let by = by.clone();
    Command::Decide(VerifiedDecision::replayed(by, says, seen, assurance, groups, signed))
}

fn in_force(
    halt: HaltId,
    event: &'static str,
    facts: &Facts<'_>,
    covers: impl Fn(&Halt) -> bool,
) -> Result<(), Illegal> {
    let why = match facts.halts.iter().find(|known| known.id == halt) {
        None => "is not in force",
        Some(known) if !covers(known) => "does not cover it",
        Some(_) => return Ok(()),
    };
    Err(Illegal::Halt { event, halt, why })
}

/// Whether the events begin with exactly what the law said; how many that is.
fn same(said: &[Event], events: &[&Event]) -> Result<usize, Illegal> {
    let recorded = events.iter().take(said.len()).copied();
    if !said.is_empty() && recorded.eq(said.iter()) {
        return Ok(said.len());
    }
    let differs = said.iter().zip(events).find(|(said, recorded)| *said != **recorded);
    let event = match differs {
        Some((_, recorded)) => recorded.word(),
        None => events.last().map_or("nothing", |event| event.word()),
    };
    let words: Vec<_> = said.iter().map(|said| format!("`{}`", said.word())).collect();
    let instead = match (words.is_empty(), differs) {
        (true, _) => "nothing happens".into(),
        (false, Some((said, recorded))) if said.word() == recorded.word() => {
            format!("`{}` with other particulars", said.word())
        }
        (false, _) => words.join(", "),
    };
    Err(Illegal::Otherwise { event, instead })
}
