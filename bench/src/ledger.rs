//! Proofs from a large ledger, asked for over HTTP and checked.

use std::io;
use std::time::{Duration, Instant};

use sayso_ledger::proof::check_inclusion;
use sayso_ledger::{Checkpoint, Digest, Note};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::load::agents;
use crate::report::{Report, percentile};
use crate::server::Setup;

const ENTRIES: u64 = 1_000_000;
const CLIENTS: usize = 64;
const PROOFS: u64 = 5_000;
const FYI: &str = r#"{"action":{"tool":"note","arguments":{"channel":"ops","text":"Deployed build 4711 to staging; 128 checks passed."}},"message":"For your information."}"#;

/// Writes a million entries as agents write them, then asks for proofs of entries all over them.
pub(crate) async fn measure(setup: &Setup, report: &mut Report) -> io::Result<()> {
    let server = setup.start()?;
    let keys = agents(setup, CLIENTS)?;
    let auditor = setup.reviewer("ada")?;
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for key in keys {
        let address = setup.address.clone();
        clients.spawn(async move {
            let mut connection = Connection::open(&address, &key).await?;
            // Two entries each: proposed, noted.
            for _ in 0..(ENTRIES / 2).div_ceil(CLIENTS as u64) {
                let answer = connection.post("/v1/escalations", FYI).await?;
                if answer.status != 201 {
                    return Err(io::Error::other("fyi refused"));
                }
            }
            io::Result::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client.map_err(io::Error::other)??;
    }
    Report::note("a million entries written", began.elapsed().as_secs_f64(), "s");

    let mut connection = Connection::open(&setup.address, &auditor).await?;
    let written = Instant::now();
    let head = loop {
        let head = head(&mut connection).await?;
        if head.size >= ENTRIES {
            break head;
        }
        if written.elapsed() > Duration::from_mins(1) {
            return Err(io::Error::other("the ledger was not sealed within a minute"));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    Report::note("  sealed after", written.elapsed().as_secs_f64() * 1e3, "ms");

    let mut took = Vec::new();
    let mut index = 1_u64;
    for _ in 0..PROOFS {
        // All over the ledger, the same way each time.
        index = (index.wrapping_mul(2_862_933_555_777_941_757_u64) % head.size + 3_037_000_493)
            % head.size;
        let path = format!("/v1/ledger/proof/inclusion?index={index}&size={}", head.size);
        let asked = Instant::now();
        let answer = connection.get(&path).await?;
        took.push(asked.elapsed().as_secs_f64() * 1e3);
        check(&answer.json(), index, &head).ok_or_else(|| io::Error::other("a false proof"))?;
    }
    took.sort_by(f64::total_cmp);
    Report::note("inclusion proof at 1,000,000 entries, p50", percentile(&took, 0.5), "ms");
    let slow = percentile(&took, 0.99);
    report.at_most("inclusion proof at 1,000,000 entries, p99", slow, 5.0, "ms");
    Report::note("  the slowest", percentile(&took, 1.0), "ms");
    drop(server);
    Ok(())
}

async fn head(connection: &mut Connection) -> io::Result<Checkpoint> {
    let note = connection.get("/v1/ledger/checkpoint").await?.body;
    let note = String::from_utf8(note).map_err(io::Error::other)?;
    let note: Note = note.parse().map_err(io::Error::other)?;
    note.text().parse().map_err(io::Error::other)
}

fn check(proof: &Value, index: u64, head: &Checkpoint) -> Option<()> {
    let hash = |value: &Value| value.as_str()?.parse::<Digest>().ok();
    let hashes: Option<Vec<_>> = proof["hashes"].as_array()?.iter().map(hash).collect();
    let leaf = hash(&proof["leaf"])?;
    check_inclusion(leaf, index, head.size, &hashes?, head.root).ok()
}
