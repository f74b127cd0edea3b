//! Looks at what servers offer, without a client.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::config::Config;
use super::eras::{self, Era, LEGACY};
use super::frame::{Outcome, raw};
use super::listing::all_pages;
use super::reply::Reply;
use super::upstream::{Caller, Ear, Hello, INITIALIZED, NotStarted, Upstream, http_client};

/// How long all servers together may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why the tools are not known.
#[derive(Debug, thiserror::Error)]
pub enum NoSurvey {
    /// A server did not start.
    #[error(transparent)]
    NotStarted(#[from] NotStarted),
    /// No HTTP can be spoken here.
    #[error("no HTTP can be spoken here: {0}")]
    Http(#[from] reqwest::Error),
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
    let mut all = Vec::new();
    let http = http_client()?;
    for (name, server) in &config.servers {
        // What it says besides is nobody's business here.
        let upstream = Upstream::start(name, server, http.clone(), Ear::deaf(), false)?;
        let refused = |outcome: &Outcome| NoSurvey::Refused {
            server: name.clone(),
            said: match outcome {
                Outcome::Error(error) => error.get().chars().take(300).collect(),
                Outcome::Result(_) => "something that is no list".into(),
            },
        };
        let hello = json!({
            "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": eras::us(),
        });
        let opened = upstream.open(Hello::Legacy(raw(&hello))).await;
        let opened = opened.map_err(|outcome| refused(&outcome))?;
        let mut params = Map::new();
        match opened.era {
            Era::Legacy => upstream.send(INITIALIZED.into()).await,
            Era::Modern => drop(params.insert("_meta".into(), eras::modern_meta(&hello).into())),
        }
        let caller = Caller::new(Reply::Nobody);
        let ask = async |params: Map<String, Value>| {
            upstream.ask(opened.era, "tools/list", &raw(&params), &caller).await
        };
        let tools = all_pages(params, ask).await;
        let (tools, _) = tools.map_err(|outcome| refused(&outcome))?;
        all.extend(tools.into_iter().map(|mut tool| {
            if let Some(tool) = tool.as_object_mut() {
                tool.insert("server".into(), name.clone().into());
            }
            tool
        }));
    }
    Ok(all)
}
