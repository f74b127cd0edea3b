//! Enrolment statements: the bytes that somebody signs to vouch for a person's key.
//!
//! Whoever runs the server can write anything into its database, but can't sign for a person. So a
//! key counts once somebody else's key says whose it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::json;
use crate::name::ReviewerName;
use crate::nonce::Nonce;
use crate::period::Period;
use crate::signature::{BadProof, Domain, PersonKey, Proof};

/// The form of enrolment statements that this version writes and takes.
pub const FORM: u32 = 1;
/// How long a statement may be signed and sent: an organisation's key may lie in a safe.
pub const ENROLMENT_LASTS: Period = Period::from_secs(24 * 3_600);

/// What is signed: that a key is a person's. Its bytes are RFC 8785 canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The form: [`FORM`].
    pub v: u32,
    /// The workspace.
    pub workspace: String,
    /// Whose key it is.
    pub reviewer: ReviewerName,
    /// The key.
    pub key: PersonKey,
    /// The id of the key that vouches for it.
    pub by: Digest,
    /// This statement's own.
    pub nonce: Nonce,
    /// From when on it may be sent.
    pub issued_at: Timestamp,
}

/// An enrolment that is not vouched for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotVouched {
    /// Not one at all, or not spelt as RFC 8785 has it.
    #[error("it is not an enrolment statement in its canonical form of the version {FORM}")]
    Malformed,
    /// For another workspace, person or key; the member that says so.
    #[error("the enrolment's `{0}` is not that of what is enrolled")]
    Misfit(&'static str),
    /// The signature does not hold.
    #[error("the countersignature does not hold: {0}")]
    Proof(#[from] BadProof),
}

/// An enrolment with the signature of who vouches for it; the body of the ledger's entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Countersignature {
    /// What was signed, to the byte.
    pub statement: String,
    /// The proof, over the statement's bytes.
    pub proof: Proof,
}

impl Enrolment {
    /// The bytes that are signed, as text.
    pub fn text(&self) -> String {
        // Canonical JSON is UTF-8.
        String::from_utf8(json::canonical(self)).unwrap_or_default()
    }

    /// Reads a statement; only its one spelling is taken.
    pub fn parse(text: &str) -> Result<Self, NotVouched> {
        let read: Self = json::read_into(text.as_bytes(), json::Limits::default())
            .map_err(|_| NotVouched::Malformed)?;
        match read.v == FORM && read.text() == text {
            true => Ok(read),
            false => Err(NotVouched::Malformed),
        }
    }

    /// Whether it may be sent at that time.
    pub fn is_fresh(&self, at: Timestamp) -> bool {
        self.issued_at <= at && at < ENROLMENT_LASTS.after(self.issued_at)
    }
}

impl Countersignature {
    /// What the ledger holds of it: SHA-256 of the statement.
    pub fn digest(&self) -> Digest {
        Digest::of(self.statement.as_bytes())
    }

    /// The id of the key that is said to vouch.
    pub fn by(&self) -> Result<Digest, NotVouched> {
        Enrolment::parse(&self.statement).map(|enrolment| enrolment.by)
    }

    /// Whether `by` vouches here that the key with the id `key` is that person's.
    pub fn check(
        &self,
        workspace: &str,
        person: &ReviewerName,
        key: Digest,
        by: &PersonKey,
    ) -> Result<Enrolment, NotVouched> {
        let enrolment = Enrolment::parse(&self.statement)?;
        let members = [
            ("workspace", enrolment.workspace == workspace),
            ("reviewer", enrolment.reviewer == *person),
            ("key", enrolment.key.id() == key),
            ("by", enrolment.by == by.id()),
        ];
        if let Some((member, _)) = members.into_iter().find(|(_, fits)| !fits) {
            return Err(NotVouched::Misfit(member));
        }
        by.verify(Domain::Enrolment, self.statement.as_bytes(), &self.proof)?;
        Ok(enrolment)
    }
}
