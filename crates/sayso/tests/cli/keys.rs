//! `sayso key`: another key for permits, under a running server.

use serde_json::Value;

use crate::server::{Server, json};

fn kids(server: &Server) -> Vec<String> {
    let client = sayso_client::Client::new(&server.url, "");
    let keys: Value = client.fetch("/.well-known/jwks.json").unwrap();
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_running_server_signs_with_the_new_key_and_verifies_with_both() {
    let server = Server::start();
    let before = kids(&server);
    let rotated = server.beside().args(["key", "rotate", "permit", "--json"]).output().unwrap();
    let new = json(&rotated)["kid"].as_str().unwrap().to_owned();
    while kids(&server).len() < 2 {
        std::thread::yield_now();
    }
    assert_eq!(kids(&server), [new.clone(), before[0].clone()]);
    let server = server.kill_and_restart();
    assert_eq!(kids(&server), [new, before[0].clone()]);
    let auditor = server.person("olga", &["auditor"]);
    let entries: Value = sayso_client::Client::new(&server.url, &auditor)
        .fetch("/v1/ledger/entries?from=1&limit=100")
        .unwrap();
    assert!(entries.to_string().contains("permit_key_added"), "{entries}");
}
