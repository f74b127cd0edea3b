//! `/inbox/me`: where somebody is logged in, and their tokens.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use jiff::Timestamp;
use sayso_client::wire;

use super::board::Top;
use super::card::When;
use super::notice::{Notice, page};
use super::people::{day, list, words};
use super::text::Text;
use super::visitor::{Sent, Visitor};
use crate::Web;
use crate::api::terms::credential;
use crate::api::tokens::{carry_out, known, session, token};

#[derive(Template)]
#[template(path = "me.html")]
struct Me {
    top: Top,
    roles: String,
    groups: Option<String>,
    /// The token that was just made.
    secret: Option<String>,
    sessions: Vec<Known>,
    tokens: Vec<Known>,
}

/// A session, or a token.
struct Known {
    id: String,
    about: Text,
    how: String,
    since: When,
    until: Option<String>,
    used: Option<When>,
    current: bool,
}

/// Shows it.
pub(super) async fn show(State(web): State<Web>, visitor: Visitor) -> Result<Html<String>, Notice> {
    of(&web, &visitor, None).await
}

async fn of(web: &Web, visitor: &Visitor, secret: Option<String>) -> Result<Html<String>, Notice> {
    let (person, now) = (&visitor.person, web.engine.now());
    let sessions = known(web, person, person.name(), session).await?;
    let tokens = known(web, person, person.name(), token).await?;
    Ok(page(&Me {
        top: Top::of(web, visitor),
        roles: words(person.roles()),
        groups: list(person.groups()),
        secret,
        sessions: sessions.into_iter().map(|it| of_session(it, now)).collect(),
        tokens: tokens.into_iter().map(|it| of_token(it, now)).collect(),
    }))
}

fn of_session(session: wire::Session, now: Timestamp) -> Known {
    Known {
        id: session.id,
        about: Text::new(&session.browser),
        how: session.how,
        since: when(&session.since, now),
        until: until(session.until.as_deref()),
        used: session.used_at.map(|used| when(&used, now)),
        current: session.current,
    }
}

fn of_token(token: wire::Token, now: Timestamp) -> Known {
    Known {
        id: token.id,
        about: Text::new(&token.label),
        how: token.scopes.join(", "),
        since: when(&token.since, now),
        until: until(token.until.as_deref()),
        used: token.used_at.map(|used| when(&used, now)),
        current: token.current,
    }
}

fn until(at: Option<&str>) -> Option<String> {
    at.and_then(|at| at.parse().ok()).map(day)
}

/// A time of ours, which reads back.
fn when(at: &str, now: Timestamp) -> When {
    When::past(at.parse().unwrap_or(now), now)
}

/// Makes a token.
pub(super) async fn issue(
    State(web): State<Web>,
    Sent { visitor, fields }: Sent,
) -> Result<Html<String>, Notice> {
    let issue = wire::IssueToken {
        label: fields.text("label"),
        scopes: fields.all("scope").map(str::to_owned).collect(),
        lasts: Some(fields.text("lasts").unwrap_or_else(|| "90d".into())),
    };
    let issued = carry_out(&web, &visitor.person, issue).await?;
    of(&web, &visitor, Some(issued.token)).await
}

/// Ends a token.
pub(super) async fn revoke(
    State(web): State<Web>,
    Path(id): Path<String>,
    Sent { visitor, .. }: Sent,
) -> Result<Redirect, Notice> {
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.revoke_token((&visitor.person).into(), credential(&id)?, now).await?;
    Ok(Redirect::to("/inbox/me"))
}

/// Logs a browser out.
pub(super) async fn close(
    State(web): State<Web>,
    Path(id): Path<String>,
    Sent { visitor, .. }: Sent,
) -> Result<Redirect, Notice> {
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.close_session((&visitor.person).into(), credential(&id)?, now).await?;
    Ok(Redirect::to("/inbox/me"))
}
