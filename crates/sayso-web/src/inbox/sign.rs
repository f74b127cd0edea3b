//! Signing by passkey: what a page asks the browser to sign, and what comes back with the form.

use axum::Json;
use axum::extract::{Path, State};
use sayso_client::wire;
use sayso_core::signature::{Batch, Domain, Passkey, PersonKey};
use sayso_core::{Digest, Directory, EscalationId, Statement};
use sayso_engine::{Intent, Record};
use serde::Serialize;
use serde_json::{Value, json};

use super::decide::read;
use super::notice::Notice;
use super::passkey::{self, Signed};
use super::visitor::{Fields, Sent, Visitor};
use crate::Web;
use crate::api::decisions::intent;
use crate::api::escalations::escalation_id;
use crate::api::problem::Problem;

/// What the script is told to have signed.
#[derive(Serialize)]
pub(super) struct ToSign {
    /// The statements, to be sent back.
    pub(super) statements: Vec<String>,
    /// The texts that are signed, to be displayed.
    pub(super) display: Vec<String>,
    /// What the browser is asked for.
    pub(super) options: Value,
}

/// The passkey that a visitor signs with: the one they logged in with, if it counts, else another
/// that does.
pub(super) fn passkey_of<'a>(
    directory: &'a Directory,
    visitor: &Visitor,
) -> Option<(Digest, &'a Passkey)> {
    let counts = directory
        .keys()
        .filter(|(_, key)| key.counts() && key.person == *visitor.person.name())
        .filter_map(|(id, key)| match &key.key {
            PersonKey::Passkey(passkey) => Some((*id, passkey)),
            PersonKey::Ssh(_) => None,
        });
    let all: Vec<_> = counts.collect();
    let logged_in = all.iter().find(|(id, _)| visitor.passkey == Some(*id));
    logged_in.or(all.first()).copied()
}

/// `POST /inbox/{id}/statements`: what is to be signed, for the decision that the form holds.
pub(super) async fn statement(
    State(web): State<Web>,
    Path(id): Path<String>,
    Sent { visitor, fields }: Sent,
) -> Result<Json<ToSign>, Problem> {
    let id = escalation_id(&id)?;
    let record = web.engine.get(id).await?;
    let wire::Decide { decision, digest, arguments, answer, .. } = read(&fields, &record)?;
    let wanted = Wanted { id, digest, intent: intent(&decision, arguments, answer)? };
    Ok(Json(to_sign(&web, &visitor, vec![wanted]).await?))
}

/// What somebody means to sign about an escalation.
pub(super) struct Wanted {
    pub(super) id: EscalationId,
    /// What they saw.
    pub(super) digest: Option<String>,
    pub(super) intent: Intent,
}

/// One statement, or several in a batch, for the visitor's passkey.
pub(super) async fn to_sign(
    web: &Web,
    visitor: &Visitor,
    wanted: Vec<Wanted>,
) -> Result<ToSign, Problem> {
    let directory = web.engine.authority().directory().await?;
    let rp = passkey::relying_party(&web.public_url);
    let (Some((key, own)), Some(rp)) = (passkey_of(&directory, visitor), rp) else {
        let detail = "you have no passkey here that counts: add one under Keys, and have \
                      somebody vouch for it";
        return Err(Problem::new(crate::api::problem::FORBIDDEN, detail));
    };
    let (mut statements, mut display) = (Vec::new(), Vec::new());
    for Wanted { id, digest, intent } in wanted {
        let one = web.engine.to_sign(id, &visitor.person, intent, key).await?;
        if digest.is_some_and(|seen| seen != one.statement.digest.to_string()) {
            let detail = "it has changed since you saw it: look again";
            return Err(Problem::new(crate::api::problem::DIGEST_MOVED, detail));
        }
        statements.push(one.statement);
        display.push(one.display);
    }
    let challenge = match &*statements {
        [one] => Domain::Decision.challenge(&one.bytes()),
        several => Domain::Batch.challenge(&batch(several)?.bytes()),
    };
    Ok(ToSign {
        statements: statements.iter().map(text).collect(),
        display,
        options: passkey::request(&rp, challenge.as_bytes(), &[own]),
    })
}

fn text(statement: &Statement) -> String {
    String::from_utf8_lossy(&statement.bytes()).into_owned()
}

fn batch(statements: &[Statement]) -> Result<Batch, Problem> {
    let digests = statements.iter().map(Statement::digest).collect();
    Batch::new(digests).map_err(|bad| Problem::field("/statements", bad.to_string()))
}

/// The signatures that came with a form: one for each statement, all by the same touch.
pub(super) fn signatures(fields: &Fields) -> Result<Vec<wire::Signature>, Notice> {
    let Some(credential) = fields.get("credential") else { return Ok(Vec::new()) };
    let signed = Signed::read(credential).map_err(|_| Notice::unreadable_form())?;
    let statements = fields.get("statements").unwrap_or_default();
    let statements: Vec<String> =
        serde_json::from_str(statements).map_err(|_| Notice::unreadable_form())?;
    let batch = (statements.len() > 1)
        .then(|| statements.iter().map(|text| Digest::of(text.as_bytes()).to_string()).collect());
    let mut proof = json!(signed.assertion);
    proof["kind"] = "passkey".into();
    let signature =
        |statement| wire::Signature { statement, proof: proof.clone(), batch: batch.clone() };
    Ok(statements.into_iter().map(signature).collect())
}

/// Whether approving this takes a signature.
pub(super) fn is_needed(record: &Record) -> bool {
    record.escalation.verdict().assurance == sayso_core::decision::Assurance::Signed
}
