//! Approvals of something else than what was seen, by fewer people than it takes.

use serde_json::{Value, json};

use super::raw::{address, call, decide, form_token, log_in, now, propose, send};
use crate::server::{Server, Setup};

const POLICY: &str = r#"
[[rule]]
tool = "drop"
tier = "hard"

[[rule]]
tool = "drop_all"
tier = "hard"
quorum = 2

[[rule]]
tool = "release"
tier = "hard"
self_approval = "never"
"#;

fn server() -> Server {
    Setup { policy: POLICY, ..Setup::default() }.start()
}

fn say(server: &Server, token: &str, about: &Value, said: &Value) -> super::raw::Answer {
    call(server, token, "POST", &format!("{}/decisions", address(about)), said)
}

#[test]
fn an_approval_of_another_digest_or_version_is_none() {
    let server = server();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let action = |table: &str| json!({"action": {"tool": "drop", "arguments": {"table": table}}});
    let (logs, users) =
        (propose(&server, &bot, &action("logs")), propose(&server, &bot, &action("users")));
    // Shown the logs, approving the users.
    let swapped = json!({"decision": "approve", "digest": logs["digest"]});
    say(&server, &ana, &users, &swapped).refused(409, "digest-moved", "");
    let later = json!({"decision": "approve", "digest": users["digest"], "version": 2});
    say(&server, &ana, &users, &later).refused(409, "version-moved", "");
    let blind = json!({"decision": "approve"});
    say(&server, &ana, &users, &blind).refused(400, "bad-request", "digest");
    // What somebody changed meanwhile is not what the first one saw.
    decide(&server, &ana, &users, "take");
    let stale = json!({"decision": "approve", "digest": users["digest"],
                       "version": users["version"]});
    say(&server, &ana, &users, &stale).refused(409, "version-moved", "");
    assert_eq!(now(&server, &bot, &users)["state"], "pending");
}

#[test]
fn an_approval_at_another_server_counts_there_alone() {
    let (here, there) = (server(), server());
    let keys = [&here, &there].map(|server| (server.agent("bot"), server.reviewer("ana")));
    let drop = json!({"action": {"tool": "drop"}});
    let asked = [propose(&here, &keys[0].0, &drop), propose(&there, &keys[1].0, &drop)];
    assert_eq!(asked[0]["digest"], asked[1]["digest"], "the very same action");
    decide(&there, &keys[1].1, &asked[0], "approve").refused(404, "not-found", "");
    assert_eq!(decide(&there, &keys[1].1, &asked[1], "approve").status, 200);
    assert_eq!(now(&here, &keys[0].0, &asked[0])["state"], "pending");
}

#[test]
fn one_person_is_one_voice_however_often_and_wherever_they_speak() {
    let server = server();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    server.reviewer("bo");
    let asked = propose(&server, &bot, &json!({"action": {"tool": "drop_all"}}));
    assert_eq!(decide(&server, &ana, &asked, "approve").json()["state"], "pending");
    decide(&server, &ana, &asked, "approve").refused(409, "already-decided", "ana");
    // Once more by the browser, in two sessions.
    for _ in 0..2 {
        let cookie = log_in(&server, "ana");
        let fields = format!(
            "decision=approve&digest={}&token={}",
            asked["digest"].as_str().unwrap(),
            form_token(&server, &cookie)
        );
        let path = format!("/inbox/{}/decisions", asked["id"].as_str().unwrap());
        let answer = send(&server, "POST", &path, &[("cookie", &cookie)], &fields);
        answer.page(409, "ana");
    }
    assert_eq!(now(&server, &bot, &asked)["state"], "pending");
}

#[test]
fn approvals_before_and_after_an_edit_never_add_up() {
    let server = server();
    let bot = server.agent("bot");
    let [ana, bo] = ["ana", "bo"].map(|name| server.reviewer(name));
    let action = json!({"tool": "drop_all", "arguments": {"table": "logs"}});
    let asked = propose(&server, &bot, &json!({"action": action}));
    decide(&server, &ana, &asked, "approve");
    let edit = json!({"decision": "approve", "digest": asked["digest"],
                      "arguments": {"table": "users"}});
    let edited = say(&server, &bo, &asked, &edit).json();
    assert_eq!(edited["state"], "pending", "ana approved something else");
    // And back: the bytes are those that ana approved, her approval is not.
    let back = json!({"decision": "approve", "digest": edited["digest"],
                      "arguments": {"table": "logs"}});
    let back = say(&server, &bo, &asked, &back).json();
    assert_eq!((&back["digest"], &back["state"]), (&asked["digest"], &json!("pending")));
}

#[test]
fn what_no_caller_may_set_is_refused_and_not_overlooked() {
    let server = server();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let asked = propose(&server, &bot, &json!({"action": {"tool": "drop"}}));
    let stowaways = [
        "outcome",
        "state",
        "basis",
        "agent",
        "rule",
        "route",
        "quorum",
        "assurance",
        "digest",
        "version",
        "decisions",
        "permit",
        "id",
        "created_at",
        "expires_at",
        "owner",
        "roles",
        "workspace",
        "__proto__",
        "constructor",
        "approved",
    ];
    for name in stowaways {
        let mut body = json!({"action": {"tool": "drop"}});
        body[name] = json!("granted");
        let answer = call(&server, &bot, "POST", "/v1/escalations", &body);
        answer.refused(400, "bad-request", name);
        let mut body = json!({"action": {"tool": "drop"}});
        body["action"][name] = json!("granted");
        let answer = call(&server, &bot, "POST", "/v1/escalations", &body);
        answer.refused(400, "bad-request", name);
    }
    for name in ["by", "reviewer", "as", "role", "at", "assurance", "quorum", "on_behalf_of"] {
        let mut body = json!({"decision": "approve", "digest": asked["digest"]});
        body[name] = json!("bo");
        say(&server, &ana, &asked, &body).refused(400, "bad-request", name);
        let mut body = json!({"tool": "merge", "reason": ""});
        body[name] = json!("bo");
        call(&server, &ana, "POST", "/v1/halts", &body).refused(400, "bad-request", name);
    }
    let (redeem, receipt) =
        ("/v1/permits/redeem", format!("/v1/permits/{}/receipt", asked["id"].as_str().unwrap()));
    let body = json!({"permit": "a.b.c", "executor": "bot"});
    call(&server, &bot, "POST", redeem, &body).refused(400, "bad-request", "executor");
    let body = json!({"result": "succeeded", "at": "2020-01-01T00:00:00Z"});
    call(&server, &bot, "POST", &receipt, &body).refused(400, "bad-request", "at");
    let twice =
        format!(r#"{{"decision":"deny","decision":"approve","digest":{}}}"#, asked["digest"]);
    let bearer = format!("Bearer {ana}");
    let path = format!("{}/decisions", address(&asked));
    let answer = send(&server, "POST", &path, &[("authorization", &bearer)], &twice);
    answer.refused(400, "bad-json", "decision");
    assert_eq!(now(&server, &bot, &asked)["version"], asked["version"]);
}

#[test]
fn who_an_agent_says_started_it_gains_nothing_by_that() {
    let server = server();
    let bot = server.agent("bot");
    let [ana, bo] = ["ana", "bo"].map(|name| server.reviewer(name));
    let release = |by: Value| {
        let body = json!({"action": {"tool": "release"}, "started_by": by});
        call(&server, &bot, "POST", "/v1/escalations", &body)
    };
    // Named, ana can't approve; she can still refuse, and nobody's voice became a louder one.
    let asked = release(json!("ana")).json();
    decide(&server, &ana, &asked, "approve").refused(403, "own-agent", "ana");
    assert_eq!(decide(&server, &ana, &asked, "deny").json()["outcome"], "denied");
    let asked = release(json!("ana")).json();
    assert_eq!(decide(&server, &bo, &asked, "approve").json()["outcome"], "granted");
    for nobody in [json!("two words"), json!(""), json!(["ana"]), json!({"name": "ana"})] {
        assert_eq!(release(nobody.clone()).status, 400, "{nobody}");
    }
    // No word of the agent's makes it somebody that decides.
    let asked = release(json!("bot")).json();
    decide(&server, &bot, &asked, "approve").refused(403, "forbidden", "an agent never decides");
}
