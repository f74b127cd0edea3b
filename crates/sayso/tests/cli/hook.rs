//! `sayso hook`: what coding agents' harnesses tell it, and what they are answered.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::server::{Server, json as parsed, sayso};

const HARNESSES: [&str; 5] = ["claude-code", "codex", "gemini", "copilot", "cursor"];

/// What each harness tells before a tool runs: its shape as recorded, with a tool and arguments of
/// these tests.
fn before(harness: &str, tool: &str, arguments: &Value) -> Value {
    match harness {
        "claude-code" => json!({
            "session_id": "7f1e", "transcript_path": "/home/dev/.claude/7f1e.jsonl",
            "cwd": "/work", "prompt_id": "p1", "permission_mode": "default",
            "effort": {"level": "medium"}, "hook_event_name": "PreToolUse",
            "tool_name": format!("mcp__one__{tool}"), "tool_input": arguments,
            "tool_use_id": "toolu_01", "mcp_server": {"name": "one", "source": "project"},
        }),
        "codex" => json!({
            "session_id": "019a", "turn_id": "t1", "transcript_path": null, "cwd": "/work",
            "hook_event_name": "PreToolUse", "model": "gpt-5", "permission_mode": "default",
            "tool_name": format!("mcp__one__{tool}"), "tool_input": arguments,
            "tool_use_id": "call_1",
        }),
        "gemini" => json!({
            "session_id": "a1", "transcript_path": "/tmp/a1.json", "cwd": "/work",
            "hook_event_name": "BeforeTool", "timestamp": "2026-11-23T10:00:00.000Z",
            "tool_name": format!("mcp_one_{tool}"), "tool_input": arguments,
            "mcp_context": {"server_name": "one", "tool_name": tool, "command": "x", "args": []},
        }),
        "copilot" => json!({
            "sessionId": "c1", "timestamp": 1_795_000_000_000_u64, "cwd": "/work",
            "toolName": tool, "toolArgs": arguments.to_string(),
        }),
        "cursor" => json!({
            "conversation_id": "v1", "generation_id": "g1",
            "hook_event_name": "beforeMCPExecution", "cursor_version": "2.1",
            "workspace_roots": ["/work"], "user_email": null,
            "tool_name": tool, "tool_input": arguments.to_string(),
        }),
        other => panic!("{other}"),
    }
}

/// What it tells after the tool has run.
fn after(harness: &str, tool: &str, arguments: &Value, succeeded: bool) -> Value {
    let mut payload = before(harness, tool, arguments);
    match harness {
        "claude-code" if !succeeded => {
            payload["hook_event_name"] = "PostToolUseFailure".into();
            payload["error"] = "no".into();
        }
        "claude-code" | "codex" => {
            payload["hook_event_name"] = "PostToolUse".into();
            payload["tool_response"] = json!({"content": [], "isError": !succeeded});
        }
        "gemini" => {
            payload["hook_event_name"] = "AfterTool".into();
            payload["tool_response"] =
                if succeeded { json!({"llmContent": "ok"}) } else { json!({"error": "no"}) };
        }
        "copilot" => {
            let word = if succeeded { "success" } else { "failure" };
            payload["toolResult"] = json!({"resultType": word, "textResultForLlm": "x"});
        }
        _ => {
            let word = if succeeded { "afterMCPExecution" } else { "postToolUseFailure" };
            payload["hook_event_name"] = word.into();
            // The events of all tools mark those of MCP servers by their name.
            payload["tool_name"] = format!("MCP:{tool}").into();
        }
    }
    payload
}

/// What it was answered: `allow` or `deny`, why, and the arguments instead of those asked with.
fn answer(harness: &str, said: &Value) -> (String, String, Value) {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{said}")).to_owned();
    let (word, reason, instead) = match harness {
        "claude-code" | "codex" => {
            let own = &said["hookSpecificOutput"];
            assert_eq!(own["hookEventName"], "PreToolUse");
            (&own["permissionDecision"], &own["permissionDecisionReason"], &own["updatedInput"])
        }
        "gemini" => (&said["decision"], &said["reason"], &said["hookSpecificOutput"]["tool_input"]),
        "copilot" => {
            (&said["permissionDecision"], &said["permissionDecisionReason"], &said["modifiedArgs"])
        }
        _ => (&said["permission"], &said["agent_message"], &Value::Null),
    };
    (text(word), text(reason), instead.clone())
}

/// Gives a hook its input; what it printed.
fn tell(mut hook: Command, input: &str) -> Output {
    hook.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = hook.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// The hook of a harness, as somebody, that does not wait for people.
fn hook(server: &Server, key: &str, harness: &str) -> Command {
    let mut hook = server.as_(key);
    hook.args(["hook", harness, "--wait", "0s"]);
    hook
}

/// Asks before a call.
fn ask(
    server: &Server,
    key: &str,
    harness: &str,
    tool: &str,
    arguments: &Value,
) -> (String, String, Value) {
    let payload = before(harness, tool, arguments).to_string();
    let said = parsed(&tell(hook(server, key, harness), &payload));
    answer(harness, &said)
}

/// The handle within a denial that is none.
fn handle(reason: &str) -> &str {
    assert!(reason.starts_with("NOT DONE YET"), "{reason}");
    let rest = reason.split_once("handle ").unwrap().1;
    rest.split_once(')').unwrap().0
}

fn decide(server: &Server, token: &str, words: &[&str]) {
    let done = server.as_(token).args(words).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

fn shown(server: &Server, token: &str, id: &str) -> Value {
    parsed(&server.as_(token).args(["show", id, "--json"]).output().unwrap())
}

#[test]
fn every_harness_is_let_through_held_and_let_through_once() {
    let server = Server::start();
    let ana = server.reviewer("ana");
    for harness in HARNESSES {
        let key = server.agent(harness);
        let ask = |tool: &str| ask(&server, &key, harness, tool, &json!({"table": "users"}));
        assert_eq!(ask("note").0, "allow", "{harness}");
        let (word, reason, _) = ask("drop");
        assert_eq!(word, "deny", "{harness}");
        let id = handle(&reason);
        assert_eq!(handle(&ask("drop").1), id, "the same call waits with the first");
        decide(&server, &ana, &["approve", id, "--yes"]);
        let (word, _, instead) = ask("drop");
        assert_eq!((word.as_str(), instead), ("allow", Value::Null), "{harness}");
        assert_ne!(handle(&ask("drop").1), id, "{harness}: one say-so is for one call");
    }
}

#[test]
fn what_came_of_a_call_is_its_receipt() {
    let server = Server::start();
    let ana = server.reviewer("ana");
    for harness in HARNESSES {
        let key = server.agent(harness);
        for (succeeded, result) in [(true, "succeeded"), (false, "failed")] {
            let arguments = json!({"succeeds": succeeded});
            let (_, reason, _) = ask(&server, &key, harness, "drop", &arguments);
            let id = handle(&reason);
            decide(&server, &ana, &["approve", id, "--yes"]);
            assert_eq!(ask(&server, &key, harness, "drop", &arguments).0, "allow");
            assert_eq!(shown(&server, &ana, id)["receipt"]["result"], "started", "{harness}");
            let payload = after(harness, "drop", &arguments, succeeded).to_string();
            let said = tell(hook(&server, &key, harness), &payload);
            assert_eq!(parsed(&said), json!({}), "{harness}");
            assert_eq!(shown(&server, &ana, id)["receipt"]["result"], result, "{harness}");
        }
    }
}

#[test]
fn a_refusal_reaches_the_model_with_its_comment() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let ask = || ask(&server, &key, "claude-code", "drop", &json!({}));
    let (_, reason, _) = ask();
    decide(&server, &ana, &["deny", handle(&reason), "-c", "take the staging one"]);
    let (word, reason, _) = ask();
    assert_eq!(word, "deny");
    assert!(reason.starts_with("DENIED") && reason.contains("take the staging one"), "{reason}");
}

#[test]
fn the_call_that_was_approved_runs_not_the_one_that_was_asked_for() {
    let server = Server::start();
    let ana = server.reviewer("ana");
    for harness in HARNESSES {
        let key = server.agent(harness);
        let ask = || ask(&server, &key, harness, "drop", &json!({"table": "users"}));
        let (_, reason, _) = ask();
        let edited = r#"{"table":"users_old"}"#;
        decide(&server, &ana, &["approve", handle(&reason), "--yes", "--arguments", edited]);
        let (word, reason, instead) = ask();
        if harness == "cursor" {
            assert!(word == "deny" && reason.contains(edited), "{reason}");
        } else {
            let expected = ("allow".to_owned(), json!({"table": "users_old"}));
            assert_eq!((word, instead), expected, "{harness}");
        }
    }
}

#[test]
fn a_built_in_tool_is_another_action_in_another_folder() {
    let server = Server::start();
    let key = server.agent("bot");
    let ask = |cwd: &str| {
        let payload = json!({
            "session_id": "7f1e", "cwd": cwd, "hook_event_name": "PreToolUse",
            "tool_name": "shell", "tool_input": {"command": "make clean"}, "tool_use_id": "t",
        });
        let said = tell(hook(&server, &key, "claude-code"), &payload.to_string());
        handle(&answer("claude-code", &parsed(&said)).1).to_owned()
    };
    assert_eq!(ask("/a"), ask("/a"));
    assert_ne!(ask("/a"), ask("/b"));
}

#[test]
fn whatever_is_odd_is_denied_in_the_harnesss_words() {
    let server = Server::start();
    let key = server.agent("bot");
    let deep = "[".repeat(100_000);
    for harness in HARNESSES {
        for odd in ["", "{", "null", "{}", "\u{0}", r#"{"hook_event_name":"Stop"}"#, &deep] {
            let said = tell(hook(&server, &key, harness), odd);
            let (word, reason, _) = answer(harness, &parsed(&said));
            assert_eq!(word, "deny", "{harness}: {odd:.20}");
            assert!(reason.contains("the hook's input is odd"), "{harness}: {reason}");
            assert!(said.status.success(), "{said:?}");
        }
        let nameless = before(harness, "no such tool!", &json!({})).to_string();
        let said = tell(hook(&server, &key, harness), &nameless);
        assert_eq!(answer(harness, &parsed(&said)).0, "deny", "{harness}");
    }
}

#[test]
fn without_a_server_or_a_key_nothing_runs() {
    let server = Server::start();
    let payload = before("codex", "note", &json!({})).to_string();
    let mut nobody = sayso();
    nobody.env("SAYSO_URL", &server.url).args(["hook", "codex"]);
    let mut stranger = server.as_("sayso_agent_x");
    stranger.args(["hook", "codex"]);
    let mut alone = sayso();
    alone.env("SAYSO_URL", "http://127.0.0.1:1").env("SAYSO_TOKEN", "x").args(["hook", "codex"]);
    for (hook, says) in [
        (nobody, "SAYSO_TOKEN"),
        (stranger, "with a key or token that is in force"),
        (alone, "Sayso can't be asked"),
    ] {
        let (word, reason, _) = answer("codex", &parsed(&tell(hook, &payload)));
        assert!(word == "deny" && reason.contains(says), "{reason}");
    }
}

#[test]
fn a_server_that_never_answers_is_a_denial_within_the_deadline() {
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut hook = sayso();
    hook.env("SAYSO_URL", format!("http://{}", deaf.local_addr().unwrap()));
    hook.env("SAYSO_TOKEN", "x").args(["hook", "gemini", "--deadline", "200ms"]);
    let payload = before("gemini", "note", &json!({})).to_string();
    let (word, reason, _) = answer("gemini", &parsed(&tell(hook, &payload)));
    assert!(word == "deny" && reason.contains("no answer within"), "{reason}");
}

#[test]
fn a_wait_beyond_the_deadline_ends_with_a_handle_all_the_same() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut hook = server.as_(&key);
    hook.args(["hook", "codex", "--wait", "1h", "--deadline", "10s"]);
    let payload = before("codex", "drop", &json!({})).to_string();
    let (word, reason, _) = answer("codex", &parsed(&tell(hook, &payload)));
    assert_eq!(word, "deny");
    handle(&reason);
}

#[test]
fn a_hook_that_is_stopped_still_denies() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut watching = server.watch(&ana);
    let mut hook = server.as_(&key);
    hook.args(["hook", "copilot", "--wait", "20s"]);
    let mut child = hook.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let payload = before("copilot", "drop", &json!({})).to_string();
    child.stdin.take().unwrap().write_all(payload.as_bytes()).unwrap();
    watching.until("proposed", "drop");
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let (word, reason, _) = answer("copilot", &parsed(&child.wait_with_output().unwrap()));
    assert!(word == "deny" && reason.contains("stopped"), "{reason}");
}

#[test]
fn within_its_wait_people_are_quick_enough() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut watching = server.watch(&ana);
    let mut hook = server.as_(&key);
    hook.args(["hook", "claude-code", "--wait", "20s"]);
    let mut child = hook.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let payload = before("claude-code", "drop", &json!({})).to_string();
    child.stdin.take().unwrap().write_all(payload.as_bytes()).unwrap();
    let asked = watching.until("proposed", "drop");
    assert_eq!(asked["context"]["asked_by"], "Claude Code");
    decide(&server, &ana, &["approve", asked["id"].as_str().unwrap(), "--yes"]);
    let said = parsed(&child.wait_with_output().unwrap());
    assert_eq!(answer("claude-code", &said).0, "allow");
}

#[test]
fn put_aside_only_where_it_is_asked_for_and_known() {
    let server = Server::start();
    let key = server.agent("bot");
    for (harness, word) in [("claude-code", "defer"), ("codex", "deny")] {
        let mut hook = hook(&server, &key, harness);
        hook.arg("--defer");
        let payload = before(harness, "drop", &json!({"by": harness})).to_string();
        assert_eq!(answer(harness, &parsed(&tell(hook, &payload))).0, word);
    }
}

#[test]
fn a_server_of_ours_asks_by_itself_and_another_does_not() {
    let server = Server::start();
    let key = server.agent("bot");
    let payload = before("claude-code", "drop", &json!({})).to_string();
    for (ours, word) in [("one", "allow"), ("on", "deny")] {
        let mut hook = hook(&server, &key, "claude-code");
        hook.args(["--sayso-server", ours]);
        let said = parsed(&tell(hook, &payload));
        assert_eq!(answer("claude-code", &said).0, word, "{ours}");
    }
    let page = sayso_client::Client::new(&server.url, &key).list("state=pending").unwrap();
    assert_eq!(page.items.len(), 1, "what asks by itself was not asked for");
}

/// A home and a project to install hooks in.
fn at(home: &Path, server: &Server, key: &str) -> Command {
    let mut command = server.as_(key);
    command.env("HOME", home).current_dir(home.join("project"));
    command
}

#[test]
fn what_is_installed_works_and_the_doctor_sees_it() {
    let server = Server::start();
    let key = server.agent("bot");
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("project")).unwrap();
    for harness in HARNESSES {
        let mut install = at(home.path(), &server, &key);
        install.args(["hook", "install", harness, "--json"]);
        let said = parsed(&install.output().unwrap());
        let command = said["command"].as_str().unwrap();
        let file = home.path().join("project").join(said["file"].as_str().unwrap());
        let settings = std::fs::read_to_string(&file).unwrap();
        assert!(settings.contains(&format!("hook {harness}")), "{settings}");

        let mut installed = Command::new("sh");
        installed.args(["-c", command]);
        installed.env("SAYSO_URL", &server.url).env("SAYSO_TOKEN", &key);
        let payload = before(harness, "note", &json!({})).to_string();
        assert_eq!(answer(harness, &parsed(&tell(installed, &payload))).0, "allow");
    }
    let doctor =
        parsed(&at(home.path(), &server, &key).args(["doctor", "--json"]).output().unwrap());
    let hooks = doctor.as_array().unwrap().iter();
    let hooks: Vec<_> =
        hooks.filter(|check| check["what"].as_str().unwrap().starts_with("hook ")).collect();
    assert_eq!(hooks.len(), HARNESSES.len(), "{doctor}");
    assert!(hooks.iter().all(|check| check["state"] == "good"), "{hooks:#?}");
}

#[test]
fn a_gateway_in_the_settings_is_left_its_own_calls_so_that_people_are_asked_once() {
    let server = Server::start();
    let key = server.agent("bot");
    let home = tempfile::tempdir().unwrap();
    let project = home.path().join("project");
    std::fs::create_dir(&project).unwrap();
    let install = |more: &[&str]| {
        let mut install = at(home.path(), &server, &key);
        install.args(["hook", "install", "claude-code", "--json"]).args(more).output().unwrap()
    };
    let doctor = || {
        let output = at(home.path(), &server, &key).args(["doctor", "--json"]).output().unwrap();
        let checks = parsed(&output);
        checks.as_array().unwrap().iter().find(|it| it["what"] == "hook claude-code").cloned()
    };
    install(&[]);
    let gateway = json!({"command": "sayso", "args": ["gateway", "--config", "servers.json"]});
    let servers = json!({"mcpServers": {"one": gateway}});
    std::fs::write(project.join(".mcp.json"), servers.to_string()).unwrap();
    let found = doctor().unwrap();
    assert_eq!(found["state"], "bad");
    assert!(found["found"].as_str().unwrap().contains("asked twice for calls of one"), "{found}");

    let said = parsed(&install(&["--defer"]));
    assert_eq!(said["asks_by_itself"], json!(["one"]));
    assert_eq!(doctor().unwrap()["state"], "good");
    let mut installed = Command::new("sh");
    installed.args(["-c", said["command"].as_str().unwrap()]);
    installed.env("SAYSO_URL", &server.url).env("SAYSO_TOKEN", &key);
    let payload = before("claude-code", "drop", &json!({})).to_string();
    assert_eq!(answer("claude-code", &parsed(&tell(installed, &payload))).0, "allow");
    let page = sayso_client::Client::new(&server.url, &key).list("").unwrap();
    assert!(page.items.is_empty(), "the gateway asks");
}

#[test]
fn only_a_harness_that_can_is_told_to_put_calls_aside() {
    let home = tempfile::tempdir().unwrap();
    let mut install = sayso();
    install.current_dir(home.path()).args(["hook", "install", "codex", "--defer"]);
    let refused = install.output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Codex can't put calls aside"));
    assert!(!home.path().join(".codex").exists());
}

#[test]
fn the_doctor_tells_of_a_hook_that_would_let_calls_run() {
    let server = Server::start();
    let key = server.agent("bot");
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("project/.claude");
    std::fs::create_dir_all(&folder).unwrap();
    for (entry, says) in [
        (json!({"command": "/no/such/sayso hook claude-code", "onFailure": "block"}), "canary"),
        (
            json!({"command": format!("{} hook claude-code", env!("CARGO_BIN_EXE_sayso"))}),
            "calls run if it fails",
        ),
    ] {
        let settings = json!({"hooks": {"PreToolUse": [{"matcher": "*", "hooks": [entry]}]}});
        std::fs::write(folder.join("settings.json"), settings.to_string()).unwrap();
        let output = at(home.path(), &server, &key).args(["doctor", "--json"]).output().unwrap();
        let doctor = parsed(&output);
        let hook = doctor.as_array().unwrap().iter().find(|it| it["what"] == "hook claude-code");
        let hook = hook.unwrap_or_else(|| panic!("{doctor}"));
        assert_eq!(hook["state"], "bad");
        assert!(hook["found"].as_str().unwrap().contains(says), "{hook}");
        assert!(!output.status.success());
    }
}
