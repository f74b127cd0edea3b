//! `/v1/policy`: the policy in force, and how another comes into force. People may tighten it;
//! whatever loosens it is a hard action like any other, `sayso.policy.apply`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use sayso_client::wire;
use sayso_core::Digest;
use sayso_core::action::POLICY_APPLY;
use sayso_core::credential::{Agent, Role};
use sayso_core::escalation::ReceiptResult;
use sayso_engine::{Account, NotPut, Possession, Redeemed};
use sayso_policy::{Change, Direction, Policy, diff};
use serde_json::json;

use super::body::Strict;
use super::caller::Caller;
use super::permits::possession;
use super::problem::{self, Problem};
use crate::Web;

/// How many changes a refusal names.
const MOST_NAMED: usize = 5;

/// The policy in force, for those who judge ahead of asking, like the gateway.
#[utoipa::path(get, path = "/v1/policy", tag = "service",
    responses((status = 200, description = "The policy", body = wire::Policy)),
    security(("agent" = []), ("reviewer" = [])))]
pub(super) async fn policy(State(web): State<Web>, _: Caller) -> Json<wire::Policy> {
    Json(in_force(&web))
}

/// Put another policy in force.
///
/// A policy admin may put one in force that only asks for more. Otherwise propose the action
/// `sayso.policy.apply` with the arguments `{"policy": TEXT}` and the precondition
/// `{"policy": HASH}` of the one in force; it is always hard. Once it is granted, its executor puts
/// the policy in force with the permit, which that uses up.
#[utoipa::path(put, path = "/v1/policy", tag = "service",
    request_body(content = wire::PutPolicy),
    responses(
        (status = 200, description = "The policy now in force", body = wire::Policy),
        (status = "4XX", description = "Refused: nothing changed", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("agent" = []), ("reviewer" = [])))]
pub(super) async fn put(
    State(web): State<Web>,
    caller: Caller,
    headers: HeaderMap,
    body: Strict<wire::PutPolicy>,
) -> Result<Json<wire::Policy>, Problem> {
    let wire::PutPolicy { policy: text, permit } = body.value;
    let new = Policy::parse(&text).map_err(|bad| Problem::field("/policy", bad.to_string()))?;
    match (caller.0, permit) {
        (Account::Agent(agent), Some(permit)) => {
            let proof = possession(&headers, "PUT", "/v1/policy")?;
            by_permit(&web, &agent, &permit, proof, new).await?;
        }
        (Account::Person(person), None) if person.is(Role::PolicyAdmin) => {
            let old = only_tighter(&web, &new).await?;
            put_in_force(&web, new, old).await?;
        }
        (Account::Agent(_), None) => {
            let detail = format!("an agent needs the permit of a granted `{POLICY_APPLY}`");
            return Err(Problem::field("/permit", detail));
        }
        (Account::Person(_), Some(_)) => {
            let detail = "a permit is used by the agent that it names as executor";
            return Err(Problem::field("/permit", detail));
        }
        (Account::Person(_), None) => {
            return Err(Problem::new(problem::FORBIDDEN, "this takes the role \"policy_admin\""));
        }
    }
    Ok(Json(in_force(&web)))
}

fn in_force(web: &Web) -> wire::Policy {
    let state = web.engine.policy();
    wire::Policy {
        hash: state.policy.hash().to_string(),
        text: state.policy.text().to_owned(),
        problem: state.problem.as_deref().map(str::to_owned),
    }
}

async fn put_in_force(web: &Web, new: Policy, old: Digest) -> Result<(), Problem> {
    web.engine.put_policy(new, old).await.map_err(|error| match error {
        NotPut::Moved => Problem::new(problem::POLICY_MOVED, error.to_string()),
        NotPut::NoFile | NotPut::Unwritable(_) | NotPut::Unrecorded(_) => {
            tracing::error!(%error, "a policy could not be put in force");
            Problem::new(problem::POLICY_FIXED, error.to_string())
        }
    })
}

/// Refuses a policy that asks for less anywhere, or might; the hash of the one that it was held
/// against.
async fn only_tighter(web: &Web, new: &Policy) -> Result<Digest, Problem> {
    let (old, new) = (web.engine.policy().policy, new.clone());
    let hash = old.hash();
    let compared = tokio::task::spawn_blocking(move || diff(&old, &new)).await;
    let Ok(found) = compared else {
        return Err(Problem::new(problem::POLICY_LOOSENS, "it can't be compared"));
    };
    if !found.is_looser() && found.is_exhaustive() {
        return Ok(hash);
    }
    let looser = found.changes.iter().filter(|change| change.direction != Direction::Stricter);
    let mut why: Vec<String> = looser.take(MOST_NAMED).map(words).collect();
    why.extend(found.gaps.iter().map(|gap| format!("perhaps: {gap}")));
    let detail = format!(
        "it may ask for less than the one in force ({}); propose `{POLICY_APPLY}` instead",
        why.join("; ")
    );
    Err(Problem::new(problem::POLICY_LOOSENS, detail))
}

fn words(change: &Change) -> String {
    let Change { axis, old, new, action, .. } = change;
    format!("{} {old} to {new} for {}", axis.word(), action.tool)
}

/// Uses a permit up for exactly this policy, in place of exactly the one that people saw.
async fn by_permit(
    web: &Web,
    agent: &Agent,
    permit: &str,
    proof: Option<Possession<'_>>,
    new: Policy,
) -> Result<(), Problem> {
    // Looked at before it is used up: one for something else stays good for that.
    let claims = web.engine.verify_permit(permit).await?;
    let granted = web.engine.get(claims.esc).await?;
    let is_this = granted.ask.action.as_ref().is_some_and(|action| {
        action.tool.as_str() == POLICY_APPLY
            && json!(action.arguments) == json!({"policy": new.text()})
    });
    if !is_this {
        let detail = format!("is not for `{POLICY_APPLY}` with this policy");
        return Err(Problem::field("/permit", detail));
    }
    let Redeemed { action, record, .. } = web.engine.redeem_with(permit, agent, proof).await?;
    let old = web.engine.policy().policy.hash();
    let id = record.escalation.id();
    if action.precondition.is_none_or(|seen| seen != json!({"policy": old})) {
        let stale = Some("another policy came into force meanwhile".to_owned());
        web.engine.report(id, agent, ReceiptResult::Failed, stale).await?;
        let detail = "another policy is in force than the `precondition` says; ask again";
        return Err(Problem::new(problem::POLICY_MOVED, detail));
    }
    let done = put_in_force(web, new, old).await;
    let result = if done.is_ok() { ReceiptResult::Succeeded } else { ReceiptResult::Failed };
    web.engine.report(id, agent, result, None).await?;
    done
}
