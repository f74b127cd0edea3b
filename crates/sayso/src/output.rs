//! What people read on a terminal.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use sayso_client::wire::Escalation;
use sayso_core::Period;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::text;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const CAREFUL: Style = AnsiColor::Yellow.on_default();

/// Text in a style; plain where the terminal has none.
pub(crate) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Prints a line; `println!` with styles that vanish where they must.
macro_rules! say {
    ($($part:tt)*) => { anstream::println!($($part)*) };
}
pub(crate) use say;

/// An error as people read it: the cause, and what is behind it.
pub(crate) fn problem(error: &anyhow::Error) -> String {
    let mut text = format!("{} {error}", styled(BAD.bold(), "error:"));
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(&format!("\n  because {cause}"));
        }
    }
    text
}

/// Prints JSON, on one line.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// Whether there is somebody at the other end of standard output.
pub(crate) fn on_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// The digits of an id that people type: the end, which tells today's apart.
pub(crate) fn short(id: &str) -> &str {
    id.len().checked_sub(8).and_then(|from| id.get(from..)).unwrap_or(id)
}

/// A tier in its colour.
pub(crate) fn tier(tier: &str) -> String {
    let style = match tier {
        "hard" => BAD.bold(),
        "soft" => CAREFUL.bold(),
        _ => DIM,
    };
    styled(style, format_args!("{tier:<4}"))
}

/// A moment, as far from now: `3 min ago`, `in 12 s`.
pub(crate) fn relative(at: &str) -> String {
    let Ok(at) = at.parse::<Timestamp>() else { return text::line(at) };
    let now = Timestamp::now();
    match at > now {
        true => format!("in {}", Period::between(now, at).about()),
        false => format!("{} ago", Period::between(at, now).about()),
    }
}

/// What it is about, in one line: the tool and its arguments, or the question.
pub(crate) fn headline(escalation: &Escalation) -> String {
    match (&escalation.action, &escalation.question) {
        (Some(action), _) => {
            let tool = styled(BOLD, text::line(&action.tool));
            let arguments = Value::Object(action.arguments.clone()).to_string();
            format!("{tool} {}", text::line(&clipped(&arguments, 100)))
        }
        (None, Some(question)) => styled(BOLD, text::line(&clipped(&question.text, 120))),
        (None, None) => "(its text was erased)".into(),
    }
}

fn clipped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// The one line of a list: tier, what, who, how it stands.
pub(crate) fn row(escalation: &Escalation) -> String {
    format!(
        "{} {}  {}\n              {}",
        tier(&escalation.tier),
        styled(DIM, short(&escalation.id)),
        headline(escalation),
        styled(
            DIM,
            format_args!(
                "{} · {} · {}",
                escalation.agent,
                relative(&escalation.created_at),
                standing(escalation)
            )
        ),
    )
}

/// How it stands, in a few words.
pub(crate) fn standing(escalation: &Escalation) -> String {
    if let Some(outcome) = &escalation.outcome {
        let basis = escalation.basis.as_ref().map(|basis| format!(" by {basis}"));
        let receipt = escalation.receipt.as_ref().map(|receipt| format!(", {}", receipt.result));
        let (basis, receipt) = (basis.unwrap_or_default(), receipt.unwrap_or_default());
        return format!("{outcome}{basis}{receipt}");
    }
    match (&escalation.deadline, escalation.waiting_for.as_deref()) {
        (Some(deadline), _) => format!("goes ahead {} unless vetoed", relative(deadline)),
        (None, Some("listener")) => "the window stands still until somebody hears".into(),
        (None, Some("taker")) => {
            format!("{} is on it", escalation.taken_by.as_deref().unwrap_or("somebody"))
        }
        (None, Some("lift")) => "halted".into(),
        _ if escalation.question.is_some() => "needs an answer".into(),
        _ if escalation.quorum > 1 => {
            format!("needs {} people ({} so far)", escalation.quorum, escalation.approvals)
        }
        _ => "needs a person".into(),
    }
}

/// An outcome in its colour, with the reason.
pub(crate) fn verdict(escalation: &Escalation) -> String {
    let outcome = escalation.outcome.as_deref().unwrap_or("pending");
    let style = match outcome {
        "granted" | "noted" | "answered" => GOOD.bold(),
        "pending" => CAREFUL.bold(),
        _ => BAD.bold(),
    };
    let mut lines = format!("{} {}", styled(style, outcome), escalation.reason);
    if let Some(answer) = &escalation.answer {
        let answer = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
        lines.push_str(&format!("\nAnswer: {}", styled(BOLD, text::line(&answer))));
    }
    for said in escalation.decisions.iter().filter(|said| said.comment.is_some()) {
        let comment = text::line(said.comment.as_deref().unwrap_or_default());
        lines.push_str(&format!("\n{} says: {comment}", said.by));
    }
    lines
}

/// Everything there is to see of an escalation: what it wants to do first, what is said of it
/// after.
pub(crate) fn full(escalation: &Escalation) -> String {
    let mut out = format!("{} {}\n", tier(&escalation.tier), styled(BOLD, standing(escalation)));
    if let Some(action) = &escalation.action {
        out.push_str(&format!("\n  {}\n", styled(BOLD, text::line(&action.tool))));
        out.push_str(&members(&action.arguments));
        for (name, value) in
            [("resource", &action.resource), ("precondition", &action.precondition)]
        {
            if let Some(value) = value {
                out.push_str(&format!("    {name}: {}\n", text::line(&value.to_string())));
            }
        }
    }
    if let Some(question) = &escalation.question {
        out.push_str(&format!("\n{}\n", text::block(&question.text, "  ")));
        for option in &question.options {
            out.push_str(&format!("    ○ {}\n", text::line(option)));
        }
        if let Some(default) = &question.default {
            out.push_str(&format!("    on silence: {}\n", text::line(&default.to_string())));
        }
    }
    if !escalation.message.is_empty() {
        out.push_str(&format!("\n  {} says:\n", escalation.agent));
        out.push_str(&format!("{}\n", text::block(&escalation.message, "  │ ")));
    }
    if let Some(context) = &escalation.context {
        out.push_str("\n  and shows:\n");
        out.push_str(&context_block(context));
    }
    let rule = escalation.rule.as_deref().unwrap_or("none (the default)");
    if let Some(server) = &escalation.server {
        let server = text::line(server);
        out.push_str(&format!("\n  tool of the server {server}, as {} says\n", escalation.agent));
    }
    out.push_str(&format!(
        "\n  {}\n",
        styled(
            DIM,
            format_args!(
                "id {}\n  digest {}\n  agent {} · rule {rule} · asked {}",
                escalation.id,
                escalation.digest,
                escalation.agent,
                relative(&escalation.created_at)
            )
        )
    ));
    out.push_str(&format!("  {}\n", escalation.reason));
    for said in &escalation.decisions {
        let comment = said.comment.as_deref().map(text::line).unwrap_or_default();
        out.push_str(&format!(
            "  {} {} {} {comment}\n",
            styled(DIM, relative(&said.at)),
            said.by,
            said.decision
        ));
    }
    if let Some(receipt) = &escalation.receipt
        && let Some(comment) = &receipt.comment
    {
        let at = styled(DIM, relative(&receipt.at));
        out.push_str(&format!("  {at} {}: {}\n", receipt.result, text::line(comment)));
    }
    out.trim_end().to_owned()
}

fn members(members: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (name, value) in members {
        let name = text::line(name);
        match value {
            Value::String(long) if long.contains('\n') => {
                out.push_str(&format!("    {name}:\n{}\n", text::block(long, "      │ ")));
            }
            Value::String(short) => out.push_str(&format!("    {name}: {}\n", text::line(short))),
            other => out.push_str(&format!("    {name}: {}\n", text::line(&other.to_string()))),
        }
    }
    out
}

fn context_block(context: &Value) -> String {
    match context {
        Value::Object(object) => members(object),
        Value::String(string) => format!("{}\n", text::block(string, "    │ ")),
        other => format!("    {}\n", text::line(&other.to_string())),
    }
}
