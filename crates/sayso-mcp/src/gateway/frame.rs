//! JSON-RPC frames: as they came, with a look at their envelope.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// The longest frame.
pub(super) const LONGEST: usize = 16 * 1024 * 1024;

/// JSON-RPC's codes.
pub(super) const PARSE_ERROR: i32 = -32_700;
pub(super) const INVALID_REQUEST: i32 = -32_600;
pub(super) const METHOD_NOT_FOUND: i32 = -32_601;
pub(super) const INVALID_PARAMS: i32 = -32_602;
/// Ours, outside the reserved range: a server went away, and what it was asked may be done or not.
pub(super) const UPSTREAM_GONE: i32 = -31_001;
/// A server could not be reached, so that nothing was asked of it.
pub(super) const UPSTREAM_UNREACHED: i32 = -31_002;

/// A frame's envelope. What it holds is left as it came.
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) id: Option<&'a RawValue>,
    pub(super) method: Option<Cow<'a, str>>,
    pub(super) params: Option<&'a RawValue>,
    pub(super) result: Option<&'a RawValue>,
    pub(super) error: Option<&'a RawValue>,
}

const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one JSON-RPC message, an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
                let mut envelope = Envelope::default();
                let mut seen = [false; MEMBERS.len()];
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    // What we read as one thing and a server behind us as another could smuggle a
                    // call past the policy: names that differ by case, names that come twice.
                    let known = MEMBERS.iter().position(|known| known.eq_ignore_ascii_case(&name));
                    let Some(index) = known else {
                        map.next_value::<&RawValue>()?;
                        continue;
                    };
                    if MEMBERS[index] != name || std::mem::replace(&mut seen[index], true) {
                        let wrong = format!("the member {name:?} comes twice or in another case");
                        return Err(serde::de::Error::custom(wrong));
                    }
                    match MEMBERS[index] {
                        "method" => envelope.method = Some(map.next_value()?),
                        "id" => envelope.id = Some(map.next_value()?),
                        "params" => envelope.params = Some(map.next_value()?),
                        "result" => envelope.result = Some(map.next_value()?),
                        "error" => envelope.error = Some(map.next_value()?),
                        _ => drop(map.next_value::<&RawValue>()?),
                    }
                }
                Ok(envelope)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'a> Envelope<'a> {
    pub(super) fn read(line: &'a str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    /// The line it was read from, with another id; all else is left as it came.
    pub(super) fn with_id(&self, line: &'a str, id: &str) -> String {
        let Some(old) = self.id.map(RawValue::get) else { return line.to_owned() };
        // What was borrowed from the line tells its place by its address.
        let start = (old.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
        let (Some(before), Some(after)) = (line.get(..start), line.get(start + old.len()..)) else {
            return line.to_owned();
        };
        [before, id, after].concat()
    }
}

/// An answer to a request.
#[derive(Serialize)]
struct Answer<'a> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RawValue>,
}

/// What came of a request: the result or the error, as it came.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Result(Box<RawValue>),
    Error(Box<RawValue>),
}

impl Outcome {
    /// A result of ours.
    pub(super) fn result(result: &Value) -> Self {
        Self::Result(raw(result))
    }

    /// An error of ours.
    pub(super) fn error(code: i32, message: &str) -> Self {
        Self::Error(raw(&json!({"code": code, "message": message})))
    }

    /// The answer of a frame, if it is one.
    pub(super) fn of(envelope: &Envelope) -> Option<Self> {
        let result = envelope.result.map(|result| Self::Result(result.to_owned()));
        result.or_else(|| envelope.error.map(|error| Self::Error(error.to_owned())))
    }

    /// As a frame that answers the request with that id.
    pub(super) fn to_frame(&self, id: &RawValue) -> String {
        let answer = match self {
            Self::Result(result) => {
                Answer { jsonrpc: "2.0", id, result: Some(result), error: None }
            }
            Self::Error(error) => Answer { jsonrpc: "2.0", id, result: None, error: Some(error) },
        };
        serde_json::to_string(&answer).unwrap_or_default()
    }

    /// Its code, if it is an error.
    pub(super) fn code(&self) -> Option<i32> {
        #[derive(Deserialize)]
        struct Code {
            code: i32,
        }
        let Self::Error(error) = self else { return None };
        serde_json::from_str::<Code>(error.get()).ok().map(|error| error.code)
    }

    /// The result, if there is one that can be read.
    pub(super) fn value(&self) -> Option<Value> {
        match self {
            Self::Result(result) => serde_json::from_str(result.get()).ok(),
            Self::Error(_) => None,
        }
    }
}

/// JSON of ours, as it goes out.
pub(super) fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A frame without line breaks between its tokens; none can stand inside one. Servers that end
/// lines elsewhere than we do would find other frames in it.
pub(super) fn one_line(frame: String) -> String {
    if frame.contains(['\n', '\r']) { frame.replace(['\n', '\r'], " ") } else { frame }
}

/// A line, or why there is none.
pub(super) enum Line {
    Text(String),
    /// It was longer than [`LONGEST`], or no UTF-8; the next one may be good again. With how it
    /// begins.
    Bad(&'static str, Vec<u8>),
    End,
}

/// How much is kept of a line that is too long.
const BEGINNING: usize = 1_024;

/// Reads the next line.
pub(super) async fn next_line(input: &mut (impl AsyncBufRead + Unpin)) -> Line {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let Ok(read) = input.fill_buf().await else { return Line::End };
        if read.is_empty() {
            // Half a frame is none.
            return Line::End;
        }
        let end = read.iter().position(|byte| *byte == b'\n');
        let part = &read[..end.unwrap_or(read.len())];
        too_long |= line.len() + part.len() > LONGEST;
        if too_long {
            line.extend_from_slice(&part[..part.len().min(BEGINNING)]);
            line.truncate(BEGINNING);
            line.shrink_to_fit();
        } else {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            if too_long {
                return Line::Bad("a message has at most 16 MiB", line);
            }
            return match String::from_utf8(line) {
                Ok(text) => Line::Text(one_line(text)),
                Err(bad) => Line::Bad("a message is UTF-8", bad.into_bytes()),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_twice_or_in_another_case_are_refused() {
        for smuggled in [
            r#"{"id": 1, "method": "ping", "Method": "tools/call"}"#,
            r#"{"id": 1, "method": "ping", "method": "tools/call"}"#,
            r#"{"id": 1, "METHOD": "tools/call"}"#,
        ] {
            assert!(Envelope::read(smuggled).unwrap_err().contains("another case"), "{smuggled}");
        }
        assert!(Envelope::read("[1]").unwrap_err().contains("one JSON-RPC message"));
    }

    #[test]
    fn what_an_envelope_holds_is_left_as_it_came() {
        let line = r#"{"x": 1, "id": 1.0, "result": {"big": 12345678901234567890, "a":1,"a":2}}"#;
        let outcome = Outcome::of(&Envelope::read(line).unwrap()).unwrap();
        let id = serde_json::value::RawValue::from_string("\"c\"".into()).unwrap();
        let frame = outcome.to_frame(&id);
        assert!(frame.contains(r#""id":"c","result":{"big": 12345678901234567890, "a":1,"a":2}"#));
    }

    #[test]
    fn another_id_leaves_all_else_as_it_came() {
        let line = r#"{"x":"id", "id" : 7 , "method":"a","params":{"id":7, "a":1e2}}"#;
        let envelope = Envelope::read(line).unwrap();
        let other = envelope.with_id(line, "\"sayso-1\"");
        assert_eq!(
            other,
            r#"{"x":"id", "id" : "sayso-1" , "method":"a","params":{"id":7, "a":1e2}}"#
        );
    }

    #[tokio::test]
    async fn a_line_too_long_costs_only_itself() {
        let text = format!("{}\n{{}}\n\u{0}half", "x".repeat(LONGEST + 1));
        let mut input = text.as_bytes();
        assert!(
            matches!(next_line(&mut input).await, Line::Bad(_, beginning) if beginning.len() == BEGINNING)
        );
        assert!(matches!(next_line(&mut input).await, Line::Text(text) if text == "{}"));
        assert!(matches!(next_line(&mut input).await, Line::End));
    }
}
