//! The ledger's tree as a store keeps it, and the leaf of each entry.

use jiff::Timestamp;
use sayso_core::{Digest, EscalationId, json};
use sayso_ledger::Leaf;
use sayso_ledger::tree::leaf_hash;
use serde::Serialize;

use crate::record::{Body, Happened, NewEntry};
use crate::{Result, StoreError};

/// The head that the tree was last sealed with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// How many entries it covers.
    pub size: u64,
    /// The checkpoint, as a signed note; empty, if there is none yet.
    pub note: String,
    /// The newest checkpoint that witnesses have cosigned.
    pub cosigned: Option<String>,
}

/// A tile of hashes, as far as it is filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileRow {
    /// Its level; leaves are level 0.
    pub level: u8,
    /// Which of that level, from the left.
    pub place: u64,
    /// What it holds.
    pub hashes: Vec<Digest>,
}

/// A new head of the tree, and the tiles that changed on the way to it.
///
/// It is kept if the tree is still as large as it was `before`; if somebody else has sealed it
/// meanwhile, nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// How many entries the head before it covers.
    pub before: u64,
    /// How many this one covers.
    pub size: u64,
    /// The checkpoint, as a signed note.
    pub note: String,
    /// Tiles of leaves that became full, and tiles above them that grew.
    pub tiles: Vec<TileRow>,
}

/// An entry as the ledger commits to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEntry {
    /// What the row says, as an entry's bytes.
    pub bytes: Vec<u8>,
    /// The leaf hash that was made of it when it was appended.
    pub leaf: Digest,
}

impl RawEntry {
    /// Whether the row still says what was appended.
    pub fn is_as_appended(&self) -> bool {
        leaf_hash(&self.bytes) == self.leaf
    }
}

/// What is written of an entry, besides who and when.
pub(crate) struct Written {
    /// The event, as canonical JSON.
    pub(crate) event: String,
    pub(crate) body_hash: Option<Digest>,
    pub(crate) leaf: Digest,
}

impl NewEntry {
    pub(crate) fn written(&self, workspace: &str) -> Result<Written> {
        let (of, event) = match &self.happened {
            Happened::Escalation { id, version, event } => (Some((*id, *version)), text(event)?),
            Happened::Workspace(event) => (None, text(event)?),
        };
        let body_hash = self.body.as_ref().map(Body::hash);
        let bytes = entry_bytes(workspace, self.at.as_microsecond(), of, &event, body_hash)?;
        Ok(Written { event, body_hash, leaf: leaf_hash(&bytes) })
    }
}

fn text<T: Serialize>(event: &T) -> Result<String> {
    let bytes = json::try_canonical(event).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| StoreError::Corrupt(e.to_string()))
}

/// An entry's bytes, from its row. Times are kept in microseconds, so entries have no finer ones.
pub(crate) fn entry_bytes(
    workspace: &str,
    at: i64,
    of: Option<(EscalationId, u64)>,
    event: &str,
    body_hash: Option<Digest>,
) -> Result<Vec<u8>> {
    let at = Timestamp::from_microsecond(at).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    Leaf { workspace, at, of, event, body_hash }.bytes().map_err(StoreError::TooLarge)
}

/// The canonical text and the leaf of a row that was written before there were leaves.
pub(crate) fn late(
    workspace: &str,
    at: i64,
    of: Option<(EscalationId, u64)>,
    event: &str,
    body_hash: Option<Digest>,
) -> Result<(String, Digest)> {
    let event = text(&serde_json::from_str::<serde_json::Value>(event)?)?;
    let leaf = leaf_hash(&entry_bytes(workspace, at, of, &event, body_hash)?);
    Ok((event, leaf))
}

/// Hashes side by side, taken apart.
pub(crate) fn hashes(bytes: &[u8]) -> Result<Vec<Digest>> {
    match bytes.len().is_multiple_of(32) {
        true => Ok(sayso_ledger::tile::decode(bytes)),
        false => Err(StoreError::Corrupt("a tile is cut short".into())),
    }
}

pub(crate) fn lacks(seq: u64) -> StoreError {
    StoreError::Corrupt(format!("the ledger lacks entry {seq}, or its leaf"))
}
