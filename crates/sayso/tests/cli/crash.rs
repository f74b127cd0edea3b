//! `kill -9`, then look: what was acknowledged is there. The bench does the same under load.

use crate::server::{Server, json};

fn survives(database: Option<String>) {
    let mut server = Server::on(tempfile::tempdir().unwrap(), database, "127.0.0.1:0");
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    for round in 0..5 {
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
