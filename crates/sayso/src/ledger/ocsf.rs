//! The log for a SIEM: OCSF 1.9 events of class API Activity (6003), with the profiles
//! `ai_operation` and `record_integrity`.
//!
//! The attestation's fingerprint is the entry's RFC 6962 leaf hash: SHA-256 over a zero byte and
//! `raw_data`. What has no place in the schema stands under `unmapped`.

use std::ops::Range;
use std::path::Path;

use jiff::Timestamp;
use sayso_ledger::Checkpoint;
use sayso_ledger::note::Note;
use serde_json::{Value, json};

use super::Written;
use super::jsonl::{Line, lines};
use super::source::Source;

const CLASS: u64 = 6003;

/// Writes OCSF events, one a line.
pub(super) async fn write(
    source: &mut Source,
    folder: &Path,
    range: Range<u64>,
) -> anyhow::Result<Written> {
    let (note, _) = source.heads().await?;
    let head = note.and_then(|note| note.parse::<Note>().ok()?.text().parse().ok());
    let event = |line: &Line| activity(line, head.as_ref());
    lines(source, &folder.join("ocsf.jsonl"), range, event).await
}

/// What was done, as OCSF counts it.
#[derive(Clone, Copy)]
enum Activity {
    Create = 1,
    Update = 3,
    Delete = 4,
}

fn activity(line: &Line, head: Option<&Checkpoint>) -> Value {
    let (entry, event) = (&line.entry, &line.entry["event"]);
    let at: Option<Timestamp> = entry["at"].as_str().and_then(|at| at.parse().ok());
    let origin = head.map_or("unsigned", |head| head.origin.as_str());
    let kind = match line.word() {
        "proposed" | "agent_added" | "person_added" | "invited" | "token_issued"
        | "halt_called" => Activity::Create,
        "withdrawn" | "agent_revoked" | "person_removed" | "invitation_ended" | "token_revoked"
        | "halt_lifted" => Activity::Delete,
        _ => Activity::Update,
    };
    let name = ["Create", "", "Update", "Delete"][kind as usize - 1];
    let mut mapped = json!({
        "class_uid": CLASS,
        "class_name": "API Activity",
        "category_uid": 6,
        "category_name": "Application Activity",
        "activity_id": kind as u64,
        "activity_name": name,
        "type_uid": CLASS * 100 + kind as u64,
        "severity_id": severity(line),
        "time": at.map(Timestamp::as_millisecond),
        "metadata": {
            "version": "1.9.0",
            "profiles": ["ai_operation", "record_integrity"],
            "product": {"name": "Sayso", "vendor_name": "Sayso", "version": env!("CARGO_PKG_VERSION")},
            "uid": format!("{origin}/{}", line.index),
            "sequence": line.index,
            "original_time": entry["at"],
            "log_name": origin,
            "tenant_uid": entry["workspace"],
            "correlation_uid": entry["escalation"],
            "event_code": line.word(),
        },
        "actor": actor(line),
        "api": {"operation": line.word(), "service": {"name": "sayso"}},
        "src_endpoint": {"name": "sayso"},
        "raw_data": line.text,
        "attestation_list": [{
            "uid": line.index.to_string(),
            "chain_uid": origin,
            "authority_uid": origin,
            "fingerprint": {"algorithm": "SHA-256", "algorithm_id": 3, "value": line.leaf},
        }],
        "unmapped": {
            "event": event,
            "body": line.body,
            "checkpoint": head.map(|head| json!({"size": head.size, "root": head.root})),
        },
    });
    if let Some(agent) = event["agent"].as_str() {
        mapped["ai_agent"] = json!({"name": agent, "uid": agent});
    }
    if let Some(tool) = event["subject"]["tool"].as_str() {
        mapped["resources"] =
            json!([{"name": tool, "type": "tool", "uid": event["subject"]["digest"]}]);
    }
    mapped
}

/// Who did it: the person, the agent, or Sayso itself.
fn actor(line: &Line) -> Value {
    let event = &line.entry["event"];
    let agents = matches!(line.word(), "started" | "receipted");
    // A change of authority says what kind of somebody made it.
    let by = match event["type"].as_str() {
        Some("authority_changed") => &event["by"]["person"],
        _ => &event["by"],
    };
    match (by.as_str(), event["agent"].as_str()) {
        (Some(agent), _) if agents => json!({"app_name": agent}),
        (Some(person), _) => json!({"user": {"name": person, "uid": person, "type_id": 1}}),
        (None, Some(agent)) => json!({"app_name": agent}),
        (None, None) => json!({"app_name": "sayso"}),
    }
}

/// 1 is informational, 3 medium, 4 high.
fn severity(line: &Line) -> u64 {
    match line.word() {
        "halt_called" | "halted" => 4,
        "vetoed" | "denied" | "frozen" | "hardened" => 3,
        _ => 1,
    }
}
