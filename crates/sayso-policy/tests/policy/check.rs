//! What is odd about policies that can be read.

use sayso_core::Period;
use sayso_policy::{Finding, Known, Pace, Severity, Took, Tool};
use serde_json::json;

use crate::policy;

fn check(text: &str, tools: Option<&[Tool]>) -> Vec<Finding> {
    policy(text).check(&Known { tools, pace: Pace::default() })
}

fn one(text: &str) -> String {
    let found = check(text, None);
    let [only] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(only.severity, Severity::Warning);
    format!("{}: {}: {}", only.line, only.rule, only.message)
}

fn tools() -> Vec<Tool> {
    let listed = json!({"tools": [
        {"name": "git_merge", "server": "git", "inputSchema": {"type": "object", "properties": {
            "branch": {"type": "string"},
            "files": {"type": "integer"},
            "paths": {"type": "array"},
            "mode": {"type": "string", "enum": ["ff", "squash"]},
            "author": {"type": "object", "properties": {"name": {"type": "string"}}},
        }}},
        {"name": "open_ended", "inputSchema": {"type": "object", "additionalProperties": true,
                                               "properties": {}}},
    ]});
    Tool::list(&listed).unwrap()
}

fn against(condition: &str) -> String {
    let text = format!("[[rule]]\ntool = 'git_merge'\n{condition}\ntier = 'hard'");
    let found = check(&text, Some(&tools()));
    let line = |it: &Finding| format!("{:?}: {}; {}", it.severity, it.message, it.mend);
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_good_policy_gives_no_cause() {
    let good = crate::example::EXAMPLE;
    assert_eq!(check(good, None), []);
}

#[test]
fn a_rule_that_never_applies_or_changes_nothing_is_told() {
    assert_eq!(
        one("[[rule]]\ntool = 't'\nargs.b = 'x'\nunless = { args.b = ['x', 'y'] }\ntier = 2"),
        "1: t: never applies: no call was found that it is for"
    );
    assert_eq!(
        one("[[rule]]\ntool = 'git_*'\ntier = 3\n[[rule]]\ntool = 'git_log'\ntier = 1"),
        "4: git_log: changes nothing: git_* (line 1) asks for as much wherever it applies"
    );
    assert_eq!(
        one("[[rule]]\ntool = 'a'\ntier = 3\n[[rule]]\ntool = 'a'\ntier = 3"),
        "4: a#2: changes nothing: a (line 1) asks for as much wherever it applies"
    );
    let more =
        "[[rule]]\ntool = 'git_*'\ntier = 3\n[[rule]]\ntool = 'git_log'\ntier = 1\nquorum = 2";
    assert_eq!(check(more, None), [], "it asks for more people");
}

#[test]
fn a_models_word_and_a_hasty_window_are_told() {
    assert_eq!(
        one("[[rule]]\ntool = 't'\ncontext.safe = true\ntier = 'fyi'"),
        "1: t: `context.safe = true` is the model's own word, which makes nothing looser"
    );
    assert_eq!(
        one("[[rule]]\ntool = 't'\nwindow = '20s'\ntier = 'soft'"),
        "1: t: a window of 20s is shorter than people take (1m)"
    );
}

#[test]
fn a_window_is_held_against_how_long_people_took_over_its_tools() {
    let policy = policy(
        "[[rule]]\ntool = 'merge*'\nwindow = '3m'\ntier = 'soft'\n\
         [[rule]]\ntool = 'deploy'\nwindow = '3m'\ntier = 'soft'",
    );
    // Over merges ten minutes or so, over all else ten seconds.
    let took = |tool: &str, secs| Took { tool: tool.to_owned(), period: Period::from_secs(secs) };
    let merges = (0..11).map(|n| took("merge_branch", 590 + 2 * n));
    let others = (0..89).map(|_| took("drop", 10));
    let known = |past: Vec<Took>| Known { tools: None, pace: Pace::Past(past) };
    let messages = |past: Vec<Took>| {
        let found = policy.check(&known(past)).into_iter();
        found.map(|it| format!("{}: {}", it.rule, it.message)).collect::<Vec<_>>()
    };
    assert_eq!(
        messages(merges.clone().chain(others.clone()).collect()),
        ["merge*: a window of 3m is shorter than people take (half of 11 decisions on its tools \
          took 10m or longer)"]
    );
    // Nine are too few to tell of these alone, and five of anything.
    assert!(messages(merges.clone().take(9).chain(others).collect()).is_empty());
    assert!(messages(merges.take(5).collect()).is_empty());
}

#[test]
fn arguments_that_a_tool_does_not_take_are_errors() {
    for (condition, says) in [
        (
            "args.brnch = 'main'",
            "Error: `args.brnch = 'main'`: git_merge takes no such argument; did you mean \"branch\"?",
        ),
        (
            "args.author.nam = 'x'",
            "Error: `args.author.nam = 'x'`: git_merge takes no such argument; did you mean \"name\"?",
        ),
        (
            "args.branch = { over = 3 }",
            "Error: `args.branch = { over = 3 }` never holds for git_merge: that is for numbers, and it is a string; compare it with what the tool takes",
        ),
        (
            "args.files = { count_over = 3 }",
            "Error: `args.files = { count_over = 3 }` never holds for git_merge: that is for lists, and it is a integer; compare it with what the tool takes",
        ),
        (
            "args.files = 'many'",
            "Error: `args.files = 'many'` never holds for git_merge: it is a integer; compare it with what the tool takes",
        ),
        (
            "args.mode = 'rebase'",
            "Error: `args.mode = 'rebase'` never holds for git_merge: it is one of \"ff\", \"squash\"; compare it with what the tool takes",
        ),
        ("args.mode = 'sq*'", ""),
        ("args.files = { over = 50 }", ""),
        ("args.paths = { any = '/etc/*' }", ""),
        (
            "unless = { args.brnch = 'x' }",
            "Error: `args.brnch = 'x'`: git_merge takes no such argument; did you mean \"branch\"?",
        ),
    ] {
        assert_eq!(against(condition), says, "{condition}");
    }
}

#[test]
fn a_rule_for_no_tool_that_there_is_is_told_and_an_open_schema_is_not_held_against_it() {
    let found = check("[[rule]]\ntool = 'git_marge'\ntier = 3", Some(&tools()));
    let told = (found[0].message.as_str(), found[0].mend.as_str());
    assert_eq!(told, ("names no tool that there is", "did you mean \"git_merge\"?"));
    let open = "[[rule]]\ntool = 'open_ended'\nargs.whatever = 1\ntier = 3";
    assert_eq!(check(open, Some(&tools())), []);
    let elsewhere = "[[rule]]\ntool = 'git_merge'\nserver = 'svn'\ntier = 3";
    assert_eq!(check(elsewhere, Some(&tools()))[0].message, "names no tool that there is");
}
