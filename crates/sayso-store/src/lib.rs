//! Where escalations and their ledger are kept.
//!
//! One trait, two stores, one behaviour: [`sqlite`] (embedded, the default) and [`postgres`]
//! (any number of servers on one database). A store keeps what it is given and decides nothing;
//! the engine is the only caller of [`Writer`].

mod column;
pub mod error;
pub mod postgres;
pub mod record;
pub mod sqlite;
mod tree;

use async_trait::async_trait;
use jiff::Timestamp;
use sayso_core::{
    AgentName, CredentialId, Digest, Escalation, EscalationId, Heard, RouteName, RuleName,
};

pub use error::StoreError;
pub use record::{
    Amendment, Body, Call, Callback, Changes, Current, Entry, Happened, Kept, KeyName, KeyUse,
    ListeningClock, NewEntry, NewKey, Note, Outbox, OutboxKind, Page, Past, Query, SilentGrant,
    Snapshot, Standing,
};
pub use tree::{RawEntry, Seal, Sealed, TileRow};

/// Result of everything a store does.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The one who writes: at most one unit of work at a time, each of them one durable commit.
///
/// A unit is `begin`, any of the reads, then `commit` or `rollback`. What is read in a unit is
/// locked until it ends: nobody else changes it meanwhile.
#[async_trait]
pub trait Writer: Send {
    /// Begins a unit of work: the clocks and halts in force.
    async fn begin(&mut self) -> Result<Snapshot>;

    /// At most `limit` entries after index `after` that are not of any escalation. If one that takes
    /// something away from somebody comes to be before this unit ends, its commit fails with
    /// [`StoreError::Conflict`].
    async fn workspace_entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>>;

    /// The escalations with these ids, as far as they exist.
    async fn load(&mut self, ids: &[EscalationId]) -> Result<Vec<Escalation>>;

    /// What these idempotency keys were used for, as far as they were.
    async fn keys(&mut self, keys: &[KeyName]) -> Result<Vec<(KeyName, KeyUse)>>;

    /// Which escalations these calls last began. No other writer can begin another for any of
    /// them until this unit ends.
    async fn asked(&mut self, calls: &[Call]) -> Result<Vec<(Call, EscalationId)>>;

    /// At most `limit` escalations that are due at the wall time `at`, or on the listening clock
    /// of their route, and that no other writer is at work on.
    async fn due(
        &mut self,
        at: Timestamp,
        readings: &[(RouteName, Heard)],
        limit: usize,
    ) -> Result<Vec<Escalation>>;

    /// How many silent grants that agent had under that rule after `since`. No other writer can
    /// add one until this unit ends.
    async fn silent_grants(
        &mut self,
        agent: &AgentName,
        rule: &RuleName,
        since: Timestamp,
    ) -> Result<u32>;

    /// At most `limit` entries of the outbox of that kind (and, if given, that route) that no
    /// other writer is at work on.
    async fn outbox(
        &mut self,
        kind: OutboxKind,
        route: Option<&RouteName>,
        limit: usize,
    ) -> Result<Vec<Outbox>>;

    /// At most `limit` escalations after `after` that a halt may have to freeze or free: open
    /// ones, and granted ones whose permit is unused.
    async fn standing(
        &mut self,
        after: Option<EscalationId>,
        limit: usize,
    ) -> Result<Vec<Escalation>>;

    /// Writes all of `changes` and ends the unit, durably. Returns the ledger index of the first
    /// new entry. Fails with [`StoreError::Conflict`] if an escalation has moved on.
    async fn commit(&mut self, changes: &Changes) -> Result<u64>;

    /// Keeps a new head of the tree, in a unit of its own.
    async fn seal(&mut self, seal: &Seal) -> Result<()>;

    /// Ends the unit as if it had never begun.
    async fn rollback(&mut self) -> Result<()>;
}

/// A place to keep everything.
#[async_trait]
pub trait Store: Send + Sync {
    /// A writer. An embedded store has one; PostgreSQL has as many as there are servers.
    async fn writer(&self) -> Result<Box<dyn Writer>>;

    /// The workspace that is kept here.
    fn workspace(&self) -> &str;

    /// Whether nobody else writes escalations here, so that what was written may be remembered.
    fn is_exclusive(&self) -> bool;

    /// Succeeds if the store answers.
    async fn ping(&self) -> Result<()>;

    /// An escalation with its history and texts.
    async fn kept(&self, id: EscalationId) -> Result<Option<Kept>>;

    /// Those of these escalations that there are, in no particular order.
    async fn several(&self, ids: &[EscalationId]) -> Result<Vec<Kept>>;

    /// A page of escalations, newest first.
    async fn list(&self, query: &Query) -> Result<Page>;

    /// At most `limit` ledger entries from index `from` on.
    async fn entries(&self, from: u64, limit: usize) -> Result<Vec<Entry>>;

    /// How many entries the ledger has; the index of the newest.
    async fn ledger_size(&self) -> Result<u64>;

    /// At most `limit` entries from index `from` on, as the ledger commits to them.
    async fn raw_entries(&self, from: u64, limit: usize) -> Result<Vec<RawEntry>>;

    /// The bodies of at most `limit` entries from index `from` on, as far as they are there, with
    /// their indices.
    async fn bodies(&self, from: u64, limit: usize) -> Result<Vec<(u64, Body)>>;

    /// The leaf hashes of at most `limit` entries from index `from` on. Fails if one is missing.
    async fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Digest>>;

    /// The head that the tree was last sealed with.
    async fn sealed(&self) -> Result<Sealed>;

    /// Those of these tiles of hashes that are kept, by level and place.
    async fn tiles(&self, wanted: &[(u8, u64)]) -> Result<Vec<TileRow>>;

    /// Keeps a checkpoint that witnesses have cosigned.
    async fn keep_cosigned(&self, note: &str) -> Result<()>;

    /// When the store is next due at all, on the wall clock and on that route's listening clock.
    async fn next_due(&self) -> Result<(Option<Timestamp>, Vec<(RouteName, Heard)>)>;

    /// The halts in force.
    async fn halts(&self) -> Result<Vec<sayso_core::halt::Halt>>;

    /// Counts for the metrics: open escalations by tier word.
    async fn pending_counts(&self) -> Result<Standing>;

    /// At most `limit` ledger entries after index `after` that are not of any escalation: what
    /// happened to the workspace.
    async fn workspace_entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>>;

    /// Keeps changes of authority, all or none; the index of the first. Fails with
    /// [`StoreError::Conflict`] if something happened to the workspace since they were checked.
    async fn amend(&self, amendment: &Amendment) -> Result<u64>;

    /// What is noted about credentials.
    async fn notes(&self) -> Result<Vec<Note>>;

    /// Notes when a credential was used, if anything is noted about it.
    async fn used(&self, id: CredentialId, at: Timestamp) -> Result<()>;

    /// Where agents are called.
    async fn callbacks(&self) -> Result<Vec<(AgentName, Callback)>>;

    /// The seed of the signing key for `purpose`: the one kept, or `fresh` if there is none yet.
    async fn signing_key(&self, purpose: &str, fresh: [u8; 32]) -> Result<[u8; 32]>;

    /// Keeps another seed for `purpose` instead; none from now on, if none is given.
    async fn replace_signing_key(&self, purpose: &str, seed: Option<[u8; 32]>) -> Result<()>;

    /// Notes that the log of that name has ended.
    async fn retire_log(&self, origin: &str) -> Result<()>;

    /// Whether that log has ended.
    async fn is_retired(&self, origin: &str) -> Result<bool>;

    /// Waits until another server has committed; the index after its newest entry. Never returns
    /// on an exclusive store.
    async fn elsewhere(&self) -> Result<u64>;
}
