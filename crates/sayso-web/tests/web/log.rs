//! The ledger as it is served: another's implementation checks it, and only who may reads it.

use std::collections::HashMap;

use axum::http::{StatusCode, header};
use sayso_core::credential::Role;
use sayso_ledger::tile::{Kind, Tile, unbundle};
use signed_note::{StandardVerifier, VerifierList};
use tlog_tiles::{
    Hash, TileHashReader, TileReader, check_record, check_tree, prove_record, prove_tree,
};

use crate::site::Site;

/// Tiles as they were served, by path.
struct Served(HashMap<String, Vec<u8>>);

impl TileReader for Served {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let path = |tile: &tlog_tiles::Tile| tile.path().replacen("tile/8/", "tile/", 1);
        Ok(tiles.iter().map(|tile| self.0[&path(tile)].clone()).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

/// The newest head, once it covers the ledger: its note and its size.
async fn sealed(site: &Site) -> (String, u64) {
    let mut heads = site.engine.heads();
    loop {
        let size = site.engine.ledger_size().await.unwrap();
        let head = heads.borrow_and_update().clone();
        if head.is_some_and(|head| head.checkpoint.size == size) {
            let note = site.get("/v1/ledger/checkpoint", "").await;
            assert_eq!(note.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
            return (String::from_utf8(note.body).unwrap(), size);
        }
        heads.changed().await.unwrap();
    }
}

#[tokio::test]
async fn anothers_checker_accepts_the_log_as_it_is_served() {
    let site = Site::new().await;
    let auditor = site.person("ada", Role::Auditor).await;
    for _ in 0..20 {
        site.propose("note").await;
    }
    let (early, old) = sealed(&site).await;
    for _ in 0..300 {
        site.propose("note").await;
    }
    let (note, size) = sealed(&site).await;
    assert!(size > 600, "{size}");

    // The head, with nothing but the key's line.
    let key = String::from_utf8(site.get("/v1/ledger/key", "").await.body).unwrap();
    let key = key.trim().strip_prefix("log ").unwrap();
    let root = |note: &str| {
        let note = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
        let verifier = StandardVerifier::new(key).unwrap();
        note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
        *tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap().hash()
    };
    let (before, now) = (root(&early), root(&note));

    let mut served = HashMap::new();
    let mut entries = Vec::new();
    for tile in Tile::all(size) {
        let answer = site.get(&format!("/v1/ledger/{tile}"), &auditor).await;
        assert_eq!(answer.status, StatusCode::OK, "{tile}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/octet-stream");
        let caching = "private, max-age=31536000, immutable";
        assert_eq!(answer.headers[header::CACHE_CONTROL], caching);
        if tile.kind == Kind::Entries {
            entries.extend(unbundle(&answer.body).unwrap().into_iter().map(<[u8]>::to_vec));
        }
        served.insert(tile.to_string(), answer.body);
    }
    let served = Served(served);
    let reader = TileHashReader::new(size, Hash(now.0), &served);
    for (entry, index) in entries.iter().zip(0..).step_by(37) {
        let proof = prove_record(size, index, &reader).unwrap();
        let leaf = tlog_tiles::record_hash(entry);
        check_record(&proof, size, Hash(now.0), index, leaf).unwrap();
        // Ours are the same.
        let path = format!("/v1/ledger/proof/inclusion?index={index}&size={size}");
        let ours = site.get(&path, &auditor).await.json();
        let hashes: Vec<_> = proof.iter().map(|hash| hex(&hash.0)).collect();
        assert_eq!(ours["hashes"], serde_json::json!(hashes));
        assert_eq!((&ours["root"], &ours["leaf"]), (&hex(&now.0).into(), &hex(&leaf.0).into()));
    }
    let proof = prove_tree(size, old, &reader).unwrap();
    check_tree(&proof, size, Hash(now.0), old, Hash(before.0)).unwrap();
    let path = format!("/v1/ledger/proof/consistency?old={old}");
    let ours = site.get(&path, &auditor).await.json();
    let hashes: Vec<_> = proof.iter().map(|hash| hex(&hash.0)).collect();
    assert_eq!(ours["hashes"], serde_json::json!(hashes));
    assert_eq!((&ours["old_root"], &ours["new"]), (&hex(&before.0).into(), &size.into()));
}

fn hex(bytes: &[u8; 32]) -> String {
    sayso_core::Digest::from_bytes(*bytes).to_string()
}

#[tokio::test]
async fn texts_hash_to_what_their_entries_hold() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    let (_, size) = sealed(&site).await;
    let bundle = site.get(&format!("/v1/ledger/tile/entries/000.p/{size}"), &site.ana).await.body;
    let entries = unbundle(&bundle).unwrap();
    let texts = site.get("/v1/ledger/bodies?from=0", &site.ana).await.json();
    let texts: sayso_client::wire::Bodies = serde_json::from_value(texts).unwrap();
    assert!(texts.items.iter().any(|text| text.content.contains("\"tool\":\"drop\"")), "{asked}");
    for text in &texts.items {
        let entry = sayso_ledger::leaf::Entry::parse(entries[usize::try_from(text.index).unwrap()]);
        let salt: Vec<u8> = (0..text.salt.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text.salt[at..at + 2], 16).unwrap())
            .collect();
        let hash = sayso_core::Digest::of_parts(&[&salt, text.content.as_bytes()]);
        assert_eq!(entry.unwrap().body_hash, Some(hash));
    }
    assert_eq!(site.get("/v1/ledger/bodies?from=0", &site.bot).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn heads_are_for_everybody_and_what_they_cover_for_who_reads_everything() {
    let site = Site::new().await;
    sealed(&site).await;
    for path in ["tile/entries/000.p/1", "tile/0/000.p/1", "proof/inclusion?index=0"] {
        let path = format!("/v1/ledger/{path}");
        assert_eq!(site.get(&path, "").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(site.get(&path, &site.bot).await.status, StatusCode::FORBIDDEN);
        assert_eq!(site.get(&path, &site.ana).await.status, StatusCode::OK, "{path}");
    }
    let none = site.get("/v1/ledger/checkpoint/cosigned", "").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_there_is_no_tile_or_proof_of_is_told() {
    let site = Site::new().await;
    let (_, size) = sealed(&site).await;
    assert!(size < 200);
    for path in [
        "0/000",
        "0/001",
        "1/000.p/1",
        "entries/000",
        "9/000",
        "0/0",
        "0/000.p/0",
        "0/000.p/256",
        "64/000.p/1",
        "x/000",
        "0/x001/000",
        "0/000.p/201",
        "../entries",
        "0/x18446744073709551615",
    ] {
        let answer = site.get(&format!("/v1/ledger/tile/{path}"), &site.ana).await;
        assert_eq!(answer.problem().0, 404, "{path}");
    }
    let beyond = size + 1;
    for (query, field) in [
        (format!("inclusion?index={size}"), "?index"),
        (format!("inclusion?index=0&size={beyond}"), "?size"),
        ("inclusion?index=0&size=0".into(), "?index"),
        ("inclusion?index=-1".into(), "?"),
        ("inclusion".into(), "?"),
        ("inclusion?index=0&hash=1".into(), "?"),
        (format!("consistency?old=0&new={beyond}"), "?new"),
        ("consistency?old=2&new=1".into(), "?old"),
    ] {
        let answer = site.get(&format!("/v1/ledger/proof/{query}"), &site.ana).await;
        let (status, _, named, _) = answer.problem();
        assert_eq!((status, &*named), (400, field), "{query}");
    }
}
