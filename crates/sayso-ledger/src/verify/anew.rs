//! What a stale receipt names as asking anew: whether that is there, and asks for the same.
//!
//! Both are written in one commit, first what asks, then the receipt. The link is in the receipt
//! alone: that the same agent asks for the same again is lawful at any time.

use jiff::Timestamp;
use sayso_core::{Action, EscalationId};

use super::history::Run;
use super::report::{Findings, Place, Step};

/// Looks at what asks anew, if it is known, for what `stale` was.
pub(super) fn check(
    named: EscalationId,
    begun: Option<&Run>,
    stale: &Run,
    at: Timestamp,
    index: u64,
    place: Place,
    found: &mut Findings,
) {
    let Some(begun) = begun else {
        let says =
            format!("it is said to be asked anew by {named}, which does not begin with that");
        return found.refute(Step::History, place, says);
    };
    let (Some(new), Some(old)) = (begun.state(), stale.state()) else {
        let says = format!("whether {named} asks anew for it can't be told from its history");
        return found.wonder(Step::History, place, says);
    };
    if !begun.ends_before(index) || new.created_at() != at {
        let says = format!("it is said to be asked anew by {named}, which began before");
        return found.refute(Step::History, place, says);
    }
    if let Err(not) = new.asks_anew_for(old) {
        let says = format!("it is said to be asked anew by {named}: {not}");
        return found.refute(Step::History, place, says);
    }
    let action = |run: &Run| run.asked.as_ref()?.action.clone();
    match (action(begun), action(stale)) {
        (Some(new), Some(old)) if is_same_call(&new, &old) => {}
        (Some(_), Some(_)) => {
            let says = format!("it is said to be asked anew by {named}, which is another call");
            found.refute(Step::History, place, says);
        }
        (None, _) | (_, None) => {
            let says = format!(
                "whether {named} asks for the same call can't be told: its text, or this one's, is not at hand"
            );
            found.redact(Step::History, place, says);
        }
    }
}

/// Whether it is the same, but for what must hold for it.
fn is_same_call(new: &Action, old: &Action) -> bool {
    let Action { tool, arguments, resource, precondition } = new;
    precondition.is_some()
        && (tool, arguments, resource) == (&old.tool, &old.arguments, &old.resource)
}
