//! The headers of streamable HTTP that repeat what the body says, for those in between who read no
//! bodies (MCP 2026-07-28, basic/transports; SEP-2243). Ours are made from the body; a client's
//! must agree with it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const PARAM: &str = "mcp-param-";
/// The member of a property's schema that names its header.
const ANNOTATION: &str = "x-mcp-header";

/// A header that carries one of a tool's arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    header: HeaderName,
    /// The property's names, from the outermost.
    path: Vec<String>,
}

/// The arguments that are to be carried in headers, by a tool's `inputSchema`.
pub(super) fn carried(schema: &Value) -> Vec<Carried> {
    let mut all = Vec::new();
    collect(schema, &mut Vec::new(), &mut all);
    all
}

fn collect(schema: &Value, path: &mut Vec<String>, all: &mut Vec<Carried>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, schema) in properties {
        path.push(name.clone());
        let header = schema.get(ANNOTATION).and_then(Value::as_str);
        let header = header.filter(|header| !header.is_empty());
        let header =
            header.and_then(|header| HeaderName::try_from(format!("{PARAM}{header}")).ok());
        all.extend(header.map(|header| Carried { header, path: path.clone() }));
        collect(schema, path, all);
        path.pop();
    }
}

impl Carried {
    fn value(&self, arguments: &Value) -> Option<String> {
        let value = self.path.iter().try_fold(arguments, |value, name| value.get(name))?;
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
            _ => None,
        }
    }
}

/// What a request names: the member of its params that says so.
fn naming(method: &str) -> Option<&'static str> {
    Some(match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => "uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return None,
    })
}

fn name<'p>(method: &str, params: &'p Map<String, Value>) -> Option<&'p str> {
    params.get(naming(method)?)?.as_str()
}

/// The headers for a request of ours.
pub(super) fn of(method: &str, params: &Map<String, Value>, carried: &[Carried]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |header: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::try_from(encoded(value)) {
            headers.insert(header, value);
        }
    };
    put(METHOD, method);
    if let Some(name) = name(method, params) {
        put(NAME, name);
    }
    let arguments = params.get("arguments").unwrap_or(&Value::Null);
    for carried in carried {
        if let Some(value) = carried.value(arguments) {
            put(carried.header.clone(), &value);
        }
    }
    headers
}

/// Whether a client's headers say what its request says.
pub(super) fn agree(
    headers: &HeaderMap,
    method: &str,
    params: &Map<String, Value>,
    carried: &[Carried],
) -> Result<(), String> {
    agrees(headers, &METHOD, Some(method))?;
    if let Some(name) = name(method, params) {
        agrees(headers, &NAME, Some(name))?;
    }
    let arguments = params.get("arguments").unwrap_or(&Value::Null);
    for carried in carried {
        agrees(headers, &carried.header, carried.value(arguments).as_deref())?;
    }
    Ok(())
}

fn agrees(headers: &HeaderMap, header: &HeaderName, said: Option<&str>) -> Result<(), String> {
    let mut values = headers.get_all(header).iter();
    let value = match (values.next(), values.next()) {
        (_, Some(_)) => return Err(format!("the header {header} comes twice")),
        (value, None) => value,
    };
    match (value, said) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(format!("the header {header} is missing")),
        (Some(_), None) => Err(format!("the header {header} says what the body does not")),
        (Some(value), Some(said)) => {
            let value = value.to_str().ok().and_then(decoded);
            match value.is_some_and(|value| value == said) {
                true => Ok(()),
                false => Err(format!("the header {header} says something else than the body")),
            }
        }
    }
}

/// As a header can carry it: in Base64, said so, if it can't be carried as it is.
fn encoded(value: &str) -> String {
    let is_plain = value.chars().all(|c| (' '..='~').contains(&c)) && value.trim() == value;
    let looks_encoded = value.starts_with("=?base64?") && value.ends_with("?=");
    if is_plain && !looks_encoded {
        return value.to_owned();
    }
    format!("=?base64?{}?=", BASE64_STANDARD.encode(value))
}

fn decoded(value: &str) -> Option<String> {
    let inner = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let Some(inner) = inner else { return Some(value.to_owned()) };
    String::from_utf8(BASE64_STANDARD.decode(inner).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call() -> (Map<String, Value>, Vec<Carried>) {
        let schema = json!({"properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "in": {"properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "none": {"type": "string", "x-mcp-header": "None"},
        }});
        let params = json!({"name": "höhe", "arguments": {"region": " eu ", "in": {"n": 3}}});
        let Value::Object(params) = params else { unreachable!() };
        (params, carried(&schema))
    }

    #[test]
    fn what_we_say_agrees_with_what_we_ask() {
        let (params, carried) = call();
        let headers = of("tools/call", &params, &carried);
        assert_eq!(headers["mcp-param-n"], "3");
        assert_eq!(headers["mcp-param-region"], "=?base64?IGV1IA==?=");
        assert!(!headers.contains_key("mcp-param-none"));
        assert_eq!(agree(&headers, "tools/call", &params, &carried), Ok(()));
    }

    #[test]
    fn headers_that_say_something_else_are_told_by_name() {
        let (params, carried) = call();
        let right = of("tools/call", &params, &carried);
        let with = |name: &'static str, value: Option<&'static str>| {
            let mut headers = right.clone();
            match value {
                Some(value) => drop(headers.insert(name, HeaderValue::from_static(value))),
                None => drop(headers.remove(name)),
            }
            agree(&headers, "tools/call", &params, &carried)
        };
        for (name, value) in [
            ("mcp-method", None),
            ("mcp-method", Some("tools/list")),
            ("mcp-name", Some("hohe")),
            ("mcp-name", Some("=?base64?!?=")),
            ("mcp-param-n", Some("4")),
            ("mcp-param-region", None),
            ("mcp-param-none", Some("x")),
        ] {
            assert!(with(name, value).unwrap_err().contains(name), "{name}");
        }
        let mut twice = right;
        twice.append("mcp-method", HeaderValue::from_static("tools/call"));
        assert!(agree(&twice, "tools/call", &params, &carried).unwrap_err().contains("twice"));
    }
}
