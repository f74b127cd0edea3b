//! `sayso doctor`: is everything as it should be?

use anyhow::Context;
use sayso_client::Client;
use serde_json::{Value, json};

use crate::cli::Common;
use crate::exit::Exit;
use crate::hook::{self, Found};
use crate::output::{BAD, CAREFUL, GOOD, json, say, styled};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Good,
    Careful,
    Bad,
}

struct Check {
    what: String,
    state: State,
    found: String,
}

pub(crate) fn run(common: &Common) -> anyhow::Result<Exit> {
    let checks = checks(common);
    let bad = checks.iter().any(|check| check.state == State::Bad);
    if common.json {
        let checks: Vec<_> = checks
            .iter()
            .map(|check| {
                let state = match check.state {
                    State::Good => "good",
                    State::Careful => "careful",
                    State::Bad => "bad",
                };
                json!({"what": check.what, "state": state, "found": check.found})
            })
            .collect();
        json(&checks)?;
    } else {
        for Check { what, state, found } in checks {
            let mark = match state {
                State::Good => styled(GOOD.bold(), "✓"),
                State::Careful => styled(CAREFUL.bold(), "!"),
                State::Bad => styled(BAD.bold(), "✗"),
            };
            say!("{mark} {what:<12} {found}");
        }
    }
    Ok(if bad { Exit::Failed } else { Exit::Done })
}

fn checks(common: &Common) -> Vec<Check> {
    let check = |what: &str, state, found: String| Check { what: what.to_owned(), state, found };
    let mut checks = Vec::new();
    checks.push(match common.folder() {
        Ok(folder) if folder.is_dir() => {
            check("data folder", State::Good, folder.display().to_string())
        }
        Ok(folder) => {
            let found = format!("{} is not there yet; `sayso serve` makes it", folder.display());
            check("data folder", State::Careful, found)
        }
        Err(error) => check("data folder", State::Bad, error.to_string()),
    });
    let url = common.server_url();
    let client = Client::new(&url, common.token.as_deref().unwrap_or_default());
    match client.fetch::<Value>("/readyz") {
        Ok(ready) => {
            checks.push(check("server", State::Good, format!("ready at {url}")));
            checks.push(match ready["policy_problem"].as_str() {
                None => check("policy", State::Good, short_hash(&ready["policy"])),
                Some(problem) => {
                    let found =
                        format!("the file is not in order, the last good one judges: {problem}");
                    check("policy", State::Bad, found)
                }
            });
        }
        Err(error) => checks.push(check("server", State::Bad, error.to_string())),
    }
    checks.push(match common.token.as_ref().context("SAYSO_TOKEN is not set") {
        Err(error) => check("you", State::Careful, error.to_string()),
        Ok(_) => match client.me() {
            Ok(me) => check("you", State::Good, format!("{} ({})", me.name, me.roles.join(", "))),
            Err(error) => check("you", State::Bad, error.to_string()),
        },
    });
    checks.push(match listeners(&client) {
        Ok(0) => {
            let found = "nobody: no window passes until a reviewer opens the inbox, or runs \
                         `sayso inbox --watch`";
            check("listening", State::Careful, found.into())
        }
        Ok(count) => check("listening", State::Good, format!("{count} open inbox(es) or streams")),
        Err(error) => check("listening", State::Bad, error),
    });
    for Found { harness, state } in hook::installed() {
        let what = format!("hook {harness}");
        checks.push(match state {
            Ok(found) => check(&what, State::Good, found),
            Err(found) => check(&what, State::Bad, found),
        });
    }
    let level = "cooperative: `sayso ask`, `sayso run` and hooks stop an agent that plays along, not one \
                 that holds the credential itself and goes round (SECURITY.md)";
    checks.push(check("enforcement", State::Careful, level.into()));
    checks
}

fn short_hash(hash: &Value) -> String {
    hash.as_str().and_then(|hash| hash.get(..12)).unwrap_or("?").to_owned()
}

fn listeners(client: &Client) -> Result<u64, String> {
    let page = client.text("/metrics").map_err(|error| error.to_string())?;
    let line = page.lines().find_map(|line| line.strip_prefix("sayso_listeners "));
    line.and_then(|count| count.trim().parse().ok()).ok_or_else(|| "no such metric".into())
}
