//! `sayso inbox`, `sayso show`: what waits, and what it is.

use std::time::Duration;

use jiff::Timestamp;
use sayso_client::ClientError;
use sayso_client::Event;
use sayso_client::wire::Escalation;

use crate::cli::Common;
use crate::connect::resolve;
use crate::exit::Exit;
use crate::output::{BOLD, DIM, full, headline, json, row, say, short, standing, styled, tier};

/// How long to wait before reconnecting a stream that broke off.
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) fn list(common: &Common) -> anyhow::Result<Exit> {
    let client = common.client()?;
    let mut items = client.list("state=pending&limit=200")?.items;
    sort(&mut items);
    if common.json {
        json(&items)?;
        return Ok(Exit::Done);
    }
    if items.is_empty() {
        say!("{}", styled(DIM, "Nothing waits for you."));
    }
    for item in &items {
        say!("{}\n", row(item));
    }
    if let Some(item) = items.first() {
        let id = short(&item.id);
        say!(
            "{}",
            styled(DIM, format_args!("sayso show {id} · sayso approve {id} · sayso deny {id}"))
        );
    }
    Ok(Exit::Done)
}

/// Hard first, then soft by how soon silence would grant it.
fn sort(items: &mut [Escalation]) {
    let key = |item: &Escalation| {
        let deadline = item.deadline.as_ref().and_then(|at| at.parse::<Timestamp>().ok());
        (item.tier != "hard", deadline.unwrap_or(Timestamp::MAX), item.created_at.clone())
    };
    items.sort_by_key(key);
}

pub(crate) fn show(common: &Common, id: &str) -> anyhow::Result<Exit> {
    let escalation = resolve(&common.client()?, id)?;
    if common.json {
        json(&escalation)?;
    } else {
        say!("{}", full(&escalation));
    }
    Ok(Exit::Done)
}

/// Follows what happens until interrupted. While it runs, a reviewer is listening.
pub(crate) fn watch(common: &Common) -> anyhow::Result<Exit> {
    let client = common.client()?;
    let me = client.me()?;
    if !common.json {
        let listening = me.roles.iter().any(|role| role == "reviewer");
        let what = if listening { "You are listening: windows pass." } else { "Following." };
        say!("{}", styled(DIM, what));
    }
    let mut last = None;
    loop {
        match client.events(last, "terminal") {
            Ok(events) => {
                for event in events {
                    match event {
                        Ok(event) => {
                            last = event.seq.or(last);
                            print(common, &event)?;
                        }
                        Err(_) => break,
                    }
                }
            }
            Err(ClientError::Unreachable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if !common.json {
            say!("{}", styled(DIM, "Not connected: silence is not counted. Trying again…"));
        }
        std::thread::sleep(PAUSE);
    }
}

fn print(common: &Common, event: &Event) -> anyhow::Result<()> {
    let Some(escalation) = &event.escalation else { return Ok(()) };
    if common.json {
        let shown = serde_json::json!({
            "seq": event.seq, "event": event.word, "escalation": escalation,
        });
        return json(&shown);
    }
    say!("{}", happened(&event.word, escalation));
    Ok(())
}

/// One line, or a few, on something that happened.
pub(crate) fn happened(word: &str, escalation: &Escalation) -> String {
    let id = styled(DIM, short(&escalation.id));
    match word {
        "open" | "proposed" if escalation.is_pending() => {
            let id = short(&escalation.id);
            let how = match (escalation.tier.as_str(), &escalation.question) {
                (_, Some(_)) => format!("sayso answer {id} ANSWER"),
                ("soft", _) => format!("sayso veto {id}"),
                _ => format!("sayso approve {id} · sayso deny {id}"),
            };
            format!("{}\n              {}", row(escalation), styled(DIM, how))
        }
        "noted" => format!("{} {id}  {}", tier("fyi"), headline(escalation)),
        // Two events of one commit: the second says it all.
        "proposed" | "approved" => String::new(),
        _ => {
            let who = escalation.decisions.last().map(|said| said.by.as_str());
            let by = match word {
                "vetoed" | "denied" | "taken" | "edited" | "answered" => who,
                _ => None,
            };
            let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
            format!("{}  {id}  {}{by} · {}", styled(BOLD, "→"), word, standing(escalation))
        }
    }
}
