//! How long judging takes: a call as agents make them, and the worst that was thought of, each by a
//! hundred rules. `cargo run --release -p sayso-policy --example judge`.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use sayso_core::{Action, AgentName};
use sayso_policy::{Call, Policy};
use serde_json::{Value, json};

const RULES: usize = 100;
const ROUNDS: usize = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let usual = rules(|n| format!("tool = 'tool_{n}*'\nargs.branch = ['main', 'release/*']"))?;
    let call = json!({"branch": "feature", "files": 12});
    show("a usual call", &usual, "tool_7", call)?;
    let hostile = json!({
        "list": vec!["element"; 100_000],
        "text": "a".repeat(1 << 20),
        "deep": (0..60).fold(json!("bottom"), |inner, _| json!({ "d": inner })),
    });
    let conditions = [
        "args.list = { any = ['x*', '*y', '*z*'] }",
        "args.list = { none = ['b*'] }",
        "args.text = '*a*aaaab*'",
        "args.text = { matches = '(a|b)*c[^x]{3}d' }",
        "args.deep.d.d.d.d.d.d.d.d = 'x'",
    ];
    let mixed = rules(|n| format!("tool = 't*'\n{}", conditions[n % conditions.len()]))?;
    show("hostile, all kinds of conditions", &mixed, "tool", hostile.clone())?;
    for condition in conditions {
        let all = rules(|_| format!("tool = 't*'\n{condition}"))?;
        show(&format!("hostile, {condition}"), &all, "tool", hostile.clone())?;
    }
    Ok(())
}

fn rules(rule: impl Fn(usize) -> String) -> Result<Policy, Box<dyn Error>> {
    let mut text = String::new();
    for n in 0..RULES {
        write!(text, "[[rule]]\n{}\ntier = 'soft'\n", rule(n))?;
    }
    Ok(Policy::parse(&text)?)
}

fn show(what: &str, policy: &Policy, tool: &str, arguments: Value) -> Result<(), Box<dyn Error>> {
    let Value::Object(arguments) = arguments else { return Err("arguments are an object".into()) };
    let action = Action { tool: tool.parse()?, arguments, resource: None, precondition: None };
    let agent: AgentName = "agent".parse()?;
    let call = Call::new(&action, &agent);
    let mut took: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(policy.judge(std::hint::black_box(&call)));
            start.elapsed()
        })
        .collect();
    took.sort();
    println!("p50 {:>9.1?}  p99 {:>9.1?}  {what}", took[ROUNDS / 2], took[ROUNDS * 99 / 100]);
    Ok(())
}
