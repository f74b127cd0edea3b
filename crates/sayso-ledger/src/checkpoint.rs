//! Checkpoints (C2SP tlog-checkpoint): what a log's signed head says.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sayso_core::Digest;

use crate::note::SigningKey;

/// The head of a log: how many entries, and the root over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name; that of its key.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// Not a checkpoint.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint: its lines are the log's origin, a size, and a root in base64")]
pub struct BadCheckpoint;

impl Checkpoint {
    /// The signed note.
    pub fn sign(&self, key: &SigningKey) -> String {
        let text = self.to_string();
        let signature = key.sign(&text, 0);
        format!("{text}\n{signature}")
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, size, root } = self;
        writeln!(f, "{origin}\n{size}\n{}", STANDARD.encode(root.as_bytes()))
    }
}

impl FromStr for Checkpoint {
    type Err = BadCheckpoint;

    fn from_str(text: &str) -> Result<Self, BadCheckpoint> {
        let mut lines = text.strip_suffix('\n').ok_or(BadCheckpoint)?.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty()).ok_or(BadCheckpoint);
        let (origin, size, root) = (line()?, line()?, line()?);
        let number: u64 = size.parse().map_err(|_| BadCheckpoint)?;
        // One size, one spelling.
        if number.to_string() != size {
            return Err(BadCheckpoint);
        }
        let bytes = STANDARD.decode(root).map_err(|_| BadCheckpoint)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| BadCheckpoint)?;
        // What follows are extension lines, none of which may be empty.
        if lines.any(str::is_empty) {
            return Err(BadCheckpoint);
        }
        Ok(Self { origin: origin.to_owned(), size: number, root: Digest::from_bytes(bytes) })
    }
}
