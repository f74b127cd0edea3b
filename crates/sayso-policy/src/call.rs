//! What is judged.

use sayso_core::{Action, AgentName};
use serde_json::Value;

/// An action that an agent proposes, with what is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The action.
    pub action: &'a Action,
    /// Who proposes it.
    pub agent: &'a AgentName,
    /// The MCP server whose tool it is, if that is known. Where it is not, a rule for a server may
    /// or may not apply.
    pub server: Option<&'a str>,
    /// What the model says about it. A claim, not a fact: it can make a verdict stricter, never
    /// looser.
    pub context: Option<&'a Value>,
}

impl<'a> Call<'a> {
    /// An action with nothing else known.
    pub fn new(action: &'a Action, agent: &'a AgentName) -> Self {
        Self { action, agent, server: None, context: None }
    }
}
