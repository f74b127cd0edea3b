//! Changes of authority, what is noted about credentials, and the keys the server signs with.

use sayso_core::CredentialId;
use sayso_core::directory::Change;
use sayso_store::{Amendment, Callback, Note, Store, StoreError};

use crate::case::{Case, agent, at, keep, uuid};
use crate::unit::{added, entry};

fn credential(number: u128) -> CredentialId {
    CredentialId::from_uuid(uuid(number))
}

fn note(number: u128, label: &str) -> Note {
    Note { id: credential(number), label: label.into(), used_at: None }
}

fn revoked(name: &str) -> Change {
    Change::AgentRevoked { name: agent(name) }
}

pub(crate) async fn what_happens_to_the_workspace_comes_without_the_escalations(store: &dyn Store) {
    keep(store, &[Case::new(1)]).await;
    assert_eq!(store.amend(&added("robo", at(1))).await.unwrap(), 2);
    keep(store, &[Case::new(2)]).await;
    let together = [entry(revoked("robo"), at(2)), entry(revoked("hal"), at(2))];
    let amendment = Amendment { after: 2, entries: together.into(), ..Amendment::default() };
    assert_eq!(store.amend(&amendment).await.unwrap(), 4);
    let seqs = async |after, limit| {
        let entries = store.workspace_entries(after, limit).await.unwrap();
        entries.iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(0, 10).await, [2, 4, 5]);
    assert_eq!(seqs(2, 1).await, [4]);
    assert_eq!(seqs(4, 10).await, [5]);
    assert!(seqs(5, 10).await.is_empty());
    let all = store.entries(2, 1).await.unwrap();
    assert_eq!(store.workspace_entries(0, 1).await.unwrap(), all);
}

pub(crate) async fn changes_that_were_checked_against_less_are_a_conflict(store: &dyn Store) {
    store.amend(&added("robo", at(1))).await.unwrap();
    let late = Amendment { notes: vec![note(1, "late")], after: 0, ..added("hal", at(2)) };
    let refused = store.amend(&late).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    assert_eq!(store.ledger_size().await.unwrap(), 1);
    assert!(store.notes().await.unwrap().is_empty(), "all or nothing");
    // What happens to escalations is no change of authority.
    keep(store, &[Case::new(1)]).await;
    store.amend(&Amendment { after: 1, ..late }).await.unwrap();
}

pub(crate) async fn of_many_changes_checked_against_the_same_one_is_kept(store: &dyn Store) {
    let amendments = ["a", "b", "c", "d"].map(|name| Amendment { after: 0, ..added(name, at(1)) });
    let [a, b, c, d] = amendments.each_ref().map(|amendment| store.amend(amendment));
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    let kept = [a, b, c, d].into_iter().filter(|kept| match kept {
        Ok(_) => true,
        Err(StoreError::Conflict) => false,
        Err(other) => panic!("{other}"),
    });
    assert_eq!(kept.count(), 1);
    assert_eq!(store.ledger_size().await.unwrap(), 1);
}

pub(crate) async fn notes_are_kept_and_forgotten_with_what_they_are_about(store: &dyn Store) {
    let notes = vec![note(1, "laptop"), note(2, "<b>phone</b>")];
    store.amend(&Amendment { notes, ..added("robo", at(1)) }).await.unwrap();
    store.used(credential(1), at(9)).await.unwrap();
    store.used(credential(3), at(9)).await.unwrap();
    let mut found = store.notes().await.unwrap();
    found.sort_by_key(|note| note.id);
    let used = Note { used_at: Some(at(9)), ..note(1, "laptop") };
    assert_eq!(found, [used, note(2, "<b>phone</b>")]);
    let forgotten = vec![credential(1), credential(2)];
    store.amend(&Amendment { forgotten, ..added("hal", at(2)) }).await.unwrap();
    assert!(store.notes().await.unwrap().is_empty());
}

pub(crate) async fn an_agent_is_called_where_it_was_last_said(store: &dyn Store) {
    let set = async |url: Option<&str>| {
        let callback = url.map(|url| Callback { url: url.into(), secret: [7; 32] });
        let callback = Some((agent("robo"), callback));
        store.amend(&Amendment { callback, ..added("robo", at(1)) }).await.unwrap();
        store.callbacks().await.unwrap()
    };
    set(Some("http://one.test")).await;
    let found = set(Some("http://other.test")).await;
    let callback = Callback { url: "http://other.test".into(), secret: [7; 32] };
    assert_eq!(found, [(agent("robo"), callback)]);
    assert!(set(None).await.is_empty());
}

pub(crate) async fn the_first_signing_key_is_kept_for_each_purpose(store: &dyn Store) {
    let key = async |purpose, fresh| store.signing_key(purpose, [fresh; 32]).await.unwrap();
    assert_eq!(key("permit", 1).await, [1; 32]);
    assert_eq!(key("permit", 2).await, [1; 32]);
    assert_eq!(key("ledger", 3).await, [3; 32]);
    let (a, b) = tokio::join!(key("race", 4), key("race", 5));
    assert_eq!(a, b);
}

pub(crate) async fn a_store_that_is_there_answers(store: &dyn Store) {
    store.ping().await.unwrap();
}
