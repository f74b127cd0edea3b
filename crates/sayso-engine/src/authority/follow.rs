//! Keeping up with the ledger's changes of authority, whoever made them.

use std::sync::{Arc, PoisonError, RwLockReadGuard};
use std::time::Instant;

use jiff::Timestamp;
use sayso_core::{Directory, WorkspaceEvent};
use sayso_store::{Entry, Happened, StoreError, Writer};

use super::{Authority, BELIEVED, Inner};

/// How many entries are read at a time.
const PAGE: usize = 500;

/// Who may do what, as far as is known here.
#[derive(Default)]
pub(super) struct State {
    pub(super) directory: Arc<Directory>,
    /// The index of the last entry of the workspace's that was read.
    pub(super) seen: u64,
    /// When a restored backup was last gone on with.
    restored: Option<Timestamp>,
    /// When the last look whether there are more began.
    looked: Option<Instant>,
}

impl Inner {
    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_believed(&self) -> bool {
        self.state().looked.is_some_and(|looked| looked.elapsed() < BELIEVED)
    }
}

impl Authority {
    /// Who may do what; a change made by another process is in it after a second at the latest.
    pub async fn directory(&self) -> Result<Arc<Directory>, StoreError> {
        if !self.inner.is_believed() {
            let _looking = self.inner.looking.lock().await;
            // Somebody else may have looked meanwhile.
            if !self.inner.is_believed() {
                self.look().await?;
            }
        }
        Ok(Arc::clone(&self.inner.state().directory))
    }

    /// Something of the directory; what is not in it may have come to be this moment, so that is
    /// looked at before it is denied.
    pub(crate) async fn find<T>(
        &self,
        look_up: impl Fn(&Directory) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        if let Some(found) = look_up(&*self.directory().await?) {
            return Ok(Some(found));
        }
        self.follow().await?;
        Ok(look_up(&self.inner.state().directory))
    }

    /// Who may do what, as far as is known here: at most a second ago, while a server runs.
    pub(crate) fn known(&self) -> Arc<Directory> {
        Arc::clone(&self.inner.state().directory)
    }

    /// When a restored backup was last gone on with: what was granted before may have been used.
    pub(crate) async fn restored(&self) -> Result<Option<Timestamp>, StoreError> {
        self.directory().await?;
        Ok(self.inner.state().restored)
    }

    /// Looks whether anything has changed. One look serves all who wait for it, so that a flood of
    /// callers whom nobody knows is no flood of the store.
    pub async fn follow(&self) -> Result<(), StoreError> {
        let asked = Instant::now();
        let _looking = self.inner.looking.lock().await;
        if self.inner.state().looked.is_some_and(|looked| looked >= asked) {
            return Ok(());
        }
        self.look().await
    }

    /// Who may do what as of a unit of work, which knows of the workspace's entries up to `newest`.
    pub(crate) async fn as_of(
        &self,
        newest: u64,
        writer: &mut dyn Writer,
    ) -> Result<Arc<Directory>, StoreError> {
        let (mut directory, mut seen) = {
            let state = self.inner.state();
            (Arc::clone(&state.directory), state.seen)
        };
        while seen < newest {
            let entries = writer.workspace_entries(seen, PAGE).await?;
            let Some(last) = fold(&mut directory, &entries) else { break };
            seen = last;
        }
        Ok(directory)
    }

    async fn look(&self) -> Result<(), StoreError> {
        let began = Instant::now();
        let inner = &self.inner;
        let (mut directory, before, mut restored) = {
            let state = inner.state();
            (Arc::clone(&state.directory), state.seen, state.restored)
        };
        let mut seen = before;
        loop {
            let entries = inner.store.workspace_entries(seen, PAGE).await?;
            let is_last = entries.len() < PAGE;
            restored = entries.iter().rev().find_map(when_restored).or(restored);
            seen = fold(&mut directory, &entries).unwrap_or(seen);
            if is_last {
                break;
            }
        }
        let mut state = inner.state.write().unwrap_or_else(PoisonError::into_inner);
        (state.directory, state.seen, state.restored) = (directory, seen, restored);
        state.looked = Some(began);
        drop(state);
        if seen > before {
            inner.changed.send_replace(seen);
        }
        Ok(())
    }
}

/// When that was, if an entry says that a restored backup was gone on with.
fn when_restored(entry: &Entry) -> Option<Timestamp> {
    let is = matches!(entry.happened, Happened::Workspace(WorkspaceEvent::BackupRestored { .. }));
    is.then_some(entry.at)
}

/// Takes these entries into a directory; the index of the last.
fn fold(directory: &mut Arc<Directory>, entries: &[Entry]) -> Option<u64> {
    for entry in entries {
        let Happened::Workspace(event) = &entry.happened else { continue };
        // Nobody could have made it, so nobody gets anything by it.
        if let Err(illegal) = Arc::make_mut(directory).apply(event, entry.at, entry.seq) {
            tracing::error!(index = entry.seq, %illegal, "an illegal change of authority");
        }
    }
    entries.last().map(|entry| entry.seq)
}
