//! Who calls: a bearer token becomes an agent or a person, never both.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::{header, request::Parts};
use sayso_core::credential::{Agent, Person};
use sayso_engine::Account;

use super::problem::{self, Problem};
use crate::Web;

/// Somebody with a valid credential.
pub(crate) struct Caller(pub(crate) Account);

impl Caller {
    /// Their name, for the rate limit.
    fn name(&self) -> &str {
        match &self.0 {
            Account::Agent(agent) => agent.name().as_str(),
            Account::Person(person) => person.name().as_str(),
        }
    }
}

impl FromRequestParts<Web> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let unauthenticated = || {
            let detail = "send `Authorization: Bearer …` with a key or token that is in force";
            Problem::new(problem::UNAUTHENTICATED, detail)
        };
        let token = token.ok_or_else(unauthenticated)?;
        let account = web.engine.authority().bearer(token, web.engine.now()).await?;
        let caller = Self(account.ok_or_else(unauthenticated)?);
        web.rate.spend(caller.name(), 1)?;
        Ok(caller)
    }
}

/// An agent.
pub(crate) struct AgentCaller(pub(crate) Agent);

impl FromRequestParts<Web> for AgentCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let caller = <Caller as FromRequestParts<Web>>::from_request_parts(parts, web).await?;
        match caller.0 {
            Account::Agent(agent) => Ok(Self(agent)),
            Account::Person(_) => {
                let detail = "this is for agents: use an agent's key (sayso_agent_…)";
                Err(Problem::new(problem::FORBIDDEN, detail))
            }
        }
    }
}

/// A person, whatever they may do.
pub(crate) struct PersonCaller(pub(crate) Person);

impl FromRequestParts<Web> for PersonCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let caller = <Caller as FromRequestParts<Web>>::from_request_parts(parts, web).await?;
        match caller.0 {
            Account::Person(person) => Ok(Self(person)),
            Account::Agent(_) => {
                let detail = "an agent never decides: this takes a person's token \
                              (sayso_reviewer_…)";
                Err(Problem::new(problem::FORBIDDEN, detail))
            }
        }
    }
}

/// A person who may read everything.
pub(crate) struct Reader;

impl FromRequestParts<Web> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let caller = PersonCaller::from_request_parts(parts, web).await?;
        match reads_everything(&caller.0) {
            true => Ok(Self),
            false => Err(Problem::new(problem::FORBIDDEN, "this takes any role at all")),
        }
    }
}

/// A person who may read everything: whoever has any role.
pub(crate) fn reads_everything(person: &Person) -> bool {
    !person.roles().is_empty()
}

impl OptionalFromRequestParts<Web> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Option<Self>, Problem> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            <Self as FromRequestParts<Web>>::from_request_parts(parts, web).await.map(Some)
        } else {
            Ok(None)
        }
    }
}
