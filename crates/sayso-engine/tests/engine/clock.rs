//! Time as a test wants it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use sayso_core::Period;
use sayso_engine::Clock;

/// Clocks that are moved by hand, each by itself.
pub(crate) struct ManualClock {
    hands: Mutex<Hands>,
}

struct Hands {
    wall: Timestamp,
    running: Period,
}

impl ManualClock {
    /// The morning of the tests' day, on a machine that was started a while ago.
    pub(crate) fn new() -> Self {
        let wall = Timestamp::from_second(1_800_000_000).unwrap();
        Self { hands: Mutex::new(Hands { wall, running: Period::from_secs(777) }) }
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time passes, as it does.
    pub(crate) fn pass(&self, period: Period) {
        let mut hands = self.hands();
        hands.wall = period.after(hands.wall);
        hands.running = hands.running.plus(period);
    }

    /// Somebody sets the wall clock, or the machine sleeps; no time is spent.
    pub(crate) fn step(&self, by: SignedDuration) {
        let mut hands = self.hands();
        hands.wall = hands.wall.checked_add(by).unwrap();
    }

    /// The machine is started again: its running clock begins anew.
    pub(crate) fn boot(&self) {
        self.hands().running = Period::ZERO;
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        self.hands().wall
    }

    fn running(&self) -> Period {
        self.hands().running
    }
}

pub(crate) const fn seconds(count: u64) -> Period {
    Period::from_secs(count)
}

pub(crate) const fn minutes(count: u64) -> Period {
    Period::from_secs(60 * count)
}

pub(crate) const fn days(count: u64) -> Period {
    Period::from_secs(86_400 * count)
}

/// The least time there is.
pub(crate) const MICROSECOND: Period = Period::from_micros(1);
