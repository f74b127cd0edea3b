//! The strict reader: RFC 8259 and nothing else, in one pass, without recursion.
//!
//! It is our own because the tokens matter here: `serde_json` has turned a number into the nearest
//! double, and let the last of two equal names win, before anybody can look. Which numbers pass
//! is not decided here, but in [`number`].

use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::number::{self, LAST_EXACT_INTEGER};
use super::refusal::{BadJson, Pointer, excerpt};

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// What the next value stands in, the outermost first.
    open: Vec<Open>,
    depth: usize,
}

/// An array or object that is not complete.
enum Open {
    Array(Vec<Value>),
    /// The members so far, and the name of the one whose value comes next.
    Object(Map<String, Value>, String),
}

/// What follows a value.
enum Next {
    Value,
    /// It was the last one in this array or object.
    Closed(Value),
    /// It was the document.
    End(Value),
}

/// Reads the one value that is all of `text`.
pub(super) fn document(text: &str, depth: usize) -> Result<Value, BadJson> {
    let mut reader = Reader { text, at: 0, open: Vec::new(), depth };
    if text.starts_with('\u{feff}') {
        return Err(reader.syntax("a byte order mark; send the JSON without it"));
    }
    loop {
        let Some(mut value) = reader.value()? else {
            continue;
        };
        loop {
            match reader.put(value)? {
                Next::Value => break,
                Next::Closed(holder) => value = holder,
                Next::End(document) => return Ok(document),
            }
        }
    }
}

impl<'a> Reader<'a> {
    /// Reads a value; none, if it is an array or object whose first part comes next.
    fn value(&mut self) -> Result<Option<Value>, BadJson> {
        self.skip_space();
        let value = match self.peek() {
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'[') => {
                self.descend()?;
                if !self.skip(b']') {
                    self.open.push(Open::Array(Vec::new()));
                    return Ok(None);
                }
                Value::Array(Vec::new())
            }
            Some(b'{') => {
                self.descend()?;
                if !self.skip(b'}') {
                    let name = self.name()?;
                    self.open.push(Open::Object(Map::new(), name));
                    return Ok(None);
                }
                Value::Object(Map::new())
            }
            _ => self.word()?,
        };
        Ok(Some(value))
    }

    /// Puts a value into the array or object that it stands in.
    fn put(&mut self, value: Value) -> Result<Next, BadJson> {
        let Some(holder) = self.open.pop() else {
            self.skip_space();
            return match self.peek() {
                None => Ok(Next::End(value)),
                Some(_) => Err(self.syntax("text after the end of the JSON; send one value")),
            };
        };
        match holder {
            Open::Array(mut items) => {
                items.push(value);
                if self.skip_space_and(b']') {
                    return Ok(Next::Closed(Value::Array(items)));
                }
                self.comma("expected a comma or the ] of the array")?;
                self.open.push(Open::Array(items));
            }
            Open::Object(mut members, name) => {
                match members.entry(name) {
                    Entry::Vacant(place) => place.insert(value),
                    Entry::Occupied(place) => {
                        let mut path = self.path();
                        path.member(place.key());
                        let (path, name) = (path.finish(), excerpt(place.key()));
                        return Err(BadJson::DuplicateName { path, name });
                    }
                };
                if self.skip_space_and(b'}') {
                    return Ok(Next::Closed(Value::Object(members)));
                }
                self.comma("expected a comma or the } of the object")?;
                let name = self.name()?;
                self.open.push(Open::Object(members, name));
            }
        }
        Ok(Next::Value)
    }

    /// Steps over the bracket that opens an array or object.
    fn descend(&mut self) -> Result<(), BadJson> {
        if self.open.len() >= self.depth {
            return Err(BadJson::TooDeep { limit: self.depth, path: self.path().finish() });
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Reads a member's name and the colon behind it.
    fn name(&mut self) -> Result<String, BadJson> {
        self.skip_space();
        if self.peek() != Some(b'"') {
            return Err(self.syntax("expected a member's name in double quotes"));
        }
        let name = self.string()?;
        if !self.skip_space_and(b':') {
            return Err(self.syntax("expected a colon after the member's name"));
        }
        Ok(name)
    }

    /// Reads `null`, `true` or `false`, or explains what can't be read as anything.
    fn word(&mut self) -> Result<Value, BadJson> {
        let rest = &self.text[self.at..];
        for (word, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.syntax(match rest.bytes().next() {
            None => "the JSON ends where a value is expected",
            Some(b']' | b'}') => {
                "expected a value; remove the comma before it, or what is closed here"
            }
            Some(b'N' | b'I') => "JSON has no NaN or Infinity; send null, or a string",
            Some(_) => "expected a value: an object, array, string, number, true, false or null",
        }))
    }

    fn number(&mut self) -> Result<Value, BadJson> {
        let start = self.at;
        let negative = self.skip(b'-');
        let first = self.at;
        let mut magnitude = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            magnitude = magnitude.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        match self.text.as_bytes()[first..self.at] {
            [] if self.peek() == Some(b'I') => {
                return Err(self.syntax("JSON has no NaN or Infinity; send null, or a string"));
            }
            [] => return Err(self.syntax("expected a digit")),
            [b'0', _, ..] => {
                self.at = first;
                return Err(self.syntax("a number may not begin with a zero; remove it"));
            }
            _ => {}
        }
        if !matches!(self.peek(), Some(b'.' | b'e' | b'E')) && magnitude <= LAST_EXACT_INTEGER {
            let magnitude = magnitude.cast_signed();
            return Ok(Value::from(if negative { -magnitude } else { magnitude }));
        }
        if self.skip(b'.') {
            self.digits()?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            let _ = self.skip(b'+') || self.skip(b'-');
            self.digits()?;
        }
        let token = &self.text[start..self.at];
        number::read(token).map_err(|becomes| BadJson::NumberChanges {
            path: self.path().finish(),
            written: excerpt(token),
            becomes,
        })
    }

    fn digits(&mut self) -> Result<(), BadJson> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax("expected a digit")) } else { Ok(()) }
    }

    /// Reads a string, from its opening quote to its closing one.
    fn string(&mut self) -> Result<String, BadJson> {
        self.at += 1;
        let plain = self.plain();
        if self.skip(b'"') {
            return Ok(plain.to_owned());
        }
        let mut string = plain.to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                Some(_) => {
                    return Err(self.syntax("a control character in a string; write it as \\u00XX"));
                }
                None => return Err(self.syntax("the JSON ends inside a string")),
            }
            string.push_str(self.plain());
        }
    }

    /// The text up to the next quote, backslash or control character.
    fn plain(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..=0x1f));
        let plain = &rest[..length.unwrap_or(rest.len())];
        self.at += plain.len();
        plain
    }

    fn escape(&mut self) -> Result<char, BadJson> {
        let start = self.at;
        self.at += 2;
        let c = match self.text.as_bytes().get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            _ => {
                self.at = start;
                return Err(self.syntax("an unknown escape; write a backslash itself as \\\\"));
            }
        };
        Ok(c)
    }

    /// Reads the digits of a `\u` escape that began at `start`, and the other half of a pair.
    fn unicode_escape(&mut self, start: usize) -> Result<char, BadJson> {
        let mut code = u32::from(self.four_digits()?);
        if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let low = u32::from(self.four_digits()?);
            if (0xdc00..0xe000).contains(&low) {
                code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            }
        }
        char::from_u32(code).ok_or_else(|| {
            self.at = start;
            self.syntax(
                "half of a surrogate pair stands for no character; send both halves, or none",
            )
        })
    }

    fn four_digits(&mut self) -> Result<u16, BadJson> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).unwrap_or_default();
        let code = digits.iter().try_fold(0, |code, digit| {
            let digit = char::from(*digit).to_digit(16)?;
            Some(code << 4 | u16::try_from(digit).ok()?)
        });
        match code.filter(|_| digits.len() == 4) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => Err(self.syntax("expected four hexadecimal digits after \\u")),
        }
    }

    fn comma(&mut self, problem: &'static str) -> Result<(), BadJson> {
        if self.skip(b',') { Ok(()) } else { Err(self.syntax(problem)) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn skip_space_and(&mut self, byte: u8) -> bool {
        self.skip_space();
        self.skip(byte)
    }

    /// The place of the value that comes next.
    fn path(&self) -> Pointer {
        let mut path = Pointer::default();
        for open in &self.open {
            match open {
                Open::Array(items) => path.item(items.len()),
                Open::Object(_, name) => path.member(name),
            }
        }
        path
    }

    fn syntax(&self, problem: &'static str) -> BadJson {
        let before = &self.text[..self.text.floor_char_boundary(self.at)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        BadJson::Syntax { line, column, problem }
    }
}
