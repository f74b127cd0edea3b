//! Heads that were signed by somebody else, or by too few.

use sayso_ledger::note::Algorithm;
use sayso_ledger::verify::Step;
use sayso_ledger::{Checkpoint, SigningKey};

use super::{Forged, only, refuted};
use crate::story::Day;
use crate::vectors::{Case, Other};
use crate::world::{head, log_key};

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let honest = Case::sealed(&only(day, day.hard));
    let other_key = SigningKey::of_log(&[8; 32]);
    let mut forged_key = honest.clone();
    let text = honest.checkpoint().to_string();
    let line = other_key.sign(&text, 0);
    let line = line.replace(other_key.public().name(), log_key().public().name());
    forged_key.head = format!("{text}\n{line}");
    let witness = SigningKey::new("wanda", &[9; 32], Algorithm::Cosignature).unwrap();
    let mut unwitnessed = honest.clone();
    unwitnessed.trust += &format!("witness wanda {}\nquorum wanda\n", witness.public());
    let mut cosigned_other = unwitnessed.clone();
    let other = Checkpoint { size: 1, ..honest.checkpoint() };
    cosigned_other.head += &witness.sign(&other.to_string(), 9);
    let half: Vec<_> = honest.entries[..8].iter().map(|entry| entry.clone().into_bytes()).collect();
    let text = head(&half, &log_key()).replace("\n8\n", "\n9\n");
    let mut changed = honest.clone();
    changed.heads.push(Other { from: "heads/8".into(), text, kept: false });
    vec![
        refuted(
            "head-of-another-key",
            "The head bears the log's name and another key's signature.",
            Step::Heads,
            forged_key,
        ),
        refuted(
            "head-of-another-log",
            "The head is signed by a log that the auditor does not know.",
            Step::Heads,
            honest.seal_with(&other_key),
        ),
        refuted(
            "older-head-changed",
            "An older head's size was changed after it was signed.",
            Step::Heads,
            changed,
        ),
        refuted(
            "cosignature-missing",
            "The trust file asks for a witness who has not signed.",
            Step::Heads,
            unwitnessed,
        ),
        refuted(
            "cosignature-of-another-head",
            "The witness's signature is under another head than this one.",
            Step::Heads,
            cosigned_other,
        ),
    ]
}
