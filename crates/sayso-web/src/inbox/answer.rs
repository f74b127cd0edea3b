//! A question's form, and what was filled in.

use sayso_core::Question;
use serde_json::{Map, Value};

use super::text::Text;
use super::visitor::Fields;

/// The name of a form's field, or what it begins with.
const ANSWER: &str = "answer";

/// How a question can be answered.
pub(super) enum AnswerForm {
    /// In one's own words.
    Words {
        /// What silence, or nothing better, would have it be.
        default: Option<Text>,
    },
    /// By one of these.
    Choice(Choice),
    /// By filling in fields.
    Fields(Vec<Field>),
}

/// One of several.
pub(super) struct Choice {
    /// What the browser sends: the place in the list, so that odd characters come through.
    pub(super) name: String,
    pub(super) options: Vec<(usize, Text)>,
    pub(super) is_required: bool,
}

/// A field of a form.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: Text,
    pub(super) description: Option<Text>,
    pub(super) choice: Option<Choice>,
    pub(super) is_number: bool,
    pub(super) is_required: bool,
}

impl AnswerForm {
    /// The form that a question asks for. Its schema was checked when it was asked.
    pub(super) fn of(question: &Question) -> Self {
        if let Some(schema) = &question.schema {
            return Self::Fields(fields(schema).map(Field::of).collect());
        }
        let options: Vec<_> = question.options.iter().map(|text| Text::new(text)).collect();
        if options.is_empty() {
            let default = question.default.as_ref().and_then(Value::as_str).map(Text::new);
            return Self::Words { default };
        }
        let options = options.into_iter().enumerate().collect();
        Self::Choice(Choice { name: ANSWER.into(), options, is_required: true })
    }
}

impl Field {
    fn of((index, name, schema, is_required): (usize, &String, &Value, bool)) -> Self {
        let text = |key: &str| schema.get(key).and_then(Value::as_str).map(Text::new);
        let kind = schema.get("type").and_then(Value::as_str);
        let sent = format!("{ANSWER}.{index}");
        let options = options(schema).into_iter().map(|value| Text::new(&word(&value)));
        let options: Vec<_> = options.enumerate().collect();
        Self {
            choice: (!options.is_empty()).then(|| Choice {
                name: sent.clone(),
                options,
                is_required,
            }),
            name: sent,
            label: text("title").unwrap_or_else(|| Text::new(name)),
            description: text("description"),
            is_number: matches!(kind, Some("number" | "integer")),
            is_required,
        }
    }
}

/// A schema's properties: place, name, what it asks for, whether it must be there.
fn fields(schema: &Map<String, Value>) -> impl Iterator<Item = (usize, &String, &Value, bool)> {
    let required = schema.get("required").and_then(Value::as_array);
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().enumerate().map(move |(index, (name, field))| {
        let is_required = required.is_some_and(|names| names.iter().any(|n| n == name.as_str()));
        (index, name, field, is_required)
    })
}

/// The values that a field takes, if they can be counted.
fn options(schema: &Value) -> Vec<Value> {
    match schema.get("enum").and_then(Value::as_array) {
        Some(values) => values.clone(),
        None if schema.get("type").is_some_and(|kind| kind == "boolean") => {
            vec![true.into(), false.into()]
        }
        None => Vec::new(),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        other => other.to_string(),
    }
}

/// What was filled in, as the answer that the question asks for. What does not fit is passed on as
/// it is: the law says what is wrong with it.
pub(super) fn filled_in(question: &Question, sent: &Fields) -> Option<Value> {
    if let Some(schema) = &question.schema {
        let answers = fields(schema).filter_map(|(index, name, field, _)| {
            let text = sent.text(&format!("{ANSWER}.{index}"))?;
            Some((name.clone(), value(field, &text)))
        });
        return Some(Value::Object(answers.collect()));
    }
    let text = sent.text(ANSWER)?;
    if question.options.is_empty() {
        return Some(text.into());
    }
    let chosen = text.parse().ok().and_then(|index: usize| question.options.get(index));
    Some(chosen.cloned().unwrap_or(text).into())
}

fn value(field: &Value, text: &str) -> Value {
    let options = options(field);
    if !options.is_empty() {
        let chosen = text.parse().ok().and_then(|index: usize| options.get(index));
        return chosen.cloned().unwrap_or_else(|| text.into());
    }
    match field.get("type").and_then(Value::as_str) {
        Some("number" | "integer") => text.parse().map_or_else(|_| text.into(), Value::Number),
        _ => text.into(),
    }
}
