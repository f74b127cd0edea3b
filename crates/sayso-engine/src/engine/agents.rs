//! What agents do with what they proposed: take it back, redeem it, say what came of it.

use std::sync::Arc;

use sayso_core::confirmation::{self, Thumbprint};
use sayso_core::credential::Agent;
use sayso_core::escalation::{Proposal, ReceiptResult, Settled};
use sayso_core::signature::PersonKey;
use sayso_core::statement::SignedStatement;
use sayso_core::{Action, Command, EscalationId, Nonce, Refusal};
use serde_json::Value;

use super::Engine;
use super::propose::{call, judge};
use crate::error::EngineError;
use crate::job::{Act, Job, Propose, Work};
use crate::joining;
use crate::permit::{BadPermit, Claims};
use crate::record::{Ask, Record, Remark};

/// What a redeemed permit gives: the action, to be run exactly as it is.
#[derive(Clone, Debug)]
pub struct Redeemed {
    /// What was approved.
    pub action: Action,
    /// The escalation, started.
    pub record: Arc<Record>,
    /// What people signed for it, each with the key that it was signed with.
    pub evidence: Vec<(SignedStatement, PersonKey)>,
}

/// What shows that who asks has its key: a `DPoP` proof, and the request that it came with.
#[derive(Clone, Copy, Debug)]
pub struct Possession<'a> {
    /// The proof.
    pub proof: &'a str,
    /// The request's method.
    pub method: &'a str,
    /// The request's path.
    pub path: &'a str,
}

/// Why it is not shown that who redeems has the key that the permit takes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotConfirmed {
    /// There is no proof.
    #[error("is missing: this executor's permits take a DPoP proof by its key {0}")]
    Missing(Thumbprint),
    /// The proof does not hold.
    #[error("{0}")]
    Bad(confirmation::BadProof),
    /// It is by another key.
    #[error("is by the key {by}, and this permit takes {key}; fetch it again if the key is new")]
    OtherKey {
        /// By which.
        by: Thumbprint,
        /// Which it takes.
        key: Thumbprint,
    },
}

/// Whether that executor has said already that it is stale, and it is asked anew.
fn is_reopened(record: &Record, executor: &Agent) -> bool {
    let escalation = &record.escalation;
    let receipt = escalation.settled().and_then(Settled::receipt);
    escalation.executor() == executor.name()
        && receipt.is_some_and(|receipt| receipt.reopened.is_some())
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
        self.redeem_with(permit, executor, None).await
    }

    /// The same, with the proof that came with it, if one did.
    pub async fn redeem_with(
        &self,
        permit: &str,
        executor: &Agent,
        proof: Option<Possession<'_>>,
    ) -> Result<Redeemed, EngineError> {
        let claims = self.verify_permit(permit).await?;
        self.check_possession(&claims, executor, permit, proof).await?;
        let record = self.get(claims.esc).await?;
        if joining::is_outlived(&record.escalation, self.authority().restored().await?) {
            return Err(EngineError::BeforeRestore);
        }
        let Some(action) = record.ask.action.clone() else { return Err(EngineError::Erased) };
        let agent = record.escalation.agent();
        let (policy, call) = (self.policy().policy, call(&action, agent, &record.ask));
        let today = judge(&policy, &call, Some(claims.tier));
        let misfit = self.permits().misfit(&claims, &record.escalation);
        let other = action.digest() != record.escalation.digest() || claims.dig != action.digest();
        if let Some(claim) = misfit.or(other.then_some("dig")) {
            return Err(
                BadPermit::Claims(format!("`{claim}` is not that of what is granted")).into()
            );
        }
        let command = Command::Redeem { executor: executor.clone(), today };
        let record = self.act(claims.esc, command, None).await?;
        let directory = self.authority().known();
        let with_key = |signed: SignedStatement| {
            let key = directory.key(signed.statement.key)?.key.clone();
            Some((signed, key))
        };
        let evidence = record.signed().into_iter().filter_map(with_key).collect();
        Ok(Redeemed { action, record, evidence })
    }

    /// Whether who redeems has the key that the permit, or its executor by now, takes.
    async fn check_possession(
        &self,
        claims: &Claims,
        executor: &Agent,
        permit: &str,
        proof: Option<Possession<'_>>,
    ) -> Result<(), EngineError> {
        let directory = self.authority().directory().await?;
        let today = directory.agent(executor.name()).and_then(|known| known.confirm);
        let wanted = [claims.cnf.map(|cnf| cnf.jkt), today];
        let mut wanted = wanted.into_iter().flatten();
        let Some(key) = wanted.next() else { return Ok(()) };
        let Some(Possession { proof, method, path }) = proof else {
            return Err(EngineError::Unconfirmed(NotConfirmed::Missing(key)));
        };
        let uri = format!("{}{path}", self.permits().issuer().trim_end_matches('/'));
        let request = confirmation::Request { method, uri: &uri, permit };
        let by = confirmation::check(proof, &request, self.now())
            .map_err(|bad| EngineError::Unconfirmed(NotConfirmed::Bad(bad)))?;
        match [key].into_iter().chain(wanted).all(|key| key == by) {
            true => Ok(()),
            false => Err(EngineError::Unconfirmed(NotConfirmed::OtherKey { by, key })),
        }
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
        let command = Command::Report { executor: executor.clone(), result, reopened: None };
        self.act(id, command, body).await
    }

    /// The executor says that what it was approved for no longer holds, and what holds now. The
    /// same call is asked anew for that, judged by today's policy; the receipt names what asks.
    /// Both are kept in one commit. Whoever says so again is answered as the first time.
    pub async fn report_stale(
        &self,
        id: EscalationId,
        executor: &Agent,
        precondition: Value,
        comment: Option<String>,
    ) -> Result<Arc<Record>, EngineError> {
        let record = self.get(id).await?;
        if is_reopened(&record, executor) {
            return Ok(record);
        }
        let Some(stale) = &record.ask.action else { return Err(EngineError::Erased) };
        let action = Action { precondition: Some(precondition), ..stale.clone() };
        let escalation = &record.escalation;
        // It is asked in the agent's name: for no more than the agent may ask by now.
        self.check_tool(escalation.agent(), &action).await?;
        let (policy, call) = (self.policy().policy, call(&action, escalation.agent(), &record.ask));
        let verdict = judge(&policy, &call, Some(escalation.tier()));
        let ceremony = Nonce::from_entropy(crate::entropy());
        let Some(proposal) = Proposal::anew(escalation, &action, verdict, ceremony) else {
            return Err(Refusal::NotStarted.into());
        };
        let ask = Ask { action: Some(action), ..Ask::clone(&record.ask) };
        let reopened = EscalationId::from_uuid(uuid::Uuid::now_v7());
        let propose = Propose {
            id: reopened,
            proposal,
            ask: Arc::new(ask),
            key: None,
            join: false,
            restored: None,
        };
        let (executor_of, result) = (executor.clone(), ReceiptResult::Stale);
        let command = Command::Report { executor: executor_of, result, reopened: Some(reopened) };
        let remark = Remark { comment, ..Remark::default() };
        let body =
            remark.comment.is_some().then(|| serde_json::to_vec(&remark).unwrap_or_default());
        let act = Act { id, command, body };
        let work = Work::ActAndPropose(Box::new(act), Box::new(propose));
        match self.run_for_record(id, work).await {
            // Of several who say so at once, one was first.
            Err(EngineError::Refused(refusal @ Refusal::AlreadyReceipted { .. })) => {
                let record = self.get(id).await?;
                if is_reopened(&record, executor) { Ok(record) } else { Err(refusal.into()) }
            }
            other => other,
        }
    }

    /// Somebody who can veto was shown it.
    pub async fn delivered(&self, id: EscalationId, channel: &str) -> Result<(), EngineError> {
        let command = Command::Deliver { channel: channel.into() };
        let work = Work::Act(Box::new(Act { id, command, body: None }));
        let job = Job { work, reply: None };
        self.inner.jobs.send(job).await.map_err(|_| EngineError::Stopping)
    }
}
