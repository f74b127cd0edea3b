//! The store for any number of servers: one PostgreSQL database (14 or later).
//!
//! Each server has a connection that writes, one that listens for what others commit, and a few
//! that read. No server leads: rows are claimed with locks, and whoever is too late is told so
//! ([`StoreError::Conflict`](crate::StoreError::Conflict)) and looks again.

mod authority;
mod body;
mod connection;
mod elsewhere;
mod ledger;
mod pool;
mod read;
mod schema;
mod signing;
mod tree;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sayso_core::halt::Halt;
use sayso_core::{AgentName, CredentialId, Digest, EscalationId, Heard, RouteName};
use uuid::Uuid;

use self::authority::Registrar;
use self::connection::{Address, Connection};
use self::elsewhere::Listener;
use self::pool::Pool;
use crate::record::{Amendment, Body, Entry, Kept, Note, Page, Query, Standing};
use crate::{Callback, RawEntry, Result, Sealed, Store, TileRow, Writer};

/// The store on a PostgreSQL database.
pub struct PostgresStore {
    address: Address,
    workspace: Arc<str>,
    server: Uuid,
    pool: Pool,
    listener: Listener,
}

impl PostgresStore {
    /// Opens the store at `url` (`postgres://user:password@host/database`), bringing its schema
    /// up to date.
    pub async fn open(url: &str, workspace: &str) -> Result<Self> {
        let address = Address::parse(url)?;
        let first = Connection::open(&address).await?;
        schema::migrate(&first, workspace).await?;
        let server = first.client.query_one("SELECT gen_random_uuid()", &[]).await?.try_get(0)?;
        let listener = Listener::open(address.clone(), workspace, server).await?;
        let pool = Pool::new(address.clone(), first);
        Ok(Self { address, workspace: workspace.into(), server, pool, listener })
    }

    fn registrar(&self) -> Registrar<'_> {
        Registrar { pool: &self.pool, workspace: &self.workspace, server: self.server }
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn writer(&self) -> Result<Box<dyn Writer>> {
        let workspace = Arc::clone(&self.workspace);
        let address = self.address.clone();
        Ok(Box::new(write::PostgresWriter::open(address, workspace, self.server).await?))
    }

    fn workspace(&self) -> &str {
        &self.workspace
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    async fn ping(&self) -> Result<()> {
        self.pool.take().await?.rows("SELECT 1", &[]).await.map(|_| ())
    }

    async fn kept(&self, id: EscalationId) -> Result<Option<Kept>> {
        read::kept(&*self.pool.take().await?, &self.workspace, id).await
    }

    async fn several(&self, ids: &[EscalationId]) -> Result<Vec<Kept>> {
        read::several(&*self.pool.take().await?, &self.workspace, ids).await
    }

    async fn list(&self, query: &Query) -> Result<Page> {
        read::list(&*self.pool.take().await?, &self.workspace, query).await
    }

    async fn entries(&self, from: u64, limit: usize) -> Result<Vec<Entry>> {
        read::entries(&*self.pool.take().await?, &self.workspace, from, limit).await
    }

    async fn ledger_size(&self) -> Result<u64> {
        read::ledger_size(&*self.pool.take().await?, &self.workspace).await
    }

    async fn raw_entries(&self, from: u64, limit: usize) -> Result<Vec<RawEntry>> {
        tree::raw_entries(&*self.pool.take().await?, &self.workspace, from, limit).await
    }

    async fn bodies(&self, from: u64, limit: usize) -> Result<Vec<(u64, Body)>> {
        body::bodies(&*self.pool.take().await?, &self.workspace, from, limit).await
    }

    async fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Digest>> {
        tree::leaves(&*self.pool.take().await?, &self.workspace, from, limit).await
    }

    async fn sealed(&self) -> Result<Sealed> {
        tree::sealed(&*self.pool.take().await?, &self.workspace).await
    }

    async fn tiles(&self, wanted: &[(u8, u64)]) -> Result<Vec<TileRow>> {
        tree::tiles(&*self.pool.take().await?, &self.workspace, wanted).await
    }

    async fn keep_cosigned(&self, note: &str) -> Result<()> {
        tree::keep_cosigned(&*self.pool.take().await?, &self.workspace, note).await
    }

    async fn next_due(&self) -> Result<(Option<Timestamp>, Vec<(RouteName, Heard)>)> {
        read::next_due(&*self.pool.take().await?, &self.workspace).await
    }

    async fn halts(&self) -> Result<Vec<Halt>> {
        read::halts(&*self.pool.take().await?, &self.workspace).await
    }

    async fn pending_counts(&self) -> Result<Standing> {
        read::pending_counts(&*self.pool.take().await?, &self.workspace).await
    }

    async fn workspace_entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        read::workspace_entries(&*self.pool.take().await?, &self.workspace, after, limit).await
    }

    async fn amend(&self, amendment: &Amendment) -> Result<u64> {
        self.registrar().amend(amendment).await
    }

    async fn notes(&self) -> Result<Vec<Note>> {
        authority::notes(&*self.pool.take().await?, &self.workspace).await
    }

    async fn used(&self, id: CredentialId, at: Timestamp) -> Result<()> {
        authority::used(&*self.pool.take().await?, &self.workspace, id, at).await
    }

    async fn callbacks(&self) -> Result<Vec<(AgentName, Callback)>> {
        authority::callbacks(&*self.pool.take().await?, &self.workspace).await
    }

    async fn signing_key(&self, purpose: &str, fresh: [u8; 32]) -> Result<[u8; 32]> {
        let db = self.pool.take().await?;
        signing::signing_key(&db, &self.workspace, purpose, fresh).await
    }

    async fn replace_signing_key(&self, purpose: &str, seed: Option<[u8; 32]>) -> Result<()> {
        let db = self.pool.take().await?;
        signing::replace_signing_key(&db, &self.workspace, purpose, seed).await
    }

    async fn retire_log(&self, origin: &str) -> Result<()> {
        tree::retire_log(&*self.pool.take().await?, &self.workspace, origin).await
    }

    async fn is_retired(&self, origin: &str) -> Result<bool> {
        tree::is_retired(&*self.pool.take().await?, &self.workspace, origin).await
    }

    async fn elsewhere(&self) -> Result<u64> {
        match self.listener.next().await {
            elsewhere::Heard::Entry(newest) => Ok(newest + 1),
            elsewhere::Heard::Gap => Ok(self.ledger_size().await? + 1),
        }
    }
}
