//! The laws of judging, over random policies and actions.

use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sayso_core::{Tier, Verdict};
use sayso_policy::Policy;
use serde_json::{Value, json};

use crate::{action, agent, call, policy};

const TOOLS: &[&str] = &["t", "u", "tu"];
const GLOBS: &[&str] = &["'*'", "'t*'", "['t', 'u']", "'[tv]'"];
const MEMBERS: &[&str] = &["a", "b", "c"];
const TESTS: &[&str] = &[
    "true",
    "'x*'",
    "[1, 'y']",
    "{ over = 3 }",
    "{ at_most = 3.5 }",
    "{ any = ['x*', 1] }",
    "{ all = 'x*' }",
    "{ none = ['x', 2] }",
    "{ count_over = 1 }",
    "{ matches = '^x' }",
    "{ missing = true }",
    "{ missing = false }",
    "{ a = 'x' }",
];

/// Whether a verdict asks at least as much as another, on every axis. How silence counts is
/// compared where both count silence: a notice waits for nobody, and hard for no silence.
fn at_least_as_strict(verdict: &Verdict, other: &Verdict) -> bool {
    let both_soft = verdict.tier == Tier::Soft && other.tier == Tier::Soft;
    verdict.tier >= other.tier
        && verdict.quorum.covers(&other.quorum)
        && verdict.self_approval >= other.self_approval
        && (verdict.tier == Tier::Fyi
            || other.tier == Tier::Fyi
            || verdict.assurance >= other.assurance && verdict.permit_lasts <= other.permit_lasts)
        && (!both_soft
            || verdict.window >= other.window
                && verdict.unheard_after <= other.unheard_after
                && verdict.silent_limit.stricter(other.silent_limit) == verdict.silent_limit)
}

/// All of a verdict that may not depend on the order of rules.
fn demands(verdict: Verdict) -> Value {
    let mut demands = serde_json::to_value(verdict).expect("a verdict is JSON");
    demands["rule"].take();
    demands["policy"].take();
    demands
}

fn terms() -> impl Strategy<Value = String> {
    (
        1..=3_u8,
        option::of(1..=90_u32),
        option::of(1..=90_u32),
        option::of(select(vec![
            "1",
            "2",
            "3",
            "{ leads = 1 }",
            "{ ops = 2 }",
            "{ people = 3, leads = 1, ops = 1 }",
        ])),
        option::of(select(vec!["none", "0/h", "0/d", "60/h", "1/m", "2/m", "90/d"])),
        option::of(select(vec!["leads", "finance"])),
        option::of(select(vec!["channel", "session", "signed"])),
        (option::of(10..=900_u32), option::of(select(vec!["allowed", "never"]))),
    )
        .prop_map(|(tier, window, unheard, quorum, limit, route, assurance, (lasts, own))| {
            let mut text = format!("tier = {tier}");
            let mut set = |key: &str, value: Option<String>| {
                if let Some(value) = value {
                    text.extend([", ", key, " = ", &value]);
                }
            };
            set("window", window.map(|secs| secs.to_string()));
            set("unheard_after", unheard.map(|secs| secs.to_string()));
            set("quorum", quorum.map(ToOwned::to_owned));
            set("self_approval", own.map(|own| format!("'{own}'")));
            set("silent_limit", limit.map(|limit| format!("'{limit}'")));
            set("route", route.map(|route| format!("'{route}'")));
            set("assurance", assurance.map(|assurance| format!("'{assurance}'")));
            set("permit_lasts", lasts.map(|secs| secs.to_string()));
            text
        })
}

fn conditions(roots: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let condition = (select(roots), select(TESTS));
    hash_map(select(MEMBERS), condition, 0..3).prop_map(|conditions| {
        let text = |(member, (root, test))| format!("{root}.{member} = {test}");
        conditions.into_iter().map(text).collect()
    })
}

/// One rule, as an inline table.
pub(crate) fn rule() -> impl Strategy<Value = String> {
    let unless = conditions(&["args", "resource"]);
    (select(GLOBS), conditions(&["args", "resource", "context"]), unless, terms()).prop_map(
        |(tool, conditions, unless, terms)| {
            let mut parts = vec![format!("tool = {tool}"), terms];
            parts.extend(conditions);
            if !unless.is_empty() {
                parts.push(format!("unless = {{ {} }}", unless.join(", ")));
            }
            format!("{{ {} }}", parts.join(", "))
        },
    )
}

pub(crate) fn text(default_tier: u8, rules: &[String]) -> String {
    format!("default_tier = {default_tier}\nrule = [\n{}\n]", rules.join(",\n"))
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5..5_i64).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec!["x", "xx", "y", "3", ""]).prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let member = prop_oneof![select(MEMBERS).prop_map(str::to_owned), ".*"];
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            hash_map(member, inner, 0..5).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    hash_map(select(MEMBERS), json_value(), 0..4).prop_map(|members| {
        members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    })
}

/// A tool, its arguments, a resource and a context.
pub(crate) fn calls() -> impl Strategy<Value = (sayso_core::Action, Option<Value>)> {
    (select(TOOLS), object(), option::of(json_value()), option::of(object())).prop_map(
        |(tool, arguments, resource, context)| {
            (sayso_core::Action { resource, ..action(tool, arguments) }, context)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_order_of_rules_never_matters(
        default in 1..=3_u8,
        (rules, shuffled) in vec(rule(), 0..6).prop_flat_map(|rules| {
            (Just(rules.clone()), Just(rules).prop_shuffle())
        }),
        (action, context) in calls(),
    ) {
        let [verdict, other] = [rules, shuffled].map(|rules| {
            policy(&text(default, &rules)).judge(&call(&action, &agent(), context.as_ref()))
        });
        prop_assert_eq!(demands(verdict), demands(other));
    }

    #[test]
    fn where_a_rule_surely_applies_another_never_weakens_it(
        default in 1..=3_u8,
        sure in terms(),
        mut rules in vec(rule(), 0..4),
        added in rule(),
        (action, context) in calls(),
    ) {
        rules.push(format!("{{ tool = '*', {sure} }}"));
        let before = policy(&text(default, &rules)).judge(&call(&action, &agent(), context.as_ref()));
        rules.push(added);
        let after = policy(&text(default, &rules)).judge(&call(&action, &agent(), context.as_ref()));
        prop_assert!(at_least_as_strict(&after, &before), "{after:?}\n{before:?}");
    }

    #[test]
    fn where_no_rule_applies_the_default_holds(
        default in 1..=3_u8,
        rules in vec(terms(), 0..4),
        (action, context) in calls(),
    ) {
        let rules: Vec<_> =
            rules.iter().map(|terms| format!("{{ tool = 'other', {terms} }}")).collect();
        let policy = policy(&text(default, &rules));
        let verdict = policy.judge(&call(&action, &agent(), context.as_ref()));
        prop_assert_eq!(verdict.tier, default.to_string().parse().unwrap());
        prop_assert_eq!(&verdict, &policy.question(verdict.tier));
    }

    #[test]
    fn the_unknown_is_never_looser_than_what_it_turns_out_to_be(
        default in 1..=3_u8,
        rules in vec((option::of(select(MEMBERS)), option::of(select(MEMBERS)), terms()), 0..5),
        facts in vec((any::<bool>(), any::<bool>()), MEMBERS.len()),
    ) {
        let rules: Vec<_> = rules
            .into_iter()
            .map(|(condition, unless, terms)| {
                let condition = condition.map(|member| format!(", args.{member} = true"));
                let unless = unless.map(|member| format!(", unless = {{ args.{member} = true }}"));
                let (condition, unless) = (condition.unwrap_or_default(), unless.unwrap_or_default());
                format!("{{ tool = 't', {terms}{condition}{unless} }}")
            })
            .collect();
        let policy = policy(&text(default, &rules));
        let (mut veiled, mut plain) = (json!({}), json!({}));
        for (member, (fact, known)) in MEMBERS.iter().zip(facts) {
            plain[member] = fact.into();
            veiled[member] = if known { fact.into() } else { "can't be told".into() };
        }
        let veiled = policy.judge(&call(&action("t", veiled), &agent(), None));
        let plain = policy.judge(&call(&action("t", plain), &agent(), None));
        prop_assert!(at_least_as_strict(&veiled, &plain), "{veiled:?}\n{plain:?}");
    }

    #[test]
    fn what_the_model_says_never_makes_a_verdict_looser(
        default in 1..=3_u8,
        rules in vec(rule(), 0..6),
        (action, context) in calls(),
    ) {
        let policy = policy(&text(default, &rules));
        let silent = policy.judge(&call(&action, &agent(), None));
        let told = policy.judge(&call(&action, &agent(), context.as_ref()));
        prop_assert!(at_least_as_strict(&told, &silent), "{told:?}\n{silent:?}");
    }

    #[test]
    fn the_rule_named_is_one_that_asked_for_the_tier(
        default in 1..=3_u8,
        tiers in vec(1..=3_u8, 0..5),
        (action, context) in calls(),
    ) {
        let rules: Vec<_> = tiers
            .iter()
            .enumerate()
            .map(|(index, tier)| format!("{{ tool = '*', tier = {tier}, name = '{index}' }}"))
            .collect();
        let verdict = policy(&text(default, &rules)).judge(&call(&action, &agent(), context.as_ref()));
        let first = tiers.iter().position(|tier| Some(tier) == tiers.iter().max());
        prop_assert_eq!(verdict.rule.map(|rule| rule.to_string()), first.map(|index| index.to_string()));
    }

    #[test]
    fn reading_a_policy_never_panics(garbage in ".*", rules in vec(rule(), 1..3), at in any::<prop::sample::Index>()) {
        let _ = Policy::parse(&garbage);
        let mut text = text(1, &rules);
        let at = at.index(text.len());
        text.insert_str(at, &garbage);
        if let Err(error) = Policy::parse(&text) {
            prop_assert!(!error.problems().is_empty());
        }
    }
}
