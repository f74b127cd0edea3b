//! The canonical spelling of RFC 8785, written straight from any `Serialize`.
//!
//! Doubles are spelt by `serde_json_canonicalizer`. The rest is our own, for that crate writes a
//! NaN inside a struct as null and rounds big integers without a word; here they are errors.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::io::Write as _;

use serde::ser::{self, Serialize, Serializer};
use serde_json::Value;

use super::number::{self, LAST_EXACT_INTEGER};
use super::refusal::excerpt;

/// A value without an exact canonical form: a number that no double holds, NaN, a member given
/// twice or named by something other than a string, or a type that refuses to be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no canonical JSON: {0}")]
pub struct NoCanonicalForm(String);

impl ser::Error for NoCanonicalForm {
    fn custom<T: std::fmt::Display>(problem: T) -> Self {
        Self(problem.to_string())
    }
}

/// The canonical bytes of `value`.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, NoCanonicalForm> {
    let mut out = Vec::with_capacity(256);
    value.serialize(Writer(&mut out))?;
    Ok(out)
}

struct Writer<'a>(&'a mut Vec<u8>);

impl<'a> Writer<'a> {
    fn string(&mut self, text: &str) -> Result<(), NoCanonicalForm> {
        if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            self.0.reserve(text.len() + 2);
            self.0.push(b'"');
            self.0.extend_from_slice(text.as_bytes());
            self.0.push(b'"');
            return Ok(());
        }
        // Its escapes are those of RFC 8785 section 3.2.2.2.
        serde_json::to_writer(&mut *self.0, text).map_err(ser::Error::custom)
    }

    fn integer(self, negative: bool, magnitude: u64) -> Result<(), NoCanonicalForm> {
        let sign = if negative { "-" } else { "" };
        if magnitude > LAST_EXACT_INTEGER {
            let written = format!("{sign}{magnitude}");
            let becomes = written.parse().ok().and_then(number::canonical).unwrap_or_default();
            if written != becomes {
                return Err(NoCanonicalForm(format!(
                    "{written} would turn into {becomes}; make it a string"
                )));
            }
        }
        write!(self.0, "{sign}{magnitude}").map_err(ser::Error::custom)
    }

    /// Opens `{"variant":`, if the value is that of an enum's variant, and says what closes it.
    fn variant(&mut self, variant: Option<&str>) -> Result<&'static [u8], NoCanonicalForm> {
        let Some(variant) = variant else {
            return Ok(b"");
        };
        self.0.push(b'{');
        self.string(variant)?;
        self.0.push(b':');
        Ok(b"}")
    }

    fn array(mut self, variant: Option<&str>) -> Result<Array<'a>, NoCanonicalForm> {
        let close = self.variant(variant)?;
        self.0.push(b'[');
        Ok(Array { start: self.0.len(), out: self.0, close })
    }

    fn object(
        mut self,
        variant: Option<&str>,
        members: usize,
    ) -> Result<Object<'a>, NoCanonicalForm> {
        let close = self.variant(variant)?;
        self.0.push(b'{');
        let members = Vec::with_capacity(members);
        Ok(Object { start: self.0.len(), out: self.0, members, close })
    }
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = NoCanonicalForm;
    type SerializeSeq = Array<'a>;
    type SerializeTuple = Array<'a>;
    type SerializeTupleStruct = Array<'a>;
    type SerializeTupleVariant = Array<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), NoCanonicalForm> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), NoCanonicalForm> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), NoCanonicalForm> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), NoCanonicalForm> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), NoCanonicalForm> {
        self.integer(value < 0, value.unsigned_abs())
    }

    fn serialize_u8(self, value: u8) -> Result<(), NoCanonicalForm> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), NoCanonicalForm> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), NoCanonicalForm> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), NoCanonicalForm> {
        self.integer(false, value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), NoCanonicalForm> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), NoCanonicalForm> {
        let text = number::canonical(value)
            .ok_or_else(|| NoCanonicalForm(format!("{value} is no JSON number")))?;
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), NoCanonicalForm> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(mut self, value: &str) -> Result<(), NoCanonicalForm> {
        self.string(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), NoCanonicalForm> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), NoCanonicalForm> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoCanonicalForm> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NoCanonicalForm> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NoCanonicalForm> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), NoCanonicalForm> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NoCanonicalForm> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NoCanonicalForm> {
        let close = self.variant(Some(variant))?;
        value.serialize(Writer(self.0))?;
        self.0.extend_from_slice(close);
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Array<'a>, NoCanonicalForm> {
        self.array(None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Array<'a>, NoCanonicalForm> {
        self.array(None)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Array<'a>, NoCanonicalForm> {
        self.array(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Array<'a>, NoCanonicalForm> {
        self.array(Some(variant))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Object<'a>, NoCanonicalForm> {
        self.object(None, length.unwrap_or_default())
    }

    fn serialize_struct(
        self,
        _: &'static str,
        length: usize,
    ) -> Result<Object<'a>, NoCanonicalForm> {
        self.object(None, length)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Object<'a>, NoCanonicalForm> {
        self.object(Some(variant), length)
    }
}

struct Array<'a> {
    out: &'a mut Vec<u8>,
    /// Where its first item stands.
    start: usize,
    close: &'static [u8],
}

impl Array<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoCanonicalForm> {
        if self.out.len() > self.start {
            self.out.push(b',');
        }
        value.serialize(Writer(self.out))
    }

    fn close(self) {
        self.out.push(b']');
        self.out.extend_from_slice(self.close);
    }
}

struct Object<'a> {
    out: &'a mut Vec<u8>,
    /// Where its first member stands.
    start: usize,
    members: Vec<Member>,
    close: &'static [u8],
}

/// A member that is written, though perhaps not yet in its place.
struct Member {
    name: Cow<'static, str>,
    start: usize,
    end: usize,
}

impl Object<'_> {
    fn name(&mut self, name: Cow<'static, str>) -> Result<(), NoCanonicalForm> {
        if !self.members.is_empty() {
            self.out.push(b',');
        }
        let start = self.out.len();
        Writer(self.out).string(&name)?;
        self.out.push(b':');
        self.members.push(Member { name, start, end: start });
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoCanonicalForm> {
        value.serialize(Writer(self.out))?;
        if let Some(member) = self.members.last_mut() {
            member.end = self.out.len();
        }
        Ok(())
    }

    fn close(mut self) -> Result<(), NoCanonicalForm> {
        if !self.members.is_sorted_by(|a, b| order(&a.name, &b.name).is_lt()) {
            self.sort()?;
        }
        self.out.push(b'}');
        self.out.extend_from_slice(self.close);
        Ok(())
    }

    fn sort(&mut self) -> Result<(), NoCanonicalForm> {
        self.members.sort_by(|a, b| order(&a.name, &b.name));
        if let Some(twins) = self.members.array_windows().find(|[a, b]| a.name == b.name) {
            let name = excerpt(&twins[0].name);
            return Err(NoCanonicalForm(format!("the member \"{name}\" is given twice")));
        }
        let mut sorted = Vec::with_capacity(self.out.len() - self.start);
        for member in &self.members {
            if !sorted.is_empty() {
                sorted.push(b',');
            }
            sorted.extend_from_slice(&self.out[member.start..member.end]);
        }
        self.out.truncate(self.start);
        self.out.append(&mut sorted);
        Ok(())
    }
}

/// The order of names: by UTF-16 code units (RFC 8785 section 3.2.3).
fn order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

impl ser::SerializeSeq for Array<'_> {
    type Ok = ();
    type Error = NoCanonicalForm;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Self::Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTuple for Array<'_> {
    type Ok = ();
    type Error = NoCanonicalForm;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Self::Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTupleStruct for Array<'_> {
    type Ok = ();
    type Error = NoCanonicalForm;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Self::Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTupleVariant for Array<'_> {
    type Ok = ();
    type Error = NoCanonicalForm;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Self::Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = NoCanonicalForm;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Self::Error> {
        match serde_json::to_value(key) {
            Ok(Value::String(name)) => self.name(Cow::Owned(name)),
            _ => Err(NoCanonicalForm("a member is named by something other than a string".into())),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Self::Error> {
        self.close()
    }
}

impl ser::SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = NoCanonicalForm;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        self.name(Cow::Borrowed(name))?;
        self.value(value)
    }

    fn end(self) -> Result<(), Self::Error> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Object<'_> {
    type Ok = ();
    type Error = NoCanonicalForm;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        self.name(Cow::Borrowed(name))?;
        self.value(value)
    }

    fn end(self) -> Result<(), Self::Error> {
        self.close()
    }
}
