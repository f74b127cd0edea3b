//! Tools that ask their client in the middle of a call, as the legacy revision has it.

use rmcp::model::{CallToolRequestParams, CallToolResult, ErrorData};
use serde_json::{Value, json};

use crate::tools::said;
use crate::{Context, read};

/// Those that take nothing.
pub(crate) const PLAIN: [&str; 2] =
    ["test_elicitation_sep1034_defaults", "test_elicitation_sep1330_enums"];

/// Calls one of them; none if it is none.
pub(crate) async fn call(
    call: &CallToolRequestParams,
    context: &Context,
) -> Option<Result<CallToolResult, ErrorData>> {
    let argument = |name: &str| {
        let given = call.arguments.as_ref().and_then(|given| given.get(name)?.as_str());
        given.unwrap_or("What do you say?").to_owned()
    };
    Some(match call.name.as_ref() {
        "test_sampling" => sample(context, &argument("prompt")).await,
        "test_elicitation" => {
            let properties = json!({"username": {"type": "string"}, "email": {"type": "string"}});
            elicit(context, &argument("message"), properties, json!(["username", "email"])).await
        }
        "test_elicitation_sep1034_defaults" => {
            elicit(context, "All have defaults.", with_defaults(), json!([])).await
        }
        "test_elicitation_sep1330_enums" => {
            elicit(context, "Each is one of some.", enums(), json!([])).await
        }
        _ => return None,
    })
}

async fn sample(context: &Context, prompt: &str) -> Result<CallToolResult, ErrorData> {
    let asked = read(json!({
        "messages": [{"role": "user", "content": {"type": "text", "text": prompt}}],
        "maxTokens": 100,
    }))?;
    let answer = context.peer.create_message(asked).await;
    let answer = answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    said(&format!("LLM response: {}", json!(answer)["content"]["text"]))
}

async fn elicit(
    context: &Context,
    message: &str,
    properties: Value,
    required: Value,
) -> Result<CallToolResult, ErrorData> {
    let asked = read(json!({
        "mode": "form", "message": message,
        "requestedSchema": {"type": "object", "properties": properties, "required": required},
    }))?;
    let answer = context.peer.create_elicitation(asked).await;
    let answer = answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let answer = json!(answer);
    let action = answer["action"].as_str().unwrap_or_default();
    said(&format!("User response: action={action}, content={}", answer["content"]))
}

fn with_defaults() -> Value {
    json!({
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true},
    })
}

/// All the ways in which a choice can be written.
fn enums() -> Value {
    let plain = json!(["option1", "option2", "option3"]);
    let titled = json!([
        {"const": "value1", "title": "First"},
        {"const": "value2", "title": "Second"},
        {"const": "value3", "title": "Third"},
    ]);
    json!({
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {
            "type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["One", "Two", "Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    })
}
