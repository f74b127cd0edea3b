//! Logs that were rewritten: in place, or sealed anew by an operator who has the log's key.

use sayso_ledger::Checkpoint;
use sayso_ledger::tree::leaf_hash;
use sayso_ledger::verify::Step;

use super::{Forged, only, refuted, undecidable};
use crate::story::Day;
use crate::vectors::Case;
use crate::world::{head, log_key};

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let rows = only(day, day.hard);
    let honest = Case::sealed(&rows);
    let mut edited = honest.clone();
    let at = edited.entries.iter().position(|entry| entry.contains("\"approved\"")).unwrap();
    edited.entries[at] = edited.entries[at].replace("\"ana\"", "\"cy\"");
    let edited_resealed = edited.clone().seal_with(&log_key());
    let mut cut = honest.clone();
    cut.entries.pop();
    let reordered = {
        let mut rows = rows.clone();
        rows.swap(1, 2);
        Case::sealed(&rows).kept(&honest.head)
    };
    let mut swapped = honest.clone().kept(&honest.head);
    let half: Vec<_> = honest.entries[..8].iter().map(|entry| entry.clone().into_bytes()).collect();
    swapped.head = head(&half, &log_key());
    let mut longer = honest.clone();
    let size = longer.checkpoint().size + 1;
    longer.head = Checkpoint { size, ..longer.checkpoint() }.sign(&log_key());
    let mut empty_proof = honest.clone();
    let root = leaf_hash(empty_proof.entries[0].as_bytes());
    empty_proof.head = Checkpoint { root, ..empty_proof.checkpoint() }.sign(&log_key());
    vec![
        refuted(
            "edited-row",
            "An approval's name was changed in place; nothing was sealed anew.",
            Step::Tree,
            edited,
        ),
        refuted(
            "edited-row-resealed",
            "An approval's name was changed and the whole log signed anew; an auditor kept the \
             honest head.",
            Step::Consistency,
            edited_resealed.clone().kept(&honest.head),
        ),
        refuted(
            "edited-row-against-a-footer",
            "As before, but the auditor has no signed head: only the three lines from a message's \
             footer.",
            Step::Consistency,
            edited_resealed.kept(&honest.checkpoint().to_string()),
        ),
        refuted(
            "deleted-tail",
            "The last entry is gone; the head still speaks of it.",
            Step::Tree,
            cut.clone(),
        ),
        refuted(
            "deleted-tail-resealed",
            "The last entry is gone and the shorter log was signed anew; an auditor kept the \
             longer one's head.",
            Step::Consistency,
            cut.seal_with(&log_key()).kept(&honest.head),
        ),
        refuted(
            "reordered-rows-resealed",
            "Two entries changed places and the log was signed anew; an auditor kept the honest \
             head.",
            Step::Consistency,
            reordered,
        ),
        undecidable(
            "swapped-heads",
            "An older head is given out as the newest: the entries after it are under no head.",
            Step::Tree,
            swapped,
        ),
        refuted(
            "tree-size-lies",
            "The head says one entry more than its root is over.",
            Step::Tree,
            longer,
        ),
        refuted(
            "forged-empty-proof",
            "The head's root is its first leaf, so that an empty inclusion proof would seem to \
             hold.",
            Step::Tree,
            empty_proof,
        ),
    ]
}
