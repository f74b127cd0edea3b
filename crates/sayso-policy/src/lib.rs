//! The policy: rules in, verdict out.
//!
//! A policy is data, not a language: per rule, globs on the tool and the agent, conditions on what
//! the tool is called with, and what the rule asks of people. Every rule that matches counts and
//! the strictest wins on each axis, so a rule that is added never weakens another.
//!
//! Everything here is a function of its arguments: no clock, no IO, no async. Judging is total and
//! bounded whatever an agent sends: what can't be told within the bounds is *unknown*, and the
//! unknown is resolved to the stricter side.

mod condition;
mod effort;
mod error;
mod glob;
mod judge;
mod number;
mod parse;
mod pattern;
mod policy;
mod rule;
mod truth;

pub use error::{PolicyError, Problem};
pub use policy::Policy;
