//! What models send with a call, read strictly: a misspelt argument is told, not dropped.

use sayso_client::wire::{Action, Propose, Question};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Refused;
use super::tools;

/// The most reviews in one call.
const MOST_IDS: usize = 20;
/// The longest that a call waits, in seconds.
const LONGEST_WAIT: u64 = 50;
/// How long it waits unless told: below what the most impatient client gives up after.
const USUAL_WAIT: u64 = 4;

/// Reads a call's arguments.
pub(crate) fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, Refused> {
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "arguments" } else { &path };
        Refused::field(field, format_args!("is not as it should be: {}", error.inner()))
    })
}

/// `request_human_review`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Review {
    tier: Tier,
    message: String,
    #[serde(default)]
    context_data: Option<Value>,
    #[serde(default)]
    action: Option<Action>,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default)]
    form: Option<Map<String, Value>>,
    #[serde(default)]
    default: Option<Value>,
    #[serde(default)]
    window: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tier {
    Fyi,
    Soft,
    Hard,
}

impl Tier {
    fn word(self) -> &'static str {
        match self {
            Self::Fyi => "fyi",
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

impl Review {
    /// The review as an escalation: of an exact action, of a question, or of what the model says
    /// it is about to do.
    pub(crate) fn into_proposal(self) -> Result<Propose, Refused> {
        let Self { tier, message, context_data, action, options, form, default, window } = self;
        if message.trim().is_empty() {
            return Err(Refused::field("message", "is empty: say what this is about"));
        }
        let is_question = !options.is_empty() || form.is_some() || default.is_some();
        let tier = json!(tier.word());
        let propose = Propose {
            tier: Some(tier),
            window: window.map(Value::String),
            join: true,
            ..Propose::default()
        };
        if is_question {
            if action.is_some() {
                let detail = "goes without `options`, `form` and `default`: either an action is \
                              reviewed or a question answered";
                return Err(Refused::field("action", detail));
            }
            let question = Question { text: message, options, schema: form, default };
            return Ok(Propose { question: Some(question), context: context_data, ..propose });
        }
        if let Some(action) = action {
            return Ok(Propose { action: Some(action), message, context: context_data, ..propose });
        }
        // What people decide on is exactly what the model says, so that is the action's arguments.
        let mut arguments = Map::new();
        arguments.insert("message".into(), message.into());
        arguments.extend(context_data.map(|context| ("context_data".into(), context)));
        let action =
            Action { tool: tools::REQUEST.into(), arguments, resource: None, precondition: None };
        Ok(Propose { action: Some(action), ..propose })
    }
}

/// Some reviews.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ids {
    pub(crate) ids: SomeIds,
}

/// `await_review`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Await {
    pub(crate) ids: SomeIds,
    #[serde(default = "usual_wait", deserialize_with = "seconds")]
    pub(crate) seconds: u64,
}

fn usual_wait() -> u64 {
    USUAL_WAIT
}

/// Models count in floats now and then; a longer wait than there is becomes the longest.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    if seconds.is_nan() || seconds < 0.0 {
        return Err(serde::de::Error::custom("must be a number of seconds from 0 on"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped")]
    Ok((seconds.ceil() as u64).min(LONGEST_WAIT))
}

/// One to twenty ids.
#[derive(Debug, Deserialize)]
#[serde(try_from = "OneOrSeveral")]
pub(crate) struct SomeIds(Vec<String>);

impl SomeIds {
    pub(crate) fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Models send one id bare as often as in a list.
#[derive(Deserialize)]
#[serde(untagged, expecting = "must be the ids of reviews, as a list of texts")]
enum OneOrSeveral {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<OneOrSeveral> for SomeIds {
    type Error = String;

    fn try_from(ids: OneOrSeveral) -> Result<Self, String> {
        let ids = match ids {
            OneOrSeveral::One(id) => vec![id],
            OneOrSeveral::Several(ids) => ids,
        };
        if ids.is_empty() || ids.len() > MOST_IDS {
            return Err(format!("must be 1 to {MOST_IDS} ids"));
        }
        let plain = |id: &String| id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        match ids.iter().find(|id| id.is_empty() || !plain(id)) {
            Some(odd) => Err(format!("{odd:?} is not a review's id")),
            None => Ok(Self(ids)),
        }
    }
}
