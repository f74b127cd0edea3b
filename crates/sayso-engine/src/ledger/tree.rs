//! The tree as it lies in the store: tiles, and the leaves that fill none yet.

use std::collections::HashMap;

use sayso_ledger::Digest;
use sayso_ledger::tile::{HEIGHT, Kind, Rim, Tile, WIDTH, root};
use sayso_ledger::tree::{Node, cover, fold};
use sayso_store::{Store, StoreError, TileRow};

/// Reads the tree from a store.
#[derive(Clone, Copy)]
pub(super) struct Tree<'a>(pub(super) &'a dyn Store);

impl Tree<'_> {
    /// The first `width` hashes of a tile.
    pub(super) async fn row(
        self,
        level: u8,
        place: u64,
        width: usize,
    ) -> Result<Vec<Digest>, StoreError> {
        let mut rows = self.rows(&[(level, place, width)]).await?;
        Ok(rows.remove(&(level, place)).unwrap_or_default())
    }

    /// The first hashes of several tiles: as many of each as is asked for.
    async fn rows(
        self,
        wanted: &[(u8, u64, usize)],
    ) -> Result<HashMap<(u8, u64), Vec<Digest>>, StoreError> {
        let keys: Vec<_> = wanted.iter().map(|(level, place, _)| (*level, *place)).collect();
        let kept = self.0.tiles(&keys).await?;
        let kept =
            kept.into_iter().map(|TileRow { level, place, hashes }| ((level, place), hashes));
        let mut rows: HashMap<_, _> = kept.collect();
        for &(level, place, width) in wanted {
            let row = rows.entry((level, place)).or_default();
            // The last leaves fill no tile yet.
            if row.len() < width && level == 0 {
                *row = self.0.leaves(place * WIDTH + 1, width).await?;
            }
            if row.len() < width {
                let lost = format!("tile {level}/{place} of the ledger's tree lacks hashes");
                return Err(StoreError::Corrupt(lost));
            }
            row.truncate(width);
        }
        Ok(rows)
    }

    /// The roots of these subtrees of the tree of `size`.
    pub(super) async fn nodes(
        self,
        nodes: impl Iterator<Item = Node>,
        size: u64,
    ) -> Result<HashMap<Node, Digest>, StoreError> {
        let placed: Vec<_> = nodes.map(|node| (node, Tile::of(node, size))).collect();
        let key = |tile: &Tile| match tile.kind {
            Kind::Hashes(level) => (level, tile.index, usize::from(tile.width)),
            Kind::Entries => (0, tile.index, usize::from(tile.width)),
        };
        let mut wanted: Vec<_> = placed.iter().map(|(_, (tile, _))| key(tile)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let rows = self.rows(&wanted).await?;
        let found = placed.into_iter().filter_map(|(node, (tile, range))| {
            let (level, place, _) = key(&tile);
            Some((node, root(rows.get(&(level, place))?.get(range)?)))
        });
        Ok(found.collect())
    }

    /// The root over the first `size` leaves, of the at least as many that are sealed.
    pub(super) async fn root(self, size: u64) -> Result<Digest, StoreError> {
        let nodes = cover(0, size);
        let found = self.nodes(nodes.iter().copied(), size).await?;
        let roots: Vec<_> = nodes.iter().filter_map(|node| found.get(node).copied()).collect();
        Ok(fold(&roots))
    }

    /// The rim of the sealed tree of `size`.
    pub(super) async fn rim(self, size: u64) -> Result<Rim, StoreError> {
        let (mut levels, mut count, mut level) = (Vec::new(), size, 0);
        while count > 0 {
            let width = usize::try_from(count % WIDTH).unwrap_or(0);
            levels.push(match width {
                0 => Vec::new(),
                width => self.row(level, count / WIDTH, width).await?,
            });
            (count, level) = (count >> HEIGHT, level + 1);
        }
        let fits = || StoreError::Corrupt("the ledger's tree has other tiles than its size".into());
        Rim::new(size, levels).ok_or_else(fits)
    }
}
