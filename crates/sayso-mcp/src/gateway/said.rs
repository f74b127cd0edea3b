//! What we say ourselves, as the result of a call: the same in words and in structure.

use serde_json::{Value, json};

use super::eras::Era;
use super::frame::Outcome;
use crate::server::Refused;
use crate::server::answer::Answer;

/// How a review stands.
pub(super) fn told(answer: &Answer, era: Era) -> Outcome {
    said(&answer.text, &answer.structured(), false, era)
}

/// Why something was not done.
pub(super) fn refusal(refused: &Refused, era: Era) -> Outcome {
    let text = refused.to_string();
    said(&text, &json!({"status": "refused", "message": text}), true, era)
}

fn said(text: &str, structured: &Value, is_error: bool, era: Era) -> Outcome {
    let mut result = json!({
        "content": [{"type": "text", "text": text}],
        "structuredContent": structured,
        "isError": is_error,
    });
    if era == Era::Modern {
        result["resultType"] = "complete".into();
    }
    Outcome::result(&result)
}
