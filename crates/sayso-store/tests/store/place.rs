//! Where a test's store is.

use sayso_store::Store;
use sayso_store::postgres::PostgresStore;
use sayso_store::sqlite::{Access, SqliteStore};
use tempfile::TempDir;

pub(crate) const WORKSPACE: &str = "default";

pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(String),
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().unwrap())
    }

    pub(crate) async fn postgres() -> Self {
        Self::Postgres(sayso_testkit::postgres::database().await)
    }

    pub(crate) async fn open(&self) -> Box<dyn Store> {
        match self {
            Self::Sqlite(folder) => {
                Box::new(SqliteStore::open(folder.path(), WORKSPACE, Access::Serve).unwrap())
            }
            Self::Postgres(url) => Box::new(PostgresStore::open(url, WORKSPACE).await.unwrap()),
        }
    }
}
