//! Between a call and its say-so: proposes it, redeems its permit before it may run, and reports
//! what came of it.

use std::time::Duration;

use sayso_client::Client;
use sayso_client::wire::{Action, Report};
use sayso_mcp::permission::{self, Asking, Permission};
use sayso_mcp::server::HttpDesk;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::call::{Call, Event};
use super::{Harness, canary};
use crate::cli::{Common, Hook};
use crate::serve::block_on;

/// How many of an agent's latest escalations are looked through for the one that has just run.
const LATEST: u32 = 50;

pub(super) struct Gate<'a> {
    pub(super) common: &'a Common,
    pub(super) harness: Harness,
    pub(super) hook: &'a Hook,
}

impl Gate<'_> {
    pub(super) fn answer(&self, call: &Call) -> Answer {
        if call.tool == canary::TOOL {
            return Answer::Deny(canary::ALIVE.into());
        }
        if self.asks_by_itself(call) {
            let reason = "Sayso asks for this one itself.".into();
            return Answer::Allow { reason, instead: None };
        }
        let answered = self.common.client().and_then(|client| match call.event {
            Event::Before => self.before(client, call),
            Event::After { succeeded } => {
                after(&client, call, succeeded)?;
                Ok(Answer::Noted)
            }
        });
        answered.unwrap_or_else(|error| {
            Answer::Deny(format!("Sayso can't be asked, so this does not run: {error:#}"))
        })
    }

    /// Whether it is a call of `sayso mcp` or `sayso gateway`, which need no second asking.
    fn asks_by_itself(&self, call: &Call) -> bool {
        let ours = &self.hook.sayso_server;
        match &call.server {
            Some(server) => ours.contains(server),
            // Copilot joins the two by a dash.
            None if self.harness == Harness::Copilot => {
                let begins = |name: &String| {
                    call.tool.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('-'))
                };
                ours.iter().any(begins)
            }
            None => false,
        }
    }

    fn before(&self, client: Client, call: &Call) -> anyhow::Result<Answer> {
        let asking = Asking {
            action: action(call),
            server: call.server.clone(),
            context: Some(self.context(call)),
            wait: self.wait(),
            takes_no_others: (!self.harness.takes_other_arguments())
                .then_some(self.harness.title()),
        };
        let asked = block_on(async { Ok(permission::ask(&HttpDesk::new(client), asking).await) })?;
        Ok(match asked {
            Ok(Permission::Allowed { reason, instead }) => Answer::Allow { reason, instead },
            Ok(Permission::Pending(words)) if self.hook.defer && self.harness.defers() => {
                Answer::Defer(words)
            }
            Ok(Permission::Pending(words) | Permission::Refused(words)) => Answer::Deny(words),
            Err(refused) => Answer::Deny(refused.to_string()),
        })
    }

    /// How long people may take: the deadline leaves time to say that it still waits.
    fn wait(&self) -> Duration {
        let (wait, deadline): (Duration, Duration) =
            (self.hook.wait.into(), self.hook.deadline.into());
        wait.min(deadline * 4 / 5)
    }

    /// What the harness tells of itself, for people to see: it is no part of what they decide on.
    fn context(&self, call: &Call) -> Value {
        let mut context = Map::from_iter([("asked_by".to_owned(), self.harness.title().into())]);
        let session = call.session.as_ref().map(|id| ("session".to_owned(), id.clone().into()));
        context.extend(session);
        Value::Object(context)
    }
}

/// What people decide on. What a harness's own tools do depends on the folder they work in; what an
/// MCP server's do, does not, and so it is the same call that a gateway sees.
fn action(call: &Call) -> Action {
    let folder = call.cwd.as_ref().filter(|_| !call.is_mcp);
    Action {
        tool: call.tool.clone(),
        arguments: call.arguments.clone(),
        resource: folder.map(|cwd| json!({"cwd": cwd})),
        precondition: None,
    }
}

/// Reports what came of a call, if it was one that a permit was used for.
fn after(client: &Client, call: &Call, succeeded: bool) -> anyhow::Result<()> {
    let Action { tool, arguments, resource, precondition } = action(call);
    let tool = tool.parse()?;
    let ran = sayso_core::Action { tool, arguments, resource, precondition };
    let digest = ran.digest().to_string();
    let page = client.list(&format!("state=settled&limit={LATEST}"))?;
    let started = page.items.iter().find(|escalation| {
        let begun = escalation.receipt.as_ref().is_some_and(|it| it.result == "started");
        begun && escalation.digest == digest
    });
    let Some(started) = started else { return Ok(()) };
    let result = if succeeded { "succeeded" } else { "failed" };
    client.report(&started.id, &Report { result: result.into(), ..Report::default() })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harnesss_own_tool_is_another_action_in_another_folder_and_a_servers_is_not() {
        let call = |is_mcp, cwd: &str| Call {
            event: Event::Before,
            tool: "t".into(),
            server: None,
            is_mcp,
            arguments: Map::new(),
            cwd: Some(cwd.into()),
            session: None,
        };
        assert_ne!(action(&call(false, "/a")), action(&call(false, "/b")));
        assert_eq!(action(&call(true, "/a")), action(&call(true, "/b")));
    }
}
