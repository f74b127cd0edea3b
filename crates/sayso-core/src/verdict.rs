//! What the policy says of one action: the facts that the law works with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decision::Assurance;
use crate::digest::Digest;
use crate::escalation::Escalation;
use crate::name::{RouteName, RuleName};
use crate::period::Period;
use crate::quorum::Needed;
use crate::tier::Tier;

/// What the policy asks for one action: the strictest of all rules that match, on every axis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The least tier that will do.
    pub tier: Tier,
    /// The rule that asked for that tier; none when no rule matched.
    pub rule: Option<RuleName>,
    /// How much heard silence counts as consent, if the tier is soft.
    pub window: Period,
    /// How long a soft escalation may stay unheard before it becomes hard.
    pub unheard_after: Period,
    /// Who must approve.
    pub quorum: Needed,
    /// Whether those who answer for the agent count among them.
    pub self_approval: SelfApproval,
    /// How many silent grants an agent may have under this rule.
    pub silent_limit: SilentLimit,
    /// How strongly an approval must be tied to the person. Refusing takes no more than a tap.
    pub assurance: Assurance,
    /// How long a permit can be redeemed after the grant.
    pub permit_lasts: Period,
    /// Who is told.
    pub route: RouteName,
    /// SHA-256 of the policy text that said so.
    pub policy: Digest,
}

impl Verdict {
    /// What this verdict, on an edited action, comes to in place of the escalation's own: an edit
    /// can't lower the tier or the window; who must approve is for the new action.
    #[must_use]
    pub fn in_place_of(&self, escalation: &Escalation) -> Self {
        Self {
            tier: escalation.tier().max(self.tier),
            window: escalation.verdict().window.max(self.window),
            ..self.clone()
        }
    }
}

/// Whether people who answer for an agent (who own it, or started it), or stand in for those who
/// do, may approve what it asks for; ordered, stricter is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SelfApproval {
    /// They may, and each such grant is marked: somebody who works alone has nobody else.
    Allowed,
    /// They may not.
    Never,
}

impl SelfApproval {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Never => "never",
        }
    }
}

/// How many grants by silence one agent may collect under one rule; beyond it soft becomes hard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilentLimit {
    /// No limit (`"none"`).
    Unlimited,
    /// At most so many in any stretch of that length (`"60/h"`).
    Per {
        /// The most grants.
        count: u32,
        /// The stretch they are counted in.
        period: Period,
    },
}

/// A limit that could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a limit: {0:?}; write it like \"60/h\", \"5/m\" or \"100/d\", or \"none\"")]
pub struct BadLimit(pub String);

impl SilentLimit {
    /// The limit of rules that name none: 60 an hour.
    pub const DEFAULT: Self = Self::Per { count: 60, period: Period::from_secs(3_600) };

    /// The stretch in which grants are counted; none when there is no limit.
    pub fn period(self) -> Option<Period> {
        match self {
            Self::Unlimited => None,
            Self::Per { period, .. } => Some(period),
        }
    }

    /// Whether one more grant would be too many, after `so_far` of them in the stretch.
    pub fn is_used_up(self, so_far: u32) -> bool {
        match self {
            Self::Unlimited => false,
            Self::Per { count, .. } => so_far >= count,
        }
    }

    /// The stricter of two limits: the lower rate, and of two like rates the shorter burst.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unlimited, limit) | (limit, Self::Unlimited) => limit,
            (Self::Per { count: a, period: p }, Self::Per { count: b, period: q }) => {
                let (left, right) = (
                    u128::from(a) * u128::from(q.as_micros()),
                    u128::from(b) * u128::from(p.as_micros()),
                );
                if (left, a) <= (right, b) { self } else { other }
            }
        }
    }
}

impl fmt::Display for SilentLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("none"),
            Self::Per { count, period } => {
                let unit = match period.as_micros() / 1_000_000 {
                    1 => "s",
                    60 => "m",
                    3_600 => "h",
                    _ => "d",
                };
                write!(f, "{count}/{unit}")
            }
        }
    }
}

impl FromStr for SilentLimit {
    type Err = BadLimit;

    fn from_str(text: &str) -> Result<Self, BadLimit> {
        let bad = || BadLimit(text.chars().take(40).collect());
        if text == "none" {
            return Ok(Self::Unlimited);
        }
        let (count, unit) = text.split_once('/').ok_or_else(bad)?;
        let secs = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(bad()),
        };
        let count = count.trim().parse().map_err(|_| bad())?;
        Ok(Self::Per { count, period: Period::from_secs(secs) })
    }
}

impl Serialize for SilentLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SilentLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_read_and_write_alike() {
        for text in ["60/h", "5/m", "1/s", "100/d", "none"] {
            assert_eq!(text.parse::<SilentLimit>().unwrap().to_string(), text);
        }
        assert!("60 per hour".parse::<SilentLimit>().is_err());
        assert!("-1/h".parse::<SilentLimit>().is_err());
    }

    #[test]
    fn the_lower_rate_is_stricter() {
        let hourly: SilentLimit = "60/h".parse().unwrap();
        let daily: SilentLimit = "60/d".parse().unwrap();
        assert_eq!(hourly.stricter(daily), daily);
        assert_eq!(SilentLimit::Unlimited.stricter(hourly), hourly);
        assert!(hourly.is_used_up(60) && !hourly.is_used_up(59));
    }
}
