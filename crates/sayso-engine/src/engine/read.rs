//! What there is to see, and to wait for.

use std::sync::Arc;
use std::time::Duration;

use sayso_core::halt::Halt;
use sayso_core::{EscalationId, Moment};
use sayso_store::{Entry, Page, Query, Standing, StoreError};

use super::Engine;
use crate::error::EngineError;
use crate::listening::Listening;
use crate::record::Record;
use crate::stream::Stream;

impl Engine {
    /// The halts in force.
    pub fn halts(&self) -> Arc<[Halt]> {
        Arc::clone(&self.inner.halts.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// An escalation, if there is one.
    pub async fn find(&self, id: EscalationId) -> Result<Option<Arc<Record>>, StoreError> {
        let shared = self.shared();
        if shared.exclusive
            && let Some(record) = shared.at_hand.get(id)
        {
            return Ok(Some(record));
        }
        let kept = self.store().kept(id).await?;
        Ok(kept.map(|kept| Arc::new(Record::from_kept(kept))))
    }

    /// Those of these escalations that there are, in no particular order.
    pub async fn several(&self, ids: &[EscalationId]) -> Result<Vec<Arc<Record>>, StoreError> {
        let shared = self.shared();
        let (mut found, mut absent) = (Vec::with_capacity(ids.len()), Vec::new());
        for id in ids {
            match shared.at_hand.get(*id).filter(|_| shared.exclusive) {
                Some(record) => found.push(record),
                None => absent.push(*id),
            }
        }
        if !absent.is_empty() {
            let kept = self.store().several(&absent).await?;
            found.extend(kept.into_iter().map(|kept| Arc::new(Record::from_kept(kept))));
        }
        Ok(found)
    }

    /// An escalation.
    pub async fn get(&self, id: EscalationId) -> Result<Arc<Record>, EngineError> {
        self.find(id).await?.ok_or(EngineError::NoSuchEscalation(id))
    }

    /// An escalation, as soon as it is settled, or as it is after `patience`.
    pub async fn wait(
        &self,
        id: EscalationId,
        patience: Duration,
    ) -> Result<Arc<Record>, EngineError> {
        let waiters = &self.shared().waiters;
        let patience = tokio::time::sleep(patience);
        tokio::pin!(patience);
        loop {
            let woken = waiters.outcome(id);
            // Durable state, not the wait, says what is so.
            let record = self.get(id).await;
            if record.as_ref().map_or(true, |record| !record.escalation.is_pending()) {
                drop(woken);
                waiters.tidy(id);
                return record;
            }
            tokio::select! {
                biased;
                _ = woken => {}
                () = &mut patience => {
                    waiters.tidy(id);
                    return self.get(id).await;
                }
            }
        }
    }

    /// A page of escalations, newest first.
    pub async fn list(
        &self,
        query: &Query,
    ) -> Result<(Vec<Arc<Record>>, Option<EscalationId>), StoreError> {
        let Page { items, next } = self.store().list(query).await?;
        let records = items.into_iter().map(|kept| Arc::new(Record::from_kept(kept)));
        Ok((records.collect(), next))
    }

    /// The present moment as it concerns an escalation.
    pub fn moment(&self, record: &Record) -> Moment {
        let escalation = &record.escalation;
        let mut moment = self.shared().moment(escalation);
        let halts = self.halts();
        let covering = halts.iter().find(|halt| {
            halt.covers(escalation.agent(), escalation.subject().tool(), escalation.rule())
        });
        moment.halt = covering.map(|halt| halt.id);
        moment
    }

    /// Everything that happens after ledger index `after`; from now on, if none.
    pub async fn stream(&self, after: Option<u64>) -> Result<Stream, StoreError> {
        // Subscribed before the ledger is read, so that nothing falls between.
        let feed = self.shared().waiters.subscribe();
        let after = match after {
            Some(after) => after,
            None => self.store().ledger_size().await?,
        };
        Ok(Stream::new(self.clone(), feed, after + 1))
    }

    /// A person who can veto is listening, until the guard is dropped. To be called once they
    /// have been written everything that is open.
    pub fn listen(&self) -> Listening {
        self.shared().ears.listen()
    }

    /// Whether the way to veto works; while it does not, silence means nothing.
    pub fn veto_works(&self, works: bool) {
        self.shared().ears.veto_works(works);
    }

    /// At most `limit` ledger entries from `from` on.
    pub async fn entries(&self, from: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.store().entries(from, limit).await
    }

    /// How many entries the ledger has.
    pub async fn ledger_size(&self) -> Result<u64, StoreError> {
        self.store().ledger_size().await
    }

    /// Succeeds if the store answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.store().ping().await
    }

    /// The metrics page.
    pub async fn metrics(&self) -> Result<String, StoreError> {
        let pending: Standing = self.store().pending_counts().await?;
        let size = self.store().ledger_size().await?;
        let shared = self.shared();
        Ok(shared.metrics.render(pending, shared.ears.listeners(), size))
    }
}
