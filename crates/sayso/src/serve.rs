//! `sayso serve`: wires store, policy, engine and site together.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use sayso_core::ReviewerName;
use sayso_core::credential::Role;
use sayso_engine::{
    Actor, AuthorityError, Engine, KeyPlace, NoPolicy, Options, PolicyFile, SystemClock,
};
use sayso_store::sqlite::Access;
use sayso_web::api::RateLimit;
use sayso_web::inbox::SignOn;
use sayso_web::{Web, Wiring};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::cli::{Common, Serve};
use crate::connect::note_url;
use crate::exit::Exit;
use crate::oidc;
use crate::output::{BOLD, CAREFUL, DIM, json, say, styled};
use crate::witness::Witness;

/// The policy's file name in the data folder.
pub(crate) const POLICY_FILE: &str = "policy.toml";
/// The signing keys' folder in the data folder.
const KEY_FOLDER: &str = "keys";
/// The ledger's newest head in the data folder.
pub(crate) const HEAD_FILE: &str = "head";
/// How often the server tries its own front door.
const PROBE: Duration = Duration::from_secs(2);
/// How long requests at hand may take once the server is told to stop.
const LAST_ORDERS: Duration = Duration::from_secs(5);

/// Where the signing keys are.
pub(crate) fn key_place(common: &Common, keys: Option<&Path>) -> anyhow::Result<KeyPlace> {
    Ok(match (keys, &common.database) {
        (Some(keys), _) => KeyPlace::Folder(keys.to_owned()),
        (None, None) => KeyPlace::Folder(common.folder()?.join(KEY_FOLDER)),
        (None, Some(_)) => KeyPlace::Store,
    })
}

/// A server that runs in this process.
pub(crate) struct Running {
    pub(crate) engine: Engine,
    pub(crate) url: String,
    /// The first person's one-time login link, if there was nobody before.
    pub(crate) first: Option<(ReviewerName, String)>,
    stop: watch::Sender<bool>,
    site: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Starts it; it is ready when this returns.
    pub(crate) async fn start(common: &Common, serve: &Serve) -> anyhow::Result<Self> {
        let folder = common.folder()?;
        let witnesses = Witness::all(&serve.witness, &serve.witness_key)?;
        let policy = policy_file(serve.policy.as_deref(), &folder.join(POLICY_FILE))?;
        // Bound first: a second server on the same address should change nothing.
        let listener = TcpListener::bind(serve.listen).await.with_context(|| {
            format!("can't listen on {}; choose another address with --listen", serve.listen)
        })?;
        let address = listener.local_addr()?;
        let url = serve.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let url = url.trim_end_matches('/').to_owned();

        // Read first, too: what is wrong with it should be seen before anything runs.
        let sign_on = oidc::sign_on(serve, &folder, &url)?;
        let store = common.store(Access::Serve).await?;
        let clock = Arc::new(SystemClock::default());
        let keys = key_place(common, serve.keys.as_deref())?;
        make_private(&folder)?;
        let options = Options {
            policy,
            clock,
            issuer: url.clone(),
            keys,
            head: Some(folder.join(HEAD_FILE)),
            accept_restored_backup: serve.accept_restored_backup,
        };
        let engine = Engine::start(store, options).await?;
        note_url(&folder, &url)?;
        let first = first_person(&engine, &url).await?;

        let (stop, stopped) = watch::channel(false);
        let rate = RateLimit::new(Some(serve.rate).filter(|rate| *rate > 0));
        let web = Web::new(Wiring {
            engine: engine.clone(),
            public_url: url.as_str().into(),
            rate,
            sign_on: sign_on.clone().map(SignOn::new),
            stop: stopped.clone(),
        });
        let site = tokio::spawn(sayso_web::serve(listener, web));
        tokio::spawn(crate::callback::serve(engine.clone(), stopped.clone()));
        tokio::spawn(crate::witness::serve(engine.clone(), witnesses, stopped.clone()));
        tokio::spawn(probe(engine.clone(), address, stopped));
        if let Some(provider) = sign_on {
            tokio::spawn(oidc::try_out(provider));
        }
        Ok(Self { engine, url, first, stop, site })
    }

    /// A new one-time login link for a person.
    pub(crate) async fn login_link(&self, person: &ReviewerName) -> anyhow::Result<String> {
        let authority = self.engine.authority();
        let link = authority.login_link(Actor::Operator, person, self.engine.now()).await?;
        Ok(login_url(&self.url, &link.reveal()))
    }

    /// Stops it: streams end, requests at hand finish.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        // Nobody listening for the news means that it has stopped already.
        let _ = self.stop.send(true);
        match tokio::time::timeout(LAST_ORDERS, self.site).await {
            Ok(ended) => Ok(ended??),
            // A request that takes longer has lost its caller by now; what it wrote is on disk.
            Err(_) => Ok(()),
        }
    }
}

/// Makes the data folder, which a store elsewhere has not made.
fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("can't make the data folder {}", folder.display()))
}

/// The address of a login link.
pub(crate) fn login_url(url: &str, token: &str) -> String {
    format!("{url}/login/{token}")
}

/// The address of an invitation.
pub(crate) fn invite_url(url: &str, token: &str) -> String {
    format!("{url}/join/{token}")
}

fn policy_file(asked: Option<&Path>, usual: &Path) -> Result<PolicyFile, NoPolicy> {
    match asked {
        Some(path) => PolicyFile::open(path),
        None => PolicyFile::open_or_built_in(usual),
    }
}

/// Lets the first person in: whoever starts the server for the first time.
async fn first_person(
    engine: &Engine,
    url: &str,
) -> anyhow::Result<Option<(ReviewerName, String)>> {
    let authority = engine.authority();
    if !authority.people().await?.is_empty() {
        return Ok(None);
    }
    let name = std::env::var("USER").ok().and_then(|user| ReviewerName::new(&user).ok());
    let name = match name {
        Some(name) => name,
        None => ReviewerName::new("owner")?,
    };
    let roles = [Role::Owner, Role::Reviewer, Role::PolicyAdmin];
    let (actor, now) = (Actor::FirstStart, engine.now());
    match authority.add_person(actor, name.clone(), &roles, &[], now).await {
        Ok(login) => Ok(Some((name, login_url(url, &login.reveal())))),
        // Another server on the same database was faster.
        Err(AuthorityError::Illegal(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Tries the server's own front door: while it does not open, a veto could not come in, and
/// silence means nothing.
async fn probe(engine: Engine, address: SocketAddr, mut stop: watch::Receiver<bool>) {
    let mut worked = true;
    loop {
        tokio::select! {
            () = tokio::time::sleep(PROBE) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let works = matches!(tokio::time::timeout(PROBE, knock(address)).await, Ok(Ok(true)));
        if works != worked {
            tracing::warn!(works, "the server's own front door");
            worked = works;
        }
        engine.veto_works(works);
    }
}

async fn knock(address: SocketAddr) -> std::io::Result<bool> {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    Ok(&head == b"HTTP/1.1 200")
}

/// A runtime for a server: as many threads as there are cores, and not more than four.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().min(4));
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}

/// `sayso serve`.
pub(crate) fn run(common: &Common, serve: &Serve) -> anyhow::Result<Exit> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(tracing::Level::INFO)
        .init();
    runtime()?.block_on(async {
        let running = Running::start(common, serve).await?;
        announce(common, serve, &running).await?;
        until_told_to_stop().await?;
        tracing::info!("stopping");
        running.stop().await
    })?;
    Ok(Exit::Done)
}

async fn announce(common: &Common, serve: &Serve, running: &Running) -> anyhow::Result<()> {
    let url = &running.url;
    let login = match &running.first {
        Some((name, link)) => Some((name.to_string(), link.clone())),
        None => match running.engine.authority().people().await?.first() {
            Some((name, _)) if std::io::stdout().is_terminal() => {
                Some((name.to_string(), running.login_link(name).await?))
            }
            _ => None,
        },
    };
    if common.json {
        let link = login.as_ref().map(|(_, link)| link);
        json(&serde_json::json!({"url": url, "inbox": format!("{url}/inbox"), "login_url": link}))?;
    } else {
        say!("{} listens on {}", styled(BOLD, "sayso"), url);
        say!("  inbox   {url}/inbox");
        if let Some((name, link)) = login {
            say!("  log in  {link}");
            say!("          {}", styled(DIM, format_args!("as {name}, once, within a day")));
        }
        if running.engine.policy().policy.text()
            == sayso_engine::PolicyFile::built_in().state().policy.text()
        {
            say!(
                "  policy  {}",
                styled(CAREFUL, "none: everything is hard; `sayso init` writes one")
            );
        }
        if !serve.listen.ip().is_loopback() && !url.starts_with("https://") {
            say!(
                "  {}",
                styled(
                    CAREFUL,
                    "anybody on the network can read along: put TLS in front, and say \
                                 so with --public-url https://…"
                )
            );
        }
    }
    Ok(std::io::stdout().flush()?)
}

pub(crate) async fn until_told_to_stop() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

/// Fails where a command needs a runtime for a moment only.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => bail!("can't start: {error}"),
    }
}
