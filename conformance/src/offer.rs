//! Resources and prompts.

use rmcp::model::{
    ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, ReadResourceResult,
};
use serde_json::{Value, json};

use crate::read;
use crate::rounds::{question, wants};
use crate::tools::IMAGE;

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";

pub(crate) fn resources() -> Value {
    json!([
        {"uri": TEXT, "name": "Text", "description": "A text", "mimeType": "text/plain"},
        {"uri": BINARY, "name": "Picture", "description": "A picture", "mimeType": "image/png"},
    ])
}

pub(crate) fn templates() -> Value {
    json!([{
        "uriTemplate": "test://template/{id}/data", "name": "By id",
        "description": "Says its id", "mimeType": "application/json",
    }])
}

/// What a resource holds.
pub(crate) fn resource(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let by_id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
    let content = match (uri, by_id) {
        (TEXT, _) => json!({"uri": uri, "mimeType": "text/plain", "text": "It stays as it is."}),
        (BINARY, _) => json!({"uri": uri, "mimeType": "image/png", "blob": IMAGE}),
        (_, Some(id)) => {
            let text = json!({"id": id}).to_string();
            json!({"uri": uri, "mimeType": "application/json", "text": text})
        }
        _ => {
            let where_to = Some(json!({"uri": uri}));
            return Err(ErrorData::resource_not_found("there is no such resource", where_to));
        }
    };
    read(
        json!({"resultType": "complete", "contents": [content], "ttlMs": 60_000, "cacheScope": "public"}),
    )
}

pub(crate) fn prompts() -> Value {
    let argument = |name: &str, required: bool| json!({"name": name, "description": "Is said again", "required": required});
    let both = json!([argument("arg1", true), argument("arg2", false)]);
    json!([
        {"name": "test_simple_prompt", "description": "Says something"},
        {"name": "test_prompt_with_arguments", "description": "Says them", "arguments": both},
        {"name": "test_prompt_with_embedded_resource", "description": "Has a resource in it"},
        {"name": "test_prompt_with_image", "description": "Has a picture in it"},
        {"name": "test_input_required_result_prompt", "description": "Wants to know something first"},
    ])
}

/// A prompt, filled in.
pub(crate) fn prompt(wanted: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    let argument = |name: &str| {
        let given = wanted.arguments.as_ref().and_then(|given| given.get(name)?.as_str());
        given.unwrap_or_default().to_owned()
    };
    let text = |text: &str| json!({"type": "text", "text": text});
    let contents = match wanted.name.as_str() {
        "test_simple_prompt" => vec![text("This is a simple test prompt.")],
        "test_prompt_with_arguments" => {
            let (one, other) = (argument("arg1"), argument("arg2"));
            vec![text(&format!("The first is {one}, the second is {other}."))]
        }
        "test_prompt_with_embedded_resource" => {
            let resource = json!({"uri": TEXT, "mimeType": "text/plain", "text": "In it."});
            vec![json!({"type": "resource", "resource": resource}), text("See above.")]
        }
        "test_prompt_with_image" => {
            let image = json!({"type": "image", "data": IMAGE, "mimeType": "image/png"});
            vec![image, text("See above.")]
        }
        "test_input_required_result_prompt" => {
            let answers = wanted.input_responses.as_ref();
            match answers.and_then(|answers| answers.get("user_context")) {
                Some(answer) => vec![text(&answer["content"]["context"].to_string())],
                None => {
                    let question = question("What is it about?", "context");
                    return wants(&json!({"user_context": question}), None);
                }
            }
        }
        name => {
            return Err(ErrorData::invalid_params(format!("there is no prompt {name:?}"), None));
        }
    };
    let messages = contents.into_iter().map(|content| json!({"role": "user", "content": content}));
    let messages: Vec<_> = messages.collect();
    read::<GetPromptResult>(json!({"resultType": "complete", "messages": messages})).map(Into::into)
}
