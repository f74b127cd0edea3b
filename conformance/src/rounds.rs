//! Tools that want to know something first, as the modern revision has it: they answer with what
//! they want to know, and are called again with the answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, ErrorData, InputRequiredResult,
};
use serde_json::{Map, Value, json};

use crate::tools::said;
use crate::{Context, read};

/// What most of their names begin with.
const PREFIX: &str = "test_input_required_result_";
/// All of them.
pub(crate) const TOOLS: [&str; 9] = [
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_tampered_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_capabilities",
    "test_streaming_elicitation",
];

/// What was given out as `requestState`, and the round that it stands for.
#[derive(Clone, Default)]
pub(crate) struct Rounds {
    given: Arc<Mutex<HashMap<String, u32>>>,
}

/// A question that a form answers with one text.
pub(crate) fn question(message: &str, wanted: &str) -> Value {
    form(message, wanted, "string")
}

/// A question that a form answers with one value of that type.
pub(crate) fn form(message: &str, wanted: &str, kind: &str) -> Value {
    json!({"method": "elicitation/create", "params": {
        "mode": "form", "message": message,
        "requestedSchema": {
            "type": "object", "properties": {wanted: {"type": kind}}, "required": [wanted],
        },
    }})
}

fn sampling(prompt: &str) -> Value {
    json!({"method": "sampling/createMessage", "params": {
        "messages": [{"role": "user", "content": {"type": "text", "text": prompt}}],
        "maxTokens": 100,
    }})
}

/// An answer that can be used: an object.
pub(crate) fn answer<'a>(call: &'a CallToolRequestParams, key: &str) -> Option<&'a Value> {
    call.input_responses.as_ref()?.get(key).filter(|answer| answer.is_object())
}

/// A result that wants to know something first.
pub(crate) fn wants<T: From<InputRequiredResult>>(
    requests: &Value,
    state: Option<String>,
) -> Result<T, ErrorData> {
    let mut result = json!({"resultType": "input_required", "inputRequests": requests});
    if let Some(state) = state {
        result["requestState"] = state.into();
    }
    read::<InputRequiredResult>(result).map(Into::into)
}

impl Rounds {
    /// A state that nobody can make up.
    fn give(&self, round: u32) -> String {
        let state = uuid::Uuid::new_v4().to_string();
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.insert(state.clone(), round);
        state
    }

    /// The round that a call belongs to: 0 is the first.
    fn of(&self, call: &CallToolRequestParams) -> Result<u32, ErrorData> {
        let Some(state) = &call.request_state else { return Ok(0) };
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = || ErrorData::invalid_params("`requestState` is none that was given", None);
        given.get(state.as_str()).copied().ok_or_else(wrong)
    }

    /// Calls one of them.
    pub(crate) fn call(
        &self,
        call: &CallToolRequestParams,
        context: &Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let round = self.of(call)?;
        let name = question("What is your name?", "name");
        let roots = json!({"method": "roots/list"});
        let one =
            |key: &str, question: Value, told: &dyn Fn(&Value) -> String| match answer(call, key) {
                Some(answer) => said(&told(answer)).map(Into::into),
                None => wants(&json!({key: question}), None),
            };
        match call.name.strip_prefix(PREFIX).unwrap_or(&call.name) {
            "elicitation" => one("user_name", name, &|answer| {
                format!("Hello, {}!", answer["content"]["name"].as_str().unwrap_or_default())
            }),
            "sampling" => {
                let question = sampling("What is the capital of France?");
                one("capital_question", question, &|answer| answer["content"].to_string())
            }
            "list_roots" => one("client_roots", roots, &|answer| answer["roots"].to_string()),
            "request_state" | "tampered_state" => match round {
                0 => {
                    let confirm = form("Is that so?", "ok", "boolean");
                    wants(&json!({"confirm": confirm}), Some(self.give(1)))
                }
                _ => said("state-ok").map(Into::into),
            },
            "multiple_inputs" => {
                let keys = ["user_name", "greeting", "client_roots"];
                if round > 0 && keys.iter().all(|key| answer(call, key).is_some()) {
                    return said("All are there.").map(Into::into);
                }
                let questions = [name, sampling("Say hello."), roots];
                let questions: Map<_, _> =
                    keys.into_iter().map(str::to_owned).zip(questions).collect();
                wants(&questions.into(), Some(self.give(1)))
            }
            "multi_round" => match round {
                0 => wants(&json!({"step1": name}), Some(self.give(1))),
                1 => {
                    let color = question("Which color do you like?", "color");
                    wants(&json!({"step2": color}), Some(self.give(2)))
                }
                _ => said("That was the last round.").map(Into::into),
            },
            "test_streaming_elicitation" => {
                wants(&json!({"value": question("Which?", "value")}), None)
            }
            "capabilities" => {
                if call.input_responses.is_some() {
                    return said("Asked what it can be asked.").map(Into::into);
                }
                let can = context.meta.client_capabilities().unwrap_or_default();
                wants(&what_can_be_asked(&can), None)
            }
            name => Err(ErrorData::invalid_params(format!("there is no tool {name:?}"), None)),
        }
    }
}

fn what_can_be_asked(can: &ClientCapabilities) -> Value {
    let mut questions = Map::new();
    if can.elicitation.is_some() {
        questions.insert("user_name".into(), question("What is your name?", "name"));
    }
    if can.sampling.is_some() {
        questions.insert("greeting".into(), sampling("Say hello."));
    }
    if can.roots.is_some() {
        questions.insert("client_roots".into(), json!({"method": "roots/list"}));
    }
    questions.into()
}
