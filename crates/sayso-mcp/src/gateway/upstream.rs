//! A server behind the gateway: its process, and what is asked of it.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};

use super::config::ServerConfig;
use super::frame::{Envelope, Line, Outcome, UPSTREAM_GONE, next_line, raw};

/// What the gateway's own requests are called, so that they are nobody else's.
const OURS: &str = "sayso-";

/// A server that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the MCP server {name} can't be started: {cause}")]
pub struct NotStarted {
    /// Its name in the file.
    pub name: String,
    /// Why.
    pub cause: std::io::Error,
}

/// Something a server said by itself, or to what the client asked.
pub(super) struct Said {
    /// Which server.
    pub(super) server: usize,
    /// The frame, as it came.
    pub(super) line: String,
}

/// A server behind the gateway.
pub(super) struct Upstream {
    /// Its name in the file.
    pub(super) name: String,
    input: mpsc::Sender<String>,
    waiting: Arc<Waiting>,
    next: AtomicU64,
    /// It ends with us.
    _child: Child,
}

/// Who waits for which answer.
#[derive(Default)]
struct Waiting {
    requests: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    gone: AtomicBool,
}

impl Waiting {
    fn requests(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Outcome>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody gets an answer any more.
    fn end(&self) {
        self.gone.store(true, Ordering::SeqCst);
        self.requests().clear();
    }
}

impl Upstream {
    /// Starts it. What it says without being asked by the gateway itself goes to `said`.
    pub(super) fn start(
        server: usize,
        name: &str,
        config: &ServerConfig,
        said: mpsc::Sender<Said>,
    ) -> Result<Self, NotStarted> {
        let not_started = |cause| NotStarted { name: name.to_owned(), cause };
        let mut command = Command::new(config.command.as_deref().unwrap_or_default());
        command.args(&config.args).envs(&config.env);
        // The say-so is the gateway's to ask for; a server behind it gets none of its secrets.
        command.env_remove("SAYSO_TOKEN");
        if let Some(folder) = &config.cwd {
            command.current_dir(folder);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(not_started)?;
        let closed = || not_started(std::io::Error::other("it has no input or output"));
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
                    Line::Bad(_) => {}
                    Line::Text(line) if line.trim().is_empty() => {}
                    Line::Text(line) => match take(&answers, &line) {
                        Took::Ours => {}
                        Took::Theirs => {
                            if said.send(Said { server, line }).await.is_err() {
                                break;
                            }
                        }
                    },
                }
            }
            answers.end();
        });
        let name = name.to_owned();
        Ok(Self { name, input, waiting, next: AtomicU64::new(1), _child: child })
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

    /// What is answered in its place once it has.
    pub(super) fn gone(&self) -> Outcome {
        Outcome::error(UPSTREAM_GONE, &format!("the server {} is gone", self.name))
    }

    /// Asks something of the gateway's own, and waits for the answer.
    pub(super) async fn ask(&self, method: &str, params: &RawValue) -> Outcome {
        let id = self.new_id();
        self.ask_as(&id, method, params).await
    }

    /// A new id for a request of the gateway's own.
    pub(super) fn new_id(&self) -> String {
        format!("{OURS}{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Asks under an id from [`Upstream::new_id`].
    pub(super) async fn ask_as(&self, id: &str, method: &str, params: &RawValue) -> Outcome {
        let (sender, answer) = oneshot::channel();
        self.waiting.requests().insert(id.to_owned(), sender);
        if self.waiting.gone.load(Ordering::SeqCst) {
            self.waiting.requests().remove(id);
            return self.gone();
        }
        let request = serde_json::json!({"jsonrpc": "2.0", "id": id, "method": method});
        let mut line = request.to_string();
        line.pop();
        line.push_str(",\"params\":");
        // A frame is one line, however the client wrote it.
        line.push_str(&one_line(params));
        line.push('}');
        self.send(line).await;
        answer.await.unwrap_or_else(|_| self.gone())
    }
}

/// Whether a frame was the answer to one of our own requests.
enum Took {
    Ours,
    Theirs,
}

fn take(waiting: &Waiting, line: &str) -> Took {
    let Ok(envelope) = Envelope::read(line) else { return Took::Theirs };
    if envelope.method.is_some() {
        return Took::Theirs;
    }
    let id = envelope.id.and_then(|id| serde_json::from_str::<String>(id.get()).ok());
    let Some(id) = id.filter(|id| id.starts_with(OURS)) else { return Took::Theirs };
    // An answer nobody waits for (any more) goes nowhere.
    if let Some(sender) = waiting.requests().remove(&id)
        && let Some(outcome) = Outcome::of(&envelope)
    {
        let _ = sender.send(outcome);
    }
    Took::Ours
}

/// Raw JSON without line breaks between its tokens; none can stand inside one.
fn one_line(json: &RawValue) -> std::borrow::Cow<'_, str> {
    match json.get().contains(['\n', '\r']) {
        true => json.get().replace(['\n', '\r'], " ").into(),
        false => json.get().into(),
    }
}

/// Empty params.
pub(super) fn no_params() -> Box<RawValue> {
    raw(&serde_json::json!({}))
}
