//! Grants that nobody gave.

use sayso_core::Period;
use sayso_ledger::verify::Step;
use serde_json::json;

use super::{Forged, changed, find, only, refuted, resealed, without};
use crate::story::Day;

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let alone = resealed(day, day.hard, |rows| {
        let at = find(rows, day.hard, "approved");
        rows.remove(at);
        let at = find(rows, day.hard, "granted");
        rows[at].event["grant"]["by"] = json!(["bo"]);
    });
    let nobody = without(day, day.hard, "approved");
    let one_twice = resealed(day, day.hard, |rows| {
        let first = rows[find(rows, day.hard, "approved")].event.clone();
        let last = rows.iter().rposition(|row| row.word() == "approved").unwrap();
        rows[last].event = first;
        let at = find(rows, day.hard, "granted");
        rows[at].event["grant"]["by"] = json!(["ana", "ana"]);
    });
    let soon = resealed(day, day.silent, |rows| {
        let at = find(rows, day.silent, "delivered");
        rows[at].at = Period::from_secs(15 * 60).after(rows[at].at);
    });
    let half_heard = changed(day, day.silent, "granted", |event| {
        event["grant"]["heard"] = json!("3m");
    });
    let unheard = without(day, day.silent, "delivered");
    let silent_on_hard = {
        let silent = only(day, day.silent);
        let mut grant = silent[find(&silent, day.silent, "granted")].event.clone();
        grant["expires_at"] = json!("2026-11-24T08:40:00Z");
        resealed(day, day.hard, |rows| {
            rows.retain(|row| row.word() != "approved");
            let at = find(rows, day.hard, "granted");
            rows[at].event = grant;
        })
    };
    let shorter = changed(day, day.silent, "granted", |event| {
        event["grant"]["window"] = json!("1m");
    });
    let before_the_edit = resealed(day, day.edited, |rows| {
        let at = find(rows, day.edited, "approved");
        let approved = rows.remove(at);
        let edited = find(rows, day.edited, "edited");
        rows.insert(edited, approved);
    });
    vec![
        refuted(
            "hard-grant-without-quorum",
            "A hard grant on one approval, where two are asked; versions and names were made to fit.",
            Step::Grants,
            alone,
        ),
        refuted(
            "granted-by-who-never-approved",
            "The grant names somebody whose approval is not there.",
            Step::Grants,
            nobody,
        ),
        refuted(
            "quorum-of-one-person-twice",
            "One person fills both places of a quorum of two.",
            Step::Grants,
            one_twice,
        ),
        refuted(
            "silence-too-short",
            "It was shown a minute before silence granted it; the window is 15 minutes.",
            Step::Grants,
            soon,
        ),
        refuted(
            "silence-half-heard",
            "The grant says itself that only part of the window was heard.",
            Step::Grants,
            half_heard,
        ),
        refuted(
            "silence-unheard",
            "Silence granted what was shown to nobody.",
            Step::Grants,
            unheard,
        ),
        refuted("silence-on-hard", "Silence granted what is hard.", Step::Grants, silent_on_hard),
        refuted(
            "silence-of-a-shorter-window",
            "The grant counts another window than the one asked for.",
            Step::Grants,
            shorter,
        ),
        refuted(
            "approved-before-the-edit",
            "An approval of the action before the edit counts for the one after it.",
            Step::Grants,
            before_the_edit,
        ),
    ]
}
