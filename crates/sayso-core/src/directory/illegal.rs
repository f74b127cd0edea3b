//! Why a change of authority can't be.

use std::fmt;

use super::change::By;
use crate::confirmation::Thumbprint;
use crate::digest::Digest;
use crate::id::CredentialId;
use crate::name::{AgentName, ReviewerName};

/// A change that whoever made it could not make, or that does not fit what there is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IllegalChange {
    /// That permits are signed with a key from now on that they were signed with before.
    #[error("permits were signed with the key {0} before")]
    PermitKeyKnown(Thumbprint),
    /// Somebody did what takes more than they have.
    #[error("{by} may not do that: it takes {needs}")]
    NotAllowed {
        /// Who.
        by: By,
        /// What it takes.
        needs: &'static str,
    },
    /// There is no such person.
    #[error("there is no reviewer {0}")]
    NoSuchPerson(ReviewerName),
    /// There is such a person already.
    #[error("there is a reviewer {0} already")]
    PersonExists(ReviewerName),
    /// There is no such agent.
    #[error("there is no agent {0}")]
    NoSuchAgent(AgentName),
    /// There is such an agent already.
    #[error("there is an agent {0} already")]
    AgentExists(AgentName),
    /// There is no such key, token, session, link or invitation in force.
    #[error("there is no {what} {id} in force")]
    NotInForce {
        /// What kind of thing.
        what: &'static str,
        /// Its id.
        id: CredentialId,
    },
    /// An id or a secret is used already.
    #[error("the credential {0} is used already")]
    Taken(CredentialId),
    /// A key would work longer than was said.
    #[error("the key {0} has an end already, which can't be put off")]
    PutOff(CredentialId),
    /// Nobody could add people any more.
    #[error("{0} is the only owner; make somebody else an owner first")]
    LastOwner(ReviewerName),
    /// The other roles or groups than the invitation has.
    #[error("the invitation is for other roles or groups")]
    OtherTerms,
    /// Nobody stands in for themselves.
    #[error("nobody stands in for themselves")]
    OwnCover,
    /// There is no such cover.
    #[error("{stand_in} does not stand in for {away}")]
    NoSuchCover {
        /// Who would be out.
        away: ReviewerName,
        /// Who would stand in.
        stand_in: ReviewerName,
    },
    /// The key is known already, perhaps as somebody else's.
    #[error("the key {0} is known already")]
    KeyKnown(Digest),
    /// There is no such key of that person.
    #[error("{person} has no key {key}")]
    NoSuchKey {
        /// Whose it would be.
        person: ReviewerName,
        /// The key.
        key: Digest,
    },
    /// Somebody vouched for it before.
    #[error("the key {0} is enrolled already")]
    EnrolledAlready(Digest),
    /// There have been keys before.
    #[error(
        "it is not the first key: an enrolled reviewer or the organisation must countersign it"
    )]
    NotFirst,
    /// The first key would vouch for nobody's.
    #[error("the first key of all must be a reviewer's, and {0} is none")]
    FirstOfNoReviewer(ReviewerName),
    /// Whoever vouches for it could not.
    #[error(
        "the key {key} of {name} can't countersign: it is not enrolled, or {name} is no reviewer"
    )]
    NotCountersigned {
        /// Whose key.
        name: ReviewerName,
        /// Which.
        key: Digest,
    },
    /// A provider calls two people the same.
    #[error("{issuer} calls another person {subject:?}")]
    LinkedAlready {
        /// The provider.
        issuer: String,
        /// What it calls them.
        subject: String,
    },
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => name.fmt(f),
            Self::Operator => f.write_str("the operator"),
            Self::FirstStart => f.write_str("the server's first start"),
            Self::Provider(issuer) => write!(f, "the provider {issuer}"),
            Self::Invitation(id) => write!(f, "whoever accepted the invitation {id}"),
        }
    }
}
