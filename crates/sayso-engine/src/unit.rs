//! One unit of work: many jobs, one commit.
//!
//! Here the facts are laid before the law (`open`, `decide`), and what it says is gathered into
//! the changes that the store commits.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use sayso_core::escalation::open;
use sayso_core::grant::Basis;
use sayso_core::halt::Halt;
use sayso_core::{
    AgentName, Command, Escalation, EscalationId, Event, HaltId, Heard, Moment, Period,
    ReviewerName, RouteName, RuleName, ToolName, WorkspaceEvent, decide,
};
use sayso_store::{
    Body, Call, Callback, Changes, Current, Happened, KeyName, KeyUse, ListeningClock, NewEntry,
    NewKey, Outbox, OutboxKind, Past, SilentGrant, Snapshot, Writer,
};

use crate::authority::Authority;
use crate::error::EngineError;
use crate::job::{Act, Done, Outcome, Propose, Work};
use crate::listening::Ears;
use crate::record::{AtHand, Record};
use crate::standing::Standing;
use crate::{callback, joining};

/// Stands for "no rule" where grants are counted by rule.
const NO_RULE: &str = "(none)";

/// An escalation at work.
struct Working {
    record: Option<Arc<Record>>,
    escalation: Escalation,
    before: Option<u64>,
    /// Which of the unit's entries are its.
    entries: Vec<usize>,
    /// Whether time was let act on it: even if nothing happened, it may be due at another time.
    ticked: bool,
}

/// A unit of work in the making.
pub(crate) struct Unit<'a> {
    pub(crate) at: Timestamp,
    ears: &'a Ears,
    writer: &'a mut dyn Writer,
    clocks: Vec<ListeningClock>,
    /// What each clock may say by now at the most: where silence begins.
    latest: Vec<(RouteName, Heard)>,
    halts: Vec<Halt>,
    /// Who may do what.
    standing: Standing,
    working: HashMap<EscalationId, Working>,
    keys: HashMap<KeyName, KeyUse>,
    /// What calls have begun that others may join.
    asked: HashMap<Call, EscalationId>,
    /// Silent grants so far, by whom and under which rule, in the stretch that a limit counts in.
    silent: HashMap<(AgentName, RuleName, Period), u32>,
    changes: Changes,
    /// Where agents want to be called.
    callbacks: Arc<HashMap<AgentName, Callback>>,
    /// Whose agents are still to be called, if somebody asks.
    owed: Vec<EscalationId>,
    /// What has been halted and is still being carried to what it covers, if one is to be lifted.
    spreading: Vec<Outbox>,
}

/// A unit that has been committed.
pub(crate) struct Committed {
    /// The escalations that changed, each with what happened to it.
    pub(crate) changed: Vec<Changed>,
    /// The clocks as they are now.
    pub(crate) clocks: Vec<ListeningClock>,
    /// Whether an agent is to be called for it.
    pub(crate) owes: bool,
    /// Whether the ledger has grown.
    pub(crate) grown: bool,
}

/// What a unit did to one escalation.
pub(crate) struct Changed {
    /// The state after it.
    pub(crate) escalation: Escalation,
    /// The record after it, if it was at hand before.
    pub(crate) record: Option<Arc<Record>>,
    /// What happened, with ledger indices.
    pub(crate) events: Vec<(u64, Event)>,
}

impl<'a> Unit<'a> {
    pub(crate) async fn begin(
        writer: &'a mut dyn Writer,
        ears: &'a Ears,
        callbacks: Arc<HashMap<AgentName, Callback>>,
        authority: &Authority,
    ) -> Result<Self, EngineError> {
        let Snapshot { mut clocks, halts, newest } = writer.begin().await?;
        let standing = Standing::new(authority.as_of(newest, writer).await?);
        let mut changes = Changes::default();
        let credit = ears.draw();
        let latest = |clock: &ListeningClock| ears.latest(clock, credit.at);
        let latest = clocks.iter().map(|clock| (clock.route.clone(), latest(clock))).collect();
        if !credit.is_zero() {
            for clock in &mut clocks {
                credit.apply(clock);
            }
            changes.clocks.clone_from(&clocks);
        }
        Ok(Self {
            at: credit.at,
            ears,
            writer,
            clocks,
            latest,
            halts,
            standing,
            working: HashMap::new(),
            keys: HashMap::new(),
            asked: HashMap::new(),
            silent: HashMap::new(),
            changes,
            callbacks,
            owed: Vec::new(),
            spreading: Vec::new(),
        })
    }

    /// Brings what the jobs are about to hand: escalations, and idempotency keys.
    pub(crate) async fn load<'j>(
        &mut self,
        works: impl Iterator<Item = &'j Work>,
        at_hand: &AtHand,
        exclusive: bool,
    ) -> Result<(), EngineError> {
        let (mut ids, mut keys, mut calls) = (Vec::new(), Vec::new(), Vec::new());
        for work in works {
            match work {
                Work::Propose(propose) => {
                    keys.extend(propose.key.clone().map(|(name, _)| name));
                    calls.extend(propose.call());
                }
                Work::Act(act) | Work::ActAndPropose(act, _)
                    if self.working.contains_key(&act.id) => {}
                Work::Act(act) | Work::ActAndPropose(act, _) => match at_hand.get(act.id) {
                    // Nobody else writes here, so what is at hand is what is kept.
                    Some(record) if exclusive => {
                        let escalation = record.escalation.clone();
                        self.take(escalation, Some(record));
                    }
                    _ => ids.push(act.id),
                },
                Work::OwedCalls => {
                    let owed = self.writer.outbox(OutboxKind::Call, None, callback::MOST).await?;
                    let ids = owed.into_iter().map(|owed| EscalationId::from_uuid(owed.id));
                    self.owed = ids.collect();
                }
                Work::Lift(..) => {
                    let every = usize::MAX;
                    self.spreading = self.writer.outbox(OutboxKind::Freeze, None, every).await?;
                }
                Work::Halt(_)
                | Work::Policy(..)
                | Work::Note(_)
                | Work::Erase(..)
                | Work::Seal(_)
                | Work::Called(_) => {}
            }
        }
        if !keys.is_empty() {
            self.keys.extend(self.writer.keys(&keys).await?);
        }
        if !calls.is_empty() {
            let asked = self.writer.asked(&calls).await?;
            ids.extend(asked.iter().map(|(_, id)| *id).filter(|id| !self.working.contains_key(id)));
            self.asked.extend(asked);
        }
        if !ids.is_empty() {
            ids.sort();
            ids.dedup();
            for escalation in self.writer.load(&ids).await? {
                let id = escalation.id();
                let same =
                    |record: &Arc<Record>| record.escalation.version() == escalation.version();
                let record = at_hand.get(id).filter(same);
                self.take(escalation, record);
            }
        }
        Ok(())
    }

    fn take(&mut self, escalation: Escalation, record: Option<Arc<Record>>) {
        let before = Some(escalation.version());
        let working = Working { record, escalation, before, entries: Vec::new(), ticked: false };
        self.working.entry(working.escalation.id()).or_insert(working);
    }

    /// Does one job.
    pub(crate) fn work(&mut self, work: &Work) -> Outcome {
        match work {
            Work::Propose(propose) => self.propose(propose),
            Work::Act(act) => self.act(act),
            Work::ActAndPropose(act, propose) => self.act_and_propose(act, propose),
            Work::Halt(halt) => {
                self.standing.reviews(&halt.by)?;
                Ok(self.halt(halt))
            }
            Work::Lift(halt, by) => {
                self.standing.reviews(by)?;
                self.lift(*halt, by.clone())
            }
            Work::OwedCalls => Ok(Done::Calls(self.owed.clone())),
            Work::Called(escalations) => {
                self.changes.done.extend(escalations.iter().map(|id| call(*id)));
                Ok(Done::Plain)
            }
            Work::Erase(escalation, entries, by) => {
                self.erase(*escalation, entries, by);
                Ok(Done::Plain)
            }
            Work::Note(event) => {
                self.note(event.clone(), None);
                Ok(Done::Plain)
            }
            Work::Seal(seal) => {
                self.changes.seal = Some((**seal).clone());
                Ok(Done::Plain)
            }
            Work::Policy(policy, text) => {
                let event = WorkspaceEvent::PolicyLoaded { policy: *policy };
                self.note(event, Some(text.clone().into_bytes()));
                Ok(Done::Plain)
            }
        }
    }

    fn propose(&mut self, propose: &Propose) -> Outcome {
        self.standing.proposes(&propose.proposal)?;
        if let Some((name, used)) = propose.key_use() {
            if let Some(known) = self.keys.get(&name) {
                return match known.fingerprint == used.fingerprint {
                    true => Ok(Done::Escalation(known.escalation)),
                    false => Err(EngineError::KeyReused),
                };
            }
            self.keys.insert(name.clone(), used);
            self.changes.keys.push(NewKey { name, used });
        }
        if let Some(id) = self.joined(propose) {
            return Ok(Done::Escalation(id));
        }
        let proposal = propose.proposal.clone();
        let route = proposal.verdict.route.clone();
        let moment = self.moment(
            &route,
            proposal.agent.name(),
            proposal.subject.tool(),
            proposal.verdict.rule.as_ref(),
        );
        let events = match open(proposal, &moment) {
            Ok(events) => events,
            Err(refused) => {
                // A refused request has used up nothing.
                if let Some((name, _)) = propose.key_use() {
                    self.keys.remove(&name);
                    self.changes.keys.retain(|key| key.name != name);
                }
                return Err(refused.into());
            }
        };
        let escalation = Escalation::fold(propose.id, events.iter().map(|event| (self.at, event)))?;
        if self.clocks.iter().all(|clock| clock.route != route) && escalation.is_pending() {
            let clock = self.ears.begin(route, self.at);
            self.latest.push((clock.route.clone(), self.ears.latest(&clock, self.at)));
            self.changes.clocks.push(clock.clone());
            self.clocks.push(clock);
        }
        let body = serde_json::to_vec(&*propose.ask).map_err(sayso_store::StoreError::from)?;
        let entries = self.append(propose.id, 0, events, Some(body));
        let working = Working { record: None, escalation, before: None, entries, ticked: false };
        self.working.insert(propose.id, working);
        if let Some(call) = propose.call() {
            self.changes.asked.retain(|(other, _)| *other != call);
            self.changes.asked.push((call.clone(), propose.id));
            self.asked.insert(call, propose.id);
        }
        Ok(Done::Escalation(propose.id))
    }

    /// The escalation that the same call began, if it is still to be joined.
    fn joined(&self, propose: &Propose) -> Option<EscalationId> {
        let id = self.asked.get(&propose.call()?)?;
        let known = &self.working.get(id)?.escalation;
        let serves = joining::serves(known, &propose.proposal, self.at)
            && !joining::is_outlived(known, propose.restored);
        serves.then_some(*id)
    }

    fn act(&mut self, act: &Act) -> Outcome {
        if !self.working.contains_key(&act.id) {
            return Err(EngineError::NoSuchEscalation(act.id));
        }
        self.command(act.id, &act.command, act.body.clone())?;
        Ok(Done::Escalation(act.id))
    }

    /// Both, or neither.
    fn act_and_propose(&mut self, act: &Act, propose: &Propose) -> Outcome {
        let Some(working) = self.working.get(&act.id) else {
            return Err(EngineError::NoSuchEscalation(act.id));
        };
        // What refuses the one is to be known before the other is done.
        decide(&working.escalation, &act.command, &Moment::at(self.at))?;
        self.propose(propose)?;
        self.act(act)
    }

    fn command(
        &mut self,
        id: EscalationId,
        command: &Command,
        body: Option<Vec<u8>>,
    ) -> Result<(), EngineError> {
        let Some(working) = self.working.get(&id) else { return Ok(()) };
        let escalation = &working.escalation;
        let route = &escalation.verdict().route;
        let mut moment =
            self.moment(route, escalation.agent(), escalation.subject().tool(), escalation.rule());
        if begins_silence(escalation, command)
            && let Some((_, latest)) = self.latest.iter().find(|(known, _)| known == route)
        {
            moment.hearing.reading = moment.hearing.reading.max(*latest);
        }
        if let Command::Decide(decision) = command {
            self.standing.decides(decision, escalation, self.at)?;
        }
        let events = decide(escalation, command, &moment)?;
        if events.is_empty() {
            return Ok(());
        }
        self.standing.approves(escalation, &events, self.at)?;
        let version = escalation.version();
        let mut next = escalation.clone();
        for event in &events {
            next = next.apply(event, self.at)?;
        }
        self.count_silent_grants(&next, &events);
        let entries = self.append(id, version, events, body);
        if let Some(working) = self.working.get_mut(&id) {
            working.escalation = next;
            working.entries.extend(entries);
        }
        Ok(())
    }

    fn moment(
        &self,
        route: &RouteName,
        agent: &AgentName,
        tool: Option<&ToolName>,
        rule: Option<&RuleName>,
    ) -> Moment {
        let clock = self.clocks.iter().find(|clock| clock.route == *route);
        let halt = self.halts.iter().find(|halt| halt.covers(agent, tool, rule));
        Moment {
            at: self.at,
            hearing: self.ears.hearing(clock, self.at),
            halt: halt.map(|halt| halt.id),
        }
    }

    fn count_silent_grants(&mut self, escalation: &Escalation, events: &[Event]) {
        let silent = events.iter().any(|event| match event {
            Event::Granted { grant, .. } => grant.basis() == Basis::Silence,
            Event::Answered { basis, .. } => *basis == Basis::Silence,
            _ => false,
        });
        let Some((agent, rule)) = counted(escalation).filter(|_| silent) else { return };
        for ((by, under, _), count) in &mut self.silent {
            *count += u32::from(*by == agent && *under == rule);
        }
        let (at, escalation) = (self.at, escalation.id());
        self.changes.silent_grants.push(SilentGrant { agent, rule, at, escalation });
    }

    fn append(
        &mut self,
        id: EscalationId,
        version: u64,
        events: Vec<Event>,
        body: Option<Vec<u8>>,
    ) -> Vec<usize> {
        let first = self.changes.entries.len();
        let mut body = body.map(salted);
        let mut version = version;
        self.changes.entries.extend(events.into_iter().map(|event| {
            version += 1;
            let happened = Happened::Escalation { id, version, event };
            NewEntry { at: self.at, happened, body: body.take() }
        }));
        (first..self.changes.entries.len()).collect()
    }

    fn note(&mut self, event: WorkspaceEvent, body: Option<Vec<u8>>) {
        let happened = Happened::Workspace(event);
        self.changes.entries.push(NewEntry { at: self.at, happened, body: body.map(salted) });
    }

    fn erase(&mut self, escalation: EscalationId, entries: &[u64], by: &ReviewerName) {
        self.changes.erased.extend(entries);
        // The tree counts from 0, the store from 1.
        let entries = entries.iter().map(|seq| seq.saturating_sub(1)).collect();
        self.note(WorkspaceEvent::Erased { escalation, entries, by: by.clone() }, None);
    }

    fn halt(&mut self, halt: &Halt) -> Done {
        self.note(WorkspaceEvent::HaltCalled { halt: halt.clone() }, None);
        self.changes.halts.push(halt.clone());
        self.changes.outbox.push(sweep(OutboxKind::Freeze, halt.id));
        self.halts.push(halt.clone());
        Done::Plain
    }

    fn lift(&mut self, halt: HaltId, by: ReviewerName) -> Outcome {
        if self.halts.iter().all(|known| known.id != halt) {
            return Err(EngineError::NoSuchHalt(halt));
        }
        let asked = self.spreading.iter().chain(&self.changes.outbox);
        if asked.clone().any(|asked| *asked == sweep(OutboxKind::Freeze, halt)) {
            return Err(EngineError::HaltSpreading(halt));
        }
        self.halts.retain(|known| known.id != halt);
        self.note(WorkspaceEvent::HaltLifted { halt, by }, None);
        self.changes.lifted.push(halt);
        self.changes.outbox.push(sweep(OutboxKind::Thaw, halt));
        Ok(Done::Plain)
    }

    /// Lets time act on at most `limit` escalations that are due; says how many there were.
    pub(crate) async fn tick(&mut self, limit: usize) -> Result<usize, EngineError> {
        let readings: Vec<_> =
            self.clocks.iter().map(|clock| (clock.route.clone(), clock.heard)).collect();
        let due = self.writer.due(self.at, &readings, limit).await?;
        let found = due.len();
        for escalation in due {
            let id = escalation.id();
            self.take(escalation, None);
            if let Some(working) = self.working.get_mut(&id) {
                working.ticked = true;
            }
            let silent_grants = self.silent_grants(id).await?;
            self.command(id, &Command::Tick { silent_grants }, None)?;
        }
        Ok(found)
    }

    async fn silent_grants(&mut self, id: EscalationId) -> Result<u32, EngineError> {
        let Some(working) = self.working.get(&id) else { return Ok(0) };
        let Some((agent, rule)) = counted(&working.escalation) else { return Ok(0) };
        let period = working.escalation.verdict().silent_limit.period().unwrap_or_default();
        let key = (agent, rule, period);
        if let Some(count) = self.silent.get(&key) {
            return Ok(*count);
        }
        let since = self.at.saturating_sub(std::time::Duration::from(period)).unwrap_or(self.at);
        let count = self.writer.silent_grants(&key.0, &key.1, since).await?;
        self.silent.insert(key, count);
        Ok(count)
    }

    /// Carries halts, or their ends, to at most `limit` of the escalations they cover, going on
    /// from `after`. Returns where to go on; none, when everything has been seen.
    pub(crate) async fn sweep(
        &mut self,
        after: Option<EscalationId>,
        limit: usize,
    ) -> Result<Option<EscalationId>, EngineError> {
        let standing = self.writer.standing(after, limit).await?;
        let last = standing.last().map(Escalation::id).filter(|_| standing.len() == limit);
        for escalation in standing {
            let id = escalation.id();
            self.take(escalation, None);
            let Some(working) = self.working.get(&id) else { continue };
            let escalation = &working.escalation;
            let (agent, tool, rule) =
                (escalation.agent(), escalation.subject().tool(), escalation.rule());
            let covering = self.halts.iter().find(|halt| halt.covers(agent, tool, rule));
            let covering = covering.map(|halt| halt.id);
            if let Some(frozen) = escalation.frozen()
                && self.halts.iter().all(|halt| halt.id != frozen)
            {
                self.command(id, &Command::Thaw(frozen), None)?;
            }
            if let Some(halt) = covering {
                self.command(id, &Command::Freeze(halt), None)?;
            }
        }
        Ok(last)
    }

    /// The sweeps that have been asked for and not finished.
    pub(crate) async fn asked_sweeps(&mut self) -> Result<Vec<Outbox>, EngineError> {
        let mut asked = self.writer.outbox(OutboxKind::Freeze, None, 100).await?;
        asked.extend(self.writer.outbox(OutboxKind::Thaw, None, 100).await?);
        Ok(asked)
    }

    /// Says that these sweeps are finished.
    pub(crate) fn swept(&mut self, sweeps: Vec<Outbox>) {
        self.changes.done.extend(sweeps);
    }

    /// Commits everything.
    pub(crate) async fn commit(mut self) -> Result<Committed, EngineError> {
        let mut owes = false;
        for working in self.working.values() {
            if working.entries.is_empty() && !working.ticked {
                continue;
            }
            let escalation = &working.escalation;
            let moment = self.moment(
                &escalation.verdict().route,
                escalation.agent(),
                escalation.subject().tool(),
                escalation.rule(),
            );
            let is_news = working.entries.iter().any(|index| {
                let happened = &self.changes.entries[*index].happened;
                matches!(happened, Happened::Escalation { event, .. } if callback::is_news(event))
            });
            if is_news && self.callbacks.contains_key(escalation.agent()) {
                self.changes.outbox.push(call(escalation.id()));
                owes = true;
            }
            self.changes.escalations.push(Current {
                escalation: escalation.clone(),
                before: working.before,
                due: escalation.due(&moment),
            });
        }
        if self.changes.is_empty() {
            self.writer.rollback().await?;
            return Ok(Committed { changed: Vec::new(), clocks: self.clocks, owes, grown: false });
        }
        let first = self.writer.commit(&self.changes).await?;
        let grown = !self.changes.entries.is_empty();
        let mut entries: Vec<_> = self.changes.entries.into_iter().map(Some).collect();
        let mut changed = Vec::with_capacity(self.working.len());
        for working in self.working.into_values() {
            if working.entries.is_empty() {
                continue;
            }
            let mut events = Vec::with_capacity(working.entries.len());
            let mut more = Vec::with_capacity(working.entries.len());
            for index in working.entries {
                let Some(NewEntry { at, happened, body }) = entries[index].take() else { continue };
                let Happened::Escalation { event, .. } = happened else { continue };
                let seq = first + index as u64;
                events.push((seq, event.clone()));
                more.push(Past { seq, at, event, body: body.map(|body| body.content) });
            }
            let escalation = working.escalation;
            let record = match (working.before, working.record) {
                (None, _) => {
                    let kept = sayso_store::Kept { escalation: escalation.clone(), history: more };
                    Some(Record::from_kept(kept))
                }
                (Some(_), Some(record)) => Some(record.after(escalation.clone(), more)),
                (Some(_), None) => None,
            };
            changed.push(Changed { escalation, record: record.map(Arc::new), events });
        }
        Ok(Committed { changed, clocks: self.clocks, owes, grown })
    }
}

/// Whether a command may let silence begin or go on, which then counts from the clock's reading.
fn begins_silence(escalation: &Escalation, command: &Command) -> bool {
    match command {
        Command::Deliver { .. } | Command::Thaw(_) => true,
        // A take may lapse; until it does, nothing is heard.
        Command::Tick { .. } => escalation.taken().is_some(),
        Command::Decide(_)
        | Command::Withdraw(_)
        | Command::Redeem { .. }
        | Command::Report { .. }
        | Command::Freeze(_) => false,
    }
}

/// Under which agent and rule an escalation's silent grant counts, if it counts.
fn counted(escalation: &Escalation) -> Option<(AgentName, RuleName)> {
    escalation.verdict().silent_limit.period()?;
    let rule = escalation.rule().cloned().or_else(|| RuleName::new(NO_RULE).ok())?;
    Some((escalation.agent().clone(), rule))
}

fn call(escalation: EscalationId) -> Outbox {
    Outbox { kind: OutboxKind::Call, route: RouteName::everyone(), id: escalation.as_uuid() }
}

fn sweep(kind: OutboxKind, halt: HaltId) -> Outbox {
    Outbox { kind, route: RouteName::everyone(), id: halt.as_uuid() }
}

fn salted(content: Vec<u8>) -> Body {
    Body { salt: crate::entropy(), content }
}
