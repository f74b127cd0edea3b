//! A stream of everything that happens, from any point of the ledger on.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use sayso_core::EscalationId;
use sayso_store::{Happened, StoreError};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::engine::Engine;
use crate::record::Record;
use crate::wake::Published;

/// How many ledger entries are read at a time when a stream catches up.
const PAGE: usize = 500;
/// How many escalations are read at a time where they were not at hand.
const SEVERAL: usize = 100;

/// Something that happened to an escalation, and how it stands.
#[derive(Clone, Debug)]
pub struct Update {
    /// The ledger index; a stream resumes after it.
    pub seq: u64,
    /// The event's word.
    pub word: &'static str,
    /// The escalation, as it is now.
    pub record: Arc<Record>,
}

/// Reads the ledger, then follows it.
pub struct Stream {
    engine: Engine,
    feed: broadcast::Receiver<Arc<[Published]>>,
    /// The first index not told yet.
    next: u64,
    behind: bool,
    ready: VecDeque<Published>,
}

impl Stream {
    pub(crate) fn new(
        engine: Engine,
        feed: broadcast::Receiver<Arc<[Published]>>,
        next: u64,
    ) -> Self {
        Self { engine, feed, next, behind: true, ready: VecDeque::new() }
    }

    /// The next thing that happens.
    pub async fn next(&mut self) -> Result<Update, StoreError> {
        loop {
            while let Some(published) = self.ready.front() {
                let Published { seq, word, escalation: _, ref record } = *published;
                if seq < self.next {
                    self.ready.pop_front();
                    continue;
                }
                let Some(record) = record.clone() else {
                    self.look_up().await?;
                    continue;
                };
                // Only now: whoever gives up waiting, or meets a failure, misses nothing.
                self.ready.pop_front();
                self.next = seq + 1;
                return Ok(Update { seq, word, record });
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            match self.feed.recv().await {
                // Told out of turn, by another server's news: the ledger has what lies between.
                Ok(published) if published.first().is_none_or(|first| first.seq > self.next) => {
                    self.behind = true;
                }
                Ok(published) => self.ready.extend(published.iter().cloned()),
                Err(RecvError::Lagged(_)) => self.behind = true,
                // The engine is stopping; whoever reads on will be told by the connection.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Reads the escalations that come next and are not at hand.
    async fn look_up(&mut self) -> Result<(), StoreError> {
        let absent = self.ready.iter().filter(|published| published.record.is_none());
        let mut ids: Vec<_> = absent.map(|published| published.escalation).collect();
        ids.dedup();
        ids.truncate(SEVERAL);
        let found = self.engine.several(&ids).await?;
        let found: HashMap<_, _> =
            found.into_iter().map(|record| (record.escalation.id(), record)).collect();
        for published in &mut self.ready {
            if published.record.is_none() {
                published.record = found.get(&published.escalation).cloned();
            }
        }
        // What is in the ledger is kept, so there is no such thing; but if there were, it would
        // not be told for ever.
        let next = self.ready.pop_front_if(|published| published.record.is_none());
        self.next = next.map_or(self.next, |published| published.seq + 1);
        Ok(())
    }

    async fn catch_up(&mut self) -> Result<(), StoreError> {
        let entries = self.engine.store().entries(self.next, PAGE).await?;
        self.behind = entries.len() == PAGE;
        let Some(last) = entries.last().map(|entry| entry.seq) else { return Ok(()) };
        let before = self.ready.len();
        self.ready.extend(entries.into_iter().filter_map(|entry| {
            let (word, escalation): (_, EscalationId) = match &entry.happened {
                Happened::Escalation { id, event, .. } => (event.word(), *id),
                Happened::Workspace(_) => return None,
            };
            Some(Published { seq: entry.seq, word, escalation, record: None })
        }));
        if self.ready.len() == before {
            self.next = last + 1;
        }
        Ok(())
    }
}
