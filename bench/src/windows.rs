//! Many soft windows that end within the same second: how late each is settled.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use crate::http::Connection;
use crate::report::{Report, percentile};
use crate::server::Setup;

/// How long after the last deadline the last grant may come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lateness of 1,000 and of 10,000 windows.
pub(crate) async fn measure(setup: &Setup, report: &mut Report) -> io::Result<()> {
    for (count, target) in [(1_000, 50.0), (10_000, 250.0)] {
        let fresh = Setup::new(&setup.binary, setup.backing.clone(), setup.policy)?;
        let mut late = lateness(&fresh, count).await?;
        late.sort_by(f64::total_cmp);
        let what = format!("{count} windows within a second: lateness, p99");
        report.at_most(&what, percentile(&late, 0.99), target, "ms");
        Report::note("  p50", percentile(&late, 0.5), "ms");
        Report::note("  the latest", percentile(&late, 1.0), "ms");
    }
    Ok(())
}

/// How late each grant reached an open event stream, in ms after the deadline that the server had
/// given for it.
async fn lateness(setup: &Setup, count: u32) -> io::Result<Vec<f64>> {
    let server = setup.start()?;
    let key = setup.agent("agent")?;
    let reviewer = setup.reviewer("ana")?;
    // Somebody must listen, or nothing is ever granted by silence.
    let listener = Connection::open(&setup.address, &reviewer).await?;
    let (granted, mut grants) = mpsc::unbounded_channel();
    let local = LocalSet::new();
    local.spawn_local(listener.stream("/v1/events", grants_of(granted)));
    let late = local
        .run_until(async {
            propose(setup, &key, count).await?;
            let deadlines = deadlines(setup, &reviewer, count).await?;
            let last = deadlines.values().max().copied().unwrap_or_default();
            let wait: Duration =
                last.duration_since(Timestamp::now()).try_into().unwrap_or_default();
            let until = tokio::time::Instant::now() + wait + PATIENCE;
            let mut late = Vec::new();
            while late.len() < deadlines.len() {
                let grant = tokio::time::timeout_at(until, grants.recv()).await;
                let Ok(Some((id, at))) = grant else {
                    let missing = deadlines.len() - late.len();
                    return Err(io::Error::other(format!("{missing} windows never ended")));
                };
                let deadline = deadlines.get(&id).copied().unwrap_or(at);
                late.push(at.duration_since(deadline).as_secs_f64() * 1e3);
            }
            Ok(late)
        })
        .await?;
    drop(server);
    Ok(late)
}

/// Reads an event stream, and passes on which escalation was granted and when that was known here.
fn grants_of(granted: mpsc::UnboundedSender<(String, Timestamp)>) -> impl FnMut(&str) -> bool {
    let mut is_grant = false;
    move |line| {
        if let Some(word) = line.strip_prefix("event: ") {
            is_grant = word == "granted";
        } else if is_grant && line.starts_with("data: ") {
            let id = line.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next());
            let _ = granted.send((id.unwrap_or_default().to_owned(), Timestamp::now()));
        }
        true
    }
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

/// When each is to end, once all are running.
async fn deadlines(
    setup: &Setup,
    reviewer: &str,
    count: u32,
) -> io::Result<HashMap<String, Timestamp>> {
    loop {
        let pages = all(setup, reviewer, "state=pending").await?;
        let known = pages.iter().filter_map(|item| {
            let deadline = item["deadline"].as_str()?.parse().ok()?;
            Some((item["id"].as_str()?.to_owned(), deadline))
        });
        let known: HashMap<_, _> = known.collect();
        if known.len() == count as usize {
            return Ok(known);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
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
