//! Both revisions on both sides of the gateway, translated where they differ.

use serde_json::{Map, Value, json};

use crate::gateway::{Gateway, decide, receipt, until};
use crate::server::Server;
use crate::upstream;

/// What a modern client says with each request.
pub(crate) fn modern(capabilities: &Value) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    })
}

pub(crate) fn tasks() -> Value {
    json!({"extensions": {"io.modelcontextprotocol/tasks": {}}})
}

/// A gateway on pipes whose client has said nothing yet, before a server of either revision.
fn gateway(server: &Server, key: &str, is_modern: bool) -> Gateway {
    let folder = tempfile::tempdir().unwrap();
    let mut entry = upstream::entry(&folder.path().join("notes"));
    if is_modern {
        entry["env"][upstream::MODERN] = "1".into();
    }
    let servers = Map::from_iter([("one".to_owned(), entry)]);
    Gateway::unopened(server, key, folder, &servers)
}

fn ask(gateway: &mut Gateway, method: &str, capabilities: &Value, params: Value) -> Value {
    let mut params = params;
    params["_meta"] = modern(capabilities);
    let answer = gateway.ask(method, &params);
    assert!(answer.get("error").is_none(), "{answer}");
    answer["result"].clone()
}

#[test]
fn a_modern_client_finds_an_old_server_modern() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = gateway(&server, &key, false);
    let none = json!({});
    let found = ask(&mut gateway, "server/discover", &none, json!({}));
    assert_eq!(found["supportedVersions"], json!(["2026-07-28"]));
    assert!(found["capabilities"]["extensions"]["io.modelcontextprotocol/tasks"].is_object());
    assert_eq!(found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "fixture");
    let listed = ask(&mut gateway, "tools/list", &none, json!({}));
    assert_eq!(
        (&listed["resultType"], &listed["cacheScope"]),
        (&json!("complete"), &json!("private"))
    );
    let result =
        ask(&mut gateway, "tools/call", &none, json!({"name": "note", "arguments": {"n": 1}}));
    assert_eq!(
        (&result["resultType"], &result["content"][0]["text"]),
        (&json!("complete"), &json!("done"))
    );
    assert_eq!(gateway.made(), [json!({"n": 1})]);
}

#[test]
fn an_old_servers_tool_is_held_as_a_task() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = gateway(&server, &key, false);
    let call = json!({"name": "drop", "arguments": {"table": "users"}});
    let task = ask(&mut gateway, "tools/call", &tasks(), call);
    assert_eq!((&task["resultType"], &task["status"]), (&json!("task"), &json!("working")));
    let id = &task["taskId"];
    let get = |gateway: &mut Gateway| ask(gateway, "tasks/get", &tasks(), json!({"taskId": id}));
    assert_eq!(get(&mut gateway)["status"], "working");
    let without = gateway.ask("tasks/get", &json!({"taskId": id, "_meta": modern(&json!({}))}));
    assert_eq!(without["error"]["code"], -32021);
    decide(&server, &ana, "approve", id);
    let done = loop {
        let task = get(&mut gateway);
        if task["status"] != "working" {
            break task;
        }
    };
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(done["result"]["content"][0]["text"], "done");
    assert_eq!(get(&mut gateway)["result"], done["result"], "it is kept");
    assert_eq!(gateway.made(), [json!({"table": "users"})]);
    assert_eq!(receipt(&server, &ana, id), "succeeded");
}

#[test]
fn a_refused_task_is_completed_with_an_error_and_a_withdrawn_one_cancelled() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = gateway(&server, &key, false);
    let held = |gateway: &mut Gateway, n: u32| {
        let call = json!({"name": "drop", "arguments": {"n": n}});
        ask(gateway, "tools/call", &tasks(), call)["taskId"].clone()
    };
    let (refused, withdrawn) = (held(&mut gateway, 1), held(&mut gateway, 2));
    decide(&server, &ana, "deny", &refused);
    let task = ask(&mut gateway, "tasks/get", &tasks(), json!({"taskId": refused}));
    assert_eq!((&task["status"], &task["result"]["isError"]), (&json!("completed"), &json!(true)));
    ask(&mut gateway, "tasks/cancel", &tasks(), json!({"taskId": withdrawn}));
    let task = ask(&mut gateway, "tasks/get", &tasks(), json!({"taskId": withdrawn}));
    assert_eq!(task["status"], "cancelled");
    assert_eq!(gateway.made(), [] as [Value; 0]);
}

#[test]
fn a_servers_own_task_goes_by_the_handle_of_the_call_that_it_is() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = gateway(&server, &key, true);
    let held = |gateway: &mut Gateway, n: u32| {
        let call = json!({"name": "drop", "arguments": {"as_task": true, "n": n}});
        ask(gateway, "tools/call", &tasks(), call)["taskId"].clone()
    };
    let get = |gateway: &mut Gateway, id: &Value| {
        let mut task = json!({"status": "working"});
        while task["status"] == "working" {
            task = ask(gateway, "tasks/get", &tasks(), json!({"taskId": id}));
        }
        assert_eq!(&task["taskId"], id);
        task
    };
    let id = held(&mut gateway, 1);
    decide(&server, &ana, "approve", &id);
    let asks = get(&mut gateway, &id);
    assert_eq!(asks["status"], "input_required");
    assert_eq!(asks["inputRequests"]["name"]["params"]["message"], "Your name?");
    assert_eq!(asks["ttlMs"], 60_000, "it is told as the server tells it");
    let answers = json!({"taskId": id, "inputResponses": {"name": {"action": "accept"}}});
    ask(&mut gateway, "tasks/update", &tasks(), answers);
    let done = get(&mut gateway, &id);
    assert_eq!(
        (&done["status"], &done["result"]["content"][0]["text"]),
        (&json!("completed"), &json!(r#"{"action":"accept"}"#))
    );
    until(|| receipt(&server, &ana, &id) == "succeeded");

    let id = held(&mut gateway, 2);
    decide(&server, &ana, "approve", &id);
    get(&mut gateway, &id);
    ask(&mut gateway, "tasks/cancel", &tasks(), json!({"taskId": id}));
    assert_eq!(get(&mut gateway, &id)["status"], "cancelled");
    until(|| receipt(&server, &ana, &id) == "unknown");
}

#[test]
fn an_old_servers_question_reaches_a_modern_client_as_an_answer_and_comes_back() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = gateway(&server, &key, false);
    let can = json!({"elicitation": {"form": {}}});
    let call = json!({"name": "ask", "arguments": {}});
    let asked = ask(&mut gateway, "tools/call", &can, call.clone());
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let (key, question) = asked["inputRequests"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(
        (&question["method"], &question["params"]["message"]),
        (&json!("elicitation/create"), &json!("Your name?"))
    );
    let answer = json!({"action": "accept", "content": {"name": "Ada"}});
    let mut again = call.clone();
    again["requestState"] = asked["requestState"].clone();
    again["inputResponses"] = json!({key: answer});
    let result = ask(&mut gateway, "tools/call", &can, again.clone());
    assert_eq!(result["content"][0]["text"], answer.to_string());
    // Each state is good for one answer, and none is made up.
    for state in [asked["requestState"].clone(), json!("x"), json!({"a": 1})] {
        again["requestState"] = state;
        again["_meta"] = modern(&can);
        assert_eq!(gateway.ask("tools/call", &again)["error"]["code"], -32602);
    }
    // One that can't be asked is not; the server hears that.
    let result = ask(&mut gateway, "tools/call", &json!({}), call);
    assert_eq!(result["content"][0]["text"], json!({"action": "cancel"}).to_string());
}

#[test]
fn a_legacy_client_finds_a_modern_server_as_it_knows_servers() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = gateway(&server, &key, true);
    let opened = gateway.ask(
        "initialize",
        &json!({
            "protocolVersion": "2025-06-18", "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "old", "version": "1"},
        }),
    );
    let opened = &opened["result"];
    assert_eq!(
        (&opened["protocolVersion"], &opened["serverInfo"]["name"]),
        (&json!("2025-06-18"), &json!("modern")),
        "{opened}"
    );
    gateway.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!(gateway.ask("ping", &json!({}))["result"], json!({}));
    assert_eq!(gateway.call("note", json!({"n": 1}))["content"][0]["text"], "done");
    assert_eq!(gateway.made(), [json!({"n": 1})]);
    // Its question comes in the middle of the call.
    let call = json!({"name": "ask", "arguments": {}});
    gateway.send(
        &json!({"jsonrpc": "2.0", "id": "c", "method": "tools/call", "params": call}).to_string(),
    );
    let asked = gateway.receive();
    assert_eq!(
        (&asked["method"], &asked["params"]["message"]),
        (&json!("elicitation/create"), &json!("Your name?"))
    );
    let answer = json!({"action": "accept", "content": {"name": "Ada"}});
    gateway.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": answer}).to_string());
    let result = gateway.receive();
    assert_eq!(
        (&result["id"], &result["result"]["content"][0]["text"]),
        (&json!("c"), &json!(answer.to_string()))
    );
}

#[test]
fn a_modern_server_behind_a_modern_client_needs_no_translation() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = gateway(&server, &key, true);
    let none = json!({});
    // Without any opening.
    let held = ask(&mut gateway, "tools/call", &none, json!({"name": "drop", "arguments": {}}));
    assert_eq!(
        (&held["resultType"], &held["structuredContent"]["status"]),
        (&json!("complete"), &json!("pending"))
    );
    decide(&server, &ana, "approve", &held["structuredContent"]["escalation"]);
    let done = ask(&mut gateway, "tools/call", &none, json!({"name": "drop", "arguments": {}}));
    assert_eq!(done["content"][0]["text"], "done", "{done}");
}

#[test]
fn people_are_rung_once_and_what_is_answered_at_the_door_decides_nothing() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = gateway(&server, &key, false);
    let can = json!({"elicitation": {"url": {}}});
    let call = json!({"name": "drop", "arguments": {}});
    let rung = ask(&mut gateway, "tools/call", &can, call.clone());
    assert_eq!(rung["resultType"], "input_required", "{rung}");
    let ring = &rung["inputRequests"]["decide"]["params"];
    let (url, id) = (ring["url"].as_str().unwrap(), ring["elicitationId"].as_str().unwrap());
    assert_eq!((&ring["mode"], url), (&json!("url"), &*format!("{}/inbox/{id}", server.url)));
    let mut again = call.clone();
    again["requestState"] = rung["requestState"].clone();
    again["inputResponses"] = json!({"decide": {"action": "accept"}});
    for call in [again, call] {
        let held = ask(&mut gateway, "tools/call", &can, call);
        assert_eq!(held["structuredContent"]["status"], "pending", "{held}");
        assert_eq!(held["structuredContent"]["escalation"], id);
    }
    assert_eq!(gateway.made(), [] as [Value; 0]);
}

#[test]
fn a_subscription_hears_that_the_policy_describes_tools_anew() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = gateway(&server, &key, false);
    let none = json!({});
    ask(&mut gateway, "tools/list", &none, json!({}));
    let params = json!({
        "notifications": {"toolsListChanged": true, "x": true}, "_meta": modern(&none),
    });
    gateway.send(
        &json!({"jsonrpc": "2.0", "id": "sub", "method": "subscriptions/listen", "params": params})
            .to_string(),
    );
    let acknowledged = gateway.receive();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(acknowledged["params"]["notifications"], json!({"toolsListChanged": true}));
    let policy = server.data().join("test-policy.toml");
    let stricter =
        std::fs::read_to_string(&policy).unwrap().replace("tool = \"note\"", "tool = \"n\"");
    std::fs::write(&policy, stricter).unwrap();
    let told = gateway.receive();
    assert_eq!(told["method"], "notifications/tools/list_changed");
    assert_eq!(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "sub");
    // Taken back, it ends without a word; the gateway goes on.
    gateway.send(
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"sub"}}"#,
    );
    ask(&mut gateway, "tools/list", &none, json!({}));
}

#[test]
fn a_server_that_ended_is_started_again_and_opened_as_before() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = gateway(&server, &key, false);
    let none = json!({});
    let call = json!({"name": "die", "arguments": {}});
    let held = ask(&mut gateway, "tools/call", &none, call.clone());
    let id = &held["structuredContent"]["escalation"];
    decide(&server, &ana, "approve", id);
    // Not before a second has passed since it was started.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let mut gone = call;
    gone["_meta"] = modern(&none);
    assert_eq!(gateway.ask("tools/call", &gone)["error"]["code"], -31001);
    let result =
        ask(&mut gateway, "tools/call", &none, json!({"name": "note", "arguments": {"n": 1}}));
    assert_eq!(result["content"][0]["text"], "done");
    assert_eq!(gateway.made().len(), 2);
    assert_eq!(receipt(&server, &ana, id), "unknown");
}
