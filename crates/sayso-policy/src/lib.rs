//! The policy: rules in, verdict out.
//!
//! A policy is data, not a language: per rule, globs on the tool and the agent, conditions on what
//! the tool is called with, and what the rule asks of people. Every rule that matches counts and
//! the strictest wins on each axis, so a rule that is added never weakens another.
//!
//! Everything here is a function of its arguments: no clock, no IO, no async. Judging is total and
//! bounded whatever an agent sends: what can't be told within the bounds is *unknown*, and the
//! unknown is resolved to the stricter side.

mod axis;
mod call;
mod cases;
mod check;
mod condition;
mod diff;
mod draft;
mod effort;
mod error;
mod explain;
mod glob;
mod judge;
mod number;
mod pace;
mod parse;
mod pattern;
mod policy;
mod proposable;
mod regex;
mod rule;
mod suggest;
mod tools;
mod truth;
mod witness;

pub use axis::{Axis, Direction};
pub use call::Call;
pub use cases::{BadCases, Case, CaseResult, Cases, Expect};
pub use check::{Finding, Known, Severity};
pub use diff::{Change, Diff, diff};
pub use draft::draft;
pub use error::{PolicyError, Problem};
pub use explain::{Answer, Explanation, Looked, Test, Won};
pub use pace::{Pace, Took};
pub use policy::Policy;
pub use proposable::{BadPattern, is_named, tool_pattern};
pub use tools::{Annotations, Tool};
