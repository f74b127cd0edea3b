//! `GET /inbox/history`: what has ended, newest first.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use sayso_core::{EscalationId, Tier};
use serde::Deserialize;

use super::board::Top;
use super::card::Card;
use super::notice::{Notice, page};
use super::visitor::Visitor;
use crate::Web;

/// How many escalations one page shows.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "history.html")]
struct History {
    top: Top,
    cards: Vec<Card>,
    /// The tier shown, or all.
    tier: &'static str,
    /// Where the next page begins.
    next: Option<String>,
}

/// Which part of it.
#[derive(Deserialize)]
pub(super) struct Part {
    before: Option<EscalationId>,
    tier: Option<Tier>,
}

/// Shows it.
pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    part: Result<Query<Part>, axum::extract::rejection::QueryRejection>,
) -> Result<Html<String>, Notice> {
    let Query(Part { before, tier }) = part.map_err(|_| Notice::nothing_here())?;
    let query = sayso_store::Query {
        pending: Some(false),
        tier,
        before,
        limit: PAGE,
        ..Default::default()
    };
    let (records, next) = web.engine.list(&query).await?;
    let cards = records.iter().map(|record| Card::brief(&web.engine, record, &visitor));
    Ok(page(&History {
        top: Top::of(&web, &visitor),
        cards: cards.collect(),
        tier: tier.map_or("", Tier::word),
        next: next.map(|next| next.to_string()),
    }))
}
