//! `sayso token …`, `sayso session …`: what people are known by.

use std::collections::HashMap;

use anyhow::anyhow;
use jiff::Timestamp;
use sayso_client::wire;
use sayso_core::directory::{Credential, Holder, Scope};
use sayso_core::{CredentialId, ReviewerName};
use sayso_engine::{Actor, Authority};
use sayso_store::Note;
use sayso_store::sqlite::Access;
use serde_json::json;

use crate::cli::{Common, Sessions, Tokens};
use crate::exit::Exit;
use crate::output::{DIM, json, relative, say, styled};
use crate::serve::block_on;

pub(crate) fn tokens(common: &Common, tokens: &Tokens) -> anyhow::Result<Exit> {
    match tokens {
        Tokens::Issue { whose, label, scopes, lasts } => {
            let issued = match &whose.reviewer {
                None => common.client()?.issue_token(&wire::IssueToken {
                    label: Some(label.clone()),
                    scopes: scopes.clone(),
                    lasts: Some(lasts.to_string()),
                })?,
                Some(name) => {
                    let name = ReviewerName::new(name)?;
                    let read =
                        scopes.iter().map(|it| it.parse().map_err(|bad: String| anyhow!(bad)));
                    let scopes: Vec<Scope> = read.collect::<anyhow::Result<_>>()?;
                    let now = Timestamp::now();
                    let until = Some(lasts.after(now));
                    let made = on_data(common, async |authority| {
                        let operator = Actor::Operator;
                        Ok(authority
                            .issue_token(operator, &name, &scopes, until, label, now)
                            .await?)
                    })?;
                    let until = until.map(|until| until.to_string());
                    wire::IssuedToken { id: made.id.to_string(), token: made.token.reveal(), until }
                }
            };
            if common.json {
                json(&issued)?;
            } else {
                say!("A token, shown this once:\n\n  export SAYSO_TOKEN={}", issued.token);
            }
        }
        Tokens::List { whose } => {
            let items = match &whose.reviewer {
                None => common.client()?.tokens()?.items,
                Some(name) => theirs(common, name, token)?,
            };
            if common.json {
                json(&items)?;
            } else {
                items.iter().for_each(|token| {
                    let about = token.scopes.join(", ");
                    let about =
                        format!("{about}{}", times(token.until.as_ref(), token.used_at.as_ref()));
                    say!("{}  {}  {}", token.id, token.label, styled(DIM, about));
                });
            }
        }
        Tokens::Revoke { whose, id } => {
            match &whose.reviewer {
                None => common.client()?.revoke_token(id)?,
                Some(_) => {
                    let (id, now) = (id.parse()?, Timestamp::now());
                    on_data(common, async |authority| {
                        Ok(authority.revoke_token(Actor::Operator, id, now).await?)
                    })?;
                }
            }
            ended(common, id, "The token is revoked.")?;
        }
    }
    Ok(Exit::Done)
}

pub(crate) fn sessions(common: &Common, sessions: &Sessions) -> anyhow::Result<Exit> {
    match sessions {
        Sessions::List { whose } => {
            let items = match &whose.reviewer {
                None => common.client()?.sessions()?.items,
                Some(name) => theirs(common, name, session)?,
            };
            if common.json {
                json(&items)?;
            } else {
                items.iter().for_each(|session| {
                    let about = format!("by {}", session.how);
                    let about = format!(
                        "{about}{}",
                        times(session.until.as_ref(), session.used_at.as_ref())
                    );
                    say!("{}  {}  {}", session.id, session.browser, styled(DIM, about));
                });
            }
        }
        Sessions::Revoke { whose, id } => {
            match &whose.reviewer {
                None => common.client()?.close_session(id)?,
                Some(_) => {
                    let (id, now) = (id.parse()?, Timestamp::now());
                    on_data(common, async |authority| {
                        Ok(authority.close_session(Actor::Operator, id, now).await?)
                    })?;
                }
            }
            ended(common, id, "The session is ended.")?;
        }
    }
    Ok(Exit::Done)
}

fn times(until: Option<&String>, used_at: Option<&String>) -> String {
    let until = until.map(|until| format!(", ends {}", relative(until)));
    let used = used_at.map(|used| format!(", used {}", relative(used)));
    until.into_iter().chain(used).collect()
}

fn ended(common: &Common, id: &str, what: &str) -> anyhow::Result<()> {
    if common.json {
        return json(&json!({"id": id}));
    }
    say!("{what}");
    Ok(())
}

fn on_data<T>(
    common: &Common,
    work: impl AsyncFnOnce(&Authority) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    block_on(async {
        let authority = Authority::new(common.store(Access::Administer).await?);
        work(&authority).await
    })
}

type Notes = HashMap<CredentialId, Note>;

fn theirs<T>(
    common: &Common,
    name: &str,
    view: impl Fn(&ReviewerName, &Credential, &Notes) -> Option<T>,
) -> anyhow::Result<Vec<T>> {
    let name = ReviewerName::new(name)?;
    let now = Timestamp::now();
    on_data(common, async |authority| {
        let (directory, notes) = (authority.directory().await?, authority.notes().await?);
        let mut all: Vec<_> = directory.credentials(now).collect();
        all.sort_by_key(|credential| credential.id);
        Ok(all.into_iter().filter_map(|credential| view(&name, credential, &notes)).collect())
    })
}

fn token(name: &ReviewerName, known: &Credential, notes: &Notes) -> Option<wire::Token> {
    let Holder::Token { person, scopes } = &known.holder else { return None };
    let note = notes.get(&known.id);
    (person == name).then(|| wire::Token {
        id: known.id.to_string(),
        label: note.map(|note| note.label.clone()).unwrap_or_default(),
        scopes: scopes.iter().map(|scope| scope.word().into()).collect(),
        since: known.since.to_string(),
        until: known.until.map(|until| until.to_string()),
        used_at: note.and_then(|note| note.used_at).map(|at| at.to_string()),
        current: false,
    })
}

fn session(name: &ReviewerName, known: &Credential, notes: &Notes) -> Option<wire::Session> {
    let Holder::Session { person, how } = &known.holder else { return None };
    let note = notes.get(&known.id);
    (person == name).then(|| wire::Session {
        id: known.id.to_string(),
        browser: note.map(|note| note.label.clone()).unwrap_or_default(),
        how: how.word().into(),
        since: known.since.to_string(),
        until: known.until.map(|until| until.to_string()),
        used_at: note.and_then(|note| note.used_at).map(|at| at.to_string()),
        current: false,
    })
}
