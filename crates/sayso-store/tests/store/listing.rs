//! Lists of escalations, as people and agents page through them.

use sayso_core::Tier;
use sayso_store::{Query, Standing, Store};

use crate::case::{Case, agent, id, keep, numbers};

/// A page's numbers, and where the next one begins.
async fn page(store: &dyn Store, query: Query) -> (Vec<u128>, Option<u128>) {
    let page = store.list(&query).await.unwrap();
    let items = numbers(page.items.iter().map(|kept| &kept.escalation));
    (items, page.next.map(|next| next.as_uuid().as_u128() - id(0).as_uuid().as_u128()))
}

pub(crate) async fn the_newest_come_first_page_by_page(store: &dyn Store) {
    let cases: Vec<_> = (1..=5).map(|n| Case::new(n).text(&n.to_string())).collect();
    keep(store, &cases).await;
    let two = Query { limit: 2, ..Query::default() };
    assert_eq!(page(store, two.clone()).await, (vec![5, 4], Some(4)));
    let second = Query { before: Some(id(4)), ..two.clone() };
    assert_eq!(page(store, second).await, (vec![3, 2], Some(2)));
    let last = Query { before: Some(id(2)), ..two.clone() };
    assert_eq!(page(store, last).await, (vec![1], None));
    let exactly = Query { limit: 5, ..Query::default() };
    assert_eq!(page(store, exactly).await, (vec![5, 4, 3, 2, 1], None));

    let first = store.list(&two).await.unwrap().items.remove(0);
    assert_eq!(first, store.kept(id(5)).await.unwrap().unwrap(), "each with its history");
}

pub(crate) async fn a_list_can_be_narrowed_on_every_axis(store: &dyn Store) {
    keep(
        store,
        &[
            Case::of(1, "robo", Tier::Soft, "everyone"),
            Case::of(2, "robo", Tier::Hard, "everyone"),
            Case::of(3, "hal", Tier::Soft, "leads"),
            Case::of(4, "hal", Tier::Soft, "leads").denied(),
            Case::of(5, "robo", Tier::Fyi, "everyone"),
            Case::of(6, "robo", Tier::Hard, "everyone").approved(),
        ],
    )
    .await;
    let all = Query { limit: 10, ..Query::default() };
    let of = async |query| page(store, query).await.0;
    assert_eq!(of(Query { pending: Some(true), ..all.clone() }).await, [3, 2, 1]);
    assert_eq!(of(Query { pending: Some(false), ..all.clone() }).await, [6, 5, 4]);
    assert_eq!(of(Query { tier: Some(Tier::Hard), ..all.clone() }).await, [6, 2]);
    assert_eq!(of(Query { tier: Some(Tier::Fyi), ..all.clone() }).await, [5]);
    assert_eq!(of(Query { agent: Some(agent("hal")), ..all.clone() }).await, [4, 3]);
    assert_eq!(of(Query { agent: Some(agent("nobody")), ..all.clone() }).await, [0; 0]);
    let narrow = Query {
        pending: Some(true),
        tier: Some(Tier::Soft),
        agent: Some(agent("robo")),
        before: Some(id(5)),
        limit: 10,
    };
    assert_eq!(of(narrow).await, [1]);
}

pub(crate) async fn open_escalations_are_counted_by_tier(store: &dyn Store) {
    let none = Standing { soft: 0, hard: 0 };
    assert_eq!(store.pending_counts().await.unwrap(), none);
    let held = Case::new(4).says(sayso_core::decision::Says::Hold);
    keep(store, &[Case::new(1), Case::new(2), Case::new(3).denied(), held]).await;
    assert_eq!(store.pending_counts().await.unwrap(), Standing { soft: 2, hard: 1 });
}
