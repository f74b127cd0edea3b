//! The JSON API of DESIGN's contract, v1. Bearer credentials only, so that no page of another
//! site can call it; the inbox has its own doors.

mod agents;
mod body;
pub(crate) mod caller;
pub(crate) mod decisions;
pub(crate) mod escalations;
mod events;
pub(crate) mod halts;
mod invitations;
mod keys;
mod ledger;
mod log;
pub mod openapi;
mod people;
mod permits;
mod policy;
pub mod problem;
mod rate;
mod service;
pub(crate) mod terms;
pub(crate) mod tokens;
pub(crate) mod view;

use axum::Router;
use axum::routing::{delete, get, post, put};

pub use keys::view as key;
pub use rate::RateLimit;

use crate::Web;

/// The API's routes.
pub fn router(web: Web) -> Router {
    Router::new()
        .route("/v1/escalations", get(escalations::list).post(escalations::propose))
        .route("/v1/escalations/batch", post(escalations::propose_all))
        .route("/v1/escalations/{id}", get(escalations::read))
        .route("/v1/escalations/{id}/withdraw", post(escalations::withdraw))
        .route("/v1/escalations/{id}/decisions", post(decisions::decide))
        .route("/v1/escalations/{id}/statements", post(decisions::statement))
        .route("/v1/escalations/{id}/texts", delete(ledger::erase))
        .route("/v1/permits/redeem", post(permits::redeem))
        .route("/v1/permits/{id}/receipt", post(permits::receipt))
        .route("/v1/events", get(events::events))
        .route("/v1/halts", get(halts::list).post(halts::call))
        .route("/v1/halts/{id}", delete(halts::lift))
        .route("/v1/ledger/entries", get(ledger::entries))
        .route("/v1/ledger/key", get(log::key))
        .route("/v1/ledger/checkpoint", get(log::checkpoint))
        .route("/v1/ledger/checkpoint/cosigned", get(log::cosigned))
        .route("/v1/ledger/tile/{*path}", get(log::tile))
        .route("/v1/ledger/bodies", get(log::bodies))
        .route("/v1/ledger/proof/inclusion", get(log::inclusion))
        .route("/v1/ledger/proof/consistency", get(log::consistency))
        .route("/v1/policy", get(policy::policy).put(policy::put))
        .route("/v1/me", get(service::me))
        .route("/v1/people", get(people::list).post(people::add))
        .route("/v1/people/{name}", get(people::read).put(people::set).delete(people::remove))
        .route("/v1/people/{name}/cover", put(people::cover))
        .route("/v1/people/{name}/cover/{stand_in}", delete(people::uncover))
        .route("/v1/invitations", get(invitations::list).post(invitations::invite))
        .route("/v1/invitations/{id}", delete(invitations::end))
        .route("/v1/agents", get(agents::list).post(agents::add))
        .route("/v1/agents/{name}", get(agents::read).put(agents::set).delete(agents::revoke))
        .route("/v1/agents/{name}/confirmation", put(agents::confirm))
        .route("/v1/agents/{name}/keys", post(agents::rotate))
        .route("/v1/keys", get(keys::list).post(keys::offer))
        .route("/v1/keys/{id}", delete(keys::revoke))
        .route("/v1/keys/{id}/statements", post(keys::statement))
        .route("/v1/keys/{id}/countersignatures", post(keys::countersign))
        .route("/v1/tokens", get(tokens::tokens).post(tokens::issue))
        .route("/v1/tokens/{id}", delete(tokens::revoke))
        .route("/v1/sessions", get(tokens::sessions))
        .route("/v1/sessions/{id}", delete(tokens::close))
        .route("/problems/{slug}", get(problem::page))
        .route("/healthz", get(service::health))
        .route("/readyz", get(service::ready))
        .route("/metrics", get(service::metrics))
        .route("/.well-known/jwks.json", get(service::jwks))
        .route("/openapi.json", get(openapi::page))
        .method_not_allowed_fallback(service::wrong_method)
        .fallback(service::nowhere)
        .with_state(web)
}
