//! The connections that reads share with changes to agents' and people's credentials.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::connection::{Address, Connection};
use crate::{Result, StoreError};

/// How many connections at most.
const CONNECTIONS: usize = 4;

pub(super) struct Pool {
    address: Address,
    idle: Mutex<Vec<Arc<Connection>>>,
    places: Semaphore,
}

/// A connection on loan from the pool; it goes back by itself.
pub(super) struct Pooled<'a> {
    pool: &'a Pool,
    connection: Arc<Connection>,
    in_transaction: bool,
    _place: SemaphorePermit<'a>,
}

impl Pool {
    pub(super) fn new(address: Address, first: Connection) -> Self {
        let idle = Mutex::new(vec![Arc::new(first)]);
        Self { address, idle, places: Semaphore::new(CONNECTIONS) }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection of one's own for a while.
    pub(super) async fn take(&self) -> Result<Pooled<'_>> {
        let place = self.places.acquire().await;
        let place = place.map_err(|error| StoreError::Failed(error.into()))?;
        let found = {
            let mut idle = self.idle();
            idle.retain(|connection| !connection.is_closed());
            idle.pop()
        };
        let connection = match found {
            Some(connection) => connection,
            None => Arc::new(Connection::open(&self.address).await?),
        };
        Ok(Pooled { pool: self, connection, in_transaction: false, _place: place })
    }

    /// A connection in a transaction. Unless that is committed, nothing has happened.
    pub(super) async fn begin(&self) -> Result<Pooled<'_>> {
        let mut pooled = self.take().await?;
        pooled.in_transaction = true;
        pooled.client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
        Ok(pooled)
    }
}

impl Pooled<'_> {
    /// The transaction has been committed.
    pub(super) fn committed(&mut self) {
        self.in_transaction = false;
    }
}

impl Deref for Pooled<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Pooled<'_> {
    fn drop(&mut self) {
        // One that is dropped in the middle of a transaction closes, and PostgreSQL rolls back.
        if !self.in_transaction && !self.connection.is_closed() {
            self.pool.idle().push(Arc::clone(&self.connection));
        }
    }
}
