//! Reads conditions: a dotted path, and a value, a list of values or a table of operators.
//!
//! TOML writes a path and a table of operators alike. A table is one of operators if all its keys
//! are operators', and part of the path if none is; a mixture is refused. So a member that is
//! named like an operator can only stand right under `args`.

use toml::de::DeValue;

use super::entry::Entry;
use super::report::Report;
use super::terms::whole;
use crate::condition::{Condition, Root, Side, Test};
use crate::glob::Glob;
use crate::number::Number;
use crate::pattern::Patterns;
use crate::regex::Regex;
use crate::suggest::closest;

const OPERATORS: &[&str] = &[
    "over",
    "under",
    "at_least",
    "at_most",
    "any",
    "all",
    "none",
    "count_over",
    "missing",
    "matches",
];

/// Reads the conditions that stand at a root.
pub(super) fn read(
    root: Root,
    entry: &Entry<'_>,
    conditions: &mut Vec<Condition>,
    report: &mut Report<'_>,
) {
    let mut path = Vec::new();
    match root {
        // The arguments are always an object: what stands in them is a path, never an operator.
        Root::Args => {
            let mend = "name an argument, like args.branch = \"main\"";
            let Some(table) = entry.table(mend, report) else { return };
            if table.is_empty() {
                entry.wrong(report, "names no condition", mend);
            }
            for member in Entry::of_table(entry.path(), table) {
                read_member(root, &mut path, &member, conditions, report);
            }
        }
        Root::Resource | Root::Context => {
            read_value(root, &mut path, entry, conditions, report);
        }
    }
}

fn read_member(
    root: Root,
    path: &mut Vec<String>,
    entry: &Entry<'_>,
    conditions: &mut Vec<Condition>,
    report: &mut Report<'_>,
) {
    path.push(entry.name().to_owned());
    read_value(root, path, entry, conditions, report);
    path.pop();
}

fn read_value(
    root: Root,
    path: &mut Vec<String>,
    entry: &Entry<'_>,
    conditions: &mut Vec<Condition>,
    report: &mut Report<'_>,
) {
    let tests = match entry.value() {
        DeValue::Table(table) => {
            let is_operator = |entry: &Entry<'_>| OPERATORS.contains(&entry.name());
            let (operators, members): (Vec<_>, Vec<_>) =
                Entry::of_table(entry.path(), table).partition(is_operator);
            match (operators.is_empty(), members.first()) {
                (true, None) => {
                    entry.wrong(report, "names no condition", "give it a value, or leave it out");
                    return;
                }
                (true, Some(_)) => {
                    for member in &members {
                        read_member(root, path, member, conditions, report);
                    }
                    return;
                }
                (false, Some(stray)) => {
                    mixture(stray, report);
                    return;
                }
                (false, None) => read_operators(&operators, report),
            }
        }
        _ => patterns(entry, report).map(|patterns| vec![Test::Is(patterns)]),
    };
    if let Some(tests) = tests {
        let path = path.iter().map(|key| key.as_str().into()).collect();
        let value = report.written(entry.span());
        let written = format!("{} = {}", entry.path().trim_start_matches("unless."), short(value));
        conditions.push(Condition { root, path, tests: tests.into(), written: written.into() });
    }
}

fn mixture(stray: &Entry<'_>, report: &mut Report<'_>) {
    let mend = match closest(stray.name(), OPERATORS) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => format!(
            "the operators are {}; a member beside them needs a condition of its own",
            OPERATORS.join(", ")
        ),
    };
    stray.wrong_key(report, "is no operator, but stands beside one", mend);
}

fn read_operators(operators: &[Entry<'_>], report: &mut Report<'_>) -> Option<Vec<Test>> {
    let tests: Vec<_> = operators.iter().map(|entry| operator(entry, report)).collect();
    let tests = tests.into_iter().collect::<Option<Vec<_>>>()?;
    if let Some(missing) = operators.iter().find(|entry| entry.value().as_bool() == Some(true))
        && operators.len() > 1
    {
        let mend = "use missing = false, or a rule of its own";
        missing.wrong_key(report, "can't hold beside another operator", mend);
        return None;
    }
    if let Some(entry) = operators.first().filter(|_| is_empty_range(&tests)) {
        let message = "leaves no number together with the limits beside it";
        entry.wrong_key(report, message, "mend one of them");
        return None;
    }
    Some(tests)
}

/// Whether a lower limit lies above an upper one.
fn is_empty_range(tests: &[Test]) -> bool {
    let limits = |wanted: [Side; 2]| {
        tests.iter().filter_map(move |test| match test {
            Test::Compared(side, limit) if wanted.contains(side) => Some((*side, *limit)),
            _ => None,
        })
    };
    limits([Side::Over, Side::AtLeast]).any(|(low_side, low)| {
        limits([Side::Under, Side::AtMost]).any(|(high_side, high)| {
            let touching = low_side == Side::AtLeast && high_side == Side::AtMost;
            low.order(high).is_some_and(|order| order.is_gt() || (order.is_eq() && !touching))
        })
    })
}

fn operator(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<Test> {
    match entry.name() {
        "over" => Some(Test::Compared(Side::Over, number(entry, report)?)),
        "under" => Some(Test::Compared(Side::Under, number(entry, report)?)),
        "at_least" => Some(Test::Compared(Side::AtLeast, number(entry, report)?)),
        "at_most" => Some(Test::Compared(Side::AtMost, number(entry, report)?)),
        "any" => Some(Test::Any(patterns(entry, report)?)),
        "all" => Some(Test::All(patterns(entry, report)?)),
        "none" => Some(Test::None(patterns(entry, report)?)),
        "count_over" => {
            let count = entry.value().as_integer().and_then(whole);
            let count = count.and_then(|count| u64::try_from(count).ok());
            if count.is_none() {
                entry.wrong(report, "is no count", "write a whole number from 0, like 10");
            }
            count.map(Test::CountOver)
        }
        "missing" => {
            let wanted = entry.value().as_bool();
            if wanted.is_none() {
                let message = format!("is {}, not true or false", entry.kind());
                entry.wrong(report, message, "write missing = true or missing = false");
            }
            wanted.map(Test::Missing)
        }
        _ => Some(Test::Matches(regexes(entry, report)?)),
    }
}

/// A regular expression, or a list of them.
fn regexes(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<Box<[Regex]>> {
    let mut regexes = Vec::new();
    for element in entry.elements() {
        let Some(text) = element.value().as_str() else {
            let message = format!("is {}, not a regular expression", element.kind());
            element.wrong(report, message, "write it in single quotes, like '^rm '");
            return None;
        };
        match Regex::new(text) {
            Ok(regex) if report.take_regex_room(regex.size()) => regexes.push(regex),
            Ok(_) => {
                let message = "is one expression too many: all of them together are too large";
                element.wrong(report, message, "use globs where they will do");
                return None;
            }
            Err(bad) => {
                let mend = "see docs.rs/regex for how they are written; simpler ones are smaller";
                element.wrong(report, bad.to_string(), mend);
                return None;
            }
        }
    }
    if regexes.is_empty() {
        entry.wrong(report, "is an empty list, which matches nothing", "list what may stand here");
        return None;
    }
    Some(regexes.into())
}

/// A value as it is written, cut short for messages.
fn short(written: &str) -> String {
    let words = written.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

/// A number to compare with.
fn number(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<Number> {
    if matches!(entry.value(), DeValue::Integer(_) | DeValue::Float(_)) {
        return literal_number(entry, report);
    }
    let message = format!("is {}, not a number", entry.kind());
    entry.wrong(report, message, "write a number, like 50");
    None
}

fn literal_number(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<Number> {
    let read = match entry.value() {
        DeValue::Integer(digits) => whole(digits).map(Number::Whole),
        DeValue::Float(digits) => {
            let float = digits.as_str().parse().ok().filter(|float: &f64| float.is_finite());
            float.map(Number::Fraction)
        }
        _ => None,
    };
    if read.is_none() {
        entry.wrong(report, "is no number that JSON can hold", "use a finite one of 64 bits");
    }
    read
}

/// A value, or a list of values of which one must match.
fn patterns(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<Patterns> {
    let mut patterns = Patterns::default();
    let elements = entry.elements();
    if elements.is_empty() {
        entry.wrong(report, "is an empty list, which matches nothing", "list what may stand here");
        return None;
    }
    for element in elements {
        match element.value() {
            DeValue::String(text) => patterns.texts.push(glob(&element, text, report)?),
            DeValue::Boolean(flag) => patterns.flags.push(*flag),
            DeValue::Integer(_) | DeValue::Float(_) => {
                patterns.numbers.push(literal_number(&element, report)?);
            }
            DeValue::Datetime(_) => {
                element.wrong(report, "is a date, which JSON doesn't have", "write it in quotes");
                return None;
            }
            DeValue::Array(_) | DeValue::Table(_) => {
                let message = format!("is {}, not a value", element.kind());
                let mend = "write a string, a number, true or false, or a list of those";
                element.wrong(report, message, mend);
                return None;
            }
        }
    }
    Some(patterns)
}

/// A glob, or a plain string.
pub(super) fn glob(entry: &Entry<'_>, text: &str, report: &mut Report<'_>) -> Option<Glob> {
    match Glob::new(text) {
        Ok(glob) if report.take_room(glob.size()) => Some(glob),
        Ok(_) => {
            let message = "is one glob too many: all globs together are too large";
            entry.wrong(report, message, "use fewer braces");
            None
        }
        Err(bad) => {
            let mend = "a glob character that stands for itself goes in brackets, like [*]";
            entry.wrong(report, bad.to_string(), mend);
            None
        }
    }
}
