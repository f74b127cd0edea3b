//! The fold: how each event changes the state. It replays what happened and questions nothing
//! but its shape; what may happen is for `decide` to say.

use jiff::Timestamp;

use super::event::Event;
use super::settled::{Granted, Outcome, PermitState, Receipt, Settled};
use super::{Escalation, Pending, Phase, Silence, Subject, Wait};
use crate::grant::Basis;
use crate::id::EscalationId;
use crate::moment::Start;
use crate::name::ReviewerName;
use crate::period::Period;
use crate::tier::Tier;

/// A history that no escalation can have had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {version} ({event}) can't follow what came before it")]
pub struct IllegalHistory {
    /// Which event, counted from 1.
    pub version: u64,
    /// The event's word.
    pub event: &'static str,
}

impl Escalation {
    /// The state that a history leads to.
    pub fn fold<'a>(
        id: EscalationId,
        history: impl IntoIterator<Item = (Timestamp, &'a Event)>,
    ) -> Result<Self, IllegalHistory> {
        let mut history = history.into_iter();
        let empty = IllegalHistory { version: 1, event: "nothing" };
        let (at, first) = history.next().ok_or(empty)?;
        let Event::Proposed { agent, answerable, executor, subject, verdict, expires_at, ceremony } =
            first
        else {
            return Err(IllegalHistory { version: 1, event: first.word() });
        };
        let wait = match verdict.tier {
            Tier::Hard => Wait::Hard { because: None },
            // An fyi is noted by the very next event.
            Tier::Soft | Tier::Fyi => Wait::Soft { silence: Silence::Undelivered, since: at },
        };
        let pending = Pending {
            wait,
            approvals: Vec::new(),
            approved: Vec::new(),
            retracted: Vec::new(),
            taken: None,
            frozen: None,
        };
        let begun = Self {
            id,
            agent: agent.clone(),
            answerable: answerable.clone(),
            executor: executor.clone(),
            subject: subject.clone(),
            verdict: verdict.clone(),
            created_at: at,
            expires_at: *expires_at,
            version: 1,
            ceremony: *ceremony,
            ceremony_since: 1,
            phase: Phase::Pending(pending),
        };
        history.try_fold(begun, |escalation, (at, event)| escalation.apply(event, at))
    }

    /// The state after `event`, which happened at `at`.
    pub fn apply(mut self, event: &Event, at: Timestamp) -> Result<Self, IllegalHistory> {
        self.version += 1;
        let illegal = IllegalHistory { version: self.version, event: event.word() };
        // What was proposed as fyi is kept as a soft wait for the instant before it ends.
        let notice = self.is_pending() && self.verdict.tier == Tier::Fyi;
        let tier = if notice { Tier::Fyi } else { self.tier() };
        match (&mut self.phase, event) {
            (_, Event::Proposed { .. }) => return Err(illegal),
            (Phase::Pending(pending), event) => {
                if let Some(settled) = settle(event, at, tier) {
                    self.phase = Phase::Settled(settled);
                } else if let Event::Edited { digest, verdict, ceremony, .. } = event {
                    let Subject::Action { digest: present, .. } = &mut self.subject else {
                        return Err(illegal);
                    };
                    *present = *digest;
                    self.verdict = verdict.clone();
                    (self.ceremony, self.ceremony_since) = (*ceremony, self.version);
                    pending.approvals.clear();
                    pending.approved.clear();
                    pending.unsay(at);
                } else {
                    pending.apply(event, self.version, at).ok_or(illegal)?;
                }
            }
            (Phase::Settled(settled), event) => settled.apply(event, at).ok_or(illegal)?,
        }
        Ok(self)
    }
}

/// How an open escalation ends by `event`, if it does.
fn settle(event: &Event, at: Timestamp, tier: Tier) -> Option<Settled> {
    let plain = |outcome| Settled { outcome, at, tier, answered: None, by: None, granted: None };
    let by_person = |outcome, by: &ReviewerName| Settled { by: Some(by.clone()), ..plain(outcome) };
    Some(match event {
        Event::Granted { grant, expires_at } => {
            let permit = PermitState::Issued { expires_at: *expires_at };
            let granted = Some(Granted { grant: grant.clone(), permit });
            Settled { granted, tier: grant.tier(), ..plain(Outcome::Granted) }
        }
        Event::Answered { basis, by, .. } => Settled {
            answered: Some(*basis),
            by: by.clone().filter(|_| *basis == Basis::Decision),
            ..plain(Outcome::Answered)
        },
        Event::Denied { by } => by_person(Outcome::Denied, by),
        Event::Vetoed { by } => by_person(Outcome::Vetoed, by),
        Event::Expired => plain(Outcome::Expired),
        Event::Withdrawn => plain(Outcome::Withdrawn),
        Event::Halted { .. } => plain(Outcome::Halted),
        Event::Noted => plain(Outcome::Noted),
        Event::Proposed { .. }
        | Event::Delivered { .. }
        | Event::Hardened { .. }
        | Event::Taken { .. }
        | Event::Lapsed { .. }
        | Event::Edited { .. }
        | Event::Approved { .. }
        | Event::Retracted { .. }
        | Event::Frozen { .. }
        | Event::Thawed { .. }
        | Event::Started { .. }
        | Event::Receipted { .. } => return None,
    })
}

impl Pending {
    fn apply(&mut self, event: &Event, version: u64, at: Timestamp) -> Option<()> {
        match event {
            Event::Delivered { from, .. } => self.resume(Some(*from), at),
            Event::Hardened { because } => {
                self.wait = Wait::Hard { because: Some(because.clone()) };
            }
            Event::Taken { take, heard } => {
                self.taken = Some(take.clone());
                self.stop(*heard);
            }
            Event::Lapsed { from } => {
                self.taken = None;
                self.resume(*from, at);
            }
            Event::Approved { approval } => {
                self.approvals.push(approval.clone());
                self.approved.push((approval.by.clone(), at));
            }
            Event::Retracted { by } => {
                self.approvals.retain(|approval| approval.by != *by);
                self.approved.retain(|(person, _)| person != by);
                self.retracted.retain(|(person, _)| person != by);
                self.retracted.push((by.clone(), version));
            }
            Event::Frozen { halt, heard } => {
                self.frozen = Some(*halt);
                self.stop(*heard);
            }
            Event::Thawed { from } => {
                self.frozen = None;
                self.resume(*from, at);
            }
            _ => return None,
        }
        Some(())
    }

    fn stop(&mut self, heard: Option<Period>) {
        if let (Wait::Soft { silence, .. }, Some(heard)) = (&mut self.wait, heard) {
            *silence = Silence::Stopped { heard };
        }
    }

    /// Nobody has been shown what it is now: its silence begins anew.
    fn unsay(&mut self, at: Timestamp) {
        if let Wait::Soft { silence, since } = &mut self.wait {
            (*silence, *since) = (Silence::Undelivered, at);
        }
    }

    fn resume(&mut self, from: Option<Start>, at: Timestamp) {
        if let Wait::Soft { silence, since } = &mut self.wait {
            if let Some(from) = from {
                *silence = Silence::Counting { from };
            }
            *since = at;
        }
    }
}

impl Settled {
    fn apply(&mut self, event: &Event, now: Timestamp) -> Option<()> {
        let granted = self.granted.as_mut()?;
        match (&mut granted.permit, event) {
            (permit @ PermitState::Issued { .. }, Event::Started { by }) => {
                *permit = PermitState::Started { by: by.clone(), at: now, receipt: None };
                return Some(());
            }
            (PermitState::Started { receipt, .. }, Event::Receipted { result, reopened, .. }) => {
                *receipt = Some(Receipt { result: *result, at: now, reopened: *reopened });
                return Some(());
            }
            (PermitState::Issued { .. }, _) => {}
            (PermitState::Started { .. } | PermitState::Revoked, _) => return None,
        }
        // What is left is a grant taken back before it was used.
        let (outcome, by) = match event {
            Event::Denied { by } => (Outcome::Denied, Some(by.clone())),
            Event::Vetoed { by } => (Outcome::Vetoed, Some(by.clone())),
            Event::Withdrawn => (Outcome::Withdrawn, None),
            Event::Halted { .. } => (Outcome::Halted, None),
            _ => return None,
        };
        granted.permit = PermitState::Revoked;
        (self.outcome, self.by, self.at) = (outcome, by, now);
        Some(())
    }
}
