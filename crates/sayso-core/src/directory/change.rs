//! What can change about who may do what, and who can change it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::scope::Scope;
use super::tools::ToolPattern;
use crate::confirmation::Thumbprint;
use crate::credential::Role;
use crate::digest::Digest;
use crate::id::CredentialId;
use crate::name::{AgentName, GroupName, ReviewerName};
use crate::signature::PersonKey;

/// Who made a change. What the operator made is told apart for ever: whoever can write the
/// database can do it, and nobody else vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A person, by their own credential.
    Person(ReviewerName),
    /// Whoever works on the data itself, by the command line.
    Operator,
    /// The server, when it started and nobody was there yet.
    FirstStart,
    /// An identity provider, by its issuer.
    Provider(String),
    /// Whoever accepted that invitation.
    Invitation(CredentialId),
}

/// A secret as the ledger holds it: whoever knows the secret is known by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Its id.
    pub id: CredentialId,
    /// SHA-256 of its 256 random bits, which says nothing about them.
    pub hash: Digest,
}

/// How somebody logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By a one-time link, which that used up.
    Link(CredentialId),
    /// By accepting an invitation.
    Invitation(CredentialId),
    /// By a passkey, of that id.
    Passkey(Digest),
    /// By an identity provider, by its issuer.
    Provider(String),
}

impl How {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Link(_) => "link",
            Self::Invitation(_) => "invitation",
            Self::Passkey(_) => "passkey",
            Self::Provider(_) => "provider",
        }
    }
}

/// Who vouches that a key is its person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Countersigned {
    /// Nobody: it is the first key there is, the root of all others.
    First,
    /// A reviewer, with an enrolled key of theirs.
    Reviewer {
        /// Who.
        name: ReviewerName,
        /// The key's id.
        key: Digest,
        /// The digest of what they signed, which is in the entry's body with the proof.
        statement: Digest,
    },
    /// The organisation, with a key that auditors know from elsewhere.
    Organisation {
        /// The key's id.
        key: Digest,
        /// The digest of what was signed, which is in the entry's body with the proof.
        statement: Digest,
    },
}

/// A change of who may do what. The ledger holds these in order; [`super::Directory`] is their
/// fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// An agent was added. It has no key yet.
    AgentAdded {
        /// Its name.
        name: AgentName,
        /// Who owns it, and answers for what it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<ReviewerName>,
        /// The tools that it may propose; any, if none are named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tools: Option<Vec<ToolPattern>>,
    },
    /// An agent has another owner, or other tools.
    AgentChanged {
        /// Which.
        name: AgentName,
        /// Who owns it now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<ReviewerName>,
        /// What it may propose now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tools: Option<Vec<ToolPattern>>,
    },
    /// An agent was given a key.
    AgentKeyAdded {
        /// Which agent.
        agent: AgentName,
        /// The key.
        key: Sealed,
    },
    /// An agent's key works until that time, and no longer. An end is never put off.
    AgentKeyEnds {
        /// Which key.
        key: CredentialId,
        /// Until when it works.
        until: Timestamp,
    },
    /// An agent is none any more, and its keys with it.
    AgentRevoked {
        /// Which.
        name: AgentName,
    },
    /// An agent is called at another address from now on, or nowhere.
    CallbackSet {
        /// Which agent.
        agent: AgentName,
        /// The address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// Permits for an agent take a proof by that key from now on, or none.
    AgentConfirms {
        /// Which agent.
        agent: AgentName,
        /// The key's thumbprint.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<Thumbprint>,
    },
    /// Permits are signed with another key from now on. Those before it verify for as long as what
    /// they signed may be redeemed.
    PermitKeyAdded {
        /// The key's thumbprint.
        kid: Thumbprint,
    },
    /// A person was added.
    PersonAdded {
        /// Their name.
        name: ReviewerName,
        /// What they may do.
        roles: Vec<Role>,
        /// The groups that they are in.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        groups: Vec<GroupName>,
    },
    /// A person's roles and groups are now these.
    PersonChanged {
        /// Whose.
        name: ReviewerName,
        /// What they may do.
        roles: Vec<Role>,
        /// The groups that they are in.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        groups: Vec<GroupName>,
    },
    /// A person is known to an identity provider, and may log in by it.
    PersonLinked {
        /// Who.
        name: ReviewerName,
        /// The provider.
        issuer: String,
        /// What the provider calls them, for ever.
        subject: String,
    },
    /// A person is none any more, and all that they are known by with them.
    PersonRemoved {
        /// Who.
        name: ReviewerName,
    },
    /// Somebody was invited: whoever holds the invitation may join, once.
    Invited {
        /// The invitation.
        invitation: Sealed,
        /// What they may do once they have joined.
        roles: Vec<Role>,
        /// The groups that they will be in.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        groups: Vec<GroupName>,
        /// Until when.
        until: Timestamp,
    },
    /// An invitation was taken back.
    InvitationEnded {
        /// Which.
        invitation: CredentialId,
    },
    /// A person is out, and another stands in for them. That makes no authority.
    CoverSet {
        /// Who is out.
        away: ReviewerName,
        /// Who stands in.
        stand_in: ReviewerName,
        /// Until when.
        until: Timestamp,
    },
    /// A cover has ended.
    CoverEnded {
        /// Who was out.
        away: ReviewerName,
        /// Who stood in.
        stand_in: ReviewerName,
    },
    /// A person's key is known, and nobody has vouched for it.
    KeyOffered {
        /// Whose.
        person: ReviewerName,
        /// The key.
        key: PersonKey,
    },
    /// A key that was offered is its person's: what it signs counts.
    KeyEnrolled {
        /// Whose.
        person: ReviewerName,
        /// The key's id.
        key: Digest,
        /// Who vouches for it.
        countersigned: Countersigned,
    },
    /// A key is its person's no more. What it signed before stays signed.
    KeyRevoked {
        /// Whose.
        person: ReviewerName,
        /// The key's id.
        key: Digest,
    },
    /// A person was given a token.
    TokenIssued {
        /// The token.
        token: Sealed,
        /// Whose.
        person: ReviewerName,
        /// What it is good for, of what they may do.
        scopes: Vec<Scope>,
        /// Until when; until it is revoked, if none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// A token is none any more.
    TokenRevoked {
        /// Which.
        token: CredentialId,
    },
    /// A one-time login link was made.
    LinkMade {
        /// The link.
        link: Sealed,
        /// Whom it logs in.
        person: ReviewerName,
        /// Until when.
        until: Timestamp,
    },
    /// A person logged in.
    SessionOpened {
        /// The session.
        session: Sealed,
        /// Whose.
        person: ReviewerName,
        /// How.
        how: How,
        /// Until when.
        until: Timestamp,
    },
    /// A session has ended before its time.
    SessionClosed {
        /// Which.
        session: CredentialId,
    },
}

impl Change {
    /// Whether somebody may not do after it what they might before.
    pub fn takes_away(&self) -> bool {
        match self {
            Self::AgentChanged { .. }
            | Self::AgentRevoked { .. }
            | Self::PersonChanged { .. }
            | Self::PersonRemoved { .. }
            // Who stands in for an agent's owner does not approve for it.
            | Self::CoverSet { .. }
            | Self::KeyRevoked { .. } => true,
            Self::AgentAdded { .. }
            | Self::AgentKeyAdded { .. }
            | Self::AgentKeyEnds { .. }
            | Self::CallbackSet { .. }
            | Self::AgentConfirms { .. }
            | Self::PermitKeyAdded { .. }
            | Self::PersonAdded { .. }
            | Self::PersonLinked { .. }
            | Self::Invited { .. }
            | Self::InvitationEnded { .. }
            | Self::CoverEnded { .. }
            | Self::KeyOffered { .. }
            | Self::KeyEnrolled { .. }
            | Self::TokenIssued { .. }
            | Self::TokenRevoked { .. }
            | Self::LinkMade { .. }
            | Self::SessionOpened { .. }
            | Self::SessionClosed { .. } => false,
        }
    }

    /// The change's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::AgentAdded { .. } => "agent_added",
            Self::AgentChanged { .. } => "agent_changed",
            Self::AgentKeyAdded { .. } => "agent_key_added",
            Self::AgentKeyEnds { .. } => "agent_key_ends",
            Self::AgentRevoked { .. } => "agent_revoked",
            Self::CallbackSet { .. } => "callback_set",
            Self::AgentConfirms { .. } => "agent_confirms",
            Self::PermitKeyAdded { .. } => "permit_key_added",
            Self::PersonAdded { .. } => "person_added",
            Self::PersonChanged { .. } => "person_changed",
            Self::PersonLinked { .. } => "person_linked",
            Self::PersonRemoved { .. } => "person_removed",
            Self::Invited { .. } => "invited",
            Self::InvitationEnded { .. } => "invitation_ended",
            Self::CoverSet { .. } => "cover_set",
            Self::CoverEnded { .. } => "cover_ended",
            Self::KeyOffered { .. } => "key_offered",
            Self::KeyEnrolled { .. } => "key_enrolled",
            Self::KeyRevoked { .. } => "key_revoked",
            Self::TokenIssued { .. } => "token_issued",
            Self::TokenRevoked { .. } => "token_revoked",
            Self::LinkMade { .. } => "link_made",
            Self::SessionOpened { .. } => "session_opened",
            Self::SessionClosed { .. } => "session_closed",
        }
    }
}
