//! Actions: what an agent wants to do, and the digest that stands for exactly that.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::json;
use crate::name::ToolName;

/// What an agent wants to do. Nothing the model says about it is part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// The tool to be called.
    pub tool: ToolName,
    /// What it is called with.
    pub arguments: Map<String, Value>,
    /// What it is done to, where the arguments don't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Value>,
    /// What must still hold when it runs (an etag, a git head).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precondition: Option<Value>,
}

/// The tool that does nothing but ask: its arguments are what a model says it is about to do.
pub const REVIEW: &str = "request_human_review";

/// The tool that puts a new policy in force: always hard, whatever the present policy says.
pub const POLICY_APPLY: &str = "sayso.policy.apply";

impl Action {
    /// Whether it is a review of the model's own words, with nothing to run.
    pub fn is_review(&self) -> bool {
        self.tool.as_str() == REVIEW
    }

    /// The bytes that are hashed, stored and handed to the executor: RFC 8785 canonical JSON of
    /// exactly `{tool, arguments, resource?, precondition?}`.
    pub fn canonical(&self) -> Vec<u8> {
        json::canonical(self)
    }

    /// The action's digest: SHA-256 over [`Action::canonical`].
    pub fn digest(&self) -> Digest {
        Digest::of(&self.canonical())
    }

    /// The same action with other arguments.
    #[must_use]
    pub fn with_arguments(&self, arguments: Map<String, Value>) -> Self {
        Self { arguments, ..self.clone() }
    }
}
