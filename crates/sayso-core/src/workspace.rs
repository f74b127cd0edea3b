//! What can happen outside any one escalation: to the people, the agents, the policy, the whole.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::directory::{By, Change};
use crate::halt::Halt;
use crate::id::{EscalationId, HaltId};
use crate::name::ReviewerName;

/// Something that happened to the workspace. The ledger holds these beside the escalations'.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WorkspaceEvent {
    /// Who may do what has changed.
    AuthorityChanged {
        /// Who changed it.
        by: By,
        /// What changed.
        change: Box<Change>,
    },
    /// A policy came into force.
    PolicyLoaded {
        /// SHA-256 of its text, which is the entry's body.
        policy: Digest,
    },
    /// A person called a halt.
    HaltCalled {
        /// The halt.
        halt: Halt,
    },
    /// A person erased an escalation's texts. What they hashed to stays.
    Erased {
        /// Which escalation's.
        escalation: EscalationId,
        /// The entries whose bodies are gone, by their index in the tree, from 0 on.
        entries: Vec<u64>,
        /// Who.
        by: ReviewerName,
    },
    /// A person lifted a halt.
    HaltLifted {
        /// Which.
        halt: HaltId,
        /// Who.
        by: ReviewerName,
    },
    /// Whoever runs the server let a restored backup go on: the log that knew more ended there, and
    /// this one has another key.
    BackupRestored {
        /// The log that ended.
        log: String,
        /// How many entries its last head covered.
        size: u64,
        /// The root over them.
        root: Digest,
    },
}

impl WorkspaceEvent {
    /// The event's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::AuthorityChanged { change, .. } => change.word(),
            Self::PolicyLoaded { .. } => "policy_loaded",
            Self::Erased { .. } => "erased",
            Self::HaltCalled { .. } => "halt_called",
            Self::HaltLifted { .. } => "halt_lifted",
            Self::BackupRestored { .. } => "backup_restored",
        }
    }
}
