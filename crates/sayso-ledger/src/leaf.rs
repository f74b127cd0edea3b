//! The entry of one event: RFC 8785 canonical JSON, at most [`LARGEST_ENTRY`] bytes.
//!
//! Bulky or personal text is not in it: an entry holds a body's salted hash, and the body stands
//! beside the log, where it can be erased.

use std::fmt::Write;

use jiff::Timestamp;
use sayso_core::{Digest, EscalationId, Event, WorkspaceEvent, json};
use serde::Deserialize;

use crate::tile::LARGEST_ENTRY;

/// The form of entries that this version writes.
const FORM: u32 = 1;

/// An entry in the making. Its place in the log is its index, and in nothing that it says.
#[derive(Clone, Debug)]
pub struct Leaf<'a> {
    /// Whose log it is.
    pub workspace: &'a str,
    /// When it happened, in whole microseconds.
    pub at: Timestamp,
    /// The escalation it happened to and that one's version after it; none, if to the workspace.
    pub of: Option<(EscalationId, u64)>,
    /// What happened: canonical JSON.
    pub event: &'a str,
    /// What its body must hash to: SHA-256 over salt and text.
    pub body_hash: Option<Digest>,
}

/// An entry that would not fit a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry of {size} bytes is larger than a ledger takes ({LARGEST_ENTRY})")]
pub struct TooLarge {
    /// Its size.
    pub size: usize,
}

impl Leaf<'_> {
    /// The entry's bytes.
    pub fn bytes(&self) -> Result<Vec<u8>, TooLarge> {
        let Self { workspace, at, of, event, body_hash } = self;
        let mut text = String::with_capacity(event.len() + 256);
        // Members in order of their names, as RFC 8785 has it; writing to a text can't fail.
        let _ = write!(text, r#"{{"at":"{at}""#);
        if let Some(hash) = body_hash {
            let _ = write!(text, r#","body_hash":"{hash}""#);
        }
        if let Some((id, _)) = of {
            let _ = write!(text, r#","escalation":"{id}""#);
        }
        let _ = write!(text, r#","event":{event},"v":{FORM}"#);
        if let Some((_, version)) = of {
            let _ = write!(text, r#","version":{version}"#);
        }
        text.push_str(",\"workspace\":");
        text.push_str(&String::from_utf8_lossy(&json::canonical(workspace)));
        text.push('}');
        match text.len() <= LARGEST_ENTRY {
            true => Ok(text.into_bytes()),
            false => Err(TooLarge { size: text.len() }),
        }
    }
}

/// What an entry tells of.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are the larger one")]
pub enum Told {
    /// Something that happened to an escalation.
    Escalation {
        /// Which.
        id: EscalationId,
        /// Its version after it.
        version: u64,
        /// What.
        event: Event,
    },
    /// Something that happened to the workspace.
    Workspace(WorkspaceEvent),
}

/// An entry as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Whose log it is in.
    pub workspace: String,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub told: Told,
    /// What its body must hash to.
    pub body_hash: Option<Digest>,
}

/// An entry that can't be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// Not an entry at all.
    #[error("it is not an entry: {0}")]
    Malformed(String),
    /// Its JSON is spelt otherwise than RFC 8785 has it, or says more than was understood.
    #[error("it is not the canonical form of what it says")]
    NotCanonical,
    /// Of a form, or with an event, that a newer version wrote.
    #[error("a newer version of Sayso wrote it: {0}")]
    Newer(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Of<E> {
    at: Timestamp,
    #[serde(default)]
    body_hash: Option<Digest>,
    #[serde(default)]
    escalation: Option<EscalationId>,
    event: E,
    v: u32,
    #[serde(default)]
    version: Option<u64>,
    workspace: String,
}

impl Entry {
    /// Reads an entry; only the very bytes that this version would write are taken.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadEntry> {
        let malformed = |error: serde_json::Error| newer_or(bytes, &error);
        // Members stand in order of their names: what comes before the event says what it is of.
        let event = bytes.windows(9).position(|part| part == br#","event":"#);
        let head = bytes.get(..event.unwrap_or_default()).unwrap_or_default();
        let is_escalations = head.windows(14).any(|part| part == br#","escalation":"#);
        let (entry, event, v) = if is_escalations {
            let read: Of<Event> = serde_json::from_slice(bytes).map_err(malformed)?;
            let (Some(id), Some(version)) = (read.escalation, read.version) else {
                return Err(BadEntry::Malformed("`escalation` or `version` is missing".into()));
            };
            let event = json::canonical(&read.event);
            let told = Told::Escalation { id, version, event: read.event };
            let (workspace, at, body_hash) = (read.workspace, read.at, read.body_hash);
            (Self { workspace, at, told, body_hash }, event, read.v)
        } else {
            let read: Of<WorkspaceEvent> = serde_json::from_slice(bytes).map_err(malformed)?;
            let event = json::canonical(&read.event);
            let told = Told::Workspace(read.event);
            let (workspace, at, body_hash) = (read.workspace, read.at, read.body_hash);
            (Self { workspace, at, told, body_hash }, event, read.v)
        };
        if v != FORM {
            return Err(BadEntry::Newer(format!("form {v}")));
        }
        let leaf = Leaf {
            workspace: &entry.workspace,
            at: entry.at,
            of: match &entry.told {
                Told::Escalation { id, version, .. } => Some((*id, *version)),
                Told::Workspace(_) => None,
            },
            event: std::str::from_utf8(&event).map_err(|_| BadEntry::NotCanonical)?,
            body_hash: entry.body_hash,
        };
        match leaf.bytes().is_ok_and(|canonical| canonical == bytes) {
            true => Ok(entry),
            false => Err(BadEntry::NotCanonical),
        }
    }
}

/// An entry with a form or an event that is not known here was written by a newer version.
fn newer_or(bytes: &[u8], error: &serde_json::Error) -> BadEntry {
    let text = error.to_string();
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(value) if value["v"].as_u64().is_some_and(|v| v > u64::from(FORM)) => {
            BadEntry::Newer(format!("form {}", value["v"]))
        }
        Ok(_) if text.starts_with("unknown variant") => {
            BadEntry::Newer(text.split(',').next().unwrap_or_default().to_owned())
        }
        Ok(_) | Err(_) => BadEntry::Malformed(text),
    }
}
