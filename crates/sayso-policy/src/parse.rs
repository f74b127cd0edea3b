//! From TOML text to a policy. Goes on after a problem, so that one reading shows them all.

mod condition;
mod entry;
mod report;
mod rule;
mod terms;

use sayso_core::{Digest, Period};
use toml::de::{DeTable, DeValue};

use self::entry::{Entry, unknown_key};
use self::report::Report;
use self::rule::Names;
use crate::error::PolicyError;
use crate::policy::Policy;
use crate::rule::Rule;

/// The longest policy, in bytes.
const LONGEST: usize = 1 << 20;
/// The most rules of a policy.
const MOST_RULES: usize = 1_000;

const KEYS: &[&str] = &["default_tier", "default_window", "rule"];

pub(crate) fn parse(text: &str) -> Result<Policy, PolicyError> {
    let mut report = Report::new(text);
    if text.len() > LONGEST {
        let message =
            format!("a policy may have at most {LONGEST} bytes; this one has {}", text.len());
        report.add(0, "", message, "");
        return Err(report.into_error());
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        report.add(offset, "", format!("not TOML: {}", error.message()), "");
    }
    // What was recovered from broken TOML may differ from what was meant: say nothing about it.
    if !errors.is_empty() {
        return Err(report.into_error());
    }
    let policy = read(text, document.get_ref(), &mut report);
    if report.is_clean() { Ok(policy) } else { Err(report.into_error()) }
}

fn read(text: &str, document: &DeTable<'_>, report: &mut Report<'_>) -> Policy {
    let (mut default_tier, mut default_window) = (Policy::DEFAULT_TIER, Policy::DEFAULT_WINDOW);
    let mut rules = None;
    for entry in Entry::of_table("", document) {
        match entry.name() {
            "default_tier" => default_tier = terms::tier(&entry, report).unwrap_or(default_tier),
            "default_window" => {
                default_window = terms::window(&entry, report).unwrap_or(default_window);
            }
            "rule" => rules = Some(entry),
            _ => unknown_key(&entry, KEYS, "a policy", report),
        }
    }
    Policy {
        text: text.into(),
        hash: Digest::of(text.as_bytes()),
        default_tier,
        rules: rules.map(|entry| read_rules(&entry, default_window, report)).unwrap_or_default(),
        default_window,
    }
}

fn read_rules(entry: &Entry<'_>, default_window: Period, report: &mut Report<'_>) -> Box<[Rule]> {
    let DeValue::Array(items) = entry.value() else {
        entry.wrong(report, "rules are a list of tables", "head each with [[rule]]");
        return Box::default();
    };
    if items.len() > MOST_RULES {
        let message =
            format!("a policy may have at most {MOST_RULES} rules; this one has {}", items.len());
        entry.wrong(report, message, "join rules that differ only in their tool into one");
        return Box::default();
    }
    let mut drafts = Vec::new();
    for item in items {
        match item.get_ref() {
            DeValue::Table(table) => {
                drafts.extend(rule::read(item.span().start, table, default_window, report));
            }
            _ => entry.wrong(report, "rules are a list of tables", "head each with [[rule]]"),
        }
    }
    let mut names = Names::new(&drafts, report);
    let mut rules = Vec::with_capacity(drafts.len());
    for draft in drafts {
        match draft.finish(&mut names) {
            Ok(rule) => rules.push(rule),
            Err(bad) => entry.wrong(report, bad.to_string(), "give every rule a name"),
        }
    }
    rules.into()
}
