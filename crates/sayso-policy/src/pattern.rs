//! What a value may be: any of some strings, globs, numbers and truth values.

use serde_json::Value;

use crate::effort::Effort;
use crate::glob::Glob;
use crate::number::Number;
use crate::truth::Truth;

/// Several patterns, of which one must match; sorted by type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns {
    pub(crate) texts: Vec<Glob>,
    pub(crate) numbers: Vec<Number>,
    pub(crate) flags: Vec<bool>,
}

impl Patterns {
    /// Whether `value` is one of these.
    ///
    /// A value of a type that none of them has is unknown, not different: a tool may well take
    /// `["main"]` or `"50"` for `"main"` or `50`, and an agent must not get past a rule that way.
    pub(crate) fn test(&self, value: &Value, effort: &mut Effort) -> Truth {
        match value {
            Value::String(text) if !self.texts.is_empty() => {
                Truth::any(self.texts.iter().map(|glob| glob.test(text, effort)))
            }
            Value::Number(number) if !self.numbers.is_empty() => {
                Truth::any(self.numbers.iter().map(|own| match own.compare(number) {
                    Some(order) if effort.step() => order.is_eq().into(),
                    _ => Truth::Unknown,
                }))
            }
            Value::Bool(flag) if !self.flags.is_empty() && effort.step() => {
                self.flags.contains(flag).into()
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {
                let _ = effort.step();
                Truth::Unknown
            }
        }
    }
}
