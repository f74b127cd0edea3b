//! `/v1/escalations`: propose, read, wait, list, withdraw.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use sayso_client::wire;
use sayso_core::{Action, AgentName, EscalationId, Period, Question, ReviewerName, Tier, ToolName};
use sayso_engine::{Account, NewEscalation, Record, Subject};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body::Strict;
use super::caller::{AgentCaller, Caller, reads_everything, still_valid};
use super::problem::{self, Problem};
use super::rate;
use super::view;
use crate::Web;

/// The longest that one request is held open, in seconds.
const LONGEST_WAIT: u64 = 60;
/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 8_000;
/// The longest name of an MCP server, in bytes.
const LONGEST_SERVER: usize = 128;
/// The most proposals in one request.
const LARGEST_BATCH: u32 = 100;
/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 255;
/// The largest page, and the usual one.
const LARGEST_PAGE: usize = 200;
const USUAL_PAGE: usize = 50;

/// Propose an action, or ask a question.
///
/// Answers at once with the escalation as it stands: what waits is a handle. With
/// `Prefer: wait=N` the answer waits up to N seconds (60 at most) for the outcome.
#[utoipa::path(
    post, path = "/v1/escalations", tag = "escalations",
    params(
        ("Idempotency-Key" = Option<String>, Header,
         description = "The same key with the same body gives the same escalation"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N s for the outcome",
         example = "wait=20"),
    ),
    request_body(content = wire::Propose, example = json!({
        "action": {"tool": "git_merge", "arguments": {"branch": "feature", "into": "main"}},
        "message": "All tests pass; merging the refactoring.",
    })),
    responses(
        (status = 201, description = "The escalation", body = wire::Escalation),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("agent" = []))
)]
pub(super) async fn propose(
    State(web): State<Web>,
    AgentCaller(agent): AgentCaller,
    headers: HeaderMap,
    body: Strict<wire::Propose>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?.map(|key| (key, body.fingerprint()));
    let wait = preferred_wait(&headers)?;
    let new = NewEscalation { key, ..proposal(body.value)? };
    let mut record = web.engine.propose(&agent, new).await?;
    if let Some(wait) = wait.filter(|_| record.escalation.is_pending()) {
        record = web.engine.wait(record.escalation.id(), wait).await?;
        still_valid(&web, agent.credential())?;
    }
    let shown = view::with_permit(&web.engine, &record);
    let mut response = (StatusCode::CREATED, Json(shown)).into_response();
    if let Ok(location) =
        HeaderValue::from_str(&format!("/v1/escalations/{}", record.escalation.id()))
    {
        response.headers_mut().insert("location", location);
    }
    if let Some(wait) = wait {
        let applied = HeaderValue::from_str(&format!("wait={}", wait.as_secs()));
        if let Ok(applied) = applied {
            response.headers_mut().insert("preference-applied", applied);
        }
    }
    Ok(response)
}

/// Propose several, each on its own.
///
/// For agents that do much which only has to be told: one request, and one commit for all. What is
/// refused is refused alone.
#[utoipa::path(
    post, path = "/v1/escalations/batch", tag = "escalations",
    request_body(content = wire::Batch),
    responses(
        (status = 200, description = "What became of each, in their order", body = wire::BatchAnswer),
        (status = "4XX", description = "Refused as a whole", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("agent" = []))
)]
pub(super) async fn propose_all(
    State(web): State<Web>,
    AgentCaller(agent): AgentCaller,
    body: Strict<wire::Batch>,
) -> Result<Json<wire::BatchAnswer>, Problem> {
    let items = body.value.items;
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    if !(1..=LARGEST_BATCH).contains(&count) {
        return Err(Problem::field("/items", format!("must have 1 to {LARGEST_BATCH}")));
    }
    // The request itself has been counted.
    web.rate.spend(&rate::agent(&agent), count - 1)?;
    let propose = async |item: wire::Propose| -> Result<_, Problem> {
        let record = web.engine.propose(&agent, proposal(item)?).await?;
        Ok(record)
    };
    let proposed = join_all(items.into_iter().map(propose)).await;
    let items = proposed.into_iter().map(|proposed| match proposed {
        Ok(record) => view::in_brief(&record),
        Err(problem) => wire::Proposed { problem: Some(problem.into()), ..Default::default() },
    });
    Ok(Json(wire::BatchAnswer { items: items.collect() }))
}

fn proposal(body: wire::Propose) -> Result<NewEscalation, Problem> {
    let wire::Propose { action, question, message, tier, context, server, .. } = body;
    let wire::Propose { window, started_by, executor, join, .. } = body;
    let subject = match (action, question) {
        (Some(action), None) => Subject::Action(Action {
            tool: ToolName::new(&action.tool)
                .map_err(|bad| Problem::field("/action/tool", bad.to_string()))?,
            arguments: action.arguments,
            resource: action.resource,
            precondition: action.precondition,
        }),
        (None, Some(question)) => Subject::Question(Question {
            text: question.text,
            options: question.options,
            schema: question.schema,
            default: question.default,
        }),
        (Some(_), Some(_)) => {
            return Err(Problem::field("/question", "give either `action` or `question`"));
        }
        (None, None) => {
            return Err(Problem::field("/action", "`action` or `question` is missing"));
        }
    };
    if let Subject::Question(question) = &subject
        && (question.text.trim().is_empty() || question.text.chars().count() > LONGEST_MESSAGE)
    {
        let detail = format!("must have 1 to {LONGEST_MESSAGE} characters");
        return Err(Problem::field("/question/text", detail));
    }
    if message.chars().count() > LONGEST_MESSAGE {
        let detail = format!("must have at most {LONGEST_MESSAGE} characters");
        return Err(Problem::field("/message", detail));
    }
    if server.as_ref().is_some_and(|name| name.is_empty() || name.len() > LONGEST_SERVER) {
        return Err(Problem::field("/server", format!("must have 1 to {LONGEST_SERVER} bytes")));
    }
    let executor = executor
        .map(|name| AgentName::new(&name))
        .transpose()
        .map_err(|bad| Problem::field("/executor", bad.to_string()))?;
    let started_by = started_by
        .map(|name| ReviewerName::new(&name))
        .transpose()
        .map_err(|bad| Problem::field("/started_by", bad.to_string()))?;
    Ok(NewEscalation {
        subject,
        message,
        context,
        server,
        tier: member::<Tier>("/tier", tier)?,
        window: member::<Period>("/window", window)?,
        started_by,
        executor,
        key: None,
        join,
    })
}

fn member<T: DeserializeOwned>(field: &str, value: Option<Value>) -> Result<Option<T>, Problem> {
    value
        .map(serde_json::from_value)
        .transpose()
        .map_err(|bad| Problem::field(field, bad.to_string()))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= LONGEST_KEY => Ok(Some(key.to_owned())),
        _ => {
            let detail = format!("must be 1 to {LONGEST_KEY} printable ASCII characters");
            Err(Problem::field("Idempotency-Key", detail))
        }
    }
}

/// `wait` of a Prefer header (RFC 7240); other preferences are not ours to judge.
fn preferred_wait(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = preferences.flat_map(|value| value.split(',')).map(str::trim);
    let wait = preferences.find_map(|preference| preference.strip_prefix("wait="));
    let Some(secs) = wait else { return Ok(None) };
    let secs: u64 =
        secs.trim().parse().map_err(|_| Problem::field("Prefer", "`wait` is whole seconds"))?;
    Ok(Some(Duration::from_secs(secs.min(LONGEST_WAIT))))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Patience {
    wait: Option<u64>,
}

/// Read an escalation, or wait for its outcome.
#[utoipa::path(
    get, path = "/v1/escalations/{id}", tag = "escalations",
    params(
        ("id" = String, Path, description = "The escalation's id"),
        ("wait" = Option<u64>, Query,
         description = "Answer as soon as it is settled, or after so many seconds (60 at most)"),
    ),
    responses(
        (status = 200, description = "The escalation", body = wire::Escalation),
        (status = 404, description = "None such", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("agent" = []), ("reviewer" = []))
)]
pub(super) async fn read(
    State(web): State<Web>,
    caller: Caller,
    Path(id): Path<String>,
    query: Result<Query<Patience>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<wire::Escalation>, Problem> {
    let id = escalation_id(&id)?;
    let Query(Patience { wait }) = query.map_err(|bad| Problem::field("?wait", bad.body_text()))?;
    let mut record = web.engine.get(id).await?;
    let mut shown = Shown::to(&caller, &record)?;
    if let Some(secs) = wait.filter(|secs| *secs > 0 && record.escalation.is_pending()) {
        let patience = Duration::from_secs(secs.min(LONGEST_WAIT));
        record = web.engine.wait(id, patience).await?;
        still_valid(&web, caller.credential())?;
        shown = Shown::to(&caller, &record)?;
    }
    Ok(Json(shown.view(&web, &record)))
}

/// How much of an escalation a caller is shown.
pub(super) enum Shown {
    /// All but the permit.
    Plain,
    /// All.
    WithPermit,
}

impl Shown {
    /// What `caller` is shown of `record`. To others than its own agents it does not exist.
    pub(super) fn to(caller: &Caller, record: &Record) -> Result<Self, Problem> {
        let escalation = &record.escalation;
        match &caller.0 {
            Account::Agent(agent)
                if agent.name() == escalation.agent() || agent.name() == escalation.executor() =>
            {
                Ok(Self::WithPermit)
            }
            Account::Person(person) if reads_everything(person) => Ok(Self::Plain),
            Account::Agent(_) | Account::Person(_) => {
                Err(sayso_engine::EngineError::NoSuchEscalation(escalation.id()).into())
            }
        }
    }

    pub(super) fn view(&self, web: &Web, record: &Record) -> wire::Escalation {
        match self {
            Self::Plain => view::escalation(&web.engine, record),
            Self::WithPermit => view::with_permit(&web.engine, record),
        }
    }
}

pub(crate) fn escalation_id(text: &str) -> Result<EscalationId, Problem> {
    text.parse().map_err(|bad: sayso_core::id::BadId| {
        Problem::new(problem::NOT_FOUND, format!("`id` in the address is {bad}"))
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    state: Option<String>,
    tier: Option<String>,
    agent: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// List escalations, newest first. An agent sees its own.
#[utoipa::path(
    get, path = "/v1/escalations", tag = "escalations",
    params(
        ("state" = Option<String>, Query, description = "`pending` or `settled`"),
        ("tier" = Option<String>, Query, description = "`fyi`, `soft` or `hard`"),
        ("agent" = Option<String>, Query, description = "Only this agent's"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "At most so many: 50, and never over 200"),
    ),
    responses((status = 200, description = "A page", body = wire::Page)),
    security(("agent" = []), ("reviewer" = []))
)]
pub(super) async fn list(
    State(web): State<Web>,
    caller: Caller,
    query: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<wire::Page>, Problem> {
    let Query(filter) = query.map_err(|bad| Problem::field("?", bad.body_text()))?;
    let query = filter.query(&caller)?;
    let (records, next) = web.engine.list(&query).await?;
    let items = records.iter().map(|record| Ok(Shown::to(&caller, record)?.view(&web, record)));
    let items = items.collect::<Result<_, Problem>>()?;
    Ok(Json(wire::Page { items, next: next.map(|id| id.to_string()) }))
}

impl Filter {
    fn query(self, caller: &Caller) -> Result<sayso_store::Query, Problem> {
        let pending = match self.state.as_deref() {
            None => None,
            Some("pending") => Some(true),
            Some("settled") => Some(false),
            Some(_) => return Err(Problem::field("?state", "is `pending` or `settled`")),
        };
        let tier = self.tier.map(|tier| tier.parse()).transpose();
        let tier = tier.map_err(|bad: sayso_core::tier::UnknownTier| {
            Problem::field("?tier", bad.to_string())
        })?;
        let agent = self.agent.map(|agent| AgentName::new(&agent)).transpose();
        let agent = agent.map_err(|bad| Problem::field("?agent", bad.to_string()))?;
        let before = self.cursor.map(|cursor| cursor.parse()).transpose();
        let before = before.map_err(|_: sayso_core::id::BadId| {
            Problem::field("?cursor", "is not one; use `next` of the page before")
        })?;
        let limit = self.limit.unwrap_or(USUAL_PAGE);
        if limit == 0 || limit > LARGEST_PAGE {
            return Err(Problem::field("?limit", format!("must be 1 to {LARGEST_PAGE}")));
        }
        let agent = match &caller.0 {
            Account::Agent(own) => Some(own.name().clone()),
            Account::Person(_) => agent,
        };
        Ok(sayso_store::Query { pending, tier, agent, before, limit })
    }
}

/// Withdraw what is no longer wanted.
#[utoipa::path(
    post, path = "/v1/escalations/{id}/withdraw", tag = "escalations",
    params(("id" = String, Path, description = "The escalation's id")),
    responses(
        (status = 200, description = "The escalation, withdrawn", body = wire::Escalation),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("agent" = []))
)]
pub(super) async fn withdraw(
    State(web): State<Web>,
    AgentCaller(agent): AgentCaller,
    Path(id): Path<String>,
) -> Result<Json<wire::Escalation>, Problem> {
    let id = escalation_id(&id)?;
    let caller = Caller(Account::Agent(agent.clone()));
    Shown::to(&caller, &*web.engine.get(id).await?)?;
    let record = web.engine.withdraw(id, &agent).await?;
    Ok(Json(view::with_permit(&web.engine, &record)))
}
