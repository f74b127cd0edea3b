//! Leave for a call that somebody else makes: a coding agent's harness, which asks before it runs a
//! tool of its own or of a server that we don't stand in front of.

use std::time::Duration;

use sayso_client::wire::{Action, Escalation, Propose};
use serde_json::{Map, Value, json};

use crate::server::{Desk, Refused};

/// What became of asking.
#[derive(Clone, Debug, PartialEq)]
pub enum Permission {
    /// The call may run, once, now.
    Allowed {
        /// Why.
        reason: String,
        /// What it must run with, if people approved other arguments than those asked with.
        instead: Option<Map<String, Value>>,
    },
    /// It waits for people; in words for a model.
    Pending(String),
    /// It does not run; in words for a model.
    Refused(String),
}

/// A call to ask about.
#[derive(Clone, Debug)]
pub struct Asking<'a> {
    /// What people decide on.
    pub action: Action,
    /// The MCP server whose tool it is, if that is known.
    pub server: Option<String>,
    /// What they are shown beside it.
    pub context: Option<Value>,
    /// How long people may take before the answer is [`Permission::Pending`].
    pub wait: Duration,
    /// Who runs it, if that can't be told to use other arguments.
    pub takes_no_others: Option<&'a str>,
}

/// Asks, joining the same call; uses the permit up before the call may run.
pub async fn ask(desk: &dyn Desk, asking: Asking<'_>) -> Result<Permission, Refused> {
    let Asking { action, server, context, wait, takes_no_others } = asking;
    let action_asked = Some(action.clone());
    let propose =
        Propose { action: action_asked, server, context, join: true, ..Propose::default() };
    let mut escalation = desk.propose(&propose).await?;
    if escalation.is_pending() && !wait.is_zero() {
        escalation = desk.get(&escalation.id, wait).await?;
    }
    match escalation.outcome.as_deref() {
        Some("granted") => redeem(desk, &action, &escalation, takes_no_others).await,
        Some("noted") => {
            Ok(Permission::Allowed { reason: "People are told.".into(), instead: None })
        }
        None => Ok(Permission::Pending(pending(&escalation))),
        Some(_) => Ok(Permission::Refused(refused(&escalation))),
    }
}

async fn redeem(
    desk: &dyn Desk,
    asked: &Action,
    escalation: &Escalation,
    takes_no_others: Option<&str>,
) -> Result<Permission, Refused> {
    let approved = escalation.action.as_ref().map(|action| &action.arguments);
    if let Some(runner) = takes_no_others
        && approved != Some(&asked.arguments)
    {
        return Ok(Permission::Refused(format!(
            "People approved it with other arguments than these, and {runner} can't be told to use \
             them. What they would agree to: {}",
            json!(approved)
        )));
    }
    let Some(permit) = &escalation.permit else {
        let used = "Its approval was used already. Make the call again to ask again.";
        return Ok(Permission::Refused(used.into()));
    };
    let redeemed = desk.redeem(permit).await?;
    let instead =
        (redeemed.action.arguments != asked.arguments).then_some(redeemed.action.arguments);
    Ok(Permission::Allowed { reason: escalation.reason.clone(), instead })
}

fn pending(escalation: &Escalation) -> String {
    let Escalation { id, tier, reason, .. } = escalation;
    format!(
        "NOT DONE YET, and not refused: it waits for people ({tier}, handle {id}). {reason} Go on \
         with work that does not depend on it. Later make exactly the same call again: it runs \
         once it is approved. Don't try to do it another way."
    )
}

fn refused(escalation: &Escalation) -> String {
    let outcome = escalation.outcome.as_deref().unwrap_or_default().to_uppercase();
    let mut words = format!("{outcome}. {} Don't do it another way either.", escalation.reason);
    for said in &escalation.decisions {
        if let Some(comment) = &said.comment {
            words.push_str(&format!("\n{} says: {comment}", said.by));
        }
    }
    words
}

/// The server and the tool's own name within the name that Claude Code and Codex give an MCP tool,
/// `mcp__server__tool`; no server for one of their own tools. Where names have `__` in them, it
/// takes `told`, the server's name as it was told beside it, to know where the one ends.
pub fn own_name<'a>(name: &'a str, told: Option<&str>) -> (Option<&'a str>, &'a str) {
    let Some(rest) = name.strip_prefix("mcp__") else { return (None, name) };
    let known = told.map(spelt).and_then(|server| {
        let tool = rest.strip_prefix(&*server)?.strip_prefix("__")?;
        Some((&rest[..server.len()], tool))
    });
    let (server, tool) = known.or_else(|| rest.split_once("__")).unwrap_or(("", rest));
    (Some(server), tool)
}

/// A server's name as it is spelt within a tool's.
fn spelt(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_keeps_its_own_name_and_its_server_is_told_apart() {
        assert_eq!(own_name("mcp__git__git_merge", Some("git")), (Some("git"), "git_merge"));
        assert_eq!(own_name("mcp__git__git_merge", None), (Some("git"), "git_merge"));
        assert_eq!(own_name("mcp__a__b__c", Some("a__b")), (Some("a__b"), "c"));
        assert_eq!(own_name("mcp__my_git__x", Some("my git")), (Some("my_git"), "x"));
        assert_eq!(own_name("mcp__odd", None), (Some(""), "odd"));
        assert_eq!(own_name("Bash", Some("git")), (None, "Bash"));
    }
}
