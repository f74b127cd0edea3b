//! The tools: their list, and those that answer by themselves.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData,
    LoggingMessageNotificationParam, ProgressNotificationParam, Tool,
};
use serde_json::{Value, json};

use crate::{Change, Context, Fixture, asking, read, rounds, tasks};

/// A picture of one pixel.
pub(crate) const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// A sound of no length.
const SOUND: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";
/// Between two steps of a tool that tells of them.
const STEP: Duration = Duration::from_millis(50);

/// Those that take nothing, besides the ones of other rooms.
const PLAIN: [&str; 13] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_logging",
    "test_tool_with_progress",
    "test_error_handling",
    "test_reconnection",
    "test_trigger_tool_change",
    "test_trigger_prompt_change",
    "test_missing_capability",
    "test_logging_tool",
];

/// A schema with what of JSON Schema 2020-12 a proxy might lose.
fn schema_2020_12() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {
            "$anchor": "address", "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }},
        "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
        "allOf": [{"anyOf": [{"required": ["name"]}, {"required": ["address"]}]}],
        "if": {"required": ["address"]},
        "then": {"properties": {"address": {"required": ["street"]}}},
        "else": {"required": ["name"]},
        "additionalProperties": false,
    })
}

/// All tools.
pub(crate) fn all() -> Result<Vec<Tool>, ErrorData> {
    let none = json!({"type": "object", "properties": {}});
    let text = |name: &str| json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name]});
    let header = json!({
        "type": "object", "required": ["value"],
        "properties": {"value": {"type": "string", "x-mcp-header": "Value"}},
    });
    let mut schemas = vec![
        ("json_schema_2020_12_tool", schema_2020_12()),
        ("test_custom_header", header),
        ("test_sampling", text("prompt")),
        ("test_elicitation", text("message")),
    ];
    let plain = PLAIN.iter().chain(&asking::PLAIN).chain(&rounds::TOOLS);
    schemas.extend(plain.map(|name| (*name, none.clone())));
    schemas.extend(tasks::schemas());
    let tool = |(name, schema): (&str, Value)| {
        let description = format!("For the scenario: {}", name.replace('_', " "));
        read(json!({"name": name, "description": description, "inputSchema": schema}))
    };
    schemas.into_iter().map(tool).collect()
}

/// A result that says something.
pub(crate) fn said(text: &str) -> Result<CallToolResult, ErrorData> {
    content(&json!([{"type": "text", "text": text}]))
}

fn content(content: &Value) -> Result<CallToolResult, ErrorData> {
    read(json!({"resultType": "complete", "content": content, "isError": false}))
}

/// Calls one that answers by itself.
pub(crate) async fn call(
    fixture: &Fixture,
    call: &CallToolRequestParams,
    context: &Context,
) -> Result<CallToolResponse, ErrorData> {
    let image = json!({"type": "image", "data": IMAGE, "mimeType": "image/png"});
    let resource = |uri: &str, kind: &str, text: &str| json!({"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": text}});
    let argument = |name: &str| call.arguments.as_ref()?.get(name)?.as_str();
    let result = match call.name.as_ref() {
        "test_simple_text" => said("This is a simple text response for testing."),
        "test_image_content" => content(&json!([image])),
        "test_audio_content" => {
            content(&json!([{"type": "audio", "data": SOUND, "mimeType": "audio/wav"}]))
        }
        "test_embedded_resource" => content(&json!([resource(
            "test://embedded-resource",
            "text/plain",
            "This is an embedded resource content.",
        )])),
        "test_multiple_content_types" => content(&json!([
            {"type": "text", "text": "Multiple content types test:"},
            image,
            resource(
                "test://mixed-content-resource",
                "application/json",
                r#"{"test":"data","value":123}"#,
            ),
        ])),
        "test_error_handling" => read(json!({
            "content": [{"type": "text", "text": "This tool intentionally returns an error for testing"}],
            "isError": true, "resultType": "complete",
        })),
        "test_custom_header" => match argument("value") {
            Some(value) => said(value),
            None => Err(ErrorData::invalid_params("`value` must be a text", None)),
        },
        "json_schema_2020_12_tool" => {
            said(&format!("Hello, {}!", argument("name").unwrap_or("you")))
        }
        "test_reconnection" => {
            tokio::time::sleep(2 * STEP).await;
            said("There again.")
        }
        "test_tool_with_logging" => {
            for step in
                ["Tool execution started", "Tool processing data", "Tool execution completed"]
            {
                log(context, "info", step).await?;
                tokio::time::sleep(STEP).await;
            }
            said("Logged.")
        }
        "test_logging_tool" => {
            if let Some(level) = context.meta.log_level() {
                log(context, json!(level), "Somebody asked for it").await?;
            }
            said("Logged, if somebody asked for it.")
        }
        "test_tool_with_progress" => {
            let token = context.meta.get_progress_token();
            for progress in [0.0, 50.0, 100.0] {
                if let Some(token) = token.clone() {
                    let told = ProgressNotificationParam::new(token, progress).with_total(100.0);
                    let _ = context.peer.notify_progress(told).await;
                }
                tokio::time::sleep(STEP).await;
            }
            said("Done.")
        }
        "test_trigger_tool_change" => change(fixture, Change::Tools),
        "test_trigger_prompt_change" => change(fixture, Change::Prompts),
        "test_missing_capability" => {
            let can = context.client_capabilities().is_some_and(|can| can.sampling.is_some());
            let wanted = read(json!({"sampling": {}}))?;
            match can {
                true => said("It can."),
                false => Err(ErrorData::missing_required_client_capability(wanted)),
            }
        }
        name => Err(ErrorData::invalid_params(format!("there is no tool {name:?}"), None)),
    };
    result.map(Into::into)
}

fn change(fixture: &Fixture, change: Change) -> Result<CallToolResult, ErrorData> {
    // Nobody need listen.
    let _ = fixture.changes.send(change);
    said("Changed.")
}

async fn log(context: &Context, level: impl Into<Value>, said: &str) -> Result<(), ErrorData> {
    let message = json!({"level": level.into(), "logger": "conformance", "data": said});
    let message: LoggingMessageNotificationParam = read(message)?;
    let _ = context.peer.notify_logging_message(message).await;
    Ok(())
}
