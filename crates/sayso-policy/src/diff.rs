//! What changes from one policy to another, with a call for each way to see it at.

use std::collections::BTreeMap;

use sayso_core::{Action, AgentName, Verdict};
use serde::Serialize;
use serde_json::Value;

use crate::axis::{Axis, Direction};
use crate::call::Call;
use crate::policy::Policy;
use crate::witness::{self, Witness};

/// The most calls that are tried.
const MOST: usize = 300_000;

/// How two policies differ.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// The ways, looser ones first.
    pub changes: Vec<Change>,
    /// How many calls were tried.
    pub tried: usize,
    /// Why there may be more ways than these; empty, if there are none.
    pub gaps: Vec<String>,
}

/// One way in which something changed.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// Which way.
    pub direction: Direction,
    /// On which axis.
    pub axis: Axis,
    /// What was asked.
    pub old: String,
    /// What is asked now.
    pub new: String,
    /// The rule that decided before; none, if it was the default.
    pub old_rule: Option<String>,
    /// The rule that decides now; none, if it is the default.
    pub new_rule: Option<String>,
    /// A call to see it at.
    pub action: Action,
    /// Whose call.
    pub agent: AgentName,
    /// Of which server.
    pub server: Option<String>,
    /// With what context.
    pub context: Option<Value>,
}

impl Diff {
    /// Whether less is asked of some call than before, or others are asked.
    pub fn is_looser(&self) -> bool {
        self.changes.iter().any(|change| change.direction != Direction::Stricter)
    }

    /// Whether nothing was left untried.
    pub fn is_exhaustive(&self) -> bool {
        self.gaps.is_empty()
    }
}

/// Compares two policies.
pub fn diff(old: &Policy, new: &Policy) -> Diff {
    let mut found: BTreeMap<_, Change> = BTreeMap::new();
    let mut tried = 0;
    let mut gaps = witness::each(&[old, new], &mut |witness| {
        let call = witness.call();
        let (before, after) = (old.judge(&call), new.judge(&call));
        for axis in Axis::ALL {
            let Some(direction) = axis.change(&before, &after) else { continue };
            let change = change(axis, direction, &before, &after, witness);
            let same = (
                direction,
                axis,
                change.action.tool.clone(),
                (change.old.clone(), change.new.clone()),
                (change.old_rule.clone(), change.new_rule.clone()),
            );
            // The smallest call shows best what it is about.
            let smaller = |known: &Change| weight(&change) < weight(known);
            if found.get(&same).is_none_or(smaller) {
                found.insert(same, change);
            }
        }
        tried += 1;
        tried < MOST
    });
    if tried >= MOST {
        gaps.insert(format!("more than {MOST} combinations"));
    }
    Diff { changes: found.into_values().collect(), tried, gaps: gaps.into_iter().collect() }
}

impl Witness {
    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            action: &self.action,
            agent: &self.agent,
            server: self.server.as_deref(),
            context: self.context.as_ref(),
        }
    }
}

fn change(
    axis: Axis,
    direction: Direction,
    before: &Verdict,
    after: &Verdict,
    witness: &Witness,
) -> Change {
    let rule = |verdict: &Verdict| verdict.rule.as_ref().map(ToString::to_string);
    let Witness { action, agent, server, context } = witness.clone();
    let (old, new) = (axis.of(before), axis.of(after));
    let (old_rule, new_rule) = (rule(before), rule(after));
    Change { direction, axis, old, new, old_rule, new_rule, action, agent, server, context }
}

fn weight(change: &Change) -> usize {
    let extra = usize::from(change.server.is_some()) + usize::from(change.context.is_some());
    change.action.canonical().len() + extra
}
