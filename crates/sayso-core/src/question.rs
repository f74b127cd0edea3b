//! Questions: the model is unsure and asks, with nothing to execute.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::json;

/// The most options a question may offer.
pub const MOST_OPTIONS: usize = 20;
/// The longest option, in characters.
pub const LONGEST_OPTION: usize = 200;
/// The largest form or default, in bytes of canonical JSON.
pub const LARGEST_FORM: usize = 8 * 1024;

/// A question for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What is asked.
    pub text: String,
    /// The answers to choose from; any text will do, if there are none and no form either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// A small form: a JSON Schema of `type: "object"` with flat properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Map<String, Value>>,
    /// What the agent goes by if a soft question's window passes in heard silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// Why a question can't be asked, or an answer not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuestion {
    /// Both options and a form.
    #[error("give either `options` or `schema`, not both")]
    TwoForms,
    /// Too many or too long options.
    #[error(
        "`options` must be at most {MOST_OPTIONS} different texts of 1 to {LONGEST_OPTION} characters"
    )]
    Options,
    /// The form is not one people can fill in.
    #[error("`schema`: {0}")]
    Schema(String),
    /// The default is no answer to the question.
    #[error("`default`: {0}")]
    Default(String),
    /// The answer is none of those asked for.
    #[error("`answer`: {0}")]
    Answer(String),
}

/// What answers a question takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Form {
    /// Any text.
    Text,
    /// One of these.
    Options {
        /// The answers to choose from.
        options: Vec<String>,
    },
    /// An object of that shape.
    Fields {
        /// The schema as given.
        schema: Map<String, Value>,
    },
}

impl Question {
    /// The bytes people decide on: RFC 8785 canonical JSON of the question.
    pub fn canonical(&self) -> Vec<u8> {
        json::canonical(self)
    }

    /// The question's digest: SHA-256 over [`Question::canonical`].
    pub fn digest(&self) -> Digest {
        Digest::of(&self.canonical())
    }

    /// Checks the question and says what answers it takes.
    pub fn form(&self) -> Result<Form, BadQuestion> {
        let form = match (&self.options[..], &self.schema) {
            ([], None) => Form::Text,
            ([], Some(schema)) => {
                check_schema(schema).map_err(BadQuestion::Schema)?;
                Form::Fields { schema: schema.clone() }
            }
            (options, None) => {
                let mut distinct = options.to_vec();
                distinct.sort();
                distinct.dedup();
                let fits = |o: &String| (1..=LONGEST_OPTION).contains(&o.chars().count());
                if distinct.len() != options.len()
                    || options.len() > MOST_OPTIONS
                    || !options.iter().all(fits)
                {
                    return Err(BadQuestion::Options);
                }
                Form::Options { options: options.to_vec() }
            }
            (_, Some(_)) => return Err(BadQuestion::TwoForms),
        };
        if let Some(default) = &self.default {
            form.check(default).map_err(BadQuestion::Default)?;
        }
        Ok(form)
    }
}

impl Form {
    /// Checks an answer; says what is wrong with it.
    pub fn check(&self, answer: &Value) -> Result<(), String> {
        if json::canonical(answer).len() > LARGEST_FORM {
            return Err(format!("must be at most {LARGEST_FORM} bytes"));
        }
        match self {
            Self::Text => match answer {
                Value::String(text) if !text.trim().is_empty() => Ok(()),
                _ => Err("must be a text, and not an empty one".into()),
            },
            Self::Options { options } => match answer.as_str() {
                Some(text) if options.iter().any(|o| o == text) => Ok(()),
                _ => Err(format!("must be one of {}", quoted(options))),
            },
            Self::Fields { schema } => check_fields(schema, answer),
        }
    }
}

fn quoted(options: &[String]) -> String {
    options.iter().map(|o| format!("{o:?}")).collect::<Vec<_>>().join(", ")
}

const SCHEMA_KEYS: [&str; 6] =
    ["type", "properties", "required", "title", "description", "additionalProperties"];
const FIELD_KEYS: [&str; 10] = [
    "type",
    "title",
    "description",
    "enum",
    "default",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "format",
];

fn check_schema(schema: &Map<String, Value>) -> Result<(), String> {
    if json::canonical(schema).len() > LARGEST_FORM {
        return Err(format!("must be at most {LARGEST_FORM} bytes"));
    }
    if let Some(key) = schema.keys().find(|k| !SCHEMA_KEYS.contains(&k.as_str())) {
        return Err(format!("{key:?} is not supported; a form has {}", SCHEMA_KEYS.join(", ")));
    }
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err("must have \"type\": \"object\"".into());
    }
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
        return Err("must have \"properties\"".into());
    };
    for (name, field) in fields {
        let Some(field) = field.as_object() else {
            return Err(format!("the property {name:?} must be an object"));
        };
        if let Some(key) = field.keys().find(|k| !FIELD_KEYS.contains(&k.as_str())) {
            return Err(format!(
                "{key:?} of the property {name:?} is not supported; a form is flat, and a field \
                 has {}",
                FIELD_KEYS.join(", ")
            ));
        }
        let kind = field.get("type").and_then(Value::as_str).unwrap_or_default();
        if !matches!(kind, "string" | "number" | "integer" | "boolean") {
            return Err(format!(
                "the property {name:?} must be a string, number, integer or boolean"
            ));
        }
    }
    for name in required(schema) {
        if !fields.contains_key(name) {
            return Err(format!("\"required\" names {name:?}, which is no property"));
        }
    }
    Ok(())
}

fn required(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn check_fields(schema: &Map<String, Value>, answer: &Value) -> Result<(), String> {
    let Some(answer) = answer.as_object() else { return Err("must be an object".into()) };
    let none = Map::new();
    let fields = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    if let Some(name) = required(schema).find(|name| !answer.contains_key(*name)) {
        return Err(format!("{name:?} is missing"));
    }
    for (name, value) in answer {
        let field = fields.get(name).and_then(Value::as_object);
        let field = field.ok_or_else(|| format!("{name:?} was not asked for"))?;
        check_field(field, value).map_err(|problem| format!("{name:?} {problem}"))?;
    }
    Ok(())
}

fn check_field(field: &Map<String, Value>, value: &Value) -> Result<(), String> {
    let bound = |key: &str| field.get(key).and_then(Value::as_f64);
    let fits = match field.get("type").and_then(Value::as_str).unwrap_or_default() {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        _ => false,
    };
    if !fits {
        let kind = field.get("type").and_then(Value::as_str).unwrap_or_default();
        return Err(format!("must be of type {kind}"));
    }
    if let Some(choices) = field.get("enum").and_then(Value::as_array)
        && !choices.contains(value)
    {
        return Err(format!("must be one of {}", Value::from(choices.clone())));
    }
    let (size, low, high) = match value {
        Value::String(text) => {
            #[expect(clippy::cast_precision_loss, reason = "texts are shorter than 2^52")]
            let size = text.chars().count() as f64;
            (size, bound("minLength"), bound("maxLength"))
        }
        number => (number.as_f64().unwrap_or(0.0), bound("minimum"), bound("maximum")),
    };
    if low.is_some_and(|low| size < low) || high.is_some_and(|high| size > high) {
        return Err("is out of bounds".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn question(value: Value) -> Question {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_option_is_answered_by_one_of_them() {
        let form = question(json!({"text": "A or B?", "options": ["A", "B"], "default": "A"}));
        let form = form.form().unwrap();
        assert_eq!(form.check(&json!("B")), Ok(()));
        assert_eq!(form.check(&json!("C")), Err("must be one of \"A\", \"B\"".into()));
    }

    #[test]
    fn a_default_must_itself_be_an_answer() {
        let bad = question(json!({"text": "A or B?", "options": ["A", "B"], "default": "C"}));
        assert!(matches!(bad.form(), Err(BadQuestion::Default(_))));
    }

    #[test]
    fn a_form_takes_what_it_describes_and_nothing_else() {
        let asked = question(json!({"text": "How many?", "schema": {
            "type": "object", "required": ["n"],
            "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 9},
                           "why": {"type": "string", "maxLength": 5}}}}));
        let form = asked.form().unwrap();
        assert_eq!(form.check(&json!({"n": 3, "why": "so"})), Ok(()));
        assert_eq!(form.check(&json!({})), Err("\"n\" is missing".into()));
        assert_eq!(form.check(&json!({"n": 10})), Err("\"n\" is out of bounds".into()));
        assert_eq!(form.check(&json!({"n": "3"})), Err("\"n\" must be of type integer".into()));
        assert_eq!(form.check(&json!({"n": 3, "m": 1})), Err("\"m\" was not asked for".into()));
    }

    #[test]
    fn a_nested_form_is_refused_by_name() {
        let asked = question(json!({"text": "?", "schema": {
            "type": "object", "properties": {"deep": {"type": "object"}}}}));
        let refused = asked.form().unwrap_err().to_string();
        assert!(refused.contains("\"deep\" must be a string, number"), "{refused}");
    }
}
