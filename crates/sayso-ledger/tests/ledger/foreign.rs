//! Another's implementation (`tlog_tiles`, `signed_note`) reads our heads and tiles, checks them,
//! and makes and checks proofs from them.

use std::collections::HashMap;

use sayso_ledger::proof::Plan;
use sayso_ledger::tile::{Kind, Rim, Tile, decode, encode, root};
use sayso_ledger::{Checkpoint, Digest, SigningKey};
use tlog_tiles::{
    Hash, HashReader, TileHashReader, TileReader, check_record, check_tree, prove_record,
    prove_tree,
};

use crate::trees::leaves;

/// Tiles by the path that they are served under.
struct Served(HashMap<String, Vec<u8>>);

impl Served {
    fn tree(size: u64) -> (Self, Digest) {
        let (mut rim, mut full) = (Rim::default(), Vec::new());
        leaves(size).into_iter().for_each(|leaf| rim.push(leaf, &mut full));
        let mut tiles: HashMap<_, _> =
            full.iter().map(|(tile, hashes)| (tile.to_string(), encode(hashes))).collect();
        for tile in Tile::all(size) {
            if let (Kind::Hashes(level), 1..256) = (tile.kind, tile.width) {
                tiles.insert(tile.to_string(), encode(rim.level(level)));
            }
        }
        (Self(tiles), rim.root())
    }
}

impl TileReader for Served {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        // Theirs names the height first, ours leaves it out, as the specification does.
        let path = |tile: &tlog_tiles::Tile| tile.path().replacen("tile/8/", "tile/", 1);
        Ok(tiles.iter().map(|tile| self.0[&path(tile)].clone()).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

#[test]
fn anothers_checker_accepts_our_tiles_and_proofs() {
    for size in [1, 2, 255, 256, 257, 700, 66_000] {
        let (served, head) = Served::tree(size);
        let theirs = Hash(*head.as_bytes());
        let reader = TileHashReader::new(size, theirs, &served);
        for index in [0, size / 2, size - 1] {
            let proof = prove_record(size, index, &reader).unwrap();
            let leaf = leaves(size)[usize::try_from(index).unwrap()];
            check_record(&proof, size, theirs, index, Hash(*leaf.as_bytes())).unwrap();
            let ours = Plan::inclusion(index, size).unwrap();
            let ours = ours.proof(|node| {
                let (tile, range) = Tile::of(node, size);
                Ok::<_, ()>(root(&decode(&served.0[&tile.to_string()])[range]))
            });
            let ours: Vec<_> = ours.unwrap().iter().map(|hash| Hash(*hash.as_bytes())).collect();
            assert_eq!(ours, proof, "{index} of {size}");
        }
        for old in [1, size / 3 + 1, size] {
            let proof = prove_tree(size, old, &reader).unwrap();
            let before = Hash(*Served::tree(old).1.as_bytes());
            check_tree(&proof, size, theirs, old, before).unwrap();
        }
    }
}

#[test]
fn anothers_checker_refuses_a_tile_with_one_bit_changed() {
    // A power of two: of other sizes it counts roots where it should count tiles, and leaves the
    // first ones below them unchecked.
    let (mut served, head) = Served::tree(512);
    served.0.get_mut("tile/0/001").unwrap()[40] ^= 1;
    let reader = TileHashReader::new(512, Hash(*head.as_bytes()), &served);
    assert!(reader.read_hashes(&[tlog_tiles::stored_hash_index(0, 300)]).is_err());
}

#[test]
fn anothers_checker_accepts_our_signed_heads() {
    use signed_note::{StandardVerifier, VerifierList};
    let key = SigningKey::of_log(&[7; 32]);
    let head =
        Checkpoint { origin: key.public().name().into(), size: 700, root: Served::tree(700).1 };
    let note = signed_note::Note::from_bytes(head.sign(&key).as_bytes()).unwrap();
    let verifier = StandardVerifier::new(&key.public().to_string()).unwrap();
    let (known, _) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!(known.len(), 1);
    let read = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((read.origin(), read.size()), (head.origin.as_str(), 700));
    assert_eq!(read.hash().0, *head.root.as_bytes());
}
