//! Openings and lists of several servers, told as one's.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::frame::{METHOD_NOT_FOUND, Outcome, raw};
use super::upstream::{Upstream, no_params};
use crate::server::tools;

/// Where a modern request says which revision it speaks.
pub(super) const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// `initialize`, of all servers.
pub(super) async fn initialize(upstreams: &[Upstream], params: Option<&RawValue>) -> Outcome {
    open(upstreams, "initialize", params).await
}

/// `server/discover`, of all servers: if one of them does not know it, neither do we, and the
/// client falls back to `initialize`.
pub(super) async fn discover(upstreams: &[Upstream], params: Option<&RawValue>) -> Outcome {
    open(upstreams, "server/discover", params).await
}

async fn open(upstreams: &[Upstream], method: &str, params: Option<&RawValue>) -> Outcome {
    let none = no_params();
    let mut merged: Option<Map<String, Value>> = None;
    for upstream in upstreams {
        let outcome = upstream.ask(method, params.unwrap_or(&none)).await;
        let Some(Value::Object(opened)) = outcome.value() else {
            return match method {
                "initialize" => outcome,
                _ => Outcome::error(METHOD_NOT_FOUND, "a server behind this one speaks 2025-11-25"),
            };
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
        // A call is answered by us, and we don't answer with tasks.
        capabilities.remove("tasks");
        if let Some(extensions) = capabilities.get_mut("extensions").and_then(Value::as_object_mut)
        {
            extensions.remove("io.modelcontextprotocol/tasks");
        }
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
                *known = json!({"name": "sayso-gateway", "version": env!("CARGO_PKG_VERSION")});
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
    upstreams: &[Upstream],
    method: &str,
    member: &str,
    params: Option<&RawValue>,
) -> Outcome {
    let none = no_params();
    let mut all = Vec::new();
    let mut first: Option<Map<String, Value>> = None;
    for upstream in upstreams {
        let outcome = upstream.ask(method, params.unwrap_or(&none)).await;
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
    upstreams: &[Upstream],
    method: &str,
    params: Option<&RawValue>,
) -> Outcome {
    let none = no_params();
    let mut last = Outcome::error(METHOD_NOT_FOUND, "there is no server behind this one");
    for upstream in upstreams {
        last = upstream.ask(method, params.unwrap_or(&none)).await;
        if matches!(last, Outcome::Result(_)) {
            break;
        }
    }
    last
}
