//! How soon a halt stops everything, on every server: from calling it on one to the last redeem that
//! any of them accepts.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::LocalSet;

use crate::http::Connection;
use crate::report::{Report, percentile};
use crate::server::{Backing, Setup};

/// How many executors redeem on each server.
const EXECUTORS: usize = 4;
/// How many permits each holds when a round begins.
const PERMITS: usize = 60;
const HARD: &str = r#"{"action":{"tool":"drop","arguments":{"database":"old"}}}"#;

/// Calls halts, round after round, when executors on all servers have redeemed half of their permits
/// and go on as fast as they can.
pub(crate) async fn measure(setup: &Setup, rounds: u32, report: &mut Report) -> io::Result<()> {
    let beside = match setup.backing {
        Backing::Sqlite => None,
        Backing::Postgres(_) => Some(setup.beside()?),
    };
    let setups: Vec<_> = [Some(setup), beside.as_ref()].into_iter().flatten().collect();
    let servers = setups.iter().map(|setup| setup.start()).collect::<io::Result<Vec<_>>>()?;
    let (key, reviewer) = (setup.agent("agent")?, setup.reviewer("ana")?);
    let mut person = Connection::open(&setup.address, &reviewer).await?;
    let (mut lasts, mut refused) = (Vec::new(), 0_usize);
    for _ in 0..rounds {
        let mut executors = Vec::new();
        for setup in &setups {
            for _ in 0..EXECUTORS {
                let mut agent = Connection::open(&setup.address, &key).await?;
                let permits = permits(&mut agent, &mut person).await?;
                executors.push((agent, permits));
            }
        }
        let accepted = Rc::new(RefCell::new(Vec::new()));
        let spared = Rc::new(RefCell::new(0));
        let (half, half_done) = (executors.len() * PERMITS / 2, Rc::new(Notify::new()));
        let local = LocalSet::new();
        for (mut agent, permits) in executors {
            let (accepted, spared) = (Rc::clone(&accepted), Rc::clone(&spared));
            let half_done = Rc::clone(&half_done);
            local.spawn_local(async move {
                for permit in permits {
                    let redeem = format!(r#"{{"permit":"{permit}"}}"#);
                    match agent.post("/v1/permits/redeem", &redeem).await {
                        Ok(answer) if answer.status == 200 => {
                            let mut accepted = accepted.borrow_mut();
                            accepted.push(Instant::now());
                            if accepted.len() == half {
                                half_done.notify_one();
                            }
                        }
                        Ok(_) => *spared.borrow_mut() += 1,
                        Err(error) => panic!("a redeem got no answer: {error}"),
                    }
                }
            });
        }
        let called = local
            .run_until(async {
                half_done.notified().await;
                let called = Instant::now();
                let halt = person.post("/v1/halts", r#"{"reason":"Stop."}"#).await?;
                io::Result::Ok((called, halt))
            })
            .await?;
        local.await;
        let (called, halt) = called;
        let id = halt.text("id").ok_or_else(|| io::Error::other("the halt was not called"))?;
        person.delete(&format!("/v1/halts/{id}")).await?;
        let last = accepted.borrow().iter().max().copied();
        let after = last.map_or(Duration::ZERO, |last| last.saturating_duration_since(called));
        lasts.push(after.as_secs_f64() * 1e3);
        refused += *spared.borrow();
    }
    drop(servers);
    lasts.sort_by(f64::total_cmp);
    let on = if setups.len() == 1 { "one server, SQLite" } else { "two servers, PostgreSQL" };
    if refused == 0 {
        return Err(io::Error::other(
            "all permits were redeemed before any halt: nothing measured",
        ));
    }
    let what = |share: &str| format!("halt to the last accepted redeem, {share}, {on}");
    Report::note(&what("p50"), percentile(&lasts, 0.5), "ms");
    report.at_most(&what("p99"), percentile(&lasts, 0.99), 250.0, "ms");
    Ok(())
}

/// Permits for things that people approved.
async fn permits(agent: &mut Connection, person: &mut Connection) -> io::Result<Vec<String>> {
    let mut permits = Vec::with_capacity(PERMITS);
    for _ in 0..PERMITS {
        let proposed = agent.post("/v1/escalations", HARD).await?;
        let missing = || io::Error::other(String::from_utf8_lossy(&proposed.body).into_owned());
        let id = proposed.text("id").ok_or_else(missing)?;
        let digest = proposed.text("digest").ok_or_else(missing)?;
        let decision = format!(r#"{{"decision":"approve","digest":"{digest}"}}"#);
        person.post(&format!("/v1/escalations/{id}/decisions"), &decision).await?;
        let granted = agent.get(&format!("/v1/escalations/{id}")).await?;
        permits.extend(granted.text("permit").map(str::to_owned));
    }
    Ok(permits)
}
