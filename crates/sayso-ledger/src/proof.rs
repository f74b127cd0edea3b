//! Proofs (RFC 6962, sections 2.1.1 and 2.1.2): that an entry is in a tree, and that a tree is the
//! beginning of another. Made from subtrees that somebody else looks up, verified from nothing but
//! the proof (RFC 9162, sections 2.1.3.2 and 2.1.4.2).

use sayso_core::Digest;

use crate::tree::{Node, cover, empty_root, fold, node_hash};

/// No proof of what it should prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProof {
    /// It asks for a leaf beyond the tree, or a longer beginning than the whole.
    #[error("it speaks of more entries than the tree has")]
    OutOfRange,
    /// It has more or fewer hashes than that place in that tree takes.
    #[error("it has more or fewer hashes than that place takes")]
    Length,
    /// It leads to another root.
    #[error("it leads to another root")]
    Root,
}

/// Which subtrees a proof is made of: each hash of it is the root over some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    hashes: Vec<Vec<Node>>,
}

impl Plan {
    /// The proof that leaf `index` is in the tree of `size`.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, BadProof> {
        if index >= size {
            return Err(BadProof::OutOfRange);
        }
        let (mut low, mut high) = (0, size);
        let mut hashes = Vec::new();
        while high - low > 1 {
            let middle = low + split(high - low);
            if index < middle {
                hashes.push(cover(middle, high));
                high = middle;
            } else {
                hashes.push(cover(low, middle));
                low = middle;
            }
        }
        hashes.reverse();
        Ok(Self { hashes })
    }

    /// The proof that the tree of `old` leaves is the beginning of the tree of `new`.
    pub fn consistency(old: u64, new: u64) -> Result<Self, BadProof> {
        if old > new {
            return Err(BadProof::OutOfRange);
        }
        if old == 0 {
            return Ok(Self::default());
        }
        let (mut low, mut high) = (0, new);
        let mut hashes = Vec::new();
        while old != high {
            let middle = low + split(high - low);
            if old <= middle {
                hashes.push(cover(middle, high));
                high = middle;
            } else {
                hashes.push(cover(low, middle));
                low = middle;
            }
        }
        // The old root is known to who asks, unless it is not a subtree of its own.
        if low > 0 {
            hashes.push(cover(low, high));
        }
        hashes.reverse();
        Ok(Self { hashes })
    }

    /// The subtrees to look up.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.hashes.iter().flatten().copied()
    }

    /// The proof, given the subtrees' roots.
    pub fn proof<E>(
        &self,
        mut root: impl FnMut(Node) -> Result<Digest, E>,
    ) -> Result<Vec<Digest>, E> {
        let mut hash = |nodes: &Vec<Node>| {
            let roots: Result<Vec<_>, E> = nodes.iter().map(|node| root(*node)).collect();
            Ok(fold(&roots?))
        };
        self.hashes.iter().map(&mut hash).collect()
    }
}

/// The greatest power of two that is less than `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Checks that the entry with that leaf hash is the `index`-th of the tree of `size` under `root`.
pub fn check_inclusion(
    leaf: Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: Digest,
) -> Result<(), BadProof> {
    if index >= size {
        return Err(BadProof::OutOfRange);
    }
    let (mut place, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(BadProof::Length);
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            // A subtree without a right sibling is its own parent, up to where it has a left one.
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    match (last == 0, hash == root) {
        (false, _) => Err(BadProof::Length),
        (true, false) => Err(BadProof::Root),
        (true, true) => Ok(()),
    }
}

/// Checks that the tree of `old` leaves is the beginning of the tree of `new`.
pub fn check_consistency(
    old: u64,
    new: u64,
    proof: &[Digest],
    old_root: Digest,
    new_root: Digest,
) -> Result<(), BadProof> {
    if old > new {
        return Err(BadProof::OutOfRange);
    }
    if old == new || old == 0 {
        let same = if old == new { old_root == new_root } else { old_root == empty_root() };
        return match (proof.is_empty(), same) {
            (false, _) => Err(BadProof::Length),
            (true, false) => Err(BadProof::Root),
            (true, true) => Ok(()),
        };
    }
    let (first, rest) = match old.is_power_of_two() {
        true => (old_root, proof),
        false => proof.split_first().map(|(first, rest)| (*first, rest)).ok_or(BadProof::Length)?,
    };
    let (mut place, mut last) = (old - 1, new - 1);
    let whole = place.trailing_ones();
    (place, last) = (place >> whole, last >> whole);
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(BadProof::Length);
        }
        if place & 1 == 1 || place == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    match (last == 0, old_hash == old_root && new_hash == new_root) {
        (false, _) => Err(BadProof::Length),
        (true, false) => Err(BadProof::Root),
        (true, true) => Ok(()),
    }
}
