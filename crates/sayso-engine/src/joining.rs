//! Whether an escalation may serve for the same call, asked again.

use jiff::Timestamp;
use sayso_core::escalation::{Outcome, Proposal};
use sayso_core::{Escalation, Verdict};
use sayso_policy::{Axis, Direction};

/// Whether a proposal may be answered with the escalation that the same call began. That one may
/// have been judged by less: an agent names the server itself, and policies change.
pub(crate) fn serves(known: &Escalation, proposal: &Proposal, at: Timestamp) -> bool {
    let Proposal { agent, executor, tier, verdict, .. } = proposal;
    let executor = executor.as_ref().unwrap_or_else(|| agent.name());
    known.is_joined_by(executor, *tier, at) && (was_refused(known) || asks_as_much(known, verdict))
}

/// Whether it is granted since before the time that a restored backup was gone on with.
pub(crate) fn is_outlived(known: &Escalation, restored: Option<Timestamp>) -> bool {
    let granted = known.settled().filter(|settled| settled.outcome == Outcome::Granted);
    granted.zip(restored).is_some_and(|(granted, restored)| granted.at <= restored)
}

fn was_refused(known: &Escalation) -> bool {
    let outcome = known.settled().map(|settled| settled.outcome);
    matches!(outcome, Some(Outcome::Denied | Outcome::Vetoed))
}

/// Whether it asks for no less than that verdict, and the same people.
fn asks_as_much(known: &Escalation, verdict: &Verdict) -> bool {
    let known = Verdict { tier: known.tier(), ..known.verdict().clone() };
    Axis::ALL.iter().all(|axis| match axis.change(verdict, &known) {
        None | Some(Direction::Stricter) => true,
        Some(Direction::Looser | Direction::Other) => false,
    })
}
