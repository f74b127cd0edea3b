//! How long people took so far, as a server's ledger tells it.

use jiff::Timestamp;
use sayso_client::wire::Escalation;
use sayso_client::{Client, ClientError};
use sayso_core::Period;
use sayso_policy::{Pace, Took};

use crate::cli::Common;

/// The most pages that are looked through, of 200 each.
const PAGES: usize = 5;

/// How long people took over what waited for them, if there is a server and a credential to ask it
/// with.
pub(super) fn of_the_past(common: &Common) -> Pace {
    let Some(token) = &common.token else { return Pace::default() };
    match past(&Client::new(&common.server_url(), token)) {
        Ok(past) => Pace::Past(past),
        Err(error) => {
            eprintln!("sayso: how long people take is not known from the server: {error}");
            Pace::default()
        }
    }
}

/// The hard ones only: in a window, whoever takes longer than it says nothing at all.
fn past(client: &Client) -> Result<Vec<Took>, ClientError> {
    let mut past = Vec::new();
    let mut query = "state=settled&tier=hard&limit=200".to_owned();
    for _ in 0..PAGES {
        let page = client.list(&query)?;
        past.extend(page.items.iter().filter_map(took));
        let Some(next) = page.next else { break };
        query = format!("state=settled&tier=hard&limit=200&cursor={next}");
    }
    Ok(past)
}

fn took(escalation: &Escalation) -> Option<Took> {
    let asked: Timestamp = escalation.created_at.parse().ok()?;
    let said: Timestamp = escalation.decisions.first()?.at.parse().ok()?;
    let tool = escalation.action.as_ref()?.tool.clone();
    Some(Took { tool, period: Period::between(asked, said) })
}
