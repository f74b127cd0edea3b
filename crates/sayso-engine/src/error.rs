//! What can go wrong with a command.

use sayso_core::decision::NotAReviewer;
use sayso_core::directory::Lapsed;
use sayso_core::escalation::RefusedProposal;
use sayso_core::{AgentName, Digest, EscalationId, HaltId, Refusal, ReviewerName, ToolName};
use sayso_store::StoreError;

/// Why a command did not happen.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no such escalation, or it is not the caller's to see.
    #[error("there is no escalation {0}")]
    NoSuchEscalation(EscalationId),
    /// There is no such halt in force.
    #[error("there is no halt {0} in force")]
    NoSuchHalt(HaltId),
    /// The halt has not reached all that it covers: lifted now, it would leave permits alive.
    #[error("the halt {0} is still being carried to what it covers; lift it again in a moment")]
    HaltSpreading(HaltId),
    /// The law says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The proposal is not one.
    #[error(transparent)]
    Proposal(#[from] RefusedProposal),
    /// The idempotency key was used for something else.
    #[error("`Idempotency-Key`: it was used before, for another request; use a new one")]
    KeyReused,
    /// The text was erased, so nobody can say what would run.
    #[error("the action's text was erased; propose it anew")]
    Erased,
    /// The permit is none of ours.
    #[error("`permit`: {0}")]
    BadPermit(#[from] crate::permit::BadPermit),
    /// Who redeems has not shown the key that the permit takes.
    #[error("`DPoP` {0}")]
    Unconfirmed(crate::engine::NotConfirmed),
    /// The named executor does not exist.
    #[error("`executor`: there is no agent {0}")]
    NoSuchExecutor(String),
    /// The agent may propose other tools only.
    #[error("the agent {agent} may not propose the tool {tool}; an owner can change that")]
    ForbiddenTool {
        /// Who.
        agent: AgentName,
        /// What.
        tool: ToolName,
    },
    /// An approval would be completed on one that does not count any more.
    #[error(
        "an approval of this has lapsed, so it can't be granted as it is: {0}; have it taken back, \
         approve with other arguments, or deny it and have it asked for again"
    )]
    LapsedApproval(Lapsed),
    /// They may not decide any more.
    #[error(transparent)]
    NotAReviewer(#[from] NotAReviewer),
    /// The key that somebody signed with does not count for them any more.
    #[error("the key {key} does not count for {by} any more")]
    NotTheirKey {
        /// Who.
        by: ReviewerName,
        /// Which.
        key: Digest,
    },
    /// What is known of the agent changed while it asked.
    #[error("what the agent {0} may do is being changed; ask again in a moment")]
    AgentChanged(AgentName),
    /// It was granted before a restored backup was gone on with.
    #[error(
        "this was granted before an older copy of the data was put back, so that nobody can tell any \
         more whether it was used or vetoed since: ask for it again"
    )]
    BeforeRestore,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store holds is no legal history.
    #[error("the ledger and the law disagree: {0}")]
    Illegal(#[from] sayso_core::escalation::IllegalHistory),
    /// The server is going down.
    #[error("the server is stopping; try again in a moment")]
    Stopping,
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The keys can't be used.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeyError),
    /// The ledger is not what was signed of it.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::LedgerError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
