//! The gateway: in front of MCP servers, on raw frames. What it does not govern passes byte for
//! byte; a tool's call is made by the gateway itself, once, with the arguments that were judged, and
//! only after the say-so that the policy asks for.
//!
//! It speaks to one client on standard input and output ([`run`]), or to many by streamable HTTP
//! ([`listen`]); the servers behind it are processes of its own, or elsewhere. Both live revisions
//! of the protocol are spoken on both sides.

mod agent;
mod ahead;
mod call;
mod collect;
mod config;
mod definitions;
mod doorbell;
mod eras;
mod frame;
mod headers;
mod held;
mod listen;
mod listing;
mod merge;
mod parked;
mod reply;
mod said;
mod session;
mod subscriptions;
mod survey;
mod tasks;
mod upstream;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

use crate::server::Desk;
use agent::Agent;
use definitions::Definitions;
use frame::{Line, Outcome, PARSE_ERROR, next_line};
use reply::Reply;
use sayso_client::executor::Pinned;
use session::Session;

pub use ahead::Rules;
pub use config::{BadConfig, Config};
pub use definitions::BadDefinitions;
pub use listen::{Desks, Listen, listen};
pub use survey::{NoSurvey, survey};
pub use upstream::NotStarted;

/// How long calls that are being made may take to end when their client has gone.
const LAST_CALLS: Duration = Duration::from_secs(10);

/// How a gateway is set up.
pub struct Setup {
    /// The servers behind it.
    pub config: Config,
    /// How long a call waits before it answers with a handle. Below 5 s, when the first clients
    /// give up.
    pub grace: Duration,
    /// Where it is kept what tools were when people last saw them; nowhere, if none.
    pub definitions: Option<PathBuf>,
    /// Whether clients that can show their person a page are asked to show where to decide.
    pub doorbell: bool,
    /// Whose signatures a call takes, whatever the server says; the server's word does, if none.
    pub pinned: Option<Pinned>,
}

/// What all sessions of a gateway have in common.
struct Shared {
    config: Config,
    grace: Duration,
    definitions: Definitions,
    doorbell: bool,
    pinned: Option<Pinned>,
    /// Whether calls are made when they are granted, and not only when they are asked for.
    on_grant: bool,
    http: reqwest::Client,
}

impl Shared {
    fn new(setup: Setup, on_grant: bool) -> Result<Arc<Self>, NotRunning> {
        let Setup { config, grace, definitions, doorbell, pinned } = setup;
        let definitions = Definitions::open(definitions)?;
        let http = upstream::http_client()?;
        Ok(Arc::new(Self { config, grace, definitions, doorbell, pinned, on_grant, http }))
    }
}

/// Why a gateway does not run.
#[derive(Debug, thiserror::Error)]
pub enum NotRunning {
    /// A server behind it did not start.
    #[error(transparent)]
    NotStarted(#[from] NotStarted),
    /// What is known of tools can't be read.
    #[error(transparent)]
    Definitions(#[from] BadDefinitions),
    /// No HTTP can be spoken here.
    #[error("no HTTP can be spoken here: {0}")]
    Http(#[from] reqwest::Error),
    /// Nobody can come in any more.
    #[error("the gateway can't listen: {0}")]
    Listening(#[from] std::io::Error),
}

/// Runs the gateway on standard input and output until its client goes. Say-so is asked for at the
/// desk.
pub async fn run_stdio(setup: Setup, desk: Arc<dyn Desk>) -> Result<(), NotRunning> {
    // Pipes are read without a thread in between, which is half of what a call would cost.
    let (input, output) = rmcp::transport::io::stdio_pipes();
    run(setup, desk, BufReader::new(input), output).await
}

/// Runs the gateway until its client goes.
pub async fn run(
    setup: Setup,
    desk: Arc<dyn Desk>,
    mut input: impl AsyncBufRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) -> Result<(), NotRunning> {
    // A server that is a process ends with its client, so that calls are made when asked for.
    let shared = Shared::new(setup, false)?;
    let agent = Agent::new(desk, false);
    let reply = Reply::Pipe(pipe(output));
    let session = Session::start(&shared, &agent, reply.clone(), false)?;
    loop {
        match next_line(&mut input).await {
            Line::End => break,
            Line::Bad(wrong, _) => {
                let wrong = Outcome::error(PARSE_ERROR, wrong);
                reply.tell(wrong.to_frame(RawValue::NULL)).await;
            }
            Line::Text(line) if line.trim().is_empty() => {}
            Line::Text(line) => drop(session.take(line, reply.clone()).await),
        }
    }
    // What has begun may end; what waits for people waits without us.
    let _ = tokio::time::timeout(LAST_CALLS, async {
        session.end().await;
        drop(session);
        agent.end().await;
    })
    .await;
    Ok(())
}

/// Writes frames, one a line.
fn pipe(mut output: impl AsyncWrite + Send + Unpin + 'static) -> mpsc::Sender<String> {
    let (frames, mut lines) = mpsc::channel::<String>(64);
    tokio::spawn(async move {
        while let Some(line) = lines.recv().await {
            let sent = async {
                output.write_all(line.as_bytes()).await?;
                output.write_all(b"\n").await?;
                output.flush().await
            };
            if sent.await.is_err() {
                break;
            }
        }
    });
    frames
}

/// A name that nobody guesses: 128 random bits.
fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
