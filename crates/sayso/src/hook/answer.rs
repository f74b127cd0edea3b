//! What the hook answers, in the words of each harness.

use serde_json::{Map, Value, json};

use super::Harness;
use super::call::Event;

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// It may run.
    Allow {
        /// Why.
        reason: String,
        /// With these arguments, if people approved others than those it was called with.
        instead: Option<Map<String, Value>>,
    },
    /// It does not run, and the model is told this.
    Deny(String),
    /// It is put aside; whoever runs the harness comes back to it.
    Defer(String),
    /// Nothing to say: it has run already.
    Noted,
}

impl Harness {
    /// Whether a hook can have a tool run with other arguments, as far as is documented.
    pub(super) fn takes_other_arguments(self) -> bool {
        self != Self::Cursor
    }

    /// Whether a call can be put aside.
    pub(super) fn defers(self) -> bool {
        self == Self::ClaudeCode
    }
}

impl Answer {
    pub(super) fn in_dialect(&self, harness: Harness, event: Event) -> Value {
        if event != Event::Before {
            return json!({});
        }
        let (word, reason, instead) = match self {
            Self::Allow { reason, instead } => ("allow", reason.as_str(), instead.as_ref()),
            Self::Deny(reason) => ("deny", reason.as_str(), None),
            Self::Defer(reason) => ("defer", reason.as_str(), None),
            // Silence before a call would let it run.
            Self::Noted => ("deny", "Sayso's hook was asked about nothing.", None),
        };
        match harness {
            Harness::ClaudeCode | Harness::Codex => {
                let mut said = json!({
                    "hookEventName": "PreToolUse",
                    "permissionDecision": word,
                    "permissionDecisionReason": reason,
                });
                if let Some(instead) = instead {
                    said["updatedInput"] = json!(instead);
                }
                json!({"hookSpecificOutput": said})
            }
            Harness::Gemini => {
                let mut said = json!({"decision": word, "reason": reason});
                if let Some(instead) = instead {
                    said["hookSpecificOutput"] = json!({"tool_input": instead});
                }
                said
            }
            Harness::Copilot => {
                let mut said =
                    json!({"permissionDecision": word, "permissionDecisionReason": reason});
                if let Some(instead) = instead {
                    said["modifiedArgs"] = json!(instead);
                }
                said
            }
            Harness::Cursor => {
                json!({"permission": word, "user_message": reason, "agent_message": reason})
            }
        }
    }
}
