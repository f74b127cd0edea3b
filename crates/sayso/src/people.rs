//! `sayso reviewer …`: who may decide, and do what else.

mod keys;

use anyhow::anyhow;
use jiff::Timestamp;
use sayso_core::credential::Role;
use sayso_core::{Directory, GroupName, ReviewerName};
use sayso_engine::{Actor, Authority};
use sayso_store::sqlite::Access;
use serde_json::json;

use crate::cli::{Common, Reviewers};
use crate::exit::Exit;
use crate::output::{BOLD, DIM, json, say, styled};
use crate::serve::{block_on, invite_url, login_url};

pub(crate) fn run(common: &Common, reviewers: &Reviewers) -> anyhow::Result<Exit> {
    if let Reviewers::Key(keys) = reviewers {
        return keys::run(common, keys);
    }
    block_on(async {
        let authority = Authority::new(common.store(Access::Administer).await?);
        let (operator, now) = (Actor::Operator, Timestamp::now());
        match reviewers {
            Reviewers::Add { name, may } => {
                let name = ReviewerName::new(name)?;
                let (roles, groups) = (roles(&may.roles)?, groups(&may.groups)?);
                let person = authority.add_or_renew_person(name, &roles, &groups, now).await?;
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
            Reviewers::Set { name, may } => {
                let name = ReviewerName::new(name)?;
                let (roles, groups) = (roles(&may.roles)?, groups(&may.groups)?);
                authority.set_person(operator, &name, &roles, &groups, now).await?;
                if common.json {
                    return json(&json!({"name": name, "roles": roles, "groups": groups}));
                }
                say!("{name} is now {}.", words(&roles));
            }
            Reviewers::Remove { name } => {
                let name = ReviewerName::new(name)?;
                authority.remove_person(operator, &name, now).await?;
                if common.json {
                    return json(&json!({"name": name}));
                }
                say!("{name} is removed. What was granted stays granted until somebody denies it.");
            }
            Reviewers::Invite { may } => {
                let (roles, groups) = (roles(&may.roles)?, groups(&may.groups)?);
                let invitation = authority.invite(operator, &roles, &groups, now).await?;
                let link = invite_url(&common.server_url(), &invitation.token.reveal());
                if common.json {
                    let (id, until) = (invitation.id, invitation.until);
                    return json(&json!({"id": id, "invite_url": link, "until": until}));
                }
                say!("Whoever opens this first joins as {}, within three days:\n", words(&roles));
                say!("  {link}");
            }
            Reviewers::Cover { away, stand_in, lasts, end } => {
                let (away, stand_in) = (ReviewerName::new(away)?, ReviewerName::new(stand_in)?);
                if *end {
                    authority.end_cover(operator, &away, &stand_in, now).await?;
                    say!("{stand_in} stands in for {away} no more.");
                    return Ok(());
                }
                let until = lasts.after(now);
                authority.set_cover(operator, &away, &stand_in, until, now).await?;
                if common.json {
                    return json(&json!({"away": away, "stand_in": stand_in, "until": until}));
                }
                say!("{stand_in} stands in for {away} until {until}.");
            }
            // Done above: most of it asks a server.
            Reviewers::Key(_) => {}
            Reviewers::Link { name, issuer, subject } => {
                let name = ReviewerName::new(name)?;
                authority.link_person(operator, &name, issuer, subject, now).await?;
                if common.json {
                    return json(&json!({"name": name, "issuer": issuer, "subject": subject}));
                }
                say!("{name} may log in at {issuer}.");
            }
            Reviewers::Login { name } => {
                let name = ReviewerName::new(name)?;
                let link = authority.login_link(operator, &name, now).await?;
                let link = login_url(&common.server_url(), &link.reveal());
                if common.json {
                    return json(&json!({"name": name, "login_url": link}));
                }
                say!("{link}");
            }
            Reviewers::List => list(common, &*authority.directory().await?, now)?,
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

fn roles(words: &[String]) -> anyhow::Result<Vec<Role>> {
    let read = words.iter().map(|word| word.parse().map_err(|error: String| anyhow!(error)));
    let mut roles: Vec<Role> = read.collect::<anyhow::Result<_>>()?;
    roles.sort_unstable();
    roles.dedup();
    Ok(roles)
}

fn groups(names: &[String]) -> anyhow::Result<Vec<GroupName>> {
    let mut groups: Vec<_> =
        names.iter().map(|name| GroupName::new(name)).collect::<Result<_, _>>()?;
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}

fn words(roles: &[Role]) -> String {
    let words: Vec<_> = roles.iter().map(|role| role.word()).collect();
    words.join(", ")
}

fn list(common: &Common, directory: &Directory, now: Timestamp) -> anyhow::Result<()> {
    if common.json {
        let people: Vec<_> = directory
            .people()
            .map(|(name, member)| {
                json!({
                    "name": name, "roles": member.roles, "groups": member.groups,
                    "stands_in_for": directory.stands_in_for(name, now),
                })
            })
            .collect();
        return json(&people);
    }
    for (name, member) in directory.people() {
        let groups: Vec<_> = member.groups.iter().map(GroupName::as_str).collect();
        let mut about = words(&member.roles);
        if !groups.is_empty() {
            about = format!("{about}; in {}", groups.join(", "));
        }
        for away in directory.stands_in_for(name, now) {
            about = format!("{about}; stands in for {away}");
        }
        say!("{name}  {}", styled(DIM, about));
    }
    Ok(())
}
