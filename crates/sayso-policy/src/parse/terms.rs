//! Reads what a rule asks: tiers, lengths of time, counts, names.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use sayso_core::decision::Assurance;
use sayso_core::{GroupName, Needed, Period, RouteName, SelfApproval, SilentLimit, Tier};
use toml::de::{DeInteger, DeValue};

use super::entry::Entry;
use super::report::Report;

/// The longest window, and the longest time unheard: 30 days.
const LONGEST: Period = Period::from_secs(30 * 86_400);
/// The longest life of a permit: a day.
const LONGEST_PERMIT: Period = Period::from_secs(86_400);
const LARGEST_QUORUM: u8 = 20;
/// In a quorum by groups, the key that says how many people in all.
const IN_ALL: &str = "people";

const LENGTH_MEND: &str = "write it like \"20s\", \"15m\" or \"1h 30m\", or in whole seconds";

/// A whole number of the text, if it fits 64 bits.
pub(super) fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

pub(super) fn tier(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<Tier> {
    let tier = match entry.value() {
        DeValue::String(word) => word.parse().ok(),
        DeValue::Integer(number) => {
            whole(number).and_then(|number| number.to_string().parse().ok())
        }
        _ => None,
    };
    if tier.is_none() {
        entry.wrong(report, "is no tier", "use \"fyi\", \"soft\" or \"hard\" (or 1, 2, 3)");
    }
    tier
}

/// A window: longer than nothing, at most 30 days.
pub(super) fn window(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<Period> {
    length(entry, Period::from_micros(1), "must be longer than nothing", report)
}

/// The time a soft escalation may stay unheard: a second to 30 days.
pub(super) fn unheard_after(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<Period> {
    length(entry, Period::from_secs(1), "must be at least a second", report)
}

fn length(
    entry: &Entry<'_>,
    least: Period,
    too_short: &str,
    report: &mut Report<'_>,
) -> Option<Period> {
    let read = match entry.value() {
        DeValue::String(text) => text.parse::<Period>().map_err(|bad| bad.to_string()),
        DeValue::Integer(number) => match whole(number).map(u64::try_from) {
            Some(Ok(secs)) => Ok(Period::from_secs(secs)),
            Some(Err(_)) => Err("a length of time can't be negative".to_owned()),
            None => Err("is far too long".to_owned()),
        },
        _ => Err(format!("is {}, not a length of time", entry.kind())),
    };
    match read {
        // The core's message carries its own mend.
        Err(message) if message.contains("; ") => entry.wrong(report, message, ""),
        Err(message) => entry.wrong(report, message, LENGTH_MEND),
        Ok(length) if length < least => entry.wrong(report, too_short, LENGTH_MEND),
        Ok(length) if length > LONGEST => {
            entry.wrong(report, "is longer than 30 days", "use at most \"720h\"");
        }
        Ok(length) => return Some(length),
    }
    None
}

/// Who must approve: a number of people, or numbers by group.
pub(super) fn quorum(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<Needed> {
    let DeValue::Table(table) = entry.value() else {
        return people(entry, "is no quorum", report).map(Needed::people);
    };
    let (mut in_all, mut groups) = (NonZeroU8::MIN, BTreeMap::new());
    for entry in Entry::of_table(entry.path(), table) {
        let number = people(&entry, "is no number of people", report)?;
        match GroupName::new(entry.name()) {
            Ok(name) if name.as_str() == IN_ALL => in_all = number,
            Ok(name) => drop(groups.insert(name, number)),
            Err(bad) => entry.wrong_key(report, bad.to_string(), "give the name of a group"),
        }
    }
    let asked = groups.values().map(|number| usize::from(number.get())).sum::<usize>();
    if table.is_empty() || asked > usize::from(LARGEST_QUORUM) {
        let mend =
            format!("ask for 1 to {LARGEST_QUORUM} people, like {{ security = 1, leads = 1 }}");
        entry.wrong(report, format!("asks for {asked} people"), mend);
        return None;
    }
    Some(Needed::of_groups(in_all, groups))
}

fn people(entry: &Entry<'_>, wrong: &str, report: &mut Report<'_>) -> Option<NonZeroU8> {
    let number = entry.value().as_integer().and_then(whole);
    let number = number
        .and_then(|number| u8::try_from(number).ok())
        .filter(|number| *number <= LARGEST_QUORUM)
        .and_then(NonZeroU8::new);
    if number.is_none() {
        let mend = format!("say how many people must approve: 1 to {LARGEST_QUORUM}");
        entry.wrong(report, wrong, mend);
    }
    number
}

/// Whether those who answer for the agent may approve.
pub(super) fn self_approval(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<SelfApproval> {
    match entry.value().as_str() {
        Some("allowed") => return Some(SelfApproval::Allowed),
        Some("never") => return Some(SelfApproval::Never),
        _ => entry.wrong(report, "is not known here", "use \"allowed\" or \"never\""),
    }
    None
}

pub(super) fn silent_limit(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<SilentLimit> {
    let limit = entry.value().as_str().and_then(|text| text.parse().ok());
    match limit {
        // Nothing per hour and nothing per day are one limit, and must compare as one.
        Some(SilentLimit::Per { count: 0, .. }) => {
            Some(SilentLimit::Per { count: 0, period: Period::from_secs(3_600) })
        }
        Some(limit) => Some(limit),
        None => {
            let mend = "write it like \"60/h\", \"5/m\" or \"100/d\", or \"none\"";
            entry.wrong(report, "is no limit", mend);
            None
        }
    }
}

/// The least assurance that approvals must have.
pub(super) fn assurance(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<Assurance> {
    match entry.value().as_str() {
        Some("channel") => return Some(Assurance::Channel),
        Some("session") => return Some(Assurance::Session),
        Some("signed") => return Some(Assurance::Signed),
        _ => {
            let mend = "use \"channel\", \"session\" or \"signed\"";
            entry.wrong(report, "is no assurance", mend);
        }
    }
    None
}

/// How long a permit can be redeemed: ten seconds to a day.
pub(super) fn permit_lasts(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<Period> {
    let least = Period::from_secs(10);
    let lasts = length(entry, least, "must be at least 10 seconds", report)?;
    if lasts > LONGEST_PERMIT {
        entry.wrong(report, "is longer than a day", "use at most \"24h\"");
        return None;
    }
    Some(lasts)
}

/// Whether the rule is looked at only.
pub(super) fn is_shadow(entry: &Entry<'_>, report: &mut Report<'_>) -> bool {
    match entry.value().as_str() {
        Some("shadow") => return true,
        Some("enforce") => {}
        _ => entry.wrong(report, "is no mode", "use \"shadow\", or leave it out to enforce"),
    }
    false
}

pub(super) fn route(entry: &Entry<'_>, report: &mut Report<'_>) -> Option<RouteName> {
    let Some(text) = entry.value().as_str() else {
        entry.wrong(report, format!("is {}, not a name", entry.kind()), "write it in quotes");
        return None;
    };
    RouteName::new(text)
        .map_err(|bad| entry.wrong(report, bad.to_string(), "give the name of a route"))
        .ok()
}
