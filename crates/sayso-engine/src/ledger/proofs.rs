//! What anybody may ask of the ledger's tree: tiles, bundles and proofs under a head that was shown.

use std::sync::Arc;

use sayso_ledger::proof::{BadProof, Plan};
use sayso_ledger::tile::{Kind, Tile, WIDTH, bundle, encode};
use sayso_ledger::{Digest, VerifyingKey};
use sayso_store::{Body, StoreError};
use serde::Serialize;
use tokio::sync::watch;

use super::Head;
use super::tree::Tree;
use crate::engine::Engine;

/// That an entry is in the tree of a head.
#[derive(Clone, Debug, Serialize)]
pub struct InclusionProof {
    /// The entry's index, from 0 on.
    pub index: u64,
    /// How many entries the head covers.
    pub size: u64,
    /// The entry's leaf hash.
    pub leaf: Digest,
    /// The root over all of them.
    pub root: Digest,
    /// The hashes that lead from the leaf to the root (RFC 6962, section 2.1.1).
    pub hashes: Vec<Digest>,
}

/// That the tree of one head is the beginning of the tree of another.
#[derive(Clone, Debug, Serialize)]
pub struct ConsistencyProof {
    /// How many entries the older head covers.
    pub old: u64,
    /// How many the newer one covers.
    pub new: u64,
    /// The root under the older head.
    pub old_root: Digest,
    /// The root under the newer one.
    pub new_root: Digest,
    /// The hashes that lead to both (RFC 6962, section 2.1.2).
    pub hashes: Vec<Digest>,
}

/// Why there is no such proof.
#[derive(Debug, thiserror::Error)]
pub enum NoProof {
    /// It is about more entries than the newest head covers.
    #[error("the ledger's newest head covers {newest} entries")]
    NotYet {
        /// How many.
        newest: u64,
    },
    /// It is about nothing.
    #[error(transparent)]
    Senseless(#[from] BadProof),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// The ledger's newest head; none for the first moments of a new one.
    pub fn head(&self) -> Option<Arc<Head>> {
        self.heads().borrow().clone()
    }

    /// The newest head, and each one after it.
    pub fn heads(&self) -> watch::Receiver<Option<Arc<Head>>> {
        self.shared().heads.newest.clone()
    }

    /// The newest head in one line, for the foot of every message that leaves.
    pub fn head_line(&self) -> Option<String> {
        self.head().map(|head| head.line())
    }

    /// The key that checks the ledger's heads.
    pub fn log_key(&self) -> &VerifyingKey {
        &self.shared().heads.key
    }

    /// The newest head that witnesses have cosigned, with their signatures.
    pub async fn cosigned(&self) -> Result<Option<String>, StoreError> {
        Ok(self.store().sealed().await?.cosigned)
    }

    /// Keeps a head that witnesses have cosigned.
    pub async fn keep_cosigned(&self, note: &str) -> Result<(), StoreError> {
        self.store().keep_cosigned(note).await
    }

    /// A witness did not cosign a head: counts it.
    pub fn witness_failed(&self) {
        self.shared().metrics.unwitnessed();
    }

    fn newest(&self) -> u64 {
        self.head().map_or(0, |head| head.checkpoint.size)
    }

    /// A tile under the newest head, and whether it may be kept for ever; none, if there is no
    /// such tile yet.
    pub async fn tile(&self, tile: Tile) -> Result<Option<(Vec<u8>, bool)>, StoreError> {
        let level = match tile.kind {
            Kind::Hashes(level) => level,
            Kind::Entries => 0,
        };
        let count = self.newest().checked_shr(8 * u32::from(level)).unwrap_or(0);
        let width = u64::from(tile.width);
        let end = tile.index.checked_mul(WIDTH).and_then(|start| start.checked_add(width));
        if end.is_none_or(|end| end > count) {
            return Ok(None);
        }
        let width = usize::from(tile.width);
        match tile.kind {
            Kind::Hashes(level) => {
                let hashes = Tree(self.store()).row(level, tile.index, width).await?;
                Ok(Some((encode(&hashes), true)))
            }
            Kind::Entries => self.bundle(tile.index * WIDTH, width).await.map(Some),
        }
    }

    /// So many entries from that index on, as they stand now.
    async fn bundle(&self, from: u64, width: usize) -> Result<(Vec<u8>, bool), StoreError> {
        let entries = self.store().raw_entries(from + 1, width).await?;
        let (mut bytes, mut whole) = (Vec::new(), entries.len() == width);
        for (entry, index) in entries.iter().zip(from..) {
            if !entry.is_as_appended() {
                tracing::error!(index, "an entry of the ledger is not what was appended");
                self.shared().metrics.tampered();
                whole = false;
            }
            bundle(&mut bytes, &entry.bytes);
        }
        Ok((bytes, whole))
    }

    /// The texts of at most `limit` entries from `index` on, as far as they are kept, each with its
    /// entry's index.
    pub async fn texts(&self, index: u64, limit: usize) -> Result<Vec<(u64, Body)>, StoreError> {
        let found = self.store().bodies(index.saturating_add(1), limit).await?;
        Ok(found.into_iter().map(|(seq, body)| (seq.saturating_sub(1), body)).collect())
    }

    /// The proof that an entry is in the tree of `size`; of the newest head, if none is given.
    pub async fn prove_inclusion(
        &self,
        index: u64,
        size: Option<u64>,
    ) -> Result<InclusionProof, NoProof> {
        let newest = self.newest();
        let size = size.unwrap_or(newest);
        if size > newest {
            return Err(NoProof::NotYet { newest });
        }
        let plan = Plan::inclusion(index, size)?;
        let leaf = sayso_ledger::tree::Node { height: 0, index };
        let whole = sayso_ledger::tree::cover(0, size);
        let wanted = plan.nodes().chain([leaf]).chain(whole.iter().copied());
        let found = Tree(self.store()).nodes(wanted, size).await?;
        let lost = || StoreError::Corrupt("the ledger's tree lacks hashes".into());
        let look = |node| found.get(&node).copied().ok_or_else(lost);
        let roots = whole.iter().map(|node| look(*node)).collect::<Result<Vec<_>, _>>()?;
        Ok(InclusionProof {
            index,
            size,
            leaf: look(leaf)?,
            root: sayso_ledger::tree::fold(&roots),
            hashes: plan.proof(look)?,
        })
    }

    /// The proof that the tree of `old` is the beginning of the tree of `new`; of the newest head,
    /// if none is given.
    pub async fn prove_consistency(
        &self,
        old: u64,
        new: Option<u64>,
    ) -> Result<ConsistencyProof, NoProof> {
        let newest = self.newest();
        let new = new.unwrap_or(newest);
        if new > newest {
            return Err(NoProof::NotYet { newest });
        }
        let plan = Plan::consistency(old, new)?;
        let tree = Tree(self.store());
        let found = tree.nodes(plan.nodes(), new).await?;
        let lost = || StoreError::Corrupt("the ledger's tree lacks hashes".into());
        Ok(ConsistencyProof {
            old,
            new,
            old_root: tree.root(old).await?,
            new_root: tree.root(new).await?,
            hashes: plan.proof(|node| found.get(&node).copied().ok_or_else(lost))?,
        })
    }
}
