//! Calls as tasks (the extension `io.modelcontextprotocol/tasks` of MCP 2026-07-28): a call that
//! waits for people is a task to clients that take them, and its handle is the escalation's id.

use std::sync::Arc;
use std::time::Duration;

use sayso_client::wire::Escalation;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::call::{is_judged_for, make};
use super::eras::Era;
use super::frame::{INVALID_PARAMS, Outcome, UPSTREAM_GONE, raw};
use super::held::{Call, State, Theirs};
use super::listing::Place;
use super::session::{Asker, Session};
use super::upstream::Caller;
use crate::server::Refused;
use crate::server::answer::Answer;

/// A client asks for what it does not say it can do.
const MISSING_CAPABILITY: i32 = -32_021;
/// How long `tasks/get` waits for a call that is just being made.
const MOMENT: Duration = Duration::from_millis(200);
/// How long between two looks at a server's own task.
const LOOKS: (u64, u64) = (50, 30_000);
/// Between a server's name and its task's id, where there are several.
const BETWEEN: &str = "__";

/// When it is worth asking again, in milliseconds: less often the longer it takes.
fn poll_interval(call: &Call) -> u64 {
    match call.since.elapsed().as_secs() {
        0..60 => 1_000,
        60..600 => 5_000,
        _ => 30_000,
    }
}

/// The answer to a call that has become a task.
pub(super) fn created(escalation: &Escalation, call: &Call) -> Outcome {
    let mut task = base(escalation, call);
    task["status"] = "working".into();
    task["resultType"] = "task".into();
    task["_meta"] = json!({"dev.sayso/escalation": {
        "id": escalation.id, "tier": escalation.tier, "digest": escalation.digest,
    }});
    Outcome::result(&task)
}

fn base(escalation: &Escalation, call: &Call) -> Value {
    json!({
        "taskId": escalation.id,
        "statusMessage": Answer::one(escalation).text,
        "createdAt": escalation.created_at,
        "lastUpdatedAt": escalation.settled_at.as_ref().unwrap_or(&escalation.created_at),
        "ttlMs": null,
        "pollIntervalMs": poll_interval(call),
    })
}

/// Answers a request about a task; none if it is about one that is nobody's here.
pub(super) async fn answer(
    session: &Arc<Session>,
    method: &str,
    params: Option<&RawValue>,
    asker: &Asker,
) -> Option<Outcome> {
    if !matches!(method, "tasks/get" | "tasks/update" | "tasks/cancel") {
        return None;
    }
    let mut params: Map<String, Value> = serde_json::from_str(params?.get()).ok()?;
    let id = params.get("taskId")?.as_str()?.to_owned();
    if let Some(escalation) = ours(session, &id).await {
        if !asker.takes_tasks() {
            return Some(missing_capability());
        }
        let call = session.agent.held.call(&id);
        if method == "tasks/get" {
            return Some(get(session, escalation, &call, asker).await);
        }
        if let Some(theirs) = call.theirs() {
            return Some(ask(session, theirs, method, params, asker).await);
        }
        match params.remove("inputResponses") {
            // Too late if it is decided; that is no error.
            _ if method == "tasks/cancel" => drop(session.agent.desk.withdraw(&id).await),
            Some(Value::Object(answers)) => call.answer_some(answers),
            _ => {}
        }
        return Some(acknowledged());
    }
    if session.upstreams.len() == 1 {
        return None;
    }
    let (name, own) = id.split_once(BETWEEN)?;
    let Some(server) = session.upstreams.iter().position(|upstream| upstream.name == name) else {
        return Some(Outcome::error(INVALID_PARAMS, "there is no such task"));
    };
    params.insert("taskId".into(), own.into());
    let caller = Caller::new(asker.back.clone());
    let outcome = session.ask(server, method, params, asker, &caller).await;
    Some(named(session, server, outcome))
}

/// The escalation that a task is, if it is one of this agent's.
async fn ours(session: &Session, id: &str) -> Option<Escalation> {
    let is_id = id.len() == 36 && id.as_bytes().get(14) == Some(&b'7');
    if !is_id && !session.agent.held.knows(id) {
        return None;
    }
    session.agent.desk.get(id, Duration::ZERO).await.ok()
}

fn missing_capability() -> Outcome {
    Outcome::Error(raw(&json!({
        "code": MISSING_CAPABILITY,
        "message": "tasks are for clients that declare the tasks extension",
        "data": {"requiredCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}},
    })))
}

fn acknowledged() -> Outcome {
    Outcome::result(&json!({"resultType": "complete"}))
}

/// How a call stands, as a task. One that was granted is made now, if it was not yet.
async fn get(
    session: &Arc<Session>,
    escalation: Escalation,
    call: &Call,
    asker: &Asker,
) -> Outcome {
    let state = match escalation.outcome.as_deref() {
        Some("granted") => made(session, &escalation, asker).await,
        _ => State::Unmade,
    };
    // What the server says of its own task is all there is to say, for as long as it says it.
    if let Some(theirs) = call.theirs() {
        let outcome = ask(session, theirs, "tasks/get", Map::new(), asker).await;
        if let Some(Value::Object(mut task)) = outcome.value() {
            task.insert("taskId".into(), escalation.id.into());
            return Outcome::Result(raw(&task));
        }
    }
    let mut task = base(&escalation, call);
    task["resultType"] = "complete".into();
    let mut put = |status: &str, member: Option<(&str, Value)>| {
        task["status"] = status.into();
        if let Some((name, value)) = member {
            task[name] = value;
        }
    };
    match escalation.outcome.as_deref() {
        None => put("working", None),
        Some("withdrawn") => put("cancelled", None),
        Some("granted") => match state {
            State::Made(Outcome::Result(result)) => {
                call.tell();
                put("completed", Some(("result", json!(result))));
            }
            State::Made(Outcome::Error(error)) => put("failed", Some(("error", json!(error)))),
            State::Asks(round) => {
                put("input_required", Some(("inputRequests", round.requests.into())));
            }
            // Its server can't be reached; the next look tries again.
            State::Unmade | State::Making | State::Task(_) | State::NotMade(Ok(_)) => {
                put("working", None);
            }
            State::NotMade(Err(refused)) => {
                put("completed", Some(("result", refused_result(&refused.to_string()))));
            }
        },
        Some(_) => {
            let text = Answer::one(&escalation).text;
            put("completed", Some(("result", refused_result(&text))));
        }
    }
    Outcome::result(&task)
}

fn refused_result(text: &str) -> Value {
    json!({
        "content": [{"type": "text", "text": text}],
        "structuredContent": {"status": "refused", "message": text},
        "isError": true,
        "resultType": "complete",
    })
}

async fn made(session: &Arc<Session>, escalation: &Escalation, asker: &Asker) -> State {
    let tool = escalation.action.as_ref().map(|action| action.tool.as_str()).unwrap_or_default();
    let Some(place) = session.catalogue.place(session, asker, tool).await else {
        return State::Unmade;
    };
    if !is_judged_for(session, &place, escalation) {
        let other = Refused::field("taskId", "is of a call to another server than this tool's");
        return State::NotMade(Err(other));
    }
    let rest = asker.meta.clone().map(|meta| ("_meta".to_owned(), meta)).into_iter().collect();
    let call = make(session, &place, rest, escalation, asker);
    call.ended(Some(MOMENT), true).await.unwrap_or(State::Making)
}

/// The task that a server made of a call, if it did.
pub(super) fn of(outcome: &Outcome) -> Option<Map<String, Value>> {
    let Outcome::Result(result) = outcome else { return None };
    if !result.get().contains("\"task\"") {
        return None;
    }
    let Some(Value::Object(task)) = outcome.value() else { return None };
    (task.get("resultType")? == "task").then_some(task)
}

/// An outcome whose task, if it is one, says which of several servers has it.
pub(super) fn named(session: &Session, server: usize, outcome: Outcome) -> Outcome {
    let Outcome::Result(result) = &outcome else { return outcome };
    if session.upstreams.len() == 1 || !result.get().contains("taskId") {
        return outcome;
    }
    let Some(Value::Object(mut task)) = outcome.value() else { return outcome };
    let name = &session.upstreams[server].name;
    match task.get("taskId").and_then(Value::as_str) {
        Some(id) => {
            let id = format!("{name}{BETWEEN}{id}");
            task.insert("taskId".into(), id.into());
            Outcome::Result(raw(&task))
        }
        None => outcome,
    }
}

/// The task that a server made of a call of ours: to the client, it goes by the call's own handle.
pub(super) fn theirs(
    session: &Session,
    place: &Place,
    mut created: Map<String, Value>,
    handle: &str,
) -> Theirs {
    let id = created.get("taskId").and_then(Value::as_str).unwrap_or_default();
    let prefix = format!("{}{BETWEEN}", session.upstreams[place.server].name);
    let own = (session.upstreams.len() > 1).then(|| id.strip_prefix(&prefix)).flatten();
    let id = own.unwrap_or(id).to_owned();
    created.insert("taskId".into(), handle.into());
    Theirs { server: place.server, id, created }
}

/// Asks a server about its task.
async fn ask(
    session: &Arc<Session>,
    theirs: &Theirs,
    method: &str,
    mut params: Map<String, Value>,
    asker: &Asker,
) -> Outcome {
    if let Some(meta) = &asker.meta {
        params.insert("_meta".into(), meta.clone());
    }
    params.insert("taskId".into(), theirs.id.clone().into());
    let caller = Caller::new(asker.back.clone());
    session.ask(theirs.server, method, params, asker, &caller).await
}

/// Waits until a server's task has ended, and tells what came of it.
pub(super) async fn follow(session: &Arc<Session>, theirs: &Theirs, asker: &Asker) -> Outcome {
    let mut task = theirs.created.clone();
    loop {
        match task.get("status").and_then(Value::as_str) {
            Some("completed") => {
                let mut result = task.remove("result").unwrap_or_else(|| json!({}));
                if let Some(result) = result.as_object_mut() {
                    result.entry("resultType").or_insert_with(|| "complete".into());
                }
                return Outcome::result(&result);
            }
            Some("failed") => return Outcome::Error(raw(&task.remove("error"))),
            Some("cancelled") => {
                return Outcome::error(UPSTREAM_GONE, "the server gave the task up");
            }
            _ => {}
        }
        let pause = task.get("pollIntervalMs").and_then(Value::as_u64).unwrap_or(1_000);
        tokio::time::sleep(Duration::from_millis(pause.clamp(LOOKS.0, LOOKS.1))).await;
        let outcome = ask(session, theirs, "tasks/get", Map::new(), asker).await;
        let Some(Value::Object(now)) = outcome.value() else { return outcome };
        task = now;
    }
}

/// What a server's capabilities are to clients of a revision, as far as tasks go: in the modern
/// one any call may become a task of ours, in the legacy one none.
pub(super) fn declare(capabilities: &mut Map<String, Value>, era: Era) {
    capabilities.remove("tasks");
    if era == Era::Modern {
        let extensions = capabilities.entry("extensions").or_insert_with(|| json!({}));
        if let Some(extensions) = extensions.as_object_mut() {
            extensions.insert("io.modelcontextprotocol/tasks".into(), json!({}));
        }
    }
}
