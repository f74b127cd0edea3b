//! The gateway's door for many clients, by streamable HTTP.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::{Map, Value, json};

use crate::gateway::{decide, receipt};
use crate::gateway_eras::{modern, tasks};
use crate::server::Server;
use crate::upstream;

/// A gateway that listens.
struct Door {
    child: Child,
    url: String,
    notes: PathBuf,
    _folder: tempfile::TempDir,
}

/// An answer by HTTP.
#[derive(Debug)]
struct Answer {
    status: u16,
    session: Option<String>,
    body: Value,
}

impl Door {
    /// As an agent's own, before one server.
    fn start(server: &Server, key: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("notes");
        let entry = upstream::entry(&notes);
        Self::before(server, key, folder, entry)
    }

    fn before(server: &Server, key: Option<&str>, folder: tempfile::TempDir, entry: Value) -> Self {
        let notes = folder.path().join("notes");
        let file = folder.path().join("servers.json");
        let servers = Map::from_iter([("one".to_owned(), entry)]);
        std::fs::write(&file, json!({"mcpServers": servers}).to_string()).unwrap();
        let mut command = server.as_(key.unwrap_or_default());
        if key.is_none() {
            command.env_remove("SAYSO_TOKEN");
        }
        command.args(["--json", "gateway", "--grace", "0s", "--listen", "127.0.0.1:0", "--config"]);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut child = command.arg(&file).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = ready["url"].as_str().unwrap().to_owned();
        Self { child, url, notes, _folder: folder }
    }

    fn made(&self) -> Vec<Value> {
        upstream::calls(&self.notes)
    }

    fn post(&self, headers: &[(&str, &str)], body: &Value) -> Answer {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = agent
            .post(&self.url)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send(body.to_string()).unwrap();
        let session = response.headers().get("mcp-session-id");
        let session = session.map(|id| id.to_str().unwrap().to_owned());
        let text = response.body_mut().read_to_string().unwrap();
        // A stream's last event is the answer.
        let last = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
        let body = serde_json::from_str(last.unwrap_or(&text)).unwrap_or(Value::Null);
        Answer { status: response.status().as_u16(), session, body }
    }

    /// A request of the modern revision, with the headers that belong to it.
    fn ask(&self, method: &str, capabilities: &Value, params: Value) -> Answer {
        self.ask_as(&[], method, capabilities, params)
    }

    fn ask_as(
        &self,
        more: &[(&str, &str)],
        method: &str,
        capabilities: &Value,
        mut params: Value,
    ) -> Answer {
        params["_meta"] = modern(capabilities);
        let name =
            params["name"].as_str().or(params["taskId"].as_str()).unwrap_or_default().to_owned();
        let mut headers = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
        if !name.is_empty() {
            headers.push(("mcp-name", &name));
        }
        headers.extend(more);
        let frame = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.post(&headers, &frame)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn call(tool: &str, arguments: &Value) -> Value {
    json!({"name": tool, "arguments": arguments})
}

#[test]
fn a_granted_call_is_made_without_being_asked_for() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let door = Door::start(&server, Some(&key));
    let none = json!({});
    assert_eq!(door.ask("tools/call", &none, call("note", &json!({"n": 1}))).status, 200);
    let held = door.ask("tools/call", &none, call("drop", &json!({"n": 2})));
    let held = &held.body["result"]["structuredContent"];
    assert_eq!(held["status"], "pending", "{held}");
    let mut watching = server.watch(&ana);
    decide(&server, &ana, "approve", &held["escalation"]);
    watching.until("receipted", "drop");
    assert_eq!(door.made(), [json!({"n": 1}), json!({"n": 2})]);
    assert_eq!(receipt(&server, &ana, &held["escalation"]), "succeeded");
    let again = door.ask("tools/call", &none, call("drop", &json!({"n": 2})));
    assert_eq!(again.body["result"]["content"][0]["text"], "done", "what came of it was kept");
    let ids = json!({"ids": [held["escalation"]]});
    let told = door.ask("tools/call", &none, call("check_review", &ids));
    assert_eq!(told.body["result"]["content"][0]["text"], "done", "for whoever asks by its handle");
    assert_eq!(door.made().len(), 2);
    let another = door.ask("tools/call", &none, call("drop", &json!({"n": 2})));
    let another = &another.body["result"]["structuredContent"];
    assert_eq!(another["status"], "pending", "one say-so is for one call");
    assert_ne!(another["escalation"], held["escalation"]);
}

#[test]
fn a_task_is_its_agents_own() {
    let server = Server::start();
    let (bot, eve, ana) = (server.agent("bot"), server.agent("eve"), server.reviewer("ana"));
    let door = Door::start(&server, None);
    let as_bot = [("authorization", &*format!("Bearer {bot}"))];
    let as_eve = [("authorization", &*format!("Bearer {eve}"))];
    let task = door.ask_as(&as_bot, "tools/call", &tasks(), call("drop", &json!({})));
    let id = &task.body["result"]["taskId"];
    assert!(id.is_string(), "{task:?}");
    let get =
        |who: &[(&str, &str)]| door.ask_as(who, "tasks/get", &tasks(), json!({"taskId": id})).body;
    assert_eq!(get(&as_bot)["result"]["status"], "working");
    assert!(get(&as_eve)["error"]["code"].is_i64(), "it is not another agent's to see");
    decide(&server, &ana, "approve", id);
    let mut watching = server.watch(&ana);
    while get(&as_bot)["result"]["status"] == "working" {}
    assert_eq!(get(&as_bot)["result"]["result"]["content"][0]["text"], "done");
    drop(door.ask_as(&as_bot, "tools/call", &json!({}), call("note", &json!({}))));
    assert_eq!(watching.until("noted", "note")["agent"], "bot");
    // Nobody else is let in.
    assert_eq!(door.ask("tools/list", &json!({}), json!({})).status, 401);
    let wrong = [("authorization", "Bearer sayso_agent_wrong")];
    assert_eq!(door.ask_as(&wrong, "tools/list", &json!({}), json!({})).status, 401);
    let people = [("authorization", &*format!("Bearer {ana}"))];
    assert_eq!(door.ask_as(&people, "tools/list", &json!({}), json!({})).status, 401);
}

#[test]
fn a_page_of_somebody_elses_gets_nowhere() {
    let server = Server::start();
    let key = server.agent("bot");
    let door = Door::start(&server, Some(&key));
    let list =
        |more: &[(&str, &str)]| door.ask_as(more, "tools/list", &json!({}), json!({})).status;
    assert_eq!(list(&[("host", "evil.example")]), 403);
    assert_eq!(list(&[("host", "localhost.evil.example:80")]), 403);
    assert_eq!(list(&[("origin", "http://evil.example")]), 403);
    assert_eq!(list(&[("origin", "null")]), 403);
    assert_eq!(list(&[("origin", "http://localhost:3000")]), 200);
    assert_eq!(list(&[("host", "LOCALHOST:1234")]), 200);
}

#[test]
fn headers_must_say_what_the_body_says() {
    let server = Server::start();
    let key = server.agent("bot");
    let door = Door::start(&server, Some(&key));
    let mut params = call("drop", &json!({}));
    params["_meta"] = modern(&json!({}));
    let frame = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let version = ("mcp-protocol-version", "2026-07-28");
    let method = ("mcp-method", "tools/call");
    for (headers, code) in [
        (vec![version, method, ("mcp-name", "note")], -32020),
        (vec![version, method], -32020),
        (vec![version, ("mcp-method", "tools/list"), ("mcp-name", "drop")], -32020),
        (vec![("mcp-protocol-version", "2025-11-25"), method, ("mcp-name", "drop")], -32020),
        (vec![method, ("mcp-name", "drop")], -32020),
    ] {
        let answer = door.post(&headers, &frame);
        assert_eq!(
            (answer.status, &answer.body["error"]["code"]),
            (400, &json!(code)),
            "{headers:?}"
        );
    }
    let headers = [version, method, ("mcp-name", "drop")];
    let mut bare = frame.clone();
    bare["params"]["_meta"] = json!({});
    assert_eq!(door.post(&headers, &bare).body["error"]["code"], -32602);
    let mut far = frame;
    far["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01".into();
    let far =
        door.post(&[("mcp-protocol-version", "2099-01-01"), method, ("mcp-name", "drop")], &far);
    assert_eq!((far.status, &far.body["error"]["code"]), (400, &json!(-32022)));
    assert_eq!(door.made(), [] as [Value; 0]);
}

#[test]
fn what_is_no_request_gets_a_plain_refusal_and_the_door_stays_open() {
    let server = Server::start();
    let key = server.agent("bot");
    let door = Door::start(&server, Some(&key));
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let post = |body: Vec<u8>| {
        let request = agent.post(&door.url).header("content-type", "application/json");
        let request = request.header("accept", "application/json, text/event-stream");
        request.send(&body[..]).map_or(0, |response| response.status().as_u16())
    };
    assert_eq!(post(b"{ half".to_vec()), 400);
    assert_eq!(post(b"[]".to_vec()), 400);
    assert_eq!(post(vec![0xff, 0xfe]), 400);
    // One that goes on talking may find the door shut before it has finished.
    assert!(matches!(post(vec![b' '; 17 * 1024 * 1024]), 413 | 0));
    assert_eq!(agent.get(&door.url).call().unwrap().status(), 405);
    assert_eq!(agent.post(&door.url).send("{}").unwrap().status(), 415);
    assert_eq!(door.ask("tools/list", &json!({}), json!({})).status, 200);
    let unknown = door.ask("no/such", &json!({}), json!({}));
    assert_eq!((unknown.status, &unknown.body["error"]["code"]), (404, &json!(-32601)));
}

/// Opens a session of the legacy revision.
fn open(door: &Door) -> String {
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {"elicitation": {"form": {}}},
        "clientInfo": {"name": "old", "version": "1"},
    }});
    let opened = door.post(&[], &hello);
    assert_eq!(opened.body["result"]["protocolVersion"], "2025-11-25", "{opened:?}");
    let id = opened.session.unwrap();
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(door.post(&[("mcp-session-id", &id)], &ready).status, 202);
    id
}

#[test]
fn a_session_is_opened_used_and_closed() {
    let server = Server::start();
    let key = server.agent("bot");
    let door = Door::start(&server, Some(&key));
    let id = open(&door);
    let session = [("mcp-session-id", &*id), ("mcp-protocol-version", "2025-11-25")];
    let note = json!({
        "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": call("note", &json!({"n": 1})),
    });
    let made = door.post(&session, &note);
    assert_eq!(
        (&made.body["id"], &made.body["result"]["content"][0]["text"]),
        (&json!(5), &json!("done"))
    );
    assert_eq!(door.post(&[], &note).status, 400, "a session is missing");
    assert_eq!(door.post(&[("mcp-session-id", "made-up")], &note).status, 404);
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let closed = agent.delete(&door.url).header("mcp-session-id", &id).call().unwrap();
    assert_eq!(closed.status(), 204);
    assert_eq!(door.post(&session, &note).status, 404);
}

#[test]
fn a_question_in_the_middle_of_a_call_reaches_its_stream_and_a_broken_stream_is_taken_up_again() {
    let server = Server::start();
    let key = server.agent("bot");
    let door = Door::start(&server, Some(&key));
    let id = open(&door);
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let ask = json!({
        "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": call("ask", &json!({})),
    });
    let response = agent
        .post(&door.url)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("mcp-session-id", &id)
        .send(ask.to_string())
        .unwrap();
    let mut lines = BufReader::new(response.into_body().into_reader()).lines();
    let mut place = String::new();
    let asked: Value = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some(id) = line.strip_prefix("id: ") {
            place = id.to_owned();
        }
        if let Some(Ok(frame)) = line.strip_prefix("data: ").map(serde_json::from_str) {
            break frame;
        }
    };
    assert_eq!(asked["method"], "elicitation/create");
    // The client breaks off, answers, and asks for the rest.
    drop(lines);
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "decline"}});
    assert_eq!(door.post(&[("mcp-session-id", &id)], &answer).status, 202);
    let rest = agent
        .get(&door.url)
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &id)
        .header("last-event-id", place.replace("-0", "-1"))
        .call()
        .unwrap();
    let mut lines = BufReader::new(rest.into_body().into_reader()).lines();
    let result: Value = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some(Ok(frame)) = line.strip_prefix("data: ").map(serde_json::from_str::<Value>) {
            break frame;
        }
    };
    assert_eq!(result["id"], 5, "{result}");
    assert!(result["result"]["content"][0]["text"].as_str().unwrap().contains("decline"));
}

#[test]
fn a_gateway_behind_a_gateway_is_a_server_elsewhere() {
    let server = Server::start();
    let (near, far, ana) = (server.agent("near"), server.agent("far"), server.reviewer("ana"));
    let inner = Door::start(&server, None);
    let folder = tempfile::tempdir().unwrap();
    let entry = json!({
        "type": "http", "url": inner.url, "headers": {"Authorization": format!("Bearer {far}")},
    });
    let outer = Door::before(&server, Some(&near), folder, entry);
    let none = json!({});
    let made = outer.ask("tools/call", &none, call("note", &json!({"n": 1})));
    assert_eq!(made.body["result"]["content"][0]["text"], "done", "{made:?}");
    // A legacy client's session has one of its own behind it.
    let id = open(&outer);
    let note = json!({
        "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": call("note", &json!({"n": 2})),
    });
    let made = outer.post(&[("mcp-session-id", &id)], &note);
    assert_eq!(made.body["result"]["content"][0]["text"], "done", "{made:?}");
    assert_eq!(inner.made(), [json!({"n": 1}), json!({"n": 2})]);
    // Held here, and there too: each agent has its own say-so to wait for.
    let held = outer.ask("tools/call", &none, call("drop", &json!({})));
    let id = &held.body["result"]["structuredContent"]["escalation"];
    let mut watching = server.watch(&ana);
    decide(&server, &ana, "approve", id);
    let inner_id = watching.until("proposed", "drop")["id"].clone();
    decide(&server, &ana, "approve", &inner_id);
    watching.until("receipted", "drop");
    drop(inner);
    let gone = outer.ask("tools/call", &none, call("note", &json!({"n": 3})));
    assert_eq!(gone.body["error"]["code"], -31002, "{gone:?}");
}
