//! HTTP in front of the engine: the JSON API ([`api`]), the inbox ([`inbox`]) and the tools for
//! models ([`mcp`]). It translates
//! between requests and the engine's calls, and decides nothing.

pub mod api;
mod feed;
mod guard;
pub mod inbox;
mod listener;
pub mod mcp;
pub mod reason;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use sayso_engine::Engine;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What every handler works with: a handle, since each request clones it.
#[derive(Clone)]
pub struct Web(Arc<Wiring>);

impl Web {
    /// The site over that.
    pub fn new(wiring: Wiring) -> Self {
        Self(Arc::new(wiring))
    }
}

impl std::ops::Deref for Web {
    type Target = Wiring;

    fn deref(&self) -> &Wiring {
        &self.0
    }
}

/// What the site is wired to.
#[derive(Clone)]
pub struct Wiring {
    /// Runs the commands.
    pub engine: Engine,
    /// Where people and agents reach this server, without a slash at the end. Cookies are marked
    /// `Secure` if it begins with `https://`, and forms are taken from this origin only.
    pub public_url: Arc<str>,
    /// How fast one credential may call.
    pub rate: api::RateLimit,
    /// Where people may log in besides, if anywhere.
    pub sign_on: Option<inbox::SignOn>,
    /// Turns true when the server stops: streams end then, and requests at hand finish.
    pub stop: watch::Receiver<bool>,
}

/// The whole site.
pub fn router(web: Web) -> Router {
    let site = api::router(web.clone()).merge(mcp::router(&web)).merge(inbox::router(web));
    site.layer(middleware::from_fn(guard::guarded))
}

/// Serves the site on `listener` until `web.stop` turns true.
pub async fn serve(listener: TcpListener, web: Web) -> std::io::Result<()> {
    let mut stop = web.stop.clone();
    let stopped = async move {
        // An error means that nobody can stop us any more.
        if stop.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    axum::serve(listener::Patient(listener), router(web)).with_graceful_shutdown(stopped).await
}
