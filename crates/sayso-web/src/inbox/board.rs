//! `GET /inbox`: what waits for people, the most pressing first.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Html;
use sayso_core::credential::Role;
use sayso_core::{EscalationId, Tier};
use sayso_engine::Record;
use serde::Deserialize;

use super::assets;
use super::card::Card;
use super::notice::{Notice, page};
use super::sign::is_needed;
use super::text::Text;
use super::visitor::Visitor;
use crate::Web;

/// How many open escalations one page shows.
const OPEN: usize = 200;
/// How many notes one page shows.
const NOTES: usize = 20;

/// What stands at the top of every page of somebody who is logged in.
pub(super) struct Top {
    pub(super) name: Text,
    pub(super) token: String,
    pub(super) listens: bool,
    pub(super) owns: bool,
    pub(super) halts: Vec<(Text, Text)>,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    pub(super) keys: &'static str,
    pub(super) sign: &'static str,
}

impl Top {
    pub(super) fn of(web: &Web, visitor: &Visitor) -> Self {
        let halts = web.engine.halts();
        Self {
            name: Text::new(visitor.person.name().as_str()),
            token: visitor.form_token(),
            listens: visitor.decides(),
            owns: visitor.person.is(Role::Owner),
            halts: halts
                .iter()
                .map(|halt| (Text::new(&halt.scope.to_string()), Text::new(halt.by.as_str())))
                .collect(),
            style: assets::style(),
            script: assets::script(),
            keys: assets::keys(),
            sign: assets::sign(),
        }
    }
}

#[derive(Template)]
#[template(path = "board.html")]
struct Board {
    top: Top,
    done: Option<Card>,
    /// Whether there are several to sign at once.
    several: bool,
    hard: Vec<Card>,
    soft: Vec<Card>,
    notes: Vec<Card>,
    /// How many more are open than have room.
    more: bool,
}

/// What came before.
#[derive(Deserialize)]
pub(super) struct Before {
    /// What was just decided.
    done: Option<EscalationId>,
}

/// Shows it.
pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    before: Result<Query<Before>, QueryRejection>,
) -> Result<Html<String>, Notice> {
    let engine = &web.engine;
    let open = sayso_store::Query { pending: Some(true), limit: OPEN, ..Default::default() };
    let (open, more) = engine.list(&open).await?;
    let notes = sayso_store::Query {
        pending: Some(false),
        tier: Some(Tier::Fyi),
        limit: NOTES,
        ..Default::default()
    };
    let (notes, _) = engine.list(&notes).await?;
    let card = |record: &Arc<Record>| Card::brief(engine, record, &visitor);
    let (hard, mut soft): (Vec<_>, Vec<_>) =
        open.iter().partition(|record| record.escalation.tier() == Tier::Hard);
    // What ends first comes first, and what stands still comes last.
    soft.sort_by_key(|record| {
        let deadline = record.escalation.deadline(&engine.moment(record));
        (deadline.is_none(), deadline, record.escalation.created_at())
    });
    let done = match before.ok().and_then(|Query(before)| before.done) {
        Some(id) => engine.find(id).await?,
        None => None,
    };
    Ok(page(&Board {
        top: Top::of(&web, &visitor),
        // What is still open stands in its list, with what was said about it.
        done: done.filter(|record| !record.escalation.is_pending()).as_ref().map(card),
        several: visitor.signs && hard.iter().filter(|record| is_needed(record)).count() > 1,
        // Oldest first: whoever has waited longest.
        hard: hard.into_iter().rev().map(card).collect(),
        soft: soft.into_iter().map(card).collect(),
        notes: notes.iter().map(card).collect(),
        more: more.is_some(),
    }))
}
