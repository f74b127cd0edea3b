//! Calls agents when something of theirs is settled: signed posts as Standard Webhooks has them
//! (<https://www.standardwebhooks.com>, version 1). At least once: a call that may have been heard is made
//! again under the same `webhook-id`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sayso_core::EscalationId;
use sayso_core::escalation::Settled;
use sayso_core::grant::Basis;
use sayso_engine::{Engine, Record};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long after each failure it is tried again; after the last it is given up.
const AGAIN: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_hours(1),
    Duration::from_hours(4),
    Duration::from_hours(12),
];
/// How long an agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is looked for calls that another server left undone.
const LOOK: Duration = Duration::from_mins(1);
/// How many calls are made at the same time.
const AT_ONCE: usize = 16;

/// The secret of a callback as it is shown and configured.
pub(crate) fn shown(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// What failed so far of one call.
struct Failed {
    tries: usize,
    next: Instant,
}

/// Makes calls until told to stop.
pub(crate) async fn serve(engine: Engine, mut stop: watch::Receiver<bool>) {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build();
    let agent = ureq::Agent::from(agent);
    let mut failed: HashMap<EscalationId, Failed> = HashMap::new();
    loop {
        if let Err(error) = round(&engine, &agent, &mut failed).await {
            tracing::warn!(%error, "can't tell which agents are to be called");
        }
        let next = failed.values().map(|failed| failed.next).min();
        let next = next.map_or(LOOK, |next| next.saturating_duration_since(Instant::now()));
        tokio::select! {
            () = engine.call_owed() => {}
            () = tokio::time::sleep(next.clamp(Duration::from_millis(50), LOOK)) => {}
            _ = stop.changed() => return,
        }
    }
}

/// Makes every call that is due.
async fn round(
    engine: &Engine,
    agent: &ureq::Agent,
    failed: &mut HashMap<EscalationId, Failed>,
) -> Result<(), sayso_engine::EngineError> {
    let owed = engine.owed_calls().await?;
    failed.retain(|id, _| owed.contains(id));
    let now = Instant::now();
    let due = owed.iter().filter(|id| failed.get(id).is_none_or(|failed| failed.next <= now));
    let (mut calls, mut done) = (JoinSet::new(), Vec::new());
    let mut ended = Vec::new();
    for id in due {
        let record = engine.get(*id).await?;
        let Some(callback) = engine.callback(record.escalation.agent()) else {
            done.push(*id);
            continue;
        };
        if calls.len() >= AT_ONCE
            && let Some(Ok(call)) = calls.join_next().await
        {
            ended.push(call);
        }
        let (agent, head) = (agent.clone(), engine.head_line());
        calls.spawn_blocking(move || {
            let body = body(&record, head.as_deref()).to_string();
            let answered = call(&agent, &callback.url, &callback.secret, &record, body);
            (record, answered)
        });
    }
    while let Some(call) = calls.join_next().await {
        ended.extend(call);
    }
    for (record, answered) in ended {
        let (id, name) = (record.escalation.id(), record.escalation.agent());
        let Err(cause) = answered else {
            done.push(id);
            continue;
        };
        let tries = failed.get(&id).map_or(0, |failed| failed.tries);
        match AGAIN.get(tries) {
            Some(wait) => {
                tracing::info!(agent = %name, escalation = %id, cause, "a callback was not heard");
                failed.insert(id, Failed { tries: tries + 1, next: Instant::now() + *wait });
            }
            None => {
                tracing::warn!(agent = %name, escalation = %id, cause, "a callback is given up");
                done.push(id);
            }
        }
    }
    if done.is_empty() { Ok(()) } else { engine.called(done).await }
}

/// One call; the error says why it was not heard.
fn call(
    agent: &ureq::Agent,
    url: &str,
    secret: &[u8],
    record: &Record,
    body: String,
) -> Result<(), String> {
    let id = format!("msg_{}_{}", record.escalation.id(), record.escalation.version());
    let at = Timestamp::now().as_second().to_string();
    let request = agent
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-signature", format!("v1,{}", signature(secret, &id, &at, &body)))
        .header("webhook-id", id)
        .header("webhook-timestamp", at);
    match request.send(body) {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("it answered {}", answer.status())),
        Err(error) => Err(error.to_string()),
    }
}

/// What is posted: enough to know what to fetch, and no secret. The ledger's head goes with it, so
/// that whoever keeps what they get can tell if the ledger is ever rewritten.
fn body(record: &Record, head: Option<&str>) -> Value {
    let escalation = &record.escalation;
    let settled = escalation.settled();
    json!({
        "type": "escalation.settled",
        "timestamp": settled.map(|settled| settled.at.to_string()),
        "checkpoint": head,
        "data": {
            "id": escalation.id(),
            "outcome": settled.map(|settled| settled.outcome.word()),
            "basis": settled.and_then(Settled::basis).map(Basis::word),
            "tier": escalation.tier(),
            "tool": record.ask.action.as_ref().map(|action| &action.tool),
            "digest": escalation.digest(),
            "agent": escalation.agent(),
            "version": escalation.version(),
        },
    })
}

/// The symmetric signature of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, base64.
fn signature(secret: &[u8], id: &str, at: &str, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn it_signs_as_the_reference_does() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
