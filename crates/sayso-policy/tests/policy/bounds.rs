//! Whatever an agent sends and an operator writes, the work is bounded.

use std::fmt::Write as _;

use sayso_core::Tier;
use sayso_policy::Policy;
use serde_json::{Value, json};

use crate::{call, judge, policy};

#[test]
fn what_is_too_much_to_look_at_is_unknown_and_falls_to_the_strict_side() {
    let policy = policy(
        r#"
        rule = [
            { tool = "list", args.x = { all = "tmp/*" }, tier = "fyi" },
            { tool = "text", args.x = "*fine*", tier = "fyi" },
            { tool = "text", args.x = "ok*", tier = "fyi" },
        ]
        "#,
    );
    let list = |count: usize| json!({ "x": vec!["tmp/a"; count] });
    assert_eq!(judge(&policy, "list", list(10_000)).tier, Tier::Fyi);
    assert_eq!(judge(&policy, "list", list(10_001)).tier, Tier::Hard);
    let text = |start: &str| json!({ "x": format!("{start}{}fine", "-".repeat(1 << 20)) });
    assert_eq!(judge(&policy, "text", text("")).tier, Tier::Hard);
    assert_eq!(judge(&policy, "text", text("ok")).tier, Tier::Fyi, "its start decides it");
}

#[test]
fn a_hostile_action_is_judged_at_once_by_a_hundred_rules() {
    let mut text = String::new();
    for index in 0..100 {
        let condition = match index % 4 {
            0 => "args.list = { any = ['x*', '*y', '*z*'] }",
            1 => "args.text = '*a*aaaab*'",
            2 => "args.list = { none = ['b*'] }",
            _ => "args.deep.d.d.d.d.d.d.d.d = 'x'",
        };
        writeln!(text, "[[rule]]\ntool = 't*'\n{condition}\ntier = 'soft'").unwrap();
    }
    let policy = policy(&text);
    let deep = (0..60).fold(json!("bottom"), |inner, _| json!({ "d": inner }));
    let arguments = json!({
        "list": vec!["element"; 100_000],
        "text": "a".repeat(1 << 20),
        "deep": deep,
    });
    let action = crate::action("tool", arguments);
    let agent = crate::agent();
    let started = std::time::Instant::now();
    for _ in 0..10 {
        assert_eq!(policy.judge(&call(&action, &agent, None)).tier, Tier::Hard);
    }
    // Generous, for a busy machine: two milliseconds each when optimised, seconds without bounds.
    let spent = started.elapsed() / 10;
    assert!(spent.as_millis() < 500, "{spent:?}");
}

#[test]
fn a_policy_has_bounds_of_its_own() {
    let refused = |text: &str| Policy::parse(text).unwrap_err().to_string();
    let rules = |count: usize| "[[rule]]\ntool = 'a'\ntier = 1\n".repeat(count);
    assert!(Policy::parse(&rules(1_000)).is_ok());
    assert!(refused(&rules(1_001)).contains("at most 1000 rules; this one has 1001"));
    let large = format!("# {}", "x".repeat(1 << 20));
    assert!(refused(&large).contains("at most 1048576 bytes; this one has 1048578"));
    let braces = format!("'{}{}'", "x".repeat(200), "{a,b}".repeat(6));
    let globs = format!("rule = [{{ tool = [{}], tier = 1 }}]", vec![braces; 1_000].join(","));
    assert!(refused(&globs).contains("all globs together are too large"));
}

#[test]
fn deep_toml_is_refused_and_does_not_overflow() {
    let nested = format!("a = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Policy::parse(&nested).is_err());
    let dotted = format!("[[rule]]\ntool='t'\ntier=1\nargs{} = 1", ".a".repeat(100_000));
    assert!(Policy::parse(&dotted).is_err());
}

#[test]
fn numbers_of_any_size_are_judged() {
    let policy = policy("rule = [{ tool = 't', args.x = { under = 10 }, tier = 'fyi' }]");
    for (number, tier) in [
        ("-1e308", Tier::Fyi),
        ("9", Tier::Fyi),
        ("18446744073709551615", Tier::Hard),
        ("1e308", Tier::Hard),
    ] {
        let x: Value = serde_json::from_str(number).unwrap();
        assert_eq!(judge(&policy, "t", json!({ "x": x })).tier, tier, "{number}");
    }
}
