//! What people do: decide, halt, and let go on.

use std::sync::Arc;
use std::time::Duration;

use sayso_core::credential::Person;
use sayso_core::decision::{Edit, NotAReviewer, NotSigned, Says, Seen, VerifiedDecision};
use sayso_core::halt::{Halt, Scope};
use sayso_core::{Action, Command, Digest, EscalationId, HaltId, Nonce};
use serde_json::{Map, Value};

use super::Engine;
use super::propose::{call, judge};
use crate::error::EngineError;
use crate::job::Work;
use crate::record::{Edited, Record, Remark};

/// How long whoever lifts a halt waits until it has reached all that it covers.
const SPREADS_WITHIN: Duration = Duration::from_secs(20);
/// How often it is looked whether it has.
const SPREADING_LOOK: Duration = Duration::from_millis(10);

/// Why a person's decision did not happen.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// They may not decide.
    #[error(transparent)]
    NotAReviewer(#[from] NotAReviewer),
    /// It is not signed as it has to be.
    #[error(transparent)]
    NotSigned(NotSigned),
    /// The key is not one that signs for them.
    #[error("the key {0} is not an enrolled key of yours: enrol it, and have it countersigned")]
    NotYourKey(Digest),
    /// The engine, or the law, said no.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<NotSigned> for DecideError {
    fn from(error: NotSigned) -> Self {
        match error {
            NotSigned::NotAReviewer(who) => Self::NotAReviewer(who),
            error @ (NotSigned::Misfit(_) | NotSigned::Proof(_)) => Self::NotSigned(error),
        }
    }
}

impl Engine {
    /// A person decides.
    pub async fn decide(
        &self,
        id: EscalationId,
        person: &Person,
        says: Says,
        seen: Seen,
        comment: Option<String>,
    ) -> Result<Arc<Record>, DecideError> {
        let answer = match &says {
            Says::Answer(answer) => Some(answer.clone()),
            _ => None,
        };
        let decision = VerifiedDecision::in_session(person, says, seen)?;
        let remark = Remark { comment, answer, signed: None };
        let body = (remark.comment.is_some() || remark.answer.is_some())
            .then(|| serde_json::to_vec(&remark).unwrap_or_default());
        Ok(self.act(id, Command::Decide(decision), body).await?)
    }

    /// A person approves with other arguments: a new action, judged by the policy again.
    pub async fn approve_edited(
        &self,
        id: EscalationId,
        person: &Person,
        arguments: Map<String, Value>,
        seen: Seen,
        comment: Option<String>,
    ) -> Result<Arc<Record>, DecideError> {
        let record = self.get(id).await?;
        let erased = DecideError::Engine(match &record.ask.question {
            Some(_) => sayso_core::Refusal::IsQuestion.into(),
            None => EngineError::Erased,
        });
        let Some(action) = &record.ask.action else { return Err(erased) };
        let action = action.with_arguments(arguments);
        let edit = self.edit(&record, &action, Nonce::from_entropy(crate::entropy()));
        let decision = VerifiedDecision::in_session(person, Says::ApproveEdited(edit), seen)?;
        let body =
            serde_json::to_vec(&Edited { action, comment, signed: None }).unwrap_or_default();
        Ok(self.act(id, Command::Decide(decision), Some(body)).await?)
    }

    /// What becomes of an escalation if this action takes the place of its own.
    pub(super) fn edit(&self, record: &Record, action: &Action, ceremony: Nonce) -> Edit {
        let agent = record.escalation.agent();
        let (policy, call) = (self.policy().policy, call(action, agent, &record.ask));
        let verdict = judge(&policy, &call, Some(record.escalation.tier()));
        Edit { digest: action.digest(), verdict, ceremony }
    }

    /// A person stops everything, an agent, a tool or a rule.
    pub async fn halt(
        &self,
        person: &Person,
        scope: Scope,
        reason: String,
    ) -> Result<Halt, DecideError> {
        reviewer(person)?;
        let halt = Halt {
            id: HaltId::from_uuid(uuid::Uuid::now_v7()),
            scope,
            reason,
            by: person.name().clone(),
            at: self.now(),
        };
        let called = self.run(Work::Halt(halt.clone())).await;
        // Also when that failed: it may have been kept all the same.
        let refreshed = self.refresh_halts().await;
        called?;
        refreshed.map_err(EngineError::from)?;
        Ok(halt)
    }

    /// A person lifts a halt, once it has reached all that it covers: what a permit did not survive
    /// it never survives.
    pub async fn lift(&self, person: &Person, halt: HaltId) -> Result<(), DecideError> {
        reviewer(person)?;
        let asked = std::time::Instant::now();
        let lifted = loop {
            match self.run(Work::Lift(halt, person.name().clone())).await {
                Err(EngineError::HaltSpreading(_)) if asked.elapsed() < SPREADS_WITHIN => {
                    tokio::time::sleep(SPREADING_LOOK).await;
                }
                lifted => break lifted,
            }
        };
        let refreshed = self.refresh_halts().await;
        lifted?;
        refreshed.map_err(EngineError::from)?;
        Ok(())
    }
}

fn reviewer(person: &Person) -> Result<(), NotAReviewer> {
    match person.is(sayso_core::credential::Role::Reviewer) {
        true => Ok(()),
        false => Err(NotAReviewer(person.name().clone())),
    }
}
