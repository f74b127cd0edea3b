//! Throughput and latency of fyi events and hard round trips.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

use crate::http::Connection;
use crate::report::{Report, percentile};
use crate::server::{Backing, Setup};

const FYI: &str = r#"{"action":{"tool":"note","arguments":{"channel":"ops","text":"Deployed build 4711 to staging; 128 checks passed."}},"message":"For your information."}"#;
const HARD: &str = r#"{"action":{"tool":"drop","arguments":{"database":"customers-2022","region":"eu-west-1"}},"message":"It has not been read for two years."}"#;

/// fyi events from 64 clients.
pub(crate) async fn fyi(setup: &Setup, seconds: u64, report: &mut Report) -> io::Result<()> {
    let server = setup.start()?;
    let keys = agents(setup, 64)?;
    let done = Rc::new(Cell::new(0_u64));
    let local = LocalSet::new();
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    for key in keys {
        let mut connection = Connection::open(&setup.address, &key).await?;
        let done = Rc::clone(&done);
        local.spawn_local(async move {
            while Instant::now() < until {
                let answer = connection.post("/v1/escalations", FYI).await;
                assert!(matches!(&answer, Ok(answer) if answer.status == 201), "fyi refused");
                done.set(done.get() + 1);
            }
        });
    }
    local.await;
    let rate = per_second(done.get(), started);
    match setup.backing {
        Backing::Sqlite => report.at_least("fyi, 64 clients, SQLite", rate, 15_000.0, "/s"),
        Backing::Postgres(_) => Report::note("fyi, 64 clients, PostgreSQL", rate, "/s"),
    }
    drop(server);
    Ok(())
}

/// Hard round trips with 64 agents, and their latency with 1 and with 16.
pub(crate) async fn hard(setup: &Setup, seconds: u64, report: &mut Report) -> io::Result<()> {
    let server = setup.start()?;
    let keys = agents(setup, 64)?;
    let reviewer = setup.reviewer("ana")?;
    let on = match setup.backing {
        Backing::Sqlite => "SQLite",
        Backing::Postgres(_) => "PostgreSQL",
    };
    let target = if on == "SQLite" { 5_000.0 } else { 2_500.0 };
    let (rate, _) = trips(setup, &keys, &reviewer, seconds).await?;
    report.at_least(&format!("hard round trips, 64 agents, {on}"), rate, target, "/s");
    for (agents, share, target) in [(1, 0.5, 0.7), (16, 0.99, 10.0)] {
        let (rate, mut wakes) = trips(setup, &keys[..agents], &reviewer, seconds).await?;
        wakes.sort_by(f64::total_cmp);
        let wake = percentile(&wakes, share);
        let what = format!("decision to wake, p{:.0}, {agents} agent(s), {on}", share * 100.0);
        match on {
            "SQLite" => report.at_most(&what, wake, target, "ms"),
            _ => Report::note(&what, wake, "ms"),
        }
        Report::note(&format!("  hard round trips, {agents} agent(s), {on}"), rate, "/s");
    }
    drop(server);
    Ok(())
}

/// Each agent proposes and waits; its reviewer decides; the waiter must read the outcome. Returns
/// round trips a second, and for each the milliseconds from decision to wake.
async fn trips(
    setup: &Setup,
    keys: &[String],
    reviewer: &str,
    seconds: u64,
) -> io::Result<(f64, Vec<f64>)> {
    let wakes = Rc::new(RefCell::new(Vec::new()));
    let local = LocalSet::new();
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    for key in keys {
        let mut agent = Connection::open(&setup.address, key).await?;
        let mut person = Connection::open(&setup.address, reviewer).await?;
        let wakes = Rc::clone(&wakes);
        local.spawn_local(async move {
            while Instant::now() < until {
                let took = trip(&mut agent, &mut person).await.unwrap_or_else(|error| {
                    panic!("a round trip failed: {error}");
                });
                wakes.borrow_mut().push(took);
            }
        });
    }
    local.await;
    let wakes = wakes.take();
    Ok((per_second(wakes.len() as u64, started), wakes))
}

async fn trip(agent: &mut Connection, person: &mut Connection) -> io::Result<f64> {
    let proposed = agent.post("/v1/escalations", HARD).await?;
    let missing = || io::Error::other(String::from_utf8_lossy(&proposed.body).into_owned());
    let id = proposed.text("id").ok_or_else(missing)?;
    let digest = proposed.text("digest").ok_or_else(missing)?;
    let wait = format!("/v1/escalations/{id}?wait=30");
    let decide = format!("/v1/escalations/{id}/decisions");
    let decision = format!(r#"{{"decision":"approve","digest":"{digest}"}}"#);
    let woken = async {
        let answer = agent.get(&wait).await?;
        io::Result::Ok((answer, Instant::now()))
    };
    let decided = async {
        let sent = Instant::now();
        person.post(&decide, &decision).await?;
        io::Result::Ok(sent)
    };
    let ((answer, woken), sent) = tokio::try_join!(woken, decided)?;
    match answer.text("outcome") {
        Some("granted") => Ok(woken.duration_since(sent).as_secs_f64() * 1e3),
        other => Err(io::Error::other(format!("the outcome was {other:?}"))),
    }
}

/// The keys of so many agents: one alone may not call as fast.
pub(crate) fn agents(setup: &Setup, count: usize) -> io::Result<Vec<String>> {
    (0..count).map(|number| setup.agent(&format!("agent-{number}"))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn per_second(count: u64, started: Instant) -> f64 {
    count as f64 / started.elapsed().as_secs_f64()
}
