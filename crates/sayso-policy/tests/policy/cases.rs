//! Tests that stand in a file.

use sayso_policy::{CaseResult, Cases};

use crate::policy;

fn run(cases: &str) -> Vec<CaseResult> {
    let policy = policy(
        r#"
        rule = [
            { tool = "git_merge", tier = "soft", window = "20m" },
            { tool = "git_merge", args.branch = "main", tier = "hard", quorum = 2, route = "leads" },
        ]
        "#,
    );
    Cases::parse(cases).unwrap().run(&policy).unwrap()
}

#[test]
fn what_is_as_expected_is_well_and_what_is_not_is_told() {
    let results = run(r#"
[[case]]
name = "a feature"
tool = "git_merge"
args = { branch = "feature" }
expect = { tier = "soft", window = "20m", rule = "git_merge" }

[[case]]
tool = "git_merge"
args.branch = "main"
expect = { tier = "soft", quorum = 1, route = "leads" }

[[case]]
tool = "unknown"
expect = { tier = 3, rule = false, assurance = "session", permit_lasts = "10m" }
        "#);
    assert_eq!((results[0].name.as_str(), results[0].wrong.len()), ("a feature", 0));
    let wrong = |key: &str, expected: &str, found: &str| {
        (key.to_owned(), expected.to_owned(), found.to_owned())
    };
    assert_eq!(results[1].wrong, [wrong("tier", "soft", "hard"), wrong("quorum", "1", "2")]);
    assert_eq!(results[2].wrong, []);
}

#[test]
fn a_file_that_is_no_cases_is_refused_with_its_place() {
    let refused = |text: &str| Cases::parse(text).unwrap_err().to_string();
    assert!(
        refused("[[case]]\ntool = 'x'\nexpect = { teir = 1 }").contains("unknown field `teir`")
    );
    assert!(refused("[[case]]\ntool = 'x'").contains("missing field `expect`"));
    let bad = Cases::parse("[[case]]\ntool = ''\nexpect = {}").unwrap();
    let error = bad.run(&policy("")).unwrap_err().to_string();
    assert!(error.starts_with("case 1: tool: "), "{error}");
}
