//! What each condition says of what it finds, and which way the unknown falls.

use sayso_core::Tier;
use serde_json::{Value, json};

use crate::{action, agent, call, judge, policy};

/// What a condition says, told apart by how two rules with it come out: a strict one over a loose
/// base applies unless the answer is no; a loose one over a strict default only if it is yes.
fn answer(condition: &str, arguments: &Value) -> &'static str {
    let strict = policy(&format!(
        "rule = [{{ tool = 't', tier = 'fyi' }}, {{ tool = 't', {condition}, tier = 'hard' }}]"
    ));
    let loose = policy(&format!("rule = [{{ tool = 't', {condition}, tier = 'fyi' }}]"));
    let applies = |tier: Tier| tier == Tier::Hard;
    let strict = judge(&strict, "t", arguments.clone()).tier;
    let loose = judge(&loose, "t", arguments.clone()).tier;
    match (applies(strict), loose) {
        (true, Tier::Fyi) => "yes",
        (false, Tier::Hard) => "no",
        (true, Tier::Hard) => "unknown",
        (applies, tier) => panic!("{condition}: {applies}, {tier}"),
    }
}

#[track_caller]
fn check(condition: &str, cases: &[(Value, &str)]) {
    for (x, expected) in cases {
        assert_eq!(answer(condition, &json!({ "x": x })), *expected, "{condition} of {x}");
    }
}

#[test]
fn a_value_is_compared_with_its_own_type_only() {
    check(
        "args.x = 'main'",
        &[
            (json!("main"), "yes"),
            (json!("Main"), "no"),
            (json!(["main"]), "unknown"),
            (json!(7), "unknown"),
            (json!(null), "unknown"),
        ],
    );
    check("args.x = 'rel-*'", &[(json!("rel-1"), "yes"), (json!("prerel-1"), "no")]);
    check(
        "args.x = 5",
        &[(json!(5), "yes"), (json!(5.0), "yes"), (json!(5.5), "no"), (json!("5"), "unknown")],
    );
    check("args.x = 0.5", &[(json!(0.5), "yes"), (json!(1), "no")]);
    check(
        "args.x = true",
        &[(json!(true), "yes"), (json!(false), "no"), (json!("true"), "unknown")],
    );
    check(
        "args.x = ['a', 'b*', 7, false]",
        &[
            (json!("bc"), "yes"),
            (json!(7), "yes"),
            (json!(false), "yes"),
            (json!("c"), "no"),
            (json!(8), "no"),
            (json!({}), "unknown"),
        ],
    );
}

#[test]
fn a_missing_value_is_no_value() {
    for (condition, expected) in [
        ("args.x = 'a'", "no"),
        ("args.x = { over = 1 }", "no"),
        ("args.x = { any = ['a'] }", "no"),
        ("args.x = { none = ['a'] }", "yes"),
        ("args.x = { all = ['a'] }", "unknown"),
        ("args.x = { count_over = 0 }", "no"),
        ("args.x = { missing = true }", "yes"),
        ("args.x = { missing = false }", "no"),
        ("args.x.y.z = { missing = true }", "yes"),
    ] {
        assert_eq!(answer(condition, &json!({ "other": 1 })), expected, "{condition}");
    }
    check("args.x = { missing = true }", &[(json!(0), "no"), (json!(null), "unknown")]);
    check("args.x = { missing = false }", &[(json!(0), "yes"), (json!(null), "unknown")]);
}

#[test]
fn limits_hold_of_numbers() {
    check(
        "args.x = { over = 50 }",
        &[
            (json!(51), "yes"),
            (json!(50), "no"),
            (json!(50.01), "yes"),
            (json!("51"), "unknown"),
            (json!([51]), "unknown"),
        ],
    );
    check("args.x = { under = 0.5 }", &[(json!(0), "yes"), (json!(0.5), "no")]);
    check(
        "args.x = { at_least = 2, at_most = 3 }",
        &[(json!(1), "no"), (json!(2), "yes"), (json!(3), "yes"), (json!(4), "no")],
    );
}

#[test]
fn lists_are_looked_through() {
    check(
        "args.x = { any = ['a*', 1] }",
        &[
            (json!(["b", "ab"]), "yes"),
            (json!([2, 1]), "yes"),
            (json!(["b"]), "no"),
            (json!([]), "no"),
            (json!([null, "a"]), "yes"),
            (json!([null, "b"]), "unknown"),
            (json!("a"), "unknown"),
        ],
    );
    check(
        "args.x = { all = 'a*' }",
        &[
            (json!(["a", "ab"]), "yes"),
            (json!(["a", "b"]), "no"),
            (json!(["a", null]), "unknown"),
            (json!(["b", null]), "no"),
            (json!([]), "unknown"),
        ],
    );
    check(
        "args.x = { none = ['a*'] }",
        &[
            (json!(["b"]), "yes"),
            (json!([]), "yes"),
            (json!(["b", "a"]), "no"),
            (json!(["b", 1]), "unknown"),
        ],
    );
    check(
        "args.x = { count_over = 1 }",
        &[(json!([1]), "no"), (json!([1, 2]), "yes"), (json!("long"), "unknown")],
    );
    check(
        "args.x = { count_over = 1, any = ['a'] }",
        &[(json!(["a"]), "no"), (json!(["a", "b"]), "yes"), (json!(["b", "b"]), "no")],
    );
}

#[test]
fn a_path_goes_through_objects_only() {
    let condition = "args.a.b = 'x'";
    assert_eq!(answer(condition, &json!({"a": {"b": "x"}})), "yes");
    assert_eq!(answer(condition, &json!({"a": {}})), "no");
    assert_eq!(answer(condition, &json!({"a": "x"})), "unknown");
    assert_eq!(answer(condition, &json!({"a": [{"b": "x"}]})), "unknown");
    assert_eq!(answer(condition, &json!({"a": null})), "unknown");
    // A misspelt operator is a path, and falls to the strict side for any number.
    assert_eq!(answer("args.a = { ovr = 5 }", &json!({"a": 50})), "unknown");
    // A quoted key is one member; one named like an operator can stand right under `args`.
    assert_eq!(answer("args.'a.b' = 'x'", &json!({"a.b": "x"})), "yes");
    assert_eq!(answer("args.over = 'x'", &json!({"over": "x"})), "yes");
}

#[test]
fn an_exception_takes_an_action_out_only_if_all_of_it_surely_holds() {
    let unless = "unless = { args.x = 'tmp-*', args.y = { at_most = 5 } }";
    assert_eq!(answer(unless, &json!({"x": "tmp-1", "y": 5})), "no");
    assert_eq!(answer(unless, &json!({"x": "tmp-1", "y": 6})), "yes");
    assert_eq!(answer(unless, &json!({"x": "tmp-1"})), "yes");
    assert_eq!(answer(unless, &json!({"x": "tmp-1", "y": "5"})), "unknown");
    assert_eq!(answer(unless, &json!({"x": ["tmp-1"], "y": 6})), "yes");
}

#[test]
fn a_resource_is_looked_at_like_an_argument() {
    let policy = policy(
        r#"
        rule = [
            { tool = "t", tier = "fyi" },
            { tool = "t", resource = "prod*", tier = "soft" },
            { tool = "t", resource.env = "prod", tier = "hard" },
        ]
        "#,
    );
    let tier = |resource: Option<Value>| {
        let action = sayso_core::Action { resource, ..action("t", json!({})) };
        policy.judge(&call(&action, &agent(), None)).tier
    };
    assert_eq!(tier(None), Tier::Fyi);
    assert_eq!(tier(Some(json!("prod-1"))), Tier::Hard, "a string has no env: unknown is strict");
    assert_eq!(tier(Some(json!({"env": "prod"}))), Tier::Hard);
    assert_eq!(tier(Some(json!({"env": "dev"}))), Tier::Soft, "an object is no string: strict");
}

#[test]
fn what_the_model_says_can_raise_a_tier_and_never_lower_it() {
    let raising = policy(
        "rule = [{ tool = 't', tier = 'fyi' }, { tool = 't', context.risk = 'high', tier = 'hard' }]",
    );
    let lowering = policy("rule = [{ tool = 't', context.approved = true, tier = 'fyi' }]");
    let escaping = policy(
        r#"
        rule = [
            { tool = "t", tier = "fyi" },
            { tool = "t", context.ticket = { missing = true }, tier = "hard" },
        ]
        "#,
    );
    let tier = |policy: &sayso_policy::Policy, context: Option<Value>| {
        policy.judge(&call(&action("t", json!({})), &agent(), context.as_ref())).tier
    };
    assert_eq!(tier(&raising, None), Tier::Fyi);
    assert_eq!(tier(&raising, Some(json!({"risk": "low"}))), Tier::Fyi);
    assert_eq!(tier(&raising, Some(json!({"risk": "high"}))), Tier::Hard);
    assert_eq!(tier(&lowering, Some(json!({"approved": true}))), Tier::Hard);
    assert_eq!(tier(&escaping, Some(json!({"ticket": "made up"}))), Tier::Hard);
}
