//! `sayso run -- COMMAND`: any command, once it has its say-so.
//!
//! What runs is what was approved: the command is taken from the redeemed action, not from what was
//! typed.

mod secrets;
mod signals;

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use anyhow::{Context, bail};
use sayso_client::Client;
use sayso_client::wire::{Action, Escalation, Report};
use serde_json::{Value, json};

use self::secrets::Secrets;
use crate::ask::{propose, settle};
use crate::cli::{Common, Run};
use crate::connect::resolve;
use crate::exit::Exit;
use crate::output::{json, verdict};

pub(crate) fn run(common: &Common, run: &Run) -> anyhow::Result<Exit> {
    let client = common.client()?;
    let secrets = Secrets::open(run.secrets.as_deref())?;
    secrets.check(&run.secret)?;
    let escalation = match &run.about.resume {
        Some(id) => resolve(&client, id)?,
        None => match propose(&client, &run.about, (Some(action(run)?), None))? {
            Ok(escalation) => escalation,
            Err(exit) => return Ok(exit),
        },
    };
    let escalation = settle(common, &client, &run.about, escalation)?;
    match escalation.outcome.as_deref() {
        Some("granted") => redeem_and_run(&client, &secrets, &escalation),
        // fyi: people are told, and nothing was asked of them.
        Some("noted") => match &escalation.action {
            Some(action) if !secrets::named(action)?.is_empty() => bail!(
                "the policy lets this through without anybody's say-so, and so without secrets: \
                 give it a rule that asks people"
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
    Ok(Action { tool: run.tool.clone(), arguments, resource: None, precondition: None })
}

fn redeem_and_run(
    client: &Client,
    secrets: &Secrets,
    escalation: &Escalation,
) -> anyhow::Result<Exit> {
    let Some(permit) = &escalation.permit else {
        bail!("{} was granted, but its permit is used up: {}", escalation.id, escalation.reason);
    };
    let redeemed = client.redeem(permit)?;
    // From here on it counts as begun, whatever becomes of us: the receipt says which.
    let released = secrets.release(&redeemed.action);
    let ran = released.and_then(|secrets| execute(&redeemed.action, secrets));
    let (exit, report) = match ran {
        Ok((exit, None)) => (exit, ("succeeded", None)),
        Ok((exit, Some(how))) => (exit, ("failed", Some(how))),
        Err(error) => {
            let report = Report { result: "failed".into(), comment: Some(format!("{error:#}")) };
            client.report(&redeemed.permit_id, &report)?;
            return Err(error);
        }
    };
    let report = Report { result: report.0.into(), comment: report.1 };
    if let Err(error) = client.report(&redeemed.permit_id, &report) {
        eprintln!("sayso: the command ran, but its receipt was not taken: {error}");
    }
    Ok(exit)
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
