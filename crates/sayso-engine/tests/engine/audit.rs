//! What must be true of every ledger and every state, whatever happened.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use sayso_core::escalation::{Facts, PermitState, Replay};
use sayso_core::grant::Basis;
use sayso_core::halt::Halt;
use sayso_core::workspace::WorkspaceEvent;
use sayso_core::{AgentName, Escalation, EscalationId, Event, RuleName, Tier};
use sayso_engine::Record;
use sayso_store::{Entry, Happened, Kept};

use crate::world::{Server, eventually};

/// Holds a server's store against the law.
pub(crate) async fn all(server: &Server) {
    // While timers still do something, what is read first is older than what is read last.
    eventually("nothing happens any more", async || {
        let entries = ledger(server).await;
        let states = states(server, &entries).await;
        let is_still = server.store.ledger_size().await.unwrap() == entries.len() as u64;
        if is_still {
            holds(server, &entries, &states);
        }
        is_still
    })
    .await;
    crate::ledger::holds(server).await;
}

/// An escalation as it is kept, and as it is shown.
struct States {
    kept: Kept,
    shown: Arc<Record>,
}

async fn states(server: &Server, entries: &[Entry]) -> HashMap<EscalationId, States> {
    let mut states = HashMap::new();
    for id in histories(entries).into_keys() {
        let kept = server.store.kept(id).await.unwrap().unwrap();
        let shown = server.engine.get(id).await.unwrap();
        states.insert(id, States { kept, shown });
    }
    states
}

fn holds(server: &Server, entries: &[Entry], states: &HashMap<EscalationId, States>) {
    for (entry, seq) in entries.iter().zip(1..) {
        assert_eq!(entry.seq, seq, "the ledger has a gap");
    }
    let times: Vec<_> = entries.iter().map(|entry| entry.at).collect();
    assert!(!server.store.is_exclusive() || times.is_sorted(), "time ran backwards in the ledger");
    replays(entries);
    for (id, history) in histories(entries) {
        lawful(id, &history);
        let folded =
            Escalation::fold(id, history.iter().map(|(at, _, event)| (*at, *event))).unwrap();
        let States { kept, shown } = &states[&id];
        assert_eq!(kept.escalation, folded, "{id}: the state is not the fold of its history");
        assert_eq!(kept.history.len(), history.len(), "{id}");
        assert_eq!(shown.escalation, folded, "{id}: what is shown is not what is kept");
        assert_eq!(shown.history.len(), history.len(), "{id}");
    }
}

/// All of a server's ledger.
pub(crate) async fn ledger(server: &Server) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let from = entries.len() as u64 + 1;
        let page = server.store.entries(from, 500).await.unwrap();
        if page.is_empty() {
            return entries;
        }
        entries.extend(page);
    }
}

/// Runs each history through the law once more, with what the ledger knew at each step.
fn replays(entries: &[Entry]) {
    let mut runs: HashMap<EscalationId, Run> = HashMap::new();
    let mut halts: Vec<Halt> = Vec::new();
    let mut silent: Vec<(AgentName, Option<RuleName>, Timestamp)> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let (id, event) = match &entry.happened {
            Happened::Escalation { id, event, .. } => (*id, event),
            Happened::Workspace(event) => {
                match event {
                    WorkspaceEvent::HaltCalled { halt } => halts.push(halt.clone()),
                    WorkspaceEvent::HaltLifted { halt, .. } => halts.retain(|it| it.id != *halt),
                    _ => {}
                }
                continue;
            }
        };
        let run = runs.entry(id).or_default();
        if run.ahead == 0 {
            let of_it = entries[index..].iter().filter_map(|entry| match &entry.happened {
                Happened::Escalation { id: of, event, .. } if *of == id => Some(event),
                _ => None,
            });
            let next: Vec<_> = of_it.take(LONGEST_STEP).collect();
            let state = run.replay.as_ref().map(Replay::escalation);
            let silent_grants = state.map_or(0, |state| silent_grants(state, &silent, entry.at));
            let facts = Facts { at: entry.at, halts: &halts, silent_grants, answer: None };
            let taken = match &mut run.replay {
                Some(replay) => replay.step(&next, &facts),
                begun => Replay::begin(id, &next, &facts).map(|(replay, taken)| {
                    *begun = Some(replay);
                    taken
                }),
            };
            run.ahead = taken.unwrap_or_else(|illegal| panic!("{id}: {illegal}: {next:?}"));
        }
        run.ahead -= 1;
        let by_silence = match event {
            Event::Granted { grant, .. } => grant.basis() == Basis::Silence,
            Event::Answered { basis, .. } => *basis == Basis::Silence,
            _ => false,
        };
        if let Some(replay) = run.replay.as_ref().filter(|_| by_silence) {
            let state = replay.escalation();
            silent.push((state.agent().clone(), state.rule().cloned(), entry.at));
        }
    }
}

/// How many events one command may say.
const LONGEST_STEP: usize = 8;

/// A history on its way.
#[derive(Default)]
struct Run {
    replay: Option<Replay>,
    /// How many of the coming events belong to the step that was taken.
    ahead: usize,
}

/// How many silent grants counted for an escalation at that time.
fn silent_grants(
    state: &Escalation,
    silent: &[(AgentName, Option<RuleName>, Timestamp)],
    at: Timestamp,
) -> u32 {
    let Some(period) = state.verdict().silent_limit.period() else { return 0 };
    let since = at.saturating_sub(std::time::Duration::from(period)).unwrap();
    let counts = silent.iter().filter(|(agent, rule, when)| {
        agent == state.agent() && rule.as_ref() == state.rule() && *when > since
    });
    u32::try_from(counts.count()).unwrap()
}

type History<'a> = Vec<(Timestamp, u64, &'a Event)>;

fn histories(entries: &[Entry]) -> BTreeMap<EscalationId, History<'_>> {
    let mut histories: BTreeMap<_, History> = BTreeMap::new();
    for entry in entries {
        if let Happened::Escalation { id, version, event } = &entry.happened {
            histories.entry(*id).or_default().push((entry.at, *version, event));
        }
    }
    histories
}

/// What no history may show, said again without the law's own functions.
fn lawful(id: EscalationId, history: &History) {
    let words: Vec<_> = history.iter().map(|(_, _, event)| event.word()).collect();
    let mut hard = false;
    let mut approved = HashSet::new();
    let mut quorum = 1;
    let mut permit = None;
    for (nth, (at, version, event)) in history.iter().enumerate() {
        assert_eq!(*version, nth as u64 + 1, "{id}: {words:?}");
        match event {
            Event::Proposed { verdict, .. } => {
                hard = verdict.tier == Tier::Hard;
                quorum = usize::from(verdict.quorum.in_all().get());
            }
            Event::Edited { verdict, .. } => {
                hard |= verdict.tier == Tier::Hard;
                quorum = usize::from(verdict.quorum.in_all().get());
                approved.clear();
            }
            Event::Hardened { .. } => hard = true,
            Event::Approved { approval } => {
                assert!(
                    approved.insert(approval.by().clone()),
                    "{id}: one slot a person: {words:?}"
                );
            }
            Event::Retracted { by } => {
                assert!(approved.remove(by), "{id}: {words:?}");
            }
            Event::Granted { grant, expires_at } => {
                assert_eq!(permit, None, "{id}: granted twice: {words:?}");
                match grant.basis() {
                    Basis::Silence => {
                        assert!(!hard, "{id}: silence granted what was hard: {words:?}");
                        let (heard, window) = grant.silence().unwrap();
                        assert!(heard >= window, "{id}");
                    }
                    Basis::Decision => assert!(approved.len() >= quorum, "{id}: {words:?}"),
                }
                permit = Some(PermitState::Issued { expires_at: *expires_at });
            }
            Event::Started { by } => {
                let Some(PermitState::Issued { expires_at }) = permit else {
                    panic!("{id}: started without an unused permit: {words:?}")
                };
                assert!(*at < expires_at, "{id}");
                permit = Some(PermitState::Started { by: by.clone(), at: *at, receipt: None });
            }
            Event::Vetoed { .. }
            | Event::Denied { .. }
            | Event::Withdrawn
            | Event::Halted { .. } => {
                let used = matches!(permit, Some(PermitState::Started { .. }));
                assert!(!used, "{id}: taken back after it was used: {words:?}");
                permit = Some(PermitState::Revoked);
            }
            Event::Delivered { .. }
            | Event::Taken { .. }
            | Event::Lapsed { .. }
            | Event::Answered { .. }
            | Event::Expired
            | Event::Noted
            | Event::Frozen { .. }
            | Event::Thawed { .. }
            | Event::Receipted { .. } => {}
        }
    }
    let delivered = words.iter().filter(|word| **word == "delivered").count();
    let edits = words.iter().filter(|word| **word == "edited").count();
    assert!(delivered <= 1 + edits, "{id}: delivered twice: {words:?}");
}
