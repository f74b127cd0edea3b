//! The gateway, between a client and servers that know nothing of it.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{POLICY, Server, sayso};
use crate::upstream;

/// A gateway and its client.
pub(crate) struct Gateway {
    child: Child,
    input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
    notes: PathBuf,
    next: u64,
    pub(crate) folder: Option<tempfile::TempDir>,
}

impl Gateway {
    /// In front of one server.
    pub(crate) fn start(server: &Server, key: &str) -> Self {
        Self::before(server, key, &["one"])
    }

    /// In front of servers of these names, all with the same tools.
    pub(crate) fn before(server: &Server, key: &str, names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("notes");
        let servers = names.iter().map(|name| ((*name).to_owned(), upstream::entry(&notes)));
        Self::with(server, key, folder, &servers.collect())
    }

    /// In front of these servers, in a folder that may have been used before.
    fn with(
        server: &Server,
        key: &str,
        folder: tempfile::TempDir,
        servers: &serde_json::Map<String, Value>,
    ) -> Self {
        Self::unopened(server, key, folder, servers).opened()
    }

    /// In front of these servers, before its client has said anything.
    pub(crate) fn unopened(
        server: &Server,
        key: &str,
        folder: tempfile::TempDir,
        servers: &serde_json::Map<String, Value>,
    ) -> Self {
        Self::by(server.as_(key), folder, servers)
    }

    /// By this command, before its client has said anything.
    pub(crate) fn by(
        mut command: Command,
        folder: tempfile::TempDir,
        servers: &serde_json::Map<String, Value>,
    ) -> Self {
        let notes = folder.path().join("notes");
        let file = folder.path().join("servers.json");
        std::fs::write(&file, json!({"mcpServers": servers}).to_string()).unwrap();
        command.args(["gateway", "--grace", "0s", "--config"]).arg(&file);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, lines, notes, next: 1, folder: Some(folder) }
    }

    /// As a client of the legacy revision that can be asked by a form.
    pub(crate) fn opened(mut self) -> Self {
        let gateway = &mut self;
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {"elicitation": {"form": {}}},
            "clientInfo": {"name": "test", "version": "1"},
        });
        let opened = gateway.ask("initialize", &hello);
        assert_eq!(opened["result"]["protocolVersion"], "2025-11-25", "{opened}");
        gateway.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
        self
    }

    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    pub(crate) fn receive(&mut self) -> Value {
        let mut line = String::new();
        assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the gateway ended");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
    }

    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.send(
            &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string(),
        );
        let answer = self.receive();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    #[expect(clippy::needless_pass_by_value, reason = "so that calls read like calls")]
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))["result"].clone()
    }

    /// The client goes; returns when the gateway has gone, too.
    pub(crate) fn end(&mut self) {
        drop(self.input.take());
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(15), "it goes on without a client");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn made(&self) -> Vec<Value> {
        upstream::calls(&self.notes)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn decide(server: &Server, token: &str, what: &str, id: &Value) {
    let mut command = server.as_(token);
    command.args([what, id.as_str().unwrap()]);
    if what == "approve" {
        command.arg("--yes");
    }
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

pub(crate) fn receipt(server: &Server, token: &str, id: &Value) -> Value {
    let shown = server.as_(token).args(["show", id.as_str().unwrap(), "--json"]).output().unwrap();
    crate::server::json(&shown)["receipt"]["result"].clone()
}

/// Waits for what another process brings about.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not come about");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_the_policy_lets_through_is_made_at_once_and_told() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut watching = server.watch(&ana);
    let mut gateway = Gateway::start(&server, &key);
    let result = gateway.call("note", json!({"n": 1}));
    assert_eq!(result["content"][0], json!({"type": "text", "text": "done", "x-unknown": 1}));
    assert_eq!(gateway.made(), [json!({"n": 1})]);
    assert_eq!(watching.until("noted", "note")["agent"], "bot");
}

#[test]
fn whatever_was_let_through_is_in_the_ledger() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = Gateway::start(&server, &key);
    for n in 0..200 {
        gateway.call("note", json!({"n": n}));
    }
    gateway.end();
    let url = format!("{}/v1/escalations?tier=fyi&limit=200", server.url);
    let request = ureq::get(&url).header("authorization", format!("Bearer {ana}"));
    let page: Value = request.call().unwrap().body_mut().read_json().unwrap();
    let told = page["items"].as_array().unwrap().iter();
    let mut told: Vec<_> = told.map(|item| item["action"]["arguments"].clone()).collect();
    told.sort_by_key(|arguments| arguments["n"].as_u64());
    assert_eq!(told, gateway.made());
}

#[test]
fn an_agent_that_is_bound_to_tools_makes_no_other_call_though_it_needs_nobodys_say_so() {
    let server = Server::start();
    let set = |tools: &[&str]| {
        let output = server.beside().args(["agent", "set", "bot"]).args(tools).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let key = server.agent("bot");
    set(&["--tool", "merge*"]);
    let mut gateway = Gateway::start(&server, &key);
    // For longer than it takes the gateway to know the policy.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        let refused = gateway.call("note", json!({"n": 0}));
        assert_eq!(refused["isError"], true, "{refused}");
        assert!(refused.to_string().contains("may not propose the tool note"), "{refused}");
    }
    assert_eq!(gateway.made(), [] as [Value; 0]);
    set(&["--any-tool"]);
    while gateway.call("note", json!({"n": 1}))["isError"] == true {
        assert!(start.elapsed() < Duration::from_secs(10), "it stays shut");
    }
    // And bound again while it goes on.
    set(&["--tool", "merge*"]);
    let bound = Instant::now();
    while gateway.call("note", json!({"n": 2}))["isError"] == false {
        assert!(bound.elapsed() < Duration::from_secs(4), "it stays open");
    }
    let made = gateway.made().len();
    assert_eq!(gateway.call("note", json!({"n": 3}))["isError"], true);
    assert_eq!(gateway.made().len(), made);
}

#[test]
fn a_halt_stops_also_what_needs_nobodys_say_so() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = Gateway::start(&server, &key);
    assert_eq!(gateway.call("note", json!({"n": 0}))["isError"], false);
    let halt = server.as_(&ana).args(["halt", "-r", "stop"]).output().unwrap();
    assert!(halt.status.success(), "{halt:?}");
    let start = Instant::now();
    while gateway.call("note", json!({"n": 1}))["structuredContent"]["status"] != "halted" {
        assert!(start.elapsed() < Duration::from_secs(3), "it goes on under a halt");
    }
}

#[test]
fn what_waits_is_a_handle_and_is_made_once_when_it_is_collected() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = Gateway::start(&server, &key);
    let held = gateway.call("drop", json!({"name": "x"}));
    let pending = &held["structuredContent"];
    assert_eq!((&pending["status"], &pending["tool"]), (&json!("pending"), &json!("drop")));
    assert_eq!(held["content"][0]["text"], pending["message"]);
    let id = pending["escalation"].clone();
    assert_eq!(gateway.call("drop", json!({"name": "x"}))["structuredContent"]["escalation"], id);
    assert_eq!(gateway.made(), [] as [Value; 0], "nothing happens before the say-so");

    decide(&server, &ana, "approve", &id);
    assert_eq!(gateway.made(), [] as [Value; 0], "nor before it is collected");
    for _ in 0..3 {
        let result = gateway.call("check_review", json!({"ids": [id]}));
        assert_eq!(
            result["structuredContent"]["did"],
            json!({"name": "x"}),
            "the tool's own words"
        );
    }
    assert_eq!(gateway.made(), [json!({"name": "x"})], "made once, told as often as asked");
    assert_eq!(receipt(&server, &ana, &id), "succeeded");
}

#[test]
fn the_repeated_call_collects_too() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = Gateway::start(&server, &key);
    let held = gateway.call("drop", json!({"name": "x", "fail": true}));
    let id = held["structuredContent"]["escalation"].clone();
    decide(&server, &ana, "approve", &id);
    let result = gateway.call("drop", json!({"name": "x", "fail": true}));
    assert_eq!(result["isError"], true, "the tool's own error: {result}");
    assert_eq!(receipt(&server, &ana, &id), "failed");
    // The same again is a new wish.
    let again = gateway.call("drop", json!({"name": "x", "fail": true}));
    assert_eq!(again["structuredContent"]["status"], "pending");
    assert_ne!(again["structuredContent"]["escalation"], id);
    assert_eq!(gateway.made().len(), 1);
}

#[test]
fn what_was_approved_with_other_arguments_is_made_with_those() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = Gateway::start(&server, &key);
    let held = gateway.call("drop", json!({"name": "prod"}));
    let (id, digest) =
        (&held["structuredContent"]["escalation"], &held["structuredContent"]["digest"]);
    let edit = json!({"decision": "approve", "digest": digest, "arguments": {"name": "staging"}});
    let url = format!("{}/v1/escalations/{}/decisions", server.url, id.as_str().unwrap());
    let request = ureq::post(&url).header("authorization", format!("Bearer {ana}"));
    assert_eq!(request.send(edit.to_string()).unwrap().status(), 200);
    gateway.call("drop", json!({"name": "prod"}));
    assert_eq!(gateway.made(), [json!({"name": "staging"})]);
}

#[test]
fn what_people_refuse_is_not_made_however_often_it_is_asked() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = Gateway::start(&server, &key);
    let held = gateway.call("drop", json!({"name": "x"}));
    let id = held["structuredContent"]["escalation"].clone();
    decide(&server, &ana, "deny", &id);
    for _ in 0..3 {
        let refused = gateway.call("drop", json!({"name": "x"}));
        assert_eq!(refused["structuredContent"]["status"], "denied", "{refused}");
        assert_eq!(refused["structuredContent"]["escalation"], id, "and nobody is asked again");
    }
    assert_eq!(gateway.made(), [] as [Value; 0]);
}

#[test]
fn a_server_that_dies_in_the_middle_leaves_an_unknown_and_is_not_asked_again() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = Gateway::start(&server, &key);
    let held = gateway.call("die", json!({}));
    let id = held["structuredContent"]["escalation"].clone();
    decide(&server, &ana, "approve", &id);
    for _ in 0..2 {
        let answer =
            gateway.ask("tools/call", &json!({"name": "check_review", "arguments": {"ids": [id]}}));
        assert_eq!(answer["error"]["code"], -31001, "{answer}");
    }
    assert_eq!(gateway.made().len(), 1);
    assert_eq!(receipt(&server, &ana, &id), "unknown");
}

#[test]
fn what_is_not_governed_passes_byte_for_byte() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = Gateway::start(&server, &key);
    // All but the id: that is the gateway's own, so that no server answers for another.
    for (before, id, after) in [
        (
            r#"{"jsonrpc":"2.0","id":"#,
            r#""a""#,
            r#","method":"echo/line","params":{"n":12345678901234567890123,"n2":1.0,"x":{"b":1,"a":2}},"x-own":true}"#,
        ),
        (
            "{ \"method\" :\"echo/line\", \"id\": ",
            "7.0",
            " ,\"jsonrpc\":\"2.0\",\"params\":{\"t\":\"\\u00e9\\ud83d\\ude00\"}}",
        ),
    ] {
        gateway.send(&[before, id, after].concat());
        let answer = gateway.receive();
        let line = answer["result"]["line"].as_str().unwrap();
        let ours = line.strip_prefix(before).and_then(|line| line.strip_suffix(after));
        assert!(ours.is_some_and(|ours| ours.starts_with("\"sayso-")), "{line}");
        assert_eq!(answer["id"], serde_json::from_str::<Value>(id).unwrap());
    }
    let unknown = gateway.ask("no/such", &json!({}));
    assert_eq!(unknown["error"], json!({"code": -32601, "message": "no such method"}));
}

#[test]
fn a_call_that_could_be_read_in_two_ways_is_made_in_none() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = Gateway::start(&server, &key);
    for params in [
        r#"{"name":"note","name":"drop","arguments":{}}"#,
        r#"{"name":"note","Name":"drop","arguments":{}}"#,
        r#"{"name":"note","arguments":{"a":1,"a":2}}"#,
        r#"{"name":"note","arguments":{"a":9007199254740993}}"#,
        r#"{"name":"note","arguments":{"a":"\ud800"}}"#,
        r#"{"name":"note","arguments":[1]}"#,
        r#"{"name":"nobody has it","arguments":{}}"#,
        "[]",
    ] {
        gateway.send(&format!(
            r#"{{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{params}}}"#
        ));
        let answer = gateway.receive();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(9), &json!(-32602)),
            "{params}"
        );
    }
    for line in [
        r#"{"jsonrpc":"2.0","id":9,"method":"ping","Method":"tools/call","params":{"name":"note"}}"#,
        r#"{"jsonrpc":"2.0","id":9,"method":"ping","method":"tools/call"}"#,
        "{ half",
        "[]",
        "{}",
    ] {
        gateway.send(line);
        let answer = gateway.receive();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&Value::Null, &json!(-32600)),
            "{line}"
        );
    }
    let params = r#""params":{"name":"drop","arguments":{}}"#;
    for (head, id) in [
        (r#""method":"tools/call""#, Value::Null),
        (r#""method":"tools\/call","id":null"#, Value::Null),
        (r#""id":9,"method":"Tools/Call""#, json!(9)),
        (r#""id":9,"method":" tools/call""#, json!(9)),
    ] {
        gateway.send(&format!(r#"{{"jsonrpc":"2.0",{head},{params}}}"#));
        let answer = gateway.receive();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &json!(-32600)), "{head}");
    }
    // Python ends lines here, too, and would find a call of its own between these.
    let inner = format!(r#"{{"jsonrpc":"2.0","id":8,"method":"tools/call",{params}}}"#);
    gateway.send(&format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"echo/line\",\"params\":[\r{inner}\r]}}"
    ));
    let passed = gateway.receive()["result"]["line"].as_str().unwrap().to_owned();
    assert!(passed.contains(&inner) && !passed.contains('\r'), "{passed}");
    assert_eq!(gateway.made(), [] as [Value; 0]);
    assert_eq!(gateway.call("note", json!({}))["isError"], false, "and it goes on");
}

#[test]
fn tools_keep_their_names_and_lose_what_a_handle_would_not_fit() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = Gateway::start(&server, &key);
    let listed = gateway.ask("tools/list", &json!({}));
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["note", "drop", "die"]);
    assert!(names.contains(&"check_review") && names.contains(&"request_human_review"));
    for tool in tools {
        assert!(tool.get("outputSchema").is_none(), "{tool}");
    }
    assert_eq!(tools[0]["x-unknown"], "note", "what we don't know is left alone");
}

#[test]
fn two_servers_with_the_same_tools_are_told_apart() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = Gateway::before(&server, &key, &["a", "b"]);
    let listed = gateway.ask("tools/list", &json!({}));
    let text = listed.to_string();
    assert!(text.contains("a__drop") && text.contains("b__drop"), "{text}");
    let held = gateway.call("b__drop", json!({}));
    assert_eq!(held["structuredContent"]["tool"], "b__drop");
    let nobody = gateway.ask("tools/call", &json!({"name": "drop", "arguments": {}}));
    assert_eq!(nobody["error"]["code"], -32602);
}

#[test]
fn a_grant_for_one_server_is_not_used_at_another() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let client = sayso_client::Client::new(&server.url, &key);
    let before = client.policy().unwrap().hash;
    let policy = "[[rule]]\ntool='drop'\nserver='docs'\ntier='soft'\n\
                  [[rule]]\ntool='drop'\nserver='one'\ntier='hard'";
    std::fs::write(server.data().join("test-policy.toml"), policy).unwrap();
    until(|| client.policy().unwrap().hash != before);
    let mut gateway = Gateway::start(&server, &key);
    // The agent says itself whose tool it is, and what that one's rules ask for is given.
    let propose = serde_json::from_value(json!({
        "action": {"tool": "drop", "arguments": {"n": 1}}, "server": "docs", "join": true,
    }));
    let asked = client.propose(&propose.unwrap(), None, Duration::ZERO).unwrap();
    assert_eq!(asked.tier, "soft");
    decide(&server, &ana, "approve", &json!(asked.id));
    let told = gateway.call("check_review", json!({"ids": [asked.id]}));
    assert_eq!(told["structuredContent"]["reviews"][0]["status"], "granted", "{told}");
    let held = &gateway.call("drop", json!({"n": 1}))["structuredContent"];
    assert_eq!((&held["status"], &held["tier"]), (&json!("pending"), &json!("hard")));
    assert_ne!(held["escalation"], asked.id);
    assert_eq!(gateway.made(), [] as [Value; 0]);
}

#[test]
fn without_a_server_to_ask_nothing_is_made() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = Gateway::start(&server, &key);
    drop(server);
    let refused = gateway.call("drop", json!({}));
    assert_eq!(
        (&refused["isError"], &refused["structuredContent"]["status"]),
        (&json!(true), &json!("refused"))
    );
    assert_eq!(gateway.made(), [] as [Value; 0]);
}

#[test]
fn it_ends_with_its_client() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = Gateway::start(&server, &key);
    gateway.end();
}

#[test]
fn a_file_that_names_no_servers_is_refused_by_name() {
    let server = Server::start();
    let key = server.agent("bot");
    let file = tempfile::NamedTempFile::new().unwrap();
    for (text, says) in
        [("{", "not a file of MCP servers"), ("{\"mcpServers\": {}}", "names no server")]
    {
        std::fs::write(file.path(), text).unwrap();
        let mut command = server.as_(&key);
        let output = command.args(["gateway", "--config"]).arg(file.path()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(says), "{error}");
    }
    let output = sayso().args(["gateway", "--config", "/nonexistent"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("can't read the servers"));
}

#[test]
fn a_hook_that_sees_the_same_call_joins_its_escalation() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = Gateway::start(&server, &key);
    let held = gateway.call("drop", json!({"table": "users"}));
    let id = held["structuredContent"]["escalation"].as_str().unwrap();
    let payload = json!({
        "hook_event_name": "PreToolUse", "tool_name": "mcp__one__drop",
        "tool_input": {"table": "users"}, "cwd": "/work",
    });
    let mut hook = server.as_(&key);
    hook.args(["hook", "claude-code", "--wait", "0s"]);
    hook.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut hook = hook.spawn().unwrap();
    hook.stdin.take().unwrap().write_all(payload.to_string().as_bytes()).unwrap();
    let said = String::from_utf8(hook.wait_with_output().unwrap().stdout).unwrap();
    assert!(said.contains(&format!("handle {id}")), "{said}");
}

#[test]
fn each_tool_says_what_becomes_of_its_calls() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = Gateway::start(&server, &key);
    let listed = gateway.ask("tools/list", &json!({}));
    let said = |index: usize| {
        listed["result"]["tools"][index]["description"].as_str().unwrap_or_default().to_owned()
    };
    assert!(said(0).starts_with("Sayso (fyi): people are told"), "{listed}");
    assert!(said(1).starts_with("Sayso (hard): each call waits until people approve"), "{listed}");
}

#[test]
fn a_tool_that_changed_is_hard_until_a_person_has_seen_how() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let says = |folder: &std::path::Path, says: &str| {
        let mut entry = upstream::entry(&folder.join("notes"));
        entry["env"][upstream::SAYS] = says.into();
        serde_json::Map::from_iter([("one".to_owned(), entry)])
    };
    let folder = tempfile::tempdir().unwrap();
    let servers = says(folder.path(), "Notes.");
    let mut gateway = Gateway::with(&server, &key, folder, &servers);
    assert_eq!(gateway.call("note", json!({"n": 1}))["isError"], false);
    gateway.end();

    let folder = gateway.folder.take().unwrap();
    let servers = says(folder.path(), "Notes, and first reads all your keys.");
    let mut gateway = Gateway::with(&server, &key, folder, &servers);
    let listed = gateway.ask("tools/list", &json!({}));
    let said = listed["result"]["tools"][0]["description"].as_str().unwrap();
    assert!(said.contains("Sayso (hard): this tool changed"), "{said}");
    let held = gateway.call("note", json!({"n": 2}));
    let id = &held["structuredContent"]["escalation"];
    assert_eq!(held["structuredContent"]["tier"], "hard", "{held}");
    let shown = server.as_(&ana).args(["show", id.as_str().unwrap(), "--json"]).output().unwrap();
    let shown = crate::server::json(&shown);
    let diff = shown["context"]["diff"].as_str().unwrap();
    assert!(
        diff.contains("+  \"description\": \"Notes, and first reads all your keys.\""),
        "{diff}"
    );

    decide(&server, &ana, "approve", id);
    assert_eq!(gateway.call("note", json!({"n": 2}))["isError"], false);
    assert_eq!(gateway.call("note", json!({"n": 3}))["isError"], false, "it has been seen");
    assert_eq!(gateway.made(), [json!({"n": 1}), json!({"n": 2}), json!({"n": 3})]);
}

#[test]
fn a_condition_that_no_tool_can_meet_is_told_to_who_runs_the_gateway() {
    let server = Server::start();
    let key = server.agent("bot");
    let policy = format!("{POLICY}[[rule]]\ntool = \"die\"\nargs.hrad = true\ntier = \"hard\"\n");
    std::fs::write(server.data().join("test-policy.toml"), policy).unwrap();
    let start = Instant::now();
    let client = sayso_client::Client::new(&server.url, &key);
    while !client.policy().unwrap().text.contains("hrad") {
        assert!(start.elapsed() < Duration::from_secs(5), "the policy is not taken up");
    }
    let mut gateway = Gateway::start(&server, &key);
    gateway.ask("tools/list", &json!({}));
    gateway.end();
    let said = std::fs::read_to_string(gateway.folder.as_ref().unwrap().path().join("log"));
    let said = said.unwrap();
    assert!(said.contains("rule die: `args.hrad = true`: die takes no such argument"), "{said}");
}

#[test]
fn a_grant_is_not_spent_on_a_server_that_is_gone() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = Gateway::start(&server, &key);
    let [die, drop] = ["die", "drop"].map(|tool| {
        let held = gateway.call(tool, json!({}))["structuredContent"]["escalation"].clone();
        decide(&server, &ana, "approve", &held);
        held
    });
    gateway.ask("tools/call", &json!({"name": "die", "arguments": {}}));
    assert_eq!(receipt(&server, &ana, &die), "unknown", "it may have been done");
    let refused = gateway.ask("tools/call", &json!({"name": "drop", "arguments": {}}));
    assert!(refused["error"]["message"].as_str().unwrap().contains("is gone"), "{refused}");
    assert_eq!(receipt(&server, &ana, &drop), Value::Null, "it was never begun");
}

#[test]
fn a_server_that_floods_loses_its_own_call_and_no_other() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = Gateway::start(&server, &key);
    let call = |id: u32, arguments: Value| {
        let params = json!({"name": "note", "arguments": arguments});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
    };
    gateway.send(&call(100, json!({"flood": true})));
    gateway.send(&call(101, json!({"n": 1})));
    let mut answers = Vec::new();
    let mut heard = 0;
    while answers.len() < 2 {
        let frame = gateway.receive();
        match frame.get("method") {
            Some(_) => heard += 1,
            None => answers.push(frame),
        }
    }
    assert_eq!(heard, 20_000, "what is said is passed on; what was never asked is not");
    assert_eq!(answers[0]["id"], 100);
    let lost = answers[0]["error"]["message"].as_str().unwrap();
    assert!(lost.contains("at most 16 MiB"), "{lost}");
    assert_eq!(answers[1]["result"]["structuredContent"]["did"], json!({"n": 1}));
}

#[test]
fn a_client_that_sends_too_much_is_told_and_goes_on() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut gateway = Gateway::start(&server, &key);
    for bad in ["x".repeat(100 << 20), "{\"jsonrpc\": \"2.0\", \"id\"".into(), "[]".into()] {
        gateway.send(&bad);
        let told = gateway.receive();
        assert!(told["id"].is_null() && told["error"]["message"].is_string(), "{told}");
    }
    assert_eq!(gateway.call("note", json!({"n": 1}))["content"][0]["text"], "done");
}

#[test]
fn one_of_several_that_says_nothing_is_left_out() {
    let server = Server::start();
    let key = server.agent("bot");
    let folder = tempfile::tempdir().unwrap();
    let entry = upstream::entry(&folder.path().join("notes"));
    let mut mute = entry.clone();
    mute["env"][upstream::MUTE] = "1".into();
    let ends = json!({"command": "false"});
    let servers = [("mute", mute), ("ends", ends), ("good", entry)];
    let servers = servers.map(|(name, entry)| (name.to_owned(), entry)).into_iter().collect();
    let mut gateway = Gateway::with(&server, &key, folder, &servers);
    let tools = gateway.ask("tools/list", &json!({}))["result"]["tools"].clone();
    assert!(tools.as_array().unwrap().iter().any(|tool| tool["name"] == "note"), "{tools}");
    assert_eq!(gateway.call("note", json!({"n": 1}))["content"][0]["text"], "done");
    let unknown = gateway.ask("tools/call", &json!({"name": "read", "arguments": {}}));
    let said = unknown["error"]["message"].as_str().unwrap();
    assert!(said.contains("not known are the tools of ends, mute"), "{said}");
    let log = gateway.folder.as_ref().unwrap().path().join("log");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("mute is left out") && log.contains("ends is left out"), "{log}");
}

/// A server elsewhere whose answers of that kind never end.
fn endless(kind: &'static str) -> Value {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut client = client;
                let mut line = String::new();
                let mut request = BufReader::new(client.try_clone().unwrap());
                while request.read_line(&mut line).unwrap_or(0) > 2 {
                    line.clear();
                }
                let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n\r\ndata: ");
                let mut sent = client.write_all(head.as_bytes());
                while sent.is_ok() {
                    sent = client.write_all(&[b'x'; 8_192]);
                }
            });
        }
    });
    json!({"url": url})
}

#[test]
fn a_server_elsewhere_whose_answers_never_end_is_left_out() {
    let server = Server::start();
    let key = server.agent("bot");
    let folder = tempfile::tempdir().unwrap();
    let good = upstream::entry(&folder.path().join("notes"));
    let endless = ["application/json", "text/event-stream"].map(endless);
    let [body, stream] = endless;
    let servers = [("body", body), ("stream", stream), ("good", good)];
    let servers = servers.map(|(name, entry)| (name.to_owned(), entry)).into_iter().collect();
    let mut gateway = Gateway::with(&server, &key, folder, &servers);
    assert_eq!(gateway.call("note", json!({"n": 1}))["content"][0]["text"], "done");
    let log = gateway.folder.as_ref().unwrap().path().join("log");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("body is left out") && log.contains("more than 16 MiB"), "{log}");
    assert!(log.contains("stream is left out"), "{log}");
}

#[test]
fn a_call_outlives_the_request_for_it() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut gateway = Gateway::start(&server, &key);
    let held = gateway.call("drop", json!({"silent": true}));
    let id = held["structuredContent"]["escalation"].clone();
    decide(&server, &ana, "approve", &id);
    // It is being made, the server says nothing, and its client does not wait any longer.
    let wait = json!({"name": "await_review", "arguments": {"ids": [id]}});
    gateway.send(
        &json!({"jsonrpc": "2.0", "id": "w", "method": "tools/call", "params": wait}).to_string(),
    );
    until(|| receipt(&server, &ana, &id) == "started");
    for request in ["w", "w", "never asked"] {
        let taken_back = json!({"requestId": request});
        gateway.send(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": taken_back})
                .to_string(),
        );
    }
    assert_eq!(gateway.call("note", json!({"n": 1}))["content"][0]["text"], "done");
    let shown = server.as_(&ana).args(["show", id.as_str().unwrap(), "--json"]).output().unwrap();
    assert_eq!(crate::server::json(&shown)["outcome"], "granted", "it lives on");
}
