//! The person at the terminal: an open stream, which is listening, and words typed below it.

use std::io::{BufRead, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use anyhow::bail;
use sayso_client::Client;
use sayso_client::wire::{Decide, Escalation};

use super::screen::Screen;
use crate::ask::countdown;
use crate::inbox::happened;
use crate::output::{BOLD, CAREFUL, DIM, headline, styled};

/// How often the countdown is redrawn.
const REDRAW: Duration = Duration::from_millis(250);
/// How long the server may take to say that it has told everything.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// A terminal that listens.
pub(crate) struct Listening {
    finished: Arc<AtomicBool>,
}

impl Listening {
    pub(crate) fn finish(&self) {
        self.finished.store(true, Ordering::Relaxed);
    }
}

/// What waits for the person, newest last.
type Waiting = Arc<Mutex<Vec<Escalation>>>;

/// Opens the stream and shows what comes; returns once the server knows that somebody listens.
pub(crate) fn listen(
    client: &Client,
    screen: &Arc<Screen>,
    unattended: bool,
) -> anyhow::Result<Listening> {
    let finished = Arc::new(AtomicBool::new(false));
    let waiting = Waiting::default();
    let events = client.events(None, "terminal")?;
    let (ready, is_ready) = mpsc::channel();
    {
        let (client, screen, waiting) = (client.clone(), Arc::clone(screen), Arc::clone(&waiting));
        std::thread::spawn(move || {
            for event in events.map_while(Result::ok) {
                let Some(escalation) = event.escalation else {
                    // Whoever waited for it has waited long enough, or has been told.
                    let _ = ready.send(());
                    continue;
                };
                keep(&waiting, &escalation);
                let line = happened(&event.word, &escalation);
                if !line.is_empty() {
                    screen.line(&line);
                }
                if unattended && event.word == "proposed" {
                    answer(&client, &screen, &escalation);
                }
            }
        });
    }
    if is_ready.recv_timeout(READY_WITHIN).is_err() {
        bail!("the event stream did not begin");
    }
    if !unattended && std::io::stdin().is_terminal() {
        let (client, screen, waiting) = (client.clone(), Arc::clone(screen), Arc::clone(&waiting));
        std::thread::spawn(move || obey(&client, &screen, &waiting));
    }
    {
        let (screen, finished) = (Arc::clone(screen), Arc::clone(&finished));
        std::thread::spawn(move || {
            while !finished.load(Ordering::Relaxed) {
                let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let status = waiting
                    .last()
                    .map(|item| format!("{} {}", styled(CAREFUL.bold(), "›"), countdown(item)));
                screen.status(&status.unwrap_or_default());
                std::thread::sleep(REDRAW);
            }
        });
    }
    Ok(Listening { finished })
}

fn keep(waiting: &Waiting, escalation: &Escalation) {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.retain(|other| other.id != escalation.id);
    if escalation.is_pending() {
        waiting.push(escalation.clone());
    }
}

/// The scripted reviewer: lets silence do its work, looks at what is hard, and approves it if it
/// is what the demo is about.
fn answer(client: &Client, screen: &Screen, escalation: &Escalation) {
    if escalation.tier != "hard" || !escalation.is_pending() {
        return;
    }
    let path = escalation.action.as_ref().and_then(|action| action.arguments.get("path"));
    let expected = path
        .and_then(|path| path.as_str())
        .is_some_and(|path| path.ends_with(super::repository::RECORDS));
    let decision = if expected { "approve" } else { "deny" };
    screen.line(&format!("{} {decision}", styled(DIM, "reviewer, scripted │")));
    let decide = Decide {
        decision: decision.into(),
        digest: Some(escalation.digest.clone()),
        comment: Some("Looked at the path: it is the one.".into()),
        ..Decide::default()
    };
    if let Err(error) = client.decide(&escalation.id, &decide) {
        screen.line(&format!("the decision was not taken: {error}"));
    }
}

/// Words typed at the terminal: each is a decision on what waits.
fn obey(client: &Client, screen: &Screen, waiting: &Waiting) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let word = line.trim();
        if word.is_empty() {
            continue;
        }
        let latest = waiting.lock().unwrap_or_else(PoisonError::into_inner).last().cloned();
        let Some(escalation) = latest else {
            screen.line(&styled(DIM, "Nothing waits for you."));
            continue;
        };
        if !matches!(word, "veto" | "hold" | "approve" | "deny" | "take") {
            let what = headline(&escalation);
            screen.line(&format!("veto, hold, approve, deny or take? It is about {what}"));
            continue;
        }
        let decide = Decide {
            decision: word.into(),
            digest: Some(escalation.digest.clone()),
            ..Decide::default()
        };
        match client.decide(&escalation.id, &decide) {
            Ok(_) => screen.line(&format!("{} {word}", styled(BOLD, "you ›"))),
            Err(error) => screen.line(&error.to_string()),
        }
    }
}
