//! The doorbell: clients that can show their person a page (elicitation by URL) are asked to show
//! where to decide, once for each review. What they answer decides nothing.

use std::sync::Arc;

use sayso_client::wire::Escalation;
use serde_json::{Value, json};

use super::eras::{self, Era};
use super::frame::Outcome;
use super::held::Call;
use super::session::{Asker, Session};

/// Rings, if that is wanted, possible and new. A modern client is answered with the ring, and asks
/// again when it was heard.
pub(super) async fn ring(
    session: &Arc<Session>,
    escalation: &Escalation,
    call: &Call,
    asker: &Asker,
) -> Option<Outcome> {
    let url = session.agent.desk.page(&escalation.id).filter(|_| session.shared.doorbell)?;
    let hello = session.hello.get();
    let can = match asker.era {
        Era::Modern => eras::can(asker.meta.as_ref(), &["elicitation", "url"]),
        Era::Legacy => hello.is_some_and(|hello| {
            !hello["capabilities"]["elicitation"]["url"].is_null() && asker.back.is_heard()
        }),
    };
    let token = if can { call.ring()? } else { return None };
    let params = params(escalation, &url);
    if asker.era == Era::Legacy {
        session.show(&asker.back, params).await;
        return None;
    }
    Some(Outcome::result(&json!({
        "resultType": "input_required",
        "inputRequests": {"decide": {"method": "elicitation/create", "params": params}},
        "requestState": token,
    })))
}

fn params(escalation: &Escalation, url: &str) -> Value {
    let tool = escalation.action.as_ref().map_or("a question", |action| &action.tool);
    json!({
        "mode": "url",
        "message": format!("{tool} waits for a person ({}).", escalation.tier),
        "url": url,
        // Gone from the modern revision, but clients of it fail without.
        "elicitationId": escalation.id,
    })
}
