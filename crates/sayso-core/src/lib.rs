//! The law of Sayso: escalations, decisions, windows, quorum, grants and permits.
//!
//! Everything here is a function of its arguments. No clock, no IO, no async, no randomness:
//! callers hand in the time, and store what comes out.

pub mod action;
pub mod digest;
pub mod json;
pub mod name;
pub mod period;
pub mod tier;
pub mod verdict;

pub use action::Action;
pub use digest::Digest;
pub use name::{AgentName, ReviewerName, RouteName, RuleName, ToolName};
pub use period::Period;
pub use tier::Tier;
pub use verdict::{SilentLimit, Verdict};
