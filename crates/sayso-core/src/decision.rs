//! Decisions: what an authenticated person says about an escalation they saw.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::credential::{Person, Role};
use crate::digest::Digest;
use crate::name::{GroupName, ReviewerName};
use crate::nonce::Nonce;
use crate::signature::{BadProof, PersonKey, Signature};
use crate::statement::{Misfit, Signed, Statement};
use crate::verdict::Verdict;

/// How strongly a decision is tied to a person; ordered, stronger is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Assurance {
    /// A confirmed click from mail or chat.
    Channel,
    /// A logged-in session or a token.
    Session,
    /// A signature by the person's own key.
    Signed,
}

impl Assurance {
    /// The assurance's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Session => "session",
            Self::Signed => "signed",
        }
    }
}

/// What a person says.
#[derive(Clone, Debug, PartialEq)]
pub enum Says {
    /// Yes, as it is.
    Approve,
    /// Yes, but with other arguments: a new action, judged by the policy again.
    ApproveEdited(Edit),
    /// No.
    Deny,
    /// No, to something that silence would have granted.
    Veto,
    /// Not without a person: soft becomes hard.
    Hold,
    /// The answer to a question.
    Answer(Value),
    /// I am on it: silence stops counting until it lapses.
    Take,
    /// I take back my approval, which was not the last that was needed.
    Retract,
}

/// An action with other arguments, and what the policy asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The digest of the edited action.
    pub digest: Digest,
    /// What the policy asks for it.
    pub verdict: Verdict,
    /// The ceremony in which people approve it.
    pub ceremony: Nonce,
}

impl Says {
    /// The decision's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Approve | Self::ApproveEdited(_) => "approve",
            Self::Deny => "deny",
            Self::Veto => "veto",
            Self::Hold => "hold",
            Self::Answer(_) => "answer",
            Self::Take => "take",
            Self::Retract => "retract",
        }
    }

    /// Whether it lets something happen. Only such decisions may be made harder than one tap.
    pub fn permits(&self) -> bool {
        match self {
            Self::Approve | Self::ApproveEdited(_) | Self::Answer(_) => true,
            Self::Deny | Self::Veto | Self::Hold | Self::Take | Self::Retract => false,
        }
    }
}

/// What the person had before their eyes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The digest shown. Approving and answering must name it.
    pub digest: Option<Digest>,
    /// The version shown, if they insist that nothing else happened since.
    pub version: Option<u64>,
}

impl Seen {
    /// They saw that digest.
    pub fn digest(digest: Digest) -> Self {
        Self { digest: Some(digest), version: None }
    }
}

/// A person without the reviewer's role tried to decide.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} may not decide: that takes the role \"reviewer\"")]
pub struct NotAReviewer(pub ReviewerName);

/// A signed statement, and what it has to be checked against.
#[derive(Clone, Copy, Debug)]
pub struct OwnSignature<'a> {
    /// The workspace that it is for.
    pub workspace: &'a str,
    /// What was signed.
    pub statement: &'a Statement,
    /// The key of the person who decides.
    pub key: &'a PersonKey,
    /// Their signature.
    pub signature: &'a Signature,
}

/// Why a decision is not one that a person signed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// They may not decide at all.
    #[error(transparent)]
    NotAReviewer(#[from] NotAReviewer),
    /// The statement is another's, or for elsewhere.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The signature does not hold.
    #[error("the signature does not hold: {0}")]
    Proof(#[from] BadProof),
}

/// A decision known to come from a person. There is no way to make one without a [`Person`], and
/// no way to make a person out of an agent's credential.
#[derive(Clone, Debug)]
pub struct VerifiedDecision {
    by: ReviewerName,
    says: Says,
    seen: Seen,
    assurance: Assurance,
    groups: Vec<GroupName>,
    stands_in_for: Vec<ReviewerName>,
    signed: Option<Signed>,
    statement: Option<Box<Statement>>,
}

impl VerifiedDecision {
    /// What a logged-in person says.
    pub fn in_session(person: &Person, says: Says, seen: Seen) -> Result<Self, NotAReviewer> {
        if !person.is(Role::Reviewer) {
            return Err(NotAReviewer(person.name().clone()));
        }
        Ok(Self {
            by: person.name().clone(),
            says,
            seen,
            assurance: Assurance::Session,
            groups: person.groups().to_vec(),
            stands_in_for: person.stands_in_for().to_vec(),
            signed: None,
            statement: None,
        })
    }

    /// What a logged-in person says over a signature of their own: `key` must be theirs, and in
    /// force. That the statement is about what is decided is for the law to see.
    pub fn by_signature(
        person: &Person,
        says: Says,
        seen: Seen,
        own: &OwnSignature<'_>,
    ) -> Result<Self, NotSigned> {
        let OwnSignature { workspace, statement, key, signature } = own;
        if statement.workspace != *workspace {
            return Err(NotSigned::Misfit(Misfit("workspace")));
        }
        if statement.reviewer != *person.name() {
            return Err(NotSigned::Misfit(Misfit("reviewer")));
        }
        if statement.key != key.id() {
            return Err(NotSigned::Misfit(Misfit("key")));
        }
        signature.verify(key, &statement.bytes())?;
        let decision = Self::in_session(person, says, seen)?;
        let signed = Signed { key: statement.key, statement: statement.digest() };
        Ok(Self {
            assurance: Assurance::Signed,
            signed: Some(signed),
            statement: Some(Box::new((*statement).clone())),
            ..decision
        })
    }

    /// What the ledger says that a person said; for [`crate::escalation::Replay`] alone.
    pub(crate) fn replayed(
        by: ReviewerName,
        says: Says,
        seen: Seen,
        assurance: Assurance,
        groups: Vec<GroupName>,
        signed: Option<Signed>,
    ) -> Self {
        let (stands_in_for, statement) = (Vec::new(), None);
        Self { by, says, seen, assurance, groups, stands_in_for, signed, statement }
    }

    /// Who says it.
    pub fn by(&self) -> &ReviewerName {
        &self.by
    }

    /// What they say.
    pub fn says(&self) -> &Says {
        &self.says
    }

    /// What they saw.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// How strongly it is tied to them.
    pub fn assurance(&self) -> Assurance {
        self.assurance
    }

    /// The groups that they are in.
    pub fn groups(&self) -> &[GroupName] {
        &self.groups
    }

    /// Whom they stand in for.
    pub fn stands_in_for(&self) -> &[ReviewerName] {
        &self.stands_in_for
    }

    /// The signature that came with it, as the ledger holds it.
    pub fn signed(&self) -> Option<Signed> {
        self.signed
    }

    /// The statement that was signed. A replay has it only by digest.
    pub fn statement(&self) -> Option<&Statement> {
        self.statement.as_deref()
    }
}
