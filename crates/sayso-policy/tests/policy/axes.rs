//! Servers, regular expressions, shadow, assurance and the life of permits.

use sayso_core::Tier;
use sayso_core::decision::Assurance;
use sayso_core::{Period, escalation::PERMIT_LASTS};
use sayso_policy::Call;
use serde_json::json;

use crate::{action, agent, judge, policy, rule};

#[test]
fn a_rule_for_a_server_is_for_that_one_and_may_be_for_one_that_is_not_known() {
    let policy = policy(
        r#"
        rule = [
            { tool = "*", server = "docs", tier = "fyi" },
            { tool = "*", server = "prod-*", tier = "hard", quorum = 2 },
        ]
        "#,
    );
    let (action, agent) = (action("read", json!({})), agent());
    let on = |server| policy.judge(&Call { server, ..Call::new(&action, &agent) });
    assert_eq!(on(Some("docs")).tier, Tier::Fyi);
    let asked = |server| (on(server).tier, on(server).quorum.in_all().get());
    assert_eq!(asked(Some("prod-eu")), (Tier::Hard, 2));
    assert_eq!(asked(Some("other")), (Tier::Hard, 1));
    assert_eq!(asked(None), (Tier::Hard, 2), "nothing gets past by not saying where it belongs");
}

#[test]
fn an_expression_is_found_anywhere_in_a_text() {
    let policy = policy(
        r#"
        default_tier = "fyi"
        rule = [{ tool = "sh", args.command = { matches = ['\brm\b', '(?i)drop table'] }, tier = "hard" }]
        "#,
    );
    let tier =
        |command: serde_json::Value| judge(&policy, "sh", json!({ "command": command })).tier;
    assert_eq!(tier(json!("cd /tmp && rm -r x")), Tier::Hard);
    assert_eq!(tier(json!("psql -c 'DROP TABLE users'")), Tier::Hard);
    assert_eq!(tier(json!("format c:")), Tier::Fyi);
    assert_eq!(tier(json!(["rm", "-r"])), Tier::Hard, "another type can't be told");
    assert_eq!(tier(json!("é")), Tier::Hard, "a word's end beyond ASCII can't be told");
}

#[test]
fn a_rule_in_shadow_has_no_say_and_is_looked_at() {
    let policy = policy(
        r#"
        rule = [
            { tool = "t", tier = "fyi" },
            { tool = "t", args.n = { over = 3 }, tier = "hard", mode = "shadow" },
        ]
        "#,
    );
    let agent = agent();
    let tiers = |n: u8| {
        let action = action("t", json!({ "n": n }));
        let call = Call::new(&action, &agent);
        (policy.judge(&call).tier, policy.judge_with_shadow(&call).unwrap().tier)
    };
    assert_eq!(tiers(3), (Tier::Fyi, Tier::Fyi));
    assert_eq!(tiers(4), (Tier::Fyi, Tier::Hard));
}

#[test]
fn rules_that_a_call_cannot_be_held_against_are_told() {
    let policy = policy(
        r#"
        rule = [
            { tool = "t", tier = "fyi" },
            { name = "large", tool = "t", args.n = { over = 3 }, tier = "hard" },
            { name = "deep", tool = "t", args.m.n = "x", tier = "fyi" },
            { name = "said", tool = "t", context.safe = true, tier = "soft" },
            { name = "there", tool = "t", server = "prod", tier = "soft" },
            { name = "tried", tool = "t", args.n = { over = 1 }, tier = "hard", mode = "shadow" },
        ]
        "#,
    );
    let agent = agent();
    let untold = |arguments| {
        let (action, context) = (action("t", arguments), json!({"safe": true}));
        let call = Call { context: Some(&context), ..Call::new(&action, &agent) };
        let (verdict, untold) = policy.judge_and_tell(&call);
        assert_eq!(verdict, policy.judge(&call));
        untold.into_iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(untold(json!({"n": 4, "m": {"n": "x"}})).is_empty());
    assert!(untold(json!({})).is_empty(), "what is missing is told: it is not there");
    assert_eq!(untold(json!({"n": "4", "m": 5})), ["large", "deep"]);
}

#[test]
fn the_strongest_assurance_and_the_shortest_permit_win() {
    let policy = policy(
        r#"
        rule = [
            { tool = ["a", "b"], tier = "soft", assurance = "channel", permit_lasts = "1h" },
            { tool = "b", tier = "hard", permit_lasts = "1m" },
            { tool = "*", tier = "fyi" },
        ]
        "#,
    );
    let a = judge(&policy, "a", json!({}));
    assert_eq!((a.assurance, a.permit_lasts), (Assurance::Channel, Period::from_secs(3_600)));
    let b = judge(&policy, "b", json!({}));
    assert_eq!((b.assurance, b.permit_lasts), (Assurance::Session, Period::from_secs(60)));
    let default = judge(&crate::policy(""), "b", json!({}));
    assert_eq!((default.assurance, default.permit_lasts), (Assurance::Session, PERMIT_LASTS));
    assert_eq!(rule(&b), Some("b"));
}
