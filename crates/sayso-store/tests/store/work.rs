//! Work that waits in the outbox, and halts.

use sayso_store::{Changes, Outbox, OutboxKind, Store};

use crate::case::{commit, route, uuid};
use crate::unit::{begun, halt, thaw};

fn work(kind: OutboxKind, on: &str, number: u128) -> Outbox {
    Outbox { kind, route: route(on), id: uuid(number) }
}

async fn waiting(
    store: &dyn Store,
    kind: OutboxKind,
    on: Option<&str>,
    limit: usize,
) -> Vec<Outbox> {
    let mut writer = begun(store).await;
    let found = writer.outbox(kind, on.map(route).as_ref(), limit).await.unwrap();
    writer.rollback().await.unwrap();
    found
}

pub(crate) async fn the_same_work_waits_once(store: &dyn Store) {
    let outbox = vec![thaw(1), thaw(2), thaw(1)];
    commit(store, &Changes { outbox, ..Changes::default() }).await;
    commit(store, &Changes { outbox: vec![thaw(2)], ..Changes::default() }).await;
    assert_eq!(waiting(store, OutboxKind::Thaw, None, 10).await, [thaw(1), thaw(2)]);
}

pub(crate) async fn work_is_found_by_kind_and_route(store: &dyn Store) {
    let (a, b) = (work(OutboxKind::Thaw, "ants", 2), work(OutboxKind::Thaw, "ants", 3));
    let (c, d) = (work(OutboxKind::Thaw, "bees", 1), work(OutboxKind::Freeze, "ants", 4));
    let outbox = vec![c.clone(), b.clone(), d.clone(), a.clone()];
    commit(store, &Changes { outbox, ..Changes::default() }).await;
    assert_eq!(waiting(store, OutboxKind::Thaw, Some("ants"), 10).await, [a.clone(), b.clone()]);
    assert_eq!(waiting(store, OutboxKind::Thaw, Some("ants"), 1).await.first(), Some(&a));
    assert_eq!(waiting(store, OutboxKind::Thaw, None, 10).await, [a.clone(), b, c]);
    assert_eq!(waiting(store, OutboxKind::Thaw, None, 1).await, [a]);
    assert_eq!(waiting(store, OutboxKind::Freeze, None, 10).await, [d]);
}

pub(crate) async fn work_that_is_done_is_gone(store: &dyn Store) {
    commit(store, &Changes { outbox: vec![thaw(1), thaw(2)], ..Changes::default() }).await;
    let mut writer = begun(store).await;
    let claimed = writer.outbox(OutboxKind::Thaw, None, 1).await.unwrap();
    writer.commit(&Changes { done: claimed, ..Changes::default() }).await.unwrap();
    assert_eq!(waiting(store, OutboxKind::Thaw, None, 10).await, [thaw(2)]);
    // Asked again, it waits again.
    commit(store, &Changes { outbox: vec![thaw(1)], ..Changes::default() }).await;
    assert_eq!(waiting(store, OutboxKind::Thaw, None, 10).await, [thaw(1), thaw(2)]);
}

pub(crate) async fn a_halt_is_in_force_until_it_is_lifted(store: &dyn Store) {
    assert_eq!(store.halts().await.unwrap(), []);
    let halts = vec![halt(2), halt(1)];
    commit(store, &Changes { halts, ..Changes::default() }).await;
    assert_eq!(store.halts().await.unwrap(), [halt(1), halt(2)]);
    let mut writer = begun(store).await;
    writer.commit(&Changes { lifted: vec![halt(1).id], ..Changes::default() }).await.unwrap();
    assert_eq!(writer.begin().await.unwrap().halts, [halt(2)]);
    writer.rollback().await.unwrap();
    assert_eq!(store.halts().await.unwrap(), [halt(2)]);
}
