//! `sayso approve`, `deny`, `veto`, `hold`, `take`, `retract`, `answer`: a person decides.

mod signed;

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, bail};
use sayso_client::wire::{Decide as Request, Escalation};
use sayso_client::{Client, ClientError};

use crate::cli::{Answer, Approve, Common, Decide};
use crate::connect::resolve;
use crate::exit::Exit;
use crate::output::{full, json, say, verdict};

pub(crate) fn approve(common: &Common, approve: &Approve) -> anyhow::Result<Exit> {
    let client = common.client()?;
    let escalation = resolve(&client, &approve.decide.id)?;
    let digest = approve.digest.clone().unwrap_or_else(|| escalation.digest.clone());
    let arguments = approve.arguments.as_deref().map(serde_json::from_str).transpose();
    let arguments = arguments.context("--arguments must be a JSON object")?;
    let request = Request {
        decision: "approve".into(),
        digest: Some(digest),
        comment: approve.decide.comment.clone(),
        arguments,
        ..Request::default()
    };
    if let Some(key) = approve.sign.key() {
        return sign_and_send(common, &client, &escalation, request, key, approve.yes);
    }
    if !approve.yes && escalation.is_pending() && std::io::stdin().is_terminal() {
        say!("{}\n", full(&escalation));
        if !confirmed("Approve exactly this? Type yes: ")? {
            return Ok(Exit::Undecided);
        }
    }
    send(common, &client, &escalation, &request)
}

fn confirmed(question: &str) -> anyhow::Result<bool> {
    print!("{question}");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().eq_ignore_ascii_case("yes"))
}

/// Everything that lets nothing happen: one step, no questions.
pub(crate) fn refuse(common: &Common, decision: &str, decide: &Decide) -> anyhow::Result<Exit> {
    let client = common.client()?;
    let escalation = resolve(&client, &decide.id)?;
    let request = Request {
        decision: decision.into(),
        comment: decide.comment.clone(),
        ..Request::default()
    };
    send(common, &client, &escalation, &request)
}

pub(crate) fn answer(common: &Common, answer: &Answer) -> anyhow::Result<Exit> {
    let client = common.client()?;
    let escalation = resolve(&client, &answer.id)?;
    let Some(question) = &escalation.question else {
        bail!("{} is an action: approve or deny it", escalation.id);
    };
    // Only a form takes JSON; everything else is the text as it stands.
    let value = match &question.schema {
        Some(_) => serde_json::from_str(&answer.text).context("a form is answered with JSON")?,
        None => answer.text.clone().into(),
    };
    let request = Request {
        decision: "answer".into(),
        digest: Some(escalation.digest.clone()),
        comment: answer.comment.clone(),
        answer: Some(value),
        ..Request::default()
    };
    if let Some(key) = answer.sign.key() {
        return sign_and_send(common, &client, &escalation, request, key, false);
    }
    send(common, &client, &escalation, &request)
}

fn sign_and_send(
    common: &Common,
    client: &Client,
    escalation: &Escalation,
    request: Request,
    key: &Path,
    yes: bool,
) -> anyhow::Result<Exit> {
    let signature = signed::signature(client, escalation, &request, key, yes);
    let signature = match signature {
        Ok(signature) => signature,
        Err(error) => return refused(common, error),
    };
    let Some(signature) = signature else { return Ok(Exit::Undecided) };
    send(common, client, escalation, &Request { signature: Some(signature), ..request })
}

fn send(
    common: &Common,
    client: &Client,
    escalation: &Escalation,
    request: &Request,
) -> anyhow::Result<Exit> {
    match client.decide(&escalation.id, request) {
        Ok(escalation) if common.json => json(&escalation)?,
        Ok(escalation) => say!("{}", verdict(&escalation)),
        Err(error) => return refused(common, error.into()),
    }
    Ok(Exit::Done)
}

/// What may not be is no error of ours.
fn refused(common: &Common, error: anyhow::Error) -> anyhow::Result<Exit> {
    match error.downcast_ref::<ClientError>() {
        Some(ClientError::Refused(problem)) if matches!(problem.status, 403 | 409) => {
            if common.json {
                json(problem)?;
            }
            anstream::eprintln!("{}", problem.detail);
            Ok(Exit::Refused)
        }
        _ => Err(error),
    }
}
