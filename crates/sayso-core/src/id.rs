//! Identifiers: UUIDs of version 7, one type each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An identifier that could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: ids are UUIDs like 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")]
pub struct BadId;

macro_rules! id {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(Uuid);

        impl $type {
            /// Takes an identifier made elsewhere.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The identifier as a UUID.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $type {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                // Only the hyphenated form: one id, one spelling.
                if text.len() != 36 {
                    return Err(BadId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| BadId)
            }
        }
    };
}

id! {
    /// An escalation. Its permit bears the same id: there is at most one grant in its life.
    EscalationId
}
id! {
    /// A halt.
    HaltId
}
id! {
    /// A secret by which somebody is known: an agent's key, a token, a session, a link.
    CredentialId
}
