//! The tools as models see them. Their descriptions teach a model to go on working meanwhile.

use std::sync::Arc;

use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Value, json};

pub(crate) use sayso_core::action::REVIEW as REQUEST;
pub(crate) const CHECK: &str = "check_review";
pub(crate) const AWAIT: &str = "await_review";
pub(crate) const WITHDRAW: &str = "withdraw_review";
pub(crate) const LIST: &str = "list_my_reviews";

pub(crate) const INSTRUCTIONS: &str = "\
Sayso lets you ask people without stopping. Before something risky, irreversible or unclear, call \
request_human_review and go on with other work that does not depend on the answer; call \
check_review now and then, and await_review only when nothing else is left to do. A pending review \
is not a yes. Do exactly what was approved, and nothing in its place if it was refused.";

/// All of them, always in the same order.
pub(crate) fn all() -> Vec<Tool> {
    vec![request(), check(), wait(), withdraw(), list()]
}

fn request() -> Tool {
    tool(
        REQUEST,
        "Ask people for a review",
        "Ask a person, without stopping your work. Choose the tier by what is at stake:\n\
         - fyi: people are told; nothing waits; go on.\n\
         - soft: it counts as agreed if nobody objects within a window. For what can be undone.\n\
         - hard: nothing may happen until a person says yes. For what can't be undone, or money, \
         deletion, credentials, other people's access, or words sent outside.\n\
         The policy may ask for more than you do, never for less. Say in `message` what you are \
         about to do and why, for somebody who has not followed; put what they need to decide \
         (a diff, a plan, numbers) into `context_data`. To have one exact tool call approved, give \
         it as `action`. To ask a question, give `options`, or a `form`; with a `default`, soft \
         takes that if nobody answers.\n\
         You get a handle at once. Go on with other tasks meanwhile, and ask again with \
         check_review. Until its status is granted or answered, you have no yes.",
        json!({
            "type": "object",
            "properties": {
                "tier": {"type": "string", "enum": ["fyi", "soft", "hard"],
                         "description": "fyi: tell; soft: go ahead unless somebody objects; hard: \
                                         wait for a person."},
                "message": {"type": "string",
                            "description": "What you are about to do, or ask, and why."},
                "context_data": {"type": "object",
                                 "description": "What helps to decide: a diff, a plan, numbers."},
                "action": {
                    "type": "object",
                    "description": "The exact call to be approved; run exactly what comes back as \
                                    approved.",
                    "properties": {
                        "tool": {"type": "string"},
                        "arguments": {"type": "object"},
                    },
                    "required": ["tool", "arguments"],
                },
                "options": {"type": "array", "items": {"type": "string"}, "maxItems": 20,
                            "description": "Answers to choose from."},
                "form": {"type": "object",
                         "description": "A small flat form, as JSON Schema of type object."},
                "default": {"description": "The answer you go by if a soft question's window \
                                            passes without one."},
                "window": {"type": "string",
                           "description": "A longer window than the policy's, like \"30m\"."},
            },
            "required": ["tier", "message"],
            "additionalProperties": false,
        }),
        false,
    )
}

fn check() -> Tool {
    tool(
        CHECK,
        "Check reviews",
        "How reviews stand, at once. Call it between other tasks. pending: no yes yet, go on with \
         something else. granted: do exactly what was approved (arguments may have been changed). \
         answered: here is the answer. denied, vetoed: don't do it, and don't ask for the same \
         again. expired: nobody decided; that is no yes.",
        json!({"type": "object", "properties": {"ids": ids()}, "required": ["ids"],
               "additionalProperties": false}),
        true,
    )
}

fn wait() -> Tool {
    tool(
        AWAIT,
        "Wait for reviews",
        "Wait until one of these reviews is decided, or the seconds are over; that a wait is over \
         decides nothing. Only for when no other work is left.",
        json!({
            "type": "object",
            "properties": {
                "ids": ids(),
                "seconds": {"type": "number", "minimum": 0, "maximum": 50, "default": 4},
            },
            "required": ["ids"],
            "additionalProperties": false,
        }),
        true,
    )
}

fn withdraw() -> Tool {
    tool(
        WITHDRAW,
        "Withdraw reviews",
        "Take reviews back that no longer matter, so that people need not look at them.",
        json!({"type": "object", "properties": {"ids": ids()}, "required": ["ids"],
               "additionalProperties": false}),
        false,
    )
}

fn list() -> Tool {
    tool(
        LIST,
        "List my open reviews",
        "Everything you have asked for that is still open.",
        json!({"type": "object", "properties": {}, "additionalProperties": false}),
        true,
    )
}

fn ids() -> Value {
    json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 20,
           "description": "Reviews' ids, as request_human_review gave them."})
}

fn tool(
    name: &'static str,
    title: &str,
    description: &'static str,
    schema: Value,
    reads: bool,
) -> Tool {
    let schema = match schema {
        Value::Object(schema) => schema,
        _ => serde_json::Map::new(),
    };
    let annotations = ToolAnnotations::with_title(title)
        .read_only(reads)
        .destructive(false)
        .idempotent(true)
        .open_world(false);
    Tool::new(name, description, Arc::new(schema)).with_title(title).with_annotations(annotations)
}
