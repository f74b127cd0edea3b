//! Why a verdict is what it is.

use sayso_policy::{Answer, Axis, Call};
use serde_json::json;

use crate::{action, agent, policy};

#[test]
fn each_rule_tells_what_it_found_and_each_axis_who_won() {
    let policy = policy(
        r#"
[[rule]]
name = "merges"
tool = "git_merge"
tier = "soft"

[[rule]]
name = "large"
tool = "git_*"
args.files = { over = 50 }
args.branch = "main"
unless = { args.branch = "tmp-*" }
tier = "hard"
quorum = 2

[[rule]]
tool = "other"
tier = "fyi"
        "#,
    );
    let agent = agent();
    let action = action("git_merge", json!({"files": "many", "branch": "main"}));
    let why = policy.explain(&Call::new(&action, &agent));
    assert_eq!(why.verdict, policy.judge(&Call::new(&action, &agent)));
    let [merges, large] = &why.rules[..] else { panic!("{:#?}", why.rules) };
    assert_eq!((merges.applies, merges.line), (Answer::Yes, 2));
    assert_eq!((large.applies, large.line), (Answer::Unknown, 7));
    let told = |index: usize| {
        let test = &large.conditions[index];
        (test.condition.as_str(), test.found.as_deref(), test.holds)
    };
    let found = [told(0), told(1)];
    assert!(found.contains(&("args.files = { over = 50 }", Some("\"many\""), Answer::Unknown)));
    assert!(found.contains(&("args.branch = \"main\"", Some("\"main\""), Answer::Yes)));
    assert_eq!(large.unless[0].holds, Answer::No);
    let won = |axis: Axis| {
        let won = why.won.iter().find(|won| won.axis == axis).unwrap();
        (won.value.clone(), won.by.clone())
    };
    assert_eq!(won(Axis::Tier), ("hard".into(), vec!["large".into()]));
    assert_eq!(won(Axis::Quorum), ("2".into(), vec!["large".into()]));
    assert_eq!(won(Axis::Assurance), ("session".into(), vec!["merges".into(), "large".into()]));
    assert!(!why.defaults_count);
}

#[test]
fn what_no_rule_is_for_is_the_defaults() {
    let policy = policy("[[rule]]\ntool = 'x'\ntier = 1");
    let (agent, action) = (agent(), action("y", json!({})));
    let why = policy.explain(&Call::new(&action, &agent));
    assert!(why.rules.is_empty() && why.defaults_count);
    assert!(why.won.iter().all(|won| won.by.is_empty()));
}

#[test]
fn hostile_values_are_shown_plain_and_short() {
    let policy = policy("[[rule]]\ntool = 'x'\nargs.a = 'b'\ntier = 1");
    let agent = agent();
    let action = action("x", json!({"a": format!("\u{202e}\n{}", "x".repeat(100_000))}));
    let why = policy.explain(&Call::new(&action, &agent));
    let found = why.rules[0].conditions[0].found.as_deref().unwrap();
    assert!(found.chars().count() <= 61 && found.starts_with("\"?\\nxx"), "{found}");
}
