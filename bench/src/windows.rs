//! Many soft windows that end within the same second: how late each is settled.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::task::{JoinSet, LocalSet};

use crate::http::Connection;
use crate::report::{Report, percentile};
use crate::server::Setup;

/// Lateness of 1,000 and of 10,000 windows.
pub async fn measure(setup: &Setup, report: &mut Report) -> io::Result<()> {
    for (count, target) in [(1_000, 50.0), (10_000, 250.0)] {
        let fresh = Setup::new(&setup.binary, setup.backing.clone(), setup.policy)?;
        let mut late = lateness(&fresh, count).await?;
        assert_eq!(late.len(), count as usize, "some windows were not settled by silence");
        late.sort_by(f64::total_cmp);
        let what = format!("{count} windows within a second: lateness, p99");
        report.at_most(&what, percentile(&late, 0.99), target, "ms");
        report.note("  p50", percentile(&late, 0.5), "ms");
        report.note("  the latest", percentile(&late, 1.0), "ms");
    }
    Ok(())
}

async fn lateness(setup: &Setup, count: u32) -> io::Result<Vec<f64>> {
    let server = setup.start()?;
    let key = setup.agent("agent")?;
    let reviewer = setup.reviewer("ana")?;
    // Somebody must listen, or nothing is ever granted by silence.
    let listener = Connection::open(&setup.address, &reviewer).await?;
    let local = LocalSet::new();
    local.spawn_local(listener.stream("/v1/events", |_| true));
    let settled = local
        .run_until(async {
            propose(setup, &key, count).await?;
            let last = deadlines(setup, &reviewer, count).await?;
            let wait = last.duration_since(Timestamp::now()).as_secs_f64().max(0.0) + 3.0;
            tokio::time::sleep(Duration::from_secs_f64(wait)).await;
            ends(setup, &reviewer).await
        })
        .await?;
    drop(server);
    Ok(settled)
}

/// Proposes them over some seconds, each with the window that makes it end in the same second.
async fn propose(setup: &Setup, key: &str, count: u32) -> io::Result<()> {
    let end = Timestamp::now() + jiff::SignedDuration::from_secs(15);
    let mut clients = JoinSet::new();
    for client in 0..50_u32 {
        let (address, key) = (setup.address.clone(), key.to_owned());
        clients.spawn(async move {
            let mut connection = Connection::open(&address, &key).await?;
            for number in (client..count).step_by(50) {
                // Spread evenly over that second.
                let offset = i64::from(number) * 1_000_000 / i64::from(count);
                let end = end + jiff::SignedDuration::from_micros(offset);
                let window = end.duration_since(Timestamp::now()).as_secs_f64();
                let body = format!(
                    r#"{{"action":{{"tool":"merge","arguments":{{"pull":{number}}}}},"window":"{window:.6}s"}}"#
                );
                let answer = connection.post("/v1/escalations", &body).await?;
                if answer.status != 201 {
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    return Err(io::Error::other(body));
                }
            }
            io::Result::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client.map_err(io::Error::other)??;
    }
    Ok(())
}

/// The last of the deadlines, once all are running.
async fn deadlines(setup: &Setup, reviewer: &str, count: u32) -> io::Result<Timestamp> {
    loop {
        let pages = all(setup, reviewer, "state=pending").await?;
        let known: Vec<Timestamp> =
            pages.iter().filter_map(|item| item["deadline"].as_str()?.parse().ok()).collect();
        match known.iter().max() {
            Some(last) if known.len() == count as usize => return Ok(*last),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// How late each was settled, in ms: settled − created − window, less the wait for delivery, which
/// the server counts as unheard.
async fn ends(setup: &Setup, reviewer: &str) -> io::Result<Vec<f64>> {
    let settled = all(setup, reviewer, "state=settled").await?;
    Ok(settled
        .iter()
        .filter(|item| item["basis"] == "silence")
        .filter_map(|item| {
            let window: jiff::SignedDuration = item["window"].as_str()?.parse().ok()?;
            let heard: jiff::SignedDuration = item["heard"].as_str()?.parse().ok()?;
            Some((heard - window).as_secs_f64() * 1e3)
        })
        .collect())
}

async fn all(setup: &Setup, reviewer: &str, query: &str) -> io::Result<Vec<Value>> {
    let mut connection = Connection::open(&setup.address, reviewer).await?;
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/escalations?{query}&limit=200{cursor}");
        let mut page = connection.get(&path).await?.json();
        if let Some(found) = page["items"].as_array_mut() {
            items.append(found);
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(items),
        }
    }
}
