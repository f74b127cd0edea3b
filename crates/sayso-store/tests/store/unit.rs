//! Units of work: all or nothing, and nobody overwrites what they have not seen.

use jiff::Timestamp;
use sayso_core::directory::{By, Change};
use sayso_core::halt::{Halt, Scope};
use sayso_core::{HaltId, Heard, WorkspaceEvent};
use sayso_store::{
    Amendment, Call, Changes, Happened, KeyName, KeyUse, ListeningClock, NewEntry, NewKey, Outbox,
    OutboxKind, Query, SilentGrant, Store, StoreError, Writer,
};

use crate::case::{
    Case, agent, at, changes, commit, digest, heard, id, keep, numbers, person, route, rule, uuid,
};
use crate::place::Place;

pub(crate) fn key(name: &str, key: &str, number: u128) -> NewKey {
    NewKey {
        name: KeyName { agent: agent(name), key: key.into() },
        used: KeyUse { fingerprint: digest(key), escalation: id(number) },
    }
}

pub(crate) fn clock(on: &str, seconds: u64, until: i64) -> ListeningClock {
    ListeningClock { route: route(on), heard: heard(seconds), until: at(until) }
}

pub(crate) fn halt(number: u128) -> Halt {
    Halt {
        id: HaltId::from_uuid(uuid(number)),
        scope: Scope::Everything,
        reason: "fire drill".into(),
        by: person("ana"),
        at: at(0),
    }
}

pub(crate) fn thaw(number: u128) -> Outbox {
    Outbox { kind: OutboxKind::Thaw, route: route("everyone"), id: uuid(number) }
}

/// Changes of every kind.
fn everything() -> Changes {
    Changes {
        keys: vec![key("robo", "k", 1)],
        clocks: vec![clock("everyone", 5, 5)],
        silent_grants: vec![SilentGrant {
            agent: agent("robo"),
            rule: rule("merges"),
            at: at(3),
            escalation: id(1),
        }],
        outbox: vec![thaw(1)],
        halts: vec![halt(9)],
        ..changes(&[Case::new(1).text("why").due_at(10), Case::new(2)])
    }
}

/// What of [`everything`] is there: escalations, ledger entries, keys, clocks, silent grants,
/// work, halts.
async fn present(store: &dyn Store) -> [usize; 7] {
    let mut writer = store.writer().await.unwrap();
    let snapshot = writer.begin().await.unwrap();
    let keys = writer.keys(&[key("robo", "k", 1).name]).await.unwrap();
    let grants = writer.silent_grants(&agent("robo"), &rule("merges"), at(0)).await.unwrap();
    let work = writer.outbox(OutboxKind::Thaw, None, 10).await.unwrap();
    writer.rollback().await.unwrap();
    let query = Query { limit: 10, ..Query::default() };
    [
        store.list(&query).await.unwrap().items.len(),
        store.entries(1, 100).await.unwrap().len(),
        keys.len(),
        snapshot.clocks.len(),
        usize::try_from(grants).unwrap(),
        work.len(),
        snapshot.halts.len(),
    ]
}

const ALL: [usize; 7] = [2, 2, 1, 1, 1, 1, 1];
const NONE: [usize; 7] = [0; 7];

pub(crate) async fn a_committed_unit_is_there_whole(store: &dyn Store) {
    commit(store, &everything()).await;
    assert_eq!(present(store).await, ALL);
    assert_eq!(store.ledger_size().await.unwrap(), 2);
}

pub(crate) async fn everything_is_still_there_when_opened_again(place: &Place) {
    let store = place.open().await;
    commit(&*store, &everything()).await;
    drop(store);
    let store = place.open().await;
    assert_eq!(present(&*store).await, ALL);
}

pub(crate) async fn a_unit_that_is_rolled_back_leaves_nothing(store: &dyn Store) {
    // One that has been written to can only be rolled back by failing.
    let mut writer = store.writer().await.unwrap();
    writer.begin().await.unwrap();
    let twice = Changes { keys: vec![key("robo", "k", 1), key("robo", "k", 2)], ..everything() };
    writer.commit(&twice).await.unwrap_err();
    writer.rollback().await.unwrap();
    assert_eq!(present(store).await, NONE);
    assert_eq!(store.ledger_size().await.unwrap(), 0);
    assert_eq!(keep(store, &[Case::new(1)]).await, 1, "no index was used up");
}

pub(crate) async fn a_unit_that_is_dropped_leaves_nothing(store: &dyn Store) {
    keep(store, &[Case::new(1)]).await;
    let mut writer = store.writer().await.unwrap();
    writer.begin().await.unwrap();
    assert_eq!(writer.load(&[id(1)]).await.unwrap().len(), 1);
    drop(writer);
    // Nor does it keep anybody waiting.
    keep(store, &[Case::new(1).kept().delivered()]).await;
}

pub(crate) async fn a_writer_works_on_after_a_unit_that_failed(store: &dyn Store) {
    let mut writer = store.writer().await.unwrap();
    writer.begin().await.unwrap();
    let stale = Case::new(1).kept().delivered();
    writer.commit(&stale.changes()).await.unwrap_err();
    writer.rollback().await.unwrap();
    writer.begin().await.unwrap();
    assert_eq!(writer.commit(&Case::new(1).changes()).await.unwrap(), 1);
    writer.rollback().await.unwrap();
    writer.begin().await.unwrap();
    assert_eq!(numbers(&writer.load(&[id(1)]).await.unwrap()), [1]);
}

pub(crate) async fn a_unit_that_was_forgotten_ends_when_the_next_begins(store: &dyn Store) {
    let mut writer = store.writer().await.unwrap();
    writer.begin().await.unwrap();
    writer.begin().await.unwrap();
    assert_eq!(writer.commit(&Case::new(1).changes()).await.unwrap(), 1);
    assert_eq!(numbers([&store.kept(id(1)).await.unwrap().unwrap().escalation]), [1]);
}

async fn is_a_conflict(store: &dyn Store, changes: &Changes) {
    let size = store.ledger_size().await.unwrap();
    let mut writer = store.writer().await.unwrap();
    writer.begin().await.unwrap();
    let refused = writer.commit(changes).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    writer.rollback().await.unwrap();
    assert_eq!(store.ledger_size().await.unwrap(), size);
}

pub(crate) async fn an_escalation_that_has_moved_on_is_a_conflict_and_nothing_is_changed(
    store: &dyn Store,
) {
    let first = Case::new(1);
    keep(store, std::slice::from_ref(&first)).await;
    let delivered = first.clone().kept().delivered();
    keep(store, std::slice::from_ref(&delivered)).await;
    is_a_conflict(store, &changes(&[Case::new(2), first.kept().approved()])).await;
    assert_eq!(store.kept(id(2)).await.unwrap(), None);
    let kept = store.kept(id(1)).await.unwrap().unwrap();
    assert_eq!(kept.escalation, delivered.escalation);
}

pub(crate) async fn what_has_moved_on_can_not_even_be_put_off(store: &dyn Store) {
    let first = Case::new(1).due_at(10);
    keep(store, std::slice::from_ref(&first)).await;
    keep(store, &[first.clone().kept().denied()]).await;
    is_a_conflict(store, &first.kept().due_at(20).changes()).await;
    assert_eq!(store.next_due().await.unwrap().0, Some(at(10)));
}

pub(crate) async fn an_id_that_is_taken_is_a_conflict_and_nothing_is_changed(store: &dyn Store) {
    keep(store, &[Case::new(1)]).await;
    is_a_conflict(store, &changes(&[Case::new(2), Case::new(1)])).await;
    assert_eq!(store.kept(id(2)).await.unwrap(), None);
}

pub(crate) async fn an_idempotency_key_that_is_taken_is_a_conflict_and_nothing_is_changed(
    store: &dyn Store,
) {
    commit(store, &Changes { keys: vec![key("robo", "k", 1)], ..Case::new(1).changes() }).await;
    let again = Changes { keys: vec![key("robo", "k", 2)], ..Case::new(2).changes() };
    is_a_conflict(store, &again).await;
    assert_eq!(store.kept(id(2)).await.unwrap(), None);
}

pub(crate) async fn a_commit_tells_the_index_of_its_first_entry(store: &dyn Store) {
    assert_eq!(keep(store, &[Case::new(1), Case::new(2)]).await, 1);
    assert_eq!(keep(store, &[Case::new(3)]).await, 3);
    assert_eq!(store.entries(3, 1).await.unwrap()[0].seq, 3);
}

pub(crate) async fn a_unit_without_entries_tells_the_next_index(store: &dyn Store) {
    let clocks = Changes { clocks: vec![clock("everyone", 1, 1)], ..Changes::default() };
    assert_eq!(commit(store, &clocks).await, 1);
    keep(store, &[Case::new(1)]).await;
    assert_eq!(commit(store, &clocks).await, 2);
    assert_eq!(keep(store, &[Case::new(2)]).await, 2);
}

pub(crate) async fn only_the_escalations_that_exist_are_loaded(store: &dyn Store) {
    keep(store, &[Case::new(1), Case::new(2), Case::new(3)]).await;
    let mut writer = store.writer().await.unwrap();
    writer.begin().await.unwrap();
    let found = writer.load(&[id(1), id(3), id(7)]).await.unwrap();
    assert_eq!(numbers(&found), [1, 3]);
    assert_eq!(found[0], Case::new(1).escalation);
    assert!(writer.load(&[]).await.unwrap().is_empty());
}

pub(crate) async fn listening_clocks_are_kept(store: &dyn Store) {
    let snapshot = async || {
        let mut writer = store.writer().await.unwrap();
        let mut clocks = writer.begin().await.unwrap().clocks;
        writer.rollback().await.unwrap();
        clocks.sort_by(|a, b| a.route.cmp(&b.route));
        clocks
    };
    assert_eq!(snapshot().await, []);
    let begun = vec![
        ListeningClock { heard: Heard::default(), ..clock("everyone", 0, 0) },
        clock("leads", 0, 4),
    ];
    commit(store, &Changes { clocks: begun.clone(), ..Changes::default() }).await;
    assert_eq!(snapshot().await, begun);
    let moved = vec![clock("everyone", 3, 6)];
    commit(store, &Changes { clocks: moved, ..Changes::default() }).await;
    assert_eq!(snapshot().await, [clock("everyone", 3, 6), clock("leads", 0, 4)]);
}

pub(crate) async fn an_idempotency_key_is_one_agents_and_holds_any_character(store: &dyn Store) {
    let odd = "\0 \u{1F511} ' \\ %";
    let keys = vec![key("robo", odd, 1), key("hal", odd, 2), key("robo", "k", 1)];
    commit(store, &Changes { keys: keys.clone(), ..Changes::default() }).await;
    let mut writer = store.writer().await.unwrap();
    writer.begin().await.unwrap();
    let asked = [key("hal", "k", 0).name, keys[1].name.clone(), keys[0].name.clone()];
    let mut found = writer.keys(&asked).await.unwrap();
    found.sort_by_key(|(_, used)| used.escalation);
    let expected = [&keys[0], &keys[1]].map(|key| (key.name.clone(), key.used));
    assert_eq!(found, expected);
    assert!(writer.keys(&[]).await.unwrap().is_empty());
}

pub(crate) async fn a_call_finds_what_it_began_last(store: &dyn Store) {
    let call = |name: &str, of: &str| Call { agent: agent(name), digest: digest(of) };
    let asked =
        [(call("robo", "a"), id(1)), (call("robo", "b"), id(2)), (call("mule", "a"), id(3))];
    commit(store, &Changes { asked: asked.into(), ..Changes::default() }).await;
    commit(store, &Changes { asked: vec![(call("robo", "a"), id(4))], ..Changes::default() }).await;
    let calls = [call("mule", "b"), call("robo", "b"), call("robo", "a"), call("mule", "a")];
    let mut writer = begun(store).await;
    let mut found = writer.asked(&calls).await.unwrap();
    found.sort_by_key(|(_, id)| *id);
    let expected =
        [(call("robo", "b"), id(2)), (call("mule", "a"), id(3)), (call("robo", "a"), id(4))];
    assert_eq!(found, expected);
}

/// An agent is added, whatever else has happened.
pub(crate) fn added(name: &str, at: Timestamp) -> Amendment {
    let change = Change::AgentAdded { name: agent(name), owner: None, tools: None };
    Amendment { after: u64::MAX, entries: vec![entry(change, at)], ..Amendment::default() }
}

/// The operator changes who may do what.
pub(crate) fn entry(change: Change, at: Timestamp) -> NewEntry {
    let event = WorkspaceEvent::AuthorityChanged { by: By::Operator, change: Box::new(change) };
    NewEntry { at, happened: Happened::Workspace(event), body: None }
}

/// Begins a unit on a writer of its own.
pub(crate) async fn begun(store: &dyn Store) -> Box<dyn Writer> {
    let mut writer = store.writer().await.unwrap();
    writer.begin().await.unwrap();
    writer
}
