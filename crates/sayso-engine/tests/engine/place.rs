//! Where a test's store is.

use std::path::PathBuf;
use std::sync::Arc;

use sayso_store::postgres::PostgresStore;
use sayso_store::sqlite::{Access, SqliteStore};
use sayso_store::{Store, StoreError};
use tempfile::TempDir;

use crate::world::within;

const WORKSPACE: &str = "default";

pub(crate) enum Kind {
    Sqlite,
    Postgres(String),
}

/// A place to keep everything, and a folder for the policy file.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) kind: Kind,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self { folder: TempDir::new().unwrap(), kind: Kind::Sqlite }
    }

    pub(crate) async fn postgres() -> Self {
        let url = sayso_testkit::postgres::database().await;
        Self { folder: TempDir::new().unwrap(), kind: Kind::Postgres(url) }
    }

    pub(crate) fn policy_file(&self) -> PathBuf {
        self.folder.path().join("policy.toml")
    }

    /// Where the ledger's newest head is kept outside of the store.
    pub(crate) fn head_file(&self) -> Option<PathBuf> {
        match &self.kind {
            Kind::Sqlite => Some(self.folder.path().join("head")),
            // Several servers share it, and each would have its own.
            Kind::Postgres(_) => None,
        }
    }

    /// Opens the store as the command line does, beside a server.
    pub(crate) async fn administer(&self) -> Arc<dyn Store> {
        match &self.kind {
            Kind::Postgres(url) => Arc::new(PostgresStore::open(url, WORKSPACE).await.unwrap()),
            Kind::Sqlite => {
                let folder = self.folder.path().join("data");
                Arc::new(SqliteStore::open(&folder, WORKSPACE, Access::Administer).unwrap())
            }
        }
    }

    /// Opens the store; of one that is just being left, as soon as it is free.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        match &self.kind {
            Kind::Postgres(url) => Arc::new(PostgresStore::open(url, WORKSPACE).await.unwrap()),
            Kind::Sqlite => {
                let folder = self.folder.path().join("data");
                within("the data folder is free", async {
                    loop {
                        match SqliteStore::open(&folder, WORKSPACE, Access::Serve) {
                            Err(StoreError::InUse(_)) => tokio::task::yield_now().await,
                            opened => return Arc::new(opened.unwrap()),
                        }
                    }
                })
                .await
            }
        }
    }
}
