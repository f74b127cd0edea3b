//! Runs commands: load, decide, append, commit, wake. HTTP, timers and the command line are all
//! callers of this one path; nothing else writes to the store.

mod authority;
mod callback;
mod challenge;
mod clock;
mod engine;
mod error;
mod job;
mod joining;
mod keys;
mod ledger;
mod listening;
mod metrics;
pub mod permit;
mod policy;
mod record;
mod standing;
mod stream;
mod unit;
mod wake;
mod writer;

use std::sync::Arc;

use sayso_core::{Escalation, Moment};
use sayso_store::Store;
use tokio::sync::Notify;

pub use authority::{
    Account, Actor, Authority, AuthorityError, Invitation, Login, NewAgent, NewPerson, NewToken,
    NotAdmitted, Vouched, Voucher,
};
pub use challenge::{Challenges, NoTicket, Purpose, Ticket};
pub use clock::{Clock, SystemClock};
pub use engine::{
    DecideError, Engine, Intent, NewEscalation, NotConfirmed, NotErased, Options, PasskeyError,
    Possession, Redeemed, Subject, ToSign,
};
pub use error::{EngineError, StartError};
pub use keys::{KeyError, KeyPlace, NotRotated, rotate_permit_key};
pub use ledger::{ConsistencyProof, Head, InclusionProof, LedgerError, NoProof};
pub use listening::Listening;
pub use metrics::Metrics;
pub use policy::{NoPolicy, NotPut, PolicyFile, PolicyState};
pub use record::{Ask, Record, Remark};
pub use stream::{Stream, Update};
pub use wake::Published;

use crate::callback::Callbacks;
use crate::clock::SteadyClock;
use crate::ledger::Heads;
use crate::listening::Ears;
use crate::record::AtHand;
use crate::wake::Waiters;

/// What the writer and its callers have in common.
pub(crate) struct Shared {
    store: Arc<dyn Store>,
    exclusive: bool,
    clock: Arc<SteadyClock>,
    clock_moved: Notify,
    ears: Arc<Ears>,
    at_hand: AtHand,
    waiters: Waiters,
    metrics: Metrics,
    callbacks: Callbacks,
    heads: Heads,
}

impl Shared {
    /// The present moment as it concerns an escalation, for showing it. Halts are the engine's to
    /// add: the writer has them from the store, in the same unit of work.
    fn moment(&self, escalation: &Escalation) -> Moment {
        let at = self.clock.now();
        let hearing = self.ears.estimate(&escalation.verdict().route, at);
        Moment { at, hearing, halt: None }
    }
}

/// Random bytes for ids, salts and secrets.
///
/// # Panics
/// When the operating system has no randomness to give: nothing safe can be done without.
pub fn entropy<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the operating system gives no random bytes: {error}");
    }
    bytes
}
