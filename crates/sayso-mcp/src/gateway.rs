//! The gateway: in front of MCP servers, on raw frames. What it does not govern passes byte for
//! byte; a tool's call is made by the gateway itself, once, with the arguments that were judged, and
//! only after the say-so that the policy asks for.
//!
//! It speaks to its client on standard input and output, and starts its upstreams as processes.

mod ahead;
mod call;
mod client;
mod config;
mod frame;
mod held;
mod listing;
mod merge;
mod survey;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncWrite, BufReader};

use crate::server::Desk;

pub use ahead::Rules;
pub use config::{BadConfig, Config};
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
}

/// Runs the gateway on standard input and output until its client goes.
pub async fn run_stdio(setup: Setup) -> Result<(), NotStarted> {
    // Pipes are read without a thread in between, which is half of what a call would cost.
    let (input, output) = rmcp::transport::io::stdio_pipes();
    run(setup, BufReader::new(input), output).await
}

/// Runs the gateway until its client goes.
pub async fn run(
    setup: Setup,
    input: impl AsyncBufRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) -> Result<(), NotStarted> {
    client::Session::start(setup, output)?.serve(input).await;
    Ok(())
}
