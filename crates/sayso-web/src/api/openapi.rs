//! The contract, generated from the code: OpenAPI 3.1 at `/openapi.json`.

use axum::Json;
use sayso_client::wire;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{
    agents, decisions, escalations, events, halts, invitations, keys, ledger, log, people, permits,
    policy, service, tokens,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sayso",
        version = "1",
        description = "A human's say-so for AI agents: fyi, soft and hard approval.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        escalations::propose, escalations::propose_all, escalations::read, escalations::list, escalations::withdraw,
        decisions::decide, decisions::statement, permits::redeem, permits::receipt, events::events,
        halts::call, halts::list, halts::lift, ledger::entries, ledger::erase,
        log::key, log::checkpoint, log::cosigned, log::tile, log::bodies, log::inclusion, log::consistency,
        people::list, people::add, people::read, people::set, people::remove, people::cover, people::uncover,
        invitations::list, invitations::invite, invitations::end,
        agents::list, agents::add, agents::read, agents::set, agents::confirm, agents::rotate, agents::revoke,
        tokens::tokens, tokens::issue, tokens::revoke, tokens::sessions, tokens::close,
        keys::list, keys::offer, keys::statement, keys::countersign, keys::revoke,
        service::me, policy::policy, policy::put, service::health, service::ready, service::metrics, service::jwks,
    ),
    components(schemas(
        wire::Propose, wire::Escalation, wire::Decide, wire::Redeem, wire::Redeemed, wire::Report,
        wire::CallHalt, wire::Halt, wire::Halts, wire::Problem, wire::Page, wire::Me,
        wire::Policy,
    )),
    modifiers(&Credentials),
)]
struct Contract;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        for (name, what) in
            [("agent", "An agent's key: sayso_agent_…"), ("reviewer", "A person's token")]
        {
            let bearer =
                HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(what)).build();
            components.add_security_scheme(name, SecurityScheme::Http(bearer));
        }
    }
}

/// The OpenAPI document.
pub fn document() -> utoipa::openapi::OpenApi {
    Contract::openapi()
}

pub(super) async fn page() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
