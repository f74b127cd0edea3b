//! The example of the design, as a newcomer would write it.

use sayso_core::{Digest, Period, SilentLimit, Tier};
use sayso_policy::Policy;
use serde_json::json;

use crate::{judge, policy, rule};

pub(crate) const EXAMPLE: &str = r#"
default_tier = "hard"                        # what no rule names

[[rule]]
tool = ["send_slack_message", "post_*"]      # globs
tier = "fyi"

[[rule]]
tool   = "git_merge"
tier   = "soft"
window = "20m"
route  = "leads"

[[rule]]
tool = "git_merge"
args.branch = "main"                         # all conditions of a rule must hold …
args.files  = { over = 50 }
tier = "hard"

[[rule]]
tool   = "aws_s3_*"
unless = { args.bucket = ["scratch", "tmp-*"] }
tier   = "hard"
quorum = 2
"#;

#[test]
fn a_message_is_a_notice() {
    for tool in ["send_slack_message", "post_tweet"] {
        let verdict = judge(&policy(EXAMPLE), tool, json!({}));
        assert_eq!((verdict.tier, rule(&verdict)), (Tier::Fyi, Some("send_slack_message")));
        assert_eq!(verdict.route.as_str(), "everyone");
    }
}

#[test]
fn a_merge_waits_for_a_veto_of_the_leads() {
    let verdict = judge(&policy(EXAMPLE), "git_merge", json!({"branch": "dev", "files": 90}));
    assert_eq!((verdict.tier, rule(&verdict)), (Tier::Soft, Some("git_merge")));
    assert_eq!(verdict.window, Period::from_secs(1_200));
    assert_eq!(verdict.unheard_after, Period::from_secs(1_200));
    assert_eq!(verdict.silent_limit, SilentLimit::DEFAULT);
    assert_eq!((verdict.route.as_str(), verdict.quorum.in_all().get()), ("leads", 1));
}

#[test]
fn a_large_merge_to_main_waits_for_a_yes_of_the_leads() {
    let large = judge(&policy(EXAMPLE), "git_merge", json!({"branch": "main", "files": 51}));
    assert_eq!((large.tier, rule(&large)), (Tier::Hard, Some("git_merge#2")));
    assert_eq!(large.route.as_str(), "leads");
    let small = judge(&policy(EXAMPLE), "git_merge", json!({"branch": "main", "files": 50}));
    assert_eq!(small.tier, Tier::Soft);
}

#[test]
fn a_bucket_takes_two_people_unless_it_is_scratch() {
    let real = judge(&policy(EXAMPLE), "aws_s3_delete", json!({"bucket": "prod"}));
    assert_eq!((real.tier, real.quorum.in_all().get()), (Tier::Hard, 2));
    for bucket in ["scratch", "tmp-7"] {
        let scratch = judge(&policy(EXAMPLE), "aws_s3_delete", json!({ "bucket": bucket }));
        // No rule is left, so the default holds.
        assert_eq!(
            (scratch.tier, rule(&scratch), scratch.quorum.in_all().get()),
            (Tier::Hard, None, 1)
        );
    }
    let unnamed = judge(&policy(EXAMPLE), "aws_s3_delete", json!({}));
    assert_eq!(unnamed.quorum.in_all().get(), 2);
}

#[test]
fn what_no_rule_names_is_hard() {
    for policy in [policy(EXAMPLE), policy(""), Policy::default()] {
        let verdict = judge(&policy, "launch", json!({}));
        assert_eq!((verdict.tier, rule(&verdict)), (Tier::Hard, None));
        assert_eq!(verdict.policy, policy.hash());
    }
}

#[test]
fn a_policy_is_known_by_the_hash_of_its_text() {
    let policy = policy(EXAMPLE);
    assert_eq!(policy.text(), EXAMPLE);
    assert_eq!(policy.hash(), Digest::of(EXAMPLE.as_bytes()));
}

#[test]
fn a_question_is_judged_by_the_defaults_alone() {
    let policy =
        policy("default_window = \"5m\"\n[[rule]]\ntool = \"*\"\ntier = \"hard\"\nquorum = 3");
    let verdict = policy.question(Tier::Soft);
    assert_eq!(
        (verdict.tier, rule(&verdict), verdict.quorum.in_all().get()),
        (Tier::Soft, None, 1)
    );
    assert_eq!(verdict.window, Period::from_secs(300));
    assert_eq!(verdict.unheard_after, Period::from_secs(300));
    assert_eq!(verdict.silent_limit, SilentLimit::DEFAULT);
    assert_eq!((verdict.route.as_str(), verdict.policy), ("everyone", policy.hash()));
}
