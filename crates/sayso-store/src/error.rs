//! What can go wrong with a store.

use std::path::PathBuf;

/// Why a store can't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another `sayso serve` has the data folder.
    #[error(
        "the data folder {} is in use by another `sayso serve`; stop it, or give this one another \
         folder with --data", .0.display()
    )]
    InUse(PathBuf),
    /// The folder or its file can't be written.
    #[error("the data folder {} can't be written: {cause}; mend its permissions, or give another with --data", .path.display())]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The disk is full.
    #[error("the disk is full: nothing was changed; make room and try again")]
    Full,
    /// The database was written by a later version.
    #[error(
        "the database is at schema version {found}, and this binary knows up to {known}: run a \
         newer sayso, or restore a backup made with this one"
    )]
    Newer {
        /// The database's version.
        found: u32,
        /// The newest this binary knows.
        known: u32,
    },
    /// The database was written by an earlier version, and is only to be read.
    #[error(
        "the database is at schema version {found}, and this binary reads version {known}: \
         `sayso serve` brings it up to date"
    )]
    Older {
        /// The database's version.
        found: u32,
        /// The one this binary reads.
        known: u32,
    },
    /// There is no database where one is to be read.
    #[error("there is no Sayso data in {}; say where it is with --data", .0.display())]
    Missing(PathBuf),
    /// An entry is larger than the ledger takes.
    #[error("{0}: nothing was changed; say it with less")]
    TooLarge(sayso_ledger::leaf::TooLarge),
    /// An escalation has moved on; load it again.
    #[error("an escalation was changed meanwhile")]
    Conflict,
    /// The address of the database is not one.
    #[error("the database address is not usable: {0}")]
    Address(String),
    /// The database does not answer, for now.
    #[error("the database can't be reached: {0}")]
    Unreachable(String),
    /// What is kept can't be read.
    #[error("the store holds something that can't be read: {0}")]
    Corrupt(String),
    /// The store does not answer as it should.
    #[error("the store failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}
