//! Seals the tree: takes the leaves that were committed since the last head, signs the next one.
//!
//! A head covers only what is on disk, and grows out of the head before it. What it writes goes
//! along with the next unit of work; only when nobody writes is it a commit of its own. A head is
//! shown once it is kept in the store and outside of it, so that an older copy of the store can't
//! pass for the newest.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sayso_ledger::tile::{Kind, Rim, Tile};
use sayso_ledger::{Checkpoint, Digest, Note, SigningKey};
use sayso_store::{Seal, Sealed, Store, TileRow};
use tokio::sync::{Notify, watch};

use super::head_file::HeadFile;
use super::tree::Tree;
use super::{Head, Heads, LedgerError};
use crate::engine::{Engine, Inner};
use crate::error::EngineError;
use crate::job::Work;

/// The least time between two heads: each costs a signature, and a file that must be on disk.
const PACE: Duration = Duration::from_millis(200);
/// How long another server may take to seal what it wrote, before we do.
const OTHERS: Duration = Duration::from_millis(100);
/// How often it is looked whether something was written that nobody told us of.
const LOOK: Duration = Duration::from_secs(1);
/// How many leaves one head takes at most.
const MOST: usize = 20_000;

/// Tiles that became full.
type Full = Vec<(Tile, Vec<Digest>)>;

/// The one who seals.
pub(crate) struct Sealer {
    key: SigningKey,
    file: Option<HeadFile>,
    /// The tree as far as it was sealed.
    rim: Rim,
    /// Its last leaf, if we have seen it.
    last: Option<Digest>,
    /// How large it is in the store.
    kept: u64,
    /// The newest head that was shown, by us or before us.
    known: Option<Checkpoint>,
    /// Whether another server, or a commit whose end we don't know, may have sealed meanwhile.
    doubtful: bool,
    show: watch::Sender<Option<Arc<Head>>>,
}

/// What was found when the ledger was opened.
pub(crate) enum Opened {
    /// It goes on from its newest head.
    InOrder(Box<Sealer>),
    /// It must not go on without a person's word: that head was signed by this log or another.
    Restored(Option<Checkpoint>, LedgerError),
}

impl Sealer {
    /// Looks at the ledger that the store has, and holds it against the head outside of it.
    pub(crate) async fn open(
        store: &dyn Store,
        key: SigningKey,
        file: Option<PathBuf>,
    ) -> Result<Opened, LedgerError> {
        let file = file.map(HeadFile);
        let outside = match &file {
            Some(file) => file.read()?,
            None => None,
        };
        let mut sealer = Self {
            key,
            file,
            rim: Rim::default(),
            last: None,
            kept: 0,
            known: None,
            doubtful: false,
            show: watch::Sender::new(None),
        };
        let head = match &outside {
            None => None,
            Some(note) => match sealer.outside(store, note).await? {
                Ok(head) => head,
                Err((head, error)) => return Ok(Opened::Restored(head, error)),
            },
        };
        match sealer.take_up(store, head).await {
            Ok(()) => Ok(Opened::InOrder(Box::new(sealer))),
            Err((head, error)) => match error {
                LedgerError::Store(sayso_store::StoreError::Corrupt(_))
                | LedgerError::Shorter { .. }
                | LedgerError::Other { .. }
                | LedgerError::Broken { .. } => Ok(Opened::Restored(head, error)),
                _ => Err(error),
            },
        }
    }

    /// The head outside of the store, if it is of this log or of one that has ended. The inner
    /// error is for a person to judge.
    async fn outside(
        &self,
        store: &dyn Store,
        note: &str,
    ) -> Result<Result<Option<Checkpoint>, (Option<Checkpoint>, LedgerError)>, LedgerError> {
        let stranger = |log: &str| LedgerError::Stranger {
            log: log.to_owned(),
            key: self.key.public().name().to_owned(),
            file: self.path(),
        };
        let Some(head) = read(note) else { return Ok(Err((None, stranger("unknown")))) };
        if let Some(mine) = self.head(note) {
            return Ok(Ok(Some(mine)));
        }
        match store.is_retired(&head.origin).await? {
            true => Ok(Ok(None)),
            false => {
                let error = stranger(&head.origin);
                Ok(Err((Some(head), error)))
            }
        }
    }

    /// Takes up the tree where the store has it, if that is a beginning or a continuation of
    /// `head`, the newest that is known from outside.
    async fn take_up(
        &mut self,
        store: &dyn Store,
        head: Option<Checkpoint>,
    ) -> Result<(), (Option<Checkpoint>, LedgerError)> {
        let with = |error: LedgerError| (head.clone(), error);
        let sealed = store.sealed().await.map_err(|error| with(error.into()))?;
        if let Some(head) = &head {
            let found = store.ledger_size().await.map_err(|error| with(error.into()))?;
            if found < head.size {
                let error = LedgerError::Shorter { found, signed: head.size, file: self.path() };
                return Err(with(error));
            }
        }
        let mine = self.head(&sealed.note);
        // A store that says nothing of a head has lost it, or has yet to have one.
        if mine.is_none() && sealed.size > 0 {
            return Err((head.or(read(&sealed.note)), LedgerError::Broken { size: sealed.size }));
        }
        let tree = Tree(store);
        let rim = tree.rim(sealed.size).await.map_err(|error| with(error.into()))?;
        if mine.as_ref().is_some_and(|mine| mine.root != rim.root() || mine.size != rim.size()) {
            return Err((head.or(mine), LedgerError::Broken { size: sealed.size }));
        }
        (self.rim, self.kept) = (rim, sealed.size);
        if let Some(head) = head {
            let same = match head.size <= sealed.size {
                true => tree.root(head.size).await.map(|root| root == head.root),
                // It was signed and not yet kept in the store when the server ended.
                false => {
                    let mut grown = self.rim.clone();
                    let more = usize::try_from(head.size - sealed.size).unwrap_or(usize::MAX);
                    let leaves = store.leaves(sealed.size + 1, more).await;
                    leaves.map(|leaves| {
                        leaves.into_iter().for_each(|leaf| grown.push(leaf, &mut Vec::new()));
                        grown.root() == head.root
                    })
                }
            };
            let same = same.map_err(|error| (Some(head.clone()), error.into()))?;
            if !same {
                let error = LedgerError::Other { signed: head.size, file: self.path() };
                return Err((Some(head), error));
            }
            self.known = Some(head);
        }
        if let Some(mine) = mine {
            if self.known.as_ref().is_none_or(|known| known.size < mine.size) {
                self.known = Some(mine.clone());
            }
            let head = Arc::new(Head { checkpoint: mine, note: sealed.note });
            self.show.send_replace(Some(head));
        }
        Ok(())
    }

    /// Begins a log with another key over the entries that there are; the one before has ended.
    pub(crate) async fn begin_anew(
        store: &dyn Store,
        key: SigningKey,
        file: Option<PathBuf>,
    ) -> Result<Box<Self>, LedgerError> {
        let kept = store.sealed().await?.size;
        Ok(Box::new(Self {
            key,
            file: file.map(HeadFile),
            rim: Rim::default(),
            last: None,
            kept,
            known: None,
            doubtful: false,
            show: watch::Sender::new(None),
        }))
    }

    /// What others see of it.
    pub(crate) fn heads(&self) -> Heads {
        Heads {
            key: self.key.public().clone(),
            newest: self.show.subscribe(),
            grown: Arc::new(Notify::new()),
            grown_elsewhere: Arc::new(Notify::new()),
        }
    }

    fn path(&self) -> PathBuf {
        self.file.as_ref().map(|file| file.0.clone()).unwrap_or_default()
    }

    /// The head that a note of this log tells of.
    fn head(&self, note: &str) -> Option<Checkpoint> {
        let note: Note = note.parse().ok()?;
        self.key.public().check(&note).ok()?;
        let head: Checkpoint = note.text().parse().ok()?;
        (head.origin == self.key.public().name()).then_some(head)
    }

    /// Seals until the engine is gone.
    pub(crate) async fn run(mut self: Box<Self>, engine: Weak<Inner>) {
        let Some((grown, elsewhere)) = engine.upgrade().map(|inner| {
            let heads = &inner.shared.heads;
            (Arc::clone(&heads.grown), Arc::clone(&heads.grown_elsewhere))
        }) else {
            return;
        };
        grown.notify_one();
        loop {
            tokio::select! {
                () = grown.notified() => {}
                () = elsewhere.notified() => tokio::time::sleep(OTHERS).await,
                () = tokio::time::sleep(LOOK) => {}
            }
            let Some(inner) = engine.upgrade() else { return };
            let engine = Engine { inner };
            match self.round(&engine).await {
                Ok(()) => {}
                Err(error @ (LedgerError::Torn(_) | LedgerError::Broken { .. })) => {
                    tracing::error!(%error, "the ledger is not sealed any more");
                    engine.shared().metrics.tampered();
                    return;
                }
                Err(error @ LedgerError::Ended) => {
                    tracing::error!(%error, "the ledger is not sealed here any more");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "the ledger is not sealed for now");
                    self.doubtful = true;
                    tokio::time::sleep(LOOK).await;
                }
            }
            drop(engine);
            tokio::time::sleep(PACE).await;
        }
    }

    /// Seals what there is.
    async fn round(&mut self, engine: &Engine) -> Result<(), LedgerError> {
        let shared = engine.shared();
        let store = &*shared.store;
        loop {
            if self.doubtful || !shared.exclusive {
                self.follow(store).await?;
            }
            let leaves = self.new_leaves(store).await?;
            let last = leaves.last().copied().or(self.last);
            let (more, none) = (leaves.len() == MOST, leaves.is_empty());
            let (grown, full) = self.grow(leaves)?;
            if none && self.known.as_ref().is_some_and(|known| known.size == grown.size()) {
                return Ok(());
            }
            let origin = self.key.public().name().to_owned();
            let checkpoint = Checkpoint { origin, size: grown.size(), root: grown.root() };
            let note = checkpoint.sign(&self.key);
            if grown.size() > self.kept || self.known.is_none() {
                let tiles = tiles(&grown, full);
                let seal =
                    Seal { before: self.kept, size: grown.size(), note: note.clone(), tiles };
                let kept = engine.run(Work::Seal(Box::new(seal))).await;
                self.doubtful = kept.is_err();
                kept.map_err(|error| match error {
                    EngineError::Store(error) => LedgerError::Store(error),
                    other => LedgerError::Store(sayso_store::StoreError::Failed(other.into())),
                })?;
                // Another server may have kept another head, of as much or less; or of a log that
                // has ended.
                if !shared.exclusive {
                    let Sealed { size, note, .. } = store.sealed().await?;
                    if size < grown.size() || self.head(&note).is_none() {
                        continue;
                    }
                }
            }
            (self.rim, self.last, self.kept) = (grown, last, checkpoint.size);
            self.show(engine, Head { checkpoint, note }).await?;
            if !more {
                return Ok(());
            }
        }
    }

    /// Takes up what another server has sealed.
    async fn follow(&mut self, store: &dyn Store) -> Result<(), LedgerError> {
        let Sealed { size, note, .. } = store.sealed().await?;
        let broken = || LedgerError::Broken { size };
        if store.is_retired(self.key.public().name()).await? {
            return Err(LedgerError::Ended);
        }
        self.doubtful = false;
        if size == self.kept && size == self.rim.size() {
            return Ok(());
        }
        let head = self.head(&note);
        // A server that had not noticed yet that its log has ended: ours goes over it.
        if let (None, Some(theirs)) = (&head, read(&note))
            && store.is_retired(&theirs.origin).await?
        {
            self.kept = size;
            return Ok(());
        }
        let tree = Tree(store);
        let rim = tree.rim(size).await?;
        if size > 0 && head.is_none_or(|head| head.size != size || head.root != rim.root()) {
            return Err(broken());
        }
        if let Some(known) = &self.known
            && known.size <= size
            && tree.root(known.size).await? != known.root
        {
            return Err(LedgerError::Torn(known.size));
        }
        (self.rim, self.last, self.kept) = (rim, None, size);
        Ok(())
    }

    /// The leaves after those that are sealed. The last of these must still be there, and be the
    /// same.
    async fn new_leaves(&mut self, store: &dyn Store) -> Result<Vec<Digest>, LedgerError> {
        let size = self.rim.size();
        if size == 0 {
            return Ok(store.leaves(1, MOST).await?);
        }
        let mut leaves = store.leaves(size, MOST + 1).await?;
        let sealed = leaves.first().copied().ok_or(LedgerError::Torn(size))?;
        if *self.last.get_or_insert(sealed) != sealed {
            return Err(LedgerError::Torn(size));
        }
        leaves.remove(0);
        Ok(leaves)
    }

    /// The tree with these leaves, and the tiles they fill; if what was shown is a beginning of it.
    fn grow(&self, leaves: Vec<Digest>) -> Result<(Rim, Full), LedgerError> {
        let (mut grown, mut full) = (self.rim.clone(), Vec::new());
        let Some(known) = &self.known else {
            leaves.into_iter().for_each(|leaf| grown.push(leaf, &mut full));
            return Ok((grown, full));
        };
        let ends = leaves.len() < MOST;
        for leaf in leaves {
            grown.push(leaf, &mut full);
            if grown.size() == known.size && grown.root() != known.root {
                return Err(LedgerError::Torn(known.size));
            }
        }
        match ends && grown.size() < known.size {
            true => Err(LedgerError::Torn(grown.size() + 1)),
            false => Ok((grown, full)),
        }
    }

    /// Keeps a head outside of the store, then shows it.
    async fn show(&mut self, engine: &Engine, head: Head) -> Result<(), LedgerError> {
        if let Some(file) = self.file.clone() {
            let note = head.note.clone();
            let writing = tokio::task::spawn_blocking(move || file.write(&note)).await;
            writing.map_err(|error| sayso_store::StoreError::Failed(error.into()))??;
        }
        self.known = Some(head.checkpoint.clone());
        engine.shared().metrics.sealed(head.checkpoint.size);
        self.show.send_replace(Some(Arc::new(head)));
        Ok(())
    }
}

/// What a note says, whoever signed it.
fn read(note: &str) -> Option<Checkpoint> {
    note.parse::<Note>().ok()?.text().parse().ok()
}

/// What is written of a tree that has grown: the tiles that became full, and above the leaves also
/// those that have not.
fn tiles(grown: &Rim, full: Full) -> Vec<TileRow> {
    if full.is_empty() {
        return Vec::new();
    }
    let mut tiles: Vec<_> = full
        .into_iter()
        .filter_map(|(tile, hashes)| match tile.kind {
            Kind::Hashes(level) => Some(TileRow { level, place: tile.index, hashes }),
            Kind::Entries => None,
        })
        .collect();
    for level in 1..grown.levels() {
        let hashes = grown.level(level);
        if !hashes.is_empty() {
            let place = grown.size() >> (8 * (u32::from(level) + 1));
            tiles.push(TileRow { level, place, hashes: hashes.to_vec() });
        }
    }
    tiles
}
