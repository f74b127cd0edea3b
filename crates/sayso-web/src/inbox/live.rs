//! `GET /inbox/events`: what an open page is told. While a reviewer has one open, somebody
//! listens.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::card::Card;
use super::notice::Notice;
use super::visitor::{Visitor, same_site};
use crate::Web;
use crate::feed::Feed;

/// Everything open, then everything that happens: each time the escalation's card as it is now.
pub(super) async fn events(
    State(web): State<Web>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Notice> {
    // Another site must not make a listener of somebody who sees nothing.
    same_site(&web, &headers)?;
    let after = headers.get("last-event-id");
    let after = after.and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let listens = visitor.decides();
    let feed = Feed {
        engine: web.engine.clone(),
        after,
        channel: "inbox".into(),
        listens,
        agent: None,
        credential: visitor.person.credential(),
        write: Arc::new(move |engine, word, record| {
            let card = Card::brief(engine, record, &visitor);
            let told = json!({
                "id": card.id,
                "tier": card.tier,
                "state": card.state,
                "word": word,
                "card": card.to_string(),
            });
            format!("data: {told}\n")
        }),
        stop: web.stop.clone(),
    };
    Ok(feed.into_response())
}
