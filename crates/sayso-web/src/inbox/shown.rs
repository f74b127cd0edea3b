//! JSON for people: every value exactly, nothing hidden, nothing that could pass for something
//! else.

use askama::Template;
use askama::filters::HtmlSafe;
use serde_json::{Map, Value};

use super::diff;
use super::text::Text;

/// How many characters of a long text are shown where there is not room for all of it.
const EXCERPT: usize = 600;

/// A member of an object.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: Text,
    /// Its value.
    pub(crate) value: Shown,
}

/// A value as it is shown.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// A text, alone in its place, so that it needs no quotes.
    Text {
        /// The text.
        text: Text,
        /// How many lines it has.
        lines: usize,
        /// How many more characters it has than are shown.
        cut: usize,
    },
    /// A number, `true`, `false` or `null`.
    Word(String),
    /// A list or an object, as indented JSON.
    Json(Vec<Row>),
    /// A unified diff.
    Diff(Vec<diff::Line>),
    /// Too large for this place, and not shown in it.
    Absent {
        /// How large, in bytes of JSON.
        bytes: usize,
    },
}

/// A line of indented JSON.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// How deep it stands: spaces.
    pub(crate) indent: String,
    /// Whether it is a line of a longer text.
    pub(crate) in_text: bool,
    /// What it says, each part with the class it is styled by.
    pub(crate) parts: Vec<(&'static str, Text)>,
}

/// Members of an object, written as a list of names and values.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "members.html")]
pub(crate) struct Members {
    /// The members.
    pub(crate) members: Vec<Member>,
    /// Whether something was left out for want of room.
    pub(crate) cut: bool,
}

/// The template it is written with escapes every part.
impl HtmlSafe for Members {}

impl Members {
    /// The members of an object; at most about `room` bytes of them, if that is given.
    pub(crate) fn of(object: &Map<String, Value>, mut room: Option<usize>) -> Self {
        let mut shown = Self::default();
        for (name, value) in object {
            let bytes = name.len() + size(value);
            let fits = room.is_none_or(|room| bytes <= room);
            room = room.map(|room| room.saturating_sub(bytes));
            let is_diff = name == "diff";
            let value = match fits {
                true => Shown::of(value, is_diff),
                false => Shown::in_part(value, bytes),
            };
            shown.cut |= !fits;
            shown.members.push(Member { name: Text::new(name), value });
        }
        shown
    }

    /// One value under a name of ours, in full.
    pub(crate) fn one(name: &str, value: &Value, room: Option<usize>) -> Self {
        let bytes = size(value);
        let fits = room.is_none_or(|room| bytes <= room);
        let value = if fits { Shown::of(value, false) } else { Shown::in_part(value, bytes) };
        Self { members: vec![Member { name: Text::new(name), value }], cut: !fits }
    }

    /// Whether anything in it is not what it seems.
    pub(crate) fn is_suspect(&self) -> bool {
        self.members.iter().any(|member| member.name.is_suspect() || member.value.is_suspect())
    }
}

impl Shown {
    fn of(value: &Value, is_diff: bool) -> Self {
        match value {
            Value::String(text) if is_diff || diff::is_diff(text) => Self::Diff(diff::lines(text)),
            Value::String(text) => {
                Self::Text { text: Text::new(text), lines: text.lines().count(), cut: 0 }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Word(value.to_string()),
            Value::Array(_) | Value::Object(_) => {
                let mut rows = Rows::default();
                rows.value(0, value, "");
                Self::Json(rows.finish())
            }
        }
    }

    fn in_part(value: &Value, bytes: usize) -> Self {
        let Value::String(text) = value else { return Self::Absent { bytes } };
        let excerpt: String = text.chars().take(EXCERPT).collect();
        let cut = text.chars().count().saturating_sub(EXCERPT);
        Self::Text { text: Text::new(&excerpt), lines: excerpt.lines().count(), cut }
    }

    fn is_suspect(&self) -> bool {
        match self {
            Self::Text { text, .. } => text.is_suspect(),
            Self::Word(_) | Self::Absent { .. } => false,
            Self::Json(rows) => {
                rows.iter().any(|row| row.parts.iter().any(|(_, text)| text.is_suspect()))
            }
            Self::Diff(lines) => lines.iter().any(|line| line.text.is_suspect()),
        }
    }
}

/// About how many bytes of JSON a value has.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| size(item) + 2).sum::<usize>() + 2,
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len() + size(value) + 6).sum::<usize>() + 2
        }
    }
}

/// Indented JSON in the making.
#[derive(Default)]
struct Rows {
    done: Vec<Row>,
    row: Vec<(&'static str, Text)>,
}

impl Rows {
    fn finish(self) -> Vec<Row> {
        self.done
    }

    fn part(&mut self, class: &'static str, text: &str) {
        self.row.push((class, Text::new(text)));
    }

    fn end(&mut self, depth: usize) {
        let parts = std::mem::take(&mut self.row);
        self.done.push(Row { indent: "  ".repeat(depth), in_text: false, parts });
    }

    fn value(&mut self, depth: usize, value: &Value, comma: &str) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                self.part("word", &value.to_string());
                self.close(depth, comma);
            }
            Value::String(text) if text.contains('\n') => self.block(depth, text, comma),
            Value::String(text) => {
                self.part("string", &quoted(text));
                self.close(depth, comma);
            }
            Value::Array(items) if items.is_empty() => {
                self.part("sign", "[]");
                self.close(depth, comma);
            }
            Value::Object(members) if members.is_empty() => {
                self.part("sign", "{}");
                self.close(depth, comma);
            }
            Value::Array(items) => {
                self.part("sign", "[");
                self.end(depth);
                for (index, item) in items.iter().enumerate() {
                    let comma = if index + 1 < items.len() { "," } else { "" };
                    self.value(depth + 1, item, comma);
                }
                self.part("sign", "]");
                self.close(depth, comma);
            }
            Value::Object(members) => {
                self.part("sign", "{");
                self.end(depth);
                for (index, (name, value)) in members.iter().enumerate() {
                    let comma = if index + 1 < members.len() { "," } else { "" };
                    self.part("name", &quoted(name));
                    self.part("sign", ": ");
                    self.value(depth + 1, value, comma);
                }
                self.part("sign", "}");
                self.close(depth, comma);
            }
        }
    }

    fn close(&mut self, depth: usize, comma: &str) {
        if !comma.is_empty() {
            self.part("sign", comma);
        }
        self.end(depth);
    }

    /// A text of several lines, each on a line of its own.
    fn block(&mut self, depth: usize, text: &str, comma: &str) {
        let lines: Vec<_> = text.split('\n').collect();
        self.part("sign", &format!("text of {} lines{comma}", lines.len()));
        self.end(depth);
        for line in lines {
            self.part("string", line);
            self.end(depth + 1);
            if let Some(row) = self.done.last_mut() {
                row.in_text = true;
            }
        }
    }
}

/// A text in JSON's quotes, so that nothing in it can end it.
fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', r"\\").replace('"', r#"\""#).replace('\t', r"\t").replace('\n', r"\n")
    )
}

/// JSON to be edited as text: what can't be seen is written as an escape.
pub(crate) fn editable(object: &Map<String, Value>) -> String {
    let pretty = serde_json::to_string_pretty(object).unwrap_or_default();
    let mut text = String::with_capacity(pretty.len());
    for c in pretty.chars() {
        if c.is_ascii() || !Text::new(c.encode_utf8(&mut [0; 4])).is_suspect() {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.extend([r"\u", &format!("{unit:04x}")]);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(value: &Value) -> String {
        let Shown::Json(rows) = Shown::of(value, false) else { panic!("no JSON") };
        let rows = rows.into_iter().map(|row| {
            let bar = if row.in_text { "| " } else { "" };
            let parts = row.parts.into_iter().flat_map(|(_, text)| text.pieces);
            let text: String = parts
                .map(|piece| match piece {
                    super::super::text::Piece::Plain(text) => text,
                    other => format!("{other:?}"),
                })
                .collect();
            format!("{}{bar}{text}", row.indent)
        });
        rows.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_list_is_indented_and_a_text_of_lines_keeps_them() {
        let value = json!({"a": [1, true, "x"], "b": "two\nlines", "c": {}});
        let shown = "{\n  \"a\": [\n    1,\n    true,\n    \"x\"\n  ],\n  \"b\": text of 2 lines,\n    \
                     | two\n    | lines\n  \"c\": {}\n}";
        assert_eq!(rows(&value), shown);
    }

    #[test]
    fn no_text_can_end_itself_and_go_on_as_another() {
        assert_eq!(rows(&json!(["a\", \"b"])), "[\n  \"a\\\", \\\"b\"\n]");
        assert_eq!(rows(&json!(["a\\"])), "[\n  \"a\\\\\"\n]");
    }

    #[test]
    fn what_has_no_room_is_cut_and_says_so() {
        let object = json!({"small": 1, "large": "x".repeat(5_000)});
        let members = Members::of(object.as_object().unwrap(), Some(1_000));
        assert!(members.cut);
        assert!(members.to_string().contains("4400"), "{members}");
        assert!(!Members::of(object.as_object().unwrap(), None).cut);
    }

    #[test]
    fn hidden_characters_are_edited_as_escapes() {
        let object = json!({"to": "a\u{202e}b\u{e0041} é"});
        let text = editable(object.as_object().unwrap());
        assert!(text.contains("a\\u202eb\\udb40\\udc41 é"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), object);
    }
}
