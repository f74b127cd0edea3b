//! What agents do with what they proposed: take it back, redeem it, say what came of it.

use std::sync::Arc;

use sayso_core::credential::Agent;
use sayso_core::escalation::ReceiptResult;
use sayso_core::{Action, Command, EscalationId};

use super::Engine;
use super::propose::{call, judge};
use crate::error::EngineError;
use crate::job::{Act, Job, Work};
use crate::record::{Record, Remark};

/// What a redeemed permit gives: the action, to be run exactly as it is.
#[derive(Clone, Debug)]
pub struct Redeemed {
    /// What was approved.
    pub action: Action,
    /// The escalation, started.
    pub record: Arc<Record>,
}

impl Engine {
    /// The agent no longer wants it.
    pub async fn withdraw(
        &self,
        id: EscalationId,
        agent: &Agent,
    ) -> Result<Arc<Record>, EngineError> {
        self.act(id, Command::Withdraw(agent.clone()), None).await
    }

    /// Turns a permit into the approved action, once. When this returns, "started" is on disk.
    pub async fn redeem(&self, permit: &str, executor: &Agent) -> Result<Redeemed, EngineError> {
        let claims = self.permits().verify(permit)?;
        let record = self.get(claims.esc).await?;
        let Some(action) = record.ask.action.clone() else { return Err(EngineError::Erased) };
        let agent = record.escalation.agent();
        let (policy, call) = (self.policy().policy, call(&action, agent, &record.ask));
        let today = judge(&policy, &call, Some(claims.tier));
        if action.digest() != record.escalation.digest() || claims.dig != action.digest() {
            return Err(crate::permit::BadPermit::Signature.into());
        }
        let command = Command::Redeem { executor: executor.clone(), today };
        let record = self.act(claims.esc, command, None).await?;
        Ok(Redeemed { action, record })
    }

    /// The executor says what came of it.
    pub async fn report(
        &self,
        id: EscalationId,
        executor: &Agent,
        result: ReceiptResult,
        comment: Option<String>,
    ) -> Result<Arc<Record>, EngineError> {
        let remark = Remark { comment, ..Remark::default() };
        let body =
            remark.comment.is_some().then(|| serde_json::to_vec(&remark).unwrap_or_default());
        self.act(id, Command::Report { executor: executor.clone(), result }, body).await
    }

    /// Somebody who can veto was shown it.
    pub async fn delivered(&self, id: EscalationId, channel: &str) -> Result<(), EngineError> {
        let command = Command::Deliver { channel: channel.into() };
        let work = Work::Act(Box::new(Act { id, command, body: None }));
        let job = Job { work, reply: None };
        self.inner.jobs.send(job).await.map_err(|_| EngineError::Stopping)
    }
}
