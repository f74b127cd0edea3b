//! The ledger's tree: sealed as it grows, one history, and noticed when it is not.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use sayso_core::WorkspaceEvent;
use sayso_core::credential::Role;
use sayso_engine::{Actor, Engine, Head, KeyPlace, LedgerError, Options, PolicyFile, StartError};
use sayso_ledger::proof::{check_consistency, check_inclusion};
use sayso_ledger::tile::{Kind, Tile, decode, unbundle};
use sayso_ledger::tree::{Edge, leaf_hash};
use sayso_ledger::verify::{Auditor, Body, Evidence, Finding, Report, Verdict};
use sayso_ledger::{Checkpoint, Note, SigningKey};
use sayso_store::sqlite::{Access, SqliteStore};
use sayso_store::{Happened, Seal, Store};
use tempfile::TempDir;

use crate::clock::ManualClock;
use crate::world::{Server, World, call, eventually, within};

/// Whose entries tests write past the engine.
const FORGER: &str = "mallory";

/// The newest head of all heads that come, once it covers the whole ledger.
pub(crate) async fn sealed(engine: &Engine) -> Arc<Head> {
    let mut heads = engine.heads();
    within("the ledger is sealed", async {
        loop {
            let size = engine.ledger_size().await.unwrap();
            let head = heads.borrow_and_update().clone();
            match head.filter(|head| head.checkpoint.size == size) {
                Some(head) => return head,
                None => heads.changed().await.unwrap(),
            }
        }
    })
    .await
}

/// Holds the tree that a server shows against the entries it keeps.
pub(crate) async fn holds(server: &Server) {
    let head = sealed(&server.engine).await;
    let Checkpoint { size, root, .. } = head.checkpoint;
    server.engine.log_key().check(&head.note.parse().unwrap()).unwrap();
    let (mut edge, mut from) = (Edge::default(), 1);
    let (mut auditor, mut forged) = (Auditor::new(&Evidence::default()), Vec::new());
    loop {
        let raw = server.store.raw_entries(from, 1_000).await.unwrap();
        if raw.is_empty() {
            break;
        }
        let bodies = server.store.bodies(from, raw.len()).await.unwrap();
        let mut bodies: HashMap<_, _> = bodies.into_iter().collect();
        for (entry, seq) in raw.iter().zip(from..) {
            let body = bodies.remove(&seq);
            let body = body.map(|it| Body { salt: it.salt.to_vec(), content: it.content });
            auditor.entry(&entry.bytes, body);
            forged
                .extend(String::from_utf8_lossy(&entry.bytes).contains(FORGER).then_some(seq - 1));
        }
        from += raw.len() as u64;
        assert!(raw.iter().all(sayso_store::RawEntry::is_as_appended));
        edge.extend(raw.iter().map(|entry| entry.leaf));
    }
    nothing_is_refuted(&auditor.finish(), &forged);
    // It may have grown while we looked.
    if edge.size() == size {
        assert_eq!(edge.root(), root, "the head is not over what is kept");
    }
    for tile in Tile::all(size) {
        let (bytes, whole) = server.engine.tile(tile).await.unwrap().unwrap();
        assert!(whole, "{tile}");
        let count = match tile.kind {
            Kind::Hashes(_) => decode(&bytes).len(),
            Kind::Entries => unbundle(&bytes).unwrap().len(),
        };
        assert_eq!(count, usize::from(tile.width), "{tile}");
    }
}

/// What a server wrote itself, an auditor takes; not so what a test forged.
fn nothing_is_refuted(report: &Report, forged: &[u64]) {
    let findings = report.steps.iter().flat_map(|step| &step.findings);
    let refuted = findings.filter(|finding| finding.verdict == Verdict::Refuted);
    let is_forged = |finding: &&Finding| finding.index.is_some_and(|it| forged.contains(&it));
    let honest = refuted.filter(|finding| !is_forged(finding));
    assert_eq!(honest.collect::<Vec<_>>(), Vec::<&Finding>::new());
}

async fn consistent(engine: &Engine, heads: &[Arc<Head>]) {
    for (older, newer) in heads.iter().zip(&heads[1..]) {
        let (older, newer) = (&older.checkpoint, &newer.checkpoint);
        let proof = engine.prove_consistency(older.size, Some(newer.size)).await.unwrap();
        assert_eq!((proof.old_root, proof.new_root), (older.root, newer.root));
        check_consistency(older.size, newer.size, &proof.hashes, older.root, newer.root).unwrap();
    }
}

/// Collects the heads that an engine shows, until told to stop.
fn collect(
    engine: &Engine,
) -> (tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<Vec<Arc<Head>>>) {
    let mut heads = engine.heads();
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let mut seen: Vec<Arc<Head>> = Vec::new();
        loop {
            seen.extend(heads.borrow_and_update().clone());
            tokio::select! {
                changed = heads.changed() => if changed.is_err() { return seen },
                _ = &mut stopped => return seen,
            }
        }
    });
    (stop, task)
}

async fn propose_many(engine: &Engine, world: &World, count: usize) {
    let proposals: Vec<_> = (0..count)
        .map(|_| {
            let (engine, bot) = (engine.clone(), world.bot.clone());
            tokio::spawn(async move { engine.propose(&bot, call("note_it")).await.unwrap() })
        })
        .collect();
    for proposal in proposals {
        proposal.await.unwrap();
    }
}

pub(crate) async fn every_head_is_consistent_with_every_later_one_also_after_restarts(
    world: &mut World,
) {
    let mut all = Vec::new();
    for _ in 0..3 {
        let (stop, seen) = collect(world.engine());
        for _ in 0..10 {
            propose_many(world.engine(), world, 40).await;
        }
        sealed(world.engine()).await;
        let _ = stop.send(());
        all.extend(seen.await.unwrap());
        world.restart().await;
    }
    sealed(world.engine()).await;
    assert!(all.len() > 3);
    assert!(all.is_sorted_by_key(|head| head.checkpoint.size));
    consistent(world.engine(), &all).await;
    // Not only neighbours.
    consistent(world.engine(), &[Arc::clone(&all[0]), Arc::clone(all.last().unwrap())]).await;
}

pub(crate) async fn a_proof_shows_each_entry_under_the_newest_head(world: &mut World) {
    propose_many(world.engine(), world, 300).await;
    let head = sealed(world.engine()).await;
    let Checkpoint { size, root, .. } = head.checkpoint;
    let raw = world.server().store.raw_entries(1, 2_000).await.unwrap();
    for index in [0, 1, 255, 256, 257, 511, size - 1] {
        let proof = world.engine().prove_inclusion(index, Some(size)).await.unwrap();
        let leaf = leaf_hash(&raw[usize::try_from(index).unwrap()].bytes);
        assert_eq!((proof.leaf, proof.root), (leaf, root));
        check_inclusion(leaf, index, size, &proof.hashes, root).unwrap();
        // And under an older one.
        let older = index + 1;
        let proof = world.engine().prove_inclusion(index, Some(older)).await.unwrap();
        check_inclusion(leaf, index, older, &proof.hashes, proof.root).unwrap();
    }
    assert!(world.engine().prove_inclusion(size, Some(size)).await.is_err());
    assert!(world.engine().prove_inclusion(0, Some(size + 9)).await.is_err());
    assert!(world.engine().prove_consistency(5, Some(4)).await.is_err());
}

pub(crate) async fn two_servers_sign_one_history(world: &World, other: &Server) {
    let collecting = [collect(world.engine()), collect(&other.engine)];
    for _ in 0..15 {
        tokio::join!(
            propose_many(world.engine(), world, 30),
            propose_many(&other.engine, world, 30)
        );
    }
    sealed(world.engine()).await;
    sealed(&other.engine).await;
    let mut all = Vec::new();
    for (stop, seen) in collecting {
        let _ = stop.send(());
        all.extend(seen.await.unwrap());
    }
    all.sort_by_key(|head| head.checkpoint.size);
    assert!(all.iter().any(|head| head.checkpoint.size > 1_000));
    consistent(world.engine(), &all).await;
    assert_eq!(world.engine().log_key(), other.engine.log_key());
}

pub(crate) async fn a_log_that_has_ended_does_not_come_back_by_a_server_that_did_not_notice(
    world: &World,
    other: &Server,
) {
    propose_many(world.engine(), world, 30).await;
    let (before, store) = (sealed(world.engine()).await, &other.store);
    sealed(&other.engine).await;
    let old = SigningKey::of_log(&[5; 32]);
    store.retire_log(old.public().name()).await.unwrap();
    // It keeps one more head, over what ours covers already.
    let Checkpoint { size, root, .. } = before.checkpoint;
    let theirs = Checkpoint { origin: old.public().name().to_owned(), size: size - 1, root };
    let seal = Seal { before: size, size: size - 1, note: theirs.sign(&old), tiles: Vec::new() };
    store.writer().await.unwrap().seal(&seal).await.unwrap();
    assert_eq!(store.sealed().await.unwrap().note, seal.note, "it came between two heads of ours");

    propose_many(&other.engine, world, 1).await;
    let after = [sealed(world.engine()).await, sealed(&other.engine).await];
    world.engine().log_key().check(&store.sealed().await.unwrap().note.parse().unwrap()).unwrap();
    for after in after {
        consistent(world.engine(), &[Arc::clone(&before), after]).await;
    }
}

/// A server of its own on SQLite, with keys in files.
struct Alone(TempDir);

impl Alone {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn data(&self) -> std::path::PathBuf {
        self.0.path().join("data")
    }

    async fn start(&self, accept: bool) -> Result<Engine, StartError> {
        let store = within("the data folder is free", async {
            loop {
                match SqliteStore::open(&self.data(), "default", Access::Serve) {
                    Err(sayso_store::StoreError::InUse(_)) => tokio::task::yield_now().await,
                    opened => return opened.unwrap(),
                }
            }
        })
        .await;
        let options = Options {
            policy: PolicyFile::built_in(),
            clock: Arc::new(ManualClock::new()),
            keys: KeyPlace::Folder(self.data().join("keys")),
            head: Some(self.data().join("head")),
            accept_restored_backup: accept,
            ..Options::default()
        };
        Engine::start(Arc::new(store), options).await
    }

    async fn stop(engine: Engine) {
        let ended = engine.ended();
        drop(engine);
        ended.await;
    }

    /// Invites people, until the ledger has grown by so many entries and is sealed.
    async fn grow(engine: &Engine, by: usize) {
        for _ in 0..by {
            invite(engine).await;
        }
        sealed(engine).await;
    }
}

/// One entry more.
async fn invite(engine: &Engine) {
    let (authority, roles) = (engine.authority(), [Role::Reviewer]);
    authority.invite(Actor::Operator, &roles, &[], engine.now()).await.unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("sayso.db") {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn put_back(from: &Path, to: &Path) {
    for name in ["sayso.db", "sayso.db-wal", "sayso.db-shm"] {
        let _ = std::fs::remove_file(to.join(name));
    }
    copy(from, to);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_is_refused_until_a_person_says_so_and_then_is_another_log() {
    let alone = Alone::new();
    let backup = alone.0.path().join("backup");
    let engine = alone.start(false).await.unwrap();
    Alone::grow(&engine, 5).await;
    Alone::stop(engine).await;
    copy(&alone.data(), &backup);
    let engine = alone.start(false).await.unwrap();
    Alone::grow(&engine, 300).await;
    let (lost, old_key) = (sealed(&engine).await, engine.log_key().clone());
    Alone::stop(engine).await;

    put_back(&backup, &alone.data());
    let refused = alone.start(false).await.map(|_| ()).unwrap_err();
    let said = refused.to_string();
    assert!(matches!(refused, StartError::Ledger(LedgerError::Shorter { .. })), "{said}");
    assert!(said.contains("older copy") && said.contains("--accept-restored-backup"), "{said}");
    assert!(said.contains("data/head"), "{said}");

    let engine = alone.start(true).await.unwrap();
    let head = sealed(&engine).await;
    assert_ne!(head.checkpoint.origin, lost.checkpoint.origin);
    assert!(old_key.check(&head.note.parse::<Note>().unwrap()).is_err());
    let entries = engine.entries(1, 1_000).await.unwrap();
    let told = entries.iter().find_map(|entry| match &entry.happened {
        Happened::Workspace(WorkspaceEvent::BackupRestored { log, size, root }) => {
            Some(Checkpoint { origin: log.clone(), size: *size, root: *root })
        }
        _ => None,
    });
    assert_eq!(told.as_ref(), Some(&lost.checkpoint));
    Alone::grow(&engine, 3).await;
    Alone::stop(engine).await;
    // From then on it needs no saying so.
    let engine = alone.start(false).await.unwrap();
    Alone::grow(&engine, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_nobody_can_read_any_more_is_refused_until_a_person_says_so() {
    let alone = Alone::new();
    let engine = alone.start(false).await.unwrap();
    Alone::grow(&engine, 5).await;
    let before = engine.log_key().clone();
    Alone::stop(engine).await;
    std::fs::write(alone.data().join("head"), "").unwrap();
    let refused = alone.start(false).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, StartError::Ledger(LedgerError::Stranger { .. })), "{refused}");
    let engine = alone.start(true).await.unwrap();
    assert_ne!(engine.log_key().name(), before.name());
    Alone::grow(&engine, 3).await;
    Alone::stop(engine).await;
    alone.start(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_with_another_past_is_refused() {
    let alone = Alone::new();
    let engine = alone.start(false).await.unwrap();
    Alone::grow(&engine, 20).await;
    Alone::stop(engine).await;
    // Somebody who can write the file rewrites an entry, and its leaf to match.
    let file = rusqlite::Connection::open(alone.data().join("sayso.db")).unwrap();
    file.execute("UPDATE ledger SET leaf = zeroblob(32) WHERE seq = 7", []).unwrap();
    drop(file);
    let refused = alone.start(false).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, StartError::Ledger(LedgerError::Broken { .. })), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_edited_is_noticed_when_it_is_shown() {
    let alone = Alone::new();
    let engine = alone.start(false).await.unwrap();
    Alone::grow(&engine, 20).await;
    let head = sealed(&engine).await;
    let file = rusqlite::Connection::open(alone.data().join("sayso.db")).unwrap();
    let edit = "UPDATE ledger SET event = replace(event, 'reviewer', 'owner') WHERE seq = 7";
    assert_eq!(file.execute(edit, []).unwrap(), 1);
    let width = u16::try_from(head.checkpoint.size).unwrap();
    let (bytes, whole) =
        engine.tile(Tile { kind: Kind::Entries, index: 0, width }).await.unwrap().unwrap();
    assert!(!whole);
    // Whoever holds the bundle against the tree finds out where.
    let (leaves, _) =
        engine.tile(Tile { kind: Kind::Hashes(0), index: 0, width }).await.unwrap().unwrap();
    let wrong = unbundle(&bytes).unwrap().into_iter().zip(decode(&leaves));
    let wrong = wrong.filter(|(entry, leaf)| leaf_hash(entry) != *leaf);
    assert_eq!(wrong.count(), 1);
    assert!(engine.metrics().await.unwrap().contains("sayso_ledger_tampered_total 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_lie_in_files_for_their_owner_alone_and_no_longer_in_the_store() {
    let alone = Alone::new();
    let seeds = {
        let store = SqliteStore::open(&alone.data(), "default", Access::Serve).unwrap();
        store.signing_key("permit", [7; 32]).await.unwrap()
    };
    let engine = alone.start(false).await.unwrap();
    let permits = engine.permits().jwks(engine.now());
    let log = engine.log_key().clone();
    Alone::stop(engine).await;

    let keys = alone.data().join("keys");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keys), 0o700);
    let names: Vec<_> =
        std::fs::read_dir(&keys).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.iter().all(|path| mode(path) == 0o600));
    // What lay in the store has moved.
    let file = rusqlite::Connection::open(alone.data().join("sayso.db")).unwrap();
    let signs = "SELECT count(*) FROM signing_key WHERE purpose LIKE 'permit%' OR purpose = 'log'";
    let left: i64 = file.query_row(signs, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
    // What the server that has just ended left in the log beside the file counts, too.
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(file);
    let bytes = std::fs::read(alone.data().join("sayso.db")).unwrap();
    assert!(!bytes.windows(32).any(|window| window == seeds));

    let engine = alone.start(false).await.unwrap();
    assert_eq!(engine.permits().jwks(engine.now()), permits);
    assert_eq!(*engine.log_key(), log);
    Alone::stop(engine).await;

    for path in names.iter().chain([&keys]) {
        let before = mode(path);
        std::fs::set_permissions(path, PermissionsExt::from_mode(before | 0o040)).unwrap();
        let refused = alone.start(false).await.map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("read by others") && refused.contains("chmod"), "{refused}");
        assert!(refused.contains(path.to_str().unwrap()), "{refused}");
        std::fs::set_permissions(path, PermissionsExt::from_mode(before)).unwrap();
    }
    alone.start(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_loses_entries_under_our_hands_is_not_sealed_any_more() {
    let alone = Alone::new();
    let engine = alone.start(false).await.unwrap();
    Alone::grow(&engine, 20).await;
    let head = sealed(&engine).await;
    let file = rusqlite::Connection::open(alone.data().join("sayso.db")).unwrap();
    file.execute("DELETE FROM ledger WHERE seq > 10", []).unwrap();
    invite(&engine).await;
    eventually("it is noticed", async || {
        engine.metrics().await.unwrap().contains("sayso_ledger_tampered_total 1")
    })
    .await;
    assert_eq!(engine.head(), Some(head));
}
