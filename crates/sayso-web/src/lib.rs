//! HTTP in front of the engine: the JSON API ([`api`]) and the inbox ([`inbox`]). It translates
//! between requests and the engine's calls, and decides nothing.

pub mod api;
pub mod inbox;
mod listener;
pub mod reason;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use sayso_engine::Engine;
use tokio::net::TcpListener;

/// What every handler works with.
#[derive(Clone)]
pub struct Web {
    /// Runs the commands.
    pub engine: Engine,
    /// Where people and agents reach this server, without a slash at the end. Cookies are marked
    /// `Secure` if it begins with `https://`, and forms are taken from this origin only.
    pub public_url: Arc<str>,
    /// How fast one credential may call.
    pub rate: api::RateLimit,
}

/// The whole site.
pub fn router(web: Web) -> Router {
    api::router(web.clone()).merge(inbox::router(web))
}

/// Serves the site on `listener` until `stop` resolves; streams end, requests at hand finish.
pub async fn serve(
    listener: TcpListener,
    web: Web,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener::Patient(listener), router(web)).with_graceful_shutdown(stop).await
}
