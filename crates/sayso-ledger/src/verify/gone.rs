//! Bodies that are not at hand, and whether the ledger says why.

use std::collections::HashMap;

use sayso_core::ReviewerName;

use super::report::{Findings, Place, Step};

/// What is missing, and what was erased.
#[derive(Debug, Default)]
pub(super) struct Gone {
    missing: Vec<u64>,
    erased: HashMap<u64, ReviewerName>,
}

impl Gone {
    /// The body of that entry is not at hand.
    pub(super) fn missing(&mut self, index: u64) {
        self.missing.push(index);
    }

    /// Somebody erased these.
    pub(super) fn erased(&mut self, entries: Vec<u64>, by: &ReviewerName) {
        self.erased.extend(entries.into_iter().map(|index| (index, by.clone())));
    }

    /// Says what came of it.
    pub(super) fn finish(self, found: &mut Findings) {
        for index in self.missing {
            let says = match self.erased.get(&index) {
                Some(by) => format!("its body was erased by {by}"),
                None => "its body is not at hand, and no erasure in the ledger says why".into(),
            };
            found.redact(Step::Bodies, Place::entry(index), says);
        }
    }
}
