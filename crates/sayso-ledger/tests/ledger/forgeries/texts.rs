//! Texts that are not what was decided on.

use sayso_core::Digest;
use sayso_ledger::verify::{Step, Verdict};
use serde_json::json;

use super::{Forged, changed, find, only, refuted, resealed};
use crate::story::Day;
use crate::vectors::Case;
use crate::world::Row;

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let mut all = exchanged(day);
    all.extend(erased(day));
    all
}

fn exchanged(day: &Day) -> Vec<Forged> {
    let swap = |case: &mut Case, id: &str, other: &str| {
        let of =
            |word: &str| case.entries.iter().position(|entry| entry.contains(word)).unwrap() as u64;
        let (at, from) = (of(id), of(other));
        let text = case.bodies.iter().find(|body| body.index == from).unwrap().content.clone();
        case.bodies.iter_mut().find(|body| body.index == at).unwrap().content = text;
    };
    let mut swapped = Case::sealed(&only(day, day.edited));
    swap(&mut swapped, "\"type\":\"proposed\"", "\"type\":\"edited\"");
    let other_arguments = resealed(day, day.hard, |rows| {
        let at = find(rows, day.hard, "proposed");
        let body = rows[at].body.as_mut().unwrap();
        let text = String::from_utf8(body.content.clone()).unwrap();
        body.content = text.replace("invoices", "payments").into_bytes();
    });
    let twins = resealed(day, day.hard, |rows| {
        let at = find(rows, day.hard, "proposed");
        let body = rows[at].body.as_mut().unwrap();
        let text = String::from_utf8(body.content.clone()).unwrap();
        let twice = text.replace("\"table\":", "\"table\":\"payments\",\"table\":");
        body.content = twice.into_bytes();
    });
    let wrong_digest = changed(day, day.silent, "proposed", |event| {
        event["subject"]["digest"] = json!(Digest::of(b"another action"));
    });
    let edited = resealed(day, day.edited, |rows| {
        let at = find(rows, day.edited, "edited");
        let body = rows[at].body.as_mut().unwrap();
        let text = String::from_utf8(body.content.clone()).unwrap();
        body.content = text.replace("staging", "main").into_bytes();
    });
    let mut extra = Case::sealed(&only(day, day.hard));
    let mut body = extra.bodies[0].clone();
    body.index = 1;
    extra.bodies.insert(1, body);
    vec![
        refuted(
            "body-swapped",
            "The text of a proposal was exchanged; the entry's hash is of the old one.",
            Step::Bodies,
            swapped,
        ),
        refuted(
            "other-arguments",
            "Other arguments stand in the text, and the entry's hash was made to fit; the digest that people decided on was not.",
            Step::Bodies,
            other_arguments,
        ),
        refuted(
            "twin-members-in-a-body",
            "The text names the table twice: what people saw depends on the reader.",
            Step::Bodies,
            twins,
        ),
        refuted(
            "wrong-digest",
            "The digest is of another action than the text.",
            Step::Bodies,
            wrong_digest,
        ),
        refuted(
            "edit-swapped",
            "The edited action is another than the one that was approved.",
            Step::Bodies,
            edited,
        ),
        refuted(
            "body-of-nothing",
            "There is text for an entry that has none.",
            Step::Bodies,
            extra,
        ),
    ]
}

/// Texts that are gone: nothing is broken, but not all can be told.
fn erased(day: &Day) -> Vec<Forged> {
    let erased_by = |who: &str| {
        let mut rows = only(day, day.hard);
        let (at, index) = (rows.last().unwrap().at, find(&rows, day.hard, "proposed"));
        let event = json!({
            "type": "erased", "escalation": day.hard, "entries": [index], "by": who,
        });
        rows.push(Row { at, of: None, event, body: None });
        let mut case = Case::sealed(&rows);
        case.bodies.retain(|body| body.index != index as u64);
        case
    };
    let mut erased = Case::sealed(&only(day, day.hard));
    erased.bodies.retain(|body| !body.content.contains("invoices"));
    vec![
        refuted(
            "erased-by-no-owner",
            "Somebody who is no owner has erased a text.",
            Step::Authority,
            erased_by("bo"),
        ),
        Forged {
            name: "body-erased-by-an-owner",
            about: "An owner has erased the text of a proposal, and the ledger says so.",
            step: Step::Bodies,
            verdict: Verdict::Redacted,
            case: erased_by("ana"),
        },
        Forged {
            name: "body-erased",
            about: "The text of a proposal is gone: nothing is broken, and not all can be told.",
            step: Step::Bodies,
            verdict: Verdict::Redacted,
            case: erased,
        },
    ]
}
