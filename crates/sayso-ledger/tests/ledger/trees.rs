//! Roots and proofs against the recursive definitions of RFC 6962, section 2.1.

use proptest::prelude::*;
use sayso_ledger::Digest;
use sayso_ledger::proof::{BadProof, Plan, check_consistency, check_inclusion};
use sayso_ledger::tile::{Rim, Tile};
use sayso_ledger::tree::{Edge, Node, leaf_hash, node_hash};

/// The inputs of the test vectors that Certificate Transparency publishes for its trees.
const INPUTS: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

pub(crate) fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|nth| leaf_hash(&nth.to_be_bytes())).collect()
}

/// MTH of RFC 6962, word for word.
fn mth(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(b""),
        [leaf] => *leaf,
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
        }
    }
}

fn root_of(leaves: &[Digest]) -> impl Fn(Node) -> Result<Digest, std::convert::Infallible> {
    move |node| {
        let width = 1 << node.height;
        let start = usize::try_from(node.index).unwrap() * width;
        Ok(mth(&leaves[start..start + width]))
    }
}

#[test]
fn roots_agree_with_the_published_vectors() {
    let mut edge = Edge::default();
    for (input, root) in INPUTS.iter().zip(ROOTS) {
        edge.push(leaf_hash(&hex::decode(input).unwrap()));
        assert_eq!(edge.root().to_string(), root, "{} leaves", edge.size());
    }
}

#[test]
fn every_proof_of_small_trees_holds_and_holds_nowhere_else() {
    let all = leaves(40);
    for size in 1..40 {
        let tree = &all[..usize::try_from(size).unwrap()];
        let root = mth(tree);
        for index in 0..size {
            let leaf = tree[usize::try_from(index).unwrap()];
            let plan = Plan::inclusion(index, size).unwrap();
            let mut proof = plan.proof(root_of(tree)).unwrap();
            assert_eq!(check_inclusion(leaf, index, size, &proof, root), Ok(()));
            for other in (0..size).filter(|other| *other != index) {
                assert!(check_inclusion(leaf, other, size, &proof, root).is_err());
            }
            proof.push(leaf);
            let longer = check_inclusion(leaf, index, size, &proof, root);
            assert_eq!(longer, Err(BadProof::Length));
        }
        for old in 1..=size {
            let proof = Plan::consistency(old, size).unwrap().proof(root_of(tree)).unwrap();
            let before = mth(&tree[..usize::try_from(old).unwrap()]);
            assert_eq!(check_consistency(old, size, &proof, before, root), Ok(()));
            let forged = check_consistency(old, size, &proof, leaf_hash(b"x"), root);
            assert_eq!(forged, Err(BadProof::Root));
        }
    }
}

#[test]
fn an_empty_proof_proves_the_only_entry_and_nothing_else() {
    let leaf = leaf_hash(b"only");
    assert_eq!(check_inclusion(leaf, 0, 1, &[], leaf), Ok(()));
    assert_eq!(check_inclusion(leaf, 0, 2, &[], leaf), Err(BadProof::Length));
    assert_eq!(check_inclusion(leaf, 1, 1, &[], leaf), Err(BadProof::OutOfRange));
    assert_eq!(check_consistency(1, 2, &[], leaf, leaf), Err(BadProof::Length));
}

#[test]
fn paths_are_those_of_the_specification_and_only_those() {
    for path in
        ["tile/3/x001/x234/067", "tile/entries/x001/000.p/5", "tile/0/000", "tile/0/000.p/1"]
    {
        assert_eq!(path.parse::<Tile>().unwrap().to_string(), path);
    }
    let bad = [
        "tile/0/0",
        "tile/00/000",
        "tile/0/x000/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/64/000",
        "tile/0/001/002",
        "tile/0/000.p/01",
        "0/000",
        "tile/0/x001",
    ];
    for path in bad {
        assert!(path.parse::<Tile>().is_err(), "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn edges_and_rims_have_the_root_of_the_definition(size in 0..1_200_u64) {
        let all = leaves(size);
        let mut rim = Rim::default();
        let mut full = Vec::new();
        all.iter().for_each(|leaf| rim.push(*leaf, &mut full));
        let root = mth(&all);
        prop_assert_eq!(all.iter().copied().collect::<Edge>().root(), root);
        prop_assert_eq!(rim.root(), root);
        let levels = (0..rim.levels()).map(|level| rim.level(level).to_vec()).collect();
        prop_assert_eq!(Rim::new(size, levels), Some(rim));
    }
}
