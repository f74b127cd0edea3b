//! People's own keys: offered, countersigned, revoked.

use jiff::Timestamp;
use sayso_core::directory::{Change, Countersigned, Holder, How, IllegalChange};
use sayso_core::enrolment::{Countersignature, NotVouched};
use sayso_core::signature::PersonKey;
use sayso_core::{CredentialId, Digest, Directory, ReviewerName};

use super::amend::Draft;
use super::{Actor, Authority, AuthorityError};

/// Who says that a key is its person's.
#[derive(Clone, Copy, Debug)]
pub enum Voucher<'a> {
    /// Nobody: it is the first key.
    Nobody,
    /// A reviewer, by an enrolled key of theirs.
    Reviewer {
        /// Who.
        name: &'a ReviewerName,
        /// The id of their key.
        key: Digest,
        /// What they signed.
        countersignature: &'a Countersignature,
    },
    /// The organisation.
    Organisation {
        /// Its key, as the server was told it.
        key: &'a PersonKey,
        /// What was signed.
        countersignature: &'a Countersignature,
    },
}

impl Authority {
    /// A person's key becomes known. What it signs counts once it is enrolled.
    pub async fn offer_key(
        &self,
        actor: Actor<'_>,
        person: &ReviewerName,
        key: &PersonKey,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |_, by| {
            let mut draft = Draft::default();
            let (person, key) = (person.clone(), key.clone());
            draft.add(by, Change::KeyOffered { person, key });
            Ok((draft, ()))
        })
        .await
    }

    /// An offered key becomes its person's, on the word of whoever vouches for it in that
    /// workspace.
    pub async fn enrol_key(
        &self,
        actor: Actor<'_>,
        workspace: &str,
        person: &ReviewerName,
        key: Digest,
        voucher: Voucher<'_>,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |directory, by| {
            let (countersigned, body) = match voucher {
                Voucher::Nobody => (Countersigned::First, None),
                Voucher::Reviewer { name, key: by, countersignature } => {
                    let known = directory.key(by).filter(|known| known.person == *name);
                    let unknown = || IllegalChange::NoSuchKey { person: name.clone(), key: by };
                    let known = known.ok_or_else(unknown)?;
                    vouched(countersignature, workspace, person, key, &known.key, now)?;
                    let statement = countersignature.digest();
                    let name = name.clone();
                    (Countersigned::Reviewer { name, key: by, statement }, Some(countersignature))
                }
                Voucher::Organisation { key: by, countersignature } => {
                    vouched(countersignature, workspace, person, key, by, now)?;
                    let statement = countersignature.digest();
                    let by = by.id();
                    (Countersigned::Organisation { key: by, statement }, Some(countersignature))
                }
            };
            let mut draft = Draft::default();
            let change = Change::KeyEnrolled { person: person.clone(), key, countersigned };
            match body {
                Some(body) => {
                    draft.add_with(by, change, serde_json::to_vec(body).unwrap_or_default());
                }
                None => draft.add(by, change),
            }
            Ok((draft, ()))
        })
        .await
    }

    /// A key is its person's no more, and the sessions that it opened end.
    pub async fn revoke_key(
        &self,
        actor: Actor<'_>,
        person: &ReviewerName,
        key: Digest,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |directory, by| {
            let forgotten = opened_with(directory, key, now);
            let mut draft = Draft { forgotten, ..Draft::default() };
            draft.add(by, Change::KeyRevoked { person: person.clone(), key });
            Ok((draft, ()))
        })
        .await
    }
}

/// The sessions that a key opened.
fn opened_with(directory: &Directory, key: Digest, now: Timestamp) -> Vec<CredentialId> {
    let opened = directory.credentials(now).filter(|credential| match &credential.holder {
        Holder::Session { how: How::Passkey(with), .. } => *with == key,
        Holder::Session { .. }
        | Holder::Agent(_)
        | Holder::Token { .. }
        | Holder::Link { .. }
        | Holder::Invitation { .. } => false,
    });
    opened.map(|credential| credential.id).collect()
}

/// Whether `by` vouches for the key, now.
fn vouched(
    countersignature: &Countersignature,
    workspace: &str,
    person: &ReviewerName,
    key: Digest,
    by: &PersonKey,
    now: Timestamp,
) -> Result<(), NotVouched> {
    let enrolment = countersignature.check(workspace, person, key, by)?;
    match enrolment.is_fresh(now) {
        true => Ok(()),
        false => Err(NotVouched::Misfit("issued_at")),
    }
}
