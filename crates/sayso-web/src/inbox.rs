//! The inbox: pages for people, on a desk or a phone. Everything works without a script, except
//! that nothing moves by itself.
//!
//! A page shows what an agent says as text and never as markup ([`text`]), takes forms of its own
//! pages only ([`visitor`]), and leaves every decision to the engine.

mod answer;
mod assets;
mod batch;
mod board;
mod card;
mod decide;
mod diff;
mod halts;
mod history;
mod join;
mod keys;
mod live;
mod login;
mod me;
mod notice;
mod oidc;
mod page;
mod passkey;
mod people;
mod shown;
mod sign;
mod text;
mod visitor;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};

pub use oidc::{CALLBACK, SignOn};

use crate::Web;

/// What a page may do: load its own style and script, talk to its own server, nothing else.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// The inbox's routes.
pub fn router(web: Web) -> Router {
    Router::new()
        .route("/", get(async || Redirect::to("/inbox")))
        .route("/inbox", get(board::show))
        .route("/inbox/events", get(live::events))
        .route("/inbox/history", get(history::show))
        .route("/inbox/halts", get(halts::show).post(halts::call))
        .route("/inbox/halts/{id}/lift", post(halts::lift))
        .route("/inbox/people", get(people::show))
        .route("/inbox/people/invite", post(people::invite))
        .route("/inbox/people/invitations/{id}/end", post(people::end_invitation))
        .route("/inbox/people/{name}/set", post(people::set))
        .route("/inbox/people/{name}/remove", post(people::remove))
        .route("/inbox/me", get(me::show))
        .route("/inbox/me/tokens", post(me::issue))
        .route("/inbox/me/tokens/{id}/revoke", post(me::revoke))
        .route("/inbox/me/sessions/{id}/end", post(me::close))
        .route("/join/{token}", get(join::ask).post(join::join))
        .route("/inbox/assets/{name}", get(assets::asset))
        .route("/inbox/keys", get(keys::show))
        .route("/inbox/keys/passkeys", post(keys::register))
        .route("/inbox/keys/ssh", post(keys::add_ssh))
        .route("/inbox/keys/{id}/revoke", post(keys::revoke))
        .route("/inbox/keys/{id}/root", post(keys::root))
        .route("/inbox/keys/{id}/countersign", post(keys::countersign))
        .route("/inbox/sign", get(batch::show).post(batch::sign))
        .route("/inbox/sign/statements", post(batch::statements))
        .route("/inbox/{id}", get(page::show))
        .route("/inbox/{id}/statements", post(sign::statement))
        .route("/inbox/{id}/decisions", post(decide::decide))
        .route("/login", get(login::enter))
        .route("/login/passkey", post(login::by_passkey))
        .route("/login/oidc", get(oidc::begin))
        .route(CALLBACK, get(oidc::finish))
        .route("/login/{token}", get(login::ask).post(login::log_in))
        .route("/logout", post(login::log_out))
        .layer(middleware::from_fn(guarded))
        .with_state(web)
}

/// Lets a page use what is its own, and has browsers keep none.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    // Pages hold what is secret and what changes; only style and script are for keeping.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
