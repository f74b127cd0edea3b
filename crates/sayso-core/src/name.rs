//! Names of people, agents, tools, rules and routes: one type each, so that they can't be mixed up.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

/// A name that can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Empty or too long.
    #[error("{what} name must have 1 to {limit} characters")]
    Length {
        /// What was to be named.
        what: &'static str,
        /// The longest name allowed, in characters.
        limit: usize,
    },
    /// A character that could disguise the name.
    #[error("{what} name may hold only {allowed}; {found:?} is not")]
    Character {
        /// What was to be named.
        what: &'static str,
        /// The characters that may stand in it.
        allowed: &'static str,
        /// The first one that may not.
        found: char,
    },
}

const PLAIN: &str = "letters, digits and . _ - @ (ASCII)";
const PRINTED: &str = "printable ASCII";

fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@')
}

fn printed(c: char) -> bool {
    c.is_ascii_graphic() || c == ' '
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $limit:literal, $test:ident, $allowed:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks and takes a name.
            pub fn new(text: &str) -> Result<Self, BadName> {
                if text.is_empty() || text.chars().count() > $limit {
                    return Err(BadName::Length { what: $what, limit: $limit });
                }
                match text.chars().find(|c| !$test(*c)) {
                    Some(found) => {
                        Err(BadName::Character { what: $what, allowed: $allowed, found })
                    }
                    None => Ok(Self(text.into())),
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl FromStr for $type {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// An agent, by the name its operator gave it. It proposes; it can never decide.
    AgentName, "an agent's", 64, plain, PLAIN
}
name! {
    /// A person who may decide, by name.
    ReviewerName, "a reviewer's", 64, plain, PLAIN
}
name! {
    /// A group of people, by name.
    GroupName, "a group's", 64, plain, PLAIN
}
name! {
    /// A tool, as the agent calls it. ASCII, so that look-alike letters can't slip past a rule.
    ToolName, "a tool's", 128, printed, PRINTED
}
name! {
    /// A rule of the policy.
    RuleName, "a rule's", 128, printed, PRINTED
}
name! {
    /// A route: who is told, in what order.
    RouteName, "a route's", 64, plain, PLAIN
}

impl RouteName {
    /// The route of rules that name none: every reviewer.
    pub fn everyone() -> Self {
        Self("everyone".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_alike_letter_is_no_name() {
        assert!(ToolName::new("git_merge").is_ok());
        let cyrillic = ToolName::new("git_m\u{435}rge").unwrap_err();
        assert!(cyrillic.to_string().contains("printable ASCII"), "{cyrillic}");
        assert!(AgentName::new("ana bo").is_err());
        assert!(AgentName::new("").is_err());
    }
}
