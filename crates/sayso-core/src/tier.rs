//! Tiers: how much of a person an action needs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// How much of a person an action needs before it may run; ordered, stricter is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Tier 1: people are told, nothing waits.
    Fyi,
    /// Tier 2: goes ahead after a window of heard silence, unless somebody vetoes.
    Soft,
    /// Tier 3: nothing happens until people approve.
    Hard,
}

/// A tier that could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such tier: {0:?}; use \"fyi\", \"soft\" or \"hard\" (or 1, 2, 3)")]
pub struct UnknownTier(pub String);

impl Tier {
    /// The tier's word, as written in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fyi => "fyi",
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(text: &str) -> Result<Self, UnknownTier> {
        match text {
            "fyi" | "1" => Ok(Self::Fyi),
            "soft" | "2" => Ok(Self::Soft),
            "hard" | "3" => Ok(Self::Hard),
            other => Err(UnknownTier(other.chars().take(40).collect())),
        }
    }
}

impl<'de> Deserialize<'de> for Tier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl serde::de::Visitor<'_> for Word {
            type Value = Tier;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a tier: \"fyi\", \"soft\" or \"hard\" (or 1, 2, 3)")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Tier, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Tier, E> {
                number.to_string().parse().map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Tier, E> {
                number.to_string().parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_words_are_written() {
        assert_eq!(serde_json::from_str::<Tier>("2").unwrap(), Tier::Soft);
        assert_eq!(serde_json::from_str::<Tier>("\"hard\"").unwrap(), Tier::Hard);
        assert_eq!(serde_json::to_string(&Tier::Fyi).unwrap(), "\"fyi\"");
        let refused = serde_json::from_str::<Tier>("4").unwrap_err().to_string();
        assert!(refused.contains("use \"fyi\", \"soft\" or \"hard\""), "{refused}");
    }

    #[test]
    fn stricter_is_greater() {
        assert!(Tier::Fyi < Tier::Soft && Tier::Soft < Tier::Hard);
    }
}
