//! One key of the text with its value, knowing where it stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::Report;
use crate::suggest::closest;

/// A key and its value.
pub(super) struct Entry<'a> {
    /// The dotted path of keys that leads here, as far as it helps to find it.
    path: String,
    name: &'a str,
    key_at: usize,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Entry<'a> {
    /// The entries of a table that stands at `path`.
    pub(super) fn of_table(path: &str, table: &'a DeTable<'a>) -> impl Iterator<Item = Self> {
        table.iter().map(move |(key, value)| {
            let name: &str = key.get_ref();
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            Self { path, name, key_at: key.span().start, value }
        })
    }

    /// The elements of a list that stands at this entry, and this entry itself if it is no list.
    pub(super) fn elements(&self) -> Vec<Entry<'a>> {
        let one =
            |value| Self { path: self.path.clone(), name: self.name, key_at: self.key_at, value };
        match self.value() {
            DeValue::Array(items) => items.iter().map(one).collect(),
            _ => vec![one(self.value)],
        }
    }

    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn value(&self) -> &'a DeValue<'a> {
        self.value.get_ref()
    }

    /// Where the value starts in the text.
    pub(super) fn value_at(&self) -> usize {
        self.value.span().start
    }

    /// Where the value stands in the text.
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// The table that stands here; anything else is noted as a problem.
    pub(super) fn table(&self, mend: &str, report: &mut Report<'_>) -> Option<&'a DeTable<'a>> {
        let table = self.value().as_table();
        if table.is_none() {
            self.wrong(report, format!("is {}, not a table", self.kind()), mend);
        }
        table
    }

    /// What kind of value it is, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self.value() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }

    /// Notes a problem with the value.
    pub(super) fn wrong(
        &self,
        report: &mut Report<'_>,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        report.add(self.value_at(), &self.path, message, mend);
    }

    /// Notes a problem with the key.
    pub(super) fn wrong_key(
        &self,
        report: &mut Report<'_>,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        report.add(self.key_at, &self.path, message, mend);
    }
}

/// Notes that a key is not one of those that `whole` may have.
pub(super) fn unknown_key(entry: &Entry<'_>, known: &[&str], whole: &str, report: &mut Report<'_>) {
    let mend = match closest(entry.name(), known) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => format!("the keys are {}", known.join(", ")),
    };
    entry.wrong_key(report, format!("is no key of {whole}"), mend);
}
