//! The two live revisions, and how what is said in one is said in the other. In the legacy one
//! (2025-11-25) a session is opened once; in the modern one (2026-07-28) each request says for
//! itself who asks and what they can do.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::frame::{Outcome, raw};

pub(super) const LEGACY: &str = "2025-11-25";
pub(super) const MODERN: &str = "2026-07-28";
/// Those before it in which a session is opened in the same way.
const OLDER: [&str; 3] = ["2024-11-05", "2025-03-26", "2025-06-18"];

/// Whether a revision is one in which sessions are opened.
pub(super) fn is_legacy(revision: &str) -> bool {
    revision == LEGACY || OLDER.contains(&revision)
}

/// Where a modern request says which revision it speaks.
pub(super) const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Where it says what the client can do, and who it is.
pub(super) const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT: &str = "io.modelcontextprotocol/clientInfo";
const SERVER: &str = "io.modelcontextprotocol/serverInfo";
const LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// A revision that is not spoken.
pub(super) const UNSUPPORTED_VERSION: i32 = -32_022;
/// JSON-RPC codes for a resource that is not there.
const NO_RESOURCE: i32 = -32_002;
const NO_RESOURCE_MODERN: i32 = -32_602;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    Legacy,
    Modern,
}

impl Era {
    /// The revision that a request's params speak.
    pub(super) fn of(params: Option<&RawValue>) -> Self {
        // Most requests need no second look.
        let said = params.filter(|params| params.get().contains(VERSION)).and_then(meta);
        match said.is_some_and(|meta| meta.get(VERSION).is_some()) {
            true => Self::Modern,
            false => Self::Legacy,
        }
    }
}

/// The `_meta` of a request's params.
pub(super) fn meta(params: &RawValue) -> Option<Value> {
    let params: Value = serde_json::from_str(params.get()).ok()?;
    params.get("_meta").cloned()
}

/// Whether a request's client can do something, as a path into its capabilities.
pub(super) fn can(meta: Option<&Value>, path: &[&str]) -> bool {
    let capabilities = meta.and_then(|meta| meta.get(CAPABILITIES));
    capabilities
        .and_then(|capabilities| path.iter().try_fold(capabilities, |value, name| value.get(name)))
        .is_some_and(|found| !found.is_null())
}

/// Whether a server refused for the revision, but says that it speaks the modern one.
pub(super) fn is_modern_after_all(outcome: &Outcome) -> bool {
    let Outcome::Error(error) = outcome else { return false };
    let error: Value = serde_json::from_str(error.get()).unwrap_or_default();
    let supported = error["data"]["supported"].as_array();
    let speaks = supported.is_some_and(|all| all.iter().any(|version| version == MODERN));
    speaks && error["code"] == UNSUPPORTED_VERSION
}

/// Whether a request's client takes tasks (the extension of the modern revision).
pub(super) fn takes_tasks(meta: Option<&Value>) -> bool {
    can(meta, &["extensions", "io.modelcontextprotocol/tasks"])
}

/// What a server may ask a client, by the client's capability for it.
const QUESTIONS: [(&str, &str); 3] = [
    ("elicitation", "elicitation/create"),
    ("sampling", "sampling/createMessage"),
    ("roots", "roots/list"),
];

/// Whether a client can be asked this.
pub(super) fn can_be_asked(meta: Option<&Value>, method: &str) -> bool {
    QUESTIONS.iter().any(|(capability, asks)| *asks == method && can(meta, &[capability]))
}

/// Who we are, where somebody asks.
pub(super) fn us() -> Value {
    json!({"name": "sayso-gateway", "version": env!("CARGO_PKG_VERSION")})
}

/// What a modern client said of itself with a request, as the opening of a legacy session.
pub(super) fn legacy_hello(meta: &Value) -> Box<RawValue> {
    let said = |name: &str| meta.get(CAPABILITIES)?.get(name).cloned();
    let capabilities = QUESTIONS.iter().filter_map(|(name, _)| {
        // Whether its roots change is told by a notification that it does not have any more.
        let said = if *name == "roots" { said(name).map(|_| json!({})) } else { said(name) };
        Some(((*name).to_owned(), said?))
    });
    raw(&json!({
        "protocolVersion": LEGACY,
        "capabilities": capabilities.collect::<Map<_, _>>(),
        "clientInfo": meta.get(CLIENT).cloned().unwrap_or_else(us),
    }))
}

/// What a legacy client said of itself in its opening, as each modern request says it.
pub(super) fn modern_meta(hello: &Value) -> Map<String, Value> {
    let said = |member: &str| hello.get(member).filter(|said| said.is_object()).cloned();
    let mut meta = Map::new();
    meta.insert(VERSION.into(), MODERN.into());
    meta.insert(CAPABILITIES.into(), said("capabilities").unwrap_or_else(|| json!({})));
    meta.extend(said("clientInfo").map(|info| (CLIENT.to_owned(), info)));
    meta
}

/// A modern request's params without what only the modern revision says.
pub(super) fn to_legacy(params: &mut Map<String, Value>) {
    if let Some(Value::Object(meta)) = params.get_mut("_meta") {
        for key in [VERSION, CAPABILITIES, CLIENT, LEVEL] {
            meta.remove(key);
        }
        if meta.is_empty() {
            params.remove("_meta");
        }
    }
}

/// A legacy request's params, saying what each modern request says.
pub(super) fn to_modern(params: &mut Map<String, Value>, said: &Map<String, Value>) {
    let meta = params.entry("_meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        meta.extend(said.clone());
    }
}

/// What came of a request to a legacy server, as a modern client expects it.
pub(super) fn modern_outcome(method: &str, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Result(result) => {
            let Ok(mut result) = serde_json::from_str::<Map<String, Value>>(result.get()) else {
                return Outcome::Result(result);
            };
            result.entry("resultType").or_insert_with(|| "complete".into());
            if method.ends_with("/list") || method == "resources/read" {
                result.entry("ttlMs").or_insert_with(|| 0.into());
                result.entry("cacheScope").or_insert_with(|| "private".into());
            }
            Outcome::Result(raw(&result))
        }
        Outcome::Error(error) if method == "resources/read" => {
            let mut error: Value = serde_json::from_str(error.get()).unwrap_or_default();
            if error["code"] == NO_RESOURCE {
                error["code"] = NO_RESOURCE_MODERN.into();
            }
            Outcome::Error(raw(&error))
        }
        error @ Outcome::Error(_) => error,
    }
}

/// The opening of a legacy server's session, as the modern discovery says it.
pub(super) fn discovered(mut opened: Map<String, Value>) -> Map<String, Value> {
    opened.remove("protocolVersion");
    if let Some(info) = opened.remove("serverInfo") {
        let meta = opened.entry("_meta").or_insert_with(|| json!({}));
        if let Some(meta) = meta.as_object_mut() {
            meta.insert(SERVER.into(), info);
        }
    }
    opened.insert("supportedVersions".into(), json!([MODERN]));
    opened.insert("resultType".into(), "complete".into());
    opened.insert("ttlMs".into(), 0.into());
    opened.insert("cacheScope".into(), "private".into());
    opened
}

/// A modern server's discovery, as the opening of a legacy session says it, in the revision that
/// was asked for if it is one.
pub(super) fn initialized(
    mut discovered: Map<String, Value>,
    asked: Option<&str>,
) -> Map<String, Value> {
    let agreed = asked.filter(|asked| OLDER.contains(asked)).unwrap_or(LEGACY);
    for member in ["supportedVersions", "resultType", "ttlMs", "cacheScope"] {
        discovered.remove(member);
    }
    let info = discovered.get_mut("_meta").and_then(Value::as_object_mut);
    let info = info.and_then(|meta| meta.remove(SERVER));
    discovered.insert("serverInfo".into(), info.unwrap_or_else(us));
    discovered.insert("protocolVersion".into(), agreed.into());
    if let Some(capabilities) = discovered.get_mut("capabilities").and_then(Value::as_object_mut) {
        // A legacy client subscribes by requests that a modern server does not know.
        if let Some(resources) = capabilities.get_mut("resources").and_then(Value::as_object_mut) {
            resources.remove("subscribe");
        }
    }
    discovered
}

/// What a modern server wants to know before it can answer.
pub(super) struct Wanted {
    /// The questions, by their keys: `{method, params}`.
    pub(super) requests: Map<String, Value>,
    /// What is to be said back with the answers.
    pub(super) state: Option<Value>,
}

/// What is wanted, if an outcome is a question back.
pub(super) fn wanted(outcome: &Outcome) -> Option<Wanted> {
    let Outcome::Result(result) = outcome else { return None };
    if !result.get().contains("input_required") {
        return None;
    }
    let Some(Value::Object(mut result)) = outcome.value() else { return None };
    if result.get("resultType")? != "input_required" {
        return None;
    }
    let requests = match result.remove("inputRequests") {
        Some(Value::Object(requests)) => requests,
        _ => Map::new(),
    };
    Some(Wanted { requests, state: result.remove("requestState") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("{value}") };
        map
    }

    #[test]
    fn the_revision_is_what_the_request_says_not_what_its_arguments_hold() {
        let era = |params: Value| Era::of(Some(&raw(&params)));
        assert_eq!(era(json!({"_meta": {VERSION: MODERN}})), Era::Modern);
        assert_eq!(era(json!({"arguments": {"_meta": {VERSION: MODERN}}})), Era::Legacy);
        assert_eq!(Era::of(None), Era::Legacy);
    }

    #[test]
    fn what_only_one_revision_says_comes_and_goes() {
        let hello = json!({"capabilities": {"elicitation": {}}, "clientInfo": {"name": "c"}});
        let before = map(json!({"name": "t", "_meta": {"progressToken": 1}}));
        let mut params = before.clone();
        to_modern(&mut params, &modern_meta(&hello));
        assert_eq!(params["_meta"][VERSION], MODERN);
        assert!(can(params.get("_meta"), &["elicitation"]));
        to_legacy(&mut params);
        assert_eq!(params, before);
    }

    #[test]
    fn an_opening_is_the_same_said_in_either_way() {
        let opened = map(json!({
            "protocolVersion": LEGACY, "capabilities": {"tools": {}}, "serverInfo": {"name": "s"},
            "instructions": "i",
        }));
        let discovered = discovered(opened.clone());
        assert_eq!(discovered["supportedVersions"], json!([MODERN]));
        let mut again = initialized(discovered, Some(MODERN));
        again.remove("_meta");
        assert_eq!(again, opened);
    }
}
