//! What the policy promises, seen from outside.
#![allow(clippy::unwrap_used, reason = "tests may panic, and helpers are tests too")]

mod axes;
mod bounds;
mod cases;
mod check;
mod conditions;
mod diff;
mod example;
mod explain;
mod laws;
mod messages;
mod strictest;

use sayso_core::{Action, AgentName, ToolName, Verdict};
use sayso_policy::{Call, Policy};
use serde_json::Value;

fn policy(text: &str) -> Policy {
    Policy::parse(text).expect("a good policy")
}

fn action(tool: &str, arguments: Value) -> Action {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    Action {
        tool: ToolName::new(tool).expect("a good name"),
        arguments,
        resource: None,
        precondition: None,
    }
}

fn agent() -> AgentName {
    AgentName::new("coder").expect("a good name")
}

fn call<'a>(action: &'a Action, agent: &'a AgentName, context: Option<&'a Value>) -> Call<'a> {
    Call { context, ..Call::new(action, agent) }
}

fn judge(policy: &Policy, tool: &str, arguments: Value) -> Verdict {
    policy.judge(&call(&action(tool, arguments), &agent(), None))
}

/// The name of the rule that decided, if one did.
fn rule(verdict: &Verdict) -> Option<&str> {
    verdict.rule.as_ref().map(sayso_core::RuleName::as_str)
}
