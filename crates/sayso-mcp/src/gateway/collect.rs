//! Our own tools, by which a model asks and follows what it asked for: here they also make the
//! calls that were granted meanwhile.

use std::sync::Arc;
use std::time::Duration;

use sayso_client::wire::Escalation;
use serde_json::{Map, Value};

use super::call::{ended, is_judged_for, make};
use super::frame::Outcome;
use super::said::told;
use super::session::{Asker, Session};
use crate::server::answer::Answer;
use crate::server::arguments::{self, Await, Ids, SomeIds};
use crate::server::{self, Refused, tools};

/// A call of one of our own tools.
pub(super) async fn own(
    session: &Arc<Session>,
    name: &str,
    sent: Map<String, Value>,
    rest: Map<String, Value>,
    asker: &Asker,
) -> Result<Outcome, Refused> {
    let (desk, sent) = (&session.agent.desk, Value::Object(sent));
    match name {
        tools::CHECK => {
            let Ids { ids } = arguments::read(sent)?;
            collect(session, &ids, rest, asker).await
        }
        tools::AWAIT => {
            let Await { ids, seconds } = arguments::read(sent)?;
            server::until_one_is_settled(desk, &ids, Duration::from_secs(seconds)).await?;
            collect(session, &ids, rest, asker).await
        }
        name => {
            let answer = server::answer(desk, name, sent).await;
            answer.map(|answer| told(&answer, asker.era))
        }
    }
}

/// Tells how reviews stand, and makes the calls among them that were granted meanwhile. One call's
/// result is told as the tool itself would have told it.
async fn collect(
    session: &Arc<Session>,
    ids: &SomeIds,
    rest: Map<String, Value>,
    asker: &Asker,
) -> Result<Outcome, Refused> {
    let desk = &session.agent.desk;
    let mut escalations = server::as_they_stand(&**desk, ids).await?;
    let mut results = Vec::new();
    for escalation in &mut escalations {
        let result = collected(session, escalation, &rest, asker).await?;
        if result.is_some() {
            *escalation = desk.get(&escalation.id, Duration::ZERO).await?;
        }
        results.push(result);
    }
    if let [Some(outcome)] = &results[..] {
        return Ok(outcome.clone());
    }
    let mut answer = Answer::several(&escalations);
    for (index, result) in results.into_iter().enumerate() {
        let Some(result) = result else { continue };
        match (result.value(), &result) {
            (Some(value), _) => answer.put(index, "result", value),
            (None, Outcome::Error(error)) => {
                answer.put(index, "error", serde_json::from_str(error.get()).unwrap_or_default());
            }
            (None, Outcome::Result(_)) => {}
        }
    }
    Ok(told(&answer, asker.era))
}

/// The result of a granted call, which is made if it was not yet; none, if it is no such call.
async fn collected(
    session: &Arc<Session>,
    escalation: &Escalation,
    rest: &Map<String, Value>,
    asker: &Asker,
) -> Result<Option<Outcome>, Refused> {
    let Some(action) = &escalation.action else { return Ok(None) };
    if escalation.outcome.as_deref() != Some("granted") || action.tool == tools::REQUEST {
        return Ok(None);
    }
    let place = session.catalogue.place(session, asker, &action.tool).await;
    let Some(place) = place.filter(|place| is_judged_for(session, place, escalation)) else {
        return Ok(None);
    };
    if escalation.permit.is_none() && !session.agent.held.call(&escalation.id).was_made() {
        return Ok(None);
    }
    let made = make(session, &place, rest.clone(), escalation, asker);
    ended(&made, asker).await.map(Some)
}
