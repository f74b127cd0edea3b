//! Whether what people said still counts, going by who may do what by now.
//!
//! An approval counts when the quorum is complete, not only when it was given: the engine asks
//! this before it grants, and whoever verifies a ledger of each grant that it holds.

use jiff::Timestamp;

use super::Directory;
use crate::credential::Role;
use crate::digest::Digest;
use crate::name::{GroupName, ReviewerName};
use crate::quorum::Approver;

/// Why somebody's approval does not count any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lapsed {
    /// They are gone, or no reviewer.
    #[error("{by} may not decide any more")]
    NoReviewer {
        /// Who.
        by: ReviewerName,
    },
    /// Somebody of the same name was added since.
    #[error("{by} was removed since, and added anew")]
    Another {
        /// Who.
        by: ReviewerName,
    },
    /// The key that they signed it with is theirs no more: it may have been stolen when it signed.
    #[error("{by} signed it with a key that was revoked since")]
    KeyRevoked {
        /// Who.
        by: ReviewerName,
    },
    /// They filled a place of a group that they are not in any more.
    #[error("{by} is not in the group {group} any more")]
    LeftGroup {
        /// Who.
        by: ReviewerName,
        /// Which.
        group: GroupName,
    },
}

impl Directory {
    /// Whether somebody of that name decides.
    pub fn decides(&self, name: &ReviewerName) -> bool {
        self.person(name).is_some_and(|member| member.roles.contains(&Role::Reviewer))
    }

    /// Why the approval that somebody gave at `at`, signed with that key if it was signed, does not
    /// count any more, if it does not.
    pub fn lapsed(
        &self,
        approver: Approver<'_>,
        signed: Option<Digest>,
        at: Timestamp,
    ) -> Option<Lapsed> {
        let by = approver.name.clone();
        let Some(member) = self.person(&by).filter(|_| self.decides(&by)) else {
            return Some(Lapsed::NoReviewer { by });
        };
        if member.since > at {
            return Some(Lapsed::Another { by });
        }
        let counts = |key: Digest| self.key(key).is_some_and(|it| it.person == by && it.counts());
        if !signed.is_none_or(counts) {
            return Some(Lapsed::KeyRevoked { by });
        }
        let mut groups = approver.groups.iter();
        let left = groups.find(|group| !member.groups.contains(group)).cloned();
        left.map(|group| Lapsed::LeftGroup { by, group })
    }
}
