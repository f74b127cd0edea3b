//! How the rules that match are joined, axis by axis.

use sayso_core::{AgentName, Period, Tier};
use serde_json::json;

use crate::{action, call, judge, policy, rule};

#[test]
fn the_strictest_wins_on_each_axis() {
    let policy = policy(
        r#"
        [[rule]]
        tool = "deploy"
        tier = "soft"
        window = "5m"
        unheard_after = "4m"
        quorum = 3
        silent_limit = "10/h"

        [[rule]]
        name = "slow"
        tool = "dep*"
        tier = "soft"
        window = "1h"
        unheard_after = "2h"
        silent_limit = "none"
        "#,
    );
    let verdict = judge(&policy, "deploy", json!({}));
    assert_eq!((verdict.tier, rule(&verdict)), (Tier::Soft, Some("deploy")));
    assert_eq!(verdict.window, Period::from_secs(3_600));
    assert_eq!(verdict.unheard_after, Period::from_secs(240));
    assert_eq!(
        (verdict.quorum.in_all().get(), verdict.silent_limit.to_string().as_str()),
        (3, "10/h")
    );
}

#[test]
fn a_notice_to_all_does_not_stretch_a_soft_rule_that_says_otherwise() {
    let policy = policy(
        r#"
        [[rule]]
        tool = "*"
        tier = "fyi"
        route = "firehose"

        [[rule]]
        tool = "deploy"
        tier = "soft"
        window = "30s"
        silent_limit = "none"
        "#,
    );
    let verdict = judge(&policy, "deploy", json!({}));
    assert_eq!(verdict.window, Period::from_secs(30));
    assert_eq!(verdict.unheard_after, Period::from_secs(60), "the least that is taken unsaid");
    assert_eq!(verdict.silent_limit.to_string(), "none");
    assert_eq!(verdict.route.as_str(), "everyone", "notices and requests go different ways");
    assert_eq!(judge(&policy, "other", json!({})).route.as_str(), "firehose");
}

#[test]
fn the_route_is_that_of_the_strictest_rule_that_names_one() {
    let policy = policy(
        r#"
        rule = [
            { tool = "*", tier = "soft", route = "b" },
            { tool = "a*", tier = "soft", route = "a" },
            { tool = "aa*", tier = "hard" },
            { tool = "aaa*", tier = "hard", route = "c" },
        ]
        "#,
    );
    for (tool, route) in [("b", "b"), ("a", "a"), ("aa", "a"), ("aaa", "c")] {
        assert_eq!(judge(&policy, tool, json!({})).route.as_str(), route, "{tool}");
    }
}

#[test]
fn a_rule_for_some_agents_is_for_those_only() {
    let policy = policy("[[rule]]\ntool = \"*\"\nagent = [\"ci-*\", \"bot\"]\ntier = \"fyi\"");
    let tier = |agent: &str| {
        policy.judge(&call(&action("x", json!({})), &AgentName::new(agent).unwrap(), None)).tier
    };
    assert_eq!(tier("ci-7"), Tier::Fyi);
    assert_eq!(tier("bot"), Tier::Fyi);
    assert_eq!(tier("robot"), Tier::Hard);
}

#[test]
fn names_are_taken_from_the_tool_and_made_unique() {
    let policy = policy(
        r#"
        rule = [
            { tool = "a", args.x = 1, tier = "hard" },
            { tool = "a", args.x = 2, tier = "hard" },
            { tool = "z", args.x = 3, tier = "hard", name = "a#2" },
            { tool = ["a", "b"], args.x = 4, tier = "hard" },
        ]
        "#,
    );
    for (tool, x, name) in [("a", 1, "a"), ("a", 2, "a#3"), ("z", 3, "a#2"), ("b", 4, "a#4")] {
        assert_eq!(rule(&judge(&policy, tool, json!({ "x": x }))), Some(name));
    }
}

#[test]
fn tiers_and_lengths_may_be_numbers() {
    let policy = policy("default_tier = 1\ndefault_window = 0x1E\nrule = [{tool='a',tier=2}]");
    assert_eq!(judge(&policy, "b", json!({})).tier, Tier::Fyi);
    let soft = judge(&policy, "a", json!({}));
    assert_eq!((soft.tier, soft.window), (Tier::Soft, Period::from_secs(30)));
}
