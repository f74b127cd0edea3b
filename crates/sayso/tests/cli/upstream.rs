//! A small MCP server to stand behind the gateway: this very test binary, started again to run the
//! one ignored test below. What the test harness prints around it is no JSON and goes nowhere.

use std::io::{BufRead, Write};
use std::path::Path;

use serde_json::{Value, json};

/// Set for the process that is the server; says where it notes the calls it has had.
const NOTES: &str = "SAYSO_TEST_UPSTREAM_NOTES";

/// What its tools say they do, if anything.
pub(crate) const SAYS: &str = "SAYSO_TEST_UPSTREAM_SAYS";

/// Set for one that never says anything.
pub(crate) const MUTE: &str = "SAYSO_TEST_UPSTREAM_MUTE";

/// Set for one that speaks the modern revision only.
pub(crate) const MODERN: &str = "SAYSO_TEST_UPSTREAM_MODERN";

/// How the gateway starts it, as an entry of `mcpServers`.
pub(crate) fn entry(notes: &Path) -> Value {
    json!({
        "command": std::env::current_exe().unwrap(),
        "args": ["--exact", "upstream::serve", "--ignored", "--nocapture", "--quiet"],
        "env": {NOTES: notes},
    })
}

/// The arguments of all calls of `drop` that were really made.
pub(crate) fn calls(notes: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(notes).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn question() -> Value {
    json!({"mode": "form", "message": "Your name?", "requestedSchema": {
        "type": "object", "properties": {"name": {"type": "string"}},
    }})
}

fn said_back(answer: &Value) -> Value {
    json!({"content": [{"type": "text", "text": answer.to_string()}], "isError": false})
}

/// Answers about the one task, which a client ends by answering or cancelling it.
fn of_task(task: &mut Value, asked: &Value) -> Value {
    match asked["method"].as_str() {
        Some("tasks/get") => {
            let mut found = task.clone();
            found["resultType"] = "complete".into();
            return found;
        }
        Some("tasks/cancel") => task["status"] = "cancelled".into(),
        _ => {
            task["status"] = "completed".into();
            task["result"] = said_back(&asked["params"]["inputResponses"]["name"]);
        }
    }
    json!({"resultType": "complete"})
}

/// What nobody asked for: a notification, and an answer to what was never asked.
fn unasked(n: u32) -> [Value; 2] {
    let params = json!({"level": "info", "data": n});
    [
        json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params}),
        json!({"jsonrpc": "2.0", "id": format!("sayso-{}", n + 1_000), "result": {}}),
    ]
}

#[test]
#[ignore = "a server for other tests"]
#[expect(clippy::too_many_lines, reason = "one line a method")]
fn serve() {
    let Ok(notes) = std::env::var(NOTES) else { return };
    let say = |frame: &Value| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{frame}").unwrap();
        out.flush().unwrap();
    };
    let is_modern = std::env::var(MODERN).is_ok();
    let mut asked = Value::Null;
    let mut task = Value::Null;
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        if std::env::var(MUTE).is_ok() {
            continue;
        }
        let frame: Value = serde_json::from_str(&line).unwrap();
        let (id, params) = (&frame["id"], &frame["params"]);
        let answer = |result: Value| say(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
        let says_modern = params["_meta"]["io.modelcontextprotocol/protocolVersion"].is_string();
        match frame["method"].as_str().unwrap_or_default() {
            // In its own revision only, so that nothing passes that was not translated.
            "initialize" | "tools/list" | "tools/call" | "server/discover"
                if says_modern != is_modern =>
            {
                say(&json!({
                    "jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "what?"},
                }));
            }
            "server/discover" => answer(json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "public",
                "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "modern", "version": "1"}},
            })),
            "tools/call" if params["arguments"]["as_task"] == true && is_modern => {
                task = json!({
                    "taskId": "their-own", "status": "working", "pollIntervalMs": 50, "ttlMs": 60_000,
                });
                let mut created = task.clone();
                created["resultType"] = "task".into();
                answer(created);
                task["status"] = "input_required".into();
                task["inputRequests"] =
                    json!({"name": {"method": "elicitation/create", "params": question()}});
            }
            "tasks/get" | "tasks/update" | "tasks/cancel" if params["taskId"] == "their-own" => {
                answer(of_task(&mut task, &frame));
            }
            // Much that nobody asked for, then more than anybody reads.
            "tools/call" if params["arguments"]["flood"] == true => {
                (0..20_000).flat_map(unasked).for_each(|frame| say(&frame));
                answer(json!({"content": [{"type": "text", "text": "x".repeat(100 << 20)}]}));
            }
            "tools/call" if params["arguments"]["silent"] == true => {}
            "tools/call" if params["name"] == "ask" && is_modern => {
                answer(match params["requestState"] == "s" {
                    false => json!({
                        "resultType": "input_required", "requestState": "s",
                        "inputRequests": {"name": {"method": "elicitation/create", "params": question()}},
                    }),
                    true => said_back(&params["inputResponses"]["name"]),
                });
            }
            "tools/call" if params["name"] == "ask" => {
                asked = id.clone();
                say(&json!({
                    "jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": question(),
                }));
            }
            "" if frame["id"] == "q1" => {
                let result = said_back(&frame["result"]);
                say(&json!({"jsonrpc": "2.0", "id": asked, "result": result}));
            }
            "initialize" => answer(json!({
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}, "resources": {}},
                "serverInfo": {"name": "fixture", "version": "1"}, "x-own": [1, 2],
            })),
            "tools/list" => {
                let schema = json!({"type": "object"});
                let hard = json!({"type": "object", "properties": {"hard": {"type": "boolean"}}});
                let tools = ["note", "drop", "die", "ask"].map(|name| {
                    json!({
                        "name": name, "description": std::env::var(SAYS).unwrap_or_default(),
                        "inputSchema": if name == "die" { &hard } else { &schema }, "outputSchema": schema,
                        "x-unknown": name,
                    })
                });
                answer(json!({"tools": tools}));
            }
            "tools/call" => {
                let mut file =
                    std::fs::OpenOptions::new().create(true).append(true).open(&notes).unwrap();
                writeln!(file, "{}", params["arguments"]).unwrap();
                if params["name"] == "die" {
                    std::process::exit(1);
                }
                answer(json!({
                    "content": [{"type": "text", "text": "done", "x-unknown": 1}],
                    "isError": params["arguments"]["fail"] == true,
                    "structuredContent": {"did": params["arguments"]},
                }));
            }
            // Said back exactly as it came, for tests of what is not governed.
            "echo/line" => say(&json!({"jsonrpc": "2.0", "id": id, "result": {"line": line}})),
            "" | "notifications/initialized" | "notifications/cancelled" => {}
            _ => say(&json!({
                "jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no such method"},
            })),
        }
    }
}
