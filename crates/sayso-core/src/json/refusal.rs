//! Why a document was turned away, in words for whoever wrote it.
//!
//! The document may be hostile: what is repeated from it is cut short and has its invisible
//! characters spelt out.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde_path_to_error::{Path, Segment};

/// The most characters of the document's own words that are repeated at once.
const EXCERPT: usize = 40;

/// The most characters of a place that are repeated; the middle of longer ones is left out.
const PLACE: usize = 200;

/// The most characters of our own words around an excerpt, such as a list of known fields.
const PROBLEM: usize = 500;

/// A document that was refused. Paths are JSON pointers (RFC 6901), shortened where they are very
/// long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJson {
    /// More bytes than allowed.
    #[error("the JSON is larger than {limit} bytes; send less, or a reference to the rest")]
    TooLarge {
        /// The most bytes allowed.
        limit: usize,
    },
    /// Bytes that are not text.
    #[error("the JSON is not UTF-8 at byte {at}; encode it as UTF-8")]
    NotUtf8 {
        /// Where the first bad byte stands, counted from 0.
        at: usize,
    },
    /// Too many arrays and objects inside one another.
    #[error("{} is nested more than {limit} deep; flatten it, or send it as a string", Place(path))]
    TooDeep {
        /// How many may stand inside one another.
        limit: usize,
        /// The first value that is too deep.
        path: String,
    },
    /// A member given twice, of which readers would take either one.
    #[error(
        "{} is given twice: JSON readers differ in which one they take, so send the name \"{name}\" once",
        Place(path)
    )]
    DuplicateName {
        /// The member.
        path: String,
        /// Its name.
        name: String,
    },
    /// A number that no double holds as written.
    #[error(
        "the number {written} at {} would turn into {becomes}; send it as a string",
        Place(path)
    )]
    NumberChanges {
        /// Where it stands.
        path: String,
        /// The number as sent.
        written: String,
        /// What most readers would make of it, and RFC 8785 does.
        becomes: String,
    },
    /// Not JSON.
    #[error("not JSON at line {line}, column {column}: {problem}")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1 in characters.
        column: usize,
        /// What is wrong there, and what should stand there.
        problem: &'static str,
    },
    /// JSON, but not what was asked for.
    #[error("{} does not fit: {problem}", Place(path))]
    Shape {
        /// Where it does not fit.
        path: String,
        /// What is wrong, and what would fit.
        problem: String,
    },
}

impl BadJson {
    /// The JSON pointer of the culprit, where there is a single one. It is empty for the whole
    /// document.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::TooLarge { .. } | Self::NotUtf8 { .. } | Self::Syntax { .. } => None,
            Self::TooDeep { path, .. }
            | Self::DuplicateName { path, .. }
            | Self::NumberChanges { path, .. }
            | Self::Shape { path, .. } => Some(path),
        }
    }

    /// What serde found not to fit, and where.
    pub(super) fn misfit(path: &Path, problem: &serde_json::Error) -> Self {
        let mut pointer = Pointer::default();
        for segment in path {
            match segment {
                Segment::Seq { index } => pointer.item(*index),
                Segment::Map { key } | Segment::Enum { variant: key } => pointer.member(key),
                Segment::Unknown => {}
            }
        }
        Self::Shape { path: pointer.finish(), problem: calm(&problem.to_string()) }
    }
}

/// A JSON pointer in the making.
#[derive(Default)]
pub(super) struct Pointer(String);

impl Pointer {
    pub(super) fn member(&mut self, name: &str) {
        self.0.push('/');
        self.0.push_str(&excerpt(name).replace('~', "~0").replace('/', "~1"));
    }

    pub(super) fn item(&mut self, index: usize) {
        // Writing to a string can't fail.
        let _ = write!(self.0, "/{index}");
    }

    pub(super) fn finish(self) -> String {
        let length = self.0.chars().count();
        if length <= PLACE {
            return self.0;
        }
        let start = self.0.chars().take(PLACE / 2);
        start.chain(['…']).chain(self.0.chars().skip(length - PLACE / 2)).collect()
    }
}

/// A pointer as it stands in a sentence.
struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "the document" } else { self.0 })
    }
}

/// The beginning of `text`, safe to print.
pub(super) fn excerpt(text: &str) -> String {
    visible(cut(text, EXCERPT).as_ref())
}

fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// `text` with everything spelt out that would not show, or would disguise the rest.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// Serde's words with the document's part in them cut short: `unknown field <theirs>, expected
/// <ours>`.
fn calm(problem: &str) -> String {
    match problem.rfind(", expected ") {
        Some(ours) => {
            let theirs = &problem[..ours];
            let mut shown = cut(theirs, EXCERPT + "unknown variant ``".len()).into_owned();
            if shown.len() != theirs.len() {
                // The closing quote went with the rest.
                shown.extend(theirs.chars().next_back().filter(|c| matches!(c, '`' | '"')));
            }
            visible(&(shown + cut(&problem[ours..], PROBLEM).as_ref()))
        }
        None => visible(cut(problem, PROBLEM).as_ref()),
    }
}
