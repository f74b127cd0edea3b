//! Names, roles, groups and the like, as callers write them.

use sayso_core::credential::Role;
use sayso_core::directory::ToolPattern;
use sayso_core::{CredentialId, GroupName};

use super::problem::{self, Problem};

/// A field's text as what it stands for.
pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    text: &str,
) -> Result<T, Problem> {
    text.parse().map_err(|bad: T::Err| Problem::field(field, bad.to_string()))
}

/// A name in the address: what can't be one names nothing.
pub(crate) fn named<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: &str,
) -> Result<T, Problem> {
    text.parse().map_err(|bad: T::Err| Problem::new(problem::NOT_FOUND, bad.to_string()))
}

/// An id in the address.
pub(crate) fn credential(text: &str) -> Result<CredentialId, Problem> {
    text.parse().map_err(|bad: sayso_core::id::BadId| {
        Problem::new(problem::NOT_FOUND, format!("`id` in the address is {bad}"))
    })
}

/// Roles, each once, in order.
pub(crate) fn roles(words: &[String]) -> Result<Vec<Role>, Problem> {
    let roles = set("/roles", words)?;
    match roles.is_empty() {
        true => Err(Problem::field("/roles", "name at least one role")),
        false => Ok(roles),
    }
}

/// Groups, each once, in order.
pub(crate) fn groups(names: &[String]) -> Result<Vec<GroupName>, Problem> {
    set("/groups", names)
}

/// Several of one kind, each once, in order.
pub(crate) fn set<T: std::str::FromStr<Err: std::fmt::Display> + Ord>(
    field: &str,
    texts: &[String],
) -> Result<Vec<T>, Problem> {
    let read = texts.iter().enumerate().map(|(nth, text)| parsed(&format!("{field}/{nth}"), text));
    let mut all = read.collect::<Result<Vec<T>, _>>()?;
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// Globs of tools. To name none is not to say that there are none.
pub(crate) fn tools(globs: Option<&[String]>) -> Result<Option<Vec<ToolPattern>>, Problem> {
    let Some(globs) = globs else { return Ok(None) };
    let read = globs.iter().enumerate().map(|(nth, text)| {
        let field = format!("/tools/{nth}");
        sayso_policy::tool_pattern(text).map_err(|bad| Problem::field(&field, bad.to_string()))
    });
    let tools = read.collect::<Result<Vec<_>, _>>()?;
    match tools.is_empty() {
        true => Err(Problem::field("/tools", "name at least one, or leave it out for any tool")),
        false => Ok(Some(tools)),
    }
}
