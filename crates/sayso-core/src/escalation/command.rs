//! What may be asked of an escalation, and why it may be refused.

use jiff::Timestamp;

use super::settled::{Outcome, ReceiptResult};
use crate::credential::Agent;
use crate::decision::{Assurance, VerifiedDecision};
use crate::digest::Digest;
use crate::id::{EscalationId, HaltId};
use crate::name::{AgentName, ReviewerName};
use crate::statement::Misfit;
use crate::tier::Tier;
use crate::verdict::Verdict;

/// Something asked of an escalation.
#[derive(Clone, Debug)]
pub enum Command {
    /// A person decides.
    Decide(VerifiedDecision),
    /// The agent no longer wants it.
    Withdraw(Agent),
    /// Somebody who can veto was shown it.
    Deliver {
        /// How: `inbox`, `stream`, `terminal`.
        channel: String,
    },
    /// Time has passed: see what is due. The only thing a timer can say.
    Tick {
        /// How many silent grants the agent has had under the rule, in the limit's stretch.
        silent_grants: u32,
    },
    /// The executor turns the permit into the action.
    Redeem {
        /// Who redeems it.
        executor: Agent,
        /// What today's policy asks for the action.
        today: Verdict,
    },
    /// The executor says what came of it.
    Report {
        /// Who says so.
        executor: Agent,
        /// What came of it.
        result: ReceiptResult,
        /// If it was stale: what asks anew, under what holds now.
        reopened: Option<EscalationId>,
    },
    /// A halt begins to cover it.
    Freeze(HaltId),
    /// The halt that froze it was lifted.
    Thaw(HaltId),
}

/// The caller asked for what may not be. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has ended.
    #[error("it is already {}{}", .outcome.word(), match .by { Some(by) => format!(" by {by}"), None => String::new() })]
    AlreadySettled {
        /// How.
        outcome: Outcome,
        /// Who settled it.
        by: Option<ReviewerName>,
    },
    /// The digest decided on is not the present one.
    #[error("`digest` is not the one that is open now ({now}); look again and decide on that")]
    DigestMoved {
        /// The present digest.
        now: Digest,
    },
    /// Approving without naming what was seen.
    #[error("`digest` is missing: say which digest you saw")]
    DigestMissing,
    /// The version decided on is not the present one.
    #[error("`version` is not the present one ({now}); look again and decide on that")]
    VersionMoved {
        /// The present version.
        now: u64,
    },
    /// One slot a person.
    #[error("{by} has approved this already; the quorum takes one approval a person")]
    AlreadyApproved {
        /// Who.
        by: ReviewerName,
    },
    /// Taking back an approval that was not given.
    #[error("{by} has not approved it, so there is nothing to take back")]
    NotApproved {
        /// Who.
        by: ReviewerName,
    },
    /// Approving what one answers for oneself.
    #[error("{by} {}, and the policy has others approve what it asks for", match .stands_in_for { Some(person) => format!("stands in for {person}, who answers for this agent"), None => "answers for this agent".into() })]
    OwnAgent {
        /// Who.
        by: ReviewerName,
        /// Whom they stand in for, if it is not they themselves.
        stands_in_for: Option<ReviewerName>,
    },
    /// The signature is for something else.
    #[error("{0}; look again and sign that")]
    Misfit(#[from] Misfit),
    /// A signature that was taken back, or was made before something was changed.
    #[error("this signature was taken back; look again and sign anew")]
    SignatureSpent,
    /// Approving or answering by a weaker way than the policy asks for.
    #[error("the policy asks for more than this way of approving gives: {}", .needed.word())]
    TooWeak {
        /// The least that will do.
        needed: Assurance,
    },
    /// Approving a question.
    #[error("this is a question: `answer` it, or `deny` it")]
    IsQuestion,
    /// Answering an action.
    #[error("this is an action: `approve` or `deny` it")]
    IsAction,
    /// The answer is none of those asked for.
    #[error("`answer` {0}")]
    BadAnswer(String),
    /// Holding what is hard.
    #[error("it is hard already: nothing happens until people approve")]
    AlreadyHard,
    /// A halt covers it.
    #[error("the halt {halt} is in force; a person must lift it first")]
    Halted {
        /// Which.
        halt: HaltId,
    },
    /// Another agent's escalation.
    #[error("only {agent}, who proposed it, may withdraw it")]
    NotYours {
        /// Whose it is.
        agent: AgentName,
    },
    /// No permit, because there is no grant.
    #[error("there is nothing to redeem: it is {state}")]
    NotGranted {
        /// What it is instead.
        state: &'static str,
    },
    /// The permit names another executor.
    #[error("this permit is for {executor}, not for {caller}")]
    WrongAudience {
        /// Whom it is for.
        executor: AgentName,
        /// Who came with it.
        caller: AgentName,
    },
    /// The permit was used.
    #[error("this permit was redeemed at {at}; a grant is used once")]
    AlreadyRedeemed {
        /// When.
        at: Timestamp,
    },
    /// The permit is too old.
    #[error("this permit expired at {at}; ask again")]
    PermitExpired {
        /// When.
        at: Timestamp,
    },
    /// Today's policy asks for more than was granted.
    #[error("the policy has become stricter since: it now asks for {tier}; ask again")]
    PolicyTightened {
        /// What it asks now.
        tier: Tier,
    },
    /// A receipt before the start.
    #[error("nothing was started: redeem the permit first")]
    NotStarted,
    /// A second receipt.
    #[error("the receipt says {} already", .result.word())]
    AlreadyReceipted {
        /// What it says.
        result: ReceiptResult,
    },
}
