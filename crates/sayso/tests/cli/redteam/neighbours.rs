//! An agent among others: what it can see, take, spend or spoil of theirs.

use serde_json::{Value, json};

use super::raw::{address, call, decide, follow, now, propose, send};
use crate::server::{Server, Setup};

fn agents(server: &Server) -> (String, String, String) {
    (server.agent("bot"), server.agent("eve"), server.reviewer("ana"))
}

#[test]
fn what_is_anothers_does_not_exist() {
    let server = Server::start();
    let (bot, eve, ana) = agents(&server);
    let asked = propose(&server, &bot, &json!({"action": {"tool": "drop"}, "message": "secret"}));
    decide(&server, &ana, &asked, "approve");
    let path = address(&asked);
    let id = asked["id"].as_str().unwrap();
    let unknown = "/v1/escalations/019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071";
    for method_path in [("GET", path.clone()), ("POST", format!("{path}/withdraw"))] {
        let (method, path) = method_path;
        call(&server, &eve, method, &path, &Value::Null).refused(404, "not-found", "");
        // It is told in the same words as of what is not there at all.
        let theirs = call(&server, &eve, method, &path, &Value::Null).text.replace(id, "ID");
        let none =
            call(&server, &eve, method, &path.replace(&address(&asked), unknown), &Value::Null);
        let none = none.text.replace(unknown.rsplit('/').next().unwrap(), "ID");
        assert_eq!(theirs, none);
    }
    let queries =
        ["", "?agent=bot", "?state=settled", &format!("?cursor={id}"), "?agent=bot&agent=eve"];
    for query in queries {
        let page = call(&server, &eve, "GET", &format!("/v1/escalations{query}"), &Value::Null);
        assert!(!page.text.contains("secret") && !page.text.contains(id), "{query}: {page:?}");
    }
    assert_eq!(now(&server, &bot, &asked)["outcome"], "granted");
}

#[test]
fn a_stream_tells_an_agent_its_own_and_never_the_past_of_others() {
    let server = Server::start();
    let (bot, eve, _) = agents(&server);
    let asked = propose(&server, &bot, &json!({"action": {"tool": "drop"}, "message": "secret"}));
    let own = propose(&server, &eve, &json!({"action": {"tool": "drop"}, "message": "eve's"}));
    let bearer = format!("Bearer {eve}");
    for after in [None, Some("0"), Some("1")] {
        let mut headers = vec![("authorization", &*bearer)];
        headers.extend(after.map(|after| ("last-event-id", after)));
        let mut lines = follow(&server, "/v1/events", &headers);
        let seen: Vec<_> = lines.by_ref().take_while(|line| line != "event: ready").collect();
        // What happens from now on, too.
        propose(&server, &bot, &json!({"action": {"tool": "note"}, "message": "secret"}));
        propose(&server, &eve, &json!({"action": {"tool": "note"}, "message": "the end"}));
        let rest: Vec<_> = lines.take_while(|line| !line.contains("the end")).collect();
        let all = [seen, rest].concat().join("\n");
        assert!(!all.contains("secret") && !all.contains(asked["id"].as_str().unwrap()), "{all}");
        if after.is_none() {
            assert!(all.contains(own["id"].as_str().unwrap()), "{all}");
        }
    }
    for after in ["-1", "0x10", "18446744073709551616", "1 OR 1=1", ""] {
        let headers = [("authorization", &*bearer), ("last-event-id", after)];
        let answer = send(&server, "GET", "/v1/events", &headers, "");
        answer.refused(400, "bad-request", "is the `id` of an event seen before");
    }
}

#[test]
fn an_idempotency_key_of_another_agent_gives_nothing_of_its() {
    let server = Server::start();
    let (bot, eve, ana) = agents(&server);
    let body = json!({"action": {"tool": "drop"}}).to_string();
    let ask = |key: &str, body: &str| {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", &*bearer), ("idempotency-key", "deploy-42")];
        send(&server, "POST", "/v1/escalations", &headers, body)
    };
    let asked = ask(&bot, &body).json();
    decide(&server, &ana, &asked, "approve");
    let stolen = ask(&eve, &body).json();
    assert_ne!(stolen["id"], asked["id"]);
    assert_eq!((&stolen["state"], &stolen["permit"]), (&json!("pending"), &Value::Null));
    // Nor by the same call, joined.
    let join = json!({"action": {"tool": "drop"}, "join": true});
    let joined = propose(&server, &eve, &join);
    assert_ne!(joined["id"], asked["id"]);
    assert_eq!((&joined["state"], &joined["permit"]), (&json!("pending"), &Value::Null));
    // And its owner can't be made to spend it on something else.
    ask(&bot, r#"{"action":{"tool":"shell"}}"#).refused(422, "idempotency-key-reused", "");
    assert_eq!(ask(&bot, &body).json()["id"], asked["id"]);
    for odd in ["", " ", &"k".repeat(256), "caf\u{e9}"] {
        let bearer = format!("Bearer {eve}");
        let headers = [("authorization", &*bearer), ("idempotency-key", odd)];
        let answer = send(&server, "POST", "/v1/escalations", &headers, &body);
        answer.refused(400, "bad-request", "must be 1 to 255 printable ASCII characters");
    }
}

#[test]
fn an_agent_with_a_persons_name_is_no_such_person_and_spends_none_of_their_calls() {
    let server = Setup { flags: &["--rate", "2"], ..Setup::default() }.start();
    let (namesake, ana) = (server.agent("ana"), server.reviewer("ana"));
    let asked = propose(&server, &namesake, &json!({"action": {"tool": "drop"}}));
    let approve = decide(&server, &namesake, &asked, "approve");
    approve.refused(403, "forbidden", "an agent never decides");
    let me = || call(&server, &namesake, "GET", "/v1/me", &Value::Null);
    let last = (0..40).map(|_| me()).find(|answer| answer.status != 200).unwrap();
    last.refused(429, "too-many-requests", "wait a moment");
    assert_eq!(last.header("retry-after"), Some("1"));
    // However loud it is, the person with its name is heard.
    assert_eq!(decide(&server, &ana, &asked, "deny").json()["outcome"], "denied");
}

#[test]
fn names_that_only_look_like_others_are_none() {
    let server = Server::start();
    server.agent("bot");
    server.reviewer("ana");
    // Cyrillic, full width, an invisible joiner, another direction, an accent of its own.
    for name in ["\u{430}na", "ana\u{200d}", "\u{202e}ana", "ａna", "ana\u{301}", "ana\n", " ana"]
    {
        for kind in ["agent", "reviewer"] {
            let output = server.beside().args([kind, "add", name]).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{kind} {name:?}");
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.contains("letters, digits and . _ - @"), "{said}");
        }
    }
}
