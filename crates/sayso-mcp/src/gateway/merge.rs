//! Openings and lists of several servers, told as one's. One that fails is left out; the others go
//! on.

use std::sync::{Arc, Weak};

use futures_util::future::join_all;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::eras::{self, Era};
use super::frame::{INVALID_PARAMS, METHOD_NOT_FOUND, Outcome, raw};
use super::session::{Asker, Session};
use super::tasks;
use super::upstream::{Hello, INITIALIZED, no_params};
use crate::server::tools;

/// `initialize`, of all servers.
pub(super) async fn initialize(session: &Arc<Session>, params: Option<&RawValue>) -> Outcome {
    let none = no_params();
    let params = params.unwrap_or(&none);
    let hello: Value = serde_json::from_str(params.get()).unwrap_or_default();
    let asked = hello["protocolVersion"].as_str().map(str::to_owned);
    let _ = session.hello.set(hello);
    let hello = Hello::Legacy(params.to_owned());
    open(session, &hello, Era::Legacy, asked.as_deref()).await
}

/// `server/discover`, of all servers.
pub(super) async fn discover(session: &Arc<Session>, params: Option<&RawValue>) -> Outcome {
    let Some(meta) = params.and_then(eras::meta) else {
        return Outcome::error(INVALID_PARAMS, "`params._meta` must say who asks");
    };
    open(session, &Hello::Modern(meta), Era::Modern, None).await
}

async fn open(session: &Arc<Session>, hello: &Hello, era: Era, asked: Option<&str>) -> Outcome {
    let openings: Vec<_> = match &session.upstreams[..] {
        [only] => vec![only.open(hello.clone()).await],
        several => {
            let several = several.iter();
            join_all(several.map(|upstream| upstream.open_among_others(hello.clone()))).await
        }
    };
    let mut merged: Option<Map<String, Value>> = None;
    let mut failed = None;
    for opened in openings {
        let opened = match opened {
            Ok(opened) => opened,
            Err(outcome) => {
                failed.get_or_insert(outcome);
                continue;
            }
        };
        let result = opened.result.clone();
        let opened = match (era, opened.era) {
            (Era::Modern, Era::Legacy) => eras::discovered(result),
            (Era::Legacy, Era::Modern) => eras::initialized(result, asked),
            _ => result,
        };
        merged = Some(match merged {
            None => opened,
            Some(before) => both(before, opened),
        });
    }
    let Some(mut opened) = merged else {
        let none = || Outcome::error(METHOD_NOT_FOUND, "there is no server behind this one");
        return failed.unwrap_or_else(none);
    };
    let capabilities = opened.entry("capabilities").or_insert_with(|| json!({}));
    if let Some(capabilities) = capabilities.as_object_mut() {
        capabilities.entry("tools").or_insert_with(|| json!({}));
        tasks::declare(capabilities, era);
    }
    let theirs = opened.get("instructions").and_then(Value::as_str).unwrap_or_default();
    let instructions = format!("{theirs}\n\n{}", tools::INSTRUCTIONS);
    opened.insert("instructions".into(), instructions.trim().into());
    Outcome::Result(raw(&opened))
}

/// Sees to it that servers are open: modern clients may ask without an opening, and one of several
/// that did not open is tried again now and then, while the others are asked.
pub(super) async fn be_open(session: &Arc<Session>, asker: &Asker) -> Result<(), Outcome> {
    let closed = || session.upstreams.iter().filter(|upstream| upstream.opened().is_none());
    if closed().next().is_none() {
        return Ok(());
    }
    let hello = match (&asker.meta, session.hello.get()) {
        (Some(meta), _) => Hello::Modern(meta.clone()),
        (None, Some(hello)) if session.upstreams.len() > 1 => Hello::Legacy(raw(hello)),
        (None, _) => return Ok(()),
    };
    if let [only] = &session.upstreams[..] {
        return only.open(hello).await.map(drop);
    }
    let new = closed().filter(|upstream| !upstream.is_given_up());
    join_all(new.map(|upstream| upstream.open_among_others(hello.clone()))).await;
    for (server, upstream) in session.upstreams.iter().enumerate() {
        if upstream.opened().is_none() && upstream.is_due_again() {
            tokio::spawn(open_again(Arc::downgrade(session), server, hello.clone()));
        }
    }
    Ok(())
}

/// Tries one again that did not open, and tells the client if there are more tools now.
async fn open_again(session: Weak<Session>, server: usize, hello: Hello) {
    let Some(session) = session.upgrade() else { return };
    let upstream = &session.upstreams[server];
    let Ok(opened) = upstream.open_among_others(hello.clone()).await else { return };
    if matches!((opened.era, hello), (Era::Legacy, Hello::Legacy(_))) {
        upstream.send(INITIALIZED.into()).await;
    }
    session.catalogue.forget();
    session.tell_tools_changed().await;
}

/// Two openings as one: what either can do, in a revision that both speak.
fn both(mut one: Map<String, Value>, other: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in other {
        match (name.as_str(), one.get_mut(&name)) {
            (_, None) => {
                one.insert(name, value);
            }
            ("capabilities", Some(known)) => unite(known, value),
            ("protocolVersion", Some(known)) => {
                // Revisions are dates: the older one is the one that both speak.
                if value.as_str() < known.as_str() {
                    *known = value;
                }
            }
            ("supportedVersions", Some(Value::Array(known))) => {
                let theirs = value.as_array().cloned().unwrap_or_default();
                known.retain(|version| theirs.contains(version));
            }
            ("instructions", Some(known)) => {
                let text = [known.as_str(), value.as_str()];
                *known = text.into_iter().flatten().collect::<Vec<_>>().join("\n\n").into();
            }
            ("serverInfo", Some(known)) => {
                *known = eras::us();
            }
            ("ttlMs", Some(known)) => {
                if value.as_u64() < known.as_u64() {
                    *known = value;
                }
            }
            (_, Some(_)) => {}
        }
    }
    one
}

fn unite(known: &mut Value, other: Value) {
    match (known, other) {
        (Value::Object(known), Value::Object(other)) => {
            for (name, value) in other {
                match known.get_mut(&name) {
                    Some(known) => unite(known, value),
                    None => drop(known.insert(name, value)),
                }
            }
        }
        (known @ Value::Bool(false), Value::Bool(true)) => *known = true.into(),
        _ => {}
    }
}

/// The member of a list's result that holds the list, for the lists that servers have.
pub(super) fn list_member(method: &str) -> Option<&'static str> {
    Some(match method {
        "resources/list" => "resources",
        "resources/templates/list" => "resourceTemplates",
        "prompts/list" => "prompts",
        _ => return None,
    })
}

/// A list of all servers that have it, one after the other.
pub(super) async fn list(
    session: &Arc<Session>,
    method: &str,
    member: &str,
    params: Option<&RawValue>,
    asker: &Asker,
) -> Outcome {
    let mut all = Vec::new();
    let mut first: Option<Map<String, Value>> = None;
    let pages =
        session.upstreams.iter().enumerate().map(|(server, upstream)| {
            upstream.in_time(session.ask_raw(server, method, params, asker))
        });
    for outcome in join_all(pages).await {
        if let Some(Value::Object(mut page)) = outcome.ok().and_then(|outcome| outcome.value()) {
            if let Some(Value::Array(items)) = page.remove(member) {
                all.extend(items);
            }
            first.get_or_insert(page);
        }
    }
    let Some(mut result) = first else {
        return Outcome::error(METHOD_NOT_FOUND, "no server behind this one has such a list");
    };
    result.remove("nextCursor");
    result.insert(member.into(), all.into());
    Outcome::Result(raw(&result))
}

/// Asks one server after the other, and answers with the first that has a result; else with the
/// last one's error.
pub(super) async fn first(
    session: &Arc<Session>,
    method: &str,
    params: Option<&RawValue>,
    asker: &Asker,
) -> Outcome {
    let mut last = Outcome::error(METHOD_NOT_FOUND, "there is no server behind this one");
    for server in 0..session.upstreams.len() {
        last = session.ask_raw(server, method, params, asker).await;
        if matches!(last, Outcome::Result(_)) {
            break;
        }
    }
    last
}
