//! `sayso agent …`: who may ask, and for what.

use anyhow::{Context, bail};
use jiff::Timestamp;
use sayso_core::confirmation::Thumbprint;
use sayso_core::directory::{Holder, ToolPattern};
use sayso_core::{AgentName, Directory, ReviewerName};
use sayso_engine::{Actor, Authority, NewAgent};
use sayso_store::sqlite::Access;
use serde_json::{Value, json};

use crate::callback::shown;
use crate::cli::{Agents, Common};
use crate::exit::Exit;
use crate::output::{BOLD, DIM, json, say, styled};
use crate::serve::block_on;

pub(crate) fn run(common: &Common, agents: &Agents) -> anyhow::Result<Exit> {
    block_on(async {
        let authority = Authority::new(common.store(Access::Administer).await?);
        let (operator, now) = (Actor::Operator, Timestamp::now());
        match agents {
            Agents::Add { name, terms } => {
                let (name, owner) = (AgentName::new(name)?, owner(terms.owner.as_deref())?);
                let tools = tools(&terms.tools)?;
                let confirm = confirm(terms.confirm.as_deref())?;
                let agent = authority.add_or_renew_agent(operator, name, owner, tools, now).await?;
                if confirm.is_some() {
                    authority.confirm_agent(operator, &agent.name, confirm, now).await?;
                }
                show(common, &agent, "Added the agent")?;
            }
            Agents::Set { name, terms, any_tool, no_owner, no_confirm } => {
                let name = AgentName::new(name)?;
                let directory = authority.directory().await?;
                let Some(known) = directory.agent(&name) else { bail!("there is no agent {name}") };
                let said = owner(terms.owner.as_deref())?;
                let owner = if *no_owner { None } else { said.or(known.owner.clone()) };
                let said = tools(&terms.tools)?;
                let tools = if *any_tool { None } else { said.or(known.tools.clone()) };
                let said = confirm(terms.confirm.as_deref())?;
                let confirm = if *no_confirm { None } else { said.or(known.confirm) };
                authority.change_agent(operator, &name, owner, tools, now).await?;
                authority.confirm_agent(operator, &name, confirm, now).await?;
                done(common, &name, "changed")?;
            }
            Agents::Rotate { name, overlap } => {
                let name = AgentName::new(name)?;
                let agent = authority.rotate_agent(operator, name, *overlap, now).await?;
                show(common, &agent, "A new key for the agent")?;
            }
            Agents::Revoke { name } => {
                let name = AgentName::new(name)?;
                authority.revoke_agent(operator, &name, now).await?;
                done(common, &name, "revoked")?;
            }
            Agents::Callback { name, url, .. } => {
                let name = AgentName::new(name)?;
                if let Some(odd) = url.as_ref().filter(|url| !is_web(url)) {
                    bail!("{odd:?} is no address that can be posted to: it must be http or https");
                }
                let secret = authority.set_callback(operator, &name, url.as_deref(), now).await?;
                let Some(url) = url else {
                    say!("{name} is called no more.");
                    return Ok(());
                };
                let secret = shown(&secret);
                if common.json {
                    return json(&json!({"agent": name, "url": url, "secret": secret}));
                }
                say!("{} is called at {url}. Its secret, shown this once:\n", styled(BOLD, &name));
                say!("  {secret}");
            }
            Agents::List => list(common, &*authority.directory().await?, now)?,
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

fn owner(name: Option<&str>) -> anyhow::Result<Option<ReviewerName>> {
    Ok(name.map(ReviewerName::new).transpose()?)
}

fn confirm(key: Option<&str>) -> anyhow::Result<Option<Thumbprint>> {
    key.map(Thumbprint::named).transpose().context("--confirm")
}

/// The tools that were named; none means that nothing was said of them.
fn tools(named: &[String]) -> anyhow::Result<Option<Vec<ToolPattern>>> {
    let read: Result<Vec<_>, _> =
        named.iter().map(|text| sayso_policy::tool_pattern(text)).collect();
    Ok(Some(read?).filter(|tools| !tools.is_empty()))
}

fn show(common: &Common, agent: &NewAgent, what: &str) -> anyhow::Result<()> {
    let (name, key) = (agent.name.to_string(), agent.key.reveal());
    if common.json {
        return json(&json!({"name": name, "token": key}));
    }
    say!("{what} {}. Its key, shown this once:\n", styled(BOLD, &name));
    say!("  export SAYSO_URL={}", common.server_url());
    say!("  export SAYSO_TOKEN={key}");
    Ok(())
}

fn done(common: &Common, name: &AgentName, what: &str) -> anyhow::Result<()> {
    if common.json {
        return json(&json!({"name": name}));
    }
    say!("{name} is {what}.");
    Ok(())
}

fn list(common: &Common, directory: &Directory, now: Timestamp) -> anyhow::Result<()> {
    let keys = |name: &AgentName| -> Vec<Value> {
        let theirs = directory.credentials(now).filter(
            |credential| matches!(&credential.holder, Holder::Agent(agent) if agent == name),
        );
        let mut theirs: Vec<_> = theirs.collect();
        theirs.sort_by_key(|credential| credential.id);
        theirs.iter().map(|it| json!({"id": it.id, "since": it.since, "until": it.until})).collect()
    };
    if common.json {
        let agents: Vec<_> = directory
            .agents()
            .map(|(name, agent)| {
                let (owner, tools) = (&agent.owner, &agent.tools);
                let confirm = &agent.confirm;
                json!({"name": name, "owner": owner, "tools": tools, "confirm": confirm,
                       "keys": keys(name)})
            })
            .collect();
        return json(&agents);
    }
    for (name, agent) in directory.agents() {
        let owner = agent.owner.as_ref().map(|owner| format!("of {owner}"));
        let tools = agent.tools.as_ref().map(|tools| {
            let tools: Vec<_> = tools.iter().map(ToolPattern::as_str).collect();
            format!("only {}", tools.join(", "))
        });
        let confirm = agent.confirm.map(|key| format!("with the key {key}"));
        let terms: Vec<_> = [owner, tools, confirm].into_iter().flatten().collect();
        say!("{name}  {}", styled(DIM, terms.join("; ")));
    }
    Ok(())
}

/// Whether it is an address that can be posted to.
fn is_web(url: &str) -> bool {
    let web = |url: &ureq::http::Uri| matches!(url.scheme_str(), Some("http" | "https"));
    url.parse::<ureq::http::Uri>().is_ok_and(|url| web(&url))
}
