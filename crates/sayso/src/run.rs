//! `sayso run -- COMMAND`: any command, once it has its say-so.
//!
//! What runs is what was approved: the command is taken from the redeemed action, not from what was
//! typed.

mod secrets;
mod signals;
mod unchanged;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use sayso_client::Client;
use sayso_client::executor::Pinned;
use sayso_client::wire::{Action, Escalation, Redeemed, Report};
use serde_json::{Value, json};

use self::secrets::Secrets;
use self::unchanged::Unchanged;
use crate::ask::{propose, settle};
use crate::cli::{Common, Run};
use crate::connect::resolve;
use crate::exit::Exit;
use crate::output::{json, verdict};
use crate::text;

pub(crate) fn run(common: &Common, run: &Run) -> anyhow::Result<Exit> {
    let client = common.client()?;
    let secrets = Secrets::open(run.secrets.as_deref())?;
    secrets.check(&run.secret)?;
    let pinned = run.pin.as_deref().map(Pinned::open).transpose()?;
    // Which tool this is, the caller says: the server could name one that takes no signatures.
    let pinned = pinned.as_ref().map(|pinned| (pinned, run.tool.as_str()));
    let pinned = pinned.filter(|(pinned, tool)| pinned.covers(tool));
    let escalation = match &run.about.resume {
        Some(id) => resolve(&client, id)?,
        None => match propose(&client, &run.about, (Some(action(run)?), None))? {
            Ok(escalation) => escalation,
            Err(exit) => return Ok(exit),
        },
    };
    if let (Some(_), Some(Action { tool, .. })) = (&run.pin, &escalation.action)
        && *tool != run.tool
    {
        bail!(
            "{} is a call of {tool:?}, and with --pin you say which tool you mean: --tool {}",
            escalation.id,
            text::line(tool)
        );
    }
    let escalation = settle(common, &client, &run.about, escalation)?;
    match escalation.outcome.as_deref() {
        Some("granted") => redeem_and_run(&client, &secrets, pinned, &escalation),
        // fyi: people are told, and nothing was asked of them.
        Some("noted") => match &escalation.action {
            Some(action) if !secrets::named(action)?.is_empty() => bail!(
                "the policy lets this through without anybody's say-so, and so without secrets: \
                 give it a rule that asks people"
            ),
            Some(_) if pinned.is_some() => bail!(
                "the server says that this takes nobody's say-so, and --pin asks for signatures"
            ),
            Some(action) => Ok(execute(action, Vec::new())?.0),
            None => bail!("{} is no command", escalation.id),
        },
        _ => {
            if common.json {
                json(&escalation)?;
            } else {
                anstream::eprintln!("{}", verdict(&escalation));
                if escalation.is_pending() {
                    eprintln!("Go on later with: sayso run --resume {}", escalation.id);
                }
            }
            Ok(Exit::of(&escalation))
        }
    }
}

fn action(run: &Run) -> anyhow::Result<Action> {
    let folder = std::env::current_dir().context("can't tell the working folder")?;
    let Some(folder) = folder.to_str() else { bail!("the working folder's name is not UTF-8") };
    let mut arguments = json!({"command": run.command, "cwd": folder});
    if !run.secret.is_empty() {
        arguments["secrets"] = json!(run.secret);
    }
    let Value::Object(arguments) = arguments else { bail!("no arguments") };
    let unchanged = Unchanged::look(&run.unchanged, run.git_head, Path::new(folder))?;
    let precondition = unchanged.precondition()?;
    Ok(Action { tool: run.tool.clone(), arguments, resource: None, precondition })
}

fn redeem_and_run(
    client: &Client,
    secrets: &Secrets,
    pinned: Option<(&Pinned, &str)>,
    escalation: &Escalation,
) -> anyhow::Result<Exit> {
    let Some(permit) = &escalation.permit else {
        bail!("{} was granted, but its permit is used up: {}", escalation.id, escalation.reason);
    };
    let redeemed = client.redeem(permit)?;
    // From here on it counts as begun, whatever becomes of us: the receipt says which.
    let ready = may_run(pinned, &redeemed);
    if let Ok(Some(now)) = ready {
        return stale(client, &redeemed, now);
    }
    let released = ready.and_then(|_| secrets.release(&redeemed.action));
    let ran = released.and_then(|secrets| execute(&redeemed.action, secrets));
    let (exit, report) = match ran {
        Ok((exit, None)) => (exit, ("succeeded", None)),
        Ok((exit, Some(how))) => (exit, ("failed", Some(how))),
        Err(error) => {
            let comment = Some(format!("{error:#}"));
            let report = Report { result: "failed".into(), comment, ..Report::default() };
            if let Err(untold) = client.report(&redeemed.permit_id, &report) {
                eprintln!("sayso: the receipt that says so was not taken: {untold}");
            }
            return Err(error);
        }
    };
    let report = Report { result: report.0.into(), comment: report.1, ..Report::default() };
    if let Err(error) = client.report(&redeemed.permit_id, &report) {
        eprintln!("sayso: the command ran, but its receipt was not taken: {error}");
    }
    Ok(exit)
}

/// Whether what was redeemed may run: signed by those who are pinned, and what it was approved for
/// still holds. If that is otherwise by now, what holds instead.
fn may_run(pinned: Option<(&Pinned, &str)>, redeemed: &Redeemed) -> anyhow::Result<Option<Value>> {
    if let Some((pinned, tool)) = pinned {
        pinned.check(tool, redeemed)?;
    }
    Unchanged::moved(&redeemed.action)
}

/// Runs nothing, and has the same asked anew for how things are now.
fn stale(client: &Client, redeemed: &Redeemed, now: Value) -> anyhow::Result<Exit> {
    let report = Report { result: "stale".into(), comment: None, precondition: Some(now) };
    let told = client.report(&redeemed.permit_id, &report)?;
    let reopened = told.receipt.and_then(|receipt| receipt.reopened);
    eprintln!("sayso: nothing ran: what it was approved for has changed meanwhile");
    if let Some(id) = reopened {
        eprintln!("It is asked anew. Go on later with: sayso run --resume {id}");
    }
    Ok(Exit::Undecided)
}

/// Runs the command of an action; its exit, and what to report if it did not succeed.
fn execute(
    action: &Action,
    secrets: Vec<(String, String)>,
) -> anyhow::Result<(Exit, Option<String>)> {
    let words = action.arguments.get("command").and_then(Value::as_array);
    let words: Option<Vec<&str>> =
        words.and_then(|words| words.iter().map(Value::as_str).collect());
    let Some([program, arguments @ ..]) = words.as_deref() else {
        bail!("the approved action is no command: `command` must be a list of texts");
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(secrets);
    if let Some(folder) = action.arguments.get("cwd").and_then(Value::as_str) {
        command.current_dir(folder);
    }
    let signals = signals::catch()?;
    let mut child = command.spawn().with_context(|| format!("can't run {program}"))?;
    let status = {
        let _passing = signals.pass_on(&child);
        child.wait()
    };
    let status = status?;
    Ok(match (status.code(), status.signal()) {
        (Some(0), _) => (Exit::Of(0), None),
        (Some(code), _) => {
            (Exit::Of(u8::try_from(code).unwrap_or(255)), Some(format!("exit code {code}")))
        }
        (None, signal) => {
            let signal = signal.unwrap_or(0);
            let code = u8::try_from(128 + signal).unwrap_or(255);
            (Exit::Of(code), Some(format!("ended by signal {signal}")))
        }
    })
}
