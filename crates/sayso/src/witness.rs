//! Asks witnesses to cosign the ledger's heads (C2SP tlog-witness), so that nobody can be shown
//! another history than everybody else. Nothing waits for them: who does not answer is asked again
//! with a later head.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sayso_engine::{Engine, Head};
use sayso_ledger::note::Algorithm;
use sayso_ledger::{Note, VerifyingKey};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a witness may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The least time between two heads that they are asked about.
const PACE: Duration = Duration::from_secs(1);
/// How soon they are asked again when one did not cosign, even if nothing has happened since.
const AGAIN: Duration = Duration::from_secs(30);
/// The longest answer that is read.
const LONGEST: u64 = 64 * 1024;

/// A witness.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    url: String,
    key: VerifyingKey,
}

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
enum NoCosignature {
    #[error("it can't be reached: {0}")]
    Unreachable(String),
    #[error("it answered {0}: {1}")]
    Refused(u16, String),
    #[error("it has cosigned {known} entries of this log already, and there are {now}")]
    Ahead { known: u64, now: u64 },
    #[error("it knows another history of this log")]
    OtherHistory,
    #[error("what it sent is no cosignature by its key")]
    Forged,
    #[error("no proof could be made for it: {0}")]
    Proof(String),
}

impl Witness {
    /// The witnesses at these addresses, with these keys.
    pub(crate) fn all(urls: &[String], keys: &[String]) -> anyhow::Result<Vec<Self>> {
        if urls.len() != keys.len() {
            bail!("each --witness goes with a --witness-key, in the same order");
        }
        let witness = |(url, key): (&String, &String)| {
            let key: VerifyingKey = key.parse().with_context(|| format!("--witness-key {key}"))?;
            if key.algorithm() != Algorithm::Cosignature {
                bail!("--witness-key {key}: that key does not cosign; a witness's is of type 4");
            }
            Ok(Self { url: url.trim_end_matches('/').to_owned(), key })
        };
        urls.iter().zip(keys).map(witness).collect()
    }
}

/// How much of the log each witness has cosigned, as far as we know.
type Known = Arc<Mutex<BTreeMap<String, u64>>>;

/// Asks witnesses until told to stop.
pub(crate) async fn serve(
    engine: Engine,
    witnesses: Vec<Witness>,
    mut stop: watch::Receiver<bool>,
) {
    if witnesses.is_empty() {
        return;
    }
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build();
    let agent = ureq::Agent::from(agent);
    let known = Known::default();
    let mut heads = engine.heads();
    loop {
        let head = heads.borrow_and_update().clone();
        let all = match head {
            Some(head) => round(&engine, &agent, &witnesses, &known, &head).await,
            None => true,
        };
        let again = if all { Duration::MAX } else { AGAIN };
        tokio::select! {
            () = tokio::time::sleep(PACE) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        tokio::select! {
            changed = heads.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(again) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Asks all of them about one head, and keeps it with the cosignatures that came; says whether all
/// have cosigned it.
async fn round(
    engine: &Engine,
    agent: &ureq::Agent,
    witnesses: &[Witness],
    known: &Known,
    head: &Arc<Head>,
) -> bool {
    let mut asked = JoinSet::new();
    for witness in witnesses {
        let (engine, agent, witness) = (engine.clone(), agent.clone(), witness.clone());
        let (known, head) = (Arc::clone(known), Arc::clone(head));
        asked.spawn(async move {
            let answer = ask(&engine, &agent, &witness, &known, &head).await;
            (witness, answer)
        });
    }
    let (mut note, mut count) = (head.note.clone(), 0);
    while let Some(Ok((witness, answer))) = asked.join_next().await {
        match answer {
            Ok(line) => {
                note.push_str(&line);
                count += 1;
            }
            Err(error) => {
                engine.witness_failed();
                let name = witness.key.name();
                tracing::warn!(witness = name, %error, "a head of the ledger was not cosigned");
            }
        }
    }
    if count > 0
        && let Err(error) = engine.keep_cosigned(&note).await
    {
        tracing::warn!(%error, "a cosigned head was not kept");
    }
    count == witnesses.len()
}

/// The cosignature's line.
async fn ask(
    engine: &Engine,
    agent: &ureq::Agent,
    witness: &Witness,
    known: &Known,
    head: &Head,
) -> Result<String, NoCosignature> {
    let now = head.checkpoint.size;
    let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
    let mut old = lock().get(&witness.url).copied().unwrap_or(0).min(now);
    for _ in 0..2 {
        let proof = engine.prove_consistency(old, Some(now)).await;
        let proof = proof.map_err(|error| NoCosignature::Proof(error.to_string()))?;
        let mut body = format!("old {old}\n");
        for hash in &proof.hashes {
            body.push_str(&STANDARD.encode(hash.as_bytes()));
            body.push('\n');
        }
        body.push('\n');
        body.push_str(&head.note);
        let (agent, url) = (agent.clone(), format!("{}/add-checkpoint", witness.url));
        let sent = tokio::task::spawn_blocking(move || post(&agent, &url, &body)).await;
        let (status, text) = sent.map_err(|e| NoCosignature::Unreachable(e.to_string()))??;
        match status {
            200 => {
                let line = cosignature(witness, head, &text).ok_or(NoCosignature::Forged)?;
                lock().insert(witness.url.clone(), now);
                return Ok(line);
            }
            // It says how much of the log it knows.
            409 => match text.trim().parse::<u64>() {
                Ok(known) if known > now => {
                    return Err(NoCosignature::Ahead { known, now });
                }
                Ok(known) if known != old => old = known,
                Ok(_) | Err(_) => return Err(NoCosignature::Refused(status, short(&text))),
            },
            422 => return Err(NoCosignature::OtherHistory),
            _ => return Err(NoCosignature::Refused(status, short(&text))),
        }
    }
    Err(NoCosignature::Refused(409, "it says another size each time".into()))
}

fn post(agent: &ureq::Agent, url: &str, body: &str) -> Result<(u16, String), NoCosignature> {
    let unreachable = |error: ureq::Error| NoCosignature::Unreachable(error.to_string());
    let mut answer = agent.post(url).send(body).map_err(unreachable)?;
    let text = answer.body_mut().with_config().limit(LONGEST).read_to_string();
    Ok((answer.status().as_u16(), text.map_err(unreachable)?))
}

/// The line of that witness among those it sent, if it holds.
fn cosignature(witness: &Witness, head: &Head, sent: &str) -> Option<String> {
    let lines = sent.lines().filter(|line| !line.is_empty());
    lines.map(|line| format!("{line}\n")).find(|line| {
        let note: Option<Note> = format!("{}{line}", head.note).parse().ok();
        note.is_some_and(|note| witness.key.check(&note).is_ok())
    })
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
