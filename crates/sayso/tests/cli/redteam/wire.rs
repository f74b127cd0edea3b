//! Below HTTP: requests that two readers would read differently, addresses that lead elsewhere,
//! and more than anybody should send.

use serde_json::{Value, json};

use super::raw::{
    address, bytes, bytes_and_hang_up, call, decide, log_in, now, parse, propose, send,
};
use crate::server::{Server, Setup};

#[test]
fn a_request_that_two_readers_would_cut_differently_hides_no_second_one() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let asked = propose(&server, &bot, &json!({"action": {"tool": "drop"}}));
    let said = json!({"decision": "approve", "digest": asked["digest"]}).to_string();
    // What would be smuggled: a decision, with the credential of somebody whose requests pass the
    // same proxy. It must never be answered as a request of its own.
    let hidden = format!(
        "POST {}/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ana}\r\n\
         Content-Length: {}\r\n\r\n{said}",
        address(&asked),
        said.len()
    );
    let after = hidden.len();
    let first = "POST /v1/escalations HTTP/1.1\r\nHost: x\r\n";
    let ambiguous = [
        format!("{first}Content-Length: 0\r\nContent-Length: {after}\r\n\r\n{hidden}"),
        format!("{first}Content-Length: 0, {after}\r\n\r\n{hidden}"),
        format!("{first}Content-Length: +0\r\n\r\n{hidden}"),
        format!("{first}Content-Length: -1\r\n\r\n{hidden}"),
        format!("{first}Content-Length: 0x0\r\n\r\n{hidden}"),
        format!("{first}Content-Length : 0\r\n\r\n{hidden}"),
        format!("{first}Content-Length\r\n: 0\r\n\r\n{hidden}"),
        format!("{first}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{first}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{first}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{first}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!(
            "{first}Content-Length: {after}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
        ),
    ];
    for request in ambiguous {
        let answer = bytes(&server, request.as_bytes());
        let answers = String::from_utf8_lossy(&answer).matches("HTTP/1.1 ").count();
        assert!(answers <= 1, "{request:?} got {answers} answers");
        assert_eq!(now(&server, &bot, &asked)["state"], "pending", "{request:?}");
    }
}

#[test]
fn headers_that_are_no_headers_are_refused() {
    let server = Server::start();
    let ana = server.reviewer("ana");
    let bad = [
        format!("GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\r\n {ana}\r\n\r\n"),
        format!("GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \0{ana}\r\n\r\n"),
        format!("GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthor\u{131}zation: Bearer {ana}\r\n\r\n"),
        format!("GET /v1/me HTTP/9.9\r\nHost: x\r\nAuthorization: Bearer {ana}\r\n\r\n"),
        format!("GET /v1/me x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ana}\r\n\r\n"),
        format!("GET /v1/me\tHTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ana}\r\n\r\n"),
        format!("GET /v1/me HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(500)),
        format!("GET /v1/me HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(1 << 20)),
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1 << 20)),
    ];
    for request in bad {
        let answer = bytes(&server, request.as_bytes());
        let shown = request.chars().take(80).collect::<String>();
        // Closing without a word is a refusal, too.
        if !answer.is_empty() {
            let status = parse(&answer).status;
            assert!(matches!(status, 400 | 414 | 431), "{status} for {shown:?}");
        }
    }
    assert_eq!(call(&server, &ana, "GET", "/v1/me", &Value::Null).status, 200, "it still answers");
}

#[test]
fn an_address_has_one_spelling_and_leads_to_one_place() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let asked = propose(&server, &bot, &json!({"action": {"tool": "drop"}}));
    let id = asked["id"].as_str().unwrap();
    let said = json!({"decision": "approve", "digest": asked["digest"]});
    let elsewhere = [
        format!("/v1/escalations/{id}/decisions/"),
        format!("//v1/escalations/{id}/decisions"),
        format!("/v1//escalations/{id}/decisions"),
        format!("/v1/escalations/{id}%2fdecisions"),
        format!("/v1/escalations/{id}/decisions;x=y"),
        format!("/v1/escalations/{id}/decisions%00"),
        format!("/V1/escalations/{id}/decisions"),
        format!("/v1/./escalations/{id}/decisions"),
        format!("/healthz/../v1/escalations/{id}/decisions"),
        format!("/inbox/assets/..%2f..%2fv1/escalations/{id}/decisions"),
    ];
    for path in elsewhere {
        let answer = call(&server, &ana, "POST", &path, &said);
        assert!(matches!(answer.status, 400 | 404 | 405), "{path}: {answer:?}");
    }
    let files = [
        "/inbox/assets/../../sayso.db",
        "/inbox/assets/..%2f..%2fsayso.db",
        "/inbox/assets/%2e%2e/policy.toml",
        "/inbox/assets/..%5c..%5csayso.db",
        "/inbox/assets//etc/passwd",
        "/problems/..%2f..%2fetc%2fpasswd",
        "/sayso.db",
        "/.git/config",
    ];
    for path in files {
        let answer = send(&server, "GET", path, &[], "");
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert!(!answer.text.contains("SQLite") && !answer.text.contains("root:"));
    }
    assert_eq!(now(&server, &bot, &asked)["version"], asked["version"]);
}

#[test]
fn too_much_is_refused_and_the_server_goes_on() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let asked = propose(&server, &bot, &json!({"action": {"tool": "drop"}}));
    let drop = |arguments: Value| json!({"action": {"tool": "drop", "arguments": arguments}});
    let wide: serde_json::Map<_, _> = (0..60_000).map(|n| (format!("k{n}"), json!(0))).collect();
    let bodies = [drop(json!({"a": "x".repeat(1 << 20)})), drop(Value::Object(wide))];
    for body in &bodies {
        call(&server, &bot, "POST", "/v1/escalations", body).refused(413, "too-large", "at most");
    }
    let mut deep = json!(0);
    (0..63).for_each(|_| deep = json!([deep]));
    let answer = call(&server, &bot, "POST", "/v1/escalations", &drop(json!({"d": deep})));
    answer.refused(400, "bad-json", "64");
    let batch = json!({"items": vec![json!({"action": {"tool": "note"}}); 101]});
    let answer = call(&server, &bot, "POST", "/v1/escalations/batch", &batch);
    answer.refused(400, "bad-request", "must have 1 to 100");
    // A length that nobody will ever send, and one that is a lie.
    let lie = format!(
        "POST /v1/escalations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {bot}\r\n\
         content-length: {}\r\n\r\n",
        u64::MAX
    );
    let answer = bytes_and_hang_up(&server, lie.as_bytes());
    assert!(answer.is_empty() || matches!(parse(&answer).status, 400 | 413 | 431), "{answer:?}");
    let cookie = log_in(&server, "ana");
    let form = format!("comment={}", "x".repeat(600 * 1024));
    let path = format!("/inbox/{}/decisions", asked["id"].as_str().unwrap());
    send(&server, "POST", &path, &[("cookie", &cookie)], &form)
        .page(413, "A form may have at most");
    assert_eq!(decide(&server, &ana, &asked, "deny").json()["outcome"], "denied");
}

#[test]
fn no_number_is_too_large_for_an_answer() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    propose(&server, &bot, &json!({"action": {"tool": "drop"}}));
    let most = u64::MAX.to_string();
    let signed = i64::MAX.to_string();
    for number in [&*most, &signed, "9223372036854775808", "4294967296", "0", "-1", "1e3", "0x1"] {
        let paths = [
            format!("/v1/ledger/entries?from={number}"),
            format!("/v1/ledger/entries?from=1&limit={number}"),
            format!("/v1/ledger/bodies?from={number}"),
            format!("/v1/ledger/bodies?from={number}&limit={number}"),
            format!("/v1/ledger/proof/inclusion?index={number}"),
            format!("/v1/ledger/proof/inclusion?index=0&size={number}"),
            format!("/v1/ledger/proof/consistency?old={number}"),
            format!("/v1/ledger/proof/consistency?old={number}&new={number}"),
            format!("/v1/ledger/tile/{number}/000"),
            format!("/v1/ledger/tile/0/x999/x999/x999/x999/x999/x999/999.p/{number}"),
            format!("/v1/escalations?limit={number}"),
        ];
        for path in paths {
            let answer = call(&server, &ana, "GET", &path, &Value::Null);
            assert!(answer.status < 500, "{path}: {answer:?}");
        }
    }
    assert_eq!(call(&server, &ana, "GET", "/v1/me", &Value::Null).status, 200);
}

#[test]
fn what_one_sends_spoils_nothing_for_the_others_on_postgresql() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = Some(runtime.block_on(sayso_testkit::postgres::database()));
    let server = Setup { database, ..Setup::default() }.start();
    let (bot, eve, ana) = (server.agent("bot"), server.agent("eve"), server.reviewer("ana"));
    // What databases stumble over: a zero character, quotes, the ends of what they know.
    let odd = "\u{0}'; DROP TABLE ledger; --\\\u{10ffff}\u{fffe}\u{202e}";
    let drop = json!({"tool": "drop", "arguments": {odd: odd}, "resource": odd});
    let poison = json!({"action": drop, "message": odd, "context": {odd: odd}});
    std::thread::scope(|scope| {
        // At the same time as others, so that they share commits with it.
        let others = scope.spawn(|| {
            (0..40).for_each(|_| drop_one(&server, &bot));
        });
        for _ in 0..20 {
            let asked = propose(&server, &eve, &poison);
            let path = format!("{}/decisions", address(&asked));
            let said = json!({"decision": "deny", "digest": asked["digest"], "comment": odd});
            assert_eq!(call(&server, &ana, "POST", &path, &said).status, 200);
            let halt = json!({"tool": "merge", "reason": odd});
            assert_eq!(call(&server, &ana, "POST", "/v1/halts", &halt).status, 201);
        }
        others.join().unwrap();
    });
    let read = call(&server, &eve, "GET", "/v1/escalations", &Value::Null).json();
    assert_eq!(read["items"][0]["action"]["arguments"][odd], odd);
}

fn drop_one(server: &Server, key: &str) {
    propose(server, key, &json!({"action": {"tool": "drop"}}));
}
