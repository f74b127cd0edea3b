//! A tool's call: judged, held for as long as it takes, made once with what was judged.

use std::sync::Arc;

use sayso_client::wire::{Action, Escalation, Propose, Redeemed, Report};
use sayso_core::json::{self, Limits};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::definitions;
use super::eras::{self, Era};
use super::frame::{INVALID_PARAMS, Outcome, UPSTREAM_GONE, raw};
use super::held::{self, State, Waiting};
use super::listing::Place;
use super::said::{refusal, told};
use super::session::{Asker, Session};
use super::upstream::Caller;
use super::{collect, doorbell, tasks};
use crate::server::answer::Answer;
use crate::server::{Refused, tools};

/// The method of a call.
pub(super) const METHOD: &str = "tools/call";
/// The members of a call's params that we know.
const MEMBERS: [&str; 6] = ["name", "arguments", "_meta", "task", "inputResponses", "requestState"];
/// How many rounds of questions a call may take.
const ROUNDS: usize = 10;

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
        // Tasks of the legacy revision are not ours to answer with, so that nobody behind us must
        // be asked for one.
        rest.remove("task");
        Ok(Self { rest, name, arguments })
    }
}

/// Whether some server may take a method for that of a call, strict as we are about it.
pub(super) fn may_be_meant(method: &str) -> bool {
    method.trim().eq_ignore_ascii_case(METHOD)
}

/// Answers `tools/call`.
pub(super) async fn call(
    session: &Arc<Session>,
    params: Option<&RawValue>,
    asker: &Asker,
) -> Outcome {
    let read = params.ok_or_else(|| "`params` are missing".to_owned()).and_then(Call::read);
    let mut call = match read {
        Ok(call) => call,
        Err(wrong) => return Outcome::error(INVALID_PARAMS, &wrong),
    };
    if tools::all().iter().any(|tool| tool.name == call.name) {
        let own = collect::own(session, &call.name, call.arguments, call.rest, asker).await;
        return own.unwrap_or_else(|refused| refusal(&refused, asker.era));
    }
    let place = session.catalogue.place(session, asker, &call.name).await;
    let Some(place) = place else {
        return session.catalogue.no_tool(&call.name);
    };
    let state = call.rest.get("requestState").and_then(Value::as_str);
    let answered = match state.and_then(|state| session.agent.held.with_token(state)) {
        // Whatever was answered at the door, people decide elsewhere.
        Some(held) if state.is_some_and(|state| held.was_rung_by(state)) => {
            call.rest.remove("requestState");
            call.rest.remove("inputResponses");
            governed(session, call, &place, asker).await
        }
        // It has its say-so: this is the next round of the same call.
        Some(held) => {
            held.answer(call.rest.remove("inputResponses").unwrap_or_default());
            ended(&held, asker).await
        }
        None => governed(session, call, &place, asker).await,
    };
    answered.unwrap_or_else(|refused| refusal(&refused, asker.era))
}

/// A call of a tool of a server behind us.
async fn governed(
    session: &Arc<Session>,
    call: Call,
    place: &Place,
    asker: &Asker,
) -> Result<Outcome, Refused> {
    let action = Action {
        tool: call.name.clone(),
        arguments: call.arguments.clone(),
        resource: None,
        precondition: None,
    };
    let (agent, shared) = (&session.agent, &session.shared);
    let server = &session.upstreams[place.server].name;
    let change = shared.definitions.change(server, &place.name);
    let propose = Propose {
        action: Some(action),
        server: Some(server.clone()),
        tier: change.as_ref().map(|_| "hard".into()),
        context: change.as_deref().map(definitions::context),
        join: true,
        ..Propose::default()
    };
    let arguments = call.arguments.clone();
    let tool = call.name.parse().ok();
    let action =
        tool.map(|tool| sayso_core::Action { tool, arguments, resource: None, precondition: None });
    let pinned = shared.pinned.as_ref().filter(|pinned| pinned.covers(&call.name));
    if let (Some(action), None, None) = (&action, &change, pinned)
        && agent.ahead.lets_through(action, &propose).await
    {
        return Ok(forward(session, place, call.rest, call.arguments, asker).await);
    }
    let digest = action.map(|action| action.digest());
    if let Some(made) = digest.and_then(|digest| agent.held.untold(&digest)) {
        return ended(&made, asker).await;
    }
    let mut escalation = agent.desk.propose(&propose).await?;
    // Its grant may have been used for it just now: then this asks for nothing new.
    if escalation.state == "pending"
        && let Some(made) = digest.and_then(|digest| agent.held.untold(&digest))
    {
        agent.desk.withdraw(&escalation.id).await?;
        return ended(&made, asker).await;
    }
    if escalation.state == "pending" && !shared.grace.is_zero() {
        escalation = agent.desk.get(&escalation.id, shared.grace).await?;
    }
    match escalation.outcome.as_deref() {
        Some("noted") if pinned.is_some() => Err(Refused::field(
            "this call",
            "was let through without anybody's say-so, and this gateway makes only calls that \
             people have signed",
        )),
        Some("noted") => Ok(forward(session, place, call.rest, call.arguments, asker).await),
        Some("granted") => {
            let made = make(session, place, call.rest, &escalation, asker);
            // Who takes tasks need not wait for the call itself either.
            let takes_tasks = asker.takes_tasks();
            match made.ended(takes_tasks.then_some(shared.grace), takes_tasks).await {
                None => Ok(tasks::created(&escalation, &made)),
                Some(_) => ended(&made, asker).await,
            }
        }
        None => {
            if let (Some(digest), true) = (digest, shared.on_grant) {
                agent.held.expect(digest, &escalation.id);
            }
            Ok(hold(session, place, call.rest, &escalation, asker).await)
        }
        Some(_) => Ok(told(&Answer::one(&escalation), asker.era)),
    }
}

/// Answers a call that waits for people: with a task, or with a handle in words.
async fn hold(
    session: &Arc<Session>,
    place: &Place,
    rest: Map<String, Value>,
    escalation: &Escalation,
    asker: &Asker,
) -> Outcome {
    let held = session.agent.held.call(&escalation.id);
    if session.shared.on_grant {
        let (session, place, asker) = (Arc::clone(session), place.clone(), asker.clone());
        let agent = Arc::clone(&session.agent);
        agent.hold(&escalation.id, Waiting { session, place, rest, asker });
    }
    if asker.takes_tasks() {
        return tasks::created(escalation, &held);
    }
    if let Some(outcome) = doorbell::ring(session, escalation, &held, asker).await {
        return outcome;
    }
    told(&Answer::one(escalation), asker.era)
}

/// What came of a call, once it was made; or what its server wants to know first, or the task that
/// it became.
pub(super) async fn ended(call: &held::Call, asker: &Asker) -> Result<Outcome, Refused> {
    match call.ended(None, asker.takes_tasks()).await {
        Some(State::Made(outcome)) => {
            call.tell();
            Ok(outcome)
        }
        Some(State::Asks(round)) => Ok(Outcome::result(&serde_json::json!({
            "resultType": "input_required",
            "inputRequests": round.requests,
            "requestState": round.token,
        }))),
        Some(State::Task(theirs)) => Ok(Outcome::Result(raw(&theirs.created))),
        Some(State::NotMade(why)) => why,
        Some(State::Unmade | State::Making) | None => {
            Err(Refused::field("this call", "is still being made: ask again"))
        }
    }
}

/// Whether an escalation was judged as a call to the server that the tool is at. By its handle an
/// agent may ask for any that it has, and say of one of its own making what server it likes.
pub(super) fn is_judged_for(session: &Session, place: &Place, escalation: &Escalation) -> bool {
    let server = &session.upstreams[place.server].name;
    // Where none is named, the strictest of all rules were asked.
    escalation.server.as_ref().is_none_or(|named| named == server)
}

/// Makes a granted call, unless it has been made, or is being made: then that one.
pub(super) fn make(
    session: &Arc<Session>,
    place: &Place,
    rest: Map<String, Value>,
    escalation: &Escalation,
    asker: &Asker,
) -> Arc<held::Call> {
    let call = session.agent.held.call(&escalation.id);
    if call.begin() {
        let (session, place, asker) = (Arc::clone(session), place.clone(), asker.clone());
        let (made, escalation) = (Arc::clone(&call), escalation.clone());
        // It is made to its end, also when nobody waits for that any more.
        let agent = Arc::clone(&session.agent);
        agent.begin(async move {
            let state = match carry_out(&session, &place, rest, &escalation, &asker, &made).await {
                Ok(outcome) => State::Made(outcome),
                Err(why) => State::NotMade(why),
            };
            made.end(state);
        });
    }
    call
}

/// Redeems, makes the call, and reports. An error is why it was not made.
async fn carry_out(
    session: &Arc<Session>,
    place: &Place,
    rest: Map<String, Value>,
    escalation: &Escalation,
    asker: &Asker,
    call: &held::Call,
) -> Result<Outcome, Result<Outcome, Refused>> {
    let Some(permit) = &escalation.permit else {
        let reason = format!("was granted and used already. {}", escalation.reason);
        return Err(Err(Refused::field("this call", reason)));
    };
    // A grant is not spent on a server that can't be reached.
    session.upstreams[place.server].is_there().await.map_err(Ok)?;
    // When this returns, `started` is on disk.
    let redeemed = session.agent.desk.redeem(permit).await;
    let redeemed = redeemed.map_err(Err)?;
    let pinned = &session.shared.pinned;
    if let Some(pinned) = pinned.as_ref().filter(|pinned| pinned.covers(&place.shown))
        && let Err(why) = pinned.check(&place.shown, &redeemed)
    {
        let comment = Some(why.to_string());
        let report = Report { result: "failed".into(), comment, ..Report::default() };
        let _ = session.agent.desk.report(&redeemed.permit_id, &report).await;
        return Err(Err(Refused::field("this call", format!("was not made: {why}"))));
    }
    let Redeemed { action, permit_id, .. } = redeemed;
    let server = &session.upstreams[place.server].name;
    // Only if who approved it was shown the definition as it is now.
    let definitions = &session.shared.definitions;
    let change = definitions.change(server, &place.name);
    if change.is_some_and(|change| escalation.context == Some(definitions::context(&change))) {
        definitions.accept(server, &place.name);
    }
    let outcome =
        to_its_end(session, place, rest, action.arguments, asker, call, &escalation.id).await;
    let report = Report { result: result_of(&outcome).into(), ..Report::default() };
    // If this is not taken, the receipt becomes `unknown` by itself and people are shown that.
    let _ = session.agent.desk.report(&permit_id, &report).await;
    Ok(outcome)
}

/// Makes a call and follows it to its end, through the rounds of questions and the task that its
/// server may make of it.
async fn to_its_end(
    session: &Arc<Session>,
    place: &Place,
    mut rest: Map<String, Value>,
    arguments: Map<String, Value>,
    asker: &Asker,
    call: &held::Call,
    handle: &str,
) -> Outcome {
    for _ in 0..ROUNDS {
        let outcome = forward(session, place, rest.clone(), arguments.clone(), asker).await;
        if asker.era == Era::Legacy {
            return outcome;
        }
        if let Some(task) = tasks::of(&outcome) {
            let theirs = tasks::theirs(session, place, task, handle);
            call.became(theirs.clone());
            return tasks::follow(session, &theirs, asker).await;
        }
        let Some(wanted) = eras::wanted(&outcome) else { return outcome };
        let Some(answers) = call.ask(wanted.requests).await else { return outcome };
        rest.insert("inputResponses".into(), answers);
        match wanted.state {
            Some(state) => rest.insert("requestState".into(), state),
            None => rest.remove("requestState"),
        };
    }
    Outcome::error(UPSTREAM_GONE, "the server goes on asking, and never answers")
}

/// What a receipt says of an outcome.
fn result_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Result(_) => {
            let is_error = outcome.value().is_some_and(|result| result["isError"] == true);
            if is_error { "failed" } else { "succeeded" }
        }
        Outcome::Error(_) => {
            // Gone in the middle of it: it may have been done or not.
            let gone = outcome.code() == Some(UPSTREAM_GONE);
            if gone { "unknown" } else { "failed" }
        }
    }
}

/// Sends a call to its server: written anew from what was judged, never the client's bytes.
async fn forward(
    session: &Arc<Session>,
    place: &Place,
    mut params: Map<String, Value>,
    arguments: Map<String, Value>,
    asker: &Asker,
) -> Outcome {
    params.insert("name".into(), place.name.clone().into());
    params.insert("arguments".into(), arguments.into());
    let caller = Caller { back: asker.back.clone(), carried: Arc::clone(&place.carried) };
    let outcome = session.ask(place.server, METHOD, params, asker, &caller).await;
    tasks::named(session, place.server, outcome)
}
