//! An owner erases an escalation's texts. The ledger keeps what they hashed to, and says who did it.

use jiff::Timestamp;
use sayso_core::credential::{Person, Role};
use sayso_core::escalation::{PermitState, Settled};
use sayso_core::{Escalation, EscalationId, ReviewerName};

use super::Engine;
use crate::error::EngineError;
use crate::job::Work;

/// Why nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum NotErased {
    /// They may not.
    #[error("{0} may not erase texts: that takes the role \"owner\"")]
    NotAnOwner(ReviewerName),
    /// People or executors still need them.
    #[error("its texts are needed while {0}")]
    Needed(&'static str),
    /// The engine can't.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Engine {
    /// Erases the texts of an escalation that has ended; says how many there were.
    pub async fn erase(&self, id: EscalationId, person: &Person) -> Result<usize, NotErased> {
        if !person.is(Role::Owner) {
            return Err(NotErased::NotAnOwner(person.name().clone()));
        }
        let kept = self.store().kept(id).await.map_err(EngineError::from)?;
        let kept = kept.ok_or(EngineError::NoSuchEscalation(id))?;
        if let Some(while_) = needed(&kept.escalation, self.now()) {
            return Err(NotErased::Needed(while_));
        }
        let with_text = kept.history.iter().filter(|past| past.body.is_some());
        let entries: Vec<u64> = with_text.map(|past| past.seq).collect();
        let count = entries.len();
        if count > 0 {
            self.run(Work::Erase(id, entries, person.name().clone())).await?;
            self.shared().at_hand.forget(id);
        }
        Ok(count)
    }
}

/// What an escalation's texts are still needed for.
fn needed(escalation: &Escalation, now: Timestamp) -> Option<&'static str> {
    let Some(settled) = escalation.settled() else { return Some("people have to decide") };
    match Settled::permit(settled) {
        Some(PermitState::Issued { expires_at }) if now < *expires_at => {
            Some("what was granted may still be done")
        }
        Some(PermitState::Issued { .. } | PermitState::Started { .. } | PermitState::Revoked)
        | None => None,
    }
}
