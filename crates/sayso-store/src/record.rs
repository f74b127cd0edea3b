//! What goes into a store and comes out of it.

use jiff::Timestamp;
use sayso_core::escalation::{Due, PermitState, Settled};
use sayso_core::halt::Halt;
use sayso_core::{
    AgentName, CredentialId, Digest, Escalation, EscalationId, Event, HaltId, Heard, RouteName,
    RuleName, Tier, WorkspaceEvent,
};
use serde::{Deserialize, Serialize};

use crate::tree::Seal;

/// A route's listening clock, as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListeningClock {
    /// Whose clock.
    pub route: RouteName,
    /// Its reading.
    pub heard: Heard,
    /// Up to when, on the wall clock, listening has been credited.
    pub until: Timestamp,
}

/// What holds for everything in a unit of work.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The listening clocks.
    pub clocks: Vec<ListeningClock>,
    /// The halts in force.
    pub halts: Vec<Halt>,
    /// The index of the newest entry that is of no escalation; 0, if there is none.
    pub newest: u64,
}

/// Bulky or personal text of an entry, kept apart from it so that it can be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Random, so that the hash says nothing about a guessable text.
    pub salt: [u8; 16],
    /// The text: JSON.
    pub content: Vec<u8>,
}

impl Body {
    /// What the entry holds of it: SHA-256 over salt and content.
    pub fn hash(&self) -> Digest {
        Digest::of_parts(&[&self.salt, &self.content])
    }
}

/// What an entry tells of.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are the larger one")]
pub enum Happened {
    /// Something that happened to an escalation.
    Escalation {
        /// Which.
        id: EscalationId,
        /// Its version after it.
        version: u64,
        /// What.
        event: Event,
    },
    /// Something that happened to the workspace.
    Workspace(WorkspaceEvent),
}

/// An entry to be appended to the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub happened: Happened,
    /// Its text.
    pub body: Option<Body>,
}

/// An entry of the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its index, from 1 on, without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub happened: Happened,
    /// What its body must hash to.
    pub body_hash: Option<Digest>,
}

/// An agent's idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyName {
    /// Whose.
    pub agent: AgentName,
    /// The key as given.
    pub key: String,
}

/// What an idempotency key was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The digest of the request it came with.
    pub fingerprint: Digest,
    /// The escalation that came of it.
    pub escalation: EscalationId,
}

/// An idempotency key used now.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The key.
    pub name: KeyName,
    /// What it was used for.
    pub used: KeyUse,
}

/// A grant by silence, counted against its rule's limit.
#[derive(Clone, Debug)]
pub struct SilentGrant {
    /// To whom.
    pub agent: AgentName,
    /// Under which rule; a fixed word where no rule matched.
    pub rule: RuleName,
    /// When.
    pub at: Timestamp,
    /// What.
    pub escalation: EscalationId,
}

/// Where an agent is called when something of its is settled.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// The address.
    pub url: String,
    /// What calls are signed with.
    pub secret: [u8; 32],
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What kind of work waits in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutboxKind {
    /// Carry a halt to what it covers.
    Freeze,
    /// Carry a halt's end to what it froze.
    Thaw,
    /// Call an agent: something of its is settled.
    Call,
}

impl OutboxKind {
    /// The kind's word, as stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Thaw => "thaw",
            Self::Call => "call",
        }
    }
}

/// Work that waits in the outbox. Its key is all of it: the same work is there once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbox {
    /// What kind of work.
    pub kind: OutboxKind,
    /// Whom it concerns.
    pub route: RouteName,
    /// The escalation, or the halt.
    pub id: uuid::Uuid,
}

/// An escalation as it stands after a unit of work.
#[derive(Clone, Debug)]
pub struct Current {
    /// The escalation.
    pub escalation: Escalation,
    /// The version it was loaded at; none, if it is new.
    pub before: Option<u64>,
    /// When to look at it again.
    pub due: Due,
}

impl Current {
    /// Whether it was granted and its permit is unused: a halt can still stop it.
    pub(crate) fn is_redeemable(&self) -> bool {
        let permit = self.escalation.settled().and_then(Settled::permit);
        matches!(permit, Some(PermitState::Issued { .. }))
    }
}

/// A call that the same call may join: an agent, and the digest of what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// Whose.
    pub agent: AgentName,
    /// Of the action or question as it was asked.
    pub digest: Digest,
}

/// Everything that one unit of work changes.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What is appended to the ledger, in order.
    pub entries: Vec<NewEntry>,
    /// Escalations as they stand now, each once.
    pub escalations: Vec<Current>,
    /// Idempotency keys used.
    pub keys: Vec<NewKey>,
    /// What was asked, for the same call to join it; each call once.
    pub asked: Vec<(Call, EscalationId)>,
    /// Listening clocks that moved.
    pub clocks: Vec<ListeningClock>,
    /// Grants by silence.
    pub silent_grants: Vec<SilentGrant>,
    /// Work to be done.
    pub outbox: Vec<Outbox>,
    /// Work that is done.
    pub done: Vec<Outbox>,
    /// Halts called.
    pub halts: Vec<Halt>,
    /// Halts lifted.
    pub lifted: Vec<HaltId>,
    /// Entries whose bodies are erased, by ledger index.
    pub erased: Vec<u64>,
    /// A new head of the tree.
    pub seal: Option<Seal>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.escalations.is_empty()
            && self.keys.is_empty()
            && self.asked.is_empty()
            && self.clocks.is_empty()
            && self.silent_grants.is_empty()
            && self.outbox.is_empty()
            && self.done.is_empty()
            && self.halts.is_empty()
            && self.lifted.is_empty()
            && self.erased.is_empty()
            && self.seal.is_none()
    }
}

/// One event of a kept escalation.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// The ledger index.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// Its text, unless there is none or it was erased.
    pub body: Option<Vec<u8>>,
}

/// An escalation with its history and texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its state.
    pub escalation: Escalation,
    /// How it came to it.
    pub history: Vec<Past>,
}

/// Which escalations to list.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Only open (true) or only settled (false) ones.
    pub pending: Option<bool>,
    /// Only of that tier.
    pub tier: Option<Tier>,
    /// Only of that agent.
    pub agent: Option<AgentName>,
    /// Only older than this one: where the page before ended.
    pub before: Option<EscalationId>,
    /// At most so many.
    pub limit: usize,
}

/// A page of escalations.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The escalations, newest first.
    pub items: Vec<Kept>,
    /// Where the next page begins; none on the last one.
    pub next: Option<EscalationId>,
}

/// When something is next due: on the wall clock, and on each route's listening clock.
pub(crate) type NextDue = (Option<Timestamp>, Vec<(RouteName, Heard)>);

/// How many escalations are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Waiting for silence or people.
    pub soft: u64,
    /// Waiting for people.
    pub hard: u64,
}

/// Changes of authority, to be kept together.
#[derive(Clone, Debug, Default)]
pub struct Amendment {
    /// The index of the last entry of the workspace's that they were checked against.
    pub after: u64,
    /// What changed, in order.
    pub entries: Vec<NewEntry>,
    /// What is noted about new credentials.
    pub notes: Vec<Note>,
    /// The credentials about which nothing is noted any more.
    pub forgotten: Vec<CredentialId>,
    /// Where an agent is called from now on; nowhere, if there is no address.
    pub callback: Option<(AgentName, Option<Callback>)>,
}

impl Amendment {
    /// Whether somebody may not do after it what they might before: what began before it must look
    /// again.
    pub(crate) fn takes_away(&self) -> bool {
        self.entries.iter().any(|entry| match &entry.happened {
            Happened::Workspace(WorkspaceEvent::AuthorityChanged { change, .. }) => {
                change.takes_away()
            }
            Happened::Workspace(_) | Happened::Escalation { .. } => false,
        })
    }
}

/// What helps people to tell their tokens and sessions apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Of which credential.
    pub id: CredentialId,
    /// What its person calls it, or the browser it is used in.
    pub label: String,
    /// About when it was last used.
    pub used_at: Option<Timestamp>,
}
