//! Collects what is wrong, and where.

use std::ops::Range;

use crate::error::{PolicyError, Problem};

/// The most characters that all globs may hold together, with their braces multiplied out.
const ROOM: usize = 1 << 20;
/// The most bytes that the automata of all regular expressions may take together.
const REGEX_ROOM: usize = 16 << 20;

/// The problems found so far in one text.
pub(super) struct Report<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
    problems: Vec<Problem>,
    room: usize,
    regex_room: usize,
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(index, _)| index + 1);
        let line_starts = std::iter::once(0).chain(breaks).collect();
        Self { text, line_starts, problems: Vec::new(), room: ROOM, regex_room: REGEX_ROOM }
    }

    /// The line of an offset, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// What stands at these offsets.
    pub(super) fn written(&self, span: Range<usize>) -> &'t str {
        self.text.get(span).unwrap_or_default()
    }

    /// Notes a problem at a byte offset of the text.
    pub(super) fn add(
        &mut self,
        offset: usize,
        key: &str,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        let line = self.line(offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        self.problems.push(Problem {
            line,
            column: before.chars().count() + 1,
            key: key.to_owned(),
            message: message.into(),
            mend: mend.into(),
        });
    }

    /// Takes room for a glob of that size; false when there is none left.
    #[must_use]
    pub(super) fn take_room(&mut self, size: usize) -> bool {
        match self.room.checked_sub(size) {
            Some(left) => {
                self.room = left;
                true
            }
            None => false,
        }
    }

    /// Takes room for a regular expression's automaton; false when there is none left.
    #[must_use]
    pub(super) fn take_regex_room(&mut self, size: usize) -> bool {
        let left = self.regex_room.checked_sub(size);
        self.regex_room = left.unwrap_or(self.regex_room);
        left.is_some()
    }

    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn into_error(self) -> PolicyError {
        PolicyError::new(self.problems)
    }
}
