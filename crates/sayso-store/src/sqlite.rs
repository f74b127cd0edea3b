//! The embedded store: one SQLite file in the data folder, WAL, `synchronous=FULL`.
//!
//! One server owns the folder (a lock file says so) and writes through one connection; the
//! command line may change who may do what beside it. Reads have connections of their own.

mod authority;
mod body;
mod read;
mod schema;
mod signing;
mod tree;
mod write;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use sayso_core::halt::Halt;
use sayso_core::{AgentName, CredentialId, Digest, EscalationId, Heard, RouteName};

use crate::record::{Amendment, Body, Entry, Kept, Note, Page, Query, Standing};
use crate::{Callback, RawEntry, Result, Sealed, Store, StoreError, TileRow, Writer};

/// The database's file name in the data folder.
const FILE: &str = "sayso.db";
/// The file whose lock says that a server is at work in the folder.
const LOCK: &str = "serve.lock";
const READERS: usize = 2;
/// How long a write waits for one in another process.
const BUSY: Duration = Duration::from_secs(10);

/// Who opens the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A server: alone in it.
    Serve,
    /// The command line, to change who may do what, also beside a running server.
    Administer,
    /// An auditor, who changes nothing.
    Read,
}

/// The embedded store.
pub struct SqliteStore {
    path: PathBuf,
    workspace: Arc<str>,
    readers: Arc<Readers>,
    _lock: Option<Lock>,
}

/// The lock that says that a server is at work in the folder.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would do, but for a program that is just being started and still holds a copy
        // of everything that is open here.
        let _ = self.0.unlock();
    }
}

struct Readers {
    idle: Mutex<Vec<Connection>>,
    path: PathBuf,
    connect: fn(&Path) -> Result<Connection>,
}

impl SqliteStore {
    /// Opens the store in `folder`, making both if they are not there.
    pub fn open(folder: &Path, workspace: &str, access: Access) -> Result<Self> {
        if access == Access::Read {
            return Self::open_to_read(folder, workspace);
        }
        let unwritable =
            |cause: String| StoreError::Unwritable { path: folder.to_path_buf(), cause };
        make_private(folder).map_err(|error| unwritable(error.to_string()))?;
        let lock = match access {
            Access::Serve => Some(lock(folder)?),
            Access::Administer | Access::Read => None,
        };
        let path = folder.join(FILE);
        let mut connection = connect(&path).map_err(|error| match error {
            StoreError::Failed(cause) => unwritable(cause.to_string()),
            other => other,
        })?;
        schema::migrate(&mut connection)?;
        let readers = Readers { idle: Mutex::new(vec![connection]), path: path.clone(), connect };
        Ok(Self { path, workspace: workspace.into(), readers: Arc::new(readers), _lock: lock })
    }

    /// What another has written there, as it is: nothing is made, nothing is brought up to date.
    fn open_to_read(folder: &Path, workspace: &str) -> Result<Self> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Err(StoreError::Missing(folder.to_path_buf()));
        }
        let connection = connect_to_read(&path)?;
        schema::check(&connection)?;
        let (idle, connect) = (Mutex::new(vec![connection]), connect_to_read as fn(&Path) -> _);
        let readers = Arc::new(Readers { idle, path: path.clone(), connect });
        Ok(Self { path, workspace: workspace.into(), readers, _lock: None })
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (readers, workspace) = (Arc::clone(&self.readers), Arc::clone(&self.workspace));
        let task = tokio::task::spawn_blocking(move || {
            let connection = readers.take()?;
            let found = query(&connection, &workspace);
            readers.give_back(connection);
            found
        });
        task.await.map_err(|error| StoreError::Failed(error.into()))?
    }
}

impl Readers {
    fn take(&self) -> Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        idle.map_or_else(|| (self.connect)(&self.path), Ok)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if idle.len() < READERS {
            idle.push(connection);
        }
    }
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn lock(folder: &Path) -> Result<Lock> {
    let path = folder.join(LOCK);
    let unwritable = |cause: std::io::Error| StoreError::Unwritable {
        path: folder.to_path_buf(),
        cause: cause.to_string(),
    };
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(folder.to_path_buf())),
        Err(TryLockError::Error(error)) => Err(unwritable(error)),
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "cache_size", -8_000)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn connect_to_read(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            // A key or an id that is taken: somebody was faster.
            Some(rusqlite::ErrorCode::ConstraintViolation) => Self::Conflict,
            _ => Self::Failed(error.into()),
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn writer(&self) -> Result<Box<dyn Writer>> {
        let connection = connect(&self.path)?;
        Ok(Box::new(write::SqliteWriter::new(connection, &self.workspace)))
    }

    fn workspace(&self) -> &str {
        &self.workspace
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    async fn ping(&self) -> Result<()> {
        self.read(|db, _| Ok(db.query_row("SELECT 1", [], |_| Ok(()))?)).await
    }

    async fn kept(&self, id: EscalationId) -> Result<Option<Kept>> {
        self.read(move |db, workspace| read::kept(db, workspace, id)).await
    }

    async fn several(&self, ids: &[EscalationId]) -> Result<Vec<Kept>> {
        let ids = ids.to_vec();
        self.read(move |db, workspace| {
            let found = ids.into_iter().map(|id| read::kept(db, workspace, id).transpose());
            found.flatten().collect()
        })
        .await
    }

    async fn list(&self, query: &Query) -> Result<Page> {
        let query = query.clone();
        self.read(move |db, workspace| read::list(db, workspace, &query)).await
    }

    async fn entries(&self, from: u64, limit: usize) -> Result<Vec<Entry>> {
        self.read(move |db, workspace| read::entries(db, workspace, from, limit)).await
    }

    async fn ledger_size(&self) -> Result<u64> {
        self.read(read::ledger_size).await
    }

    async fn raw_entries(&self, from: u64, limit: usize) -> Result<Vec<RawEntry>> {
        self.read(move |db, workspace| tree::raw_entries(db, workspace, from, limit)).await
    }

    async fn bodies(&self, from: u64, limit: usize) -> Result<Vec<(u64, Body)>> {
        self.read(move |db, workspace| body::bodies(db, workspace, from, limit)).await
    }

    async fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Digest>> {
        self.read(move |db, workspace| tree::leaves(db, workspace, from, limit)).await
    }

    async fn sealed(&self) -> Result<Sealed> {
        self.read(tree::sealed).await
    }

    async fn tiles(&self, wanted: &[(u8, u64)]) -> Result<Vec<TileRow>> {
        let wanted = wanted.to_vec();
        self.read(move |db, workspace| tree::tiles(db, workspace, &wanted)).await
    }

    async fn keep_cosigned(&self, note: &str) -> Result<()> {
        let note = note.to_owned();
        self.read(move |db, workspace| tree::keep_cosigned(db, workspace, &note)).await
    }

    async fn next_due(&self) -> Result<(Option<Timestamp>, Vec<(RouteName, Heard)>)> {
        self.read(read::next_due).await
    }

    async fn halts(&self) -> Result<Vec<Halt>> {
        self.read(read::halts).await
    }

    async fn pending_counts(&self) -> Result<Standing> {
        self.read(read::pending_counts).await
    }

    async fn workspace_entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        self.read(move |db, workspace| read::workspace_entries(db, workspace, after, limit)).await
    }

    async fn amend(&self, amendment: &Amendment) -> Result<u64> {
        let amendment = amendment.clone();
        self.read(move |db, workspace| authority::amend(db, workspace, &amendment)).await
    }

    async fn notes(&self) -> Result<Vec<Note>> {
        self.read(authority::notes).await
    }

    async fn used(&self, id: CredentialId, at: Timestamp) -> Result<()> {
        self.read(move |db, workspace| authority::used(db, workspace, id, at)).await
    }

    async fn callbacks(&self) -> Result<Vec<(AgentName, Callback)>> {
        self.read(authority::callbacks).await
    }

    async fn signing_key(&self, purpose: &str, fresh: [u8; 32]) -> Result<[u8; 32]> {
        let purpose = purpose.to_owned();
        self.read(move |db, workspace| signing::signing_key(db, workspace, &purpose, fresh)).await
    }

    async fn replace_signing_key(&self, purpose: &str, seed: Option<[u8; 32]>) -> Result<()> {
        let purpose = purpose.to_owned();
        self.read(move |db, workspace| signing::replace_signing_key(db, workspace, &purpose, seed))
            .await
    }

    async fn retire_log(&self, origin: &str) -> Result<()> {
        let origin = origin.to_owned();
        self.read(move |db, workspace| tree::retire_log(db, workspace, &origin)).await
    }

    async fn is_retired(&self, origin: &str) -> Result<bool> {
        let origin = origin.to_owned();
        self.read(move |db, workspace| tree::is_retired(db, workspace, &origin)).await
    }

    async fn elsewhere(&self) -> Result<u64> {
        std::future::pending().await
    }
}
