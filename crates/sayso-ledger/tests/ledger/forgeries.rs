//! What forgers do to an honest day, one thing each.

mod anew;
mod authority;
mod enrolments;
mod entries;
mod grants;
mod heads;
mod histories;
mod lapsed;
mod permits;
mod policies;
mod restored;
mod signatures;
mod texts;
mod trees;

use sayso_core::EscalationId;
use sayso_ledger::verify::{Body, Step, Verdict};
use serde_json::Value;

use crate::story::{Day, day};
use crate::vectors::Case;
use crate::world::Row;

/// One forged history, and what must tell it.
pub(crate) struct Forged {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) step: Step,
    pub(crate) verdict: Verdict,
    pub(crate) case: Case,
}

fn refuted(name: &'static str, about: &'static str, step: Step, case: Case) -> Forged {
    Forged { name, about, step, verdict: Verdict::Refuted, case }
}

fn undecidable(name: &'static str, about: &'static str, step: Step, case: Case) -> Forged {
    Forged { name, about, step, verdict: Verdict::Undecidable, case }
}

/// All of them.
pub(crate) fn all() -> Vec<Forged> {
    let day = day();
    let makers = [
        trees::forged,
        heads::forged,
        restored::forged,
        entries::forged,
        histories::forged,
        anew::forged,
        texts::forged,
        policies::forged,
        permits::forged,
        grants::forged,
        lapsed::forged,
        authority::forged,
        signatures::forged,
        enrolments::forged,
    ];
    makers.iter().flat_map(|maker| maker(&day)).collect()
}

/// The workspace's rows and those of one escalation.
fn only(day: &Day, id: EscalationId) -> Vec<Row> {
    let is_wanted = |row: &&Row| row.of.is_none_or(|(of, _)| of == id);
    day.rows.iter().filter(is_wanted).cloned().collect()
}

fn find(rows: &[Row], id: EscalationId, word: &str) -> usize {
    let is_it = |row: &Row| row.of.is_some_and(|(of, _)| of == id) && row.word() == word;
    rows.iter().position(is_it).unwrap()
}

/// Gives the events of an escalation the versions of the order in which they stand.
fn renumber(rows: &mut [Row], id: EscalationId) {
    let of_it = rows.iter_mut().filter_map(|row| row.of.as_mut()).filter(|(of, _)| *of == id);
    for ((_, version), counted) in of_it.zip(1..) {
        *version = counted;
    }
}

/// The rows of one escalation, changed, numbered and sealed anew.
fn resealed(day: &Day, id: EscalationId, forge: impl FnOnce(&mut Vec<Row>)) -> Case {
    let mut rows = only(day, id);
    forge(&mut rows);
    renumber(&mut rows, id);
    Case::sealed(&rows)
}

/// The same, with one event changed.
fn changed(day: &Day, id: EscalationId, word: &str, forge: impl FnOnce(&mut Value)) -> Case {
    resealed(day, id, |rows| {
        let at = find(rows, id, word);
        forge(&mut rows[at].event);
    })
}

fn without(day: &Day, id: EscalationId, word: &str) -> Case {
    resealed(day, id, |rows| {
        let at = find(rows, id, word);
        rows.remove(at);
    })
}
