//! Whether those who act in a unit of work still may, as of that unit.
//!
//! A request is answered for who somebody was when it came. What it leads to is in the ledger
//! after whatever happened meanwhile, and must be theirs to do there.

use std::sync::Arc;

use jiff::Timestamp;
use sayso_core::decision::{NotAReviewer, Says, VerifiedDecision};
use sayso_core::escalation::Proposal;
use sayso_core::grant::Approval;
use sayso_core::{
    AgentName, Directory, Escalation, Event, Refusal, ReviewerName, SelfApproval, ToolName,
};

use crate::error::EngineError;

/// Who may do what as of a unit of work.
#[derive(Clone, Default)]
pub(crate) struct Standing(Arc<Directory>);

impl Standing {
    pub(crate) fn new(directory: Arc<Directory>) -> Self {
        Self(directory)
    }

    /// Whether that person decides.
    pub(crate) fn reviews(&self, person: &ReviewerName) -> Result<(), EngineError> {
        match self.0.decides(person) {
            true => Ok(()),
            false => Err(NotAReviewer(person.clone()).into()),
        }
    }

    /// Whether that decision is still its person's to make.
    pub(crate) fn decides(
        &self,
        decision: &VerifiedDecision,
        escalation: &Escalation,
        at: Timestamp,
    ) -> Result<(), EngineError> {
        let by = decision.by();
        self.reviews(by)?;
        if !decision.says().permits() {
            return Ok(());
        }
        if let Some(signed) = decision.signed() {
            let key = self.0.key(signed.key);
            if !key.is_some_and(|key| key.person == *by && key.counts()) {
                return Err(EngineError::NotTheirKey { by: by.clone(), key: signed.key });
            }
        }
        let verdict = match decision.says() {
            Says::ApproveEdited(edit) => &edit.verdict,
            _ => escalation.verdict(),
        };
        if verdict.self_approval == SelfApproval::Never {
            let away = self.0.stands_in_for(by, at);
            let stands_in_for = away.into_iter().find(|it| escalation.answerable().contains(it));
            if stands_in_for.is_some() {
                return Err(Refusal::OwnAgent { by: by.clone(), stands_in_for }.into());
            }
        }
        Ok(())
    }

    /// Nothing is granted, nor brought nearer to that, on an approval that does not count any more:
    /// neither on that in `events`, nor on those that the escalation had before.
    pub(crate) fn approves(
        &self,
        escalation: &Escalation,
        events: &[Event],
        at: Timestamp,
    ) -> Result<(), EngineError> {
        let new = events.iter().find_map(|event| match event {
            Event::Approved { approval } => Some(approval),
            _ => None,
        });
        let Some(new) = new else { return Ok(()) };
        // What was approved before an edit is no longer asked.
        let is_edit = events.iter().any(|event| matches!(event, Event::Edited { .. }));
        let earlier = escalation.approvals().iter().filter(|_| !is_edit);
        let given = |approval: &Approval| escalation.approved_at(approval.by()).unwrap_or(at);
        let earlier = earlier.map(|approval| (approval, given(approval)));
        let mut all = earlier.chain([(new, at)]);
        match all.find_map(|(approval, at)| {
            self.0.lapsed(approval.approver(), approval.signed().map(|it| it.key), at)
        }) {
            Some(lapsed) => Err(EngineError::LapsedApproval(lapsed)),
            None => Ok(()),
        }
    }

    /// Whether that is still the agent's to propose.
    pub(crate) fn proposes(&self, proposal: &Proposal) -> Result<(), EngineError> {
        let Proposal { agent, started_by, subject, .. } = proposal;
        let changed = || EngineError::AgentChanged(agent.name().clone());
        let machine = self.0.agent(agent.name()).ok_or_else(changed)?;
        let answers = |owner: &ReviewerName| {
            agent.owner() == Some(owner) || started_by.as_ref() == Some(owner)
        };
        if machine.owner.as_ref().is_some_and(|owner| !answers(owner)) {
            return Err(changed());
        }
        subject.tool().map_or(Ok(()), |tool| self.uses(agent.name(), tool))
    }

    /// Whether the agent may propose that tool at all.
    pub(crate) fn uses(&self, agent: &AgentName, tool: &ToolName) -> Result<(), EngineError> {
        let may = self.0.agent(agent).is_some_and(|known| {
            known.tools.as_ref().is_none_or(|tools| sayso_policy::is_named(tools, tool))
        });
        match may {
            true => Ok(()),
            false => {
                let (agent, tool) = (agent.clone(), tool.clone());
                Err(EngineError::ForbiddenTool { agent, tool })
            }
        }
    }
}
