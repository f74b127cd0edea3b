//! Whom to call when something is settled. That a call is owed stands in the outbox, written in
//! the same commit as the outcome; who makes the calls is not the engine's business.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use sayso_core::{AgentName, EscalationId, Event};
use sayso_store::{Callback, Store, StoreError};
use tokio::sync::Notify;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::job::{Done, Work};

/// The most calls that are looked up at once.
pub(crate) const MOST: usize = 100;

/// Where agents want to be called.
#[derive(Default)]
pub(crate) struct Callbacks {
    known: RwLock<Arc<HashMap<AgentName, Callback>>>,
    /// Something is owed, or may be.
    pub(crate) owed: Notify,
}

impl Callbacks {
    pub(crate) fn known(&self) -> Arc<HashMap<AgentName, Callback>> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks whether the command line has changed anything.
    pub(crate) async fn look(&self, store: &dyn Store) -> Result<(), StoreError> {
        let found = store.callbacks().await?.into_iter().collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(found);
        Ok(())
    }
}

/// Whether an agent is called for it: any outcome but that of a notice, which stands in the very
/// answer to it.
pub(crate) fn is_news(event: &Event) -> bool {
    event.settles() && !matches!(event, Event::Noted)
}

impl Engine {
    /// Where that agent wants to be called.
    pub fn callback(&self, agent: &AgentName) -> Option<Callback> {
        self.shared().callbacks.known().get(agent).cloned()
    }

    /// The escalations whose agents are still to be called.
    pub async fn owed_calls(&self) -> Result<Vec<EscalationId>, EngineError> {
        match self.run(Work::OwedCalls).await? {
            Done::Calls(owed) => Ok(owed),
            _ => Ok(Vec::new()),
        }
    }

    /// These agents were called, or won't be.
    pub async fn called(&self, escalations: Vec<EscalationId>) -> Result<(), EngineError> {
        self.run(Work::Called(escalations)).await.map(|_| ())
    }

    /// Returns when a call may have become due.
    pub async fn call_owed(&self) {
        self.shared().callbacks.owed.notified().await;
    }
}
