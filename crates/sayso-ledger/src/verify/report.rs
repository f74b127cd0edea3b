//! What an auditor is told: a verdict a step, how much was looked at, and what was found.

use std::fmt;

use sayso_core::{Digest, EscalationId};
use serde::Serialize;

/// What came of a step, or of one thing that it looked at; the graver is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All that was looked at is as it must be.
    Verified,
    /// Text that it takes was erased; what is left holds.
    Redacted,
    /// It can't be told from what is at hand.
    Undecidable,
    /// It is not as it must be.
    Refuted,
}

impl Verdict {
    /// The verdict's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Redacted => "redacted",
            Self::Undecidable => "undecidable",
            Self::Refuted => "refuted",
        }
    }
}

/// The steps, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Heads are signed by the log and by the witnesses that the trust file asks for.
    Heads,
    /// The entries lead to the newest head.
    Tree,
    /// Every other head at hand is a beginning of it.
    Consistency,
    /// Every entry is the one spelling of something that this version knows.
    Entries,
    /// Every escalation's history is one that the law writes.
    History,
    /// Bodies hash to what entries say, and actions, questions and edits to their digests.
    Bodies,
    /// People's signatures are over what the ledger says that they decided.
    Signatures,
    /// The policy in force asked for no more than what was asked of people.
    Policy,
    /// Nothing ran without an unused, living permit, and nothing twice.
    Permits,
    /// No grant without its quorum, or its full window of silence.
    Grants,
    /// Who decided could, and who changed who can could do that.
    Authority,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Heads,
        Self::Tree,
        Self::Consistency,
        Self::Entries,
        Self::History,
        Self::Bodies,
        Self::Signatures,
        Self::Policy,
        Self::Permits,
        Self::Grants,
        Self::Authority,
    ];

    /// The step's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Heads => "heads",
            Self::Tree => "tree",
            Self::Consistency => "consistency",
            Self::Entries => "entries",
            Self::History => "history",
            Self::Bodies => "bodies",
            Self::Signatures => "signatures",
            Self::Policy => "policy",
            Self::Permits => "permits",
            Self::Grants => "grants",
            Self::Authority => "authority",
        }
    }

    /// What is verified, if it is.
    pub fn claim(self) -> &'static str {
        match self {
            Self::Heads => "heads signed by the log, and by the witnesses asked for",
            Self::Tree => "entries that lead to the newest head",
            Self::Consistency => "other heads, each a beginning of this log",
            Self::Entries => "entries, each the one spelling of what it says",
            Self::History => "escalations, each with a history that the law writes",
            Self::Bodies => "bodies and the digests that people decided on",
            Self::Signatures => "signatures over what the ledger says was decided",
            Self::Policy => "verdicts, and uses of permits, that the policy in force allows",
            Self::Permits => "uses of permits: each once, in time, after its grant",
            Self::Grants => "grants, each with its quorum or its window of heard silence",
            Self::Authority => "acts of people who could, and changes of who can",
        }
    }

    fn place(self) -> usize {
        Self::ALL.iter().position(|step| *step == self).unwrap_or(0)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Something that is not simply verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How grave it is.
    pub verdict: Verdict,
    /// Which entry, from 0 on, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Which escalation, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation: Option<EscalationId>,
    /// A sentence.
    pub says: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.index, self.escalation) {
            (Some(index), Some(id)) => write!(f, "entry {index}, escalation {id}: ")?,
            (Some(index), None) => write!(f, "entry {index}: ")?,
            (None, Some(id)) => write!(f, "escalation {id}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.says)
    }
}

/// Something that is in order, and that an auditor should know of all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Noted {
    /// Which entry, from 0 on.
    pub index: u64,
    /// A sentence.
    pub says: String,
}

/// One step's part of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Which.
    pub step: Step,
    /// The gravest of what was found.
    pub verdict: Verdict,
    /// How many things it looked at.
    pub checked: u64,
    /// How many of them are refuted.
    pub refuted: u64,
    /// How many of them can't be told.
    pub undecidable: u64,
    /// How many of them want text that was erased.
    pub redacted: u64,
    /// What was found, at most [`StepReport::MOST`] of each verdict.
    pub findings: Vec<Finding>,
    /// How much is in order and noted all the same.
    pub noted: u64,
    /// What was noted, at most [`StepReport::MOST`].
    pub notes: Vec<Noted>,
}

impl StepReport {
    /// The most findings of one verdict that are kept.
    pub const MOST: u64 = 20;

    fn new(step: Step) -> Self {
        Self {
            step,
            verdict: Verdict::Verified,
            checked: 0,
            refuted: 0,
            undecidable: 0,
            redacted: 0,
            findings: Vec::new(),
            noted: 0,
            notes: Vec::new(),
        }
    }
}

/// What no log can prove, whatever its verdicts.
pub const NOT_PROVED: [&str; 6] = [
    "that people understood what they approved, or that what they saw on their screens is what was \
     sent there",
    "that a listener's screen had somebody in front of it: heard silence is the server's word, held \
     only against the time between events",
    "that clocks were right: times are the server's",
    "that nothing happened outside: what never reached the log is not in it, and without witnesses \
     others may have been shown another log; compare heads",
    "that keys, roles and permits still hold today: it tells of the time of each entry",
    "that an executor did what it reported, or only that",
];

/// What came of verifying a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The gravest verdict of all steps.
    pub verdict: Verdict,
    /// How many entries there are.
    pub entries: u64,
    /// The root over them.
    pub root: Digest,
    /// Step by step.
    pub steps: Vec<StepReport>,
    /// What is not proved.
    pub not_proved: Vec<&'static str>,
}

impl Report {
    /// What came of one step.
    pub fn step(&self, step: Step) -> &StepReport {
        &self.steps[step.place()]
    }
}

/// A report in the making.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    steps: Vec<StepReport>,
}

/// Where something was found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) index: Option<u64>,
    pub(super) escalation: Option<EscalationId>,
}

impl Place {
    pub(super) fn entry(index: u64) -> Self {
        Self { index: Some(index), escalation: None }
    }

    pub(super) fn of(index: u64, escalation: EscalationId) -> Self {
        Self { index: Some(index), escalation: Some(escalation) }
    }
}

impl Findings {
    pub(super) fn new() -> Self {
        Self { steps: Step::ALL.into_iter().map(StepReport::new).collect() }
    }

    /// One more thing was looked at.
    pub(super) fn looked(&mut self, step: Step) {
        self.steps[step.place()].checked += 1;
    }

    /// Something is not as it must be.
    pub(super) fn refute(&mut self, step: Step, place: Place, says: impl Into<String>) {
        self.find(step, Verdict::Refuted, place, says.into());
    }

    /// Something can't be told.
    pub(super) fn wonder(&mut self, step: Step, place: Place, says: impl Into<String>) {
        self.find(step, Verdict::Undecidable, place, says.into());
    }

    /// Something wants text that was erased.
    pub(super) fn redact(&mut self, step: Step, place: Place, says: impl Into<String>) {
        self.find(step, Verdict::Redacted, place, says.into());
    }

    /// Something is in order, and the auditor should know of it.
    pub(super) fn note(&mut self, step: Step, index: u64, says: String) {
        let step = &mut self.steps[step.place()];
        step.noted += 1;
        if step.noted <= StepReport::MOST {
            step.notes.push(Noted { index, says });
        }
    }

    fn find(&mut self, step: Step, verdict: Verdict, place: Place, says: String) {
        let step = &mut self.steps[step.place()];
        let count = match verdict {
            Verdict::Verified => return,
            Verdict::Refuted => &mut step.refuted,
            Verdict::Undecidable => &mut step.undecidable,
            Verdict::Redacted => &mut step.redacted,
        };
        *count += 1;
        if *count <= StepReport::MOST {
            let Place { index, escalation } = place;
            step.findings.push(Finding { verdict, index, escalation, says });
        }
        step.verdict = step.verdict.max(verdict);
    }

    pub(super) fn report(self, entries: u64, root: Digest) -> Report {
        let verdict = self.steps.iter().map(|step| step.verdict).max();
        let mut steps = self.steps;
        for step in &mut steps {
            step.findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        }
        Report {
            verdict: verdict.unwrap_or(Verdict::Undecidable),
            entries,
            root,
            steps,
            not_proved: NOT_PROVED.to_vec(),
        }
    }
}
