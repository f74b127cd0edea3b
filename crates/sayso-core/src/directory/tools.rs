//! The tools that an agent may propose, as the ledger names them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::name::{BadName, ToolName};

/// A glob on tools' names. What it matches is the policy's to say, whose globs these are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ToolPattern(ToolName);

impl ToolPattern {
    /// Checks and takes a pattern.
    pub fn new(text: &str) -> Result<Self, BadName> {
        ToolName::new(text).map(Self)
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for ToolPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ToolPattern {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for ToolPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ToolName::deserialize(deserializer).map(Self)
    }
}
