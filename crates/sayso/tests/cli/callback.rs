//! Callbacks: an agent is told of an outcome, signed, until it has heard.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use serde_json::Value;

use crate::server::{Server, json};

/// An agent's door: answers each call with the next of `statuses`; the calls that came.
fn listen(statuses: &'static [u16]) -> (String, std::sync::mpsc::Receiver<(Vec<String>, Value)>) {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", door.local_addr().unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (stream, _) = door.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_owned());
            }
            let length = head.iter().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            let answer =
                format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            tell.send((head, serde_json::from_slice(&body).unwrap())).unwrap();
        }
    });
    (url, told)
}

fn header<'a>(head: &'a [String], name: &str) -> &'a str {
    let found = head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_else(|| panic!("{name} is not in {head:?}"))
}

fn an_agent_is_called_until_it_has_heard(database: Option<String>) {
    let server = Server::on(tempfile::tempdir().unwrap(), database, "127.0.0.1:0");
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let (url, told) = listen(&[500, 200, 200]);
    let set = server.beside().args(["agent", "callback", "bot", &url, "--json"]).output().unwrap();
    let secret = json(&set)["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{secret}");
    // A server that starts finds what stands in its folder.
    let server = server.kill_and_restart();

    let asked = server.as_(&bot).args(["ask", "--tool", "drop", "--detach", "--json"]).output();
    let id = json(&asked.unwrap())["id"].as_str().unwrap().to_owned();
    let denied = server.as_(&ana).args(["deny", &id]).output().unwrap();
    assert!(denied.status.success(), "{denied:?}");
    let wait = std::time::Duration::from_secs(30);
    let (first, body) = told.recv_timeout(wait).unwrap();
    assert_eq!(body["type"], "escalation.settled");
    assert_eq!((&body["data"]["id"], &body["data"]["outcome"]), (&id.into(), &"denied".into()));
    assert!(header(&first, "webhook-signature").starts_with("v1,"));
    let (second, again) = told.recv_timeout(wait).unwrap();
    assert_eq!(header(&first, "webhook-id"), header(&second, "webhook-id"), "it is the same call");
    assert_eq!(again["data"], body["data"]);
    // The ledger's head goes with each, for whoever keeps them.
    let head = body["checkpoint"].as_str().unwrap();
    let parts: Vec<_> = head.split(' ').collect();
    assert!(parts[0].starts_with("sayso-ledger-") && parts.len() == 3, "{head}");
    let size: u64 = parts[1].parse().unwrap();
    assert!(size > 0, "{head}");

    let asked = server.as_(&bot).args(["ask", "--tool", "drop", "--detach", "--json"]).output();
    let id = json(&asked.unwrap())["id"].as_str().unwrap().to_owned();
    sayso_client::Client::new(&server.url, &bot).withdraw(&id).unwrap();
    let (_, body) = told.recv_timeout(wait).unwrap();
    let outcome = (&body["data"]["id"], &body["data"]["outcome"]);
    assert_eq!(outcome, (&id.into(), &"withdrawn".into()), "others of the agent's may not know");
}

#[test]
fn an_agent_is_called_with_what_was_decided_also_after_it_did_not_hear_on_sqlite() {
    an_agent_is_called_until_it_has_heard(None);
}

#[test]
fn an_agent_is_called_with_what_was_decided_also_after_it_did_not_hear_on_postgresql() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(sayso_testkit::postgres::database());
    an_agent_is_called_until_it_has_heard(Some(database));
}

#[test]
fn an_address_that_is_none_and_an_agent_that_is_none_are_refused() {
    let server = Server::start();
    server.agent("bot");
    for (agent, url, says) in [
        ("bot", "ftp://example.org", "http"),
        ("bot", "nonsense", "http"),
        ("nobody", "https://example.org/hook", "no agent nobody"),
    ] {
        let set = server.beside().args(["agent", "callback", agent, url]).output().unwrap();
        let said = String::from_utf8_lossy(&set.stderr).into_owned();
        assert!(!set.status.success() && said.contains(says), "{said}");
    }
    let removed = server.beside().args(["agent", "callback", "bot", "--remove"]).output().unwrap();
    assert!(removed.status.success(), "{removed:?}");
}
