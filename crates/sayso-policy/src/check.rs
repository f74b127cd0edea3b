//! What is odd about a policy that can be read: rules that never fire or change nothing, windows
//! that nobody can meet, arguments that no tool has.

use std::collections::BTreeSet;

use sayso_core::Tier;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::axis::Axis;
use crate::condition::{Condition, Root, Test};
use crate::effort::Effort;
use crate::glob::Glob;
use crate::pace::Pace;
use crate::pattern::Patterns;
use crate::policy::Policy;
use crate::rule::Rule;
use crate::suggest::closest;
use crate::tools::{Declared, Tool, declared};
use crate::truth::Truth;
use crate::witness;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It can't do what it was written for.
    Error,
    /// It may not.
    Warning,
}

/// Something odd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The line of the rule, from 1.
    pub line: usize,
    /// The rule.
    pub rule: String,
    /// What is odd.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

/// What is known besides the policy.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    /// The tools there are; none, if that is not known.
    pub tools: Option<&'a [Tool]>,
    /// How long people take until they have looked.
    pub pace: Pace,
}

impl Policy {
    /// Looks for what is odd, in the order of the text.
    pub fn check(&self, known: &Known<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let firing = self.firing();
        for (index, rule) in self.rules.iter().enumerate() {
            let mut find = |severity, message: String, mend: String| {
                let (line, rule) = (rule.line, rule.name.to_string());
                findings.push(Finding { severity, line, rule, message, mend });
            };
            let mut warn = |message: String, mend: &str| {
                find(Severity::Warning, message, mend.to_owned());
            };
            if !rule.is_shadow && !firing.contains(rule.name.as_str()) {
                let mend = "look at what its conditions and its exception leave together";
                warn("never applies: no call was found that it is for".into(), mend);
            } else if let Some(other) = self.makes_needless(index) {
                let message = format!(
                    "changes nothing: {} (line {}) asks for as much wherever it applies",
                    other.name, other.line
                );
                warn(message, "take it out, or ask for more");
            }
            if let Some(condition) = rule.conditions.iter().find(|it| it.root == Root::Context)
                && rule.terms.tier == Tier::Fyi
            {
                let message = format!(
                    "`{}` is the model's own word, which makes nothing looser",
                    condition.written
                );
                warn(message, "decide by args or resource, or ask for more in this rule");
            }
            if rule.terms.tier == Tier::Soft
                && let Some(window) = rule.terms.window
                && let (takes, how) = known.pace.over(&rule.tools)
                && window < takes
            {
                let message = format!("a window of {window} is shorter than people take {how}");
                warn(message, "lengthen it, or it is consent by inattention");
            }
            if let Some(tools) = known.tools {
                against(rule, tools, &mut find);
            }
        }
        findings
    }

    /// The rules that may apply to some call.
    fn firing(&self) -> BTreeSet<&str> {
        let mut firing = BTreeSet::new();
        let enforced = self.rules.iter().filter(|rule| !rule.is_shadow).count();
        witness::each(&[self], &mut |witness| {
            let rules = self.rules.iter().filter(|rule| !rule.is_shadow);
            let applying = crate::judge::applying(rules, &witness.call());
            // Where the model's word counts, more than "perhaps" is not to be had.
            let fires = |rule: &Rule, truth: Truth| truth == Truth::Yes || rule.hears_the_model();
            let applying = applying.iter().filter(|(rule, truth)| fires(rule, *truth));
            firing.extend(applying.map(|(rule, _)| rule.name.as_str()));
            firing.len() < enforced
        });
        firing
    }

    /// Another rule that applies whenever this one does and asks for as much on every axis.
    fn makes_needless(&self, index: usize) -> Option<&Rule> {
        let rule = &self.rules[index];
        self.rules.iter().enumerate().find_map(|(other_index, other)| {
            let covers = other_index != index
                && !other.is_shadow
                && other.conditions.is_empty()
                && other.unless.is_empty()
                && covers(&other.tools, &rule.tools)
                && covers_some(other.agents.as_deref(), rule.agents.as_deref())
                && covers_some(other.servers.as_deref(), rule.servers.as_deref())
                && asks_as_much(other, rule);
            // Of two alike, the later one is needless.
            let alike = covers && asks_as_much(rule, other) && covers_both(rule, other);
            (covers && (!alike || other_index < index)).then_some(other)
        })
    }
}

fn covers_both(rule: &Rule, other: &Rule) -> bool {
    rule.conditions.is_empty() && rule.unless.is_empty() && covers(&rule.tools, &other.tools)
}

/// Whether what is matched by one of these is matched by one of those, as far as is plain to see.
fn covers(globs: &[Glob], others: &[Glob]) -> bool {
    let texts: Vec<String> = others.iter().flat_map(|other| other.samples(&["*"])).collect();
    let matched = |text: &String| {
        globs.iter().any(|glob| glob.test(text, &mut Effort::for_name()) == Truth::Yes)
    };
    texts.iter().all(matched)
}

fn covers_some(globs: Option<&[Glob]>, others: Option<&[Glob]>) -> bool {
    match (globs, others) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(globs), Some(others)) => covers(globs, others),
    }
}

/// Whether one rule asks for at least as much as another, on every axis on which that has a say.
fn asks_as_much(one: &Rule, other: &Rule) -> bool {
    let (mine, theirs) = (one.terms.alone(), other.terms.alone());
    let silent = |axis: Axis| axis.of_terms(&other.terms).is_none();
    let same_route = other.terms.route.is_none() || one.terms.route == other.terms.route;
    let at_least = |axis: &Axis| {
        silent(*axis)
            || *axis == Axis::Route
            || (axis.of_terms(&one.terms).is_some() && axis.strictness(&mine, &theirs).is_ge())
    };
    same_route && Axis::ALL.iter().all(at_least)
}

/// Holds a rule against the tools there are.
fn against(rule: &Rule, tools: &[Tool], find: &mut impl FnMut(Severity, String, String)) {
    let named: Vec<&Tool> = tools.iter().filter(|tool| is_for(rule, tool)).collect();
    if named.is_empty() {
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
        let samples = rule.tools.iter().flat_map(|glob| glob.samples(&[""]));
        let meant = { samples }.find_map(|sample| closest(&sample, &names).map(str::to_owned));
        let mend = match meant {
            Some(meant) => format!("did you mean {meant:?}?"),
            None => "see how your servers call them, with `sayso policy draft`".into(),
        };
        find(Severity::Warning, "names no tool that there is".into(), mend);
        return;
    }
    for condition in rule.conditions.iter().chain(&rule.unless) {
        if condition.root == Root::Args {
            arguments(condition, &named, find);
        }
    }
}

fn is_for(rule: &Rule, tool: &Tool) -> bool {
    let matches = |globs: &[Glob], name: &str| {
        globs.iter().any(|glob| glob.test(name, &mut Effort::for_name()) != Truth::No)
    };
    matches(&rule.tools, &tool.name)
        && match (&rule.servers, &tool.server) {
            (Some(servers), Some(server)) => matches(servers, server),
            _ => true,
        }
}

/// Holds a condition against the tools it is for: one of them must have what it looks at.
fn arguments(
    condition: &Condition,
    tools: &[&Tool],
    find: &mut impl FnMut(Severity, String, String),
) {
    let written = &condition.written;
    let found = tools.iter().map(|tool| (tool, declared(&tool.input_schema, &condition.path)));
    let mut missing = Vec::new();
    for (tool, declared) in found {
        match declared {
            Declared::Open => return,
            Declared::No(names) => missing.push((tool, names)),
            Declared::Yes(schema) => {
                let Some(wrong) = condition.tests.iter().find_map(|test| never(test, schema))
                else {
                    return;
                };
                let message = format!("`{written}` never holds for {}: {wrong}", tool.name);
                find(Severity::Error, message, "compare it with what the tool takes".into());
                return;
            }
        }
    }
    let Some((tool, names)) = missing.first() else { return };
    let last = condition.path.last().map(|key| &**key).unwrap_or_default();
    let mend = match closest(last, names) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => format!("it takes {}", names.join(", ")),
    };
    find(Severity::Error, format!("`{written}`: {} takes no such argument", tool.name), mend);
}

/// Why a test can't come out as it is meant for a value of that schema, if it can't.
fn never(test: &Test, schema: &Map<String, Value>) -> Option<String> {
    let types: Vec<&str> = match schema.get("type")? {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let is = |wanted: &[&str]| types.iter().any(|word| wanted.contains(word));
    let wants = |wanted: &[&str], what: &str| {
        (!is(wanted)).then(|| format!("that is {what}, and it is a {}", types.join(" or ")))
    };
    match test {
        Test::Compared(..) => wants(&["number", "integer"], "for numbers"),
        Test::Matches(_) => wants(&["string"], "for texts"),
        Test::Any(_) | Test::All(_) | Test::None(_) | Test::CountOver(_) => {
            wants(&["array"], "for lists")
        }
        Test::Is(patterns) => not_one_of(patterns, schema, &types),
        Test::Missing(_) => None,
    }
}

fn not_one_of(patterns: &Patterns, schema: &Map<String, Value>, types: &[&str]) -> Option<String> {
    let fits = |word: &&str| match *word {
        "string" => !patterns.texts.is_empty(),
        "number" | "integer" => !patterns.numbers.is_empty(),
        "boolean" => !patterns.flags.is_empty(),
        _ => false,
    };
    if !types.iter().any(fits) {
        return Some(format!("it is a {}", types.join(" or ")));
    }
    let Some(Value::Array(choices)) = schema.get("enum") else { return None };
    let matched =
        choices.iter().any(|choice| patterns.test(choice, &mut Effort::share_of(1)) != Truth::No);
    let choices = || choices.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    (!matched).then(|| format!("it is one of {}", choices()))
}
