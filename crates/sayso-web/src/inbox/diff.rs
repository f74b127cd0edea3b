//! Diffs as diffs: which line was added, which was taken away.

use super::text::Text;

/// What a line of a diff is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Added.
    Added,
    /// Taken away.
    Removed,
    /// Where a stretch of changes begins.
    Hunk,
    /// Which files are compared.
    Head,
    /// As it was and is.
    Same,
}

impl Kind {
    /// The class it is styled by.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Hunk => "hunk",
            Self::Head => "head",
            Self::Same => "same",
        }
    }
}

/// A line of a diff, with its sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// What it is.
    pub(crate) kind: Kind,
    /// What it says.
    pub(crate) text: Text,
}

/// Whether a text is a unified diff.
pub(crate) fn is_diff(text: &str) -> bool {
    text.lines().any(|line| hunk(line).is_some())
        && text.lines().any(|line| line.starts_with('+') || line.starts_with('-'))
}

/// The lines of a diff.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    // How many old and new lines the present hunk still has: what looks like a file's head inside
    // one is a change like any other.
    let mut left = (0_usize, 0_usize);
    let mut hunks = false;
    let line = |line: &str| {
        let kind = if let Some(sizes) = hunk(line) {
            (left, hunks) = (sizes, true);
            Kind::Hunk
        } else if left == (0, 0) && (hunks || is_head(line)) {
            Kind::Head
        } else {
            match line.as_bytes().first() {
                Some(b'+') => {
                    left.1 = left.1.saturating_sub(1);
                    Kind::Added
                }
                Some(b'-') => {
                    left.0 = left.0.saturating_sub(1);
                    Kind::Removed
                }
                Some(b'\\') => Kind::Head,
                _ => {
                    left = (left.0.saturating_sub(1), left.1.saturating_sub(1));
                    Kind::Same
                }
            }
        };
        Line { kind, text: Text::new(line) }
    };
    text.lines().map(line).collect()
}

fn is_head(line: &str) -> bool {
    ["--- ", "+++ ", "diff ", "index ", "new file", "deleted file", "rename ", "similarity "]
        .iter()
        .any(|head| line.starts_with(head))
}

/// How many old and new lines follow, if the line begins a hunk: `@@ -1,4 +1,6 @@`.
fn hunk(line: &str) -> Option<(usize, usize)> {
    let (ranges, _) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    Some((size(old)?, size(new)?))
}

fn size(range: &str) -> Option<usize> {
    match range.split_once(',') {
        Some((start, size)) => start.parse::<usize>().ok().and(size.parse().ok()),
        None => range.parse::<usize>().ok().map(|_| 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        lines(text).into_iter().map(|line| line.kind).collect()
    }

    #[test]
    fn a_diff_is_told_from_a_list() {
        assert!(is_diff("--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n"));
        assert!(!is_diff("- milk\n- bread\n+ a note"));
        assert!(!is_diff("@@ nothing @@\n+x"));
    }

    #[test]
    fn each_line_is_what_its_place_says() {
        use Kind::{Added, Head, Hunk, Removed, Same};
        let text = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@ fn\n one\n-two\n+2\n three\n\
                    diff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b";
        let first = [Head, Head, Head, Hunk, Same, Removed, Added, Same];
        let second = [Head, Head, Head, Hunk, Removed, Added];
        assert_eq!(kinds(text), [&first[..], &second[..]].concat());
    }

    #[test]
    fn a_change_can_not_pass_for_a_files_head() {
        use Kind::{Added, Hunk, Removed};
        let text = "@@ -1,1 +1,1 @@\n--- DROP TABLE users;\n+++ b";
        assert_eq!(kinds(text), [Hunk, Removed, Added]);
    }
}
