//! `/inbox/people`: who is here and what they may do, for owners.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use jiff::Timestamp;
use sayso_core::credential::Role;
use sayso_core::directory::Holder;
use sayso_core::{GroupName, ReviewerName};

use super::board::Top;
use super::card::When;
use super::notice::{Notice, page};
use super::text::Text;
use super::visitor::{Fields, Sent, Visitor};
use crate::Web;
use crate::api::problem::{self, Problem};
use crate::api::terms::{credential, groups, named, roles};

#[derive(Template)]
#[template(path = "people.html")]
struct Everybody {
    top: Top,
    /// The invitation that was just made.
    link: Option<String>,
    people: Vec<Person>,
    invitations: Vec<Invitation>,
    may: Vec<May>,
}

struct Person {
    name: Text,
    /// The name in an address; names have no characters that mean something there.
    path: String,
    roles: String,
    groups: Option<String>,
    group_list: String,
    stands_in_for: Vec<Text>,
    since: When,
    may: Vec<May>,
}

struct Invitation {
    id: String,
    roles: String,
    groups: Option<String>,
    by: Text,
    until: String,
}

/// A role to be ticked.
struct May {
    word: &'static str,
    about: &'static str,
    has: bool,
}

/// Shows them.
pub(super) async fn show(State(web): State<Web>, visitor: Visitor) -> Result<Html<String>, Notice> {
    of(&web, &visitor, None).await
}

async fn of(web: &Web, visitor: &Visitor, link: Option<String>) -> Result<Html<String>, Notice> {
    if !visitor.person.is(Role::Owner) {
        let detail = "this page takes the role \"owner\"";
        return Err(Problem::new(problem::FORBIDDEN, detail).into());
    }
    let (directory, now) = (web.engine.authority().directory().await?, web.engine.now());
    let people = directory.people().map(|(name, member)| Person {
        name: Text::new(name.as_str()),
        path: name.to_string(),
        roles: words(&member.roles),
        groups: list(&member.groups),
        group_list: list(&member.groups).unwrap_or_default(),
        stands_in_for: directory
            .stands_in_for(name, now)
            .iter()
            .map(|away| Text::new(away.as_str()))
            .collect(),
        since: When::past(member.since, now),
        may: may(&member.roles),
    });
    let mut invitations: Vec<_> = directory
        .credentials(now)
        .filter_map(|known| match &known.holder {
            Holder::Invitation { roles, groups, by } => Some(Invitation {
                id: known.id.to_string(),
                roles: words(roles),
                groups: list(groups),
                by: Text::new(&by.to_string()),
                until: known.until.map_or_else(String::new, day),
            }),
            _ => None,
        })
        .collect();
    invitations.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(page(&Everybody {
        top: Top::of(web, visitor),
        link,
        people: people.collect(),
        invitations,
        may: may(&[Role::Reviewer]),
    }))
}

/// Makes an invitation.
pub(super) async fn invite(
    State(web): State<Web>,
    Sent { visitor, fields }: Sent,
) -> Result<Html<String>, Notice> {
    let (roles, groups) = terms(&fields)?;
    let (authority, now) = (web.engine.authority(), web.engine.now());
    let invitation = authority.invite((&visitor.person).into(), &roles, &groups, now).await?;
    let link = format!("{}/join/{}", web.public_url, invitation.token.reveal());
    of(&web, &visitor, Some(link)).await
}

/// Takes one back.
pub(super) async fn end_invitation(
    State(web): State<Web>,
    Path(id): Path<String>,
    Sent { visitor, .. }: Sent,
) -> Result<Redirect, Notice> {
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.end_invitation((&visitor.person).into(), credential(&id)?, now).await?;
    Ok(Redirect::to("/inbox/people"))
}

/// Says what a person may do from now on.
pub(super) async fn set(
    State(web): State<Web>,
    Path(name): Path<String>,
    Sent { visitor, fields }: Sent,
) -> Result<Redirect, Notice> {
    let name: ReviewerName = named(&name)?;
    let (roles, groups) = terms(&fields)?;
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.set_person((&visitor.person).into(), &name, &roles, &groups, now).await?;
    Ok(Redirect::to("/inbox/people"))
}

/// Removes a person.
pub(super) async fn remove(
    State(web): State<Web>,
    Path(name): Path<String>,
    Sent { visitor, .. }: Sent,
) -> Result<Redirect, Notice> {
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.remove_person((&visitor.person).into(), &named(&name)?, now).await?;
    Ok(Redirect::to("/inbox/people"))
}

/// The roles that were ticked and the groups that were named.
fn terms(fields: &Fields) -> Result<(Vec<Role>, Vec<GroupName>), Problem> {
    let ticked: Vec<_> = fields.all("role").map(str::to_owned).collect();
    let listed = fields.text("groups").unwrap_or_default();
    let listed = listed.split(',').map(str::trim).filter(|group| !group.is_empty());
    let listed: Vec<_> = listed.map(str::to_owned).collect();
    Ok((roles(&ticked)?, groups(&listed)?))
}

fn may(has: &[Role]) -> Vec<May> {
    let about = |role| match role {
        Role::Reviewer => "decide (reviewer)",
        Role::PolicyAdmin => "change the policy (policy admin)",
        Role::Auditor => "read everything (auditor)",
        Role::Owner => "manage people, agents and keys (owner)",
    };
    let roles = Role::ALL.into_iter();
    roles
        .map(|role| May { word: role.word(), about: about(role), has: has.contains(&role) })
        .collect()
}

/// Roles as people read them.
pub(super) fn words(roles: &[Role]) -> String {
    let words: Vec<_> = roles
        .iter()
        .map(|role| match role {
            Role::Reviewer => "reviewer",
            Role::PolicyAdmin => "policy admin",
            Role::Auditor => "auditor",
            Role::Owner => "owner",
        })
        .collect();
    words.join(", ")
}

/// A time to come, to the minute.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Groups in a line, if there are any.
pub(super) fn list(groups: &[GroupName]) -> Option<String> {
    let names: Vec<_> = groups.iter().map(GroupName::as_str).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
