//! `sayso gateway`: in front of MCP servers, so that their tools are called with a say-so.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sayso_client::Client;
use sayso_client::executor::Pinned;
use sayso_engine::Actor;
use sayso_mcp::gateway::{Config, Desks, Listen, Setup, run_stdio};
use sayso_mcp::server::{Desk, HttpDesk};
use sayso_store::StoreError;
use tokio::net::TcpListener;

use crate::cli::{Common, Gateway, Serve};
use crate::exit::Exit;
use crate::serve::{Running, block_on, until_told_to_stop};

/// Who an embedded server's gateway is.
const AGENT: &str = "gateway";

pub(crate) fn run(common: &Common, gateway: &Gateway) -> anyhow::Result<Exit> {
    let file = &gateway.config;
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("can't read the servers from {}", file.display()))?;
    let config = Config::parse(&text, |name| std::env::var(name).ok())
        .with_context(|| format!("{}", file.display()))?;
    let definitions = Some(gateway.seen.clone().unwrap_or_else(|| beside(file)));
    let (grace, doorbell) = (Duration::from(gateway.grace), !gateway.no_doorbell);
    let pinned = gateway.pin.as_deref().map(Pinned::open).transpose()?;
    let setup = Setup { config, grace, definitions, doorbell, pinned };
    // One thread: what a call costs is waking others.
    block_on(async {
        let Asking { desk, url, embedded } = Asking::begin(common, gateway.listen).await?;
        match gateway.listen {
            None => run_stdio(setup, desk.context("no agent's key is given")?).await?,
            Some(address) => {
                let desks = Arc::new(AtServer { url });
                let hosts = gateway.allow_host.clone();
                let listen = Listen { setup, desks, own: desk, hosts };
                serve(common, listen, address).await?;
            }
        }
        if let Some(server) = embedded {
            server.stop().await?;
        }
        Ok(Exit::Done)
    })
}

/// Listens until told to stop.
async fn serve(common: &Common, listen: Listen, address: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("can't listen at {address}"))?;
    let address = listener.local_addr()?;
    anyhow::ensure!(
        address.ip().is_loopback() || listen.own.is_none(),
        "clients from elsewhere must come with an agent's own key: without SAYSO_TOKEN (or --data), \
         --listen may be at other addresses than loopback"
    );
    let url = format!("http://{address}/mcp");
    if common.json {
        println!("{}", serde_json::json!({"url": url}));
    } else {
        println!("Listening for MCP clients at {url}");
    }
    let stop = async {
        if let Err(error) = until_told_to_stop().await {
            eprintln!("sayso gateway: {error}");
        }
    };
    sayso_mcp::gateway::listen(listen, listener, stop).await?;
    Ok(())
}

/// Gives each agent the desk that its key opens, all at one server.
struct AtServer {
    url: String,
}

impl Desks for AtServer {
    fn desk(&self, key: &str) -> Arc<dyn Desk> {
        Arc::new(HttpDesk::new(Client::new(&self.url, key)))
    }
}

/// The file with what people have seen of the tools: that of the servers, with `.seen.json`.
fn beside(config: &Path) -> PathBuf {
    let mut name = config.as_os_str().to_owned();
    name.push(".seen.json");
    name.into()
}

/// Says how to ask the server that runs on the data already.
fn in_use(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(StoreError::InUse(_)) => error.context(
            "can't run a server of its own. To ask the one that runs there, set SAYSO_TOKEN to an \
             agent's key (`sayso agent add NAME`)",
        ),
        _ => error,
    }
}

/// Where say-so is asked for: at the server that the agent's key is for, or, without one, at a
/// server of our own on the data folder.
struct Asking {
    /// The gateway's own agent's.
    desk: Option<Arc<dyn Desk>>,
    url: String,
    embedded: Option<Running>,
}

impl Asking {
    async fn begin(common: &Common, listens: Option<SocketAddr>) -> anyhow::Result<Self> {
        if common.token.is_some() {
            let client = common.client()?;
            let url = client.url().to_owned();
            return Ok(Self { desk: Some(Arc::new(HttpDesk::new(client))), url, embedded: None });
        }
        if common.data.is_none() {
            if listens.is_some() {
                // Each client comes with a key of its own.
                return Ok(Self { desk: None, url: common.server_url(), embedded: None });
            }
            // The error says what is needed.
            common.client()?;
        }
        let server = Self::embedded(common).await?;
        let authority = server.engine.authority();
        let (actor, now) = (Actor::Operator, server.engine.now());
        let agent = authority.add_or_renew_agent(actor, AGENT.parse()?, None, None, now).await?;
        let client = Client::new(&server.url, &agent.key.reveal());
        let url = server.url.clone();
        Ok(Self { desk: Some(Arc::new(HttpDesk::new(client))), url, embedded: Some(server) })
    }

    async fn embedded(common: &Common) -> anyhow::Result<Running> {
        let usual = crate::cli::USUAL_ADDRESS.parse()?;
        let server = match Running::start(common, &Serve::at(usual)).await {
            Ok(server) => server,
            // Another one may be at the usual place.
            Err(_) => {
                let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                Running::start(common, &Serve::at(anywhere)).await.map_err(in_use)?
            }
        };
        // Standard output belongs to the protocol.
        eprintln!("sayso gateway: the inbox is at {}/inbox", server.url);
        if let Some((name, link)) = &server.first {
            eprintln!("sayso gateway: log in as {name}, once: {link}");
        }
        Ok(server)
    }
}
