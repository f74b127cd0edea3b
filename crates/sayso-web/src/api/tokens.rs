//! `/v1/tokens` and `/v1/sessions`: what a person is known by.

use std::collections::HashMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use sayso_client::wire;
use sayso_core::credential::{Person, Role};
use sayso_core::directory::{Credential, Holder};
use sayso_core::{CredentialId, Period, ReviewerName};
use sayso_store::Note;
use serde::Deserialize;

use super::body::Strict;
use super::caller::PersonCaller;
use super::problem::{self, Problem};
use super::terms::{credential, parsed, set};
use crate::Web;

/// The longest name of a token, in characters.
const LONGEST_LABEL: usize = 80;

/// Whose they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    person: Option<String>,
}

type Asked = Result<Query<Whose>, QueryRejection>;

/// One's tokens in force; with `person`, and the role `owner` or `auditor`, another's.
#[utoipa::path(get, path = "/v1/tokens", tag = "people",
    params(("person" = Option<String>, Query, description = "Whose, if not the caller's own")),
    responses((status = 200, description = "The tokens", body = wire::Tokens)),
    security(("reviewer" = [])))]
pub(super) async fn tokens(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    asked: Asked,
) -> Result<Json<wire::Tokens>, Problem> {
    let name = whose(&person, asked)?;
    Ok(Json(wire::Tokens { items: known(&web, &person, &name, token).await? }))
}

/// Make a token for oneself: good for no more, and no longer, than what this is asked with.
#[utoipa::path(post, path = "/v1/tokens", tag = "people",
    request_body(content = wire::IssueToken, example = json!({
        "label": "laptop", "scopes": ["read", "decide"], "lasts": "90d",
    })),
    responses(
        (status = 201, description = "The token", body = wire::IssuedToken),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn issue(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    body: Strict<wire::IssueToken>,
) -> Result<(StatusCode, Json<wire::IssuedToken>), Problem> {
    Ok((StatusCode::CREATED, Json(carry_out(&web, &person, body.value).await?)))
}

/// Checks what a person sent and makes the token.
pub(crate) async fn carry_out(
    web: &Web,
    person: &Person,
    issue: wire::IssueToken,
) -> Result<wire::IssuedToken, Problem> {
    let wire::IssueToken { label, scopes, lasts } = issue;
    let label = label.unwrap_or_default();
    if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
        let detail = format!("must have at most {LONGEST_LABEL} characters, on one line");
        return Err(Problem::field("/label", detail));
    }
    let (scopes, now) = (set("/scopes", &scopes)?, web.engine.now());
    let lasts: Option<Period> = lasts.map(|lasts| parsed("/lasts", &lasts)).transpose()?;
    if lasts == Some(Period::ZERO) {
        return Err(Problem::field("/lasts", "is no time at all"));
    }
    let until = lasts.map(|lasts| lasts.after(now));
    let authority = web.engine.authority();
    let name = person.name();
    let new = authority.issue_token(person.into(), name, &scopes, until, &label, now).await?;
    Ok(wire::IssuedToken {
        id: new.id.to_string(),
        token: new.token.reveal(),
        until: until.map(|until| until.to_string()),
    })
}

/// End a token: one's own, or with the role `owner` anybody's.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "people",
    params(("id" = String, Path, description = "The token's id")),
    responses(
        (status = 204, description = "Ended"),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn revoke(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.revoke_token((&person).into(), credential(&id)?, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's browsers that are logged in; with `person`, and the role `owner` or `auditor`, another's.
#[utoipa::path(get, path = "/v1/sessions", tag = "people",
    params(("person" = Option<String>, Query, description = "Whose, if not the caller's own")),
    responses((status = 200, description = "The sessions", body = wire::Sessions)),
    security(("reviewer" = [])))]
pub(super) async fn sessions(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    asked: Asked,
) -> Result<Json<wire::Sessions>, Problem> {
    let name = whose(&person, asked)?;
    Ok(Json(wire::Sessions { items: known(&web, &person, &name, session).await? }))
}

/// Log a browser out: one of one's own, or with the role `owner` anybody's. What it has open ends.
#[utoipa::path(delete, path = "/v1/sessions/{id}", tag = "people",
    params(("id" = String, Path, description = "The session's id")),
    responses(
        (status = 204, description = "Logged out"),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn close(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.close_session((&person).into(), credential(&id)?, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn whose(person: &Person, asked: Asked) -> Result<ReviewerName, Problem> {
    let Query(Whose { person: other }) =
        asked.map_err(|bad| Problem::field("?", bad.body_text()))?;
    let Some(other) = other else { return Ok(person.name().clone()) };
    let other = parsed("?person", &other)?;
    let reads = person.is(Role::Owner) || person.is(Role::Auditor);
    match reads || other == *person.name() {
        true => Ok(other),
        false => {
            let detail = "another person's take the role \"owner\" or \"auditor\"";
            Err(Problem::new(problem::FORBIDDEN, detail))
        }
    }
}

/// What somebody is known by, as `view` sees it, oldest first.
pub(crate) async fn known<T>(
    web: &Web,
    reader: &Person,
    name: &ReviewerName,
    view: impl Fn(&ReviewerName, &Credential, &Described<'_>) -> Option<T>,
) -> Result<Vec<T>, Problem> {
    let (authority, now) = (web.engine.authority(), web.engine.now());
    let (directory, notes) = (authority.directory().await?, authority.notes().await?);
    let mut all: Vec<_> = directory.credentials(now).collect();
    all.sort_by_key(|credential| credential.id);
    let described = Described { notes: &notes, current: reader.credential() };
    Ok(all.into_iter().filter_map(|credential| view(name, credential, &described)).collect())
}

/// What is known of credentials besides the ledger.
pub(crate) struct Described<'a> {
    notes: &'a HashMap<CredentialId, Note>,
    /// What the reader came with.
    current: Option<CredentialId>,
}

impl Described<'_> {
    fn label(&self, id: CredentialId) -> String {
        self.notes.get(&id).map(|note| note.label.clone()).unwrap_or_default()
    }

    fn used_at(&self, id: CredentialId) -> Option<String> {
        self.notes.get(&id).and_then(|note| note.used_at).map(|at: Timestamp| at.to_string())
    }
}

/// That person's token, if it is one.
pub(crate) fn token(
    name: &ReviewerName,
    known: &Credential,
    described: &Described<'_>,
) -> Option<wire::Token> {
    let Holder::Token { person, scopes } = &known.holder else { return None };
    (person == name).then(|| wire::Token {
        id: known.id.to_string(),
        label: described.label(known.id),
        scopes: scopes.iter().map(|scope| scope.word().into()).collect(),
        since: known.since.to_string(),
        until: known.until.map(|until| until.to_string()),
        used_at: described.used_at(known.id),
        current: described.current == Some(known.id),
    })
}

/// That person's session, if it is one.
pub(crate) fn session(
    name: &ReviewerName,
    known: &Credential,
    described: &Described<'_>,
) -> Option<wire::Session> {
    let Holder::Session { person, how } = &known.holder else { return None };
    (person == name).then(|| wire::Session {
        id: known.id.to_string(),
        browser: described.label(known.id),
        how: how.word().into(),
        since: known.since.to_string(),
        until: known.until.map(|until| until.to_string()),
        used_at: described.used_at(known.id),
        current: described.current == Some(known.id),
    })
}
