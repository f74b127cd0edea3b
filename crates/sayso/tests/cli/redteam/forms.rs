//! A browser that is logged in, and a page of somebody else's that uses it.

use serde_json::{Value, json};

use super::raw::{Answer, address, call, form_token, log_in, now, propose, send};
use crate::server::Server;

const FORM: &str = "application/x-www-form-urlencoded";

/// Ana's browser, logged in, and an escalation that she could approve.
struct Lured {
    server: Server,
    bot: String,
    ana: String,
    cookie: String,
    token: String,
    asked: Value,
}

impl Lured {
    fn new() -> Self {
        let server = Server::start();
        let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
        let asked = propose(&server, &bot, &json!({"action": {"tool": "drop"}}));
        let cookie = log_in(&server, "ana");
        let token = form_token(&server, &cookie);
        Self { server, bot, ana, cookie, token, asked }
    }

    /// Every form that there is, with fields that would do something.
    fn forms(&self) -> Vec<(String, String)> {
        let digest = self.asked["digest"].as_str().unwrap();
        let id = self.asked["id"].as_str().unwrap();
        let halt = json!({"tool": "merge", "reason": "in force"});
        let halt = call(&self.server, &self.ana, "POST", "/v1/halts", &halt).json();
        let halt = halt["id"].as_str().unwrap();
        vec![
            (format!("/inbox/{id}/decisions"), format!("decision=approve&digest={digest}")),
            ("/inbox/halts".into(), "scope=everything&reason=x".into()),
            (format!("/inbox/halts/{halt}/lift"), String::new()),
            ("/logout".into(), String::new()),
        ]
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut all = vec![("cookie", &*self.cookie)];
        all.extend(headers);
        send(&self.server, "POST", path, &all, body)
    }

    /// That nothing came of it: nothing decided, halted, lifted or logged out.
    fn untouched(&self) {
        assert_eq!(now(&self.server, &self.bot, &self.asked)["version"], self.asked["version"]);
        let halts = call(&self.server, &self.ana, "GET", "/v1/halts", &Value::Null).json();
        assert_eq!(halts["items"].as_array().unwrap().len(), 1, "{halts}");
        let page = send(&self.server, "GET", "/inbox", &[("cookie", &self.cookie)], "");
        assert_eq!(page.status, 200);
    }
}

#[test]
fn a_form_of_another_site_is_not_taken() {
    let lured = Lured::new();
    let foreign: &[&[(&str, &str)]] = &[
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("origin", "")],
        &[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
        &[("origin", "http://evil.example"), ("x-forwarded-host", "evil.example")],
    ];
    for (path, fields) in lured.forms() {
        for headers in foreign {
            // Even with the right token, which no other site can know.
            let fields = format!("{fields}&token={}", lured.token);
            let mut headers = headers.to_vec();
            headers.push(("content-type", FORM));
            let answer = lured.post(&path, &headers, &fields);
            answer.page(403, "That did not come from a page of this inbox");
        }
    }
    lured.untouched();
}

#[test]
fn a_form_without_this_sessions_token_is_not_taken() {
    let lured = Lured::new();
    let another = log_in(&lured.server, "ana");
    let anothers = form_token(&lured.server, &another);
    assert_ne!(anothers, lured.token);
    let cut = &lured.token[..lured.token.len() - 1];
    for (path, fields) in lured.forms() {
        for token in ["", "0", cut, &anothers, &lured.cookie, &lured.token.to_uppercase()] {
            let answer =
                lured.post(&path, &[("content-type", FORM)], &format!("{fields}&token={token}"));
            answer.page(403, "That did not come from a page of this inbox");
        }
        // In the address, a header or a cookie, where another site might get it to.
        let path = format!("{path}?token={}", lured.token);
        let headers = [("content-type", FORM), ("x-csrf-token", &*lured.token)];
        lured.post(&path, &headers, &fields).page(403, "That did not come from a page");
    }
    lured.untouched();
}

#[test]
fn json_as_plain_text_is_no_way_in() {
    let lured = Lured::new();
    let digest = &lured.asked["digest"];
    let said = json!({"decision": "approve", "digest": digest, "token": lured.token}).to_string();
    let api = format!("{}/decisions", address(&lured.asked));
    // What a form or a "simple" request of another site can be sent as.
    for kind in ["text/plain", FORM, "multipart/form-data; boundary=x", "application/json", ""] {
        let answer = lured.post(&api, &[("content-type", kind)], &said);
        // A browser's cookie is no credential here.
        answer.refused(401, "unauthenticated", "send `Authorization: Bearer …`");
        for (path, _) in lured.forms().into_iter().take(1) {
            let padded = format!("{said}=");
            lured.post(&path, &[("content-type", kind)], &padded).page(403, "Nothing was changed");
        }
    }
    let page = send(&lured.server, "GET", "/inbox", &[("cookie", &lured.cookie)], "");
    assert_eq!(page.status, 200);
    assert_eq!(now(&lured.server, &lured.bot, &lured.asked)["state"], "pending");
}

#[test]
fn no_page_can_be_framed_and_no_answer_taken_for_another_kind() {
    let lured = Lured::new();
    let id = lured.asked["id"].as_str().unwrap();
    let link = super::raw::login_path(&lured.server, "ana");
    let cookie = ("cookie", &*lured.cookie);
    let bearer = format!("Bearer {}", lured.bot);
    let bearer = ("authorization", &*bearer);
    let none = ("accept", "*/*");
    let (own, api) = (format!("/inbox/{id}"), address(&lured.asked));
    let cases: &[(&str, &str, (&str, &str), u16)] = &[
        ("GET", "/", none, 303),
        ("GET", "/login", none, 200),
        ("GET", "/inbox/keys", none, 401),
        ("POST", "/login/passkey", none, 400),
        ("GET", &link, none, 200),
        ("GET", "/login/x", none, 410),
        ("GET", "/inbox", none, 401),
        ("GET", "/inbox", cookie, 200),
        ("GET", "/inbox/halts", cookie, 200),
        ("GET", "/inbox/history", cookie, 200),
        ("GET", "/inbox/history?tier=x", cookie, 404),
        ("GET", &own, cookie, 200),
        ("GET", "/inbox/nothing", cookie, 404),
        ("POST", "/inbox/halts", cookie, 403),
        ("POST", "/inbox/halts/nothing/lift", cookie, 400),
        ("POST", "/inbox", cookie, 405),
        ("GET", "/inbox/%ff", cookie, 400),
        ("GET", "/inbox/assets/nothing", none, 404),
        ("GET", "/nothing", none, 404),
        ("PUT", "/healthz", none, 405),
        ("GET", "/healthz", none, 200),
        ("GET", "/metrics", none, 200),
        ("GET", "/openapi.json", none, 200),
        ("GET", "/problems/forbidden", none, 200),
        ("GET", "/problems/nothing", none, 404),
        ("GET", "/v1/me", none, 401),
        ("GET", &api, bearer, 200),
        ("GET", "/v1/escalations/%ff", bearer, 400),
        ("POST", "/v1/escalations", bearer, 400),
        ("POST", "/mcp", none, 401),
    ];
    for (method, path, header, status) in cases {
        let answer = send(&lured.server, method, path, &[*header], "");
        assert_eq!(answer.status, *status, "{method} {path}: {answer:?}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("frame-ancestors 'none'"), "{method} {path}: {answer:?}");
        assert!(policy.contains("default-src 'none'"), "{method} {path}: {answer:?}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{method} {path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{method} {path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{method} {path}");
    }
}

#[test]
fn no_other_method_does_what_posting_does() {
    let lured = Lured::new();
    let methods = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "POSt", "APPROVE"];
    let tricks = [("x-http-method-override", "POST"), ("x-method-override", "POST")];
    for (path, fields) in lured.forms() {
        let fields = format!("{fields}&token={}", lured.token);
        for method in methods {
            let mut headers = vec![("cookie", &*lured.cookie), ("content-type", FORM)];
            headers.extend(tricks);
            let asked = format!("{path}?_method=POST&{fields}");
            let answer = send(&lured.server, method, &asked, &headers, &fields);
            // The page with the form is what reading gets; it does nothing.
            let is_page = path == "/inbox/halts" && matches!(method, "GET" | "HEAD");
            let expected = if is_page { 200 } else { 405 };
            assert_eq!(answer.status, expected, "{method} {path}: {answer:?}");
        }
    }
    let api = format!("{}/decisions?decision=approve&_method=POST", address(&lured.asked));
    let said = json!({"decision": "approve", "digest": lured.asked["digest"]});
    for method in methods {
        let answer = call(&lured.server, &lured.ana, method, &api, &said);
        assert_eq!(answer.status, 405, "{method}: {answer:?}");
    }
    lured.untouched();
}
