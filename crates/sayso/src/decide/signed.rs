//! Deciding by signature: this machine says what is signed, whatever the server says of it.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use sayso_client::{Client, wire};
use sayso_core::signature::Domain;
use sayso_core::statement::{Decision, Displayed, answer_digest, display};
use sayso_core::{Action, Digest, Question, Statement, json};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::output::say;
use crate::sign::Signer;

/// Fetches the statement by which `request` would be said, shows it, and signs it with that key;
/// nothing, if whoever is asked says no.
pub(super) fn signature(
    client: &Client,
    escalation: &wire::Escalation,
    request: &wire::Decide,
    key: &Path,
    yes: bool,
) -> anyhow::Result<Option<wire::Signature>> {
    let signer = Signer::open(key)?;
    let id = signer.key().id();
    let sign = wire::Sign {
        decision: request.decision.clone(),
        key: id.to_string(),
        arguments: request.arguments.clone(),
        answer: request.answer.clone(),
    };
    let handed = client.statement(&escalation.id, &sign)?;
    let statement = Statement::parse(handed.statement.as_bytes())?;
    let me = client.me()?.name;
    let text = checked(&statement, escalation, request, id, &me)
        .context("the server hands out something else to sign than it shows; nothing was signed")?;

    say!("{text}");
    say!("signed by {} in the workspace {}", statement.reviewer, statement.workspace);
    say!("with the key {}\n", signer.key().fingerprint());
    if !yes && std::io::stdin().is_terminal() && !super::confirmed("Sign exactly this? Type yes: ")?
    {
        return Ok(None);
    }
    let proof = signer.sign(Domain::Decision, handed.statement.as_bytes())?;
    let proof = serde_json::to_value(proof).context("the signature can't be sent")?;
    Ok(Some(wire::Signature { statement: handed.statement, proof, batch: None }))
}

/// The text that is signed, made here of what was asked for; it is the statement's, or this fails.
fn checked(
    statement: &Statement,
    escalation: &wire::Escalation,
    request: &wire::Decide,
    key: Digest,
    me: &str,
) -> anyhow::Result<String> {
    ensure!(statement.escalation.to_string() == escalation.id, "it is for another escalation");
    ensure!(statement.key == key, "it is for another key");
    ensure!(statement.reviewer.as_str() == me, "it is for another reviewer");
    let says = match statement.decision {
        Decision::Approve => "approve",
        Decision::Answer => "answer",
    };
    ensure!(says == request.decision, "it is for another decision");
    ensure!(
        request.digest.as_deref().is_none_or(|seen| seen == statement.digest.to_string()),
        "it has changed; look at it again"
    );

    let (agent, audience, tier) = (&statement.agent, &statement.audience, statement.tier);
    let text = match (&escalation.action, &escalation.question, &request.answer) {
        (Some(action), _, None) => {
            let action: Action = same(action)?;
            ensure!(statement.digest == action.digest(), "its digest is not the action's");
            let edited = request.arguments.clone().map(|new| action.with_arguments(new));
            let digest = edited.as_ref().map(Action::digest);
            ensure!(statement.edited == digest, "its arguments are not those that were given");
            display(Displayed::Action(edited.as_ref().unwrap_or(&action)), agent, audience, tier)
        }
        (_, Some(question), Some(answer)) => {
            let question: Question = same(question)?;
            ensure!(statement.digest == question.digest(), "its digest is not the question's");
            let digest = Some(answer_digest(answer));
            ensure!(statement.answer == digest, "its answer is not the one that was given");
            display(Displayed::Answer(&question, answer), agent, audience, tier)
        }
        _ => bail!("what is asked was erased, or is not answered like that"),
    };
    ensure!(statement.display == Digest::of(text.as_bytes()), "it is for another text");
    Ok(text)
}

/// The law's type for what the wire has, read as strictly as everywhere.
fn same<T: DeserializeOwned>(value: &impl Serialize) -> anyhow::Result<T> {
    let text = serde_json::to_vec(value)?;
    Ok(json::read_into(&text, json::Limits::default())?)
}
