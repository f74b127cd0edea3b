//! Step 4: each escalation's history, run through the law once more.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use sayso_core::escalation::{Facts, Replay};
use sayso_core::halt::Halt;
use sayso_core::statement::SignedStatement;
use sayso_core::{AgentName, Escalation, EscalationId, Event, Period, RuleName};
use serde_json::Value;

use super::account::Account;
use super::bodies::Asked;
use super::report::{Findings, Place, Step};
use super::signatures::Shown;

/// The longest stretch in which silent grants are counted.
const LONGEST_STRETCH: Period = Period::from_secs(86_400);

/// An escalation on its way through its history.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// None, once it has left the law.
    replay: Option<Replay>,
    /// Where it begins.
    begun: Option<u64>,
    /// How many events it has had.
    version: u64,
    /// How many of the coming events belong to a step that was taken.
    ahead: usize,
    /// Once it has left the law, nothing more is said of its history.
    is_lost: bool,
    pub(super) account: Option<Account>,
    /// What was asked, as it is now: what edits and a permit's use are judged with.
    pub(super) asked: Option<Box<Asked>>,
    /// What is displayed to who signs.
    pub(super) shown: Option<Shown>,
}

/// One event of an escalation, and where it stands.
#[derive(Debug)]
pub(super) struct Happened {
    pub(super) index: u64,
    pub(super) version: u64,
    pub(super) event: Event,
    pub(super) answer: Option<Value>,
    pub(super) signed: Option<SignedStatement>,
}

impl Run {
    /// The state so far, while it is lawful.
    pub(super) fn state(&self) -> Option<&Escalation> {
        self.replay.as_ref().map(Replay::escalation)
    }

    /// Whether the next event begins a step.
    pub(super) fn is_between_steps(&self) -> bool {
        self.ahead == 0
    }

    /// Whether all that has happened to it stands side by side, right before that entry.
    pub(super) fn ends_before(&self, index: u64) -> bool {
        self.begun.is_some_and(|begun| begun + self.version == index)
    }

    /// Something of its history can't be read.
    pub(super) fn lose(&mut self) {
        self.is_lost = true;
        self.replay = None;
    }

    /// Takes the first of these events, which are all of one escalation and one time.
    pub(super) fn take(
        &mut self,
        id: EscalationId,
        events: &[&Happened],
        at: Timestamp,
        halts: &[Halt],
        silent: &SilentGrants,
        found: &mut Findings,
    ) {
        let Some(first) = events.first() else { return };
        let place = Place::of(first.index, id);
        self.begun.get_or_insert(first.index);
        self.version += 1;
        if first.version != self.version {
            if !self.is_lost {
                let says = format!(
                    "version {} stands where version {} must come",
                    first.version, self.version
                );
                found.refute(Step::History, place, says);
            }
            self.version = first.version;
            self.lose();
        }
        if self.is_lost {
            return;
        }
        if self.ahead > 0 {
            self.ahead -= 1;
            return;
        }
        let silent_grants = self.state().map_or(0, |state| silent.count(state, at));
        let facts = Facts { at, halts, silent_grants, answer: first.answer.as_ref() };
        let mut words: [Option<&Event>; LONGEST_STEP] = [None; LONGEST_STEP];
        let mut count = 0;
        for (word, happened) in words.iter_mut().zip(events) {
            *word = Some(&happened.event);
            count += 1;
        }
        let next: Vec<&Event> = words[..count].iter().copied().flatten().collect();
        let taken = match &mut self.replay {
            Some(replay) => replay.step(&next, &facts),
            begun => Replay::begin(id, &next, &facts).map(|(replay, taken)| {
                *begun = Some(replay);
                taken
            }),
        };
        match taken {
            Ok(taken) => self.ahead = taken.saturating_sub(1),
            Err(illegal) => {
                found.refute(Step::History, place, illegal.to_string());
                self.lose();
            }
        }
    }
}

/// How many events one command may say.
const LONGEST_STEP: usize = 8;

/// Grants by silence, as far back as a limit may count.
#[derive(Debug, Default)]
pub(super) struct SilentGrants(HashMap<(AgentName, Option<RuleName>), VecDeque<Timestamp>>);

impl SilentGrants {
    /// One more.
    pub(super) fn add(&mut self, state: &Escalation, at: Timestamp) {
        if state.verdict().silent_limit.period().is_none() {
            return;
        }
        let times = self.0.entry((state.agent().clone(), state.rule().cloned())).or_default();
        times.push_back(at);
        while times.front().is_some_and(|first| LONGEST_STRETCH.after(*first) < at) {
            times.pop_front();
        }
    }

    /// How many counted for an escalation at that time.
    fn count(&self, state: &Escalation, at: Timestamp) -> u32 {
        let Some(period) = state.verdict().silent_limit.period() else { return 0 };
        if !state.is_pending() || self.0.is_empty() {
            return 0;
        }
        let Some(times) = self.0.get(&(state.agent().clone(), state.rule().cloned())) else {
            return 0;
        };
        let counted = times.iter().rev().take_while(|when| period.after(**when) > at);
        u32::try_from(counted.count()).unwrap_or(u32::MAX)
    }
}
