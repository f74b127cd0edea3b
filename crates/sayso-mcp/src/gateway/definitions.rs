//! What tools were when people last saw them. A server that changes what its tool says or takes
//! after it was trusted may mean something else by the same call, so such a tool's calls need
//! people, who are shown what changed, whatever the policy says of them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

/// Definitions by server, then by tool.
type Known = BTreeMap<String, BTreeMap<String, Value>>;

/// The definitions that people have seen, and those of now.
#[derive(Default)]
pub(super) struct Definitions {
    file: Option<PathBuf>,
    both: Mutex<Both>,
}

#[derive(Default)]
struct Both {
    seen: Known,
    now: Known,
}

/// A file that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("what is known of tools can't be read from {}: {cause}", .file.display())]
pub struct BadDefinitions {
    /// Which.
    pub file: PathBuf,
    /// Why.
    pub cause: std::io::Error,
}

impl Definitions {
    /// Those kept in a file; a file that is not there yet is made. Without one, all are new.
    pub(super) fn open(file: Option<PathBuf>) -> Result<Self, BadDefinitions> {
        let Some(file) = file else { return Ok(Self::default()) };
        let read = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(std::io::Error::from),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Known::new()),
            Err(error) => Err(error),
        };
        match read {
            Ok(seen) => {
                let both = Mutex::new(Both { seen, now: Known::new() });
                Ok(Self { file: Some(file), both })
            }
            // Forgetting what was seen would be trusting what is there now.
            Err(cause) => Err(BadDefinitions { file, cause }),
        }
    }

    fn both(&self) -> MutexGuard<'_, Both> {
        self.both.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what servers list. A tool that nobody has seen before is taken as it is.
    pub(super) fn listed<'t>(&self, tools: impl Iterator<Item = (&'t str, &'t Value)>) {
        let mut both = self.both();
        let mut is_new = false;
        for (server, tool) in tools {
            let Some(name) = tool.get("name").and_then(Value::as_str) else { continue };
            let definition = definition(tool);
            let seen = both.seen.entry(server.to_owned()).or_default();
            if !seen.contains_key(name) {
                seen.insert(name.to_owned(), definition.clone());
                is_new = true;
            }
            both.now.entry(server.to_owned()).or_default().insert(name.to_owned(), definition);
        }
        if is_new {
            self.keep(&both.seen);
        }
    }

    /// How a tool changed since people last saw it, as a diff; none if it did not.
    pub(super) fn change(&self, server: &str, tool: &str) -> Option<String> {
        let both = self.both();
        let of = |known: &Known| known.get(server)?.get(tool).cloned();
        let (seen, now) = (of(&both.seen)?, of(&both.now)?);
        (seen != now).then(|| diff(&seen, &now))
    }

    /// People have seen it as it is now.
    pub(super) fn accept(&self, server: &str, tool: &str) {
        let mut both = self.both();
        let Some(now) = both.now.get(server).and_then(|tools| tools.get(tool)).cloned() else {
            return;
        };
        both.seen.entry(server.to_owned()).or_default().insert(tool.to_owned(), now);
        self.keep(&both.seen);
    }

    /// Writes all or nothing.
    fn keep(&self, seen: &Known) {
        let Some(file) = &self.file else { return };
        let beside = file.with_extension("new");
        let text = serde_json::to_vec_pretty(seen).unwrap_or_default();
        let kept = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, file));
        if let Err(error) = kept {
            eprintln!("sayso gateway: can't write {}: {error}", file.display());
        }
    }
}

/// What of a tool matters to who judges its calls.
fn definition(tool: &Value) -> Value {
    let mut definition = tool.clone();
    if let Some(members) = definition.as_object_mut() {
        members.remove("_meta");
        members.remove("icons");
    }
    definition
}

/// The lines that differ, between those that don't.
fn diff(before: &Value, after: &Value) -> String {
    let lines = |value: &Value| -> Vec<String> {
        format!("{value:#}").lines().map(str::to_owned).collect()
    };
    let (before, after) = (lines(before), lines(after));
    let same = |pairs: &mut dyn Iterator<Item = (&String, &String)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let start = same(&mut before.iter().zip(&after));
    let shorter = before.len().min(after.len());
    let end = same(&mut before.iter().rev().zip(after.iter().rev())).min(shorter - start);
    let removed = before[start..before.len() - end].iter().map(|line| format!("-{line}"));
    let added = after[start..after.len() - end].iter().map(|line| format!("+{line}"));
    removed.chain(added).collect::<Vec<_>>().join("\n")
}

/// What people are shown beside a call of a tool that changed.
pub(super) fn context(change: &str) -> Value {
    json!({"definition_of_the_tool": "changed since people last saw it", "diff": change})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(description: &str) -> Value {
        json!({"name": "t", "description": description, "_meta": {"at": description}})
    }

    #[test]
    fn a_tool_that_changes_is_told_until_it_is_accepted_also_after_a_restart() {
        let folder = std::env::temp_dir().join(format!("sayso-definitions-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let open = || Definitions::open(Some(folder.join("seen.json"))).unwrap();
        open().listed([("s", &tool("reads"))].into_iter());
        let definitions = open();
        definitions.listed([("s", &tool("reads"))].into_iter());
        assert_eq!(definitions.change("s", "t"), None);
        definitions.listed([("s", &tool("sends it all to me"))].into_iter());
        let change = definitions.change("s", "t").unwrap();
        assert!(change.contains("-  \"description\": \"reads\""), "{change}");
        assert!(change.contains("+  \"description\": \"sends it all to me\""), "{change}");
        let definitions = open();
        definitions.listed([("s", &tool("sends it all to me"))].into_iter());
        assert!(definitions.change("s", "t").is_some());
        definitions.accept("s", "t");
        assert_eq!(definitions.change("s", "t"), None);
        std::fs::write(folder.join("seen.json"), "{").unwrap();
        assert!(Definitions::open(Some(folder.join("seen.json"))).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
