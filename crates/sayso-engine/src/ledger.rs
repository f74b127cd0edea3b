//! The ledger as a log that can't be quietly rewritten: its tree is sealed as it grows, its heads
//! are signed, and everybody may ask for proofs.
//!
//! Nothing here decides what is in the ledger. It reads what was committed, and signs that.

mod head_file;
mod proofs;
mod sealer;
mod tree;

use std::path::PathBuf;
use std::sync::Arc;

use sayso_ledger::Checkpoint;
use sayso_ledger::note::VerifyingKey;
use sayso_store::StoreError;
use tokio::sync::{Notify, watch};

pub use proofs::{ConsistencyProof, InclusionProof, NoProof};
pub(crate) use sealer::{Opened, Sealer};

/// A signed head of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note that says so.
    pub note: String,
}

impl Head {
    /// The head in one line, for the foot of every message that leaves: origin, size, root.
    pub fn line(&self) -> String {
        self.checkpoint.to_string().trim_end().replace('\n', " ")
    }
}

/// The ledger's heads and who waits for them.
pub(crate) struct Heads {
    /// The key that checks them.
    pub(crate) key: VerifyingKey,
    /// The newest that may be shown: what was signed of it is kept inside and outside the store.
    pub(crate) newest: watch::Receiver<Option<Arc<Head>>>,
    /// Something was committed here.
    pub(crate) grown: Arc<Notify>,
    /// Something was committed by another server.
    pub(crate) grown_elsewhere: Arc<Notify>,
}

/// Why the ledger is not gone on with.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The store is older than what was signed.
    #[error(
        "the ledger has {found} entries, but a head over {signed} was signed ({}): an older copy \
         of the data was put back. What happened in between is known to others, and going on would \
         tell two stories. Put back the newer data; or, if it is gone for good, start once with \
         --accept-restored-backup: that ends this log, begins one with another key, and says so in \
         it", .file.display()
    )]
    Shorter {
        /// How many entries there are.
        found: u64,
        /// How many the head covers.
        signed: u64,
        /// Where the head is kept.
        file: PathBuf,
    },
    /// The store holds something else than what was signed.
    #[error(
        "the first {signed} entries of the ledger are not those that were signed ({}): other data \
         was put in their place, or somebody changed them. Put back the right data; or, if it is \
         gone for good, start once with --accept-restored-backup: that ends this log, begins one \
         with another key, and says so in it", .file.display()
    )]
    Other {
        /// How many the head covers.
        signed: u64,
        /// Where the head is kept.
        file: PathBuf,
    },
    /// The head outside the store is of another log.
    #[error(
        "{} is a head of the log {log}, and the log key here is of {key}: the data, the key and \
         that file don't belong together. Put back the right ones; or, if they are gone for good, \
         start once with --accept-restored-backup: that begins a log with another key, and says so \
         in it", .file.display()
    )]
    Stranger {
        /// Whose head it is.
        log: String,
        /// Whose key is here.
        key: String,
        /// Where the head is kept.
        file: PathBuf,
    },
    /// What the store keeps of the tree does not lead to its own head.
    #[error(
        "the ledger's tree does not lead to the head over {size} entries that was signed: somebody \
         changed the data. `sayso ledger verify` says where. Put back the right data; or, if it is \
         gone for good, start once with --accept-restored-backup: that ends this log, begins one \
         with another key, and says so in it"
    )]
    Broken {
        /// How many entries the head covers.
        size: u64,
    },
    /// Another server began another log in place of ours, on a person's word.
    #[error(
        "this log has ended: with another server a person let an older copy of the data go on, \
         under another key. Start this server again, and it goes on with that one"
    )]
    Ended,
    /// The ledger has become shorter, or another, under our hands.
    #[error(
        "the ledger no longer is what was signed of it: entry {0} is gone or another. Nothing is \
         signed any more until the server is started again"
    )]
    Torn(u64),
    /// The head's file can't be read or written.
    #[error("the ledger's head can't be kept in {}: {cause}", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
