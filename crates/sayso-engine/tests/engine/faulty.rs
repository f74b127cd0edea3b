//! A store that fails where a test wants it to, over one that does not.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use sayso_core::halt::Halt;
use sayso_core::{
    AgentName, CredentialId, Digest, Escalation, EscalationId, Heard, RouteName, RuleName,
};
use sayso_store::{
    Amendment, Body, Call, Changes, Entry, Kept, KeyName, KeyUse, Note, Outbox, OutboxKind, Page,
    Query, RawEntry, Result, Seal, Sealed, Snapshot, Standing, Store, StoreError, TileRow, Writer,
};
use tokio::sync::Semaphore;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The store does not answer when a unit begins.
    Away,
    /// The connection is lost before the commit.
    BeforeCommit,
    /// The commit is kept, and the connection lost before it says so.
    AfterCommit,
    /// There is no room.
    Full,
}

/// Which units go wrong.
#[derive(Default)]
pub(crate) struct Plan {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    /// How many units succeed before it.
    spared: usize,
    /// How many it hits.
    left: usize,
    /// What a commit has to wait for.
    gate: Option<Arc<Semaphore>>,
    /// How many commits have come to the gate.
    arrived: usize,
}

impl Plan {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next units that write anything go wrong.
    pub(crate) fn next(&self, fault: Fault, units: usize) {
        self.after(0, fault, units);
    }

    /// After so many that succeed, so many units go wrong.
    pub(crate) fn after(&self, spared: usize, fault: Fault, units: usize) {
        self.with(|state| {
            (state.fault, state.spared, state.left) = (Some(fault), spared, units);
        });
    }

    /// Nothing goes wrong any more.
    pub(crate) fn mend(&self) {
        self.with(|state| state.left = 0);
    }

    /// How many units are still to go wrong.
    pub(crate) fn left(&self) -> usize {
        self.with(|state| state.left)
    }

    /// Commits wait until [`Plan::open`].
    pub(crate) fn shut(&self) {
        self.with(|state| {
            (state.gate, state.arrived) = (Some(Arc::new(Semaphore::new(0))), 0);
        });
    }

    /// Commits that wait go on.
    pub(crate) fn open(&self) {
        let gate = self.with(|state| state.gate.take());
        gate.unwrap().add_permits(Semaphore::MAX_PERMITS / 2);
    }

    /// Whether a commit waits.
    pub(crate) fn is_waiting(&self) -> bool {
        self.with(|state| state.arrived > 0)
    }

    /// Whether `fault` is to happen now.
    fn strikes(&self, fault: Fault) -> bool {
        self.with(|state| {
            if state.fault != Some(fault) || state.left == 0 {
                return false;
            }
            if state.spared > 0 {
                state.spared -= 1;
                return false;
            }
            state.left -= 1;
            true
        })
    }

    async fn pass_gate(&self) {
        let gate = self.with(|state| {
            state.arrived += 1;
            state.gate.clone()
        });
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
    }
}

/// The store.
pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    plan: Arc<Plan>,
}

impl Faulty {
    pub(crate) fn over(plan: &Arc<Plan>) -> impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store> {
        let plan = Arc::clone(plan);
        |inner| Arc::new(Self { inner, plan })
    }
}

struct FaultyWriter {
    inner: Box<dyn Writer>,
    plan: Arc<Plan>,
}

fn hung_up() -> StoreError {
    StoreError::Unreachable("it hung up".into())
}

#[async_trait]
impl Writer for FaultyWriter {
    async fn begin(&mut self) -> Result<Snapshot> {
        if self.plan.strikes(Fault::Away) {
            return Err(hung_up());
        }
        self.inner.begin().await
    }

    async fn workspace_entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        self.inner.workspace_entries(after, limit).await
    }

    async fn load(&mut self, ids: &[EscalationId]) -> Result<Vec<Escalation>> {
        self.inner.load(ids).await
    }

    async fn keys(&mut self, keys: &[KeyName]) -> Result<Vec<(KeyName, KeyUse)>> {
        self.inner.keys(keys).await
    }

    async fn asked(&mut self, calls: &[Call]) -> Result<Vec<(Call, EscalationId)>> {
        self.inner.asked(calls).await
    }

    async fn due(
        &mut self,
        at: Timestamp,
        readings: &[(RouteName, Heard)],
        limit: usize,
    ) -> Result<Vec<Escalation>> {
        self.inner.due(at, readings, limit).await
    }

    async fn silent_grants(
        &mut self,
        agent: &AgentName,
        rule: &RuleName,
        since: Timestamp,
    ) -> Result<u32> {
        self.inner.silent_grants(agent, rule, since).await
    }

    async fn outbox(
        &mut self,
        kind: OutboxKind,
        route: Option<&RouteName>,
        limit: usize,
    ) -> Result<Vec<Outbox>> {
        self.inner.outbox(kind, route, limit).await
    }

    async fn standing(
        &mut self,
        after: Option<EscalationId>,
        limit: usize,
    ) -> Result<Vec<Escalation>> {
        self.inner.standing(after, limit).await
    }

    async fn commit(&mut self, changes: &Changes) -> Result<u64> {
        self.plan.pass_gate().await;
        if self.plan.strikes(Fault::BeforeCommit) {
            return Err(hung_up());
        }
        if self.plan.strikes(Fault::Full) {
            return Err(StoreError::Full);
        }
        let first = self.inner.commit(changes).await?;
        match self.plan.strikes(Fault::AfterCommit) {
            true => Err(hung_up()),
            false => Ok(first),
        }
    }

    async fn seal(&mut self, seal: &Seal) -> Result<()> {
        self.inner.seal(seal).await
    }

    async fn rollback(&mut self) -> Result<()> {
        self.inner.rollback().await
    }
}

#[async_trait]
impl Store for Faulty {
    async fn writer(&self) -> Result<Box<dyn Writer>> {
        let (inner, plan) = (self.inner.writer().await?, Arc::clone(&self.plan));
        Ok(Box::new(FaultyWriter { inner, plan }))
    }

    fn workspace(&self) -> &str {
        self.inner.workspace()
    }

    fn is_exclusive(&self) -> bool {
        self.inner.is_exclusive()
    }

    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
    }

    async fn several(&self, ids: &[EscalationId]) -> Result<Vec<Kept>> {
        self.inner.several(ids).await
    }

    async fn kept(&self, id: EscalationId) -> Result<Option<Kept>> {
        self.inner.kept(id).await
    }

    async fn list(&self, query: &Query) -> Result<Page> {
        self.inner.list(query).await
    }

    async fn entries(&self, from: u64, limit: usize) -> Result<Vec<Entry>> {
        self.inner.entries(from, limit).await
    }

    async fn ledger_size(&self) -> Result<u64> {
        self.inner.ledger_size().await
    }

    async fn raw_entries(&self, from: u64, limit: usize) -> Result<Vec<RawEntry>> {
        self.inner.raw_entries(from, limit).await
    }

    async fn bodies(&self, from: u64, limit: usize) -> Result<Vec<(u64, Body)>> {
        self.inner.bodies(from, limit).await
    }

    async fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Digest>> {
        self.inner.leaves(from, limit).await
    }

    async fn sealed(&self) -> Result<Sealed> {
        self.inner.sealed().await
    }

    async fn tiles(&self, wanted: &[(u8, u64)]) -> Result<Vec<TileRow>> {
        self.inner.tiles(wanted).await
    }

    async fn keep_cosigned(&self, note: &str) -> Result<()> {
        self.inner.keep_cosigned(note).await
    }

    async fn next_due(&self) -> Result<(Option<Timestamp>, Vec<(RouteName, Heard)>)> {
        self.inner.next_due().await
    }

    async fn halts(&self) -> Result<Vec<Halt>> {
        self.inner.halts().await
    }

    async fn pending_counts(&self) -> Result<Standing> {
        self.inner.pending_counts().await
    }

    async fn workspace_entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        self.inner.workspace_entries(after, limit).await
    }

    async fn amend(&self, amendment: &Amendment) -> Result<u64> {
        self.inner.amend(amendment).await
    }

    async fn notes(&self) -> Result<Vec<Note>> {
        self.inner.notes().await
    }

    async fn used(&self, id: CredentialId, at: Timestamp) -> Result<()> {
        self.inner.used(id, at).await
    }

    async fn callbacks(&self) -> Result<Vec<(AgentName, sayso_store::Callback)>> {
        self.inner.callbacks().await
    }

    async fn signing_key(&self, purpose: &str, fresh: [u8; 32]) -> Result<[u8; 32]> {
        self.inner.signing_key(purpose, fresh).await
    }

    async fn replace_signing_key(&self, purpose: &str, seed: Option<[u8; 32]>) -> Result<()> {
        self.inner.replace_signing_key(purpose, seed).await
    }

    async fn retire_log(&self, origin: &str) -> Result<()> {
        self.inner.retire_log(origin).await
    }

    async fn is_retired(&self, origin: &str) -> Result<bool> {
        self.inner.is_retired(origin).await
    }

    async fn elsewhere(&self) -> Result<u64> {
        self.inner.elsewhere().await
    }
}
