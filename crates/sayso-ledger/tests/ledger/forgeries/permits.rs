//! Permits that were used otherwise than once, in time, after the grant.

use sayso_core::Period;
use sayso_ledger::verify::Step;
use serde_json::json;

use super::{Forged, changed, find, only, refuted, resealed, without};
use crate::story::Day;
use crate::vectors::Case;
use crate::world::Row;

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let vetoed_then_started = {
        let mut rows = only(day, day.vetoed);
        let mut started = rows.last().unwrap().clone();
        started.event = json!({"type": "started", "by": "builder"});
        (started.of, started.body) = (Some((day.vetoed, 5)), None);
        rows.push(started);
        Case::sealed(&rows)
    };
    let twice = resealed(day, day.silent, |rows| {
        let at = find(rows, day.silent, "started");
        rows.insert(at + 1, rows[at].clone());
    });
    let late = resealed(day, day.silent, |rows| {
        for word in ["started", "receipted"] {
            let at = find(rows, day.silent, word);
            rows[at].at = Period::from_secs(3_600).after(rows[at].at);
        }
        rows.sort_by_key(|row| row.at);
    });
    let receipt_first = resealed(day, day.silent, |rows| {
        let at = find(rows, day.silent, "started");
        rows.swap(at, at + 1);
    });
    let under_halt = resealed(day, day.hard, |rows| {
        let at = rows.iter().position(|row| row.word() == "halt_called").unwrap();
        let halt = rows.remove(at);
        let started = find(rows, day.hard, "started");
        rows.insert(started, Row { at: rows[started].at, ..halt });
    });
    let outlived = resealed(day, day.hard, |rows| {
        let at = |rows: &[Row], word| rows.iter().position(|row| row.word() == word).unwrap();
        let called = rows.remove(at(rows, "halt_called"));
        let lifted = rows.remove(at(rows, "halt_lifted"));
        let started = find(rows, day.hard, "started");
        let then = rows[started].at;
        rows.insert(started, Row { at: then, ..called });
        rows.insert(started + 1, Row { at: then, ..lifted });
    });
    let taken_back_late = resealed(day, day.silent, |rows| {
        let mut vetoed = rows[find(rows, day.silent, "started")].clone();
        vetoed.event = json!({"type": "vetoed", "by": "cy"});
        let at = find(rows, day.silent, "receipted");
        rows.insert(at, vetoed);
    });
    vec![
        refuted(
            "veto-then-started",
            "A permit was used after a veto had taken it back.",
            Step::Permits,
            vetoed_then_started,
        ),
        refuted("started-twice", "A permit was used twice.", Step::Permits, twice),
        refuted(
            "started-after-expiry",
            "A permit was used an hour after it had expired.",
            Step::Permits,
            late,
        ),
        refuted(
            "receipt-before-start",
            "What came of it is known before it was started.",
            Step::Permits,
            receipt_first,
        ),
        refuted(
            "started-without-a-grant",
            "The grant was taken out; what it allowed was done all the same.",
            Step::Permits,
            without(day, day.silent, "granted"),
        ),
        refuted(
            "started-by-another",
            "A permit was used by an agent that it was not for.",
            Step::Permits,
            changed(day, day.silent, "started", |event| event["by"] = json!("runner")),
        ),
        refuted(
            "started-under-a-halt",
            "A permit was used while a halt was in force.",
            Step::Permits,
            under_halt,
        ),
        refuted(
            "outlived-a-halt",
            "A permit was used after a halt that was lifted, and that should have ended it.",
            Step::History,
            outlived,
        ),
        refuted(
            "vetoed-after-its-use",
            "A veto is said to have stopped what had been started.",
            Step::Permits,
            taken_back_late,
        ),
    ]
}
