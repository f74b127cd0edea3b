//! What can happen to an escalation. The ledger holds these and nothing else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::settled::ReceiptResult;
use super::{Subject, Take};
use crate::decision::Assurance;
use crate::digest::Digest;
use crate::grant::{Approval, Basis, Grant};
use crate::id::{EscalationId, HaltId};
use crate::moment::Start;
use crate::name::{AgentName, ReviewerName};
use crate::nonce::Nonce;
use crate::period::Period;
use crate::statement::Signed;
use crate::verdict::Verdict;

/// Why a soft escalation became hard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Hardened {
    /// A person held it.
    Held {
        /// Who.
        by: ReviewerName,
    },
    /// Nobody who could veto was there to hear it.
    Unheard,
    /// The agent has had its share of silent grants under the rule.
    SilentLimit,
    /// It was edited into something the policy calls hard.
    Edited {
        /// Who edited it.
        by: ReviewerName,
    },
}

/// Something that happened to an escalation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// An agent proposed it.
    Proposed {
        /// Who asked.
        agent: AgentName,
        /// Who answers for the agent: who owns it, and who started it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        answerable: Vec<ReviewerName>,
        /// Who may redeem the permit.
        executor: AgentName,
        /// What is asked.
        subject: Subject,
        /// What the policy asked for, raised by what the agent asked.
        verdict: Verdict,
        /// When it ends undecided.
        expires_at: Timestamp,
        /// The ceremony in which people approve it.
        ceremony: Nonce,
    },
    /// Somebody who can veto was shown it: its window begins.
    Delivered {
        /// How: `inbox`, `stream`, `terminal`.
        channel: String,
        /// Where its silence begins on the route's listening clock.
        from: Start,
    },
    /// It became hard.
    Hardened {
        /// Why.
        #[serde(flatten)]
        because: Hardened,
    },
    /// A person is on it.
    Taken {
        /// Who, and until when.
        #[serde(flatten)]
        take: Take,
        /// How much of the window had been heard by then, if it was counting.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heard: Option<Period>,
    },
    /// The take lapsed.
    Lapsed {
        /// Where its silence resumes, if it had begun.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Start>,
    },
    /// A person changed the arguments: a new action, judged again. Earlier approvals fall.
    Edited {
        /// Who.
        by: ReviewerName,
        /// The digest of the new action.
        digest: Digest,
        /// What the policy asks for it.
        verdict: Verdict,
        /// The ceremony in which people approve it.
        ceremony: Nonce,
    },
    /// A person approved.
    Approved {
        /// Who, and how.
        #[serde(flatten)]
        approval: Approval,
    },
    /// A person took back their approval.
    Retracted {
        /// Who.
        by: ReviewerName,
    },
    /// It may be done, once.
    Granted {
        /// Why, and by whom.
        grant: Grant,
        /// Until when the permit may be redeemed.
        expires_at: Timestamp,
    },
    /// A question has its answer.
    Answered {
        /// Why: a person, or silence for the default.
        basis: Basis,
        /// Who, if it was a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<ReviewerName>,
        /// How strongly the answer is tied to them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assurance: Option<Assurance>,
        /// The signature that came with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<Signed>,
        /// How much silence was heard, if it was silence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heard: Option<Period>,
    },
    /// A person said no, also to a grant not yet used.
    Denied {
        /// Who.
        by: ReviewerName,
    },
    /// A person objected to what silence would have granted, or had granted.
    Vetoed {
        /// Who.
        by: ReviewerName,
    },
    /// Nobody decided in time.
    Expired,
    /// The agent no longer wants it.
    Withdrawn,
    /// A halt stopped it, also a grant not yet used.
    Halted {
        /// Which.
        halt: HaltId,
    },
    /// People are told; nothing waits.
    Noted,
    /// A halt froze it.
    Frozen {
        /// Which.
        halt: HaltId,
        /// How much of the window had been heard by then, if it was counting.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heard: Option<Period>,
    },
    /// The halt was lifted; it goes on with the time it had left.
    Thawed {
        /// Where its silence resumes, if it had begun and nobody took it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Start>,
    },
    /// The permit was redeemed: the action was begun.
    Started {
        /// Who redeemed it.
        by: AgentName,
    },
    /// What came of it.
    Receipted {
        /// What the executor said; `unknown` also when it said nothing.
        result: ReceiptResult,
        /// Who said so; nobody, if it was the wait that ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<AgentName>,
        /// If it was stale: what asks anew, under what holds now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reopened: Option<EscalationId>,
    },
}

impl Event {
    /// Whether it settles the escalation, or settles it otherwise than before.
    pub fn settles(&self) -> bool {
        matches!(
            self,
            Self::Granted { .. }
                | Self::Answered { .. }
                | Self::Denied { .. }
                | Self::Vetoed { .. }
                | Self::Expired
                | Self::Withdrawn
                | Self::Halted { .. }
                | Self::Noted
        )
    }

    /// The event's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Proposed { .. } => "proposed",
            Self::Delivered { .. } => "delivered",
            Self::Hardened { .. } => "hardened",
            Self::Taken { .. } => "taken",
            Self::Lapsed { .. } => "lapsed",
            Self::Edited { .. } => "edited",
            Self::Approved { .. } => "approved",
            Self::Retracted { .. } => "retracted",
            Self::Granted { .. } => "granted",
            Self::Answered { .. } => "answered",
            Self::Denied { .. } => "denied",
            Self::Vetoed { .. } => "vetoed",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Halted { .. } => "halted",
            Self::Noted => "noted",
            Self::Frozen { .. } => "frozen",
            Self::Thawed { .. } => "thawed",
            Self::Started { .. } => "started",
            Self::Receipted { .. } => "receipted",
        }
    }

    /// The person behind it, if it was a person's doing.
    pub fn person(&self) -> Option<&ReviewerName> {
        match self {
            Self::Hardened { because: Hardened::Held { by } | Hardened::Edited { by } }
            | Self::Taken { take: Take { by, .. }, .. }
            | Self::Edited { by, .. }
            | Self::Approved { approval: Approval { by, .. } }
            | Self::Retracted { by }
            | Self::Denied { by }
            | Self::Vetoed { by } => Some(by),
            Self::Answered { by, .. } => by.as_ref(),
            Self::Proposed { .. }
            | Self::Delivered { .. }
            | Self::Hardened { because: Hardened::Unheard | Hardened::SilentLimit }
            | Self::Lapsed { .. }
            | Self::Granted { .. }
            | Self::Expired
            | Self::Withdrawn
            | Self::Halted { .. }
            | Self::Noted
            | Self::Frozen { .. }
            | Self::Thawed { .. }
            | Self::Started { .. }
            | Self::Receipted { .. } => None,
        }
    }
}
