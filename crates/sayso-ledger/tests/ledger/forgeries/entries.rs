//! Entries that are not what they must look like.

use sayso_core::Period;
use sayso_ledger::verify::Step;

use super::{Forged, find, only, refuted, undecidable};
use crate::story::Day;
use crate::vectors::Case;
use crate::world::log_key;

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let with = |forge: &dyn Fn(&str) -> String| {
        let mut case = Case::sealed(&only(day, day.hard));
        let at = case.entries.iter().position(|entry| entry.contains("\"approved\"")).unwrap();
        case.entries[at] = forge(&case.entries[at]);
        case.seal_with(&log_key())
    };
    let mut late = only(day, day.hard);
    let at = find(&late, day.hard, "granted");
    late[at].at = Period::from_secs(3_600).after(late[at].at);
    vec![
        refuted(
            "not-canonical",
            "An entry has a space too many: another spelling, another hash.",
            Step::Entries,
            with(&|entry| entry.replacen("\":", "\": ", 1)),
        ),
        refuted(
            "duplicate-members",
            "An entry names its approver twice; readers disagree on which one counts.",
            Step::Entries,
            with(&|entry| entry.replace("\"by\":\"ana\"", "\"by\":\"bo\",\"by\":\"ana\"")),
        ),
        refuted(
            "a-member-too-many",
            "An entry says more than any version understands.",
            Step::Entries,
            with(&|entry| entry.replace("\"by\":\"ana\"", "\"by\":\"ana\",\"for\":\"cy\"")),
        ),
        refuted(
            "cut-short",
            "An entry ends in the middle.",
            Step::Entries,
            with(&|entry| entry[..entry.len() / 2].to_owned()),
        ),
        undecidable(
            "unknown-event",
            "An event that only a newer version knows.",
            Step::Entries,
            with(&|entry| entry.replace("\"type\":\"approved\"", "\"type\":\"applauded\"")),
        ),
        undecidable(
            "unknown-form",
            "An entry of a form that only a newer version writes.",
            Step::Entries,
            with(&|entry| entry.replace("\"v\":1", "\"v\":2")),
        ),
        refuted(
            "another-workspace",
            "An entry of another workspace's log was put into this one.",
            Step::Entries,
            with(&|entry| entry.replace("\"workspace\":\"default\"", "\"workspace\":\"staging\"")),
        ),
        undecidable(
            "time-goes-back",
            "An entry is dated an hour after those that follow it.",
            Step::Entries,
            Case::sealed(&late),
        ),
    ]
}
