//! The real binary, as scripts and people meet it.
#![allow(clippy::unwrap_used, reason = "tests may panic, and helpers are tests too")]

mod ask;
mod callback;
mod crash;
mod demo;
mod gateway;
mod gateway_alone;
mod gateway_eras;
mod gateway_listen;
mod hook;
mod keys;
mod ledger;
mod mcp;
mod oidc;
mod people;
mod pin;
mod policy;
mod quorum;
mod readme;
mod redteam;
mod restored;
mod run;
mod serve;
mod server;
mod sign;
mod terminal;
mod upstream;
mod witness;
