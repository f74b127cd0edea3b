//! `sayso agent …`, `sayso reviewer …`: who may ask, and who may decide.

use anyhow::{anyhow, bail};
use jiff::Timestamp;
use sayso_core::credential::Role;
use sayso_core::{AgentName, ReviewerName};
use sayso_engine::Authority;
use sayso_store::sqlite::Access;
use serde_json::json;

use crate::callback::shown;
use crate::cli::{Agents, Common, Reviewers};
use crate::exit::Exit;
use crate::output::{BOLD, DIM, json, say, styled};
use crate::serve::{block_on, login_url};

pub(crate) fn agents(common: &Common, agents: &Agents) -> anyhow::Result<Exit> {
    block_on(async {
        let authority = Authority::new(common.store(Access::Administer).await?);
        match agents {
            Agents::Add { name } => {
                let name = AgentName::new(name)?;
                let agent = authority.add_agent(name, Timestamp::now()).await?;
                let (name, key) = (agent.name.to_string(), agent.key.reveal());
                if common.json {
                    return json(&json!({"name": name, "token": key}));
                }
                say!("Added the agent {}. Its key, shown this once:\n", styled(BOLD, &name));
                say!("  export SAYSO_URL={}", common.server_url());
                say!("  export SAYSO_TOKEN={key}");
            }
            Agents::Callback { name, url, .. } => {
                let name = AgentName::new(name)?;
                if let Some(odd) = url.as_ref().filter(|url| !is_web(url)) {
                    bail!("{odd:?} is no address that can be posted to: it must be http or https");
                }
                let set = authority.set_callback(&name, url.as_deref(), Timestamp::now()).await?;
                let Some(secret) = set else { bail!("there is no agent {name}") };
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
            Agents::List => {
                let names = authority.agents().await?;
                if common.json {
                    return json(&names);
                }
                names.iter().for_each(|name| say!("{name}"));
            }
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

/// Whether it is an address that can be posted to.
fn is_web(url: &str) -> bool {
    let web = |url: &ureq::http::Uri| matches!(url.scheme_str(), Some("http" | "https"));
    url.parse::<ureq::http::Uri>().is_ok_and(|url| web(&url))
}

pub(crate) fn reviewers(common: &Common, reviewers: &Reviewers) -> anyhow::Result<Exit> {
    block_on(async {
        let authority = Authority::new(common.store(Access::Administer).await?);
        let now = Timestamp::now();
        match reviewers {
            Reviewers::Add { name, roles } => {
                let name = ReviewerName::new(name)?;
                let roles: Vec<Role> = roles
                    .iter()
                    .map(|role| role.parse().map_err(|error: String| anyhow!(error)))
                    .collect::<anyhow::Result<_>>()?;
                let person = authority.add_person(name, &roles, now).await?;
                let (name, token) = (person.name.to_string(), person.token.reveal());
                let link = login_url(&common.server_url(), &person.login.reveal());
                if common.json {
                    let added = json!({"name": name, "token": token, "login_url": link});
                    return json(&added);
                }
                say!("Added {}. Both secrets are shown this once:\n", styled(BOLD, &name));
                say!("  log in   {link}");
                say!("           {}", styled(DIM, "once, within a day"));
                say!("  export SAYSO_TOKEN={token}");
            }
            Reviewers::Login { name } => {
                let name = ReviewerName::new(name)?;
                let link = authority.login_link(&name, now).await?;
                let link = login_url(&common.server_url(), &link.reveal());
                if common.json {
                    return json(&json!({"name": name, "login_url": link}));
                }
                say!("{link}");
            }
            Reviewers::List => {
                let people = authority.people().await?;
                if common.json {
                    let people = people.iter();
                    let people: Vec<_> =
                        people.map(|(name, roles)| json!({"name": name, "roles": roles})).collect();
                    return json(&people);
                }
                for (name, roles) in people {
                    let roles: Vec<_> = roles.into_iter().map(Role::word).collect();
                    say!("{name}  {}", styled(DIM, roles.join(", ")));
                }
            }
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}
