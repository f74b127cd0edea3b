//! Entries: one spelling, read back only as it was written.

use sayso_core::{EscalationId, Event, WorkspaceEvent, json};
use sayso_ledger::leaf::{BadEntry, Entry, Told};
use sayso_ledger::tile::{bundle, unbundle};
use sayso_ledger::{Digest, Leaf};

fn leaf(event: &str, of: Option<(EscalationId, u64)>) -> Vec<u8> {
    let at = "2026-11-24T08:50:26.123456Z".parse().unwrap();
    let body_hash = Some(Digest::of(b"body"));
    Leaf { workspace: "default", at, of, event, body_hash }.bytes().unwrap()
}

fn expired() -> (EscalationId, Vec<u8>) {
    let id = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071".parse().unwrap();
    let event = String::from_utf8(json::canonical(&Event::Expired)).unwrap();
    (id, leaf(&event, Some((id, 2))))
}

#[test]
fn an_entry_is_canonical_json_and_reads_back() {
    let (id, bytes) = expired();
    let value = json::read(&bytes, json::Limits::default()).unwrap();
    assert_eq!(json::canonical(&value), bytes);
    let told = Entry::parse(&bytes).unwrap().told;
    assert_eq!(told, Told::Escalation { id, version: 2, event: Event::Expired });

    let (entries, by) = (vec![3], sayso_core::ReviewerName::new("ana").unwrap());
    let event = WorkspaceEvent::Erased { escalation: id, entries, by };
    let bytes = leaf(&String::from_utf8(json::canonical(&event)).unwrap(), None);
    assert_eq!(Entry::parse(&bytes).unwrap().told, Told::Workspace(event));
    let event = WorkspaceEvent::PolicyLoaded { policy: Digest::of(b"policy") };
    let bytes = leaf(&String::from_utf8(json::canonical(&event)).unwrap(), None);
    assert_eq!(Entry::parse(&bytes).unwrap().told, Told::Workspace(event));
}

#[test]
fn what_says_more_or_is_spelt_otherwise_is_refused() {
    let text = String::from_utf8(expired().1).unwrap();
    let parse = |text: String| Entry::parse(text.as_bytes());
    assert_eq!(parse(text.replace("\"v\":1", "\"v\": 1")), Err(BadEntry::NotCanonical));
    let more = text.replace("\"type\":\"expired\"", "\"more\":1,\"type\":\"expired\"");
    assert!(parse(more).is_err());
    assert!(matches!(
        parse(text.replace("\"expired\"", "\"unheard_of\"")),
        Err(BadEntry::Newer(_))
    ));
    assert!(matches!(parse(text.replace("\"v\":1", "\"v\":2")), Err(BadEntry::Newer(_))));
}

#[test]
fn an_entry_that_no_bundle_takes_is_not_made() {
    let event = format!("\"{}\"", "x".repeat(66_000));
    let at = jiff::Timestamp::UNIX_EPOCH;
    let leaf = Leaf { workspace: "default", at, of: None, event: &event, body_hash: None };
    assert!(leaf.bytes().is_err());
}

#[test]
fn bundles_give_back_their_entries_and_none_that_are_cut_short() {
    let mut bytes = Vec::new();
    bundle(&mut bytes, b"one");
    bundle(&mut bytes, b"");
    assert_eq!(bytes, b"\0\x03one\0\0");
    assert_eq!(unbundle(&bytes).unwrap(), [&b"one"[..], b""]);
    assert!(unbundle(&bytes[..4]).is_err());
}
