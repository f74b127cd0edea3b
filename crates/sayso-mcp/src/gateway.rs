//! The gateway: in front of MCP servers, on raw frames. What it does not govern passes byte for
//! byte; a tool's call is made by the gateway itself, once, with the arguments that were judged, and
//! only after the say-so that the policy asks for.
//!
//! It speaks to its client on standard input and output, and starts its upstreams as processes.

mod ahead;
mod call;
mod client;
mod config;
mod definitions;
mod frame;
mod held;
mod listing;
mod merge;
mod survey;
mod upstream;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncWrite, BufReader};

use crate::server::Desk;

pub use ahead::Rules;
pub use config::{BadConfig, Config};
pub use definitions::BadDefinitions;
pub use survey::{NoSurvey, survey};
pub use upstream::NotStarted;

/// How a gateway is set up.
pub struct Setup {
    /// The servers behind it.
    pub config: Config,
    /// Where say-so is asked for.
    pub desk: Arc<dyn Desk>,
    /// How long a call waits before it answers with a handle. Below 5 s, when the first clients
    /// give up.
    pub grace: Duration,
    /// Where it is kept what tools were when people last saw them; nowhere, if none.
    pub definitions: Option<PathBuf>,
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
}

/// Runs the gateway on standard input and output until its client goes.
pub async fn run_stdio(setup: Setup) -> Result<(), NotRunning> {
    // Pipes are read without a thread in between, which is half of what a call would cost.
    let (input, output) = rmcp::transport::io::stdio_pipes();
    run(setup, BufReader::new(input), output).await
}

/// Runs the gateway until its client goes.
pub async fn run(
    setup: Setup,
    input: impl AsyncBufRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) -> Result<(), NotRunning> {
    client::Session::start(setup, output)?.serve(input).await;
    Ok(())
}
