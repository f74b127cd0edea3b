//! Calls at which policies may differ: every combination of the values that their rules tell apart.
//!
//! A rule tells values apart at its own literals: a number, one less and one more, a text that is
//! in a list and one that is not. So trying those finds every difference between policies that
//! compare with literals. Where patterns overlap on one value, or there are too many combinations,
//! it may not, and that is said.

use std::collections::{BTreeMap, BTreeSet};

use sayso_core::{Action, AgentName, ToolName};
use serde_json::{Map, Value, json};

use crate::condition::{Condition, Root, Test};
use crate::effort::Effort;
use crate::glob::Glob;
use crate::number::Number;
use crate::pattern::Patterns;
use crate::policy::Policy;
use crate::regex::Regex;
use crate::rule::Rule;
use crate::truth::Truth;

/// A text, a tool and so on that no rule names.
const FRESH: &str = "something-else";
/// The most combinations of values for one tool; beyond, each is varied alone.
const MOST_FOR_ONE: usize = 20_000;
/// The longest list that is tried.
const LONGEST_LIST: u64 = 10_000;

/// A call, in full.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Witness {
    pub(crate) action: Action,
    pub(crate) agent: AgentName,
    pub(crate) server: Option<String>,
    pub(crate) context: Option<Value>,
}

/// Where a condition looks.
type Place = (Root, Vec<String>);

/// What stands in each place; none for nothing.
type Chosen<'v> = BTreeMap<&'v Place, &'v Option<Value>>;

/// What was left untried.
pub(crate) type Gaps = BTreeSet<String>;

/// Calls every `visit` with each call at which these policies may tell apart, until it says stop.
pub(crate) fn each(policies: &[&Policy], visit: &mut dyn FnMut(&Witness) -> bool) -> Gaps {
    let mut gaps = Gaps::new();
    let rules: Vec<&Rule> = policies
        .iter()
        .flat_map(|policy| policy.rules.iter().filter(|rule| !rule.is_shadow))
        .collect();
    let tools = names(rules.iter().map(|rule| &*rule.tools), "tools' names", &mut gaps);
    let agents = rules.iter().filter_map(|rule| rule.agents.as_deref());
    let agents = names(agents, "agents' names", &mut gaps);
    let servers = rules.iter().filter_map(|rule| rule.servers.as_deref());
    let mut servers: Vec<Option<String>> =
        names(servers, "servers' names", &mut gaps).into_iter().map(Some).collect();
    servers.push(None);
    for tool in &tools {
        let Ok(tool) = ToolName::new(tool) else { continue };
        let concerned: Vec<&Rule> =
            rules.iter().copied().filter(|rule| one(&rule.tools, tool.as_str())).collect();
        let named =
            |pick: fn(&Rule) -> Option<&[Glob]>| concerned.iter().any(|rule| pick(rule).is_some());
        let of_agents = named(|rule| rule.agents.as_deref());
        let of_servers = named(|rule| rule.servers.as_deref());
        let values = Values::of(&concerned, &mut gaps);
        if values.count() > MOST_FOR_ONE {
            gaps.insert(format!("too many combinations of arguments for {tool}"));
        }
        for agent in agents.iter().rev().take(if of_agents { agents.len() } else { 1 }) {
            let Ok(agent) = AgentName::new(agent) else { continue };
            for server in servers.iter().rev().take(if of_servers { servers.len() } else { 1 }) {
                let goes_on = values.each(&concerned, &mut |chosen| {
                    let witness = build(&tool, &agent, server.as_ref(), chosen);
                    witness.is_none_or(|witness| visit(&witness))
                });
                if !goes_on {
                    return gaps;
                }
            }
        }
    }
    gaps
}

fn one(globs: &[Glob], name: &str) -> bool {
    globs.iter().any(|glob| glob.test(name, &mut Effort::for_name()) != Truth::No)
}

/// Names that these globs tell apart; the last one is fresh.
fn names<'a>(globs: impl Iterator<Item = &'a [Glob]>, what: &str, gaps: &mut Gaps) -> Vec<String> {
    let globs: Vec<&Glob> = globs.flatten().collect();
    let mut names: BTreeSet<String> = texts(&globs, what, gaps).into_iter().collect();
    names.remove(FRESH);
    names.into_iter().chain([FRESH.to_owned()]).collect()
}

/// Texts that these globs tell apart.
fn texts(globs: &[&Glob], what: &str, gaps: &mut Gaps) -> Vec<String> {
    let wild: BTreeSet<String> =
        globs.iter().filter(|glob| glob.is_wild()).flat_map(|glob| glob.samples(&["*"])).collect();
    if wild.iter().filter(|sample| *sample != "*").count() > 1 {
        gaps.insert(format!("patterns that may overlap on {what}"));
    }
    let plain = globs.iter().flat_map(|glob| glob.samples(&["", "x"]));
    let plain: BTreeSet<String> = plain.collect();
    let mut all = plain.clone();
    // One pattern within another finds most of what two of them match.
    if plain.len() <= 64 {
        let fills: Vec<&str> = plain.iter().map(String::as_str).collect();
        all.extend(
            globs.iter().filter(|glob| glob.is_wild()).flat_map(|glob| glob.samples(&fills)),
        );
    }
    all.into_iter().collect()
}

/// What may stand in each place; none for nothing.
struct Values(BTreeMap<Place, Vec<Option<Value>>>);

impl Values {
    fn of(rules: &[&Rule], gaps: &mut Gaps) -> Self {
        let mut tests: BTreeMap<Place, Vec<&Test>> = BTreeMap::new();
        for rule in rules {
            for condition in rule.conditions.iter().chain(&rule.unless) {
                tests.entry(place(condition)).or_default().extend(condition.tests.iter());
            }
        }
        let values = |(place, tests): (Place, Vec<&Test>)| {
            let found = candidates(&tests, &words(&place), gaps);
            (place, found)
        };
        Self(tests.into_iter().map(values).collect())
    }

    fn count(&self) -> usize {
        self.0.values().fold(1, |product, values| product.saturating_mul(values.len()))
    }

    /// Visits combinations until told to stop; false if it was.
    fn each(&self, rules: &[&Rule], visit: &mut dyn FnMut(&Chosen<'_>) -> bool) -> bool {
        let places: Vec<(&Place, &Vec<Option<Value>>)> = self.0.iter().collect();
        if self.count() <= MOST_FOR_ONE {
            return product(&places, &mut BTreeMap::new(), visit);
        }
        // Around what satisfies each rule, and around nothing at all, one value at a time.
        let nothing = places.iter().map(|(place, _)| (*place, &None)).collect::<Chosen<'_>>();
        let bases = rules.iter().map(|rule| self.satisfying(rule, &nothing));
        for base in std::iter::once(nothing.clone()).chain(bases) {
            for (place, values) in &places {
                for value in *values {
                    let mut chosen = base.clone();
                    chosen.insert(place, value);
                    if !visit(&chosen) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Values with which all conditions of a rule hold, as far as they can be found one by one.
    fn satisfying<'v>(&'v self, rule: &Rule, base: &Chosen<'v>) -> Chosen<'v> {
        let mut chosen = base.clone();
        for condition in &rule.conditions {
            let Some((place, values)) = self.0.get_key_value(&place(condition)) else { continue };
            let holds = |value: &&Option<Value>| {
                condition.holds_of(value.as_ref(), &Effort::share_of(1)) == Truth::Yes
            };
            if let Some(value) = values.iter().find(holds) {
                chosen.insert(place, value);
            }
        }
        chosen
    }
}

fn place(condition: &Condition) -> Place {
    (condition.root, condition.path.iter().map(ToString::to_string).collect())
}

fn words((root, path): &Place) -> String {
    let root = match root {
        Root::Args => "args",
        Root::Resource => "resource",
        Root::Context => "context",
    };
    std::iter::once(root).chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(".")
}

fn product<'v>(
    places: &[(&'v Place, &'v Vec<Option<Value>>)],
    chosen: &mut Chosen<'v>,
    visit: &mut dyn FnMut(&Chosen<'_>) -> bool,
) -> bool {
    let Some(((place, values), rest)) = places.split_first() else { return visit(chosen) };
    for value in *values {
        chosen.insert(place, value);
        if !product(rest, chosen, visit) {
            return false;
        }
    }
    true
}

/// Values that these tests tell apart, among them nothing and one of another type.
fn candidates(tests: &[&Test], place: &str, gaps: &mut Gaps) -> Vec<Option<Value>> {
    let mut found: Vec<Option<Value>> = vec![None, Some(json!(FRESH)), Some(json!({}))];
    let mut put = |value: Value| {
        let value = Some(value);
        if !found.contains(&value) {
            found.push(value);
        }
    };
    let (mut scalars, mut elements, mut regexes) = (Vec::new(), Vec::new(), 0);
    let mut lengths = BTreeSet::new();
    for test in tests {
        match test {
            Test::Is(patterns) => scalars.push(patterns),
            Test::Compared(_, limit) => around(*limit).into_iter().for_each(&mut put),
            Test::Any(patterns) | Test::All(patterns) | Test::None(patterns) => {
                elements.push(patterns);
            }
            Test::CountOver(count) => {
                lengths.extend([*count, count.saturating_add(1)]);
            }
            Test::Matches(list) => {
                regexes += list.len();
                list.iter().filter_map(Regex::sample).for_each(|text| put(text.into()));
            }
            Test::Missing(_) => put(Value::Null),
        }
    }
    let wild = scalars.iter().chain(&elements).flat_map(|patterns| &patterns.texts);
    if regexes > 1 || (regexes == 1 && wild.clone().next().is_some()) {
        gaps.insert(format!("patterns that may overlap on {place}"));
    }
    values_of(&scalars, place, gaps).into_iter().for_each(&mut put);
    let inside = values_of(&elements, place, gaps);
    if !inside.is_empty() {
        put(json!([]));
        put(json!([FRESH]));
        put(Value::Array(inside.clone()));
        for value in inside {
            put(json!([value, FRESH]));
            put(json!([value]));
        }
    }
    for length in lengths {
        if length > LONGEST_LIST {
            gaps.insert(format!("lists longer than {LONGEST_LIST} on {place}"));
            continue;
        }
        let length = usize::try_from(length).unwrap_or_default();
        put(Value::Array(vec![json!(FRESH); length]));
    }
    found
}

/// Values that these patterns tell apart.
fn values_of(patterns: &[&Patterns], place: &str, gaps: &mut Gaps) -> Vec<Value> {
    let globs: Vec<&Glob> = patterns.iter().flat_map(|patterns| &patterns.texts).collect();
    let mut values: Vec<Value> = texts(&globs, place, gaps).into_iter().map(Value::from).collect();
    let numbers = patterns.iter().flat_map(|patterns| &patterns.numbers);
    values.extend(numbers.flat_map(|number| around(*number)));
    if patterns.iter().any(|patterns| !patterns.flags.is_empty()) {
        values.extend([json!(true), json!(false)]);
    }
    values
}

/// A number, one less and one more.
fn around(number: Number) -> Vec<Value> {
    match number {
        Number::Whole(whole) => [whole.saturating_sub(1), whole, whole.saturating_add(1)]
            .into_iter()
            .map(Value::from)
            .collect(),
        Number::Fraction(number) => {
            [number - 1.0, number, number + 1.0].into_iter().map(Value::from).collect()
        }
    }
}

/// The call with these values; none, if they can't stand beside each other.
fn build(
    tool: &ToolName,
    agent: &AgentName,
    server: Option<&String>,
    chosen: &Chosen<'_>,
) -> Option<Witness> {
    let (mut arguments, mut resource, mut context) = (json!({}), Value::Null, Value::Null);
    for ((root, path), value) in chosen {
        let Some(value) = value else { continue };
        let at = match root {
            Root::Args => &mut arguments,
            Root::Resource => &mut resource,
            Root::Context => &mut context,
        };
        put(at, path, value)?;
    }
    let Value::Object(arguments) = arguments else { return None };
    let some = |value: Value| (!value.is_null()).then_some(value);
    let action =
        Action { tool: tool.clone(), arguments, resource: some(resource), precondition: None };
    let (agent, server) = (agent.clone(), server.cloned());
    Some(Witness { action, agent, server, context: some(context) })
}

fn put(at: &mut Value, path: &[String], value: &Value) -> Option<()> {
    let Some((first, rest)) = path.split_first() else {
        // What stands there already is about a member of it.
        if !at.is_null() {
            return None;
        }
        *at = value.clone();
        return Some(());
    };
    if at.is_null() {
        *at = Value::Object(Map::new());
    }
    put(at.as_object_mut()?.entry(first).or_insert(Value::Null), rest, value)
}
