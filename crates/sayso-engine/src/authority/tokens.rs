//! People's own tokens, for the command line and the API: scoped, and ending.

use jiff::Timestamp;
use sayso_core::credential::ReviewerToken;
use sayso_core::directory::{Change, Holder, Scope};
use sayso_core::{CredentialId, Directory, ReviewerName};

use super::amend::{Draft, sealed};
use super::{Actor, Authority, AuthorityError};

/// A new token.
pub struct NewToken {
    /// Its id.
    pub id: CredentialId,
    /// The token, to be shown once.
    pub token: ReviewerToken,
}

impl Authority {
    /// Gives a person a token that is good for no more than what it is asked for with.
    pub async fn issue_token(
        &self,
        actor: Actor<'_>,
        person: &ReviewerName,
        scopes: &[Scope],
        until: Option<Timestamp>,
        label: &str,
        now: Timestamp,
    ) -> Result<NewToken, AuthorityError> {
        if scopes.is_empty() {
            return Err(AuthorityError::NoScope);
        }
        let token = ReviewerToken::from_entropy(crate::entropy());
        let new = sealed(token.hash());
        self.amend(actor, now, |directory, by| {
            within_its_own(directory, actor, scopes, until, now)?;
            let mut draft = Draft::default();
            let (person, scopes) = (person.clone(), scopes.to_vec());
            draft.add(by, Change::TokenIssued { token: new, person, scopes, until });
            draft.note(new, label);
            Ok((draft, ()))
        })
        .await?;
        Ok(NewToken { id: new.id, token })
    }

    /// Ends a token.
    pub async fn revoke_token(
        &self,
        actor: Actor<'_>,
        token: CredentialId,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |_, by| {
            let mut draft = Draft { forgotten: vec![token], ..Draft::default() };
            draft.add(by, Change::TokenRevoked { token });
            Ok((draft, ()))
        })
        .await
    }
}

/// A token makes no other that can do more than it can, or that outlives it.
fn within_its_own(
    directory: &Directory,
    actor: Actor<'_>,
    scopes: &[Scope],
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), AuthorityError> {
    let Actor::Person(person) = actor else { return Ok(()) };
    let known = person.credential().and_then(|id| directory.credential(id, now));
    let Some(credential) = known else { return Err(AuthorityError::MoreThanItsOwn) };
    let Holder::Token { scopes: own, .. } = &credential.holder else { return Ok(()) };
    let outlives = match (credential.until, until) {
        (None, _) => false,
        (Some(own), Some(end)) => own < end,
        (Some(_), None) => true,
    };
    // Every token reads.
    let more = |scope: &Scope| *scope != Scope::Read && !own.contains(scope);
    match outlives || scopes.iter().any(more) {
        true => Err(AuthorityError::MoreThanItsOwn),
        false => Ok(()),
    }
}
