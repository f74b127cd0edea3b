//! How heavy the server is: start, idle memory, size, and what a pending escalation costs.

use std::io;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::http::Connection;
use crate::report::{Report, percentile};
use crate::server::{Backing, Setup};

const MIB: f64 = 1024.0 * 1024.0;
const PENDING: u32 = 100_000;
const HARD: &str = r#"{"action":{"tool":"drop","arguments":{"database":"customers-2022","region":"eu-west-1"}},"message":"It has not been read for two years."}"#;

/// Cold start to ready, idle memory, size of the binary.
pub(crate) fn start(setup: &Setup, report: &mut Report) -> io::Result<()> {
    let size = std::fs::metadata(&setup.binary)?.len();
    report.at_most("stripped binary", bytes(size) / MIB, 30.0, "MiB");
    let mut starts = Vec::new();
    for _ in 0..10 {
        let fresh = Setup::new(&setup.binary, Backing::Sqlite, setup.policy)?;
        starts.push(fresh.start()?.ready_after.as_secs_f64() * 1e3);
    }
    starts.sort_by(f64::total_cmp);
    report.at_most("cold start to ready, median of 10", percentile(&starts, 0.5), 50.0, "ms");
    let server = setup.start()?;
    std::thread::sleep(Duration::from_secs(2));
    report.at_most("idle memory", bytes(server.resident()) / MIB, 25.0, "MiB");
    Ok(())
}

/// 100,000 pending escalations: memory for each, and restart to ready.
pub(crate) async fn pending(setup: &Setup, report: &mut Report) -> io::Result<()> {
    let server = setup.start()?;
    let key = setup.agent("agent")?;
    let before = server.resident();
    let mut clients = JoinSet::new();
    for _ in 0..64 {
        let (address, key) = (setup.address.clone(), key.clone());
        clients.spawn(async move {
            let mut connection = Connection::open(&address, &key).await?;
            for _ in 0..PENDING / 64 {
                connection.post("/v1/escalations", HARD).await?;
            }
            io::Result::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client.map_err(io::Error::other)??;
    }
    let each = bytes(server.resident().saturating_sub(before)) / f64::from(PENDING);
    report.at_most("memory of a pending escalation, of 100,000", each, 1024.0, "bytes");
    server.kill()?;
    let again = setup.start()?;
    let ready = again.ready_after.as_secs_f64() * 1e3;
    report.at_most("restart to ready with 100,000 pending", ready, 1_000.0, "ms");
    Report::note("  memory after the restart", bytes(again.resident()) / MIB, "MiB");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn bytes(count: u64) -> f64 {
    count as f64
}
