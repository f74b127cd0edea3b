//! Lengths of time as people write them: `15m`, `1h 30m`, `20s`.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time, never negative, in whole microseconds; read and written as `15m` or `1h 30m`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(u64);

/// A length of time that could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPeriod {
    /// Not a duration at all.
    #[error("not a length of time: {0:?}; write it like \"20s\", \"15m\" or \"1h 30m\"")]
    Unreadable(String),
    /// A duration before its own start.
    #[error("a length of time can't be negative: {0:?}")]
    Negative(String),
}

impl Period {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A period of whole microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A period of whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// A period of whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// The period in microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The period in seconds.
    #[expect(clippy::cast_precision_loss, reason = "a display figure")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// What is left of this period after `spent`; zero when more was spent.
    #[must_use]
    pub const fn minus(self, spent: Self) -> Self {
        Self(self.0.saturating_sub(spent.0))
    }

    /// Both periods, one after the other.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The moment this period after `start`; the last moment there is, if it would lie beyond it.
    #[must_use]
    pub fn after(self, start: jiff::Timestamp) -> jiff::Timestamp {
        start.saturating_add(self.signed()).unwrap_or(jiff::Timestamp::MAX)
    }

    /// The time from `start` to `end`; zero when `end` is not after `start`.
    pub fn between(start: jiff::Timestamp, end: jiff::Timestamp) -> Self {
        Self(u64::try_from(end.duration_since(start).as_micros()).unwrap_or(0))
    }

    /// About how long it is, for people: in its largest unit or two, `20 s`, `1 min 5 s`, `3 h`.
    pub fn about(self) -> String {
        let secs = self.0 / 1_000_000;
        match secs {
            0..60 => format!("{secs} s"),
            60..600 if !secs.is_multiple_of(60) => format!("{} min {} s", secs / 60, secs % 60),
            60..3_600 => format!("{} min", secs / 60),
            3_600..86_400 if secs % 3_600 >= 60 => {
                format!("{} h {} min", secs / 3_600, secs % 3_600 / 60)
            }
            3_600..86_400 => format!("{} h", secs / 3_600),
            _ => format!("{} d", secs / 86_400),
        }
    }

    fn signed(self) -> SignedDuration {
        SignedDuration::from_micros(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
}

impl From<Period> for std::time::Duration {
    fn from(period: Period) -> Self {
        Self::from_micros(period.0)
    }
}

impl From<std::time::Duration> for Period {
    fn from(duration: std::time::Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.signed())
    }
}

impl FromStr for Period {
    type Err = BadPeriod;

    fn from_str(text: &str) -> Result<Self, BadPeriod> {
        let shown = || text.chars().take(40).collect::<String>();
        // Days are 24 hours here: a window knows no time zone.
        let duration = text
            .parse::<Span>()
            .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
            .map_err(|_| BadPeriod::Unreadable(shown()))?;
        u64::try_from(duration.as_micros()).map(Self).map_err(|_| BadPeriod::Negative(shown()))
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Length;
        impl serde::de::Visitor<'_> for Length {
            type Value = Period;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a length of time like \"20s\", \"15m\" or \"1h 30m\", or whole seconds",
                )
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Period, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, secs: u64) -> Result<Period, E> {
                Ok(Period::from_secs(secs))
            }

            fn visit_i64<E: serde::de::Error>(self, secs: i64) -> Result<Period, E> {
                u64::try_from(secs)
                    .map(Period::from_secs)
                    .map_err(|_| E::custom(BadPeriod::Negative(secs.to_string())))
            }
        }
        deserializer.deserialize_any(Length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_writes_it_back() {
        let quarter: Period = "15m".parse().unwrap();
        assert_eq!(quarter, Period::from_secs(900));
        assert_eq!(quarter.to_string(), "15m");
        assert_eq!("7d".parse::<Period>().unwrap(), Period::from_secs(7 * 86_400));
        assert_eq!("1h 30m".parse::<Period>().unwrap().to_string(), "1h 30m");
        assert_eq!(serde_json::from_str::<Period>("20").unwrap(), Period::from_secs(20));
    }

    #[test]
    fn a_negative_length_is_refused_by_name() {
        assert_eq!("-5m".parse::<Period>(), Err(BadPeriod::Negative("-5m".into())));
        assert!(serde_json::from_str::<Period>("-5").unwrap_err().to_string().contains("negative"));
    }
}
