//! Time, handed in: the wall clock, and a clock that neither steps nor counts a machine's sleep.

use std::sync::Mutex;
use std::time::Instant;

use jiff::Timestamp;
use sayso_core::Period;

/// What time it is.
pub trait Clock: Send + Sync {
    /// The wall clock. It may step, in either direction.
    fn wall(&self) -> Timestamp;

    /// Time since some start. It never steps, and stands still while the machine sleeps.
    fn running(&self) -> Period;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn running(&self) -> Period {
        self.start.elapsed().into()
    }
}

/// A wall clock that never goes back: where the machine's does, it goes on at its own pace from
/// the latest time it has told, which a restart hands back to it.
pub(crate) struct SteadyClock {
    clock: std::sync::Arc<dyn Clock>,
    last: Mutex<(Timestamp, Period)>,
}

impl SteadyClock {
    pub(crate) fn new(clock: std::sync::Arc<dyn Clock>, latest: Option<Timestamp>) -> Self {
        let running = clock.running();
        let last = Mutex::new((latest.unwrap_or(Timestamp::UNIX_EPOCH), running));
        Self { clock, last }
    }

    /// The time, in whole microseconds: what is stored is what was meant.
    pub(crate) fn now(&self) -> Timestamp {
        self.reading().0
    }

    /// The time, and the running clock at that very moment.
    pub(crate) fn reading(&self) -> (Timestamp, Period) {
        // Locked before the clocks are read: an older reading must not come after a newer one.
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let wall = self.clock.wall();
        let wall = Timestamp::from_microsecond(wall.as_microsecond()).unwrap_or(wall);
        let running = self.clock.running();
        let at = wall.max(running.minus(last.1).after(last.0));
        *last = (at, running);
        (at, running)
    }

    pub(crate) fn running(&self) -> Period {
        self.clock.running()
    }
}
