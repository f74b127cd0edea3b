//! Passkeys: how one is made, and how it logs its person in.

use sayso_core::credential::Person;
use sayso_core::directory::{How, IllegalChange};
use sayso_core::signature::{
    Assertion, BadProof, Base64Url, PersonKey, Registration, RelyingParty,
};
use sayso_core::{CredentialId, Digest, Directory, ReviewerName};
use sayso_store::StoreError;

use super::Engine;
use crate::authority::{AuthorityError, Login};
use crate::challenge::{NoTicket, Purpose, Ticket};

/// Why a passkey was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// The page is too old, or was used already.
    #[error(transparent)]
    Ticket(#[from] NoTicket),
    /// It is nobody's key, or nobody's any more.
    #[error("nobody here has this passkey; if it was revoked, remove it from your authenticator")]
    Unknown,
    /// It is somebody's who may do nothing here any more.
    #[error("{0} has no role here any more: ask an owner")]
    NoRole(ReviewerName),
    /// What the authenticator answered does not hold.
    #[error(transparent)]
    Proof(#[from] BadProof),
    /// It can't be this person's.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

impl From<StoreError> for PasskeyError {
    fn from(error: StoreError) -> Self {
        Self::Authority(error.into())
    }
}

impl Engine {
    /// A new challenge for an authenticator, with the ticket that it is found again by.
    pub fn challenge(&self, purpose: Purpose<'_>) -> Result<(Ticket, [u8; 32]), NoTicket> {
        let now = self.now();
        let ticket = self.inner.challenges.ticket(now);
        let challenge = self.inner.challenges.challenge(&ticket, purpose, now)?;
        Ok((ticket, challenge))
    }

    /// A person's new passkey becomes known: it logs them in, and counts for no more yet.
    pub async fn register_passkey(
        &self,
        person: &Person,
        rp: &RelyingParty,
        ticket: &Ticket,
        made: &Registration,
    ) -> Result<PersonKey, PasskeyError> {
        let now = self.now();
        let purpose = Purpose::Registration(person.name());
        let challenge = self.inner.challenges.challenge(ticket, purpose, now)?;
        let (passkey, _) = made.passkey(&challenge, rp)?;
        let key = PersonKey::Passkey(passkey);
        self.authority().offer_key(person.into(), person.name(), &key, now).await?;
        Ok(key)
    }

    /// Opens a session for whoever's passkey signed the ticket's challenge. A ticket opens one.
    pub async fn log_in_by_passkey(
        &self,
        ticket: &Ticket,
        credential: &Base64Url,
        assertion: &Assertion,
        browser: &str,
    ) -> Result<Login, PasskeyError> {
        let now = self.now();
        let challenge = self.inner.challenges.challenge(ticket, Purpose::Login, now)?;
        let directory = self.authority().directory().await?;
        let (person, id) = signer(&directory, credential, &challenge, assertion)?;
        if directory.person(person).is_none_or(|member| member.roles.is_empty()) {
            return Err(PasskeyError::NoRole(person.clone()));
        }
        let session = CredentialId::from_uuid(ticket.id());
        let how = How::Passkey(id);
        let opened = self.authority().open_session_as(session, person, how, browser, now).await;
        match opened {
            Err(AuthorityError::Illegal(IllegalChange::Taken(_))) => Err(NoTicket.into()),
            opened => Ok(opened?),
        }
    }
}

/// Whose passkey with that credential id has signed the challenge. An id is the authenticator's to
/// choose, so several may claim the same.
fn signer<'a>(
    directory: &'a Directory,
    credential: &Base64Url,
    challenge: &[u8],
    assertion: &Assertion,
) -> Result<(&'a ReviewerName, Digest), PasskeyError> {
    let mut outcome = Err(PasskeyError::Unknown);
    for (id, key) in directory.keys().filter(|(_, key)| key.is_in_force()) {
        let PersonKey::Passkey(passkey) = &key.key else { continue };
        if passkey.credential() != credential {
            continue;
        }
        match passkey.verify(challenge, assertion) {
            Ok(used) => {
                tracing::debug!(person = %key.person, counter = used.counter, "a passkey was used");
                return Ok((&key.person, *id));
            }
            Err(bad) => outcome = Err(bad.into()),
        }
    }
    outcome
}
