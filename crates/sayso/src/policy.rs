//! `sayso policy`: check, explain, test, diff and draft, all without a server.

mod pace;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use sayso_client::ClientError;
use sayso_client::wire::{self, Propose, PutPolicy};
use sayso_core::action::POLICY_APPLY;
use sayso_core::json::{Limits, read as read_json};
use sayso_core::{Action, AgentName, ToolName};
use sayso_mcp::gateway::{Config, survey};
use sayso_policy::{
    Answer, Call, Cases, Change, Direction, Finding, Known, Looked, Pace, Policy, Severity, Test,
    Tool, diff, draft,
};
use serde_json::{Value, json};

use crate::cli::{
    ApplyPolicy, CheckPolicy, Common, DiffPolicy, DraftPolicy, ExplainPolicy, PolicyCommand,
    TestPolicy, Tools,
};
use crate::exit::Exit;
use crate::output::{BAD, BOLD, CAREFUL, DIM, GOOD, json as print_json, say, styled};
use crate::serve::block_on;
use crate::text;

pub(crate) fn run(common: &Common, command: &PolicyCommand) -> anyhow::Result<Exit> {
    match command {
        PolicyCommand::Check(wanted) => check(common, wanted),
        PolicyCommand::Explain(wanted) => explain(common, wanted),
        PolicyCommand::Test(wanted) => test(common, wanted),
        PolicyCommand::Diff(wanted) => compare(common, wanted),
        PolicyCommand::Draft(wanted) => propose(wanted),
        PolicyCommand::Apply(wanted) => apply(common, wanted),
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))
}

fn policy(file: &Path) -> anyhow::Result<Policy> {
    let parsed = Policy::parse(&read(file)?);
    parsed.map_err(|bad| anyhow::anyhow!("{} is not in order:\n{bad}", file.display()))
}

fn parsed(what: &str, text: &str) -> anyhow::Result<Value> {
    read_json(text.as_bytes(), Limits::default())
        .map_err(|bad| anyhow::anyhow!("{what} is not JSON that can be judged: {bad}"))
}

/// The tools, if it was said where they are known from.
fn known(tools: &Tools) -> anyhow::Result<Option<Vec<Tool>>> {
    let listed = match (&tools.tools, &tools.servers) {
        (Some(file), _) => serde_json::from_str(&read(file)?)
            .with_context(|| format!("{} is not JSON", file.display()))?,
        (None, Some(file)) => {
            let config = Config::parse(&read(file)?, |name| std::env::var(name).ok())
                .with_context(|| format!("{} names no servers", file.display()))?;
            Value::Array(block_on(async { Ok(survey(&config).await?) })?)
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(Tool::list(&listed).context("these are no tools as `tools/list` gives them")?))
}

fn check(common: &Common, wanted: &CheckPolicy) -> anyhow::Result<Exit> {
    let text = read(&wanted.file)?;
    let policy = match Policy::parse(&text) {
        Ok(policy) => policy,
        Err(bad) if common.json => {
            print_json(&json!({"problems": bad.problems(), "findings": []}))?;
            return Ok(Exit::Failed);
        }
        Err(bad) => {
            for problem in bad.problems() {
                say!("{} {problem}", styled(BAD.bold(), "wrong:"));
            }
            return Ok(Exit::Failed);
        }
    };
    let tools = known(&wanted.tools)?;
    let pace = match wanted.people_take {
        Some(said) => Pace::Said(said),
        None => pace::of_the_past(common),
    };
    let known = Known { tools: tools.as_deref(), pace };
    let findings = policy.check(&known);
    if common.json {
        print_json(&json!({"problems": [], "findings": findings}))?;
    } else {
        for Finding { severity, line, rule, message, mend } in &findings {
            let word = match severity {
                Severity::Error => styled(BAD.bold(), "error:"),
                Severity::Warning => styled(CAREFUL.bold(), "warning:"),
            };
            say!("{word} line {line}, rule {}: {}; {mend}", text::line(rule), text::line(message));
        }
        if findings.is_empty() {
            say!("{} {}: nothing odd", styled(GOOD.bold(), "✓"), wanted.file.display());
        }
    }
    let has_errors = findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if has_errors { Exit::Refused } else { Exit::Done })
}

fn explain(common: &Common, wanted: &ExplainPolicy) -> anyhow::Result<Exit> {
    let policy = policy(&wanted.file)?;
    let Value::Object(arguments) = parsed("the arguments", &wanted.arguments)? else {
        bail!("the arguments are no JSON object");
    };
    let some = |what, text: &Option<String>| -> anyhow::Result<Option<Value>> {
        text.as_ref().map(|text| parsed(what, text)).transpose()
    };
    let action = Action {
        tool: ToolName::new(&wanted.tool)?,
        arguments,
        resource: some("--resource", &wanted.resource)?,
        precondition: None,
    };
    let context = some("--context", &wanted.context)?;
    let agent = AgentName::new(&wanted.agent)?;
    let (server, context) = (wanted.server.as_deref(), context.as_ref());
    let why = policy.explain(&Call { action: &action, agent: &agent, server, context });
    if common.json {
        print_json(&why)?;
        return Ok(Exit::Done);
    }
    say!("{}", styled(BOLD, why.verdict.tier));
    for won in &why.won {
        let by = match &won.by[..] {
            [] => styled(DIM, "the default"),
            rules => rules.join(", "),
        };
        say!("  {:<14} {:<10} {by}", won.axis.word(), won.value);
    }
    for rule in &why.rules {
        looked(rule);
    }
    if why.rules.is_empty() {
        say!("\nNo rule names it.");
    } else if why.defaults_count {
        say!("\nNo rule surely applies, so the defaults count among them.");
    }
    if let Some(would_be) = &why.with_shadow {
        say!("\nWith the rules in shadow it would be {}.", styled(BOLD, would_be.tier));
    }
    Ok(Exit::Done)
}

fn mark(answer: Answer) -> String {
    match answer {
        Answer::Yes => styled(GOOD.bold(), "✓"),
        Answer::No => styled(DIM, "✗"),
        Answer::Unknown => styled(CAREFUL.bold(), "?"),
    }
}

fn looked(rule: &Looked) {
    let applies = match rule.applies {
        Answer::Yes => "applies",
        Answer::No => "does not apply",
        Answer::Unknown => "can't be told, so it counts where it is stricter",
    };
    let shadow = if rule.is_shadow { ", in shadow" } else { "" };
    say!("\n{} {} (line {}{shadow}): {applies}", mark(rule.applies), rule.rule, rule.line);
    let test = |before: &str, test: &Test| {
        let found = test.found.as_deref().unwrap_or("nothing there");
        say!("    {} {before}{}   {}", mark(test.holds), test.condition, styled(DIM, found));
    };
    rule.conditions.iter().for_each(|condition| test("", condition));
    rule.unless.iter().for_each(|exception| test("unless ", exception));
    let asks = rule.asks.iter().map(|(axis, value)| format!("{} = {value}", axis.word()));
    say!("    {}", styled(DIM, asks.collect::<Vec<_>>().join(", ")));
}

fn test(common: &Common, wanted: &TestPolicy) -> anyhow::Result<Exit> {
    let policy = policy(&wanted.file)?;
    let cases = Cases::parse(&read(&wanted.cases)?)
        .with_context(|| format!("{} is not a file of cases", wanted.cases.display()))?;
    let results = cases.run(&policy)?;
    let failed = results.iter().filter(|result| !result.wrong.is_empty()).count();
    if common.json {
        print_json(&results)?;
    } else {
        for result in &results {
            if result.wrong.is_empty() {
                say!("{} {}", styled(GOOD.bold(), "✓"), text::line(&result.name));
            } else {
                say!("{} {}", styled(BAD.bold(), "✗"), text::line(&result.name));
            }
            for (key, expected, found) in &result.wrong {
                say!("    {key}: expected {}, but it is {found}", text::line(expected));
            }
        }
        say!("{} of {} as expected", results.len() - failed, results.len());
    }
    Ok(if failed > 0 { Exit::Refused } else { Exit::Done })
}

fn compare(common: &Common, wanted: &DiffPolicy) -> anyhow::Result<Exit> {
    let found = diff(&policy(&wanted.old)?, &policy(&wanted.new)?);
    if common.json {
        print_json(&found)?;
    } else {
        found.changes.iter().for_each(changed);
        let calls = found.tried;
        match &found.gaps[..] {
            [] if found.changes.is_empty() => say!("No difference, at any of {calls} calls."),
            [] => say!("These are all, by {calls} calls at every value the rules tell apart."),
            gaps => {
                say!("Tried {calls} calls; there may be more, because of {}.", gaps.join("; "));
            }
        }
    }
    Ok(if found.is_looser() { Exit::Refused } else { Exit::Done })
}

fn changed(change: &Change) {
    let word = match change.direction {
        Direction::Looser => styled(BAD.bold(), "looser  "),
        Direction::Stricter => styled(GOOD.bold(), "stricter"),
        Direction::Other => styled(CAREFUL.bold(), "other   "),
    };
    let rule = |rule: &Option<String>| rule.clone().unwrap_or_else(|| "the default".into());
    let Change { axis, old, new, action, .. } = change;
    let arguments = Value::Object(action.arguments.clone()).to_string();
    say!("{word} {} {old} → {new}: {} {}", axis.word(), action.tool, text::line(&arguments));
    let mut about = vec![format!("by {}, was {}", rule(&change.new_rule), rule(&change.old_rule))];
    about.extend(change.server.as_ref().map(|server| format!("server {server}")));
    about.extend(action.resource.as_ref().map(|resource| format!("resource {resource}")));
    about.extend(change.context.as_ref().map(|context| format!("context {context}")));
    say!("         {}", styled(DIM, text::line(&about.join(", "))));
}

fn propose(wanted: &DraftPolicy) -> anyhow::Result<Exit> {
    let Some(tools) = known(&wanted.tools)? else {
        bail!("say where the tools are known from: --servers FILE (mcpServers) or --tools FILE");
    };
    print!("{}", draft(&tools));
    Ok(Exit::Done)
}

/// How long one request waits for people.
const WAIT: Duration = Duration::from_secs(30);

fn apply(common: &Common, wanted: &ApplyPolicy) -> anyhow::Result<Exit> {
    let new = policy(&wanted.file)?;
    let client = common.client()?;
    let permit = if client.me()?.roles.iter().any(|role| role == "agent") {
        let mut asked = ask_for(&client, &new)?;
        while asked.is_pending() {
            if wanted.detach {
                say!("{} waits for people ({}).", wanted.file.display(), asked.id);
                return Ok(Exit::Undecided);
            }
            asked = client.get(&asked.id, WAIT)?;
        }
        if asked.permit.is_none() {
            bail!("it is not to be in force: {}", text::line(&asked.reason));
        }
        asked.permit
    } else {
        None
    };
    let put = PutPolicy { policy: new.text().to_owned(), permit };
    match client.put_policy(&put) {
        Ok(now) if common.json => print_json(&now)?,
        Ok(now) => say!("{} in force: {}", styled(GOOD.bold(), "✓"), &now.hash[..12]),
        Err(ClientError::Refused(problem)) => {
            say!("{} {}", styled(BAD.bold(), "refused:"), text::line(&problem.detail));
            return Ok(Exit::Refused);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Exit::Done)
}

/// Asks people for a policy in place of the one in force, and shows what it changes.
fn ask_for(client: &sayso_client::Client, new: &Policy) -> anyhow::Result<wire::Escalation> {
    let now = client.policy()?;
    let old = Policy::parse(&now.text).context("the policy in force can't be read")?;
    let changes = diff(&old, new);
    let Value::Object(arguments) = json!({"policy": new.text()}) else { bail!("no arguments") };
    let action = wire::Action {
        tool: POLICY_APPLY.into(),
        arguments,
        resource: None,
        precondition: Some(json!({"policy": now.hash})),
    };
    let propose = Propose {
        action: Some(action),
        message: "Another policy, in place of the one in force.".into(),
        context: Some(json!({"changes": changes.changes, "gaps": changes.gaps})),
        join: true,
        ..Propose::default()
    };
    Ok(client.propose(&propose, None, Duration::ZERO)?)
}
