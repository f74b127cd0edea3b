//! Tools as MCP servers list them. What they say of themselves is not trusted: it helps to find
//! mistakes in a policy and to draft one, and never makes anything looser.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A tool as a server lists it (`tools/list`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The server that lists it, if that is known.
    #[serde(default)]
    pub server: Option<String>,
    /// What it says it does.
    #[serde(default)]
    pub description: Option<String>,
    /// What it takes (JSON Schema).
    #[serde(default)]
    pub input_schema: Map<String, Value>,
    /// What it says about its effects.
    #[serde(default)]
    pub annotations: Annotations,
}

/// What a tool says about its effects. Hints, by the protocol's own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Annotations {
    /// It changes nothing.
    pub read_only_hint: Option<bool>,
    /// It may destroy something.
    pub destructive_hint: Option<bool>,
}

impl Tool {
    /// Reads tools out of a result of `tools/list`, or a bare list of tools.
    pub fn list(listed: &Value) -> Result<Vec<Self>, serde_json::Error> {
        let tools = listed.get("result").unwrap_or(listed);
        let tools = tools.get("tools").unwrap_or(tools);
        Vec::<Self>::deserialize(tools)
    }

    /// The names of what it takes.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        let declared = self.input_schema.get("properties").and_then(Value::as_object);
        declared.into_iter().flat_map(|members| members.keys().map(String::as_str)).collect()
    }
}

/// What a schema says of a place within what it describes.
pub(crate) enum Declared<'s> {
    /// It has it, and this is what it says.
    Yes(&'s Map<String, Value>),
    /// It has not; these are the names it has instead.
    No(Vec<&'s str>),
    /// It leaves it open.
    Open,
}

/// Follows a path through a schema, as far as plain objects go.
pub(crate) fn declared<'s>(schema: &'s Map<String, Value>, path: &[Box<str>]) -> Declared<'s> {
    const COMBINED: [&str; 7] =
        ["$ref", "allOf", "anyOf", "oneOf", "not", "if", "patternProperties"];
    let mut at = schema;
    for key in path {
        if COMBINED.iter().any(|word| at.contains_key(*word)) {
            return Declared::Open;
        }
        let Some(Value::Object(members)) = at.get("properties") else { return Declared::Open };
        match members.get(&**key) {
            Some(Value::Object(member)) => at = member,
            Some(_) => return Declared::Open,
            None if !matches!(at.get("additionalProperties"), None | Some(Value::Bool(false))) => {
                return Declared::Open;
            }
            None => return Declared::No(members.keys().map(String::as_str).collect()),
        }
    }
    Declared::Yes(at)
}
