//! What asks anew for a call whose precondition no longer held.

use super::Escalation;

/// Why an escalation is not what asks anew for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnew {
    /// It asks for something else.
    #[error("its `{0}` is another than that of what was stale")]
    Other(&'static str),
    /// It asks for less.
    #[error("its `{0}` is less than that of what was stale")]
    Less(&'static str),
}

impl Escalation {
    /// Whether this, as it began, is what [`Proposal::anew`](super::Proposal::anew) makes of
    /// `stale`: the same call of the same agent, for the same executor, and under no less.
    pub fn asks_anew_for(&self, stale: &Self) -> Result<(), NotAnew> {
        let tool = self.subject.tool();
        let members = [
            (self.agent == stale.agent, NotAnew::Other("agent")),
            (self.answerable == stale.answerable, NotAnew::Other("answerable")),
            (self.executor == stale.executor, NotAnew::Other("executor")),
            (tool.is_some() && tool == stale.subject.tool(), NotAnew::Other("tool")),
            (self.verdict.tier >= stale.tier(), NotAnew::Less("tier")),
            (self.verdict.window >= stale.verdict.window, NotAnew::Less("window")),
        ];
        match members.iter().find(|(fits, _)| !fits) {
            Some((_, not)) => Err(*not),
            None => Ok(()),
        }
    }
}
