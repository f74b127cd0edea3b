//! Halts: a person's kill switch.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::HaltId;
use crate::name::{AgentName, ReviewerName, RuleName, ToolName};

/// What a halt stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Scope {
    /// Everything.
    Everything,
    /// One agent.
    Agent(AgentName),
    /// One tool.
    Tool(ToolName),
    /// One rule of the policy.
    Rule(RuleName),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Agent(agent) => write!(f, "the agent {agent}"),
            Self::Tool(tool) => write!(f, "the tool {tool}"),
            Self::Rule(rule) => write!(f, "the rule {rule}"),
        }
    }
}

/// A halt in force: what it covers is neither granted nor redeemed until a person lifts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Its id.
    pub id: HaltId,
    /// What it stops.
    pub scope: Scope,
    /// Why, in the words of who called it.
    pub reason: String,
    /// Who called it.
    pub by: ReviewerName,
    /// When.
    pub at: Timestamp,
}

impl Halt {
    /// Whether it stops that agent with that tool under that rule.
    pub fn covers(
        &self,
        agent: &AgentName,
        tool: Option<&ToolName>,
        rule: Option<&RuleName>,
    ) -> bool {
        match &self.scope {
            Scope::Everything => true,
            Scope::Agent(halted) => halted == agent,
            Scope::Tool(halted) => Some(halted) == tool,
            Scope::Rule(halted) => Some(halted) == rule,
        }
    }
}
