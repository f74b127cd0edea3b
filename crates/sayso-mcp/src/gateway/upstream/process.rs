//! A server that is a process of ours, spoken to on its standard input and output.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};

use super::{Ear, Lost, OURS};
use crate::gateway::config::ServerConfig;
use crate::gateway::eras;
use crate::gateway::frame::{Envelope, Line, next_line};
use crate::gateway::reply::Reply;
use crate::gateway::subscriptions::SUBSCRIPTION;

/// A running process.
pub(super) struct Process {
    input: mpsc::Sender<String>,
    waiting: Arc<Waiting>,
    /// It ends with us.
    _child: Child,
}

/// Who waits for which answer.
#[derive(Default)]
struct Waiting {
    requests: Mutex<HashMap<String, Waiter>>,
    gone: AtomicBool,
}

struct Waiter {
    answer: oneshot::Sender<Result<String, Lost>>,
    back: Reply,
    /// The client's own token for progress, where ours stands in its place.
    token: Option<Box<RawValue>>,
}

impl Waiting {
    fn requests(&self) -> MutexGuard<'_, HashMap<String, Waiter>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody gets an answer any more.
    fn end(&self) {
        self.gone.store(true, Ordering::SeqCst);
        self.requests().clear();
    }

    /// An answer can't be read: tells who waits for it, as far as its beginning says who.
    fn lose(&self, beginning: &[u8], wrong: &str) {
        let mut requests = self.requests();
        let beginning = String::from_utf8_lossy(beginning);
        let own = requests.keys().find(|id| beginning.contains(id.as_str())).cloned();
        let only = || (requests.len() == 1).then(|| requests.keys().next().cloned()).flatten();
        if let Some(waiter) = own.or_else(only).and_then(|id| requests.remove(&id)) {
            let lost = Lost::Gone(format!("it answered what can't be read: {wrong}"));
            let _ = waiter.answer.send(Err(lost));
        }
    }

    /// To which request something belongs that the server said on the way, as far as can be told.
    fn back(&self, envelope: &Envelope) -> Option<Reply> {
        let requests = self.requests();
        let own = progress_token(envelope).or_else(|| subscription(envelope));
        let own = own.and_then(|id| requests.get(&id));
        // Otherwise it says itself of no request: if there is only one, it can be no other's.
        let only = || (requests.len() == 1).then(|| requests.values().next()).flatten();
        own.or_else(only).map(|waiter| waiter.back.clone())
    }

    /// A notification of progress under the client's own token.
    fn with_own_token(&self, envelope: &Envelope) -> Option<String> {
        let requests = self.requests();
        let token = requests.get(&progress_token(envelope)?)?.token.as_ref()?;
        let mut params: Value = serde_json::from_str(envelope.params?.get()).ok()?;
        params["progressToken"] = serde_json::from_str(token.get()).ok()?;
        let frame = serde_json::json!({
            "jsonrpc": "2.0", "method": "notifications/progress", "params": params,
        });
        Some(frame.to_string())
    }
}

/// The token of a notification of progress, if it is one of ours.
fn progress_token(envelope: &Envelope) -> Option<String> {
    if envelope.method.as_deref() != Some("notifications/progress") {
        return None;
    }
    let params: Value = serde_json::from_str(envelope.params?.get()).ok()?;
    let token = params["progressToken"].as_str()?;
    token.starts_with(OURS).then(|| format!("\"{token}\""))
}

/// The subscription that a notification belongs to, if it says one.
fn subscription(envelope: &Envelope) -> Option<String> {
    let params = envelope.params.filter(|params| params.get().contains(SUBSCRIPTION))?;
    Some(eras::meta(params)?.get(SUBSCRIPTION)?.to_string())
}

/// Takes a request back if nobody waits for its answer any more.
struct Asked<'p> {
    process: &'p Process,
    id: &'p str,
    is_answered: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let is_open = self.process.waiting.requests().remove(self.id).is_some();
        if is_open && !self.is_answered {
            let cancel = super::cancelled(self.id);
            // One that takes in nothing takes in no cancellation either.
            let _ = self.process.input.try_send(cancel);
        }
    }
}

impl Process {
    /// Starts it. What it says without being asked goes to `ear`.
    pub(super) fn start(config: &ServerConfig, ear: Ear) -> std::io::Result<Self> {
        let ServerConfig::Process { command, args, env, cwd } = config else {
            return Err(std::io::Error::other("it is no process"));
        };
        let mut command = Command::new(command);
        command.args(args).envs(env);
        // The say-so is the gateway's to ask for; a server behind it gets none of its secrets.
        command.env_remove("SAYSO_TOKEN");
        if let Some(folder) = cwd {
            command.current_dir(folder);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let closed = || std::io::Error::other("it has no input or output");
        let mut stdin = child.stdin.take().ok_or_else(closed)?;
        let mut output = BufReader::new(child.stdout.take().ok_or_else(closed)?);

        let (input, mut lines) = mpsc::channel::<String>(64);
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                let sent = async {
                    stdin.write_all(line.as_bytes()).await?;
                    stdin.write_all(b"\n").await?;
                    stdin.flush().await
                };
                if sent.await.is_err() {
                    break;
                }
            }
        });
        let waiting = Arc::new(Waiting::default());
        let answers = Arc::clone(&waiting);
        tokio::spawn(async move {
            loop {
                match next_line(&mut output).await {
                    Line::End => break,
                    // What can't be read can't be passed on; the server goes on.
                    Line::Bad(wrong, beginning) => answers.lose(&beginning, wrong),
                    Line::Text(line) if line.trim().is_empty() => {}
                    Line::Text(line) => take(&answers, &ear, line).await,
                }
            }
            answers.end();
        });
        Ok(Self { input, waiting, _child: child })
    }

    /// Passes a frame on as it is.
    pub(super) async fn send(&self, line: String) {
        // One that is gone answers nobody; its requests have been ended.
        let _ = self.input.send(line).await;
    }

    /// Whether it has ended.
    pub(super) fn is_gone(&self) -> bool {
        self.waiting.gone.load(Ordering::SeqCst)
    }

    /// Sends a request whose id is one of ours, and gives the frame that answers it.
    pub(super) async fn exchange(
        &self,
        id: &str,
        line: String,
        token: Option<Box<RawValue>>,
        back: &Reply,
    ) -> Result<String, Lost> {
        let (answer, answered) = oneshot::channel();
        let waiter = Waiter { answer, back: back.clone(), token };
        self.waiting.requests().insert(id.to_owned(), waiter);
        let mut asked = Asked { process: self, id, is_answered: false };
        if self.is_gone() {
            return Err(Lost::Unreached("it has ended".into()));
        }
        self.send(line).await;
        let answer = answered.await;
        asked.is_answered = true;
        answer.unwrap_or_else(|_| Err(Lost::Gone("it has ended".into())))
    }
}

/// Takes what the server says: an answer to who waits for it, anything else to the ear.
async fn take(waiting: &Waiting, ear: &Ear, line: String) {
    let Ok(envelope) = Envelope::read(&line) else { return };
    let (None, Some(id)) = (&envelope.method, envelope.id) else {
        let back = waiting.back(&envelope);
        let line = waiting.with_own_token(&envelope).unwrap_or(line);
        return ear.hear(line, back).await;
    };
    // An answer nobody waits for (any more) goes nowhere, and so does one to what was never asked.
    let waiter = waiting.requests().remove(id.get());
    if let Some(waiter) = waiter {
        let _ = waiter.answer.send(Ok(line));
    }
}
