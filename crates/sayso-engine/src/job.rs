//! What the writer is asked to do.

use std::sync::Arc;

use jiff::Timestamp;
use sayso_core::escalation::Proposal;
use sayso_core::halt::Halt;
use sayso_core::{Command, Digest, EscalationId, HaltId, ReviewerName, WorkspaceEvent};
use sayso_store::{Call, KeyName, KeyUse, Seal};
use tokio::sync::oneshot;

use crate::error::EngineError;
use crate::record::{Ask, Record};

/// What comes of a job: the escalation it left behind, if that was at hand.
pub(crate) type Outcome = Result<Done, EngineError>;

/// A job that is done.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    /// Nothing to show for it.
    Plain,
    /// The escalation after it.
    Record(Arc<Record>),
    /// Whose agents are to be called.
    Calls(Vec<EscalationId>),
    /// The escalation after it has to be read.
    Escalation(EscalationId),
}

/// A job, and whom to tell what came of it.
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) reply: Option<oneshot::Sender<Outcome>>,
}

/// What is to be done.
pub(crate) enum Work {
    /// Begin an escalation.
    Propose(Box<Propose>),
    /// Give a command to one.
    Act(Box<Act>),
    /// Give a command to one, and begin another with it: both, or neither.
    ActAndPropose(Box<Act>, Box<Propose>),
    /// Call a halt.
    Halt(Halt),
    /// Lift one.
    Lift(HaltId, ReviewerName),
    /// Write down the policy that came into force.
    Policy(Digest, String),
    /// Write down something else that happened to the workspace.
    Note(WorkspaceEvent),
    /// Erase an escalation's texts: of these entries, by ledger index.
    Erase(EscalationId, Vec<u64>, ReviewerName),
    /// Keep a new head of the ledger.
    Seal(Box<Seal>),
    /// Look up whose agents are still to be called.
    OwedCalls,
    /// Strike these calls out.
    Called(Vec<EscalationId>),
}

/// A proposal on its way to the law.
pub(crate) struct Propose {
    pub(crate) id: EscalationId,
    pub(crate) proposal: Proposal,
    pub(crate) ask: Arc<Ask>,
    pub(crate) key: Option<(KeyName, Digest)>,
    pub(crate) join: bool,
    /// When a restored backup was last gone on with: no grant from before is joined.
    pub(crate) restored: Option<Timestamp>,
}

impl Propose {
    pub(crate) fn key_use(&self) -> Option<(KeyName, KeyUse)> {
        let (name, fingerprint) = self.key.clone()?;
        Some((name, KeyUse { fingerprint, escalation: self.id }))
    }

    /// The call that it joins, or that others may join.
    pub(crate) fn call(&self) -> Option<Call> {
        let Proposal { agent, subject, .. } = &self.proposal;
        self.join.then(|| Call { agent: agent.name().clone(), digest: subject.digest() })
    }
}

/// A command on its way to the law.
pub(crate) struct Act {
    pub(crate) id: EscalationId,
    pub(crate) command: Command,
    pub(crate) body: Option<Vec<u8>>,
}
