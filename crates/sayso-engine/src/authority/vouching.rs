//! Vouching: what is to be signed to say whose a key is, and what comes back.

use jiff::Timestamp;
use sayso_core::credential::Person;
use sayso_core::directory::Key;
use sayso_core::enrolment::{Countersignature, Enrolment, FORM};
use sayso_core::signature::PersonKey;
use sayso_core::{Digest, Directory, Nonce};

use super::keys::Voucher;
use super::{Actor, Authority, AuthorityError};

impl Authority {
    /// What is to be signed with the key `by`, to vouch for a key that was offered.
    pub async fn enrolment(
        &self,
        key: Digest,
        by: Digest,
        now: Timestamp,
    ) -> Result<Enrolment, AuthorityError> {
        self.follow().await?;
        let directory = self.directory().await?;
        let offered = in_force(&directory, key)?;
        Ok(Enrolment {
            v: FORM,
            workspace: self.workspace().to_owned(),
            reviewer: offered.person.clone(),
            key: offered.key.clone(),
            by,
            nonce: Nonce::from_entropy(crate::entropy()),
            issued_at: now,
        })
    }

    /// A key that was offered becomes its person's, on the word of a reviewer who signed that.
    pub async fn countersign(
        &self,
        person: &Person,
        key: Digest,
        countersignature: &Countersignature,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let by = countersignature.by()?;
        let voucher = Voucher::Reviewer { name: person.name(), key: by, countersignature };
        self.enrol_offered(person.into(), key, voucher, now).await
    }

    /// The same on the word of the organisation, by its key.
    pub async fn countersign_as_organisation(
        &self,
        organisation: &PersonKey,
        key: Digest,
        countersignature: &Countersignature,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let voucher = Voucher::Organisation { key: organisation, countersignature };
        self.enrol_offered(Actor::Operator, key, voucher, now).await
    }

    /// The very first key becomes its person's. Nobody can vouch for it.
    pub async fn enrol_first(
        &self,
        actor: Actor<'_>,
        key: Digest,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.enrol_offered(actor, key, Voucher::Nobody, now).await
    }

    async fn enrol_offered(
        &self,
        actor: Actor<'_>,
        key: Digest,
        voucher: Voucher<'_>,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.follow().await?;
        let directory = self.directory().await?;
        let person = &in_force(&directory, key)?.person;
        self.enrol_key(actor, self.workspace(), person, key, voucher, now).await
    }

    fn workspace(&self) -> &str {
        self.inner.store.workspace()
    }
}

fn in_force(directory: &Directory, id: Digest) -> Result<&Key, AuthorityError> {
    directory.key(id).filter(|key| key.is_in_force()).ok_or(AuthorityError::NoSuchKey(id))
}
