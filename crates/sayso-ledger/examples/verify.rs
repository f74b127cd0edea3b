//! How fast a ledger is verified: `cargo run --release -p sayso-ledger --example verify [DAYS]`.
//!
//! A day is some forty entries, in which about everything happens once. All of it on one core: the
//! tree, the law, bodies, policy, permits and grants.
#![allow(clippy::unwrap_used, dead_code, reason = "a measurement that can't go on fails")]

#[path = "../tests/ledger/ssh.rs"]
mod ssh;
#[path = "../tests/ledger/story.rs"]
mod story;
#[path = "../tests/ledger/world.rs"]
mod world;

use std::time::{Duration, Instant};

use sayso_ledger::trust::Trust;
use sayso_ledger::verify::{Auditor, Evidence, Verdict};

use crate::world::{Row, World, head, log_key};

/// How often it is measured.
const ROUNDS: u32 = 5;

fn main() {
    let days = std::env::args().nth(1).map_or(5_000, |days| days.parse().unwrap());
    let mut world = World::new();
    for _ in 0..days {
        story::tell(&mut world);
        world.minutes(60);
        world.forget();
    }
    let entries: Vec<_> = world.rows.iter().map(Row::seal).collect();
    let bytes: usize = entries.iter().map(Vec::len).sum();
    let texts: usize =
        world.rows.iter().filter_map(|row| row.body.as_ref()).map(|b| b.content.len()).sum();
    println!("{} entries, {} MB, and {} MB of bodies", entries.len(), bytes >> 20, texts >> 20);
    let trust = Some(Trust::in_log(log_key().public().clone()));
    let evidence =
        Evidence { head: Some(head(&entries, &log_key())), trust, ..Evidence::default() };
    for with_bodies in [false, true] {
        let rounds = (0..ROUNDS).map(|_| round(&entries, &world.rows, &evidence, with_bodies));
        let took = rounds.min().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
        let rate = entries.len() as f64 / took.as_secs_f64();
        let what = if with_bodies { "with bodies" } else { "entries alone" };
        println!("{what}: {rate:.0} entries/s ({took:.2?}, the best of {ROUNDS})");
    }
}

/// Verifies the ledger once; says how long that took.
fn round(entries: &[Vec<u8>], rows: &[Row], evidence: &Evidence, with_bodies: bool) -> Duration {
    let began = Instant::now();
    let mut auditor = Auditor::new(evidence);
    for (entry, row) in entries.iter().zip(rows) {
        auditor.entry(entry, row.body.clone().filter(|_| with_bodies));
    }
    let report = auditor.finish();
    let took = began.elapsed();
    let expected = if with_bodies { Verdict::Verified } else { Verdict::Redacted };
    assert_eq!(report.verdict, expected, "{report:#?}");
    took
}
