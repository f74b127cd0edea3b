//! `permission_prompt`: what `claude -p --permission-prompt-tool` asks when its own rules don't say
//! whether a tool may run. It is for the harness, so it is no tool among those that models are
//! taught, and it answers in JSON text alone.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{CallToolResult, ContentBlock, Tool};
use sayso_client::wire::Action;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Desk, Refused, arguments};
use crate::permission::{self, Asking, Permission};

pub(super) const NAME: &str = "permission_prompt";

/// How permission prompts are answered.
#[derive(Clone, Debug)]
pub struct Prompts {
    /// How long people may take before the model is told to come back.
    pub wait: Duration,
    /// The folder that the harness works in: its own tools' calls are for there.
    pub cwd: Option<String>,
}

/// What is asked about. Later versions may tell more.
#[derive(Deserialize)]
struct Prompt {
    tool_name: String,
    #[serde(default)]
    input: Map<String, Value>,
}

pub(super) fn tool() -> Tool {
    let schema = json!({
        "type": "object",
        "properties": {
            "tool_name": {"type": "string"},
            "input": {"type": "object"},
            "tool_use_id": {"type": "string"},
        },
        "required": ["tool_name", "input"],
    });
    let schema = schema.as_object().cloned().unwrap_or_default();
    let description = "For the harness only (--permission-prompt-tool): whether a tool's call may \
                       run. Models have no use for it.";
    Tool::new(NAME, description, Arc::new(schema))
}

/// Answers a prompt. Whatever goes wrong denies.
pub(super) async fn answer(prompts: &Prompts, desk: &dyn Desk, sent: Value) -> CallToolResult {
    let asked = sent.get("input").cloned();
    let said = match decide(prompts, desk, sent).await {
        Ok(Permission::Allowed { instead, .. }) => {
            let input = instead.map(Value::Object).or(asked).unwrap_or_default();
            json!({"behavior": "allow", "updatedInput": input})
        }
        Ok(Permission::Pending(words) | Permission::Refused(words)) => deny(&words),
        Err(refused) => deny(&refused.to_string()),
    };
    CallToolResult::success(vec![ContentBlock::text(said.to_string())])
}

fn deny(message: &str) -> Value {
    json!({"behavior": "deny", "message": message})
}

async fn decide(prompts: &Prompts, desk: &dyn Desk, sent: Value) -> Result<Permission, Refused> {
    let Prompt { tool_name, input } = arguments::read(sent)?;
    let (server, tool) = permission::own_name(&tool_name, None);
    let folder = prompts.cwd.as_ref().filter(|_| server.is_none());
    let action = Action {
        tool: tool.to_owned(),
        arguments: input,
        resource: folder.map(|cwd| json!({"cwd": cwd})),
        precondition: None,
    };
    let asking = Asking {
        action,
        server: server.filter(|server| !server.is_empty()).map(str::to_owned),
        context: Some(json!({"asked_by": "Claude Code"})),
        wait: prompts.wait,
        takes_no_others: None,
    };
    permission::ask(desk, asking).await
}
