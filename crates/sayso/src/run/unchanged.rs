//! What must still be as it was when people looked: files, and the head of a git repository. It is
//! part of the action, as its `precondition`, so that people approve it with the rest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use sayso_client::wire::Action;
use sayso_core::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A precondition that can be looked at here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unchanged {
    /// The commit that is checked out where the command runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    git_head: Option<String>,
    /// SHA-256 of each file; null, where there is none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    files: BTreeMap<PathBuf, Option<Digest>>,
}

impl Unchanged {
    /// How things are now, as far as it was asked for.
    pub(super) fn look(files: &[PathBuf], git_head: bool, folder: &Path) -> anyhow::Result<Self> {
        let head = git_head.then(|| head(folder)).transpose()?;
        let mut found = BTreeMap::new();
        for file in files {
            if file.to_str().is_none() {
                bail!("--unchanged {}: its name is not UTF-8", file.display());
            }
            found.insert(file.clone(), hash(&folder.join(file))?);
        }
        Ok(Self { git_head: head, files: found })
    }

    /// What goes into the action; nothing, if nothing was asked for.
    pub(super) fn precondition(&self) -> anyhow::Result<Option<Value>> {
        if *self == Self::default() {
            return Ok(None);
        }
        Ok(Some(serde_json::to_value(self)?))
    }

    /// What the approved action must be asked anew with, because things are otherwise by now; none,
    /// if they are as they were.
    pub(super) fn moved(action: &Action) -> anyhow::Result<Option<Value>> {
        let Some(precondition) = &action.precondition else { return Ok(None) };
        let before: Self = serde_json::from_value(precondition.clone()).context(
            "the approved action has a `precondition` that can't be looked at here, so nothing runs",
        )?;
        let folder = action.arguments.get("cwd").and_then(Value::as_str).unwrap_or(".");
        let files: Vec<_> = before.files.keys().cloned().collect();
        let now = Self::look(&files, before.git_head.is_some(), Path::new(folder))?;
        if now == before { Ok(None) } else { now.precondition() }
    }
}

fn hash(file: &Path) -> anyhow::Result<Option<Digest>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(Digest::of(&bytes))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("can't read {}", file.display())),
    }
}

fn head(folder: &Path) -> anyhow::Result<String> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--verify", "HEAD"]).current_dir(folder);
    let output = git.output().context("can't run git for --git-head")?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        bail!("--git-head: git knows of no commit in {}: {}", folder.display(), why.trim());
    }
    Ok(String::from_utf8(output.stdout).context("git's answer is not UTF-8")?.trim().to_owned())
}
