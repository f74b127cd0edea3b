//! HTTP as its callers meet it: a real engine on a real store, behind the real router.
#![allow(clippy::unwrap_used, reason = "tests may panic, and helpers are tests too")]

mod api;
mod bad_input;
mod browser;
mod contract;
mod doors;
mod inbox;
mod log;
mod oidc;
mod passkeys;
mod people;
mod permits;
mod signing;
mod site;
