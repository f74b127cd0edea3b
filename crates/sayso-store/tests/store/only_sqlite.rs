//! What holds for SQLite alone: one server, one folder, a disk that can fill up.

use std::path::Path;
use std::process::Command;

use sayso_store::sqlite::{Access, SqliteStore};
use sayso_store::{Store, StoreError};
use tempfile::TempDir;

use crate::case::{Case, at, id, keep};
use crate::place::WORKSPACE;
use crate::tree::{OLD_ENTRIES, old_entries_have_leaves};
use crate::unit::{a_call_finds_what_it_began_last, added, begun};

fn open(folder: &Path, access: Access) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(folder, WORKSPACE, access)
}

#[test]
fn a_second_server_is_refused_until_the_first_is_gone() {
    let folder = TempDir::new().unwrap();
    let first = open(folder.path(), Access::Serve).unwrap();
    match open(folder.path(), Access::Serve) {
        Err(StoreError::InUse(path)) => assert_eq!(path, folder.path()),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two servers in one folder"),
    }
    drop(first);
    open(folder.path(), Access::Serve).unwrap();
}

#[tokio::test]
async fn the_command_line_adds_agents_beside_a_server() {
    let folder = TempDir::new().unwrap();
    let server = open(folder.path(), Access::Serve).unwrap();
    keep(&server, &[Case::new(1)]).await;
    let command_line = open(folder.path(), Access::Administer).unwrap();
    command_line.amend(&added("robo", at(1))).await.unwrap();
    let found = server.workspace_entries(0, 10).await.unwrap();
    assert_eq!(found[0].happened, added("robo", at(1)).entries[0].happened);
    assert_eq!(keep(&server, &[Case::new(2)]).await, 3, "the ledger is one");
}

#[tokio::test]
async fn an_auditor_reads_beside_a_server_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let refused = open(folder.path(), Access::Read).map(|_| ());
    assert!(matches!(refused, Err(StoreError::Missing(_))), "{refused:?}");
    let server = open(folder.path(), Access::Serve).unwrap();
    keep(&server, &[Case::new(1).text("\"why\"")]).await;
    let auditor = open(folder.path(), Access::Read).unwrap();
    assert_eq!(auditor.raw_entries(1, 9).await.unwrap().len(), 1);
    assert_eq!(auditor.bodies(1, 9).await.unwrap().len(), 1);
    assert!(auditor.amend(&added("robo", at(1))).await.is_err());
}

#[tokio::test]
async fn the_command_line_waits_for_a_unit_of_work_to_end() {
    let folder = TempDir::new().unwrap();
    let server = open(folder.path(), Access::Serve).unwrap();
    let command_line = open(folder.path(), Access::Administer).unwrap();
    let mut writer = begun(&server).await;
    let adding = tokio::spawn(async move {
        command_line.amend(&added("robo", at(1))).await.unwrap();
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!adding.is_finished());
    assert_eq!(writer.commit(&Case::new(1).changes()).await.unwrap(), 1);
    adding.await.unwrap();
    assert_eq!(server.ledger_size().await.unwrap(), 2);
}

#[tokio::test]
async fn what_is_being_written_is_not_read() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path(), Access::Serve).unwrap();
    let mut writer = begun(&store).await;
    assert!(store.kept(id(1)).await.unwrap().is_none(), "and nobody waits to be told so");
    writer.commit(&Case::new(1).changes()).await.unwrap();
    assert!(store.kept(id(1)).await.unwrap().is_some());
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for unusable in [file.join("data"), file] {
        match open(&unusable, Access::Serve) {
            Err(error @ StoreError::Unwritable { .. }) => {
                assert!(error.to_string().contains(unusable.to_str().unwrap()), "{error}");
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{} was taken", unusable.display()),
        }
    }
}

#[test]
fn the_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let above = TempDir::new().unwrap();
    let folder = above.path().join("data");
    let _store = open(&folder, Access::Serve).unwrap();
    let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_file_of_a_later_version_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path(), Access::Serve).unwrap());
    let file = rusqlite::Connection::open(folder.path().join("sayso.db")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    let refused = open(folder.path(), Access::Serve).map(|_| ());
    assert!(matches!(refused, Err(StoreError::Newer { found: 99, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_file_of_the_first_version_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    let file = rusqlite::Connection::open(folder.path().join("sayso.db")).unwrap();
    file.execute_batch(include_str!("../../migrations/sqlite/0001_core.sql")).unwrap();
    file.pragma_update(None, "user_version", 1).unwrap();
    drop(file);
    a_call_finds_what_it_began_last(&open(folder.path(), Access::Serve).unwrap()).await;
}

#[tokio::test]
async fn entries_of_a_version_without_leaves_get_theirs() {
    let folder = TempDir::new().unwrap();
    let file = rusqlite::Connection::open(folder.path().join("sayso.db")).unwrap();
    for migration in [
        include_str!("../../migrations/sqlite/0001_core.sql"),
        include_str!("../../migrations/sqlite/0002_join.sql"),
        include_str!("../../migrations/sqlite/0003_callback.sql"),
    ] {
        file.execute_batch(migration).unwrap();
    }
    let (id, hash) = (format!("x'{}'", "07".repeat(16)), format!("x'{}'", "08".repeat(32)));
    file.execute_batch(&OLD_ENTRIES.replace("ID", &id).replace("HASH", &hash)).unwrap();
    file.pragma_update(None, "user_version", 3).unwrap();
    drop(file);
    old_entries_have_leaves(&open(folder.path(), Access::Serve).unwrap()).await;
}

#[test]
fn escalations_of_a_version_with_narrow_rows_are_kept() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sayso.db");
    let file = rusqlite::Connection::open(&path).unwrap();
    for migration in [
        include_str!("../../migrations/sqlite/0001_core.sql"),
        include_str!("../../migrations/sqlite/0002_join.sql"),
        include_str!("../../migrations/sqlite/0003_callback.sql"),
        include_str!("../../migrations/sqlite/0004_tree.sql"),
        include_str!("../../migrations/sqlite/0005_people.sql"),
    ] {
        file.execute_batch(migration).unwrap();
    }
    let row = "'default', x'07', 'bot', 3, 'everyone', 1, 0, 4, 5, 6, 'state'";
    file.execute_batch(&format!("INSERT INTO escalation VALUES ({row})")).unwrap();
    file.pragma_update(None, "user_version", 5).unwrap();
    drop(open(folder.path(), Access::Serve).unwrap());
    let same = format!("SELECT count(*) FROM (SELECT * FROM escalation INTERSECT SELECT {row})");
    assert_eq!(file.query_row(&same, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

/// A file system so small that it is soon full, if this machine lets us have one.
struct Tiny(TempDir);

impl Tiny {
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=400k", "sayso-tiny"])
            .arg(folder.path())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(folder))
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// Where nothing may be mounted, `sqlite::write`'s own test of a full file stands for this one.
#[tokio::test]
async fn a_disk_that_is_full_is_told_and_changes_nothing() {
    let Some(tiny) = Tiny::mount() else { return };
    let store = open(tiny.0.path(), Access::Serve).unwrap();
    let mut kept = 0;
    let mut writer = store.writer().await.unwrap();
    let refused = loop {
        writer.begin().await.unwrap();
        let case = Case::new(kept + 1).text(&"x".repeat(20_000));
        match writer.commit(&case.changes()).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Full), "{refused}");
    assert!(kept > 1);
    writer.rollback().await.unwrap();
    assert_eq!(u128::from(store.ledger_size().await.unwrap()), kept);
    assert!(store.kept(id(kept)).await.unwrap().is_some());
    assert!(store.kept(id(kept + 1)).await.unwrap().is_none());
    drop(writer);
    drop(store);
}
