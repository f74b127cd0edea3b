//! `kill -9`, then look: what was acknowledged is there. The bench does the same under load.

use sayso_ledger::proof::check_consistency;
use sayso_ledger::{Checkpoint, Digest, Note};

use crate::server::{Server, json};

/// The head that a server shows.
fn head(server: &Server) -> Option<Checkpoint> {
    let mut note = ureq::get(&format!("{}/v1/ledger/checkpoint", server.url)).call().ok()?;
    let note: Note = note.body_mut().read_to_string().ok()?.parse().ok()?;
    note.text().parse().ok()
}

fn survives(database: Option<String>) {
    let mut server = Server::on(tempfile::tempdir().unwrap(), database, "127.0.0.1:0");
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut heads = Vec::new();
    for round in 0..5 {
        heads.extend(head(&server));
        let argument = format!("round={round}");
        let ask = |tool: &str| {
            let arguments = ["ask", "--tool", tool, "--arg", &argument, "--detach", "--json"];
            json(&server.as_(&bot).args(arguments).output().unwrap())
        };
        let (open, granted) = (ask("drop"), ask("drop"));
        let id = |escalation: &serde_json::Value| escalation["id"].as_str().unwrap().to_owned();
        let approve = server.as_(&ana).args(["approve", &id(&granted), "--yes"]).output().unwrap();
        assert_eq!(approve.status.code(), Some(0), "{approve:?}");
        let client = sayso_client::Client::new(&server.url, &bot);
        let before = client.get(&id(&granted), std::time::Duration::ZERO).unwrap();
        let permit = before.permit.unwrap();
        client.redeem(&permit).unwrap();

        server = server.kill_and_restart();
        let client = sayso_client::Client::new(&server.url, &bot);
        let after = |escalation| client.get(&id(escalation), std::time::Duration::ZERO).unwrap();
        assert!(after(&open).is_pending());
        assert_eq!(after(&granted).receipt.unwrap().result, "started");
        let again = client.redeem(&permit).unwrap_err().to_string();
        assert!(again.contains("a grant is used once"), "{again}");
    }
    // What was signed before each crash is a beginning of what is signed now.
    assert!(heads.len() >= 4 && heads.is_sorted_by_key(|head| head.size), "{heads:?}");
    for Checkpoint { size, root, .. } in heads {
        let path = format!("{}/v1/ledger/proof/consistency?old={size}", server.url);
        let mut proof = ureq::get(&path).header("authorization", format!("Bearer {ana}")).call();
        let proof: serde_json::Value = proof.as_mut().unwrap().body_mut().read_json().unwrap();
        let hash = |value: &serde_json::Value| value.as_str().unwrap().parse::<Digest>().unwrap();
        let hashes: Vec<_> = proof["hashes"].as_array().unwrap().iter().map(hash).collect();
        let (new, new_root) = (proof["new"].as_u64().unwrap(), hash(&proof["new_root"]));
        check_consistency(size, new, &hashes, root, new_root).unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9_on_sqlite() {
    survives(None);
}

#[test]
fn what_was_acknowledged_survives_kill_9_on_postgresql() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    survives(Some(runtime.block_on(sayso_testkit::postgres::database())));
}
