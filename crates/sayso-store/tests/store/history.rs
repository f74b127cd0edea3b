//! The ledger, and each escalation's part of it.

use std::sync::atomic::{AtomicBool, Ordering};

use sayso_core::{Digest, WorkspaceEvent};
use sayso_store::{Body, Changes, Happened, Kept, NewEntry, Query, Store};

use crate::case::{Case, at, changes, commit, id, keep};
use crate::unit::added;

pub(crate) async fn a_history_comes_back_as_it_happened_with_its_texts(store: &dyn Store) {
    let first = Case::new(1).text("{\"why\":\"a \\u0000 and a \u{1F511}\"}");
    keep(store, &[Case::new(7), first.clone()]).await;
    let then = first.kept().delivered().approved().text("\"fine\"");
    keep(store, std::slice::from_ref(&then)).await;

    let kept = store.kept(id(1)).await.unwrap().unwrap();
    assert_eq!(kept.escalation, then.escalation);
    let words: Vec<_> = kept.history.iter().map(|past| (past.seq, past.event.word())).collect();
    assert_eq!(words, [(2, "proposed"), (3, "delivered"), (4, "approved"), (5, "granted")]);
    let bodies: Vec<_> = kept
        .history
        .iter()
        .map(|past| past.body.as_deref().map(|body| std::str::from_utf8(body).unwrap()))
        .collect();
    let why = "{\"why\":\"a \\u0000 and a \u{1F511}\"}";
    assert_eq!(bodies, [Some(why), None, None, Some("\"fine\"")]);
    assert_eq!(kept.history[1].at, at(2));
    let fold = kept.history.iter().map(|past| (past.at, &past.event));
    let folded = sayso_core::Escalation::fold(id(1), fold).unwrap();
    assert_eq!(folded.version(), kept.escalation.version());
}

pub(crate) async fn a_history_is_never_torn_from_its_state(store: &dyn Store) {
    let done = AtomicBool::new(false);
    let write = async {
        for number in 1..40 {
            let mut case = Case::new(number);
            keep(store, std::slice::from_ref(&case)).await;
            for step in [Case::delivered, Case::approved, Case::redeemed] {
                case = step(case.kept());
                keep(store, std::slice::from_ref(&case)).await;
                tokio::task::yield_now().await;
            }
        }
        done.store(true, Ordering::Relaxed);
    };
    let whole = |kept: &Kept| {
        assert_eq!(u64::try_from(kept.history.len()).unwrap(), kept.escalation.version());
    };
    let read = async {
        let newest = Query { limit: 3, ..Query::default() };
        while !done.load(Ordering::Relaxed) {
            for kept in store.list(&newest).await.unwrap().items {
                whole(&kept);
                whole(&store.kept(kept.escalation.id()).await.unwrap().unwrap());
            }
        }
    };
    tokio::join!(write, read);
}

pub(crate) async fn an_unknown_escalation_is_none(store: &dyn Store) {
    assert_eq!(store.kept(id(1)).await.unwrap(), None);
}

pub(crate) async fn several_come_each_with_its_own_history(store: &dyn Store) {
    let [first, second] = [Case::new(1), Case::new(2)];
    keep(store, &[first.clone(), second.clone(), Case::new(3)]).await;
    keep(store, &[second.kept().delivered()]).await;
    let mut found = store.several(&[id(2), id(9), id(1)]).await.unwrap();
    found.sort_by_key(|kept| kept.escalation.id());
    let expected = [store.kept(id(1)).await.unwrap(), store.kept(id(2)).await.unwrap()];
    assert_eq!(found, expected.map(Option::unwrap));
    assert_eq!(found.iter().map(|kept| kept.history.len()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(store.several(&[]).await.unwrap(), []);
}

pub(crate) async fn the_ledger_pages_without_gaps(store: &dyn Store) {
    for unit in 0..5 {
        keep(store, &[Case::new(2 * unit), Case::new(2 * unit + 1)]).await;
    }
    let seqs = async |from, limit| {
        let entries = store.entries(from, limit).await.unwrap();
        entries.iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(1, 4).await, [1, 2, 3, 4]);
    assert_eq!(seqs(5, 4).await, [5, 6, 7, 8]);
    assert_eq!(seqs(9, 4).await, [9, 10]);
    assert!(seqs(11, 4).await.is_empty());
    assert_eq!(seqs(0, 2).await, [1, 2]);
}

pub(crate) async fn what_happens_to_the_workspace_is_in_the_ledger(store: &dyn Store) {
    keep(store, &[Case::new(1)]).await;
    store.amend(&added("robo", at(5))).await.unwrap();
    let policy = WorkspaceEvent::PolicyLoaded { policy: Digest::of(b"default_tier = \"hard\"") };
    let body = Body { salt: [3; 16], content: b"default_tier = \"hard\"".to_vec() };
    let entry = NewEntry {
        at: at(6),
        happened: Happened::Workspace(policy.clone()),
        body: Some(body.clone()),
    };
    commit(store, &Changes { entries: vec![entry], ..Changes::default() }).await;

    let entries = store.entries(2, 10).await.unwrap();
    assert_eq!(entries[0].happened, added("robo", at(5)).entries[0].happened);
    assert_eq!((entries[0].seq, entries[0].at, entries[0].body_hash), (2, at(5), None));
    assert_eq!(entries[1].happened, Happened::Workspace(policy));
    assert_eq!((entries[1].seq, entries[1].at), (3, at(6)));
    assert_eq!(entries[1].body_hash, Some(body.hash()));
}

pub(crate) async fn an_entry_commits_to_its_text(store: &dyn Store) {
    let case = Case::new(1).text("the text");
    let written = changes(std::slice::from_ref(&case)).entries;
    keep(store, &[case]).await;
    let entry = store.entries(1, 1).await.unwrap().remove(0);
    assert_eq!(entry.happened, written[0].happened);
    assert_eq!(entry.body_hash, Some(Digest::of_parts(&[&[7; 16], b"the text"])));
}
