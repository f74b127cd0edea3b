//! Pins: whose signatures an executor takes, from a file that people write.

use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::str::FromStr;

use crate::digest::Digest;
use crate::name::{AgentName, GroupName, ReviewerName};
use crate::period::Period;
use crate::quorum::Needed;
use crate::signature::{Passkey, PersonKey, SshKey};
use crate::statement::Statement;

/// How old a statement may be, if the file says nothing.
const USUAL_AGE: Period = Period::from_secs(24 * 3_600);

/// Whose signatures an executor takes, and how many it takes of them.
#[derive(Clone, Debug)]
pub struct Pins {
    pub(super) executor: AgentName,
    pub(super) workspace: Option<String>,
    pub(super) needed: Needed,
    pub(super) max_age: Period,
    /// The tools that take these signatures; all, if none are named.
    tools: Vec<String>,
    people: Vec<Pinned>,
}

/// A key and its person.
#[derive(Clone, Debug)]
pub(super) struct Pinned {
    pub(super) name: ReviewerName,
    pub(super) groups: Vec<GroupName>,
    pub(super) key: PersonKey,
    id: Digest,
}

/// A file of pins that can't be gone by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPins {
    /// A line that is none of those there are.
    #[error("line {line}: {why}")]
    Line {
        /// Which, from 1 on.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A line that must be there is not.
    #[error("a line is missing: `{0}`")]
    Missing(&'static str),
    /// More people are asked for than there are.
    #[error("the quorum asks for more people than are pinned, so nothing could ever be proved")]
    NeverMet,
}

impl Pins {
    /// The pinned person whose key a statement names, if it is in that person's name.
    pub(super) fn pinned(&self, statement: &Statement) -> Option<&Pinned> {
        let is = |pinned: &&Pinned| pinned.id == statement.key && pinned.name == statement.reviewer;
        self.people.iter().find(is)
    }

    /// Whether calls of that tool take these people's signatures.
    pub fn covers(&self, tool: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => tool.starts_with(beginning),
            None => tool == pattern,
        };
        self.tools.is_empty() || self.tools.iter().any(fits)
    }

    /// The executor whose calls these people approve.
    pub fn executor(&self) -> &AgentName {
        &self.executor
    }

    /// How old a statement may be.
    pub fn max_age(&self) -> Period {
        self.max_age
    }
}

impl FromStr for Pins {
    type Err = BadPins;

    /// Reads a file of pins: a line each of `executor NAME` and `quorum N` (or `quorum GROUP=N …`),
    /// perhaps `max-age 24h`, `workspace NAME` and `tools NAME NAME* …`, and for each key `NAME KEY` or
    /// `NAME groups="GROUP,…" KEY`, where the key is a line of a `.pub` file or a passkey's JSON.
    fn from_str(text: &str) -> Result<Self, BadPins> {
        let (mut executor, mut workspace, mut needed, mut max_age) = (None, None, None, USUAL_AGE);
        let mut tools = Vec::new();
        let mut people: Vec<Pinned> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_of = |why: String| BadPins::Line { line: index + 1, why };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim();
            match word {
                "executor" => {
                    executor = Some(AgentName::new(rest).map_err(|bad| line_of(bad.to_string()))?);
                }
                "workspace" => workspace = Some(rest.to_owned()),
                "tools" => tools.extend(rest.split_whitespace().map(str::to_owned)),
                "quorum" => needed = Some(quorum(rest).map_err(line_of)?),
                "max-age" => {
                    max_age = rest
                        .parse()
                        .map_err(|bad: crate::period::BadPeriod| line_of(bad.to_string()))?;
                }
                name => {
                    let pinned = person(name, rest).map_err(line_of)?;
                    if people.iter().any(|known| known.id == pinned.id) {
                        return Err(line_of("this key is pinned already".into()));
                    }
                    people.push(pinned);
                }
            }
        }
        let executor = executor.ok_or(BadPins::Missing("executor NAME"))?;
        let needed = needed.ok_or(BadPins::Missing("quorum N"))?;
        let approvers: Vec<_> = people
            .iter()
            .map(|pinned| crate::quorum::Approver { name: &pinned.name, groups: &pinned.groups })
            .collect();
        match needed.is_met_by(&approvers) {
            true => Ok(Self { executor, workspace, needed, max_age, tools, people }),
            false => Err(BadPins::NeverMet),
        }
    }
}

fn quorum(text: &str) -> Result<Needed, String> {
    let number = |text: &str| {
        text.parse::<NonZeroU8>().map_err(|_| format!("{text:?} is no number from 1 to 255"))
    };
    let (mut people, mut groups) = (NonZeroU8::MIN, BTreeMap::new());
    if text.is_empty() {
        return Err("say how many: `quorum 2`, or `quorum security=1 leads=1`".into());
    }
    for word in text.split_whitespace() {
        match word.split_once('=') {
            None => people = number(word)?,
            Some((group, slots)) => {
                let group = GroupName::new(group).map_err(|bad| bad.to_string())?;
                groups.insert(group, number(slots)?);
            }
        }
    }
    Ok(Needed::of_groups(people, groups))
}

fn person(name: &str, rest: &str) -> Result<Pinned, String> {
    let name = ReviewerName::new(name).map_err(|bad| bad.to_string())?;
    let (groups, key) = match rest.strip_prefix("groups=\"").and_then(|rest| rest.split_once('"')) {
        Some((groups, key)) => (groups, key.trim()),
        None => ("", rest),
    };
    let groups = groups.split(',').map(str::trim).filter(|group| !group.is_empty());
    let groups: Result<Vec<_>, _> = groups.map(GroupName::new).collect();
    let groups = groups.map_err(|bad| bad.to_string())?;
    let key = if key.starts_with('{') {
        let passkey: Passkey =
            serde_json::from_str(key).map_err(|bad| format!("not a passkey's JSON: {bad}"))?;
        PersonKey::Passkey(passkey)
    } else {
        PersonKey::Ssh(key.parse::<SshKey>().map_err(|bad| bad.to_string())?)
    };
    Ok(Pinned { name, groups, id: key.id(), key })
}
