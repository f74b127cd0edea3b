//! Who is listening, and how much of that may be credited.
//!
//! A listener is a person's open inbox, event stream or terminal that has been written everything
//! that is open. While there is one, and the way to veto works, the routes' listening clocks run.
//! Credit is drawn by the writer and committed with whatever depends on it; what a crash, a
//! failed commit or a machine's sleep loses is never counted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sayso_core::{Heard, Hearing, Period, RouteName};
use sayso_store::ListeningClock;
use tokio::sync::Notify;

use crate::clock::SteadyClock;

/// How often listening is credited and kept while there is somebody to hear.
pub(crate) const BEAT: std::time::Duration = std::time::Duration::from_secs(2);
/// For how long another server's last beat means that somebody listens there.
const LEASE: Period = Period::from_secs(6);

/// Everybody who is listening at this server.
pub(crate) struct Ears {
    clock: Arc<SteadyClock>,
    started: Timestamp,
    exclusive: bool,
    state: Mutex<State>,
    /// Rung when the first listener comes or the last one goes.
    pub(crate) changed: Notify,
}

struct State {
    listeners: usize,
    veto_works: bool,
    /// Since when listening has not been drawn yet.
    since: Option<Period>,
    /// Listening that ended before it was drawn.
    undrawn: Period,
    /// Listening drawn into a unit of work that is not committed yet.
    in_flight: Period,
    clocks: Vec<ListeningClock>,
}

impl Ears {
    pub(crate) fn new(clock: Arc<SteadyClock>, exclusive: bool) -> Self {
        let started = clock.now();
        let state = State {
            listeners: 0,
            veto_works: true,
            since: None,
            undrawn: Period::ZERO,
            in_flight: Period::ZERO,
            clocks: Vec::new(),
        };
        Self { clock, started, exclusive, state: Mutex::new(state), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more listener; it listens until the guard is dropped.
    pub(crate) fn listen(self: &Arc<Self>) -> Listening {
        self.adjust(|state| state.listeners += 1);
        Listening { ears: Arc::clone(self) }
    }

    /// Whether the way to veto works; while it does not, silence means nothing.
    pub(crate) fn veto_works(&self, works: bool) {
        self.adjust(|state| state.veto_works = works);
    }

    fn adjust(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        // Read under the lock, as in `draw`: nothing is drawn that ends after the moment of the draw.
        let now = self.clock.running();
        let before = state.hears();
        change(&mut state);
        match (before, state.hears()) {
            (false, true) => state.since = Some(now),
            (true, false) => {
                let since = state.since.take().unwrap_or(now);
                state.undrawn = state.undrawn.plus(now.minus(since));
            }
            (false, false) | (true, true) => return,
        }
        drop(state);
        self.changed.notify_one();
    }

    /// How many listen here.
    pub(crate) fn listeners(&self) -> usize {
        self.state().listeners
    }

    /// Whether somebody here hears, with a way to veto.
    pub(crate) fn hears(&self) -> bool {
        self.state().hears()
    }

    /// Draws all listening up to now, for a unit of work of this moment that ends in
    /// [`Ears::committed`] or [`Ears::lost`]. Both clocks are of the same moment: time that passes
    /// between reading one and the other would be lost with every unit.
    pub(crate) fn draw(&self) -> Credit {
        let mut state = self.state();
        let (at, running) = self.clock.reading();
        let listening = match &mut state.since {
            Some(since) => {
                let listening = running.minus(*since);
                *since = running.max(*since);
                listening
            }
            None => Period::ZERO,
        };
        let undrawn = std::mem::take(&mut state.undrawn);
        state.in_flight = state.in_flight.plus(listening).plus(undrawn);
        Credit { listened: state.in_flight, at }
    }

    /// What was drawn is kept: the clocks say so now.
    pub(crate) fn committed(&self, clocks: &[ListeningClock]) {
        let mut state = self.state();
        state.in_flight = Period::ZERO;
        clocks.clone_into(&mut state.clocks);
    }

    /// What was drawn could not be kept: while nothing can be written, nobody could have vetoed.
    pub(crate) fn lost(&self) {
        self.state().in_flight = Period::ZERO;
    }

    /// The clock of a route that has none yet. Only a listener here makes it look listened to.
    pub(crate) fn begin(&self, route: RouteName, at: Timestamp) -> ListeningClock {
        let until = match self.exclusive || self.hears() {
            true => at,
            false => at.saturating_sub(std::time::Duration::from(LEASE)).unwrap_or(at),
        };
        ListeningClock { route, heard: Heard::default(), until }
    }

    /// What a route's clock may say by now at the most, given its kept reading: what another
    /// server has heard and not yet credited came before whatever happens now. Past the lease
    /// nobody has: who listens credits it every beat.
    pub(crate) fn latest(&self, clock: &ListeningClock, at: Timestamp) -> Heard {
        match self.exclusive {
            true => clock.heard,
            false => clock.heard + Period::between(clock.until, at).min(LEASE),
        }
    }

    /// What a route's clock says, given its kept reading: in a unit of work, the very one that is
    /// being committed.
    pub(crate) fn hearing(&self, clock: Option<&ListeningClock>, at: Timestamp) -> Hearing {
        let here = self.hears();
        let elsewhere =
            !self.exclusive && clock.is_some_and(|clock| Period::between(clock.until, at) < LEASE);
        let last = clock.map_or(self.started, |clock| clock.until.max(self.started));
        Hearing {
            reading: clock.map_or(Heard::default(), |clock| clock.heard),
            running: here || elsewhere,
            last: Some(last),
        }
    }

    /// What a route's clock says now, for showing: the kept reading and what came since.
    pub(crate) fn estimate(&self, route: &RouteName, at: Timestamp) -> Hearing {
        let (clock, undrawn) = {
            let state = self.state();
            let clock = state.clocks.iter().find(|clock| clock.route == *route).cloned();
            let since = state.since.map(|since| self.clock.running().minus(since));
            (clock, since.unwrap_or(Period::ZERO).plus(state.undrawn).plus(state.in_flight))
        };
        let mut hearing = self.hearing(clock.as_ref(), at);
        hearing.reading = hearing.reading + undrawn;
        hearing
    }
}

impl State {
    fn hears(&self) -> bool {
        self.listeners > 0 && self.veto_works
    }
}

/// Somebody listens, until this is dropped.
pub struct Listening {
    ears: Arc<Ears>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.ears.adjust(|state| state.listeners = state.listeners.saturating_sub(1));
    }
}

/// Listening drawn but not yet committed.
pub(crate) struct Credit {
    listened: Period,
    /// Up to when.
    pub(crate) at: Timestamp,
}

impl Credit {
    pub(crate) fn is_zero(&self) -> bool {
        self.listened == Period::ZERO
    }

    /// Credits a route's clock: never more than was listened, never more than the wall clock has
    /// moved since another server's credit, so that two servers' listeners count once.
    pub(crate) fn apply(&self, clock: &mut ListeningClock) {
        let credit = self.listened.min(Period::between(clock.until, self.at));
        clock.heard = clock.heard + credit;
        clock.until = clock.until.max(self.at);
    }
}
