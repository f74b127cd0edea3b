//! `GET /inbox/{id}`: one escalation, whole.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;
use sayso_core::{EscalationId, Event};
use sayso_engine::Record;

use super::board::Top;
use super::card::{Card, Draft, When};
use super::notice::{Notice, page};
use super::visitor::Visitor;
use crate::Web;

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    top: Top,
    card: Card,
    history: Vec<(When, &'static str)>,
}

/// Shows it.
pub(super) async fn show(
    State(web): State<Web>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Result<Html<String>, Notice> {
    let id: EscalationId = id.parse().map_err(|_| Notice::nothing_here())?;
    let record = web.engine.get(id).await?;
    Ok(of(&web, &record, &visitor, Draft::default()))
}

/// The page of an escalation, with what somebody wrote that was not taken.
pub(super) fn of(web: &Web, record: &Record, visitor: &Visitor, draft: Draft) -> Html<String> {
    let now = web.engine.now();
    let history = record.history.iter().map(|past| (When::past(past.at, now), step(&past.event)));
    page(&Page {
        top: Top::of(web, visitor),
        history: history.collect(),
        card: Card::whole(&web.engine, record, visitor, draft),
    })
}

/// An event in people's words.
fn step(event: &Event) -> &'static str {
    match event {
        Event::Proposed { .. } => "asked for",
        Event::Delivered { .. } => "shown to somebody who may veto; the window begins",
        Event::Hardened { .. } => "became hard",
        Event::Taken { .. } => "taken",
        Event::Lapsed { .. } => "the take lapsed; the window goes on",
        Event::Edited { .. } => "changed",
        Event::Approved { .. } => "approved",
        Event::Retracted { .. } => "took the approval back",
        Event::Granted { .. } => "granted",
        Event::Answered { .. } => "answered",
        Event::Denied { .. } => "denied",
        Event::Vetoed { .. } => "vetoed",
        Event::Expired => "expired, undecided",
        Event::Withdrawn => "withdrawn by the agent",
        Event::Halted { .. } => "stopped by a halt",
        Event::Noted => "told",
        Event::Frozen { .. } => "frozen by a halt",
        Event::Thawed { .. } => "the halt was lifted; it goes on",
        Event::Started { .. } => "redeemed and started",
        Event::Receipted { .. } => "the executor reported",
    }
}
