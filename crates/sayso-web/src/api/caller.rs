//! Who calls: a bearer token becomes an agent or a person, never both.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::{header, request::Parts};
use sayso_core::CredentialId;
use sayso_core::credential::{Agent, Person};
use sayso_engine::Account;

use super::problem::{self, Problem};
use super::rate;
use crate::Web;

/// Somebody with a valid credential.
pub(crate) struct Caller(pub(crate) Account);

impl Caller {
    /// Whose calls these are, for the rate limit. An agent may have a person's name, and must not
    /// use up what that person may call.
    fn spender(&self) -> String {
        match &self.0 {
            Account::Agent(agent) => rate::agent(agent),
            Account::Person(person) => format!("person {}", person.name()),
        }
    }

    /// What they are known by.
    pub(super) fn credential(&self) -> Option<CredentialId> {
        match &self.0 {
            Account::Agent(agent) => agent.credential(),
            Account::Person(person) => person.credential(),
        }
    }
}

/// Whether what somebody came with still holds. A long wait may outlast it, and then shows nothing.
pub(crate) fn still_valid(web: &Web, credential: Option<CredentialId>) -> Result<(), Problem> {
    let authority = web.engine.authority();
    match credential.is_none_or(|id| authority.is_in_force(id, web.engine.now())) {
        true => Ok(()),
        false => Err(unauthenticated()),
    }
}

fn unauthenticated() -> Problem {
    let detail = "send `Authorization: Bearer …` with a key or token that is in force";
    Problem::new(problem::UNAUTHENTICATED, detail)
}

impl FromRequestParts<Web> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        // Of two, whatever stands in front may have looked at the other.
        let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
        let only = given.next().filter(|_| given.next().is_none());
        let token = only
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let token = token.ok_or_else(unauthenticated)?;
        let account = web.engine.authority().bearer(token, web.engine.now()).await?;
        let caller = Self(account.ok_or_else(unauthenticated)?);
        web.rate.spend(&caller.spender(), 1)?;
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
