//! The auditor: holds a whole ledger against the law, with nothing but what was handed out.
//!
//! One pass over the entries, in order. What is kept is the state of what is still open, and of its
//! texts only what it is to be judged by again. No server, no network, no clock.

mod account;
mod anew;
mod authority;
mod bodies;
mod gone;
mod heads;
mod history;
mod policies;
mod report;
mod signatures;

use std::collections::HashMap;

use jiff::Timestamp;
use sayso_core::decision::Assurance;
use sayso_core::escalation::PermitState;
use sayso_core::grant::Basis;
use sayso_core::halt::Halt;
use sayso_core::{Digest, Escalation, EscalationId, Event, HaltId, Period, WorkspaceEvent};

pub use bodies::Body;
pub use heads::KnownHead;
pub use report::{Finding, NOT_PROVED, Noted, Report, Step, StepReport, Verdict};
pub use signatures::KnownKeys;

use account::Account;
use authority::Authority;
use bodies::Text;
use gone::Gone;
use heads::Heads;
use history::{Happened, Run, SilentGrants};
use policies::Policies;
use report::{Findings, Place};
use signatures::{Claim, SaySo, Shown};

use crate::leaf::{BadEntry, Entry, Told};
use crate::tree::{Edge, leaf_hash};
use crate::trust::Trust;

/// How far several servers' clocks may be apart.
const SKEW: Period = Period::from_secs(30);

/// What there is besides entries and bodies.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The newest head: a signed note.
    pub head: Option<String>,
    /// Other heads.
    pub heads: Vec<KnownHead>,
    /// Whose signatures count.
    pub trust: Option<Trust>,
    /// Keys that people's keys are held against.
    pub keys: KnownKeys,
}

/// An entry of an escalation that waits for those that were written with it.
#[derive(Debug)]
struct Waiting {
    happened: Happened,
    body: BodyOf,
}

/// Where an entry's body is.
#[derive(Debug)]
enum BodyOf {
    /// It has none.
    None,
    /// It is not at hand.
    Missing,
    /// Here.
    Here(Vec<u8>),
}

impl BodyOf {
    fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Here(text) => Some(text),
            Self::None | Self::Missing => None,
        }
    }
}

/// Reads a ledger from its first entry to its last.
#[derive(Debug)]
pub struct Auditor {
    found: Findings,
    heads: Heads,
    edge: Edge,
    known_keys: KnownKeys,
    workspace: Option<String>,
    latest: Timestamp,
    authority: Authority,
    gone: Gone,
    halts: Vec<Halt>,
    policies: Policies,
    silent: SilentGrants,
    runs: HashMap<EscalationId, Box<Run>>,
    /// The last that ended, as it was then: a receipt may name it.
    ended: Option<(EscalationId, Box<Run>)>,
    /// Escalations to which nothing more can happen, and how they ended.
    over: HashMap<EscalationId, &'static str>,
    /// Entries side by side, of one escalation and one time: what the law said at once is among
    /// them.
    waiting: Vec<Waiting>,
    of: Option<(EscalationId, Timestamp)>,
}

impl Auditor {
    /// Begins before the first entry.
    pub fn new(evidence: &Evidence) -> Self {
        let mut found = Findings::new();
        let Evidence { head, heads, trust, keys } = evidence;
        let heads = Heads::read(head.as_deref(), heads, trust.as_ref(), &mut found);
        Self {
            found,
            heads,
            edge: Edge::default(),
            known_keys: keys.clone(),
            workspace: None,
            latest: Timestamp::MIN,
            authority: Authority::default(),
            gone: Gone::default(),
            halts: Vec::new(),
            policies: Policies::default(),
            silent: SilentGrants::default(),
            runs: HashMap::new(),
            ended: None,
            over: HashMap::new(),
            waiting: Vec::new(),
            of: None,
        }
    }

    /// Reads the next entry, and its body, if that is at hand.
    pub fn entry(&mut self, bytes: &[u8], body: Option<Body>) {
        let index = self.edge.size();
        self.edge.push(leaf_hash(bytes));
        self.heads.reached(index + 1, || self.edge.root());
        self.found.looked(Step::Entries);
        let entry = match Entry::parse(bytes) {
            Ok(entry) => entry,
            Err(bad) => return self.unreadable(index, bytes, &bad),
        };
        self.check_workspace(index, &entry);
        self.check_time(index, entry.at);
        let body = self.body(index, entry.body_hash, body);
        match entry.told {
            Told::Escalation { id, version, event } => {
                if self.of != Some((id, entry.at)) {
                    self.flush();
                    self.of = Some((id, entry.at));
                }
                let happened = Happened { index, version, event, answer: None, signed: None };
                self.waiting.push(Waiting { happened, body });
            }
            Told::Workspace(event) => {
                self.flush();
                self.workspace_event(index, entry.at, event, &body);
            }
        }
    }

    /// Says what came of it.
    pub fn finish(mut self) -> Report {
        self.flush();
        let size = self.edge.size();
        self.gone.finish(&mut self.found);
        self.heads.finish(size, &mut self.found);
        self.found.report(size, self.edge.root())
    }

    fn unreadable(&mut self, index: u64, bytes: &[u8], bad: &BadEntry) {
        self.flush();
        let place = Place { index: Some(index), escalation: escalation_of(bytes) };
        match bad {
            BadEntry::Newer(_) => self.found.wonder(Step::Entries, place, bad.to_string()),
            BadEntry::Malformed(_) | BadEntry::NotCanonical => {
                self.found.refute(Step::Entries, place, bad.to_string());
            }
        }
        // What comes after it in the same history follows from what could not be read.
        if let Some(id) = place.escalation {
            self.found.wonder(Step::History, place, "an event of its history can't be read");
            self.runs.entry(id).or_default().lose();
        }
    }

    fn check_workspace(&mut self, index: u64, entry: &Entry) {
        match &self.workspace {
            None => self.workspace = Some(entry.workspace.clone()),
            Some(ours) if *ours != entry.workspace => {
                let says =
                    format!("it is of the workspace {:?}, in the log of {ours:?}", entry.workspace);
                self.found.refute(Step::Entries, Place::entry(index), says);
            }
            Some(_) => {}
        }
    }

    fn check_time(&mut self, index: u64, at: Timestamp) {
        if SKEW.after(at) < self.latest {
            let says = format!("it is dated {at}, and an entry before it {}", self.latest);
            self.found.wonder(Step::Entries, Place::entry(index), says);
        }
        self.latest = self.latest.max(at);
    }

    fn body(&mut self, index: u64, hash: Option<Digest>, body: Option<Body>) -> BodyOf {
        let place = Place::entry(index);
        match (hash, body) {
            (None, None) => BodyOf::None,
            (None, Some(_)) => {
                self.found.refute(Step::Bodies, place, "a body is at hand of an entry without one");
                BodyOf::None
            }
            (Some(_), None) => {
                self.found.looked(Step::Bodies);
                self.gone.missing(index);
                BodyOf::Missing
            }
            (Some(hash), Some(body)) => {
                self.found.looked(Step::Bodies);
                if body.hash() == hash {
                    return BodyOf::Here(body.content);
                }
                let says = "its body is another than the one that was written: the hashes differ";
                self.found.refute(Step::Bodies, place, says);
                BodyOf::Missing
            }
        }
    }

    fn workspace_event(&mut self, index: u64, at: Timestamp, event: WorkspaceEvent, body: &BodyOf) {
        let place = Place::entry(index);
        if let WorkspaceEvent::AuthorityChanged { change, .. } = &event {
            let workspace = self.workspace.as_deref().unwrap_or_default();
            let (directory, known) = (&self.authority.directory, &self.known_keys);
            let (text, found) = (body.text(), &mut self.found);
            signatures::check_enrolment(change, text, workspace, directory, known, index, found);
        }
        self.authority.take(&event, at, index, &mut self.found);
        match event {
            WorkspaceEvent::PolicyLoaded { policy } => {
                self.policies.loaded(policy, body.text(), at, place, &mut self.found);
            }
            WorkspaceEvent::Erased { entries, by, .. } => self.gone.erased(entries, &by),
            WorkspaceEvent::HaltCalled { halt } => self.halts.push(halt),
            WorkspaceEvent::HaltLifted { halt, .. } => self.lifted(halt, at, index),
            WorkspaceEvent::BackupRestored { log, size, .. } => {
                let gone = size.saturating_sub(index);
                let says = format!(
                    "the log {log} ended here, at {size} entries: whoever runs the server let an \
                     older copy of the data go on, under another key; {gone} entries are gone"
                );
                self.found.note(Step::Consistency, index, says);
                self.heads.ended(log, index);
                let accounts = self.runs.values_mut().filter_map(|run| run.account.as_mut());
                accounts.for_each(Account::restored);
            }
            WorkspaceEvent::AuthorityChanged { .. } => {}
        }
    }

    /// A halt ends once it has reached all that it covers: what it stopped stays stopped.
    fn lifted(&mut self, lifted: HaltId, at: Timestamp, index: u64) {
        let Some(position) = self.halts.iter().position(|halt| halt.id == lifted) else { return };
        let halt = self.halts.remove(position);
        let missed = self.runs.iter().filter(|(_, run)| {
            run.state().is_some_and(|state| {
                halt.covers(state.agent(), state.subject().tool(), state.rule())
                    && goes_on(state, at)
            })
        });
        let mut missed: Vec<_> = missed.map(|(id, _)| *id).collect();
        missed.sort();
        for id in missed {
            let says = format!("the halt {lifted} is lifted and never stopped this");
            self.found.refute(Step::History, Place::of(index, id), says);
        }
    }

    /// Judges the entries that wait.
    fn flush(&mut self) {
        let Some((id, at)) = self.of.take() else { return };
        let mut waiting = std::mem::take(&mut self.waiting);
        match self.over.get(&id) {
            Some(ended) => waiting.drain(..).for_each(|late| {
                let (place, word) =
                    (Place::of(late.happened.index, id), late.happened.event.word());
                let says = format!("`{word}` comes after its end: it was {ended}");
                if let Event::Started { .. } = late.happened.event {
                    self.found.looked(Step::Permits);
                    self.found.refute(Step::Permits, place, says.clone());
                }
                self.found.refute(Step::History, place, says);
            }),
            None => self.judge_all(id, at, &mut waiting),
        }
        waiting.clear();
        self.waiting = waiting;
    }

    fn judge_all(&mut self, id: EscalationId, at: Timestamp, waiting: &mut [Waiting]) {
        let mut run = self.runs.remove(&id).unwrap_or_default();
        for waiting in &mut *waiting {
            self.look_at_text(id, at, waiting, &mut run);
        }
        let events: Vec<&Happened> = waiting.iter().map(|waiting| &waiting.happened).collect();
        for nth in 0..events.len() {
            self.judge(id, at, &events[nth..], &mut run);
        }
        match run.account.as_ref().and_then(Account::ended) {
            Some(ended) => {
                self.over.insert(id, ended);
                self.ended = Some((id, run));
            }
            None => {
                self.runs.insert(id, run);
            }
        }
    }

    /// Texts against digests, and verdicts against the policy.
    fn look_at_text(
        &mut self,
        id: EscalationId,
        at: Timestamp,
        waiting: &mut Waiting,
        run: &mut Run,
    ) {
        let Waiting { happened, body } = waiting;
        let place = Place::of(happened.index, id);
        let text = match body {
            BodyOf::Here(content) => bodies::read(&happened.event, content, place, &mut self.found),
            BodyOf::None | BodyOf::Missing => None,
        };
        match (&happened.event, text) {
            (Event::Proposed { agent, executor, verdict, .. }, text) => {
                let asked = match text {
                    Some(Text::Asked(asked)) => Some(asked),
                    _ => None,
                };
                // Only where people sign does it matter what they are shown.
                if self.authority.directory.keys().next().is_some()
                    && let Some(asked) = &asked
                {
                    run.shown = match (&asked.action, &asked.question) {
                        (Some(action), _) => Some(Shown::action(action, agent, executor)),
                        (None, Some(asked)) => Some(Shown::Question(Box::new(asked.clone()))),
                        (None, None) => None,
                    };
                }
                let policies = &self.policies;
                policies.check_asked(verdict, agent, asked.as_deref(), at, place, &mut self.found);
                run.asked = asked.map(bodies::Asked::kept);
            }
            (Event::Edited { verdict, .. }, text) => {
                let Some(state) = run.state() else { return };
                let (agent, executor) = (state.agent().clone(), state.executor().clone());
                let edit = match (&text, &run.asked) {
                    (Some(Text::Edited(edited)), Some(asked)) => Some((&edited.action, &**asked)),
                    _ => None,
                };
                self.policies.check_edited(verdict, &agent, edit, at, place, &mut self.found);
                run.shown = None;
                let mut now = None;
                if let Some(Text::Edited(edited)) = text {
                    run.shown = Some(Shown::action(&edited.action, &agent, &executor));
                    (now, happened.signed) = (Some(edited.action), edited.signed);
                }
                if let Some(asked) = &mut run.asked {
                    asked.action = now;
                }
            }
            (_, Some(Text::Remark(remark))) => {
                (happened.answer, happened.signed) = (remark.answer, remark.signed);
            }
            (_, _) => {}
        }
    }

    fn judge(&mut self, id: EscalationId, at: Timestamp, events: &[&Happened], run: &mut Run) {
        let Some(first) = events.first() else { return };
        let place = Place::of(first.index, id);
        if matches!(first.event, Event::Proposed { .. }) {
            self.found.looked(Step::History);
        }
        self.authority.check(&first.event, run.state(), at, place, &mut self.found);
        if run.is_between_steps() {
            self.check_signature(id, events, run, at);
        }
        if let (Event::Started { .. }, Some(state)) = (&first.event, run.state()) {
            let asked = run.asked.as_deref();
            self.policies.check_started(state, asked, at, place, &mut self.found);
        }
        if let Event::Receipted { reopened: Some(named), .. } = &first.event {
            let just_ended = self.ended.as_ref().filter(|(id, _)| id == named).map(|(_, run)| run);
            let begun = self.runs.get(named).or(just_ended).map(|run| &**run);
            anew::check(*named, begun, run, at, first.index, place, &mut self.found);
        }
        run.take(id, events, at, &self.halts, &self.silent, &mut self.found);
        match &mut run.account {
            Some(account) => {
                let (halts, directory) = (&self.halts, &self.authority.directory);
                account.take(&first.event, at, halts, directory, place, &mut self.found);
            }
            begun => *begun = Account::begin(&first.event),
        }
        let is_silent = match &first.event {
            Event::Granted { grant, .. } => grant.basis() == Basis::Silence,
            Event::Answered { basis, .. } => *basis == Basis::Silence,
            _ => false,
        };
        if let Some(state) = run.state().filter(|_| is_silent) {
            self.silent.add(state, at);
        }
    }

    /// The signature under the say-so that a step begins with.
    fn check_signature(
        &mut self,
        id: EscalationId,
        events: &[&Happened],
        run: &Run,
        at: Timestamp,
    ) {
        let Some(first) = events.first() else { return };
        let Some(SaySo { index, by, assurance, signed }) = SaySo::of(events) else { return };
        let place = Place::of(index, id);
        let Some(signed) = signed else {
            if assurance == Some(Assurance::Signed) {
                self.found.looked(Step::Signatures);
                let says = format!("{by}'s say-so is said to be signed, and bears no signature");
                self.found.refute(Step::Signatures, place, says);
            }
            return;
        };
        let Some(state) = run.state() else {
            let says = "what was signed can't be told: its history is not lawful up to there";
            return self.found.wonder(Step::Signatures, place, says);
        };
        let edit = matches!(first.event, Event::Edited { .. }).then_some(&first.event);
        let claim = Claim {
            by,
            signed,
            text: first.signed.as_ref(),
            shown: run.shown.as_ref(),
            edit,
            answer: first.answer.as_ref(),
        };
        let workspace = self.workspace.as_deref().unwrap_or_default();
        let directory = &self.authority.directory;
        signatures::check(&claim, workspace, state, directory, at, place, &mut self.found);
    }
}

/// Whether time, or an executor, may still act on it: nothing has stopped it.
fn goes_on(state: &Escalation, at: Timestamp) -> bool {
    match state.settled() {
        None => state.frozen().is_none(),
        Some(settled) => match settled.permit() {
            Some(PermitState::Issued { expires_at }) => at < *expires_at,
            Some(PermitState::Started { .. } | PermitState::Revoked) | None => false,
        },
    }
}

/// The escalation that an entry which can't be read speaks of, if that much can be.
fn escalation_of(bytes: &[u8]) -> Option<EscalationId> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    value.get("escalation")?.as_str()?.parse().ok()
}
