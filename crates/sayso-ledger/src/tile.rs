//! Tiles (C2SP tlog-tiles): 256 hashes of one level side by side, or 256 entries in a bundle, each
//! under a path that never changes what it holds.

use std::fmt;
use std::str::FromStr;

use sayso_core::Digest;

use crate::tree::{Edge, Node, cover, fold, node_hash};

/// How many hashes, or entries, a full tile has.
pub const WIDTH: u64 = 256;
/// The height of a tile.
pub const HEIGHT: u8 = 8;
/// The most bytes an entry may have, for its length to fit a bundle.
pub const LARGEST_ENTRY: usize = u16::MAX as usize;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Hashes of that level; leaves are level 0, roots of full tiles of a level are the next.
    Hashes(u8),
    /// Entries.
    Entries,
}

/// A tile's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// What it holds.
    pub kind: Kind,
    /// Which of that kind, from the left.
    pub index: u64,
    /// How many it holds: from 1 to [`WIDTH`].
    pub width: u16,
}

/// Not the path of a tile.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the path of a tile: tile/LEVEL/INDEX or tile/entries/INDEX, as C2SP tlog-tiles has it"
)]
pub struct BadPath;

/// A bundle that is cut short.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a bundle of entries: it is cut short")]
pub struct BadBundle;

impl Tile {
    /// The tile of hashes that holds the root of `node`, as wide as it is in a tree of `size`; and
    /// the places in it that `node` covers.
    pub fn of(node: Node, size: u64) -> (Self, std::ops::Range<usize>) {
        let level = node.height / HEIGHT;
        let span = node.height % HEIGHT;
        let first = node.index << span;
        let index = first / WIDTH;
        let in_level = size >> (u32::from(level) * u32::from(HEIGHT));
        let width = (in_level - index * WIDTH).min(WIDTH);
        let width = u16::try_from(width).unwrap_or(256);
        let start = usize::try_from(first % WIDTH).unwrap_or(0);
        (Self { kind: Kind::Hashes(level), index, width }, start..start + (1 << span))
    }

    /// All tiles of a tree of `size`, hashes and bundles, as wide as they are in it.
    pub fn all(size: u64) -> Vec<Self> {
        let mut tiles = Vec::new();
        let mut level = 0;
        let mut count = size;
        while count > 0 {
            for index in 0..count.div_ceil(WIDTH) {
                let width = u16::try_from((count - index * WIDTH).min(WIDTH)).unwrap_or(256);
                if level == 0 {
                    tiles.push(Self { kind: Kind::Entries, index, width });
                }
                tiles.push(Self { kind: Kind::Hashes(level), index, width });
            }
            count /= WIDTH;
            level += 1;
        }
        tiles
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}/")?,
            Kind::Entries => f.write_str("tile/entries/")?,
        }
        f.write_str(&place(self.index))?;
        if u64::from(self.width) < WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// An index as a path: `x001/x234/067`.
pub fn place(index: u64) -> String {
    let mut path = format!("{:03}", index % 1_000);
    let mut rest = index / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    path
}

impl FromStr for Tile {
    type Err = BadPath;

    fn from_str(path: &str) -> Result<Self, BadPath> {
        let (kind, rest) =
            path.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).ok_or(BadPath)?;
        let kind = match kind {
            "entries" => Kind::Entries,
            level => {
                let number: u8 = level.parse().map_err(|_| BadPath)?;
                if number > 63 || number.to_string() != level {
                    return Err(BadPath);
                }
                Kind::Hashes(number)
            }
        };
        let (path, width) = match rest.split_once(".p/") {
            None => (rest, 256),
            Some((path, width)) => {
                let number: u8 = width.parse().map_err(|_| BadPath)?;
                if number == 0 || number.to_string() != width {
                    return Err(BadPath);
                }
                (path, u16::from(number))
            }
        };
        let mut index: u64 = 0;
        for group in path.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            if digits.len() != 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(BadPath);
            }
            let number: u64 = digits.parse().map_err(|_| BadPath)?;
            index = index.checked_mul(1_000).and_then(|i| i.checked_add(number)).ok_or(BadPath)?;
        }
        if place(index) != path {
            return Err(BadPath);
        }
        Ok(Self { kind, index, width })
    }
}

/// Hashes side by side.
pub fn encode(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// Hashes side by side, taken apart; what is left over is dropped.
pub fn decode(bytes: &[u8]) -> Vec<Digest> {
    let (hashes, _) = bytes.as_chunks::<32>();
    hashes.iter().map(|hash| Digest::from_bytes(*hash)).collect()
}

/// The root over some of a tile's hashes: as many as a power of two.
pub fn root(hashes: &[Digest]) -> Digest {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| pair.get(1).map_or(pair[0], |r| node_hash(&pair[0], r)))
            .collect();
    }
    fold(&row)
}

/// Appends an entry to a bundle.
pub fn bundle(bundle: &mut Vec<u8>, entry: &[u8]) {
    let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
    bundle.extend(length.to_be_bytes());
    bundle.extend(&entry[..usize::from(length)]);
}

/// The entries of a bundle.
pub fn unbundle(bundle: &[u8]) -> Result<Vec<&[u8]>, BadBundle> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        let (length, more) = rest.split_first_chunk::<2>().ok_or(BadBundle)?;
        let (entry, more) =
            more.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(BadBundle)?;
        entries.push(entry);
        rest = more;
    }
    Ok(entries)
}

/// The unfinished tiles along the right edge of a tree, level by level, from which the full ones
/// fall off as it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rim {
    levels: Vec<Vec<Digest>>,
    edge: Edge,
}

impl Rim {
    /// The rim of a tree of `size`, given what its unfinished tiles hold, leaves first; none, if
    /// they don't fit that size.
    pub fn new(size: u64, levels: Vec<Vec<Digest>>) -> Option<Self> {
        let mut count = size;
        let mut levels = levels;
        for level in &levels {
            if u64::try_from(level.len()) != Ok(count % WIDTH) {
                return None;
            }
            count /= WIDTH;
        }
        while levels.last().is_some_and(Vec::is_empty) {
            levels.pop();
        }
        if count > 0 {
            return None;
        }
        let root_of = |node: Node| {
            let (level, span) = (node.height / HEIGHT, node.height % HEIGHT);
            let start = usize::try_from((node.index << span) % WIDTH).ok()?;
            Some(root(levels.get(usize::from(level))?.get(start..start + (1 << span))?))
        };
        let roots = cover(0, size).into_iter().map(root_of).collect::<Option<_>>()?;
        Some(Self { levels, edge: Edge::of(size, roots) })
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Appends a leaf; gives out the tiles that it makes full.
    pub fn push(&mut self, leaf: Digest, full: &mut Vec<(Tile, Vec<Digest>)>) {
        self.edge.push(leaf);
        let mut hash = leaf;
        let mut count = self.size();
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::with_capacity(256));
            }
            let row = &mut self.levels[level];
            row.push(hash);
            if !count.is_multiple_of(WIDTH) {
                return;
            }
            count /= WIDTH;
            let hashes = std::mem::replace(row, Vec::with_capacity(256));
            hash = root(&hashes);
            let kind = Kind::Hashes(u8::try_from(level).unwrap_or(u8::MAX));
            full.push((Tile { kind, index: count - 1, width: 256 }, hashes));
        }
    }

    /// The unfinished tile of a level.
    pub fn level(&self, level: u8) -> &[Digest] {
        self.levels.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// How many levels have an unfinished tile, or had one.
    pub fn levels(&self) -> u8 {
        u8::try_from(self.levels.len()).unwrap_or(u8::MAX)
    }

    /// The root over all leaves.
    pub fn root(&self) -> Digest {
        self.edge.root()
    }
}
