//! The writer: takes jobs as they come, does many in one unit of work, and tells everybody.
//!
//! It runs on a thread of its own. Timers are part of it: between jobs it sleeps until something
//! is due, so that expiry is the very same kind of step as a person's decision.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sayso_core::{EscalationId, Heard, Period, RouteName};
use sayso_store::{Outbox, StoreError, Writer};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::Shared;
use crate::authority::Authority;
use crate::error::EngineError;
use crate::job::{Done, Job, Outcome, Work};
use crate::listening::BEAT;
use crate::unit::{Changed, Committed, Unit};
use crate::wake::Published;

/// How many jobs at most share a commit.
const BATCH: usize = 512;
/// How many due escalations at most share a commit.
const DUE: usize = 1_000;
/// How many escalations of a halt's sweep share a commit.
const SWEEP: usize = 250;
/// How often one of several servers looks for what the others have left due.
const OTHERS: Duration = Duration::from_secs(1);
/// How often a unit is tried again when another server was faster.
const TRIES: usize = 8;
/// How long to wait when the store fails, before looking at what is due again.
const REST: Duration = Duration::from_millis(500);

/// When something is next due.
#[derive(Debug, Default)]
struct Next {
    wall: Option<Timestamp>,
    heard: Vec<(RouteName, Heard)>,
}

pub(crate) struct WriterLoop {
    shared: Arc<Shared>,
    writer: Box<dyn Writer>,
    authority: Authority,
    jobs: mpsc::Receiver<Job>,
    next: Next,
    sweeping: Option<Sweep>,
    /// When halts were last looked for that nobody carries out.
    sweeps_seen: std::time::Instant,
    /// Whether the last unit failed: nobody knows what was kept of it.
    resting: bool,
}

/// Carrying halts, or their ends, to what they cover.
#[derive(Clone, Debug, Default)]
struct Sweep {
    /// What was asked for before it began: no more than that is done when it ends. Empty, if that
    /// is still to be looked up.
    asked: Vec<Outbox>,
    /// How far it has got.
    after: Option<EscalationId>,
}

impl WriterLoop {
    pub(crate) fn new(
        shared: Arc<Shared>,
        writer: Box<dyn Writer>,
        authority: Authority,
        jobs: mpsc::Receiver<Job>,
    ) -> Self {
        Self {
            shared,
            writer,
            authority,
            jobs,
            next: Next::default(),
            // A sweep that a crash cut short goes on.
            sweeping: Some(Sweep::default()),
            sweeps_seen: std::time::Instant::now(),
            resting: false,
        }
    }

    /// Runs until nobody can give it a job any more.
    pub(crate) async fn run(mut self) {
        self.refresh_next().await;
        let mut batch = Vec::with_capacity(BATCH);
        let mut wake = Instant::now() + self.wait();
        loop {
            tokio::select! {
                biased;
                taken = self.jobs.recv_many(&mut batch, BATCH) => if taken == 0 { break },
                () = self.shared.ears.changed.notified() => {}
                () = self.shared.clock_moved.notified() => {}
                () = tokio::time::sleep_until(wake) => {}
            }
            if let [Job { work: Work::Seal(seal), .. }] = &batch[..] {
                let kept = self.writer.seal(seal).await;
                for Job { reply, .. } in batch.drain(..) {
                    let Some(reply) = reply else { continue };
                    let _ = reply.send(match &kept {
                        Ok(()) => Ok(Done::Plain),
                        Err(error) => Err(StoreError::Failed(error.to_string().into()).into()),
                    });
                }
                continue;
            }
            self.unit(&mut batch).await;
            wake = Instant::now() + self.wait();
        }
    }

    /// How long until there is something to do without being asked.
    fn wait(&self) -> Duration {
        let shared = &self.shared;
        if self.resting {
            return REST;
        }
        if self.sweeping.is_some() {
            return Duration::ZERO;
        }
        let now = shared.clock.now();
        let mut wait = Duration::from_hours(1);
        if shared.ears.hears() {
            wait = BEAT;
            for (route, heard) in &self.next.heard {
                let reading = shared.ears.estimate(route, now).reading;
                wait = wait.min(heard.since(reading).into());
            }
        }
        if !shared.exclusive {
            wait = wait.min(OTHERS);
        }
        if let Some(wall) = self.next.wall {
            wait = wait.min(Period::between(now, wall).into());
        }
        wait
    }

    fn is_due(&self, at: Timestamp) -> bool {
        let ears = &self.shared.ears;
        let reached =
            |(route, heard): &(RouteName, Heard)| ears.estimate(route, at).reading >= *heard;
        self.next.wall.is_some_and(|wall| wall <= at)
            || self.next.heard.iter().any(reached)
            || !self.shared.exclusive
    }

    async fn unit(&mut self, batch: &mut Vec<Job>) {
        let started = std::time::Instant::now();
        // What a server that is gone has left undone.
        if !self.shared.exclusive && self.sweeping.is_none() && self.sweeps_seen.elapsed() > OTHERS
        {
            self.sweeps_seen = started;
            self.sweeping = Some(Sweep::default());
        }
        let mut tries = 0;
        let result = loop {
            tries += 1;
            match self.attempt(batch).await {
                Err(EngineError::Store(StoreError::Conflict)) if tries < TRIES => {}
                result => break result,
            }
        };
        let doubtful = std::mem::replace(&mut self.resting, result.is_err());
        match result {
            Ok((outcomes, committed, looked)) => {
                self.shared.metrics.committed(started.elapsed(), batch.len());
                self.tell(batch, outcomes, &committed);
                if looked || doubtful {
                    self.refresh_next().await;
                }
                if doubtful {
                    self.shared.waiters.look();
                }
            }
            Err(error) => {
                tracing::error!(%error, "a unit of work failed; nothing of it was kept");
                self.shared.ears.lost();
                if let Err(error) = self.writer.rollback().await {
                    tracing::error!(%error, "the store could not roll back");
                }
                // It may have been kept all the same: what is at hand is no longer to be trusted.
                self.shared.at_hand.forget_all();
                self.sweeping = Some(Sweep::default());
                for job in batch.drain(..) {
                    if let Some(reply) = job.reply {
                        let _ = reply.send(Err(again(&error)));
                    }
                }
            }
        }
    }

    /// Does all jobs, and whatever is due, in one unit of work. Says whether time was looked at.
    async fn attempt(
        &mut self,
        batch: &[Job],
    ) -> Result<(Vec<Outcome>, Committed, bool), EngineError> {
        let shared = &self.shared;
        let looks = self.is_due(shared.clock.now());
        let writer = self.writer.as_mut();
        writer.rollback().await?;
        let callbacks = shared.callbacks.known();
        let mut unit = Unit::begin(writer, &shared.ears, callbacks, &self.authority).await?;
        unit.load(batch.iter().map(|job| &job.work), &shared.at_hand, shared.exclusive).await?;
        let outcomes: Vec<_> = batch.iter().map(|job| unit.work(&job.work)).collect();
        if looks {
            unit.tick(DUE).await?;
        }
        let mut sweeping = self.sweeping.clone();
        match &mut sweeping {
            None => {}
            // It begins with the next unit, which sees all the halts that were asked for in this
            // one: another server may have called them since this one began.
            Some(sweep) if sweep.asked.is_empty() => {
                sweep.asked = unit.asked_sweeps().await?;
                sweeping = sweeping.filter(|sweep| !sweep.asked.is_empty());
            }
            Some(sweep) => {
                sweep.after = unit.sweep(sweep.after, SWEEP).await?;
                if sweep.after.is_none() {
                    unit.swept(std::mem::take(&mut sweep.asked));
                    sweeping = None;
                }
            }
        }
        let committed = unit.commit().await?;
        let called = |(job, outcome): (&Job, &Outcome)| {
            matches!(job.work, Work::Halt(_) | Work::Lift(..)) && outcome.is_ok()
        };
        let called = batch.iter().zip(&outcomes).any(called);
        self.sweeping = if called { Some(Sweep::default()) } else { sweeping };
        Ok((outcomes, committed, looks))
    }

    /// Tells callers, waiters and streams of what has been committed.
    fn tell(&mut self, batch: &mut Vec<Job>, outcomes: Vec<Outcome>, committed: &Committed) {
        let shared = Arc::clone(&self.shared);
        shared.ears.committed(&committed.clocks);
        if committed.owes {
            shared.callbacks.owed.notify_one();
        }
        if committed.grown {
            shared.heads.grown.notify_one();
        }
        let mut published = Vec::new();
        for Changed { escalation, record, events } in &committed.changed {
            let id = escalation.id();
            match record {
                Some(record) => shared.at_hand.put(record),
                None => shared.at_hand.forget(id),
            }
            self.expect(escalation);
            shared.metrics.happened(escalation, events.iter().map(|(_, event)| event));
            published.extend(events.iter().map(|(seq, event)| Published {
                seq: *seq,
                word: event.word(),
                escalation: id,
                record: record.clone(),
            }));
            if escalation.settled().is_some() {
                shared.waiters.settled(id);
            }
        }
        published.sort_by_key(|published| published.seq);
        shared.waiters.publish(published);

        let after: std::collections::HashMap<_, _> = committed
            .changed
            .iter()
            .filter_map(|changed| Some((changed.escalation.id(), changed.record.as_ref()?)))
            .collect();
        for (job, outcome) in batch.drain(..).zip(outcomes) {
            let Some(reply) = job.reply else { continue };
            let outcome = outcome.map(|done| match done {
                Done::Escalation(id) => {
                    after.get(&id).map_or(done, |record| Done::Record(Arc::clone(record)))
                }
                Done::Plain | Done::Record(_) | Done::Calls(_) => done,
            });
            if outcome.is_err() {
                shared.metrics.refused();
            }
            let _ = reply.send(outcome);
        }
    }

    /// Takes note of when an escalation is due.
    fn expect(&mut self, escalation: &sayso_core::Escalation) {
        let due = escalation.due(&self.shared.moment(escalation));
        if let Some(at) = due.at {
            self.next.wall = Some(self.next.wall.map_or(at, |wall| wall.min(at)));
        }
        let Some(heard) = due.heard else { return };
        let route = &escalation.verdict().route;
        match self.next.heard.iter_mut().find(|(known, _)| known == route) {
            Some((_, first)) => *first = heard.min(*first),
            None => self.next.heard.push((route.clone(), heard)),
        }
    }

    async fn refresh_next(&mut self) {
        match self.shared.store.next_due().await {
            Ok((wall, heard)) => self.next = Next { wall, heard },
            Err(error) => {
                tracing::warn!(%error, "can't tell what is due next");
                self.resting = true;
            }
        }
    }
}

/// The same failure for each of the jobs it hit.
fn again(error: &EngineError) -> EngineError {
    match error {
        EngineError::Store(StoreError::Full) => StoreError::Full.into(),
        EngineError::Store(StoreError::Conflict) => StoreError::Conflict.into(),
        EngineError::Store(StoreError::TooLarge(size)) => StoreError::TooLarge(*size).into(),
        EngineError::Store(StoreError::Unreachable(why)) => {
            StoreError::Unreachable(why.clone()).into()
        }
        other => StoreError::Failed(other.to_string().into()).into(),
    }
}
