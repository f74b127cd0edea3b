//! How escalations end, and what becomes of what was granted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::grant::{Basis, Grant};
use crate::id::EscalationId;
use crate::name::{AgentName, ReviewerName};
use crate::tier::Tier;

/// How an escalation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It may be done, once.
    Granted,
    /// A person said no.
    Denied,
    /// A person objected to what silence would have granted.
    Vetoed,
    /// Nobody decided in time.
    Expired,
    /// The agent no longer wants it.
    Withdrawn,
    /// A halt stopped it.
    Halted,
    /// People are told; nothing waited.
    Noted,
    /// A question has its answer.
    Answered,
}

/// Whether it makes sense for the agent to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskAgain {
    /// There is nothing left to ask.
    No,
    /// Only with something changed: the same thing will meet the same answer.
    WhenChanged,
    /// Yes: nobody said no.
    Yes,
    /// Once the halt is lifted.
    WhenLifted,
}

impl Outcome {
    /// The outcome's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Vetoed => "vetoed",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Halted => "halted",
            Self::Noted => "noted",
            Self::Answered => "answered",
        }
    }

    /// Whether asking again makes sense.
    pub fn ask_again(self) -> AskAgain {
        match self {
            Self::Granted | Self::Noted | Self::Answered => AskAgain::No,
            Self::Denied | Self::Vetoed => AskAgain::WhenChanged,
            Self::Expired | Self::Withdrawn => AskAgain::Yes,
            Self::Halted => AskAgain::WhenLifted,
        }
    }
}

/// What came of running what was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptResult {
    /// It was done.
    Succeeded,
    /// It was tried and not done.
    Failed,
    /// What it was approved for no longer held (its `precondition`), so nothing was done.
    Stale,
    /// It was begun, and nobody knows how it ended. People must look; nothing retries.
    Unknown,
}

impl ReceiptResult {
    /// The result's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        }
    }
}

/// What came of it, and when that was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What came of it.
    pub result: ReceiptResult,
    /// When that was recorded.
    pub at: Timestamp,
    /// If it was stale: what asks anew, under what holds now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened: Option<EscalationId>,
}

/// How far a permit's single use has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "permit", rename_all = "lowercase")]
pub enum PermitState {
    /// It may be redeemed until it expires.
    Issued {
        /// When it can no longer be redeemed.
        expires_at: Timestamp,
    },
    /// It was redeemed: the action was begun.
    Started {
        /// Who redeemed it.
        by: AgentName,
        /// When.
        at: Timestamp,
        /// What came of it, once known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receipt: Option<Receipt>,
    },
    /// It was taken back before it was used.
    Revoked,
}

/// A grant and its permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Why, and by whom.
    pub grant: Grant,
    /// What became of the permit.
    pub permit: PermitState,
}

/// An escalation that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// How.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// Which tier it was under then.
    pub tier: Tier,
    /// The basis of an answer; for actions, see `granted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Basis>,
    /// Who settled it, where it was one person's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ReviewerName>,
    /// The grant, also one that was taken back before it was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<Granted>,
}

impl Settled {
    /// Why it was granted or answered.
    pub fn basis(&self) -> Option<Basis> {
        self.granted.as_ref().map(|granted| granted.grant.basis()).or(self.answered)
    }

    /// The permit's state, if there was a grant.
    pub fn permit(&self) -> Option<&PermitState> {
        self.granted.as_ref().map(|granted| &granted.permit)
    }

    /// What came of it, once known.
    pub fn receipt(&self) -> Option<Receipt> {
        match self.permit()? {
            PermitState::Started { receipt, .. } => *receipt,
            PermitState::Issued { .. } | PermitState::Revoked => None,
        }
    }
}
