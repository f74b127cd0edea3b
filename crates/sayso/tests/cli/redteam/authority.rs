//! Credentials where they don't belong: each call of the contract, with each wrong one.

use serde_json::{Value, json};

use super::raw::{call, cookie, decide, log_in, login_path, now, propose, send};
use crate::server::Server;

/// A call of the contract: method, path with everything filled in, and who may make it.
struct Operation {
    method: String,
    path: String,
    callers: Vec<String>,
}

impl Operation {
    fn is_for(&self, caller: &str) -> bool {
        self.callers.iter().any(|found| found == caller)
    }
}

/// Every call that the server documents, about that escalation.
fn operations(server: &Server, id: &str) -> Vec<Operation> {
    let document = send(server, "GET", "/openapi.json", &[], "").json();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let callers = operation["security"].as_array().into_iter().flatten();
            let callers = callers.flat_map(|caller| caller.as_object().unwrap().keys().cloned());
            let path = path.split('/').map(|part| if part == "{id}" { id } else { part });
            let path = path.map(|part| if part.starts_with('{') { "ana" } else { part });
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.collect::<Vec<_>>().join("/"),
                callers: callers.collect(),
            });
        }
    }
    assert!(found.len() > 15, "the contract has more calls than that");
    found
}

fn drop_it(server: &Server, key: &str) -> Value {
    propose(server, key, &json!({"action": {"tool": "drop", "arguments": {"table": "users"}}}))
}

#[test]
fn an_agents_key_opens_no_call_that_is_for_people() {
    let server = Server::start();
    let (bot, _) = (server.agent("bot"), server.reviewer("ana"));
    let asked = drop_it(&server, &bot);
    let mut tried = 0;
    for operation in operations(&server, asked["id"].as_str().unwrap()) {
        if !operation.is_for("reviewer") || operation.is_for("agent") {
            continue;
        }
        let Operation { method, path, .. } = &operation;
        let body = json!({"decision": "approve", "digest": asked["digest"], "reason": ""});
        call(&server, &bot, method, path, &body).refused(
            403,
            "forbidden",
            "an agent never decides",
        );
        tried += 1;
    }
    assert!(tried >= 4, "decisions, halts, their lifting, and the ledger are for people");
    assert_eq!(now(&server, &bot, &asked)["version"], asked["version"]);
}

#[test]
fn a_persons_token_opens_no_call_that_is_for_agents() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let asked = drop_it(&server, &bot);
    let mut tried = 0;
    for operation in operations(&server, asked["id"].as_str().unwrap()) {
        if operation.is_for("agent") && !operation.is_for("reviewer") {
            let Operation { method, path, .. } = &operation;
            let answer = call(&server, &ana, method, path, &json!({}));
            answer.refused(403, "forbidden", "this is for agents");
            tried += 1;
        }
    }
    assert!(tried >= 5);
    assert_eq!(now(&server, &bot, &asked)["version"], asked["version"]);
}

#[test]
fn no_other_secret_passes_for_a_bearer_token() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let asked = drop_it(&server, &bot);
    let session = log_in(&server, "ana").trim_start_matches("sayso=").to_owned();
    let login = login_path(&server, "ana").trim_start_matches("/login/").to_owned();
    let digits = ana.trim_start_matches("sayso_reviewer_");
    let false_ones = [
        session.clone(),
        login,
        // The same bytes as another kind of secret, cut short, too long, and with a stowaway.
        format!("sayso_session_{digits}"),
        format!("sayso_agent_{digits}"),
        digits.to_owned(),
        ana[..ana.len() - 2].to_owned(),
        format!("{ana}00"),
        format!("{ana}, Bearer {bot}"),
        ana.to_uppercase(),
        String::new(),
    ];
    for operation in operations(&server, asked["id"].as_str().unwrap()) {
        if operation.callers.is_empty() {
            continue;
        }
        let Operation { method, path, .. } = &operation;
        for secret in &false_ones {
            let answer = call(&server, secret, method, path, &json!({}));
            answer.refused(401, "unauthenticated", "send `Authorization: Bearer …`");
        }
        // Where else a careless server might look for one.
        let cookie = format!("sayso={session}; token={ana}");
        let asked = format!("{path}?token={ana}&access_token={ana}");
        let basic = [("authorization", &*format!("Basic {ana}"))];
        for (path, headers) in [(path, &[("cookie", &*cookie)]), (&asked, &basic)] {
            let answer = send(&server, method, path, headers, "");
            answer.refused(401, "unauthenticated", "send `Authorization: Bearer …`");
        }
    }
    assert_eq!(now(&server, &bot, &asked)["version"], asked["version"]);
}

#[test]
fn two_credentials_in_one_request_are_none() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let (bot, ana) = (format!("Bearer {bot}"), format!("Bearer {ana}"));
    for pair in [[&bot, &ana], [&ana, &bot], [&ana, &ana]] {
        // What stands in front may look at one of them, and we at the other.
        let headers = pair.map(|bearer| ("authorization", &**bearer));
        let answer = send(&server, "GET", "/v1/me", &headers, "");
        answer.refused(401, "unauthenticated", "send `Authorization: Bearer …`");
    }
}

#[test]
fn the_door_for_models_lets_in_agents_from_here_and_nobody_else() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let answer = call(&server, &ana, "POST", "/mcp", &body);
    answer.refused(403, "forbidden", "this is for agents");
    let cookie = cookie(&send(&server, "POST", &login_path(&server, "ana"), &[], ""));
    let answer = send(&server, "POST", "/mcp", &[("cookie", &cookie)], &body.to_string());
    answer.refused(401, "unauthenticated", "send `Authorization: Bearer …`");
    // A page that was given our address under another name, and one that is of another site.
    let bearer = format!("Bearer {bot}");
    for foreign in [("host", "evil.example"), ("origin", "http://evil.example")] {
        let headers = [
            ("authorization", &*bearer),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            foreign,
        ];
        let answer = send(&server, "POST", "/mcp", &headers, &body.to_string());
        assert_eq!(answer.status, 403, "{foreign:?}: {answer:?}");
    }
}

#[test]
fn who_only_reads_neither_decides_nor_halts() {
    let server = Server::start();
    let bot = server.agent("bot");
    let aud = &server.person("aud", &["auditor"]);
    let asked = drop_it(&server, &bot);
    for decision in ["approve", "deny", "take"] {
        decide(&server, aud, &asked, decision).refused(403, "forbidden", "that takes the role");
    }
    let halt = call(&server, aud, "POST", "/v1/halts", &json!({"reason": "mine"}));
    halt.refused(403, "forbidden", "that takes the role");
    let policy = json!({"policy": "default_tier = \"hard\"\n"});
    call(&server, aud, "PUT", "/v1/policy", &policy).refused(403, "forbidden", "takes the role");
    assert_eq!(now(&server, &bot, &asked)["version"], asked["version"]);
}
