//! Step 5: what was asked, edited and answered, and whether it hashes to what people decided on.
//!
//! Texts are looked at once, as they come by; of what is open, what was asked is kept.

use sayso_core::escalation::Subject;
use sayso_core::statement::SignedStatement;
use sayso_core::{Action, Digest, Event, Question, json};
use serde::Deserialize;
use serde_json::Value;

use super::report::{Findings, Place, Step};

/// How large a body may be: more than any that a server takes.
const LIMITS: json::Limits = json::Limits { bytes: 16 * 1024 * 1024, depth: 96 };

/// A body at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// What its hash begins with.
    pub salt: Vec<u8>,
    /// The text.
    pub content: Vec<u8>,
}

impl Body {
    /// What the entry must say of it.
    pub fn hash(&self) -> Digest {
        Digest::of_parts(&[&self.salt, &self.content])
    }
}

/// What was asked: the body of `proposed`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    pub(super) action: Option<Action>,
    #[serde(default)]
    pub(super) question: Option<Question>,
    #[serde(default)]
    pub(super) context: Option<Value>,
    #[serde(default)]
    pub(super) server: Option<String>,
}

impl Asked {
    /// What is left of it once it was judged: what an edit, or a permit's use, will be judged with.
    pub(super) fn kept(mut self: Box<Self>) -> Box<Self> {
        self.question = None;
        self
    }
}

/// The body of `edited`.
#[derive(Debug, Deserialize)]
pub(super) struct Edited {
    pub(super) action: Action,
    #[serde(default)]
    pub(super) signed: Option<SignedStatement>,
}

/// The body of a decision.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Remark {
    #[serde(default)]
    pub(super) answer: Option<Value>,
    #[serde(default)]
    pub(super) signed: Option<SignedStatement>,
}

/// What a body says, as far as it matters.
#[derive(Debug)]
pub(super) enum Text {
    Asked(Box<Asked>),
    Edited(Box<Edited>),
    Remark(Box<Remark>),
}

/// Reads the body of an event and holds it against the digests that the event names.
pub(super) fn read(
    event: &Event,
    content: &[u8],
    place: Place,
    found: &mut Findings,
) -> Option<Text> {
    let mut refute = |says: String| {
        found.refute(Step::Bodies, place, says);
        None
    };
    match event {
        Event::Proposed { subject, .. } => {
            let asked: Asked = match json::read_into(content, LIMITS) {
                Ok(asked) => asked,
                Err(bad) => return refute(format!("what was asked can't be read: {bad}")),
            };
            if subject_of(&asked).as_ref() != Some(subject) {
                return refute(format!(
                    "what was asked has not the digest that people decided on, {}",
                    subject.digest()
                ));
            }
            Some(Text::Asked(Box::new(asked)))
        }
        Event::Edited { digest, .. } => {
            let edited: Edited = match json::read_into(content, LIMITS) {
                Ok(edited) => edited,
                Err(bad) => return refute(format!("the edited action can't be read: {bad}")),
            };
            if edited.action.digest() != *digest {
                return refute(format!("the edited action has not the digest {digest}"));
            }
            Some(Text::Edited(Box::new(edited)))
        }
        Event::Approved { .. } | Event::Answered { .. } => match json::read_into(content, LIMITS) {
            Ok(remark) => Some(Text::Remark(Box::new(remark))),
            Err(bad) => refute(format!("what was said with it can't be read: {bad}")),
        },
        _ => None,
    }
}

fn subject_of(asked: &Asked) -> Option<Subject> {
    match (&asked.action, &asked.question) {
        (Some(action), None) => Some(Subject::action(action)),
        (None, Some(question)) => Subject::question(question).ok(),
        (Some(_), Some(_)) | (None, None) => None,
    }
}
