//! `sayso demo`: a server, a person at the terminal, and a real agent at real work.
//!
//! The agent is a process of its own that knows nothing but the server's address and its key. It
//! refactors a module in a real git repository, tells people, merges on heard silence, and deletes
//! a real directory once a person has approved.

pub(crate) mod agent;
mod check;
mod repository;
mod screen;
mod terminal;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::Context;
use sayso_client::Client;
use sayso_core::ReviewerName;
use sayso_core::credential::Role;
use sayso_engine::Actor;

use crate::cli::{Common, Demo, Serve};
use crate::exit::Exit;
use crate::output::{BOLD, DIM, GOOD, styled};
use crate::serve::{Running, runtime};
use screen::Screen;

/// The name of the agent at work.
const AGENT: &str = "refactor-bot";
/// What may be done, and with whose say-so.
const POLICY: &str = r#"default_tier = "hard"

[[rule]]
tool = "tell_people"
tier = "fyi"

[[rule]]
tool   = "git_merge"
tier   = "soft"
window = "20s"

[[rule]]
tool = "delete_directory"
tier = "hard"
"#;

/// `sayso demo`.
pub(crate) fn run(demo: &Demo) -> anyhow::Result<Exit> {
    let folder = tempfile::Builder::new().prefix("sayso-demo-").tempdir()?;
    let exit = runtime()?.block_on(show(demo, folder.path()))?;
    if demo.keep {
        println!("Kept in {}", folder.keep().display());
    }
    Ok(exit)
}

async fn show(demo: &Demo, folder: &Path) -> anyhow::Result<Exit> {
    let policy = folder.join("policy.toml");
    std::fs::write(&policy, POLICY)?;
    let data = folder.join("data");
    let common =
        Common { data: Some(data.clone()), database: None, url: None, token: None, json: false };
    let anywhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let serve = Serve { policy: Some(policy), rate: 0, ..Serve::at(anywhere) };
    let running = Running::start(&common, &serve).await?;
    let reviewer = ReviewerName::new("you")?;
    let authority = running.engine.authority();
    let now = running.engine.now();
    let roles = [Role::Reviewer];
    let person = authority.add_or_renew_person(reviewer.clone(), &roles, &[], now).await?;
    let agent = authority.add_agent(Actor::Operator, AGENT.parse()?, None, None, now).await?;
    let link = running.login_link(&reviewer).await?;

    let screen = Arc::new(Screen::new());
    introduce(&screen, demo, &running.url, &link, &person.token.reveal());
    let client = Client::new(&running.url, &person.token.reveal());
    let listening = terminal::listen(&client, &screen, demo.unattended)?;

    let work = folder.join("work");
    let child = start_agent(&running.url, &agent.key.reveal(), &work)?;
    let output = Arc::clone(&screen);
    let worked = tokio::task::spawn_blocking(move || follow(child, &output)).await??;
    listening.finish();
    screen.clear_status();
    running.stop().await?;

    let found = check::all(&data, &work, &reviewer).await?;
    screen.line("");
    for line in &found.lines {
        screen.line(line);
    }
    let as_it_must_be = worked && found.complete;
    match (demo.unattended, as_it_must_be) {
        (true, true) => {
            screen.line(&styled(GOOD.bold(), "Everything is as it must be."));
            Ok(Exit::Done)
        }
        (true, false) => anyhow::bail!("something is not as it must be"),
        (false, _) if found.lawful && worked => Ok(Exit::Done),
        (false, _) => anyhow::bail!("the ledger and the world disagree"),
    }
}

fn introduce(screen: &Screen, demo: &Demo, url: &str, link: &str, token: &str) {
    let say = |line: String| screen.line(&line);
    say(format!("{} — a real agent, three tiers, your say-so", styled(BOLD, "sayso demo")));
    say(String::new());
    say(format!("  inbox     {link}"));
    if demo.unattended {
        say(format!("  {}", styled(DIM, "unattended: a scripted reviewer listens and answers")));
    } else {
        say("  here      type veto, hold, approve or deny, and Enter".into());
        say(format!("  elsewhere export SAYSO_URL={url} SAYSO_TOKEN={token}"));
        say("            sayso inbox · sayso veto ID · sayso approve ID".into());
    }
    say(String::new());
}

fn start_agent(url: &str, key: &str, work: &Path) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("can't tell which program this is")?;
    Command::new(program)
        .arg("demo-agent")
        .env("SAYSO_URL", url)
        .env("SAYSO_TOKEN", key)
        .env(agent::FOLDER, work)
        .env_remove("SAYSO_DATA")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("can't start the agent")
}

/// Shows what the agent prints, until it ends; says whether it ended well.
fn follow(mut child: Child, screen: &Screen) -> anyhow::Result<bool> {
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = crate::text::line(&line?);
            screen.line(&format!("{} {line}", styled(DIM, format_args!("{AGENT} │"))));
        }
    }
    Ok(child.wait()?.success())
}
