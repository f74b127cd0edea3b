//! What hashing, the tree and signed heads cost: `cargo run --release -p sayso-ledger --example append`.
//!
//! For the three entries of a hard round trip (proposed, approved, granted): their canonical JSON
//! against plain JSON, which would be written without a log too; their bytes and leaves; the salted
//! hash of what was asked; the tree; and a head, of which there are five a second at most.
#![allow(clippy::unwrap_used, reason = "a measurement that can't go on fails")]

use std::hint::black_box;
use std::time::Instant;

use jiff::Timestamp;
use sayso_core::{Digest, EscalationId, Event, json};
use sayso_ledger::leaf::Leaf;
use sayso_ledger::tile::Rim;
use sayso_ledger::tree::leaf_hash;
use sayso_ledger::verify::Body;
use sayso_ledger::{Checkpoint, SigningKey};
use serde_json::json;

/// How often each is done in a round.
const TIMES: u32 = 20_000;
/// How often it is measured.
const ROUNDS: u32 = 5;

fn main() {
    let events = events();
    let plain: Vec<_> = events.iter().map(|event| serde_json::to_vec(event).unwrap()).collect();
    let bytes: usize = plain.iter().map(Vec::len).sum();
    println!("three entries of a hard round trip, {bytes} bytes of events; the best of {ROUNDS}");

    let to_plain = micros(|| {
        for event in &events {
            black_box(serde_json::to_vec(black_box(event)).unwrap());
        }
    });
    let to_canonical = micros(|| {
        for event in &events {
            black_box(json::canonical(black_box(event)));
        }
    });
    let texts: Vec<_> =
        events.iter().map(|event| String::from_utf8(json::canonical(event)).unwrap()).collect();
    let (at, id) = (Timestamp::from_second(1_770_000_000).unwrap(), escalation());
    let ask = Body { salt: vec![7; 32], content: vec![b'a'; 300] };
    let leaf = |text: &String, body_hash| {
        let leaf = Leaf { workspace: "default", at, of: Some((id, 1)), event: text, body_hash };
        leaf_hash(&leaf.bytes().unwrap())
    };
    let leaves = micros(|| {
        for text in &texts {
            black_box(leaf(black_box(text), None));
        }
    });
    let body = micros(|| {
        black_box(black_box(&ask).hash());
    });
    let mut rim = Rim::default();
    let tree = micros(|| {
        for text in &texts {
            rim.push(Digest::of(text.as_bytes()), &mut Vec::new());
        }
    });
    let key = SigningKey::of_log(&[1; 32]);
    let head = micros(|| {
        let origin = key.public().name().to_owned();
        let checkpoint = Checkpoint { origin, size: rim.size(), root: rim.root() };
        black_box(checkpoint.sign(&key));
    });
    println!(
        "canonical JSON        {to_canonical:6.2} µs, where plain JSON takes {to_plain:.2} µs"
    );
    println!("entries and leaves    {leaves:6.2} µs");
    println!("hash of what was asked{body:6.2} µs");
    println!("tree                  {tree:6.2} µs");
    println!("a head                {head:6.2} µs");
    let more = to_canonical - to_plain + leaves + body + tree;
    println!("a round trip costs    {more:6.2} µs more than without a log");
}

/// How long it takes, in microseconds.
fn micros(mut work: impl FnMut()) -> f64 {
    let round = |_| {
        let began = Instant::now();
        (0..TIMES).for_each(|_| work());
        began.elapsed()
    };
    let best = (0..ROUNDS).map(round).min().unwrap_or_default();
    best.as_secs_f64() * 1e6 / f64::from(TIMES)
}

fn escalation() -> EscalationId {
    "01990000-0000-7000-8000-000000000001".parse().unwrap()
}

fn events() -> Vec<Event> {
    let digest = Digest::of(b"what is approved").to_string();
    let policy = Digest::of(b"the policy").to_string();
    let events = [
        json!({
            "type": "proposed", "agent": "agent-9", "executor": "agent-9",
            "ceremony": "fb8cd0b60be1d25df21c6232a83216cd",
            "expires_at": "2026-12-03T22:26:38.93571Z",
            "subject": {"kind": "action", "tool": "drop", "digest": digest},
            "verdict": {
                "tier": "hard", "rule": "drop", "window": "15m", "unheard_after": "15m",
                "quorum": {"people": 1}, "self_approval": "allowed", "silent_limit": "60/h",
                "assurance": "session", "permit_lasts": "10m", "route": "everyone",
                "policy": policy,
            },
        }),
        json!({"type": "approved", "by": "ana", "digest": digest, "assurance": "session"}),
        json!({
            "type": "granted", "expires_at": "2026-11-26T22:36:41.077859Z",
            "grant": {"tier": "hard", "by": ["ana"], "digest": digest, "assurance": "session"},
        }),
    ];
    events.into_iter().map(|event| serde_json::from_value(event).unwrap()).collect()
}
