//! How reviews stand, told to a model: the same words as text and in the structured content.

use sayso_client::wire::Escalation;
use serde_json::{Map, Value, json};

use super::tools;

/// After how many seconds it is worth asking again: hard ones take people longer.
const SOFT_AGAIN_S: u64 = 30;
const HARD_AGAIN_S: u64 = 60;

/// What a tool answers.
pub(crate) struct Answer {
    /// In words.
    pub(crate) text: String,
    reviews: Vec<Value>,
    is_one: bool,
}

impl Answer {
    /// One review.
    pub(crate) fn one(escalation: &Escalation) -> Self {
        let review = review(escalation);
        Self { text: words(escalation), reviews: vec![review], is_one: true }
    }

    /// Any number of them.
    pub(crate) fn several(escalations: &[Escalation]) -> Self {
        let text: Vec<_> = escalations.iter().map(words).collect();
        let text = if text.is_empty() { "Nothing is open.".into() } else { text.join("\n\n") };
        Self { text, reviews: escalations.iter().map(review).collect(), is_one: false }
    }

    /// Adds something to one of them.
    pub(crate) fn put(&mut self, index: usize, name: &str, value: Value) {
        if let Some(Value::Object(review)) = self.reviews.get_mut(index) {
            review.insert(name.to_owned(), value);
        }
    }

    /// In structure, with the words in it: some clients show a model nothing else.
    pub(crate) fn structured(&self) -> Value {
        match (&self.reviews[..], self.is_one) {
            ([one], true) => one.clone(),
            (reviews, _) => json!({"reviews": reviews, "message": self.text}),
        }
    }
}

/// Pending, or how it ended.
fn status(escalation: &Escalation) -> &str {
    escalation.outcome.as_deref().unwrap_or("pending")
}

fn review(escalation: &Escalation) -> Value {
    let mut review = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        review.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("status", Some(status(escalation).into()));
    put("escalation", Some(escalation.id.clone().into()));
    put("tier", Some(escalation.tier.clone().into()));
    put("tool", escalation.action.as_ref().map(|action| action.tool.clone().into()));
    put("digest", Some(escalation.digest.clone().into()));
    put("basis", escalation.basis.clone().map(Value::from));
    put("deadline", escalation.deadline.clone().map(Value::from));
    put("answer", escalation.answer.clone());
    if status(escalation) == "granted" {
        put("action", reviewed(escalation).map(|action| json!(action)));
        put("permit", escalation.permit.clone().map(Value::from));
    }
    if status(escalation) == "pending" {
        put("check_after_s", Some(again(escalation).into()));
    }
    put("message", Some(words(escalation).into()));
    Value::Object(review)
}

/// The action, if it is one that somebody runs, and not only the model's words.
fn reviewed(escalation: &Escalation) -> Option<&sayso_client::wire::Action> {
    escalation.action.as_ref().filter(|action| action.tool != tools::REQUEST)
}

fn again(escalation: &Escalation) -> u64 {
    if escalation.tier == "hard" { HARD_AGAIN_S } else { SOFT_AGAIN_S }
}

fn words(escalation: &Escalation) -> String {
    let Escalation { id, tier, reason, .. } = escalation;
    let comments = escalation.decisions.iter().filter_map(|said| {
        let comment = said.comment.as_ref()?;
        Some(format!("{} says: {comment}", said.by))
    });
    let mut lines = vec![match status(escalation) {
        "pending" => format!(
            "NOT DECIDED YET. Review {id} ({tier}) waits. {reason} You have no yes so far. Go on \
             with other work that does not depend on it; later call {} with this id.",
            tools::CHECK
        ),
        "noted" => format!("TOLD. People are told (review {id}); go on."),
        "granted" => match reviewed(escalation) {
            Some(action) => format!(
                "GRANTED. Review {id}: you may do exactly this, once: {} {}. {reason}",
                action.tool,
                Value::Object(action.arguments.clone())
            ),
            None => format!("GRANTED. Review {id}: go ahead with what you described. {reason}"),
        },
        "answered" => {
            let answer = escalation.answer.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("ANSWERED. Review {id}: {answer}. {reason}")
        }
        "withdrawn" => format!("WITHDRAWN. Review {id}: you took it back; it is no yes."),
        "expired" => format!("EXPIRED. Review {id}: {reason} It is no yes."),
        "halted" => format!("HALTED. Review {id}: {reason} Don't do it."),
        refused => format!("{}. Review {id}: don't do it. {reason}", refused.to_uppercase()),
    }];
    lines.extend(comments);
    lines.join("\n")
}
