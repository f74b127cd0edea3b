//! The ledger's tree as a store keeps it.

use sayso_core::WorkspaceEvent;
use sayso_core::directory::{By, Change};
use sayso_ledger::leaf::{Entry, Told};
use sayso_ledger::tile::LARGEST_ENTRY;
use sayso_ledger::tree::leaf_hash;
use sayso_store::{Changes, Happened, NewEntry, Seal, Store, StoreError, TileRow};

use crate::case::{Case, agent, at, commit, digest, id, keep};
use crate::unit::{added, begun};

pub(crate) async fn each_entry_has_the_leaf_of_the_entry_that_its_row_says(store: &dyn Store) {
    keep(store, &[Case::new(1).text("\"why\"")]).await;
    // Finer than the microseconds that are kept.
    let fine = at(9).checked_add(std::time::Duration::from_nanos(1_234)).unwrap();
    store.amend(&added("robo", fine)).await.unwrap();
    keep(store, &[Case::new(1).kept().delivered().approved()]).await;

    let raw = store.raw_entries(1, 10).await.unwrap();
    let entries = store.entries(1, 10).await.unwrap();
    assert_eq!((raw.len(), entries.len()), (5, 5));
    for (raw, entry) in raw.iter().zip(&entries) {
        assert!(raw.is_as_appended());
        let read = Entry::parse(&raw.bytes).unwrap();
        assert_eq!((read.at, read.body_hash), (entry.at, entry.body_hash));
        match (&read.told, &entry.happened) {
            (Told::Escalation { event, .. }, Happened::Escalation { event: kept, .. }) => {
                assert_eq!(event, kept);
            }
            (Told::Workspace(event), Happened::Workspace(kept)) => assert_eq!(event, kept),
            other => panic!("{other:?}"),
        }
    }
    let leaves: Vec<_> = raw.iter().map(|raw| raw.leaf).collect();
    assert_eq!(store.leaves(1, 10).await.unwrap(), leaves);
    assert_eq!(store.leaves(3, 2).await.unwrap(), leaves[2..4]);
    assert_eq!(store.leaves(6, 2).await.unwrap(), []);
    assert_eq!(store.raw_entries(4, 1).await.unwrap(), raw[3..4]);

    let bodies = store.bodies(1, 10).await.unwrap();
    let of: Vec<_> = bodies.iter().map(|(index, body)| (*index, Some(body.hash()))).collect();
    let hashes = entries.iter().filter(|entry| entry.body_hash.is_some());
    assert_eq!(of, hashes.map(|entry| (entry.seq, entry.body_hash)).collect::<Vec<_>>());
    assert_eq!((of.len(), store.bodies(2, 10).await.unwrap()), (1, Vec::new()));

    commit(store, &Changes { erased: vec![1], ..Changes::default() }).await;
    assert_eq!(store.bodies(1, 10).await.unwrap(), []);
    assert_eq!(store.raw_entries(1, 10).await.unwrap(), raw, "the entry keeps the hash");
}

/// An entry of about that many bytes.
fn of_size(size: usize) -> NewEntry {
    let url = Some("x".repeat(size - 220));
    let change = Box::new(Change::CallbackSet { agent: agent("robo"), url });
    let event = WorkspaceEvent::AuthorityChanged { by: By::Operator, change };
    NewEntry { at: at(1), happened: Happened::Workspace(event), body: None }
}

pub(crate) async fn an_entry_larger_than_a_ledger_takes_is_refused_and_nothing_is_changed(
    store: &dyn Store,
) {
    let changes = |size| Changes { entries: vec![of_size(size)], ..Case::new(1).changes() };
    let mut writer = begun(store).await;
    let refused = writer.commit(&changes(LARGEST_ENTRY + 150)).await;
    assert!(matches!(refused, Err(StoreError::TooLarge(_))), "{refused:?}");
    writer.rollback().await.unwrap();
    assert_eq!(store.ledger_size().await.unwrap(), 0);
    assert!(store.kept(id(1)).await.unwrap().is_none());

    writer.begin().await.unwrap();
    assert_eq!(writer.commit(&changes(LARGEST_ENTRY - 50)).await.unwrap(), 1);
    let kept = store.raw_entries(1, 1).await.unwrap().remove(0);
    assert!(kept.is_as_appended() && kept.bytes.len() <= LARGEST_ENTRY);
}

fn tile(level: u8, place: u64, words: &[&str]) -> TileRow {
    TileRow { level, place, hashes: words.iter().map(|word| digest(word)).collect() }
}

fn seal(before: u64, size: u64, tiles: Vec<TileRow>) -> Seal {
    Seal { before, size, note: format!("note of {size}"), tiles }
}

pub(crate) async fn a_head_is_kept_with_the_tiles_that_grew(store: &dyn Store) {
    let sealed = store.sealed().await.unwrap();
    assert_eq!((sealed.size, sealed.cosigned), (0, None));
    let mut writer = store.writer().await.unwrap();
    let first = seal(0, 300, vec![tile(0, 0, &["a", "b"]), tile(1, 0, &["ab"])]);
    writer.seal(&first).await.unwrap();
    let sealed = store.sealed().await.unwrap();
    assert_eq!((sealed.size, &*sealed.note), (300, "note of 300"));
    // With a unit of work, too; a tile that grew takes the place of what it was.
    writer.begin().await.unwrap();
    let grown = seal(300, 600, vec![tile(0, 1, &["c"]), tile(1, 0, &["ab", "c"])]);
    let changes = Changes { seal: Some(grown), ..Case::new(1).changes() };
    assert_eq!(writer.commit(&changes).await.unwrap(), 1);
    assert_eq!(store.sealed().await.unwrap().size, 600);
    let tiles = store.tiles(&[(1, 0), (0, 7), (0, 0)]).await.unwrap();
    assert_eq!(tiles, [tile(1, 0, &["ab", "c"]), tile(0, 0, &["a", "b"])]);
    store.keep_cosigned("cosigned").await.unwrap();
    assert_eq!(store.sealed().await.unwrap().cosigned.as_deref(), Some("cosigned"));
    // Another log has to be cosigned anew.
    store.retire_log("ended").await.unwrap();
    assert!(store.is_retired("ended").await.unwrap());
    let sealed = store.sealed().await.unwrap();
    assert_eq!((sealed.size, sealed.cosigned), (600, None));
}

pub(crate) async fn of_two_heads_after_the_same_one_the_first_is_kept(store: &dyn Store) {
    let mut writer = store.writer().await.unwrap();
    writer.seal(&seal(0, 300, vec![tile(0, 0, &["a"])])).await.unwrap();
    writer.seal(&seal(0, 290, vec![tile(0, 0, &["b"])])).await.unwrap();
    assert_eq!(store.sealed().await.unwrap().size, 300);
    assert_eq!(store.tiles(&[(0, 0)]).await.unwrap(), [tile(0, 0, &["a"])]);
    // It fails nothing that is written with it.
    let late = Changes { seal: Some(seal(0, 10, Vec::new())), ..Case::new(1).changes() };
    commit(store, &late).await;
    assert_eq!(store.sealed().await.unwrap().size, 300);
}

/// What a version without leaves wrote, in its spelling: three entries, the last one of a text.
pub(crate) const OLD_ENTRIES: &str = r#"
    INSERT INTO ledger (workspace, seq, at, escalation, version, event, body_hash) VALUES
        ('default', 1, 1800000000000000, NULL, NULL, '{"type":"halt_lifted","halt":"01990000-0000-7000-8000-000000000001","by":"ana"}', NULL),
        ('default', 2, 1800000001000001, ID, 1, '{"type":"expired"}', NULL),
        ('default', 3, 1800000002000000, ID, 2, '{"type":"started","by":"robo"}', HASH)"#;

pub(crate) async fn old_entries_have_leaves(store: &dyn Store) {
    let raw = store.raw_entries(1, 10).await.unwrap();
    assert_eq!(raw.len(), 3);
    for raw in &raw {
        assert!(raw.is_as_appended());
        Entry::parse(&raw.bytes).unwrap();
    }
    let leaves: Vec<_> = raw.iter().map(|raw| leaf_hash(&raw.bytes)).collect();
    assert_eq!(store.leaves(1, 10).await.unwrap(), leaves);
    assert_eq!(keep(store, &[Case::new(1)]).await, 4);
}
