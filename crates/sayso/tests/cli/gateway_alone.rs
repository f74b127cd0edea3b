//! The gateway without a server to ask: it runs one of its own, on the data folder.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::gateway::Gateway;
use crate::server::{POLICY, Server, json as printed, sayso};
use crate::upstream;

/// In front of one server, with a data folder and nothing else.
fn gateway(data: &Path, folder: tempfile::TempDir) -> Gateway {
    let mut command = sayso();
    command.arg("--data").arg(data);
    let entry = upstream::entry(&folder.path().join("notes"));
    let servers = Map::from_iter([("one".to_owned(), entry)]);
    Gateway::by(command, folder, &servers).opened()
}

fn on_data(data: &Path, token: Option<&str>, arguments: &[&str]) -> Value {
    let mut command = sayso();
    command.arg("--data").arg(data).args(arguments).arg("--json");
    if let Some(token) = token {
        command.env("SAYSO_TOKEN", token);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    printed(&output)
}

fn held(gateway: &mut Gateway, n: u8) -> String {
    let held = gateway.call("drop", json!({"n": n}))["structuredContent"].clone();
    assert_eq!(held["status"], "pending", "{held}");
    held["escalation"].as_str().unwrap().to_owned()
}

#[test]
fn what_waits_at_a_gateway_of_its_own_is_decided_by_command_and_outlives_it() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    std::fs::write(data.join("policy.toml"), POLICY).unwrap();
    let mut gateway = self::gateway(data, tempfile::tempdir().unwrap());
    assert_eq!(gateway.call("note", json!({"n": 0}))["isError"], false);
    let first = held(&mut gateway, 1);
    let log = gateway.folder.as_ref().unwrap().path().join("log");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("sayso gateway: the inbox is at http://127.0.0.1:"), "{log}");
    assert!(log.contains("sayso gateway: log in as "), "who starts it first is let in: {log}");

    let ana = on_data(data, None, &["reviewer", "add", "ana"])["token"].clone();
    let ana = ana.as_str();
    let approved = on_data(data, ana, &["approve", &first, "--yes"]);
    assert_eq!(approved["agent"], "gateway", "{approved}");
    let made = gateway.call("drop", json!({"n": 1}));
    assert_eq!(made["structuredContent"]["did"], json!({"n": 1}), "{made}");
    assert_eq!(on_data(data, ana, &["show", &first])["receipt"]["result"], "succeeded");

    let [second, third] = [2, 3].map(|n| held(&mut gateway, n));
    on_data(data, ana, &["approve", &second, "--yes"]);
    gateway.end();
    let mut gateway = self::gateway(data, gateway.folder.take().unwrap());
    let made = gateway.call("drop", json!({"n": 2}));
    assert_eq!(made["structuredContent"]["did"], json!({"n": 2}), "{made}");
    assert_eq!(held(&mut gateway, 3), third, "it waits as it did");
    on_data(data, ana, &["deny", &third]);
    let refused = gateway.call("drop", json!({"n": 3}));
    assert_eq!(refused["structuredContent"]["status"], "denied", "{refused}");
    assert_eq!(gateway.made(), [json!({"n": 0}), json!({"n": 1}), json!({"n": 2})]);

    gateway.end();
    let mut verify = sayso();
    verify.arg("--data").arg(data).args(["--json", "ledger", "verify"]);
    let report = printed(&verify.output().unwrap());
    let steps = report["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["verdict"] != "refuted"), "{report}");
}

#[test]
fn on_data_that_is_served_already_it_says_how_to_ask_that_server() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("servers.json");
    let servers = json!({"mcpServers": {"one": upstream::entry(&folder.path().join("notes"))}});
    std::fs::write(&file, servers.to_string()).unwrap();
    let refused = server.beside().args(["gateway", "--config"]).arg(&file).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("in use by another") && said.contains("SAYSO_TOKEN"), "{said}");
}
