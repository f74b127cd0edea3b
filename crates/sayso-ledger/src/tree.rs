//! The Merkle tree of RFC 6962, section 2.1: its hashes, and roots of growing prefixes.

use sayso_core::Digest;
use sha2::{Digest as _, Sha256};

/// The hash of a leaf (RFC 6962, section 2.1): SHA-256 over a zero byte and the entry.
pub fn leaf_hash(entry: &[u8]) -> Digest {
    Digest::of_parts(&[&[0], entry])
}

/// The hash of an inner node: SHA-256 over a one byte and both children.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    // One call for all of it: this is most of what growing a tree costs.
    let mut both = [1; 65];
    both[1..33].copy_from_slice(left.as_bytes());
    both[33..].copy_from_slice(right.as_bytes());
    Digest::from_bytes(Sha256::digest(both).into())
}

/// The root of a tree without leaves.
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

/// A perfect subtree: the `index`-th of those with 2^`height` leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Its height; leaves have none.
    pub height: u8,
    /// Which of that height, from the left.
    pub index: u64,
}

/// The perfect subtrees that make up the leaves from `low` to before `high`, left to right.
///
/// `low` must be a multiple of the greatest power of two that is less than the range, as it is in
/// every range that RFC 6962 speaks of.
pub fn cover(low: u64, high: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut low = low;
    while low < high {
        let height = (high - low).ilog2();
        nodes.push(Node { height: u8::try_from(height).unwrap_or(63), index: low >> height });
        low += 1 << height;
    }
    nodes
}

/// The root over perfect subtrees that stand side by side, greatest first.
pub fn fold(roots: &[Digest]) -> Digest {
    let mut roots = roots.iter().rev();
    let Some(last) = roots.next() else { return empty_root() };
    roots.fold(*last, |right, left| node_hash(left, &right))
}

/// The right edge of a tree: the roots of its perfect subtrees, greatest first. All that is needed
/// to append, and to tell the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    roots: Vec<Digest>,
}

impl Edge {
    /// The edge with these roots, which are as many as that size takes.
    pub(crate) fn of(size: u64, roots: Vec<Digest>) -> Self {
        Self { size, roots }
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Digest) {
        let mut root = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.roots.pop() else { break };
            root = node_hash(&left, &root);
        }
        self.roots.push(root);
        self.size += 1;
    }

    /// The root over all leaves.
    pub fn root(&self) -> Digest {
        fold(&self.roots)
    }
}

impl Extend<Digest> for Edge {
    fn extend<T: IntoIterator<Item = Digest>>(&mut self, leaves: T) {
        for leaf in leaves {
            self.push(leaf);
        }
    }
}

impl FromIterator<Digest> for Edge {
    fn from_iter<T: IntoIterator<Item = Digest>>(leaves: T) -> Self {
        let mut edge = Self::default();
        edge.extend(leaves);
        edge
    }
}
