//! Conditions of a rule: a path into what the agent sent, and what must be found there.

use std::cmp::Ordering;

use serde_json::Value;

use crate::call::Call;
use crate::effort::Effort;
use crate::number::Number;
use crate::pattern::Patterns;
use crate::regex::Regex;
use crate::truth::Truth;

/// Where a path starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Root {
    /// The action's arguments.
    Args,
    /// The action's resource.
    Resource,
    /// What the model says about the action. A claim, not a fact: it can make a verdict stricter,
    /// never looser.
    Context,
}

/// One condition.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) root: Root,
    pub(crate) path: Box<[Box<str>]>,
    /// All of these must hold.
    pub(crate) tests: Box<[Test]>,
    /// How it stands in the text, for people.
    pub(crate) written: Box<str>,
}

/// What must be true of the value at the path.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// It is one of these.
    Is(Patterns),
    /// It is a number on this side of a limit.
    Compared(Side, Number),
    /// It is a list with an element of these; false without a list.
    Any(Patterns),
    /// It is a list with elements of these only; unknown for an empty or missing list, for many
    /// tools take nothing to mean everything.
    All(Patterns),
    /// It is a list with no element of these; true without a list.
    None(Patterns),
    /// It is a list of more elements than that; false without a list.
    CountOver(u64),
    /// It is a text in which one of these is found.
    Matches(Box<[Regex]>),
    /// It isn't there (true), or is (false); unknown for null, which tools read either way.
    Missing(bool),
}

/// The side of a limit a number must lie on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Over,
    Under,
    AtLeast,
    AtMost,
}

/// What a path leads to.
enum Found<'a> {
    Value(&'a Value),
    Nothing,
    /// The path runs through something that has no members.
    Blocked,
}

impl Condition {
    /// Whether it holds, as far as `effort` reaches.
    pub(crate) fn test(&self, call: &Call<'_>, effort: &Effort) -> Truth {
        let told = self.hold(&self.found(call), effort.again());
        if self.root != Root::Context {
            return told;
        }
        let silent = self.hold(&Found::Nothing, effort.again());
        // Where the model's word changes the answer, both answers count.
        if told == silent { told } else { Truth::Unknown }
    }

    /// Whether it holds of a value, or of nothing.
    pub(crate) fn holds_of(&self, value: Option<&Value>, effort: &Effort) -> Truth {
        self.hold(&value.map_or(Found::Nothing, Found::Value), effort.again())
    }

    /// What it looks at, if there is anything.
    pub(crate) fn value<'a>(&self, call: &Call<'a>) -> Option<&'a Value> {
        match self.found(call) {
            Found::Value(value) => Some(value),
            Found::Nothing | Found::Blocked => None,
        }
    }

    fn found<'a>(&self, call: &Call<'a>) -> Found<'a> {
        match (self.root, self.path.split_first()) {
            (Root::Args, Some((first, rest))) => follow(call.action.arguments.get(&**first), rest),
            (Root::Args, None) => Found::Blocked,
            (Root::Resource, _) => follow(call.action.resource.as_ref(), &self.path),
            (Root::Context, _) => follow(call.context, &self.path),
        }
    }

    fn hold(&self, found: &Found<'_>, mut effort: Effort) -> Truth {
        Truth::all(self.tests.iter().map(|test| test.hold(found, &mut effort)))
    }
}

fn follow<'a>(start: Option<&'a Value>, path: &[Box<str>]) -> Found<'a> {
    let mut at = start;
    for key in path {
        at = match at {
            Some(Value::Object(members)) => members.get(&**key),
            Some(_) => return Found::Blocked,
            None => return Found::Nothing,
        };
    }
    at.map_or(Found::Nothing, Found::Value)
}

impl Test {
    fn hold(&self, found: &Found<'_>, effort: &mut Effort) -> Truth {
        match found {
            Found::Blocked => Truth::Unknown,
            Found::Nothing => self.hold_of_nothing(),
            Found::Value(value) => self.hold_of(value, effort),
        }
    }

    fn hold_of_nothing(&self) -> Truth {
        match self {
            Self::Is(_)
            | Self::Compared(..)
            | Self::Any(_)
            | Self::CountOver(_)
            | Self::Matches(_) => Truth::No,
            Self::All(_) => Truth::Unknown,
            Self::None(_) => Truth::Yes,
            Self::Missing(wanted) => (*wanted).into(),
        }
    }

    fn hold_of(&self, value: &Value, effort: &mut Effort) -> Truth {
        match (self, value) {
            (Self::Is(patterns), value) => patterns.test(value, effort),
            (Self::Compared(side, limit), Value::Number(number)) => {
                limit.compare(number).map_or(Truth::Unknown, |order| side.holds(order).into())
            }
            (Self::All(_), Value::Array(items)) if items.is_empty() => Truth::Unknown,
            (Self::All(patterns), Value::Array(items)) => {
                every(items, effort, |item, effort| patterns.test(item, effort))
            }
            (Self::None(patterns), Value::Array(items)) => {
                every(items, effort, |item, effort| patterns.test(item, effort).not())
            }
            (Self::Any(patterns), Value::Array(items)) => {
                every(items, effort, |item, effort| patterns.test(item, effort).not()).not()
            }
            (Self::CountOver(limit), Value::Array(items)) => {
                u64::try_from(items.len()).map_or(Truth::Yes, |count| (count > *limit).into())
            }
            (Self::Matches(regexes), Value::String(text)) => {
                Truth::any(regexes.iter().map(|regex| regex.test(text, effort)))
            }
            (Self::Missing(_), Value::Null)
            | (
                Self::Compared(..)
                | Self::Any(_)
                | Self::All(_)
                | Self::None(_)
                | Self::CountOver(_)
                | Self::Matches(_),
                _,
            ) => Truth::Unknown,
            (Self::Missing(wanted), _) => (!wanted).into(),
        }
    }
}

/// Whether `test` holds of every item, as far as the effort reaches.
fn every(
    items: &[Value],
    effort: &mut Effort,
    mut test: impl FnMut(&Value, &mut Effort) -> Truth,
) -> Truth {
    let mut least = Truth::Yes;
    for item in items {
        if effort.is_spent() {
            return least.min(Truth::Unknown);
        }
        least = least.min(test(item, effort));
        if least == Truth::No {
            break;
        }
    }
    least
}

impl Side {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Over => order.is_gt(),
            Self::Under => order.is_lt(),
            Self::AtLeast => order.is_ge(),
            Self::AtMost => order.is_le(),
        }
    }
}
