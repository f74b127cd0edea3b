//! Measures what Sayso promises, against a release build of the real binary, with durable commits,
//! the client on the same machine. `bench/README.md` says how to run it and what it showed.

mod halt;
mod http;
mod kill;
mod ledger;
mod load;
mod report;
mod server;
mod weight;
mod windows;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::report::Report;
use crate::server::{Backing, Setup};

/// Everything is asked for, nothing limited: what is measured is the engine, not the policy.
const POLICY: &str = r#"
default_tier = "hard"
[[rule]]
tool = "note"
tier = "fyi"
[[rule]]
tool = "merge"
tier = "soft"
window = "1s"
silent_limit = "none"
[[rule]]
tool = "drop"
tier = "hard"
"#;

#[derive(Debug, Parser)]
#[command(about = "Measures what Sayso promises")]
struct Arguments {
    /// What to measure; everything but `kill`, `halt` and `ledger`, if nothing is named.
    #[arg(value_enum)]
    what: Vec<What>,
    /// The binary to measure.
    #[arg(long, default_value = "target/release/sayso")]
    binary: PathBuf,
    /// On PostgreSQL instead of SQLite.
    #[arg(long)]
    postgres: bool,
    /// Seconds for each load.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Rounds of `kill` and `halt`.
    #[arg(long, default_value_t = 20)]
    rounds: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Cold start, idle memory, size of the binary.
    Start,
    /// fyi events, each acknowledged on disk.
    Fyi,
    /// Hard round trips: propose, wait, decide, wake.
    Hard,
    /// Soft windows that end within the same second.
    Windows,
    /// 100,000 pending escalations: memory, and restart to ready.
    Pending,
    /// kill -9 under load, again and again.
    Kill,
    /// From a halt to the last redeem that any server accepts.
    Halt,
    /// Inclusion proofs at 1,000,000 entries.
    Ledger,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> std::io::Result<()> {
    let usual = [What::Start, What::Fyi, What::Hard, What::Windows, What::Pending];
    let what = if arguments.what.is_empty() { &usual[..] } else { &arguments.what };
    let mut report = Report::default();
    for what in what {
        let backing = match arguments.postgres {
            true => Backing::Postgres(sayso_testkit::postgres::database().await),
            false => Backing::Sqlite,
        };
        let setup = Setup::new(&arguments.binary, backing, POLICY)?;
        match what {
            What::Start => weight::start(&setup, &mut report)?,
            What::Fyi => load::fyi(&setup, arguments.seconds, &mut report).await?,
            What::Hard => load::hard(&setup, arguments.seconds, &mut report).await?,
            What::Windows => windows::measure(&setup, &mut report).await?,
            What::Pending => weight::pending(&setup, &mut report).await?,
            What::Halt => halt::measure(&setup, arguments.rounds, &mut report).await?,
            What::Ledger => ledger::measure(&setup, &mut report).await?,
            What::Kill => kill::measure(&setup, arguments.rounds, &mut report).await?,
        }
    }
    report.finish()
}
