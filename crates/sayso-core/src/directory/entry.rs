//! What the directory knows of each.

use jiff::Timestamp;

use super::change::{By, Countersigned, How};
use super::scope::Scope;
use super::tools::ToolPattern;
use crate::confirmation::Thumbprint;
use crate::credential::Role;
use crate::digest::Digest;
use crate::id::CredentialId;
use crate::name::{AgentName, GroupName, ReviewerName};
use crate::signature::PersonKey;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What they may do.
    pub roles: Vec<Role>,
    /// The groups that they are in.
    pub groups: Vec<GroupName>,
    /// When they were added.
    pub since: Timestamp,
    /// Who added them.
    pub added_by: By,
    /// What identity providers call them: issuer and subject.
    pub links: Vec<(String, String)>,
}

impl Member {
    /// Whether that provider knows them; by that name, if one is given.
    pub(super) fn is_linked(&self, issuer: &str, subject: Option<&str>) -> bool {
        let fits = |link: &(String, String)| {
            link.0 == issuer && subject.is_none_or(|subject| link.1 == subject)
        };
        self.links.iter().any(fits)
    }
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Who owns it, and answers for what it does.
    pub owner: Option<ReviewerName>,
    /// The tools that it may propose; any, if none are named.
    pub tools: Option<Vec<ToolPattern>>,
    /// The key that its permits take a proof by.
    pub confirm: Option<Thumbprint>,
    /// When it was added.
    pub since: Timestamp,
    /// Who added it.
    pub added_by: By,
}

/// What somebody is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its id.
    pub id: CredentialId,
    /// The hash of its secret.
    pub hash: Digest,
    /// Whose it is.
    pub holder: Holder,
    /// Since when.
    pub since: Timestamp,
    /// Until when; until it is ended, if none.
    pub until: Option<Timestamp>,
}

impl Credential {
    /// Whether it is in force.
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

/// Whose a credential is, and of what kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An agent's key.
    Agent(AgentName),
    /// A person's token.
    Token {
        /// Whose.
        person: ReviewerName,
        /// What it is good for.
        scopes: Vec<Scope>,
    },
    /// A browser's session.
    Session {
        /// Whose.
        person: ReviewerName,
        /// How it was opened.
        how: How,
    },
    /// A one-time login link.
    Link {
        /// Whom it logs in.
        person: ReviewerName,
        /// Who made it.
        by: By,
    },
    /// An invitation.
    Invitation {
        /// What who accepts it may do.
        roles: Vec<Role>,
        /// The groups that they will be in.
        groups: Vec<GroupName>,
        /// Who invites.
        by: By,
    },
}

/// A person's own key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whose.
    pub person: ReviewerName,
    /// The key.
    pub key: PersonKey,
    /// Whether anybody vouches for it.
    pub standing: Standing,
    /// The ledger index from which on it is its person's no more.
    pub until: Option<u64>,
}

impl Key {
    /// Whether what it signed at that ledger index counts: it was enrolled before, and not revoked.
    pub fn counts_at(&self, index: u64) -> bool {
        let enrolled = match &self.standing {
            Standing::Offered => false,
            Standing::Enrolled { from, .. } => *from < index,
        };
        enrolled && self.until.is_none_or(|until| index < until)
    }

    /// Whether it is its person's.
    pub fn is_in_force(&self) -> bool {
        self.until.is_none()
    }

    /// Whether what it signs now counts.
    pub fn counts(&self) -> bool {
        self.is_in_force() && matches!(self.standing, Standing::Enrolled { .. })
    }
}

/// Whether anybody vouches for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody yet: it logs its person in, and what it signs does not count.
    Offered,
    /// It is its person's.
    Enrolled {
        /// Since that ledger index.
        from: u64,
        /// And that time.
        at: Timestamp,
        /// Who vouches for it.
        countersigned: Countersigned,
    },
}

/// Somebody stands in for somebody who is out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Who is out.
    pub away: ReviewerName,
    /// Who stands in.
    pub stand_in: ReviewerName,
    /// Until when.
    pub until: Timestamp,
}
