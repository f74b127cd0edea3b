//! Why a verdict is what it is: which rules were looked at, on which values, and which won.

use sayso_core::Verdict;
use serde::Serialize;
use serde_json::Value;

use crate::axis::Axis;
use crate::call::Call;
use crate::condition::Condition;
use crate::effort::Effort;
use crate::judge;
use crate::policy::Policy;
use crate::rule::{Rule, Terms};
use crate::truth::Truth;

/// The longest value that is shown, in characters.
const LONGEST_SHOWN: usize = 60;

/// A verdict with its reasons.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// What is needed.
    pub verdict: Verdict,
    /// What the rules in shadow would make of it, if that is something else.
    pub with_shadow: Option<Verdict>,
    /// The rules that name the tool, in the order of the text.
    pub rules: Vec<Looked>,
    /// Whether the policy's defaults count among them, because no rule surely applies.
    pub defaults_count: bool,
    /// What won on each axis that matters, and whose word that was.
    pub won: Vec<Won>,
}

/// A rule that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Looked {
    /// Its name.
    pub rule: String,
    /// The line it starts on.
    pub line: usize,
    /// Whether it applies.
    pub applies: Answer,
    /// Whether it is in shadow, and so has no say.
    pub is_shadow: bool,
    /// What it looks at.
    pub conditions: Vec<Test>,
    /// What it makes an exception for: if all of these hold, it does not apply.
    pub unless: Vec<Test>,
    /// What it asks, as `key = value`.
    pub asks: Vec<(Axis, String)>,
}

/// A condition and what was found.
#[derive(Clone, Debug, Serialize)]
pub struct Test {
    /// As it is written.
    pub condition: String,
    /// What stands there, cut short; none if nothing does.
    pub found: Option<String>,
    /// Whether it holds.
    pub holds: Answer,
}

/// Whether something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// It can't be told, so it counts in whatever way is stricter.
    Unknown,
}

/// What won on an axis.
#[derive(Clone, Debug, Serialize)]
pub struct Won {
    /// Which.
    pub axis: Axis,
    /// What is asked.
    pub value: String,
    /// The rules that asked for it; none, if it is a default.
    pub by: Vec<String>,
}

impl From<Truth> for Answer {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::Yes => Self::Yes,
            Truth::No => Self::No,
            Truth::Unknown => Self::Unknown,
        }
    }
}

impl Policy {
    /// Judges a call, and tells why.
    pub fn explain(&self, call: &Call<'_>) -> Explanation {
        let enforced = || self.rules.iter().filter(|rule| !rule.is_shadow);
        let applying = judge::applying(enforced(), call);
        let verdict = judge::judge(self, &applying);
        let named = || self.rules.iter().filter(|rule| rule.names(call) != Truth::No);
        let effort = Effort::share_of(named().map(Rule::size).sum());
        let won = Axis::ALL.into_iter().filter(|axis| axis.matters_at(verdict.tier)).map(|axis| {
            let value = axis.of(&verdict);
            let asked = applying
                .iter()
                .filter(|(rule, _)| axis.of_terms(&rule.terms).is_some_and(|asked| asked == value));
            Won { axis, by: asked.map(|(rule, _)| rule.name.to_string()).collect(), value }
        });
        Explanation {
            with_shadow: self.judge_with_shadow(call).filter(|would_be| *would_be != verdict),
            rules: named().map(|rule| looked(rule, call, &effort)).collect(),
            defaults_count: !applying.iter().any(|(_, truth)| *truth == Truth::Yes),
            won: won.collect(),
            verdict,
        }
    }
}

fn looked(rule: &Rule, call: &Call<'_>, effort: &Effort) -> Looked {
    let tests = |conditions: &[Condition]| -> Vec<Test> {
        let test = |condition: &Condition| Test {
            condition: condition.written.to_string(),
            found: condition.value(call).map(short),
            holds: condition.test(call, effort).into(),
        };
        conditions.iter().map(test).collect()
    };
    Looked {
        rule: rule.name.to_string(),
        line: rule.line,
        applies: rule.names(call).min(rule.holds(call, effort)).into(),
        is_shadow: rule.is_shadow,
        conditions: tests(&rule.conditions),
        unless: tests(&rule.unless),
        asks: asks(&rule.terms),
    }
}

/// What a rule asks, where it has a say.
fn asks(terms: &Terms) -> Vec<(Axis, String)> {
    let at = |axis: &Axis| axis.matters_at(terms.tier);
    let axes = Axis::ALL.into_iter().filter(at);
    axes.filter_map(|axis| Some((axis, axis.of_terms(terms)?))).collect()
}

/// A value, cut short, without characters that could dress up as something else.
pub(crate) fn short(value: &Value) -> String {
    let text = value.to_string();
    let plain = text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' });
    let mut shown: String = plain.take(LONGEST_SHOWN).collect();
    if text.chars().nth(LONGEST_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
