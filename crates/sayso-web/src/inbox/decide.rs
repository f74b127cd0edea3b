//! `POST /inbox/{id}/decisions`: a person decides on what their page showed.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use sayso_client::wire;
use sayso_core::json::{self, Limits};
use sayso_engine::Record;
use serde_json::{Map, Value};

use super::answer::filled_in;
use super::card::Draft;
use super::notice::Notice;
use super::page;
use super::sign::signatures;
use super::text::Text;
use super::visitor::{Fields, Sent};
use crate::Web;
use crate::api::decisions::carry_out;
use crate::api::escalations::escalation_id;
use crate::api::problem::Problem;

/// Decides, and shows what came of it; or shows the page again with what was written and why it
/// was not taken.
pub(super) async fn decide(
    State(web): State<Web>,
    Path(id): Path<String>,
    Sent { visitor, fields }: Sent,
) -> Result<Response, Notice> {
    let id = escalation_id(&id)?;
    let record = web.engine.get(id).await?;
    let signature = signatures(&fields)?.pop();
    let said = match read(&fields, &record) {
        Ok(decide) => {
            let decide = wire::Decide { signature, ..decide };
            carry_out(&web.engine, &visitor.person, id, decide).await.map(|_| ())
        }
        Err(problem) => Err(problem),
    };
    let Err(problem) = said else {
        let to = match fields.get("from") {
            Some("page") => format!("/inbox/{id}"),
            _ => format!("/inbox?done={id}"),
        };
        return Ok(Redirect::to(&to).into_response());
    };
    let draft = Draft {
        problem: Some(Text::new(&sentence(problem.detail()))),
        comment: fields.get("comment").unwrap_or_default().to_owned(),
        arguments: fields.get("arguments").map(str::to_owned),
    };
    let status = StatusCode::from_u16(problem.status()).unwrap_or_default();
    let record = web.engine.get(id).await?;
    Ok((status, page::of(&web, &record, &visitor, draft)).into_response())
}

pub(super) fn read(fields: &Fields, record: &Record) -> Result<wire::Decide, Problem> {
    let decision = fields.get("decision").unwrap_or_default();
    let is_edit = decision == "edit";
    let arguments = fields.get("arguments").filter(|_| is_edit).map(arguments).transpose()?;
    let question = record.ask.question.as_ref().filter(|_| decision == "answer");
    Ok(wire::Decide {
        decision: if is_edit { "approve".into() } else { decision.into() },
        digest: fields.get("digest").map(str::to_owned),
        version: None,
        comment: fields.text("comment"),
        arguments,
        answer: question.and_then(|question| filled_in(question, fields)),
        signature: None,
    })
}

/// The edited arguments, through the same door as every agent's.
fn arguments(text: &str) -> Result<Map<String, Value>, Problem> {
    json::read_into(text.as_bytes(), Limits::default())
        .map_err(|bad| Problem::field("/arguments", format!("The arguments: {bad}")))
}

/// The text as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
