//! What a person reads who made a mistake: where, which key, what is wrong, how to mend it.

use sayso_policy::Policy;

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = Policy::parse(text).expect_err("a bad policy");
    assert_eq!(error.to_string(), expected);
}

#[track_caller]
fn refused_rule(keys: &str, expected: &str) {
    refused(&format!("[[rule]]\ntool = \"t\"\ntier = \"hard\"\n{keys}\n"), expected);
}

#[test]
fn broken_toml_says_where() {
    refused(
        "default_tier = \"hard\"\ndefault_window = \n",
        "line 2, column 18: not TOML: string values must be quoted, expected literal string",
    );
    refused("default_tier = 1\ndefault_tier = 2", "line 2, column 1: not TOML: duplicate key");
}

#[test]
fn a_misspelt_key_is_guessed() {
    refused(
        "defualt_tier = \"hard\"",
        r#"line 1, column 1: defualt_tier: is no key of a policy; did you mean "default_tier"?"#,
    );
    refused(
        "[[rules]]\ntool = \"x\"",
        r#"line 1, column 3: rules: is no key of a policy; did you mean "rule"?"#,
    );
    refused_rule(
        "windw = \"5m\"",
        r#"line 4, column 1: windw: is no key of a rule; did you mean "window"?"#,
    );
    refused_rule(
        "colour = \"red\"",
        "line 4, column 1: colour: is no key of a rule; the keys are name, tool, agent, server, args, resource, context, unless, tier, window, unheard_after, quorum, self_approval, silent_limit, assurance, permit_lasts, route, mode",
    );
    refused_rule(
        "unless = { arg.x = 1 }",
        r#"line 4, column 12: unless.arg: is no key of an exception; did you mean "args"?"#,
    );
    refused_rule(
        "args.x = { over = 1, undr = 5 }",
        r#"line 4, column 22: args.x.undr: is no operator, but stands beside one; did you mean "under"?"#,
    );
}

#[test]
fn what_is_asked_of_people_must_be_meant() {
    refused_rule(
        "assurance = \"sworn\"",
        r#"line 4, column 13: assurance: is no assurance; use "channel", "session" or "signed""#,
    );
    refused_rule(
        "self_approval = false",
        r#"line 4, column 17: self_approval: is not known here; use "allowed" or "never""#,
    );
    refused_rule(
        "quorum = { leads = 0 }",
        "line 4, column 20: quorum.leads: is no number of people; say how many people must approve: 1 to 20",
    );
    refused_rule(
        "quorum = { leads = 15, ops = 6 }",
        "line 4, column 10: quorum: asks for 21 people; ask for 1 to 20 people, like { security = 1, leads = 1 }",
    );
    refused_rule(
        "quorum = { \"the leads\" = 1 }",
        "line 4, column 12: quorum.the leads: a group's name may hold only letters, digits and . _ - @ (ASCII); ' ' is not; give the name of a group",
    );
}

#[test]
fn a_mode_an_assurance_and_a_permits_life_are_what_they_can_be() {
    refused_rule(
        "mode = \"dry\"",
        r#"line 4, column 8: mode: is no mode; use "shadow", or leave it out to enforce"#,
    );
    refused_rule(
        "assurance = \"sure\"",
        r#"line 4, column 13: assurance: is no assurance; use "channel", "session" or "signed""#,
    );
    refused_rule(
        "permit_lasts = \"25h\"",
        r#"line 4, column 16: permit_lasts: is longer than a day; use at most "24h""#,
    );
    refused_rule(
        "permit_lasts = \"1s\"",
        r#"line 4, column 16: permit_lasts: must be at least 10 seconds; write it like "20s", "15m" or "1h 30m", or in whole seconds"#,
    );
}

#[test]
fn an_expression_that_cannot_be_used_says_why() {
    refused_rule(
        "args.x = { matches = 'a(b' }",
        "line 4, column 22: args.x.matches: unclosed group; see docs.rs/regex for how they are written; simpler ones are smaller",
    );
    refused_rule(
        "args.x = { matches = 7 }",
        "line 4, column 22: args.x.matches: is a whole number, not a regular expression; write it in single quotes, like '^rm '",
    );
    refused_rule(
        "args.x = { matches = '(a|b)*a(a|b){20}' }",
        "line 4, column 22: args.x.matches: the expression stands for an automaton that is too large; see docs.rs/regex for how they are written; simpler ones are smaller",
    );
}

#[test]
fn a_rule_needs_a_tool_and_a_tier() {
    refused(
        "# nothing\n\n  [[rule]]\nwindow = \"5m\"",
        r#"line 3, column 3: tool: is missing from this rule; name the tools it is for, like tool = "git_*", or tool = "*" for all
line 3, column 3: tier: is missing from this rule; say what it asks: tier = "fyi", "soft" or "hard""#,
    );
    refused(
        "[rule]\ntool = \"x\"\ntier = \"fyi\"",
        "line 1, column 1: rule: rules are a list of tables; head each with [[rule]]",
    );
    refused(
        "rule = [1]",
        "line 1, column 8: rule: rules are a list of tables; head each with [[rule]]",
    );
    refused(
        "[[rule]]\ntool = []\ntier = 4",
        r#"line 2, column 8: tool: is an empty list, which matches nothing; name one, or "*" for all
line 3, column 8: tier: is no tier; use "fyi", "soft" or "hard" (or 1, 2, 3)"#,
    );
    refused(
        "[[rule]]\ntool = \"g\u{ed}t\"\ntier = \"fyi\"",
        r#"line 2, column 8: tool: a tool's name is printable ASCII, so this can match none; write a glob like "git_*""#,
    );
}

#[test]
fn bounds_are_named() {
    refused_rule(
        "window = \"0s\"",
        r#"line 4, column 10: window: must be longer than nothing; write it like "20s", "15m" or "1h 30m", or in whole seconds"#,
    );
    refused_rule(
        "window = \"-5m\"",
        r#"line 4, column 10: window: a length of time can't be negative: "-5m"; write it like "20s", "15m" or "1h 30m", or in whole seconds"#,
    );
    refused_rule(
        "window = -5",
        r#"line 4, column 10: window: a length of time can't be negative; write it like "20s", "15m" or "1h 30m", or in whole seconds"#,
    );
    refused_rule(
        "window = \"721h\"",
        r#"line 4, column 10: window: is longer than 30 days; use at most "720h""#,
    );
    refused_rule(
        "window = \"soon\"",
        r#"line 4, column 10: window: not a length of time: "soon"; write it like "20s", "15m" or "1h 30m""#,
    );
    refused_rule(
        "window = 1.5",
        r#"line 4, column 10: window: is a fraction, not a length of time; write it like "20s", "15m" or "1h 30m", or in whole seconds"#,
    );
    refused_rule(
        "unheard_after = \"500ms\"",
        r#"line 4, column 17: unheard_after: must be at least a second; write it like "20s", "15m" or "1h 30m", or in whole seconds"#,
    );
    refused_rule(
        "quorum = 0",
        "line 4, column 10: quorum: is no quorum; say how many people must approve: 1 to 20",
    );
    refused_rule(
        "quorum = 21",
        "line 4, column 10: quorum: is no quorum; say how many people must approve: 1 to 20",
    );
    refused_rule(
        "silent_limit = \"often\"",
        r#"line 4, column 16: silent_limit: is no limit; write it like "60/h", "5/m" or "100/d", or "none""#,
    );
    refused_rule(
        "route = \"on call\"",
        "line 4, column 9: route: a route's name may hold only letters, digits and . _ - @ (ASCII); ' ' is not; give the name of a route",
    );
    refused(
        "default_window = 0",
        r#"line 1, column 18: default_window: must be longer than nothing; write it like "20s", "15m" or "1h 30m", or in whole seconds"#,
    );
    refused(
        "default_tier = \"medium\"",
        r#"line 1, column 16: default_tier: is no tier; use "fyi", "soft" or "hard" (or 1, 2, 3)"#,
    );
}

#[test]
fn conditions_that_say_nothing_or_never_hold_are_refused() {
    refused_rule(
        "args = {}",
        r#"line 4, column 8: args: names no condition; name an argument, like args.branch = "main""#,
    );
    refused_rule(
        "args.x = {}",
        "line 4, column 10: args.x: names no condition; give it a value, or leave it out",
    );
    refused_rule(
        "args.x = []",
        "line 4, column 10: args.x: is an empty list, which matches nothing; list what may stand here",
    );
    refused_rule(
        "unless = {}",
        r#"line 4, column 10: unless: names no condition; write it like { args.bucket = "tmp-*" }"#,
    );
    refused_rule(
        "unless = true",
        r#"line 4, column 10: unless: is true or false, not a table; write it like { args.bucket = "tmp-*" }"#,
    );
    refused_rule(
        "args = 5",
        r#"line 4, column 8: args: is a whole number, not a table; name an argument, like args.branch = "main""#,
    );
    refused_rule(
        "args.x = [[1]]",
        "line 4, column 11: args.x: is a list, not a value; write a string, a number, true or false, or a list of those",
    );
    refused_rule(
        "args.x = 2026-01-01",
        "line 4, column 10: args.x: is a date, which JSON doesn't have; write it in quotes",
    );
    refused_rule(
        "args.x = nan",
        "line 4, column 10: args.x: is no number that JSON can hold; use a finite one of 64 bits",
    );
    refused_rule(
        "args.x = 9223372036854775808",
        "line 4, column 10: args.x: is no number that JSON can hold; use a finite one of 64 bits",
    );
    refused_rule(
        "args.x = { over = \"5\" }",
        "line 4, column 19: args.x.over: is a string, not a number; write a number, like 50",
    );
    refused_rule(
        "args.x = { over = 5, at_most = 5 }",
        "line 4, column 22: args.x.at_most: leaves no number together with the limits beside it; mend one of them",
    );
    refused_rule(
        "args.x = { missing = true, over = 5 }",
        "line 4, column 12: args.x.missing: can't hold beside another operator; use missing = false, or a rule of its own",
    );
    refused_rule(
        "args.x = { missing = 1 }",
        "line 4, column 22: args.x.missing: is a whole number, not true or false; write missing = true or missing = false",
    );
    refused_rule(
        "args.x = { count_over = -1 }",
        "line 4, column 25: args.x.count_over: is no count; write a whole number from 0, like 10",
    );
    refused_rule(
        "unless = { context.bucket = \"tmp\" }",
        "line 4, column 12: unless.context: is what the model says, and can't take an action out of a rule; use args or resource",
    );
}

#[test]
fn a_glob_that_cannot_be_read_says_why() {
    refused_rule(
        "args.x = \"a[b\"",
        r#"line 4, column 10: args.x: "[" has no matching "]"; a glob character that stands for itself goes in brackets, like [*]"#,
    );
    refused_rule(
        "args.x = [\"ok\", \"{a\"]",
        r#"line 4, column 17: args.x: "{" has no matching "}"; a glob character that stands for itself goes in brackets, like [*]"#,
    );
    refused_rule(
        "agent = \"[z-a]\"",
        "line 4, column 9: agent: the range 'z' to 'a' runs backwards; a glob character that stands for itself goes in brackets, like [*]",
    );
}

#[test]
fn two_rules_of_one_name_are_refused() {
    refused(
        "rule = [{name='a',tool='x',tier=1},\n{name='a',tool='y',tier=1}]",
        r#"line 2, column 7: name: "a" is another rule's name already; give each rule its own name, or none"#,
    );
}

#[test]
fn several_problems_are_told_at_once_in_the_order_of_the_text() {
    refused(
        "[[rule]]\ntool = \"x\"\ntier = \"medium\"\nquorum = 0\n\n[[rule]]\ntol = \"y\"\ntier = 1\nzzz = 1\n",
        r#"line 3, column 8: tier: is no tier; use "fyi", "soft" or "hard" (or 1, 2, 3)
line 4, column 10: quorum: is no quorum; say how many people must approve: 1 to 20
line 6, column 1: tool: is missing from this rule; name the tools it is for, like tool = "git_*", or tool = "*" for all
line 7, column 1: tol: is no key of a rule; did you mean "tool"?
line 9, column 1: zzz: is no key of a rule; the keys are name, tool, agent, server, args, resource, context, unless, tier, window, unheard_after, quorum, self_approval, silent_limit, assurance, permit_lasts, route, mode"#,
    );
    let many = "[[rule]]\ntier = 1\n".repeat(25);
    let error = Policy::parse(&many).unwrap_err();
    assert_eq!(error.problems().len(), 20);
    assert!(error.to_string().ends_with("\n… and 5 more"), "{error}");
}

#[test]
fn columns_count_characters() {
    let error =
        Policy::parse("rule = [{ name = \"x\", \"\u{e9}\u{e9}\" = 1, tol = 1 }]").unwrap_err();
    let misspelt = error.problems().iter().find(|problem| problem.key == "tol").unwrap();
    assert_eq!((misspelt.line, misspelt.column), (1, 33));
    assert_eq!(misspelt.mend, "did you mean \"tool\"?");
}
