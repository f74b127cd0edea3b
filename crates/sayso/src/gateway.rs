//! `sayso gateway`: in front of MCP servers, so that their tools are called with a say-so.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sayso_client::Client;
use sayso_mcp::gateway::{Config, Setup, run_stdio};
use sayso_mcp::server::{Desk, HttpDesk};

use crate::cli::{Common, Gateway, Serve};
use crate::exit::Exit;
use crate::serve::{Running, block_on};

/// Who an embedded server's gateway is.
const AGENT: &str = "gateway";

pub(crate) fn run(common: &Common, gateway: &Gateway) -> anyhow::Result<Exit> {
    let file = &gateway.config;
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("can't read the servers from {}", file.display()))?;
    let config = Config::parse(&text).with_context(|| format!("{}", file.display()))?;
    let grace = Duration::from(gateway.grace);
    // One thread: what a call costs is waking others.
    block_on(async {
        let (desk, embedded) = desk(common).await?;
        let definitions = Some(gateway.seen.clone().unwrap_or_else(|| beside(file)));
        let setup = Setup { config, desk, grace, definitions };
        run_stdio(setup).await?;
        if let Some(server) = embedded {
            server.stop().await?;
        }
        Ok(Exit::Done)
    })
}

/// The file with what people have seen of the tools: that of the servers, with `.seen.json`.
fn beside(config: &Path) -> PathBuf {
    let mut name = config.as_os_str().to_owned();
    name.push(".seen.json");
    name.into()
}

/// Where say-so is asked for: at the server that the agent's key is for, or, without one, at a
/// server of our own on the data folder.
async fn desk(common: &Common) -> anyhow::Result<(Arc<dyn Desk>, Option<Running>)> {
    if common.token.is_some() {
        return Ok((Arc::new(HttpDesk::new(common.client()?)), None));
    }
    if common.data.is_none() {
        // The error says what is needed.
        common.client()?;
    }
    let usual = crate::cli::USUAL_ADDRESS.parse()?;
    let server = match Running::start(common, &Serve::at(usual)).await {
        Ok(server) => server,
        // Another one may be at the usual place.
        Err(_) => {
            let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            Running::start(common, &Serve::at(anywhere)).await?
        }
    };
    // Standard output belongs to the protocol.
    eprintln!("sayso gateway: the inbox is at {}/inbox", server.url);
    if let Some((name, link)) = &server.first {
        eprintln!("sayso gateway: log in as {name}, once: {link}");
    }
    let authority = server.engine.authority();
    let agent = authority.add_agent(AGENT.parse()?, server.engine.now()).await?;
    let client = Client::new(&server.url, &agent.key.reveal());
    Ok((Arc::new(HttpDesk::new(client)), Some(server)))
}
