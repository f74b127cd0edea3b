//! Agents, people, their secrets, and the keys the server signs with.

use sayso_core::WorkspaceEvent;
use sayso_core::credential::{Role, SecretKind};
use sayso_store::{Happened, NewSecret, Store, StoreError};

use crate::case::{agent, at, digest, person};
use crate::unit::agent_record;

fn secret(kind: SecretKind, word: &str) -> NewSecret {
    NewSecret { kind, hash: digest(word), expires_at: None }
}

pub(crate) async fn an_agent_is_known_by_its_newest_key_only(store: &dyn Store) {
    store.add_agent(&agent_record("robo", "old"), at(1)).await.unwrap();
    store.add_agent(&agent_record("hal", "other"), at(2)).await.unwrap();
    store.add_agent(&agent_record("robo", "new"), at(3)).await.unwrap();
    assert!(store.agent(digest("old")).await.unwrap().is_none());
    let robo = store.agent(digest("new")).await.unwrap().unwrap();
    assert_eq!((robo.name, robo.key), (agent("robo"), digest("new")));
    assert_eq!(store.agents().await.unwrap(), [agent("hal"), agent("robo")]);
    assert_eq!(store.ledger_size().await.unwrap(), 3);
}

pub(crate) async fn a_person_is_known_by_each_of_their_secrets(store: &dyn Store) {
    let ana = person("ana");
    let login = NewSecret { expires_at: Some(at(60)), ..secret(SecretKind::Login, "login") };
    let secrets = [secret(SecretKind::Token, "token"), login];
    store.add_person(&ana, &[Role::Reviewer, Role::Owner], &secrets, at(1)).await.unwrap();
    store.add_secret(&ana, &secret(SecretKind::Session, "session")).await.unwrap();

    for (word, kind, ends) in [
        ("token", SecretKind::Token, None),
        ("login", SecretKind::Login, Some(at(60))),
        ("session", SecretKind::Session, None),
    ] {
        let found = store.person(digest(word)).await.unwrap().unwrap();
        assert_eq!((found.name, found.kind, found.expires_at), (ana.clone(), kind, ends));
        assert_eq!((found.roles, found.secret), (vec![Role::Reviewer, Role::Owner], digest(word)));
    }
    assert!(store.person(digest("guess")).await.unwrap().is_none());
    let added =
        WorkspaceEvent::ReviewerAdded { name: ana, roles: vec![Role::Reviewer, Role::Owner] };
    let entries = store.entries(1, 10).await.unwrap();
    assert_eq!(entries.len(), 1, "a session is no event");
    assert_eq!(entries[0].happened, Happened::Workspace(added));
}

pub(crate) async fn adding_a_person_again_changes_their_roles_and_keeps_their_secrets(
    store: &dyn Store,
) {
    let ana = person("ana");
    let (first, second) = (secret(SecretKind::Token, "first"), secret(SecretKind::Token, "second"));
    store.add_person(&person("zoe"), &[Role::Auditor], &[], at(0)).await.unwrap();
    store.add_person(&ana, &[Role::Reviewer], &[first], at(1)).await.unwrap();
    store.add_person(&ana, &[Role::Auditor], &[second], at(2)).await.unwrap();
    for word in ["first", "second"] {
        let found = store.person(digest(word)).await.unwrap().unwrap();
        assert_eq!(found.roles, [Role::Auditor]);
    }
    let people = [(ana, vec![Role::Auditor]), (person("zoe"), vec![Role::Auditor])];
    assert_eq!(store.people().await.unwrap(), people);
}

pub(crate) async fn a_secret_for_nobody_is_refused(store: &dyn Store) {
    let refused = store.add_secret(&person("bob"), &secret(SecretKind::Session, "s")).await;
    assert!(matches!(refused, Err(StoreError::NoSuchPerson(name)) if name == "bob"));
    assert!(store.person(digest("s")).await.unwrap().is_none());
}

pub(crate) async fn of_many_who_remove_a_secret_one_is_told_that_it_was_there(store: &dyn Store) {
    let login = [secret(SecretKind::Login, "login")];
    store.add_person(&person("ana"), &[Role::Reviewer], &login, at(1)).await.unwrap();
    let remove = || store.remove_secret(digest("login"));
    let (a, b, c, d) = tokio::join!(remove(), remove(), remove(), remove());
    let told = [a, b, c, d].into_iter().filter(|told| *told.as_ref().unwrap()).count();
    assert_eq!(told, 1);
    assert!(!remove().await.unwrap());
    assert!(store.person(digest("login")).await.unwrap().is_none());
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
