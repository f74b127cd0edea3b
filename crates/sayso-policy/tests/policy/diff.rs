//! What changes between policies: every way is found, and shown at a call where it is so.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sayso_policy::{Axis, Call, Change, Diff, Direction, Policy, diff};
use serde_json::{Value, json};

use crate::laws::{calls, rule, text};
use crate::{agent, policy};

fn between(old: &str, new: &str) -> Diff {
    diff(&policy(old), &policy(new))
}

fn told(change: &Change) -> (Direction, Axis, &str, &str, Value) {
    let arguments = Value::Object(change.action.arguments.clone());
    (change.direction, change.axis, &change.old, &change.new, arguments)
}

#[test]
fn a_limit_that_moved_is_shown_right_at_it() {
    let refunds = |limit: u8| {
        format!(
            "default_tier = 'fyi'\nrule = [{{ tool = 'refund', args.amount = {{ over = {limit} }}, tier = 'hard' }}]"
        )
    };
    let looser = between(&refunds(50), &refunds(60));
    assert!(looser.is_exhaustive() && looser.is_looser(), "{:?}", looser.gaps);
    let [only] = &looser.changes[..] else { panic!("{:#?}", looser.changes) };
    let expected = (Direction::Looser, Axis::Tier, "hard", "fyi", json!({"amount": 51}));
    assert_eq!(told(only), expected);
    assert_eq!((only.old_rule.as_deref(), only.new_rule.as_deref()), (Some("refund"), None));

    let stricter = between(&refunds(60), &refunds(50));
    assert!(!stricter.is_looser());
    assert_eq!(stricter.changes[0].direction, Direction::Stricter);
    assert!(between(&refunds(50), &refunds(50)).changes.is_empty());
}

#[test]
fn every_axis_is_compared() {
    let with = |terms: &str| format!("rule = [{{ tool = 't', tier = 'soft', {terms} }}]");
    for (old, new, axis) in [
        ("window = '15m'", "window = '10m'", Axis::Window),
        (
            "window = '1m', unheard_after = '5m'",
            "window = '1m', unheard_after = '6m'",
            Axis::UnheardAfter,
        ),
        ("silent_limit = '5/h'", "silent_limit = '6/h'", Axis::SilentLimit),
        ("quorum = 2", "quorum = 1", Axis::Quorum),
        ("assurance = 'session'", "assurance = 'channel'", Axis::Assurance),
        ("permit_lasts = '5m'", "permit_lasts = '6m'", Axis::PermitLasts),
    ] {
        let found = between(&with(old), &with(new));
        let looser: Vec<_> = found.changes.iter().filter(|it| it.axis == axis).collect();
        assert_eq!(looser.len(), 1, "{axis:?}: {:#?}", found.changes);
        assert_eq!(looser[0].direction, Direction::Looser, "{axis:?}");
    }
    let route = between(&with("route = 'a'"), &with("route = 'b'"));
    assert_eq!(told(&route.changes[0]), (Direction::Other, Axis::Route, "a", "b", json!({})));
    assert!(route.is_looser(), "others are asked");
}

#[test]
fn what_is_nested_listed_excepted_or_about_agents_and_servers_is_found() {
    let base = "default_tier = 'fyi'\n";
    for (old, new) in [
        ("args.user.country = ['US', 'DE']", "args.user.country = 'US'"),
        ("args.files = { count_over = 3 }", "args.files = { count_over = 4 }"),
        ("args.tags = { any = ['prod', 'live'] }", "args.tags = { any = 'prod' }"),
        ("args.cmd = { matches = '^rm' }", "args.cmd = { matches = '^rm -r' }"),
        ("unless = { args.b = 'x' }", "unless = { args.b = ['x', 'y'] }"),
        ("agent = ['a', 'b']", "agent = 'a'"),
        ("server = ['s', 't']", "server = 's'"),
        ("resource.env = 'prod-*'", "resource.env = 'prod-eu'"),
    ] {
        let with = |condition: &str| {
            format!("{base}rule = [{{ tool = 't', tier = 'hard', {condition} }}]")
        };
        let found = between(&with(old), &with(new));
        assert!(found.changes.iter().any(|it| it.direction == Direction::Looser), "{old} → {new}");
        assert!(!between(&with(new), &with(old)).is_looser(), "{new} → {old}");
    }
}

#[test]
fn it_says_what_it_could_not_try() {
    let overlapping =
        "rule = [{ tool = 'aws_*', tier = 'fyi' }, { tool = '*_delete', tier = 'hard' }]";
    let found = between(overlapping, "rule = [{ tool = 'aws_*', tier = 'fyi' }]");
    assert_eq!(found.gaps, ["patterns that may overlap on tools' names"]);
    assert!(found.is_looser(), "found all the same: {:#?}", found.changes);

    let many: Vec<String> = (0..12).map(|n| format!("args.a{n} = {{ over = {n} }}")).collect();
    let many = format!("rule = [{{ tool = 't', tier = 'fyi', {} }}]", many.join(", "));
    let found = between(&many, &many.replace("over = 7", "over = 8"));
    assert_eq!(found.gaps, ["too many combinations of arguments for t"]);
    assert_eq!(found.changes[0].action.arguments["a7"], 8, "{:#?}", found.changes);
}

#[test]
fn the_largest_policies_are_compared_in_bounded_time() {
    let rule = |n: usize| {
        format!(
            "[[rule]]\ntool = 't{n}*'\nargs.x = ['a{n}', 'b*']\nargs.n = {{ over = {n} }}\n\
             tier = 'soft'\n"
        )
    };
    let rules: Vec<String> = (0..300).map(rule).collect();
    let rules = rules.concat();
    let found = between(&rules, &rules.replace("over = 17 ", "over = 18 "));
    assert!(
        found
            .changes
            .iter()
            .any(|it| it.direction == Direction::Looser || it.direction == Direction::Stricter)
    );
}

fn verdicts(
    old: &Policy,
    new: &Policy,
    action: &sayso_core::Action,
    context: Option<&Value>,
) -> Vec<Direction> {
    let agent = agent();
    let call = Call { context, ..Call::new(action, &agent) };
    let (before, after) = (old.judge(&call), new.judge(&call));
    Axis::ALL.iter().filter_map(|axis| axis.change(&before, &after)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_change_is_real_and_where_it_is_exhaustive_none_is_missing(
        default in 1..=3_u8,
        rules in vec(rule(), 0..4),
        change in (0..4_usize, option::of(rule())),
        calls in vec(calls(), 20),
    ) {
        let mut changed = rules.clone();
        let (at, rule) = change;
        match (at < changed.len(), rule) {
            (true, Some(rule)) => changed[at] = rule,
            (true, None) => { changed.remove(at); }
            (false, rule) => changed.extend(rule),
        }
        let (old, new) = (policy(&text(default, &rules)), policy(&text(default, &changed)));
        let found = diff(&old, &new);
        for change in &found.changes {
            let Change { action, agent, server, context, .. } = change;
            let (server, context) = (server.as_deref(), context.as_ref());
            let call = Call { action, agent, server, context };
            let seen = change.axis.change(&old.judge(&call), &new.judge(&call));
            prop_assert_eq!(seen, Some(change.direction));
        }
        if found.is_exhaustive() {
            for (action, context) in &calls {
                for direction in verdicts(&old, &new, action, context.as_ref()) {
                    prop_assert!(
                        found.changes.iter().any(|change| change.direction == direction),
                        "{action:?} {direction:?} {found:#?}"
                    );
                }
            }
        }
    }
}
