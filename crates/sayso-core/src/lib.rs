//! The law of Sayso: escalations, decisions, windows, quorum, grants and permits.
//!
//! Everything here is a function of its arguments. No clock, no IO, no async, no randomness:
//! callers hand in the time, and store what comes out.

pub mod action;
pub mod confirmation;
pub mod credential;
pub mod decision;
pub mod digest;
pub mod directory;
pub mod enrolment;
pub mod escalation;
pub mod evidence;
pub mod grant;
pub mod halt;
pub mod id;
pub mod json;
pub mod moment;
pub mod name;
pub mod nonce;
pub mod period;
pub mod question;
pub mod quorum;
pub mod signature;
pub mod statement;
pub mod tier;
pub mod verdict;
pub mod workspace;

pub use action::Action;
pub use digest::Digest;
pub use directory::Directory;
pub use escalation::{Command, Escalation, Event, Refusal, decide};
pub use id::{CredentialId, EscalationId, HaltId};
pub use moment::{Heard, Hearing, Moment};
pub use name::{AgentName, GroupName, ReviewerName, RouteName, RuleName, ToolName};
pub use nonce::Nonce;
pub use period::Period;
pub use question::Question;
pub use quorum::Needed;
pub use statement::Statement;
pub use tier::Tier;
pub use verdict::{SelfApproval, SilentLimit, Verdict};
pub use workspace::WorkspaceEvent;
