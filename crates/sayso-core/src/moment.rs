//! A moment as the law sees it: the wall clock, the listeners' clock, and any halt in force.

use std::ops::Add;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::HaltId;
use crate::period::Period;

/// A reading of a route's listening clock: all the time, since the route began, in which
/// somebody who could object was provably listening. It never runs without a listener, so a
/// window measured on it can't pass unheard, and one more listener costs one clock, not one
/// event for every open window.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Heard(u64);

impl Heard {
    /// The reading after so many microseconds of listening.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The reading in microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The listening between an earlier reading and this one. Zero if the clock was set back, as
    /// it is when a crash loses the last unpersisted seconds: lost credit is earned again.
    pub const fn since(self, earlier: Self) -> Period {
        Period::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The start from which listening would have had to begin for `heard` to have passed by now.
    #[must_use]
    pub fn back(self, heard: Period) -> Start {
        let signed = |micros| i64::try_from(micros).unwrap_or(i64::MAX);
        Start(signed(self.0).saturating_sub(signed(heard.as_micros())))
    }
}

impl Add<Period> for Heard {
    type Output = Self;

    fn add(self, period: Period) -> Self {
        Self(self.0.saturating_add(period.as_micros()))
    }
}

/// Where on the listening clock an escalation's silence began. Signed: a window that is resumed
/// early in a route's life begins, on its clock, before zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Start(i64);

impl Start {
    /// The listening from this start to `reading`.
    pub fn until(self, reading: Heard) -> Period {
        let reading = i64::try_from(reading.0).unwrap_or(i64::MAX);
        Period::from_micros(u64::try_from(reading.saturating_sub(self.0)).unwrap_or(0))
    }

    /// The reading at which `window` will have been heard.
    #[must_use]
    pub fn plus(self, window: Period) -> Heard {
        let window = i64::try_from(window.as_micros()).unwrap_or(i64::MAX);
        Heard(u64::try_from(self.0.saturating_add(window)).unwrap_or(0))
    }
}

/// What a route's listening clock says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hearing {
    /// The reading, credited and kept.
    pub reading: Heard,
    /// Whether somebody is listening right now.
    pub running: bool,
    /// When somebody was last heard to listen; none if that never happened. A server that has
    /// just started gives its start instead, so that its own absence is not held against people.
    pub last: Option<Timestamp>,
}

/// Everything outside an escalation that may bear on a decision about it.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The wall clock.
    pub at: Timestamp,
    /// The listening clock of the escalation's route.
    pub hearing: Hearing,
    /// The halt that covers the escalation, if one is in force.
    pub halt: Option<HaltId>,
}

impl Moment {
    /// A moment with nobody listening and no halt.
    pub fn at(at: Timestamp) -> Self {
        Self { at, hearing: Hearing::default(), halt: None }
    }
}
