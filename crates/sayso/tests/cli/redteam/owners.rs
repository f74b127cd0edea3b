//! More authority than one was given: by one's role, one's token, one's agent, or the machine.

use serde_json::{Value, json};

use super::raw::{call, decide, now, propose, send};
use crate::server::{Server, json as printed};

fn people(server: &Server) -> (String, String) {
    let owner = server.person("olga", &["owner"]);
    (owner, server.reviewer("ana"))
}

#[test]
fn nobody_but_an_owner_changes_who_may_do_what() {
    let server = Server::start();
    let (_, ana) = people(&server);
    let admin = server.person("pat", &["policy_admin", "auditor"]);
    server.agent("bot");
    let calls = [
        ("POST", "/v1/people", json!({"name": "mallory", "roles": ["owner"]})),
        ("PUT", "/v1/people/ana", json!({"roles": ["owner", "reviewer"]})),
        ("PUT", "/v1/people/olga", json!({"roles": ["auditor"]})),
        ("DELETE", "/v1/people/olga", Value::Null),
        ("POST", "/v1/invitations", json!({"roles": ["owner"]})),
        ("POST", "/v1/agents", json!({"name": "puppet"})),
        ("PUT", "/v1/agents/bot", json!({"owner": "ana"})),
        ("POST", "/v1/agents/bot/keys", json!({})),
        ("DELETE", "/v1/agents/bot", Value::Null),
        (
            "PUT",
            "/v1/people/olga/cover",
            json!({"stand_in": "ana", "until": "2999-01-01T00:00:00Z"}),
        ),
    ];
    for token in [&ana, &admin] {
        for (method, path, body) in &calls {
            let answer = call(&server, token, method, path, body);
            assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
        }
        for path in ["/v1/tokens?person=olga", "/v1/sessions?person=olga"] {
            // An auditor may look, and gets no secret for it.
            let answer = call(&server, token, "GET", path, &Value::Null);
            assert!(matches!(answer.status, 200 | 403), "{path}: {answer:?}");
            assert!(!answer.text.contains("sayso_reviewer_"), "{answer:?}");
        }
    }
    let shown = call(&server, &ana, "GET", "/v1/people/ana", &Value::Null).json();
    assert_eq!(shown["roles"], json!(["reviewer"]));
}

#[test]
fn a_token_makes_no_other_that_is_good_for_more_or_for_longer() {
    let server = Server::start();
    let (olga, _) = people(&server);
    let bot = server.agent("bot");
    let asked = propose(&server, &bot, &json!({"action": {"tool": "drop"}}));
    let issue = |with: &str, body: Value| call(&server, with, "POST", "/v1/tokens", &body);
    let reads = issue(&olga, json!({"scopes": ["read"], "lasts": "1h"}));
    assert_eq!(reads.status, 201, "{reads:?}");
    let reads = reads.json()["token"].as_str().unwrap().to_owned();
    for more in [
        json!({"scopes": ["read", "administer"], "lasts": "1h"}),
        json!({"scopes": ["decide"], "lasts": "1m"}),
        json!({"scopes": ["read"], "lasts": "900d"}),
        json!({"scopes": ["read"]}),
    ] {
        let answer = issue(&reads, more.clone());
        assert_eq!(answer.status, 403, "{more}: {answer:?}");
    }
    decide(&server, &reads, &asked, "approve").refused(403, "forbidden", "");
    let halt = json!({"reason": "mine"});
    call(&server, &reads, "POST", "/v1/halts", &halt).refused(403, "forbidden", "");
    let add = json!({"name": "mallory", "roles": ["owner"]});
    call(&server, &reads, "POST", "/v1/people", &add).refused(403, "forbidden", "");
    assert_eq!(now(&server, &bot, &asked)["version"], asked["version"]);
}

#[test]
fn an_agent_proposes_nothing_but_its_own_tools_whatever_they_are_called() {
    let server = Server::start();
    let add = ["agent", "add", "bot", "--tool", "git_*", "--json"];
    let key = printed(&server.beside().args(add).output().unwrap());
    let key = key["token"].as_str().unwrap();
    for tool in ["drop", "Git_merge", "xgit_merge", "git", " git_merge", "sayso.policy.apply", "*"]
    {
        let answer =
            call(&server, key, "POST", "/v1/escalations", &json!({"action": {"tool": tool}}));
        assert!(matches!(answer.status, 400 | 403), "{tool}: {answer:?}");
    }
    propose(&server, key, &json!({"action": {"tool": "git_merge"}}));
}

#[test]
fn what_ended_opens_nothing() {
    let server = Server::start();
    let (olga, ana) = people(&server);
    let bot = server.agent("bot");
    // An invitation is no login, and works once.
    let invite = json!({"roles": ["reviewer"]});
    let invited = call(&server, &olga, "POST", "/v1/invitations", &invite).json();
    let link = invited["invite_url"].as_str().unwrap().trim_start_matches(&server.url).to_owned();
    let secret = link.trim_start_matches("/join/");
    send(&server, "POST", &format!("/login/{secret}"), &[], "").page(410, "This link is spent");
    let answer = call(&server, secret, "GET", "/v1/me", &Value::Null);
    answer.refused(401, "unauthenticated", "send `Authorization: Bearer …`");
    // A person who was removed, an agent that was ended: from the next call on.
    assert_eq!(call(&server, &olga, "DELETE", "/v1/people/ana", &Value::Null).status, 204);
    assert_eq!(call(&server, &olga, "DELETE", "/v1/agents/bot", &Value::Null).status, 204);
    for gone in [&ana, &bot] {
        let answer = call(&server, gone, "GET", "/v1/me", &Value::Null);
        answer.refused(401, "unauthenticated", "send `Authorization: Bearer …`");
    }
}

#[test]
fn whoever_the_operator_lets_in_the_ledger_says_that_it_was_the_operator() {
    let server = Server::start();
    let (olga, _) = people(&server);
    server.reviewer("mallory");
    let ledger = call(&server, &olga, "GET", "/v1/ledger/entries", &Value::Null).json();
    let told = ledger["items"].as_array().unwrap().iter();
    let told = told.map(|item| item["event"].to_string()).find(|event| event.contains("mallory"));
    let told = told.unwrap();
    assert!(told.contains("operator"), "{told}");
    // With the trust in the log that an auditor has, and nothing else.
    let key = send(&server, "GET", "/v1/ledger/key", &[], "").text;
    let trust = server.data().join("trust.policy");
    std::fs::write(&trust, format!("{}\nquorum none\n", key.trim())).unwrap();
    let mut verify = server.beside();
    let output = verify.args(["ledger", "verify", "--trust"]).arg(trust).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for told in
        ["the operator added mallory as reviewer; nobody else", "the operator made a token of"]
    {
        assert!(said.contains(told), "{told:?} is not in {said}");
    }
}
