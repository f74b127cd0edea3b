//! What time, or a halt, has to look at.

use sayso_core::{Heard, RouteName, Tier};
use sayso_store::{Changes, SilentGrant, Store};

use crate::case::{Case, agent, at, commit, heard, id, keep, numbers, route, rule};
use crate::unit::begun;

async fn due(
    store: &dyn Store,
    seconds: i64,
    readings: &[(RouteName, Heard)],
    limit: usize,
) -> Vec<u128> {
    let mut writer = begun(store).await;
    let found = writer.due(at(seconds), readings, limit).await.unwrap();
    writer.rollback().await.unwrap();
    numbers(&found)
}

fn on(name: &str, number: u128) -> Case {
    Case::of(number, "robo", Tier::Soft, name)
}

pub(crate) async fn what_is_due_comes_by_wall_time_earliest_first(store: &dyn Store) {
    let cases = [Case::new(1).due_at(30), Case::new(2).due_at(10), Case::new(3).due_at(20)];
    keep(store, &cases).await;
    keep(store, &[Case::new(4), Case::new(5).due_at(40)]).await;
    assert_eq!(due(store, 9, &[], 10).await, [0; 0]);
    assert_eq!(due(store, 10, &[], 10).await, [2]);
    assert_eq!(due(store, 30, &[], 10).await, [2, 3, 1]);
    // Looked at and put off.
    keep(store, &[Case::new(3).kept().delivered().due_at(50)]).await;
    assert_eq!(due(store, 30, &[], 10).await, [2, 1]);
    keep(store, &[Case::new(2).kept().denied()]).await;
    assert_eq!(due(store, 30, &[], 10).await, [1]);
}

pub(crate) async fn what_is_due_comes_by_its_own_routes_listening_clock(store: &dyn Store) {
    let cases = [
        on("leads", 1).due_heard(30),
        on("leads", 2).due_heard(10),
        on("everyone", 3).due_heard(10),
    ];
    keep(store, &cases).await;
    assert_eq!(due(store, 0, &[(route("leads"), heard(9))], 10).await, [0; 0]);
    assert_eq!(due(store, 0, &[(route("leads"), heard(30))], 10).await, [2, 1]);
    let both = [(route("leads"), heard(10)), (route("everyone"), heard(10))];
    assert_eq!(due(store, 0, &both, 10).await, [2, 3]);
    assert_eq!(due(store, 0, &[(route("nowhere"), heard(99))], 10).await, [0; 0]);
}

pub(crate) async fn what_is_due_on_both_clocks_comes_once(store: &dyn Store) {
    let cases = [on("leads", 1).due_at(10).due_heard(10), on("leads", 2).due_heard(10)];
    keep(store, &cases).await;
    assert_eq!(due(store, 10, &[(route("leads"), heard(10))], 10).await, [1, 2]);
}

pub(crate) async fn no_more_comes_than_asked_for(store: &dyn Store) {
    let by_wall = (1..=3).map(|n| on("leads", n).due_at(i64::try_from(n).unwrap()));
    let by_hearing = (4..=6).map(|n| on("leads", n).due_heard(u64::try_from(n).unwrap()));
    keep(store, &by_wall.chain(by_hearing).collect::<Vec<_>>()).await;
    let readings = [(route("everyone"), heard(60)), (route("leads"), heard(60))];
    assert_eq!(due(store, 60, &readings, 2).await, [1, 2]);
    assert_eq!(due(store, 60, &readings, 4).await, [1, 2, 3, 4]);
    assert_eq!(due(store, 60, &readings, 100).await, [1, 2, 3, 4, 5, 6]);
}

pub(crate) async fn what_is_due_next_is_told_for_each_clock(store: &dyn Store) {
    assert_eq!(store.next_due().await.unwrap(), (None, vec![]));
    let cases = [
        on("leads", 1).due_at(30).due_heard(7),
        on("leads", 2).due_at(20).due_heard(5),
        on("zebras", 3).due_heard(9),
        on("ants", 4).due_heard(1),
        on("mice", 5).due_at(40),
    ];
    keep(store, &cases).await;
    let (wall, mut heards) = store.next_due().await.unwrap();
    heards.sort();
    assert_eq!(wall, Some(at(20)));
    let expected =
        [(route("ants"), heard(1)), (route("leads"), heard(5)), (route("zebras"), heard(9))];
    assert_eq!(heards, expected);
}

pub(crate) async fn silent_grants_are_counted_since_a_time_by_agent_and_rule(store: &dyn Store) {
    let granted = |name: &str, under: &str, seconds, number| SilentGrant {
        agent: agent(name),
        rule: rule(under),
        at: at(seconds),
        escalation: id(number),
    };
    let silent_grants = vec![
        granted("robo", "merges", 1, 1),
        granted("robo", "merges", 2, 2),
        granted("robo", "merges", 2, 3),
        granted("robo", "(none)", 2, 4),
        granted("hal", "merges", 2, 5),
    ];
    commit(store, &Changes { silent_grants, ..Changes::default() }).await;
    let mut writer = begun(store).await;
    let mut count = async |name: &str, under: &str, since| {
        writer.silent_grants(&agent(name), &rule(under), at(since)).await.unwrap()
    };
    assert_eq!(count("robo", "merges", 0).await, 3);
    assert_eq!(count("robo", "merges", 1).await, 2, "after that time, not at it");
    assert_eq!(count("robo", "merges", 2).await, 0);
    assert_eq!(count("robo", "(none)", 0).await, 1);
    assert_eq!(count("hal", "merges", 0).await, 1);
    assert_eq!(count("hal", "other", 0).await, 0);
}

async fn standing(store: &dyn Store, after: Option<u128>, limit: usize) -> Vec<u128> {
    let mut writer = begun(store).await;
    let found = writer.standing(after.map(id), limit).await.unwrap();
    writer.rollback().await.unwrap();
    numbers(&found)
}

pub(crate) async fn what_a_halt_can_stop_is_what_is_open_or_granted_and_unused(store: &dyn Store) {
    let granted = Case::new(5).approved();
    keep(
        store,
        &[
            Case::new(1),
            Case::of(2, "robo", Tier::Fyi, "everyone"),
            Case::new(3).denied(),
            Case::new(4).approved().redeemed(),
            granted.clone(),
            Case::of(6, "robo", Tier::Hard, "everyone"),
            Case::new(7).approved(),
        ],
    )
    .await;
    assert_eq!(standing(store, None, 10).await, [1, 5, 6, 7]);
    // A grant stops standing when it is used, an open one when it is settled.
    keep(store, &[granted.kept().redeemed(), Case::new(1).kept().denied()]).await;
    assert_eq!(standing(store, None, 10).await, [6, 7]);
}

pub(crate) async fn what_a_halt_can_stop_comes_page_by_page(store: &dyn Store) {
    let cases = (1..=6).map(|n| if n % 2 == 0 { Case::new(n) } else { Case::new(n).approved() });
    keep(store, &cases.collect::<Vec<_>>()).await;
    assert_eq!(standing(store, None, 4).await, [1, 2, 3, 4]);
    assert_eq!(standing(store, Some(4), 4).await, [5, 6]);
    assert_eq!(standing(store, Some(6), 4).await, [0; 0]);
}
