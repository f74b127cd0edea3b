//! `/inbox/sign`: several approvals by one signature, each of them opened before.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::{Html, Redirect};
use sayso_client::wire;
use sayso_core::signature::Batch;
use sayso_core::{EscalationId, Tier};
use sayso_engine::Intent;
use sayso_store::Query;

use super::board::Top;
use super::card::{Card, Draft};
use super::notice::{Notice, page};
use super::sign::{ToSign, Wanted, is_needed, passkey_of, signatures, to_sign};
use super::visitor::{Sent, Visitor};
use crate::Web;
use crate::api::decisions::carry_out;
use crate::api::problem::Problem;

#[derive(Template)]
#[template(path = "sign.html")]
struct Sign {
    top: Top,
    /// Whether there is a passkey to sign with.
    can: bool,
    most: usize,
    items: Vec<Card>,
}

/// Shows what waits for a signature.
pub(super) async fn show(State(web): State<Web>, visitor: Visitor) -> Result<Html<String>, Notice> {
    let query =
        Query { pending: Some(true), tier: Some(Tier::Hard), limit: 50, ..Query::default() };
    let (records, _) = web.engine.list(&query).await?;
    let mine = |record: &&std::sync::Arc<sayso_engine::Record>| {
        is_needed(record) && record.ask.action.is_some()
    };
    let items = records
        .iter()
        .filter(mine)
        .map(|record| Card::whole(&web.engine, record, &visitor, Draft::default()).shown_only());
    let directory = web.engine.authority().directory().await?;
    Ok(page(&Sign {
        can: visitor.decides() && passkey_of(&directory, &visitor).is_some(),
        most: Batch::MOST,
        items: items.collect(),
        top: Top::of(&web, &visitor),
    }))
}

/// `POST /inbox/sign/statements`: what is to be signed to approve those that were chosen.
pub(super) async fn statements(
    State(web): State<Web>,
    Sent { visitor, fields }: Sent,
) -> Result<Json<ToSign>, Problem> {
    let mut wanted = Vec::new();
    // Each as `id digest`, the digest being that of what was opened.
    for chosen in fields.all("approve") {
        let (id, digest) = chosen.split_once(' ').unwrap_or_default();
        let id: EscalationId =
            id.parse().map_err(|_| Problem::field("/approve", "names no escalation"))?;
        wanted.push(Wanted { id, digest: Some(digest.to_owned()), intent: Intent::Approve });
    }
    if wanted.is_empty() || wanted.len() > Batch::MOST {
        let detail = format!("choose 1 to {} that you have opened", Batch::MOST);
        return Err(Problem::field("/approve", detail));
    }
    Ok(Json(to_sign(&web, &visitor, wanted).await?))
}

/// `POST /inbox/sign`: approves each of those that were signed. One that is refused keeps no other
/// from being approved.
pub(super) async fn sign(
    State(web): State<Web>,
    Sent { visitor, fields }: Sent,
) -> Result<Redirect, Notice> {
    let signatures = signatures(&fields)?;
    if signatures.is_empty() {
        return Err(Notice::no_script());
    }
    let mut refused = Vec::new();
    for signature in signatures {
        let statement = sayso_core::Statement::parse(signature.statement.as_bytes());
        let statement = statement.map_err(|_| Notice::unreadable_form())?;
        let decide = wire::Decide {
            decision: "approve".into(),
            signature: Some(signature),
            ..wire::Decide::default()
        };
        let id = statement.escalation;
        if let Err(problem) = carry_out(&web.engine, &visitor.person, id, decide).await {
            refused.push(format!("{id}: {}", problem.detail()));
        }
    }
    match refused.is_empty() {
        true => Ok(Redirect::to("/inbox")),
        false => Err(Notice::not_all(&refused)),
    }
}
