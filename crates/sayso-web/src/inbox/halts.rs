//! `/inbox/halts`: the kill switch, for people.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use sayso_client::wire;
use sayso_core::HaltId;

use super::board::Top;
use super::card::When;
use super::notice::{Notice, page};
use super::text::Text;
use super::visitor::{Sent, Visitor};
use crate::Web;
use crate::api::halts::carry_out;
use crate::api::problem::Problem;

#[derive(Template)]
#[template(path = "halts.html")]
struct Halts {
    top: Top,
    halts: Vec<Halt>,
}

struct Halt {
    id: String,
    scope: Text,
    reason: Text,
    by: Text,
    when: When,
}

/// Shows the halts in force.
pub(super) async fn show(State(web): State<Web>, visitor: Visitor) -> Html<String> {
    let now = web.engine.now();
    let halts = web.engine.halts();
    let halts = halts.iter().map(|halt| Halt {
        id: halt.id.to_string(),
        scope: Text::new(&halt.scope.to_string()),
        reason: Text::new(&halt.reason),
        by: Text::new(halt.by.as_str()),
        when: When::past(halt.at, now),
    });
    page(&Halts { top: Top::of(&web, &visitor), halts: halts.collect() })
}

/// Calls one.
pub(super) async fn call(
    State(web): State<Web>,
    Sent { visitor, fields }: Sent,
) -> Result<Redirect, Notice> {
    let name = fields.text("name");
    let reason = fields.text("reason").unwrap_or_default();
    let (mut agent, mut tool, mut rule) = (None, None, None);
    match (fields.get("scope").unwrap_or_default(), &name) {
        ("everything", None) => {}
        ("agent", Some(_)) => agent = name,
        ("tool", Some(_)) => tool = name,
        ("rule", Some(_)) => rule = name,
        // Stopping everything by a slip is better avoided, and stopping one thing without saying
        // which can't be done.
        ("everything", Some(_)) => {
            let detail = "to stop everything, leave the name empty; to stop one thing, say what \
                          kind of thing it is";
            return Err(Problem::field("/scope", detail).into());
        }
        _ => return Err(Problem::field("/name", "which one? Its name is missing").into()),
    }
    let call = wire::CallHalt { agent, tool, rule, reason };
    carry_out(&web.engine, &visitor.person, call).await?;
    Ok(Redirect::to("/inbox/halts"))
}

/// Lifts one.
pub(super) async fn lift(
    State(web): State<Web>,
    Path(id): Path<HaltId>,
    Sent { visitor, .. }: Sent,
) -> Result<Redirect, Notice> {
    web.engine.lift(&visitor.person, id).await.map_err(Problem::from)?;
    Ok(Redirect::to("/inbox/halts"))
}
