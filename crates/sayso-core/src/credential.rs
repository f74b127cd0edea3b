//! Credentials of agents and of people: different types, so that one can't be used as the other.
//!
//! A secret is 32 random bytes, shown once; only its SHA-256 is stored. [`Agent`] and [`Person`]
//! are proofs of authentication: they come from a matching secret and from nowhere else.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::digest::Digest;
use crate::id::CredentialId;
use crate::name::{AgentName, GroupName, ReviewerName};

/// A secret that is not of the form expected here. What was given is never repeated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {expected}")]
pub struct BadSecret {
    expected: &'static str,
}

macro_rules! secret {
    ($(#[$doc:meta])* $type:ident, $prefix:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $type([u8; 32]);

        impl $type {
            /// Makes a secret from 32 bytes of a cryptographic random source.
            pub const fn from_entropy(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The secret as its holder keeps it. To be shown once.
            pub fn reveal(&self) -> String {
                format!(concat!($prefix, "{}"), hex::encode(self.0))
            }

            /// What is stored of it. A plain hash is enough: the secret is 256 random bits.
            pub fn hash(&self) -> Digest {
                Digest::of(&self.0)
            }
        }

        impl FromStr for $type {
            type Err = BadSecret;

            fn from_str(text: &str) -> Result<Self, BadSecret> {
                let bad = BadSecret { expected: $expected };
                let Some(digits) = text.strip_prefix($prefix) else { return Err(bad) };
                let mut bytes = [0; 32];
                hex::decode_to_slice(digits, &mut bytes).map_err(|_| bad)?;
                Ok(Self(bytes))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "(…)"))
            }
        }
    };
}

secret! {
    /// An agent's key: it proposes, waits, redeems and reports.
    AgentKey, "sayso_agent_", "an agent's key (sayso_agent_…)"
}
secret! {
    /// A person's token, for the command line and the API.
    ReviewerToken, "sayso_reviewer_", "a reviewer's token (sayso_reviewer_…)"
}
secret! {
    /// A browser's session.
    SessionToken, "sayso_session_", "a session"
}
secret! {
    /// The secret of a one-time login link.
    LoginToken, "sayso_login_", "a login link"
}
secret! {
    /// The secret of an invitation.
    InviteToken, "sayso_invite_", "an invitation"
}

fn same(stored: Digest, presented: Digest) -> bool {
    stored.as_bytes().ct_eq(presented.as_bytes()).into()
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decides.
    Reviewer,
    /// Changes the policy.
    PolicyAdmin,
    /// Reads everything, decides nothing.
    Auditor,
    /// Adds and removes people, agents and keys.
    Owner,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Self; 4] = [Self::Reviewer, Self::PolicyAdmin, Self::Auditor, Self::Owner];

    /// The role's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reviewer => "reviewer",
            Self::PolicyAdmin => "policy_admin",
            Self::Auditor => "auditor",
            Self::Owner => "owner",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.word() == text).ok_or_else(|| {
            "a role is \"reviewer\", \"policy_admin\", \"auditor\" or \"owner\"".into()
        })
    }
}

/// An agent as stored.
#[derive(Clone, Debug)]
pub struct AgentRecord {
    /// Its name.
    pub name: AgentName,
    /// [`AgentKey::hash`] of its key.
    pub key: Digest,
    /// Who owns it, and answers for what it does.
    pub owner: Option<ReviewerName>,
}

impl AgentRecord {
    /// The agent, if `presented` is its key.
    pub fn authenticate(&self, presented: &AgentKey) -> Option<Agent> {
        same(self.key, presented.hash()).then(|| Agent {
            name: self.name.clone(),
            owner: self.owner.clone(),
            credential: None,
        })
    }
}

/// What kind of secret a [`PersonRecord`] holds the hash of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretKind {
    /// A [`ReviewerToken`].
    Token,
    /// A [`SessionToken`].
    Session,
    /// A [`LoginToken`].
    Login,
}

/// A person as stored, with one of their secrets.
#[derive(Clone, Debug)]
pub struct PersonRecord {
    /// Their name.
    pub name: ReviewerName,
    /// What they may do.
    pub roles: Vec<Role>,
    /// The groups that they are in.
    pub groups: Vec<GroupName>,
    /// Whom they stand in for.
    pub stands_in_for: Vec<ReviewerName>,
    /// What kind of secret this is.
    pub kind: SecretKind,
    /// The secret's hash.
    pub secret: Digest,
    /// When the secret ends; never, if none.
    pub expires_at: Option<Timestamp>,
}

impl PersonRecord {
    /// The person, if `presented` is their token and it has not ended.
    pub fn authenticate(&self, presented: &ReviewerToken, now: Timestamp) -> Option<Person> {
        self.person(SecretKind::Token, presented.hash(), now)
    }

    /// The person, if `presented` is their session and it has not ended.
    pub fn resume(&self, presented: &SessionToken, now: Timestamp) -> Option<Person> {
        self.person(SecretKind::Session, presented.hash(), now)
    }

    /// The person, if `presented` is their login link and it has not ended.
    pub fn log_in(&self, presented: &LoginToken, now: Timestamp) -> Option<Person> {
        self.person(SecretKind::Login, presented.hash(), now)
    }

    fn person(&self, kind: SecretKind, presented: Digest, now: Timestamp) -> Option<Person> {
        let alive = self.expires_at.is_none_or(|end| now < end);
        (self.kind == kind && alive && same(self.secret, presented)).then(|| Person {
            name: self.name.clone(),
            roles: self.roles.clone(),
            groups: self.groups.clone(),
            stands_in_for: self.stands_in_for.clone(),
            credential: None,
        })
    }
}

/// An authenticated agent. It can never decide: nothing in the law takes one where a
/// [`Person`] is asked for.
#[derive(Clone, Debug)]
pub struct Agent {
    name: AgentName,
    owner: Option<ReviewerName>,
    credential: Option<CredentialId>,
}

impl Agent {
    /// The agent that the ledger names; for [`crate::escalation::Replay`] alone.
    pub(crate) fn replayed(name: AgentName, owner: Option<ReviewerName>) -> Self {
        Self { name, owner, credential: None }
    }

    /// The same agent, known by that credential.
    pub(crate) fn known_by(self, credential: CredentialId) -> Self {
        Self { credential: Some(credential), ..self }
    }

    /// What it is known by, if that is one of the directory's.
    pub fn credential(&self) -> Option<CredentialId> {
        self.credential
    }

    /// Its name.
    pub fn name(&self) -> &AgentName {
        &self.name
    }

    /// Who owns it.
    pub fn owner(&self) -> Option<&ReviewerName> {
        self.owner.as_ref()
    }
}

/// An authenticated person.
#[derive(Clone, Debug)]
pub struct Person {
    name: ReviewerName,
    roles: Vec<Role>,
    groups: Vec<GroupName>,
    stands_in_for: Vec<ReviewerName>,
    credential: Option<CredentialId>,
}

impl Person {
    /// The same person, known by that credential.
    pub(crate) fn known_by(self, credential: CredentialId) -> Self {
        Self { credential: Some(credential), ..self }
    }

    /// What they are known by, if that is one of the directory's.
    pub fn credential(&self) -> Option<CredentialId> {
        self.credential
    }

    /// Their name.
    pub fn name(&self) -> &ReviewerName {
        &self.name
    }

    /// Whether they have that role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// What they may do.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The groups that they are in.
    pub fn groups(&self) -> &[GroupName] {
        &self.groups
    }

    /// Whom they stand in for. That makes no authority; it can only take some away.
    pub fn stands_in_for(&self) -> &[ReviewerName] {
        &self.stands_in_for
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: SecretKind, secret: Digest) -> PersonRecord {
        PersonRecord {
            name: ReviewerName::new("ana").unwrap(),
            roles: vec![Role::Reviewer],
            groups: Vec::new(),
            stands_in_for: Vec::new(),
            kind,
            secret,
            expires_at: Some(Timestamp::from_second(100).unwrap()),
        }
    }

    #[test]
    fn only_the_matching_living_secret_authenticates() {
        let token = ReviewerToken::from_entropy([7; 32]);
        let person = record(SecretKind::Token, token.hash());
        let (before, at_end) =
            (Timestamp::from_second(99).unwrap(), Timestamp::from_second(100).unwrap());
        assert!(person.authenticate(&token, before).is_some());
        assert!(person.authenticate(&token, at_end).is_none());
        assert!(person.authenticate(&ReviewerToken::from_entropy([8; 32]), before).is_none());
    }

    #[test]
    fn a_login_link_is_no_token_even_with_the_same_bytes() {
        let login = LoginToken::from_entropy([7; 32]);
        let person = record(SecretKind::Login, login.hash());
        let now = Timestamp::from_second(1).unwrap();
        assert!(person.authenticate(&ReviewerToken::from_entropy([7; 32]), now).is_none());
        assert!(person.log_in(&login, now).is_some());
    }

    #[test]
    fn secrets_parse_only_as_their_own_kind_and_never_print() {
        let key = AgentKey::from_entropy([1; 32]);
        assert_eq!(key.reveal().parse::<AgentKey>().unwrap().hash(), key.hash());
        let refused = key.reveal().parse::<ReviewerToken>().unwrap_err().to_string();
        assert_eq!(refused, "not a reviewer's token (sayso_reviewer_…)");
        assert_eq!(format!("{key:?}"), "AgentKey(…)");
    }
}
