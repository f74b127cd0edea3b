//! Openings and lists of several servers, told as one's.

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::eras::{self, Era};
use super::frame::{INVALID_PARAMS, METHOD_NOT_FOUND, Outcome, raw};
use super::session::{Asker, Session};
use super::tasks;
use super::upstream::{Hello, no_params};
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
    let mut merged: Option<Map<String, Value>> = None;
    for upstream in &session.upstreams {
        let opened = match upstream.open(hello.clone()).await {
            Ok(opened) => opened,
            Err(outcome) => return outcome,
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
        return Outcome::error(METHOD_NOT_FOUND, "there is no server behind this one");
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
    for server in 0..session.upstreams.len() {
        let outcome = session.ask_raw(server, method, params, asker).await;
        if let Some(Value::Object(mut page)) = outcome.value() {
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
