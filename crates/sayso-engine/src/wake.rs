//! Who waits for what was committed: callers waiting for one outcome, and streams of everything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sayso_core::EscalationId;
use tokio::sync::{broadcast, oneshot};

use crate::record::Record;

/// How many commits a stream may lag behind before it reads on from the ledger.
const BACKLOG: usize = 1_024;

/// One event that was committed.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its ledger index.
    pub seq: u64,
    /// Its word.
    pub word: &'static str,
    /// The escalation it happened to.
    pub escalation: EscalationId,
    /// The escalation after the commit, where it was at hand.
    pub record: Option<Arc<Record>>,
}

/// Everybody who waits.
pub(crate) struct Waiters {
    outcomes: Mutex<HashMap<EscalationId, Vec<oneshot::Sender<()>>>>,
    feed: broadcast::Sender<Arc<[Published]>>,
}

impl Default for Waiters {
    fn default() -> Self {
        Self { outcomes: Mutex::default(), feed: broadcast::Sender::new(BACKLOG) }
    }
}

impl Waiters {
    fn outcomes(&self) -> MutexGuard<'_, HashMap<EscalationId, Vec<oneshot::Sender<()>>>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when the escalation next settles. To be called before its state is read, so that
    /// no outcome falls between.
    pub(crate) fn outcome(&self, id: EscalationId) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut outcomes = self.outcomes();
        let waiting = outcomes.entry(id).or_default();
        waiting.retain(|other| !other.is_closed());
        waiting.push(sender);
        receiver
    }

    /// Forgets waiters that have given up on that escalation.
    pub(crate) fn tidy(&self, id: EscalationId) {
        let mut outcomes = self.outcomes();
        if let Some(waiting) = outcomes.get_mut(&id) {
            waiting.retain(|other| !other.is_closed());
            if waiting.is_empty() {
                outcomes.remove(&id);
            }
        }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<[Published]>> {
        self.feed.subscribe()
    }

    pub(crate) fn settled(&self, id: EscalationId) {
        for waiter in self.outcomes().remove(&id).unwrap_or_default() {
            let _ = waiter.send(());
        }
    }

    /// More may have been committed than anybody was told: all look at what is kept.
    pub(crate) fn look(&self) {
        for waiter in std::mem::take(&mut *self.outcomes()).into_values().flatten() {
            let _ = waiter.send(());
        }
        let _ = self.feed.send(Arc::default());
    }

    pub(crate) fn publish(&self, published: Vec<Published>) {
        if !published.is_empty() && self.feed.receiver_count() > 0 {
            let _ = self.feed.send(published.into());
        }
    }
}
