//! `sayso init`: a policy to begin with, and a first agent.

use std::io::Write;

use anyhow::Context;
use jiff::Timestamp;
use sayso_core::AgentName;
use sayso_engine::{Actor, Authority};
use sayso_store::sqlite::Access;
use serde_json::json;

use crate::cli::{Common, Init};
use crate::exit::Exit;
use crate::output::{BOLD, DIM, json, say, styled};
use crate::serve::{POLICY_FILE, block_on};

const STARTER: &str = include_str!("init/policy.toml");

pub(crate) fn run(common: &Common, init: &Init) -> anyhow::Result<Exit> {
    let folder = common.folder()?;
    let path = init.policy.clone().unwrap_or_else(|| folder.join(POLICY_FILE));
    let key = block_on(async {
        let authority = Authority::new(common.store(Access::Administer).await?);
        let (actor, name) = (Actor::Operator, AgentName::new(&init.agent)?);
        let agent = authority.add_or_renew_agent(actor, name, None, None, Timestamp::now()).await?;
        Ok(agent.key.reveal())
    })?;
    let wrote = match std::fs::File::create_new(&path) {
        Ok(mut file) => {
            file.write_all(STARTER.as_bytes())
                .with_context(|| format!("can't write {}", path.display()))?;
            true
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error).context(format!("can't write {}", path.display())),
    };
    if common.json {
        json(&json!({"policy": path, "wrote_policy": wrote, "agent": init.agent, "token": key}))?;
        return Ok(Exit::Done);
    }
    match wrote {
        true => say!("Wrote {}: read it, and make it yours.", styled(BOLD, path.display())),
        false => say!("Left {} as it is.", styled(BOLD, path.display())),
    }
    say!("\nWire the agent {} in with three lines:\n", styled(BOLD, &init.agent));
    say!("  export SAYSO_URL={}", common.server_url());
    say!("  export SAYSO_TOKEN={key}   {}", styled(DIM, "# shown this once"));
    say!("  sayso ask --tool git_merge --arg branch=feature && git merge feature");
    say!("\nThen run {} and open the link it prints.", styled(BOLD, "sayso serve"));
    Ok(Exit::Done)
}
