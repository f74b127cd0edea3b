//! kill -9 under load: everything acknowledged must be there, and nothing may happen twice.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::LocalSet;

use crate::http::Connection;
use crate::report::Report;
use crate::server::Setup;

const CLIENTS: usize = 16;

/// What clients were told by the server, in so many words: it must be true for ever.
#[derive(Default)]
struct Acknowledged {
    proposed: HashSet<String>,
    granted: HashSet<String>,
    redeemed: HashMap<String, u32>,
}

/// Kills and restarts the server again and again under load, then reads the ledger.
pub(crate) async fn measure(setup: &Setup, rounds: u32, report: &mut Report) -> io::Result<()> {
    let known = Rc::new(RefCell::new(Acknowledged::default()));
    let mut server = setup.start()?;
    let key = setup.agent("agent")?;
    let reviewer = setup.reviewer("ana")?;
    for round in 0..rounds {
        let local = LocalSet::new();
        for _ in 0..CLIENTS {
            let agent = Connection::open(&setup.address, &key).await?;
            let person = Connection::open(&setup.address, &reviewer).await?;
            local.spawn_local(live(agent, person, Rc::clone(&known)));
        }
        let listener = Connection::open(&setup.address, &reviewer).await?;
        local.spawn_local(async move {
            let _ = listener.stream("/v1/events", |_| true).await;
        });
        // Another moment each time, in the middle of everything.
        let moment = Duration::from_millis(1_200 + u64::from(round) * 37 % 400);
        local.run_until(tokio::time::sleep(moment)).await;
        server.kill()?;
        local.await;
        server = setup.start()?;
    }
    let known = known.take();
    check(setup, &reviewer, &known, report).await
}

/// One agent's life until the server dies: a soft one, and a hard one that is granted and used.
async fn live(mut agent: Connection, mut person: Connection, known: Rc<RefCell<Acknowledged>>) {
    while step(&mut agent, &mut person, &known).await.is_ok() {}
}

async fn step(
    agent: &mut Connection,
    person: &mut Connection,
    known: &RefCell<Acknowledged>,
) -> io::Result<()> {
    let soft = r#"{"action":{"tool":"merge","arguments":{"pull":1}}}"#;
    let answer = agent.post("/v1/escalations", soft).await?;
    known.borrow_mut().proposed.extend(answer.text("id").map(str::to_owned));

    let hard = r#"{"action":{"tool":"drop","arguments":{"database":"old"}}}"#;
    let answer = agent.post("/v1/escalations", hard).await?.json();
    let (Some(id), Some(digest)) = (answer["id"].as_str(), answer["digest"].as_str()) else {
        return Err(io::Error::other(answer.to_string()));
    };
    known.borrow_mut().proposed.insert(id.to_owned());
    let decision = format!(r#"{{"decision":"approve","digest":"{digest}"}}"#);
    let decided = person.post(&format!("/v1/escalations/{id}/decisions"), &decision).await?;
    if decided.status == 200 {
        known.borrow_mut().granted.insert(id.to_owned());
    }
    let granted = agent.get(&format!("/v1/escalations/{id}")).await?.json();
    let permit = granted["permit"].as_str().unwrap_or_default();
    let redeem = serde_json::json!({"permit": permit}).to_string();
    let redeemed = agent.post("/v1/permits/redeem", &redeem).await?;
    if redeemed.status == 200 {
        *known.borrow_mut().redeemed.entry(id.to_owned()).or_default() += 1;
        let report = format!("/v1/permits/{id}/receipt");
        agent.post(&report, r#"{"result":"succeeded"}"#).await?;
    }
    // A second redeem must never succeed, whatever died in between.
    let again = agent.post("/v1/permits/redeem", &redeem).await?;
    if again.status == 200 {
        *known.borrow_mut().redeemed.entry(id.to_owned()).or_default() += 1;
    }
    Ok(())
}

async fn check(
    setup: &Setup,
    reviewer: &str,
    known: &Acknowledged,
    report: &mut Report,
) -> io::Result<()> {
    let mut connection = Connection::open(&setup.address, reviewer).await?;
    let mut events: HashMap<String, HashMap<String, u32>> = HashMap::new();
    let (mut from, mut gaps) = (1_u64, 0_u32);
    loop {
        let page = connection.get(&format!("/v1/ledger/entries?from={from}")).await?.json();
        let items = page["items"].as_array().cloned().unwrap_or_default();
        if items.is_empty() {
            break;
        }
        for entry in items {
            gaps += u32::from(entry["seq"].as_u64() != Some(from));
            from = entry["seq"].as_u64().unwrap_or(from) + 1;
            if let (Some(id), Some(word)) = (entry["escalation"].as_str(), word(&entry)) {
                *events.entry(id.into()).or_default().entry(word.into()).or_default() += 1;
            }
        }
    }
    let count = |id: &String, word: &str| {
        events.get(id).and_then(|words| words.get(word)).copied().unwrap_or(0)
    };
    let lost = known.proposed.iter().filter(|id| count(id, "proposed") != 1).count()
        + known.granted.iter().filter(|id| count(id, "granted") != 1).count()
        + known.redeemed.keys().filter(|id| count(id, "started") != 1).count();
    let twice = events
        .values()
        .filter(|words| {
            ["proposed", "granted", "started", "delivered", "hardened"]
                .iter()
                .any(|word| words.get(*word).is_some_and(|count| *count > 1))
        })
        .count()
        + known.redeemed.values().filter(|count| **count > 1).count();
    Report::note("acknowledged proposals", figure(known.proposed.len()), "");
    Report::note("acknowledged grants", figure(known.granted.len()), "");
    Report::note("acknowledged redeems", figure(known.redeemed.len()), "");
    report.at_most("acknowledged and lost", figure(lost), 0.0, "");
    report.at_most("happened twice", figure(twice), 0.0, "");
    report.at_most("gaps in the ledger", f64::from(gaps), 0.0, "");
    Ok(())
}

fn word(entry: &Value) -> Option<&str> {
    entry["event"]["type"].as_str()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn figure(count: usize) -> f64 {
    count as f64
}
