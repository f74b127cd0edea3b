//! People and agents who acted and could not.

use sayso_ledger::verify::Step;
use serde_json::json;

use super::{Forged, changed, find, refuted, resealed};
use crate::story::Day;

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let stranger = resealed(day, day.hard, |rows| {
        let at = find(rows, day.hard, "approved");
        rows[at].event["by"] = json!("mallory");
        let at = find(rows, day.hard, "granted");
        rows[at].event["grant"]["by"] = json!(["bo", "mallory"]);
    });
    let auditor = resealed(day, day.hard, |rows| {
        let is_ana = |name: &serde_json::Value| name == "ana";
        let added = rows.iter().position(|row| is_ana(&row.event["name"])).unwrap();
        rows[added].event["roles"] = json!(["auditor"]);
    });
    let lifted = resealed(day, day.halted, |rows| {
        let at = rows.iter().position(|row| row.word() == "halt_lifted").unwrap();
        rows[at].event["by"] = json!("builder");
    });
    vec![
        refuted(
            "approved-by-nobody",
            "An approval by somebody whom nobody ever added.",
            Step::Authority,
            stranger,
        ),
        refuted(
            "approved-by-no-reviewer",
            "An approval by an auditor, who reads everything and decides nothing.",
            Step::Authority,
            auditor,
        ),
        refuted(
            "halt-lifted-by-an-agent",
            "A halt was lifted in an agent's name; only a person lifts one.",
            Step::Authority,
            lifted,
        ),
        refuted(
            "proposed-by-no-agent",
            "A proposal of an agent that was never added.",
            Step::Authority,
            changed(day, day.silent, "proposed", |event| event["agent"] = json!("ghost")),
        ),
    ]
}
