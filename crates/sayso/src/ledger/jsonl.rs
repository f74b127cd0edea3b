//! The log as lines of JSON: our own events, or the same in the envelope of `CloudEvents`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use anyhow::Context;
use sayso_ledger::Digest;
use sayso_ledger::tree::leaf_hash;
use serde_json::{Value, json};

use super::Written;
use super::source::{Logged, Source};

/// An entry on its way into a line.
pub(super) struct Line {
    pub(super) index: u64,
    pub(super) leaf: Digest,
    /// The entry's text; it is canonical JSON.
    pub(super) text: String,
    /// The same, read.
    pub(super) entry: Value,
    /// Its body: JSON where it is JSON, else text.
    pub(super) body: Option<Value>,
}

impl Line {
    fn new(index: u64, logged: Logged) -> anyhow::Result<Self> {
        let leaf = leaf_hash(&logged.bytes);
        let unreadable = || format!("entry {index} is no JSON; `sayso ledger verify` says more");
        let text = String::from_utf8(logged.bytes).with_context(unreadable)?;
        let entry = serde_json::from_str(&text).with_context(unreadable)?;
        let body = logged.body.map(|body| {
            let text = String::from_utf8_lossy(&body.content).into_owned();
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        });
        Ok(Self { index, leaf, text, entry, body })
    }

    /// The event's word.
    pub(super) fn word(&self) -> &str {
        let event = &self.entry["event"];
        let word = match event["type"].as_str() {
            Some("authority_changed") => event["change"]["type"].as_str(),
            word => word,
        };
        word.unwrap_or("unknown")
    }
}

/// Writes our own events.
pub(super) async fn write(
    source: &mut Source,
    folder: &Path,
    range: Range<u64>,
) -> anyhow::Result<Written> {
    let own = |line: &Line| {
        let Line { index, leaf, entry, body, .. } = line;
        json!({"index": index, "leaf": leaf, "entry": entry, "body": body})
    };
    lines(source, &folder.join("events.jsonl"), range, own).await
}

/// Writes `CloudEvents` 1.0, one a line (JSON event format).
pub(super) async fn write_cloudevents(
    source: &mut Source,
    folder: &Path,
    range: Range<u64>,
) -> anyhow::Result<Written> {
    let origin = source.origin().await?;
    let cloud = |line: &Line| cloudevent(line, &origin);
    lines(source, &folder.join("cloudevents.jsonl"), range, cloud).await
}

fn cloudevent(line: &Line, origin: &str) -> Value {
    let (entry, subject) = (&line.entry, &line.entry["escalation"]);
    let of = if subject.is_null() { "workspace" } else { "escalation" };
    let mut event = json!({
        "specversion": "1.0",
        "id": line.index.to_string(),
        "source": format!("urn:sayso:{origin}"),
        "type": format!("sayso.{of}.{}", line.word()),
        "time": entry["at"],
        "datacontenttype": "application/json",
        "leafhash": line.leaf,
        "data": {"entry": entry, "body": line.body},
    });
    if !subject.is_null() {
        event["subject"] = subject.clone();
    }
    event
}

/// Writes each entry in the range as one line.
pub(super) async fn lines(
    source: &mut Source,
    path: &Path,
    range: Range<u64>,
    line_of: impl Fn(&Line) -> Value,
) -> anyhow::Result<Written> {
    let file = File::create(path).with_context(|| format!("can't write {}", path.display()))?;
    let mut file = BufWriter::new(file);
    let (mut index, mut entries) = (0, 0);
    while let Some(batch) = source.next().await? {
        for logged in batch {
            if range.contains(&index) {
                serde_json::to_writer(&mut file, &line_of(&Line::new(index, logged)?))?;
                file.write_all(b"\n")?;
                entries += 1;
            }
            index += 1;
        }
        if index >= range.end {
            break;
        }
    }
    file.flush()?;
    Ok(Written { entries, path: path.to_owned() })
}
