//! `sayso`: one binary for servers, people and agents.

mod agents;
mod ask;
mod callback;
mod cli;
mod connect;
mod credentials;
mod decide;
mod demo;
mod doctor;
mod exit;
mod gateway;
mod halt;
mod hook;
mod inbox;
mod init;
mod keys;
mod ledger;
mod mcp;
mod oidc;
mod output;
mod people;
mod policy;
mod run;
mod serve;
mod sign;
mod text;
mod witness;

use clap::Parser;

/// A server allocates in every request and frees on another thread; the system's allocator takes an
/// eighth of its time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let cli = cli::Cli::parse();
    match cli.run() {
        Ok(exit) => exit.into(),
        Err(error) => {
            anstream::eprintln!("{}", output::problem(&error));
            exit::Exit::Failed.into()
        }
    }
}
