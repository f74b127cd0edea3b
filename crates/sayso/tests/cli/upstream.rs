//! A small MCP server to stand behind the gateway: this very test binary, started again to run the
//! one ignored test below. What the test harness prints around it is no JSON and goes nowhere.

use std::io::{BufRead, Write};
use std::path::Path;

use serde_json::{Value, json};

/// Set for the process that is the server; says where it notes the calls it has had.
const NOTES: &str = "SAYSO_TEST_UPSTREAM_NOTES";

/// What its tools say they do, if anything.
pub(crate) const SAYS: &str = "SAYSO_TEST_UPSTREAM_SAYS";

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

#[test]
#[ignore = "a server for other tests"]
fn serve() {
    let Ok(notes) = std::env::var(NOTES) else { return };
    let say = |frame: &Value| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{frame}").unwrap();
        out.flush().unwrap();
    };
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let frame: Value = serde_json::from_str(&line).unwrap();
        let (id, params) = (&frame["id"], &frame["params"]);
        let answer = |result: Value| say(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
        match frame["method"].as_str().unwrap_or_default() {
            "initialize" => answer(json!({
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}, "resources": {}},
                "serverInfo": {"name": "fixture", "version": "1"}, "x-own": [1, 2],
            })),
            "tools/list" => {
                let schema = json!({"type": "object"});
                let hard = json!({"type": "object", "properties": {"hard": {"type": "boolean"}}});
                let tools = ["note", "drop", "die"].map(|name| {
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
