//! The escalation: one action, or one question, put before people.
//!
//! [`open`] begins one, [`decide`] says what a command leads to, [`apply`](Escalation::apply)
//! folds what happened into the state, [`due`](Escalation::due) says when to look again. Each is
//! a pure function; the ledger holds the events, and the state is nothing but their fold.

mod anew;
mod apply;
mod command;
mod decide;
mod due;
mod event;
mod open;
mod replay;
mod settled;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use anew::NotAnew;
pub use apply::IllegalHistory;
pub use command::{Command, Refusal};
pub use decide::decide;
pub use due::Due;
pub use event::{Event, Hardened};
pub use open::{Proposal, RefusedProposal, open};
pub use replay::{Facts, Illegal, Replay};
pub use settled::{AskAgain, Granted, Outcome, PermitState, Receipt, ReceiptResult, Settled};

use crate::digest::Digest;
use crate::grant::Approval;
use crate::id::{EscalationId, HaltId};
use crate::moment::{Moment, Start};
use crate::name::{AgentName, ReviewerName, RuleName, ToolName};
use crate::nonce::Nonce;
use crate::period::Period;
use crate::question::Form;
use crate::tier::Tier;
use crate::verdict::Verdict;

/// How long a grant may be redeemed.
pub const PERMIT_LASTS: Period = Period::from_secs(10 * 60);
/// How long after redeeming a receipt is awaited before it counts as `unknown`.
pub const RECEIPT_WITHIN: Period = Period::from_secs(15 * 60);
/// How long a `take` pauses the silence before it lapses.
pub const TAKE_LASTS: Period = Period::from_secs(15 * 60);
/// For how long a refusal also answers the same call asked again.
pub const REFUSAL_STANDS: Period = Period::from_secs(10 * 60);
/// How long people have to decide before an escalation expires, ungranted.
pub const EXPIRES_AFTER: Period = Period::from_secs(7 * 24 * 3_600);
/// The least time a soft escalation waits for somebody to hear it before it becomes hard.
pub const LEAST_UNHEARD: Period = Period::from_secs(60);
/// The longest window.
pub const LONGEST_WINDOW: Period = Period::from_secs(30 * 24 * 3_600);

/// What people are asked about. The bulk of it (arguments, texts) is kept apart, by digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Subject {
    /// May this be done?
    Action {
        /// The tool to be called.
        tool: ToolName,
        /// The digest of exactly what will be done.
        digest: Digest,
    },
    /// What should be done?
    Question {
        /// The digest of what is asked.
        digest: Digest,
        /// What answers it takes.
        form: Form,
        /// What silence answers, if the tier is soft.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<Value>,
    },
}

impl Subject {
    /// What people decide on.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Action { digest, .. } | Self::Question { digest, .. } => *digest,
        }
    }

    /// The tool, if there is an action.
    pub fn tool(&self) -> Option<&ToolName> {
        match self {
            Self::Action { tool, .. } => Some(tool),
            Self::Question { .. } => None,
        }
    }
}

/// Who is on it, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// Who took it.
    pub by: ReviewerName,
    /// When the take lapses.
    pub until: Timestamp,
}

/// How far an escalation's window has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "silence", rename_all = "lowercase")]
pub(crate) enum Silence {
    /// It has been delivered to nobody.
    Undelivered,
    /// It counts whenever somebody listens.
    Counting { from: Start },
    /// It is stopped: somebody took it, or a halt froze it.
    Stopped { heard: Period },
}

/// What an open escalation waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tier", rename_all = "lowercase")]
pub(crate) enum Wait {
    /// A full window of heard silence, or people.
    Soft {
        #[serde(flatten)]
        silence: Silence,
        /// Since when it could have been heard.
        since: Timestamp,
    },
    /// People.
    Hard {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<Hardened>,
    },
}

/// An escalation that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) wait: Wait,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) approvals: Vec<Approval>,
    /// When each of them was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) approved: Vec<(ReviewerName, Timestamp)>,
    /// Who took their approval back, and at which version: what they had signed by then is spent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) retracted: Vec<(ReviewerName, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) taken: Option<Take>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) frozen: Option<HaltId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum Phase {
    Pending(Pending),
    Settled(Settled),
}

/// One action, or one question, put before people.
///
/// It can be read back from the store that wrote it; otherwise [`open`] and
/// [`apply`](Escalation::apply) are the only ways to get or change one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Escalation {
    pub(crate) id: EscalationId,
    pub(crate) agent: AgentName,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) answerable: Vec<ReviewerName>,
    pub(crate) executor: AgentName,
    pub(crate) subject: Subject,
    pub(crate) verdict: Verdict,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) version: u64,
    pub(crate) ceremony: Nonce,
    pub(crate) ceremony_since: u64,
    pub(crate) phase: Phase,
}

/// What an open escalation is waiting for, in one word each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// Somebody who could veto must be reached first.
    Listener,
    /// The window is passing, in hearing.
    Silence,
    /// Somebody took it.
    Taker,
    /// People must decide.
    Decision,
    /// A halt must be lifted.
    Lift,
}

impl Escalation {
    /// Its id.
    pub fn id(&self) -> EscalationId {
        self.id
    }

    /// Who asked.
    pub fn agent(&self) -> &AgentName {
        &self.agent
    }

    /// Who answers for the agent: who owns it, and who started it.
    pub fn answerable(&self) -> &[ReviewerName] {
        &self.answerable
    }

    /// Who may redeem the permit: its audience.
    pub fn executor(&self) -> &AgentName {
        &self.executor
    }

    /// What it is about.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What people decide on.
    pub fn digest(&self) -> Digest {
        self.subject.digest()
    }

    /// What the policy asked for, and the agent on top of it.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The rule that set the tier.
    pub fn rule(&self) -> Option<&RuleName> {
        self.verdict.rule.as_ref()
    }

    /// When it was proposed.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When it ends undecided.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// How many events it has had.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The ceremony in which people approve what it is about.
    pub fn ceremony(&self) -> Nonce {
        self.ceremony
    }

    /// The version at which that ceremony began: what it is about is the same since then.
    pub fn ceremony_since(&self) -> u64 {
        self.ceremony_since
    }

    /// The tier it is under now: what the policy and the agent asked, or hard once it became so.
    pub fn tier(&self) -> Tier {
        match &self.phase {
            Phase::Pending(Pending { wait: Wait::Hard { .. }, .. }) => Tier::Hard,
            Phase::Pending(Pending { wait: Wait::Soft { .. }, .. }) => Tier::Soft,
            Phase::Settled(settled) => settled.tier,
        }
    }

    /// How it ended, if it has.
    pub fn settled(&self) -> Option<&Settled> {
        match &self.phase {
            Phase::Settled(settled) => Some(settled),
            Phase::Pending(_) => None,
        }
    }

    pub(crate) fn pending(&self) -> Option<&Pending> {
        match &self.phase {
            Phase::Pending(pending) => Some(pending),
            Phase::Settled(_) => None,
        }
    }

    /// Whether it is open.
    pub fn is_pending(&self) -> bool {
        self.pending().is_some()
    }

    /// The approvals of an open escalation.
    pub fn approvals(&self) -> &[Approval] {
        self.pending().map_or(&[], |pending| &pending.approvals)
    }

    /// When somebody gave an approval that stands.
    pub fn approved_at(&self, by: &ReviewerName) -> Option<Timestamp> {
        let mut approved = self.pending()?.approved.iter();
        approved.find(|(person, _)| person == by).map(|(_, at)| *at)
    }

    /// Who is on it.
    pub fn taken(&self) -> Option<&Take> {
        self.pending().and_then(|pending| pending.taken.as_ref())
    }

    /// Why it became hard, if it began soft.
    pub fn hardened(&self) -> Option<&Hardened> {
        match &self.pending()?.wait {
            Wait::Hard { because } => because.as_ref(),
            Wait::Soft { .. } => None,
        }
    }

    /// The halt that froze it.
    pub fn frozen(&self) -> Option<HaltId> {
        self.pending().and_then(|pending| pending.frozen)
    }

    /// How much of the window has passed in hearing; none unless it is open and soft.
    pub fn heard(&self, moment: &Moment) -> Option<Period> {
        let Wait::Soft { silence, .. } = &self.pending()?.wait else { return None };
        Some(match silence {
            Silence::Undelivered => Period::ZERO,
            Silence::Counting { from } => from.until(moment.hearing.reading),
            Silence::Stopped { heard } => *heard,
        })
    }

    /// When silence will have granted it, if people keep listening; none while nobody hears.
    pub fn deadline(&self, moment: &Moment) -> Option<Timestamp> {
        let Wait::Soft { silence: Silence::Counting { from }, .. } = &self.pending()?.wait else {
            return None;
        };
        if !moment.hearing.running || moment.halt.is_some() {
            return None;
        }
        // Not what is left of the window: with several servers, it may begin a little later.
        let left = from.plus(self.verdict.window).since(moment.hearing.reading);
        Some(left.after(moment.at))
    }

    /// What it waits for, if it is open.
    pub fn waiting_for(&self, moment: &Moment) -> Option<WaitingFor> {
        let pending = self.pending()?;
        if pending.frozen.is_some() || moment.halt.is_some() {
            return Some(WaitingFor::Lift);
        }
        Some(match &pending.wait {
            Wait::Hard { .. } => WaitingFor::Decision,
            Wait::Soft { .. } if pending.taken.is_some() => WaitingFor::Taker,
            Wait::Soft { silence: Silence::Counting { .. }, .. } if moment.hearing.running => {
                WaitingFor::Silence
            }
            Wait::Soft { .. } => WaitingFor::Listener,
        })
    }

    /// Whether the same call, asked again by the same agent for the same executor, is this one and
    /// not a new one: while it is open, while what was granted is unused, and for some minutes
    /// after people refused it, so that asking again is no way to wear them down.
    pub fn is_joined_by(&self, executor: &AgentName, tier: Option<Tier>, at: Timestamp) -> bool {
        if self.executor != *executor || tier.is_some_and(|tier| tier > self.tier()) {
            return false;
        }
        let Some(settled) = self.settled() else { return true };
        match (settled.outcome, settled.permit()) {
            (Outcome::Granted, Some(PermitState::Issued { expires_at })) => at < *expires_at,
            (Outcome::Denied | Outcome::Vetoed, _) => at < REFUSAL_STANDS.after(settled.at),
            _ => false,
        }
    }

    /// Whether it still has to be shown to somebody for its window to begin.
    pub fn is_undelivered(&self) -> bool {
        matches!(
            self.pending(),
            Some(Pending { wait: Wait::Soft { silence: Silence::Undelivered, .. }, .. })
        )
    }
}
