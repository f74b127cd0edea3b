//! A tool's call: judged, held for as long as it takes, made once with what was judged.

use std::sync::Arc;
use std::time::Duration;

use sayso_client::wire::{Action, Escalation, Propose, Redeemed, Report};
use sayso_core::json::{self, Limits};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::client::Session;
use super::definitions;
use super::frame::{INVALID_PARAMS, Outcome, raw};
use super::listing::Place;
use super::merge::VERSION;
use crate::server::answer::Answer;
use crate::server::arguments::{self, Await, Ids, SomeIds};
use crate::server::{self, Refused, tools};

/// The members of a call's params that we know.
const MEMBERS: [&str; 6] = ["name", "arguments", "_meta", "task", "inputResponses", "requestState"];

/// A call as the client sent it, read strictly.
struct Call {
    /// All of the params but the name and the arguments.
    rest: Map<String, Value>,
    name: String,
    arguments: Map<String, Value>,
}

impl Call {
    fn read(params: &RawValue) -> Result<Self, String> {
        let params = json::read(params.get().as_bytes(), Limits::default());
        let Value::Object(mut rest) = params.map_err(|bad| bad.to_string())? else {
            return Err("the params of a call are an object".into());
        };
        let odd = |name: &&String| {
            !MEMBERS.contains(&name.as_str())
                && MEMBERS.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        if let Some(odd) = rest.keys().find(odd) {
            return Err(format!("{odd:?} differs from a known member by its case only"));
        }
        let Some(Value::String(name)) = rest.remove("name") else {
            return Err("`name` is missing".into());
        };
        let arguments = match rest.remove("arguments") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(arguments)) => arguments,
            Some(_) => return Err("`arguments` must be an object".into()),
        };
        // We don't answer with tasks, so that nobody behind us must be asked for one.
        rest.remove("task");
        Ok(Self { rest, name, arguments })
    }

    fn meta(&self) -> Option<&Value> {
        self.rest.get("_meta")
    }

    /// Whether the client speaks the revision in which results say what they are.
    fn is_modern(&self) -> bool {
        self.meta().is_some_and(|meta| meta.get(VERSION).is_some())
    }
}

/// Answers `tools/call`.
pub(super) async fn call(session: &Session, params: Option<&RawValue>) -> Outcome {
    let read = params.ok_or_else(|| "`params` are missing".to_owned()).and_then(Call::read);
    let call = match read {
        Ok(call) => call,
        Err(wrong) => return Outcome::error(INVALID_PARAMS, &wrong),
    };
    let modern = call.is_modern();
    if tools::all().iter().any(|tool| tool.name == call.name) {
        return own(session, call).await.unwrap_or_else(|refused| refusal(&refused, modern));
    }
    let place = session.catalogue.place(session, call.meta(), &call.name).await;
    let Some(place) = place else {
        return Outcome::error(INVALID_PARAMS, &format!("there is no tool {:?}", call.name));
    };
    governed(session, call, &place).await.unwrap_or_else(|refused| refusal(&refused, modern))
}

/// A call of a tool of a server behind us.
async fn governed(session: &Session, call: Call, place: &Place) -> Result<Outcome, Refused> {
    let modern = call.is_modern();
    let action = Action {
        tool: call.name.clone(),
        arguments: call.arguments.clone(),
        resource: None,
        precondition: None,
    };
    let server = &session.upstreams[place.server].name;
    let change = session.definitions.change(server, &place.name);
    let propose = Propose {
        action: Some(action),
        server: Some(server.clone()),
        tier: change.as_ref().map(|_| "hard".into()),
        context: change.as_deref().map(definitions::context),
        join: true,
        ..Propose::default()
    };
    if let (Ok(tool), None) = (call.name.parse(), &change) {
        let arguments = call.arguments.clone();
        let action = sayso_core::Action { tool, arguments, resource: None, precondition: None };
        if session.ahead.lets_through(&action, &propose).await {
            return Ok(forward(session, place, call.rest, call.arguments).await);
        }
    }
    let mut escalation = session.desk.propose(&propose).await?;
    if escalation.state == "pending" && !session.grace.is_zero() {
        escalation = session.desk.get(&escalation.id, session.grace).await?;
    }
    match escalation.outcome.as_deref() {
        Some("noted") => Ok(forward(session, place, call.rest, call.arguments).await),
        Some("granted") => make(session, place, call.rest, &escalation).await,
        _ => Ok(told(&Answer::one(&escalation), modern)),
    }
}

/// Makes a granted call, unless it has been made: then what came of it.
async fn make(
    session: &Session,
    place: &Place,
    rest: Map<String, Value>,
    escalation: &Escalation,
) -> Result<Outcome, Refused> {
    let made = session.held.call(&escalation.id);
    // Whoever asks meanwhile waits here, and finds the result.
    let mut made = made.lock().await;
    if let Some(outcome) = &*made {
        return Ok(outcome.clone());
    }
    let Some(permit) = &escalation.permit else {
        let reason = format!("was granted and used already. {}", escalation.reason);
        return Err(Refused::field("this call", reason));
    };
    // A grant is not spent on a server that can't be reached.
    if session.upstreams[place.server].is_gone() {
        return Ok(session.upstreams[place.server].gone());
    }
    // When this returns, `started` is on disk.
    let Redeemed { action, permit_id, .. } = session.desk.redeem(permit).await?;
    let server = &session.upstreams[place.server].name;
    // Only if who approved it was shown the definition as it is now.
    let change = session.definitions.change(server, &place.name);
    if change.is_some_and(|change| escalation.context == Some(definitions::context(&change))) {
        session.definitions.accept(server, &place.name);
    }
    let outcome = forward(session, place, rest, action.arguments).await;
    *made = Some(outcome.clone());
    drop(made);
    let report = Report { result: result_of(&outcome).into(), comment: None };
    // If this is not taken, the receipt becomes `unknown` by itself and people are shown that.
    let _ = session.desk.report(&permit_id, &report).await;
    Ok(outcome)
}

/// What a receipt says of an outcome.
fn result_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Result(_) => {
            let is_error = outcome.value().is_some_and(|result| result["isError"] == true);
            if is_error { "failed" } else { "succeeded" }
        }
        Outcome::Error(error) => {
            let error: Value = serde_json::from_str(error.get()).unwrap_or_default();
            // Gone in the middle of it: it may have been done or not.
            let gone = error["code"] == super::frame::UPSTREAM_GONE;
            if gone { "unknown" } else { "failed" }
        }
    }
}

/// Sends a call to its server: written anew from what was judged, never the client's bytes.
async fn forward(
    session: &Session,
    place: &Place,
    mut params: Map<String, Value>,
    arguments: Map<String, Value>,
) -> Outcome {
    params.insert("name".into(), place.name.clone().into());
    params.insert("arguments".into(), arguments.into());
    session.upstreams[place.server].ask("tools/call", &raw(&params)).await
}

/// A call of one of our own tools.
async fn own(session: &Session, call: Call) -> Result<Outcome, Refused> {
    let modern = call.is_modern();
    let sent = Value::Object(call.arguments);
    match call.name.as_str() {
        tools::CHECK => {
            let Ids { ids } = arguments::read(sent)?;
            collect(session, &ids, call.rest, modern).await
        }
        tools::AWAIT => {
            let Await { ids, seconds } = arguments::read(sent)?;
            server::until_one_is_settled(&session.desk, &ids, Duration::from_secs(seconds)).await?;
            collect(session, &ids, call.rest, modern).await
        }
        name => {
            let answer = server::answer(&session.desk, name, sent).await;
            answer.map(|answer| told(&answer, modern))
        }
    }
}

/// Tells how reviews stand, and makes the calls among them that were granted meanwhile. One call's
/// result is told as the tool itself would have told it.
async fn collect(
    session: &Session,
    ids: &SomeIds,
    rest: Map<String, Value>,
    modern: bool,
) -> Result<Outcome, Refused> {
    let mut escalations = server::as_they_stand(&*session.desk, ids).await?;
    let mut results = Vec::new();
    for escalation in &mut escalations {
        let result = collected(session, escalation, &rest).await?;
        if result.is_some() {
            *escalation = session.desk.get(&escalation.id, Duration::ZERO).await?;
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
    Ok(told(&answer, modern))
}

/// The result of a granted call, which is made if it was not yet; none, if it is no such call.
async fn collected(
    session: &Session,
    escalation: &Escalation,
    rest: &Map<String, Value>,
) -> Result<Option<Outcome>, Refused> {
    let Some(action) = &escalation.action else { return Ok(None) };
    if escalation.outcome.as_deref() != Some("granted") || action.tool == tools::REQUEST {
        return Ok(None);
    }
    let place = session.catalogue.place(session, rest.get("_meta"), &action.tool).await;
    let Some(place) = place else { return Ok(None) };
    let made = session.held.call(&escalation.id);
    let was_made = made.lock().await.is_some();
    if escalation.permit.is_none() && !was_made {
        return Ok(None);
    }
    make(session, &place, rest.clone(), escalation).await.map(Some)
}

/// What we say ourselves, as a result.
fn told(answer: &Answer, modern: bool) -> Outcome {
    said(&answer.text, &answer.structured(), false, modern)
}

fn refusal(refused: &Refused, modern: bool) -> Outcome {
    let text = refused.to_string();
    said(&text, &serde_json::json!({"status": "refused", "message": text}), true, modern)
}

fn said(text: &str, structured: &Value, is_error: bool, modern: bool) -> Outcome {
    let mut result = serde_json::json!({
        "content": [{"type": "text", "text": text}],
        "structuredContent": structured,
        "isError": is_error,
    });
    if modern {
        result["resultType"] = "complete".into();
    }
    Outcome::result(&result)
}

/// Keeps the desk at hand for what outlives a request.
pub(super) type Desk = Arc<dyn crate::server::Desk>;
