//! `sayso halt`, `sayso resume`: the kill switch.

use sayso_client::wire::{CallHalt, Halt as InForce};

use crate::cli::{Common, Halt};
use crate::exit::Exit;
use crate::output::{BAD, DIM, GOOD, json, relative, say, styled};
use crate::text;

pub(crate) fn call(common: &Common, halt: &Halt) -> anyhow::Result<Exit> {
    let client = common.client()?;
    if halt.list {
        let halts = client.halts()?.items;
        if common.json {
            json(&halts)?;
        } else if halts.is_empty() {
            say!("{}", styled(DIM, "No halt is in force."));
        } else {
            halts.iter().for_each(|halt| say!("{}", line(halt)));
        }
        return Ok(Exit::Done);
    }
    let called = client.halt(&CallHalt {
        agent: halt.agent.clone(),
        tool: halt.tool.clone(),
        rule: halt.rule.clone(),
        reason: halt.reason.clone(),
    })?;
    if common.json {
        json(&called)?;
    } else {
        say!("{}", line(&called));
        say!("Lift it with: sayso resume {}", called.id);
    }
    Ok(Exit::Done)
}

pub(crate) fn lift(common: &Common, id: Option<&str>) -> anyhow::Result<Exit> {
    let client = common.client()?;
    let ids = match id {
        Some(id) => vec![id.to_owned()],
        None => client.halts()?.items.into_iter().map(|halt| halt.id).collect(),
    };
    for id in &ids {
        client.lift(id)?;
    }
    if common.json {
        json(&ids)?;
    } else {
        let what = if ids.is_empty() { "No halt was in force." } else { "Lifted." };
        say!("{}", styled(GOOD, what));
    }
    Ok(Exit::Done)
}

fn line(halt: &InForce) -> String {
    let scope = match (&halt.agent, &halt.tool, &halt.rule) {
        (Some(agent), _, _) => format!("the agent {agent}"),
        (_, Some(tool), _) => format!("the tool {tool}"),
        (_, _, Some(rule)) => format!("the rule {rule}"),
        (None, None, None) => "everything".into(),
    };
    format!(
        "{} {} · {} · {} · {}",
        styled(BAD.bold(), "halted"),
        text::line(&scope),
        text::line(&halt.reason),
        halt.by,
        styled(DIM, format_args!("{} · {}", relative(&halt.at), halt.id)),
    )
}
