//! A tool's call, read out of what a harness tells its hook.

use sayso_mcp::permission;
use serde_json::{Map, Value};

use super::Harness;

/// When a hook is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Before the tool runs: only now it can be stopped.
    Before,
    /// After it ran.
    After {
        /// Whether it says that it did what it was asked to.
        succeeded: bool,
    },
}

/// What is to be called, or was.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) event: Event,
    /// The tool's own name, without that of its server.
    pub(super) tool: String,
    /// The MCP server it comes from, by the name the harness has for it.
    pub(super) server: Option<String>,
    /// Whether it comes from an MCP server at all.
    pub(super) is_mcp: bool,
    pub(super) arguments: Map<String, Value>,
    /// The folder that the harness works in.
    pub(super) cwd: Option<String>,
    /// Its session.
    pub(super) session: Option<String>,
}

/// Reads what a harness told. The error says what is missing.
pub(super) fn read(harness: Harness, payload: &Value) -> Result<Call, String> {
    let Value::Object(payload) = payload else { return Err("it is not an object".into()) };
    match harness {
        Harness::ClaudeCode | Harness::Codex => claude_code(payload),
        Harness::Gemini => gemini(payload),
        Harness::Copilot => copilot(payload),
        Harness::Cursor => cursor(payload),
    }
}

/// Codex tells the same as Claude Code, event by event.
fn claude_code(payload: &Map<String, Value>) -> Result<Call, String> {
    let event = match text(payload, "hook_event_name")? {
        "PreToolUse" => Event::Before,
        "PostToolUse" => Event::After { succeeded: !failed(payload.get("tool_response")) },
        "PostToolUseFailure" => Event::After { succeeded: false },
        other => return Err(unknown(other)),
    };
    let name = text(payload, "tool_name")?;
    let told = payload.get("mcp_server").and_then(|server| server.get("name"));
    let (server, tool) = permission::own_name(name, told.and_then(Value::as_str));
    let (is_mcp, server) = (server.is_some(), server.filter(|server| !server.is_empty()));
    let arguments = arguments(payload, "tool_input")?;
    Ok(call(event, tool, (is_mcp, server), arguments, payload))
}

fn gemini(payload: &Map<String, Value>) -> Result<Call, String> {
    let event = match text(payload, "hook_event_name")? {
        "BeforeTool" => Event::Before,
        "AfterTool" => Event::After { succeeded: !failed(payload.get("tool_response")) },
        other => return Err(unknown(other)),
    };
    let context = payload.get("mcp_context").and_then(Value::as_object);
    let arguments = arguments(payload, "tool_input")?;
    let (tool, server) = match context {
        Some(context) => (text(context, "tool_name")?, Some(text(context, "server_name")?)),
        None => (text(payload, "tool_name")?, None),
    };
    Ok(call(event, tool, (server.is_some(), server), arguments, payload))
}

/// Copilot tells no event's name; what has a result has run. An MCP tool is `server-tool`, which
/// can't be told from a name of one's own, so it is left whole.
fn copilot(payload: &Map<String, Value>) -> Result<Call, String> {
    let event = match payload.get("toolResult") {
        None => Event::Before,
        Some(result) => {
            let word = result.get("resultType").and_then(Value::as_str);
            Event::After { succeeded: word.is_none_or(|word| word == "success") }
        }
    };
    let arguments = arguments(payload, "toolArgs")?;
    Ok(call(event, text(payload, "toolName")?, (false, None), arguments, payload))
}

fn cursor(payload: &Map<String, Value>) -> Result<Call, String> {
    let shell = |event| {
        let command = text(payload, "command")?;
        let arguments = Map::from_iter([("command".to_owned(), command.into())]);
        Ok(call(event, "Shell", (false, None), arguments, payload))
    };
    let tool = |event, is_mcp: bool| {
        let name = text(payload, "tool_name")?;
        let tool = name.strip_prefix("MCP:").unwrap_or(name);
        let is_mcp = is_mcp || name.starts_with("MCP:");
        Ok(call(event, tool, (is_mcp, None), arguments(payload, "tool_input")?, payload))
    };
    match text(payload, "hook_event_name")? {
        "preToolUse" => tool(Event::Before, false),
        "beforeMCPExecution" => tool(Event::Before, true),
        "beforeShellExecution" => shell(Event::Before),
        "postToolUse" => tool(Event::After { succeeded: true }, false),
        "postToolUseFailure" => tool(Event::After { succeeded: false }, false),
        "afterMCPExecution" => tool(Event::After { succeeded: true }, true),
        "afterShellExecution" => shell(Event::After { succeeded: true }),
        other => Err(unknown(other)),
    }
}

fn call(
    event: Event,
    tool: &str,
    (is_mcp, server): (bool, Option<&str>),
    arguments: Map<String, Value>,
    payload: &Map<String, Value>,
) -> Call {
    let some = |names: &[&str]| {
        let found = names.iter().find_map(|name| payload.get(*name)?.as_str());
        found.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Call {
        event,
        tool: tool.to_owned(),
        server: server.map(str::to_owned),
        is_mcp,
        arguments,
        cwd: some(&["cwd"])
            .or_else(|| Some(payload.get("workspace_roots")?.get(0)?.as_str()?.to_owned())),
        session: some(&["session_id", "sessionId", "conversation_id"]),
    }
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    let text = members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| format!("it has no text `{name}`"))
}

/// Arguments: an object, or a text that holds one. None at all is an empty object.
fn arguments(payload: &Map<String, Value>, name: &str) -> Result<Map<String, Value>, String> {
    let odd = || format!("its `{name}` is not an object");
    match payload.get(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(arguments)) => Ok(arguments.clone()),
        Some(Value::String(text)) if text.is_empty() => Ok(Map::new()),
        Some(Value::String(text)) => {
            let limits = sayso_core::json::Limits { bytes: super::LONGEST, ..Default::default() };
            match sayso_core::json::read(text.as_bytes(), limits) {
                Ok(Value::Object(arguments)) => Ok(arguments),
                Ok(_) => Err(odd()),
                Err(bad) => Err(format!("its `{name}`: {bad}")),
            }
        }
        Some(_) => Err(odd()),
    }
}

fn failed(response: Option<&Value>) -> bool {
    let Some(response) = response else { return false };
    let says = |name: &str| response.get(name).is_some_and(|value| *value == Value::Bool(true));
    says("isError")
        || says("is_error")
        || response.get("success").is_some_and(|value| *value == Value::Bool(false))
        || response.get("error").is_some_and(|error| !error.is_null())
}

fn unknown(event: &str) -> String {
    format!("{event:?} is not an event of a tool's call")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(harness: Harness, payload: &Value) -> Call {
        super::read(harness, payload).unwrap()
    }

    #[test]
    fn gemini_tells_a_tools_own_name_beside_its_whole() {
        let gemini = json!({"hook_event_name": "BeforeTool", "tool_name": "mcp_a_b_c",
                            "mcp_context": {"server_name": "a_b", "tool_name": "c"}});
        let call = read(Harness::Gemini, &gemini);
        assert_eq!((call.tool.as_str(), call.server.as_deref()), ("c", Some("a_b")));
    }

    #[test]
    fn a_result_that_says_so_has_failed() {
        for (response, succeeded) in [
            (json!({"stdout": "done"}), true),
            (json!("done"), true),
            (json!({"isError": true}), false),
            (json!({"success": false}), false),
            (json!({"error": "no such file"}), false),
            (json!({"error": null}), true),
        ] {
            let payload = json!({"hook_event_name": "PostToolUse", "tool_name": "Bash",
                                 "tool_response": response});
            let event = read(Harness::Codex, &payload).event;
            assert_eq!(event, Event::After { succeeded }, "{payload}");
        }
    }

    #[test]
    fn what_is_not_a_call_is_refused_by_name() {
        for (harness, payload, says) in [
            (Harness::ClaudeCode, json!([]), "not an object"),
            (Harness::ClaudeCode, json!({"hook_event_name": "Stop"}), "\"Stop\""),
            (Harness::Codex, json!({"hook_event_name": "PreToolUse"}), "`tool_name`"),
            (Harness::Copilot, json!({"toolName": "bash", "toolArgs": "[1]"}), "`toolArgs`"),
            (
                Harness::Copilot,
                json!({"toolName": "bash", "toolArgs": "{\"a\":1,\"a\":2}"}),
                "`toolArgs`",
            ),
            (Harness::Cursor, json!({"hook_event_name": "beforeShellExecution"}), "`command`"),
        ] {
            let wrong = super::read(harness, &payload).unwrap_err();
            assert!(wrong.contains(says), "{payload}: {wrong}");
        }
    }
}
