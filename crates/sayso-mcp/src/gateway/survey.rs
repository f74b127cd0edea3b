//! Looks at what servers offer, without a client.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::config::Config;
use super::frame::{Outcome, raw};
use super::listing::pages;
use super::upstream::{NotStarted, Upstream};

/// How long all servers together may take.
const PATIENCE: Duration = Duration::from_mins(1);
const REVISION: &str = "2025-11-25";

/// Why the tools are not known.
#[derive(Debug, thiserror::Error)]
pub enum NoSurvey {
    /// A server did not start.
    #[error(transparent)]
    NotStarted(#[from] NotStarted),
    /// One does not say what it offers.
    #[error("the MCP server {server} does not list its tools: {said}")]
    Refused {
        /// Which.
        server: String,
        /// What it said instead.
        said: String,
    },
    /// They take too long.
    #[error("the MCP servers did not list their tools within {} s", PATIENCE.as_secs())]
    TooSlow,
}

/// Starts each server, has it list its tools, and ends it. Each tool comes with the `server` that
/// has it.
pub async fn survey(config: &Config) -> Result<Vec<Value>, NoSurvey> {
    tokio::time::timeout(PATIENCE, look(config)).await.unwrap_or(Err(NoSurvey::TooSlow))
}

async fn look(config: &Config) -> Result<Vec<Value>, NoSurvey> {
    let (said, mut heard) = mpsc::channel(64);
    let mut all = Vec::new();
    // What they say besides is nobody's business here.
    tokio::spawn(async move { while heard.recv().await.is_some() {} });
    for (index, (name, server)) in config.servers.iter().enumerate() {
        let upstream = Upstream::start(index, name, server, said.clone())?;
        let refused = |outcome: &Outcome| NoSurvey::Refused {
            server: name.clone(),
            said: match outcome {
                Outcome::Error(error) => error.get().chars().take(300).collect(),
                Outcome::Result(_) => "something that is no list".into(),
            },
        };
        let hello = json!({
            "protocolVersion": REVISION, "capabilities": {},
            "clientInfo": {"name": "sayso", "version": env!("CARGO_PKG_VERSION")},
        });
        let opened = upstream.ask("initialize", &raw(&hello)).await;
        if opened.value().is_none() {
            return Err(refused(&opened));
        }
        let opened = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        upstream.send(opened.to_string()).await;
        let (tools, _) = pages(&upstream, None).await.map_err(|outcome| refused(&outcome))?;
        all.extend(tools.into_iter().map(|mut tool| {
            if let Some(tool) = tool.as_object_mut() {
                tool.insert("server".into(), name.clone().into());
            }
            tool
        }));
    }
    Ok(all)
}
