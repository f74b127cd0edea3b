//! `POST /v1/escalations/{id}/decisions`: people decide.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sayso_client::wire;
use sayso_core::credential::Person;
use sayso_core::decision::{Says, Seen};
use sayso_core::signature::{Batch, Domain, Signature};
use sayso_core::statement::SignedStatement;
use sayso_core::{Digest, EscalationId, Statement};
use sayso_engine::{Engine, Intent, Record, ToSign};
use serde_json::{Map, Value};

use super::body::Strict;
use super::caller::PersonCaller;
use super::escalations::escalation_id;
use super::problem::Problem;
use super::view;
use crate::Web;

/// The longest comment, in characters.
const LONGEST_COMMENT: usize = 4_000;

/// Decide: bound to the digest that was seen.
#[utoipa::path(
    post, path = "/v1/escalations/{id}/decisions", tag = "decisions",
    params(("id" = String, Path, description = "The escalation's id")),
    request_body(content = wire::Decide, example = json!({
        "decision": "approve",
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "comment": "Checked the backup first.",
    })),
    responses(
        (status = 200, description = "The escalation after it", body = wire::Escalation),
        (status = 403, description = "An agent never decides", body = wire::Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "Not what is open now", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = []))
)]
pub(super) async fn decide(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(id): Path<String>,
    body: Strict<wire::Decide>,
) -> Result<Json<wire::Escalation>, Problem> {
    let record = carry_out(&web.engine, &person, escalation_id(&id)?, body.value).await?;
    Ok(Json(view::escalation(&web.engine, &record)))
}

/// Ask for the statement to sign, to approve or answer by a signature of one's own.
#[utoipa::path(
    post, path = "/v1/escalations/{id}/statements", tag = "decisions",
    params(("id" = String, Path, description = "The escalation's id")),
    request_body(content = wire::Sign, example = json!({
        "decision": "approve",
        "key": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    })),
    responses(
        (status = 200, description = "What to sign; nothing is decided yet", body = wire::ToSign),
        (status = 403, description = "The key does not sign for this person", body = wire::Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "Not what is open now", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = []))
)]
pub(super) async fn statement(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(id): Path<String>,
    body: Strict<wire::Sign>,
) -> Result<Json<wire::ToSign>, Problem> {
    let id = escalation_id(&id)?;
    let wire::Sign { decision, key, arguments, answer } = body.value;
    let key = key.parse().map_err(|_| Problem::field("/key", "is not the id of a key"))?;
    let intent = intent(&decision, arguments, answer)?;
    let ToSign { statement, display } = web.engine.to_sign(id, &person, intent, key).await?;
    let bytes = statement.bytes();
    Ok(Json(wire::ToSign {
        digest: statement.digest().to_string(),
        display,
        namespace: Domain::Decision.tag().into(),
        challenge: URL_SAFE_NO_PAD.encode(Domain::Decision.challenge(&bytes).as_bytes()),
        expires_at: statement.expires_at.to_string(),
        statement: String::from_utf8_lossy(&bytes).into_owned(),
    }))
}

/// What can be signed of what a person may say.
pub(crate) fn intent(
    decision: &str,
    arguments: Option<Map<String, Value>>,
    answer: Option<Value>,
) -> Result<Intent, Problem> {
    match (decision, arguments, answer) {
        ("approve", None, None) => Ok(Intent::Approve),
        ("approve", Some(arguments), None) => Ok(Intent::ApproveEdited(arguments)),
        ("answer", None, Some(answer)) => Ok(Intent::Answer(answer)),
        ("answer", None, None) => Err(Problem::field("/answer", "is missing: what is the answer?")),
        ("approve" | "answer", _, _) => {
            let detail = "`arguments` go with `approve`, `answer` with `answer`";
            Err(Problem::field("/decision", detail))
        }
        _ => {
            let detail = "only `approve` and `answer` are signed; refusing takes no signature";
            Err(Problem::field("/decision", detail))
        }
    }
}

/// Reads a signature; whether it holds is for the law to see.
pub(crate) fn read_signature(signature: wire::Signature) -> Result<SignedStatement, Problem> {
    let wire::Signature { statement, proof, batch } = signature;
    let statement = Statement::parse(statement.as_bytes())
        .map_err(|bad| Problem::field("/signature/statement", bad.to_string()))?;
    let proof = serde_json::from_value(proof)
        .map_err(|bad| Problem::field("/signature/proof", bad.to_string()))?;
    let batch = batch.map(|digests| {
        let digests = digests.iter().map(|digest| digest.parse::<Digest>());
        let digests = digests.collect::<Result<_, _>>().map_err(|bad| bad.to_string())?;
        Batch::new(digests).map_err(|bad| bad.to_string())
    });
    let batch = batch.transpose().map_err(|bad| Problem::field("/signature/batch", bad))?;
    Ok(SignedStatement { statement, signature: Signature { proof, batch } })
}

/// Checks what a person sent and lets the engine decide.
pub(crate) async fn carry_out(
    engine: &Engine,
    person: &Person,
    id: EscalationId,
    decide: wire::Decide,
) -> Result<Arc<Record>, Problem> {
    let wire::Decide { decision, digest, version, comment, arguments, answer, signature } = decide;
    let digest = digest.map(|digest| digest.parse::<Digest>()).transpose();
    let digest = digest.map_err(|bad| Problem::field("/digest", bad.to_string()))?;
    let seen = Seen { digest, version };
    if comment.as_ref().is_some_and(|comment| comment.chars().count() > LONGEST_COMMENT) {
        let detail = format!("must have at most {LONGEST_COMMENT} characters");
        return Err(Problem::field("/comment", detail));
    }
    if arguments.is_some() && decision != "approve" {
        return Err(Problem::field("/arguments", "go with `approve` only"));
    }
    if answer.is_some() && decision != "answer" {
        return Err(Problem::field("/answer", "goes with `answer` only"));
    }
    if let Some(signature) = signature {
        let signed = read_signature(signature)?;
        if digest.is_some_and(|digest| digest != signed.statement.digest) {
            return Err(Problem::field("/digest", "is not the one that was signed"));
        }
        let intent = intent(&decision, arguments, answer)?;
        return Ok(engine.decide_signed(id, person, intent, signed, comment).await?);
    }
    let says = match (decision.as_str(), arguments) {
        ("approve", Some(arguments)) => {
            return Ok(engine.approve_edited(id, person, arguments, seen, comment).await?);
        }
        ("approve", None) => Says::Approve,
        ("deny", _) => Says::Deny,
        ("veto", _) => Says::Veto,
        ("hold", _) => Says::Hold,
        ("take", _) => Says::Take,
        ("retract", _) => Says::Retract,
        ("answer", _) => Says::Answer(
            answer.ok_or_else(|| Problem::field("/answer", "is missing: what is the answer?"))?,
        ),
        _ => {
            let detail = "is one of `approve`, `deny`, `veto`, `hold`, `answer`, `take`, `retract`";
            return Err(Problem::field("/decision", detail));
        }
    };
    Ok(engine.decide(id, person, says, seen, comment).await?)
}
