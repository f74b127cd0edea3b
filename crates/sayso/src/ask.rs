//! `sayso ask`: ask from a shell, and wait with a live countdown.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use jiff::Timestamp;
use sayso_client::wire::{Action, Escalation, Propose, Question};
use sayso_client::{Client, ClientError};
use sayso_core::Period;
use serde_json::{Map, Value};

use crate::cli::{About, Ask, Common};
use crate::connect::resolve;
use crate::exit::Exit;
use crate::output::{
    CAREFUL, DIM, headline, json, on_terminal, say, short, standing, styled, tier, verdict,
};

/// How long one request waits, without and with somebody watching the countdown.
const WAIT: Duration = Duration::from_secs(50);
const GLANCE: Duration = Duration::from_secs(2);

pub(crate) fn run(common: &Common, ask: &Ask) -> anyhow::Result<Exit> {
    let client = common.client()?;
    let escalation = match &ask.about.resume {
        Some(id) => resolve(&client, id)?,
        None => match propose(&client, &ask.about, subject(ask)?)? {
            Ok(escalation) => escalation,
            Err(exit) => return Ok(exit),
        },
    };
    let escalation = settle(common, &client, &ask.about, escalation)?;
    if common.json {
        json(&escalation)?;
    } else if !(escalation.is_pending() && ask.about.detach) {
        say!("{}", verdict(&escalation));
    }
    Ok(Exit::of(&escalation))
}

fn subject(ask: &Ask) -> anyhow::Result<(Option<Action>, Option<Question>)> {
    if let Some(text) = &ask.question {
        return Ok((
            None,
            Some(Question {
                text: text.clone(),
                options: ask.options.clone(),
                schema: None,
                default: ask.default.clone().map(Value::String),
            }),
        ));
    }
    let mut arguments = Map::new();
    if let Some(text) = &ask.arguments {
        arguments = serde_json::from_str(text).context("--arguments must be a JSON object")?;
    }
    for argument in &ask.arg {
        let Some((name, value)) = argument.split_once('=') else {
            bail!("--arg {argument:?}: write it like name=value");
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.into()));
        arguments.insert(name.into(), value);
    }
    let tool = ask.tool.clone().unwrap_or_default();
    Ok((Some(Action { tool, arguments, resource: None, precondition: None }), None))
}

/// Proposes; a refusal is printed, and is an exit code of its own.
pub(crate) fn propose(
    client: &Client,
    about: &About,
    (action, question): (Option<Action>, Option<Question>),
) -> anyhow::Result<Result<Escalation, Exit>> {
    let context = about.context.as_deref().map(read_context).transpose()?;
    let propose = Propose {
        action,
        question,
        message: about.message.clone(),
        tier: about.tier.clone().map(Value::String),
        context,
        window: about.window.map(|window| Value::String(window.to_string())),
        server: None,
        started_by: about.started_by.clone(),
        executor: None,
        join: false,
    };
    match client.propose(&propose, None, Duration::ZERO) {
        Ok(escalation) => Ok(Ok(escalation)),
        Err(ClientError::Refused(problem)) => {
            let field = problem.field.as_deref().unwrap_or_default();
            bail!("{field} {}", problem.detail)
        }
        Err(error) => Err(error.into()),
    }
}

fn read_context(text: &str) -> anyhow::Result<Value> {
    let Some(file) = text.strip_prefix('@') else {
        return serde_json::from_str(text).context("--context must be JSON, or @FILE");
    };
    let text = std::fs::read_to_string(file).with_context(|| format!("can't read {file}"))?;
    // A file that is not JSON is shown as it is: a diff, a log.
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Waits for the outcome as long as it was told to, with a countdown where somebody can see it.
pub(crate) fn settle(
    common: &Common,
    client: &Client,
    about: &About,
    mut escalation: Escalation,
) -> anyhow::Result<Escalation> {
    let watched = !common.json && on_terminal();
    if escalation.is_pending() && !common.json {
        say!("{} {}", tier(&escalation.tier), headline(&escalation));
        say!("     {}", styled(DIM, format_args!("{} · {}", escalation.id, escalation.reason)));
    }
    if about.detach {
        return Ok(escalation);
    }
    let until = about.wait.map(|wait| Instant::now() + wait.into());
    while escalation.is_pending() {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            break;
        }
        let patience = left.unwrap_or(WAIT).min(if watched { GLANCE } else { WAIT });
        escalation = wait_for(client, &escalation, patience, watched)?;
    }
    Ok(escalation)
}

/// Waits once; meanwhile the countdown goes on.
fn wait_for(
    client: &Client,
    escalation: &Escalation,
    patience: Duration,
    watched: bool,
) -> anyhow::Result<Escalation> {
    let (id, asking) = (escalation.id.clone(), client.clone());
    // The server counts whole seconds.
    let patience = patience.max(Duration::from_secs(1));
    let answer = std::thread::spawn(move || asking.get(&id, patience));
    while watched && !answer.is_finished() {
        print!("\r\x1b[2K     {}", countdown(escalation));
        std::io::stdout().flush()?;
        std::thread::sleep(Duration::from_millis(200));
    }
    if watched {
        print!("\r\x1b[2K");
        std::io::stdout().flush()?;
    }
    match answer.join() {
        Ok(answer) => Ok(answer?),
        Err(_) => bail!("waiting for {} failed", short(&escalation.id)),
    }
}

/// How long there is left, in one line.
pub(crate) fn countdown(escalation: &Escalation) -> String {
    let deadline = escalation.deadline.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
    match deadline {
        Some(deadline) => {
            let left = Period::between(Timestamp::now(), deadline).about();
            format!("goes ahead in {} unless vetoed", styled(CAREFUL.bold(), left))
        }
        None => standing(escalation),
    }
}
