//! A real git repository, worked on with the real git, whatever git is set up to do elsewhere on
//! this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The branch with the work that is to be merged.
pub(crate) const BRANCH: &str = "feature/logging-refactor";
/// The directory that is to be deleted.
pub(crate) const RECORDS: &str = "old-customer-records-2022";

/// What would have git look at another repository, as inside a git hook.
const ELSEWHERE: [&str; 5] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"];

/// A checkout of a repository.
pub(crate) struct Repository {
    pub(crate) folder: PathBuf,
}

impl Repository {
    /// A new one, on the branch `main`.
    pub(crate) fn init(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let repository = Self::at(folder);
        repository.git(&["init", "--quiet"])?;
        // By hand: `init -b` is younger than some gits in use.
        repository.git(&["symbolic-ref", "HEAD", "refs/heads/main"])?;
        Ok(repository)
    }

    /// The one that is there.
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Runs git; what it printed.
    pub(crate) fn git(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut git = Command::new("git");
        ELSEWHERE.iter().for_each(|variable| {
            git.env_remove(variable);
        });
        let output = git
            .args(arguments)
            .current_dir(&self.folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .envs([("GIT_AUTHOR_NAME", "Demo agent"), ("GIT_COMMITTER_NAME", "Demo agent")])
            .envs([("GIT_AUTHOR_EMAIL", "agent@demo"), ("GIT_COMMITTER_EMAIL", "agent@demo")])
            .stdin(Stdio::null())
            .output()
            .context("can't run git, which the demo needs")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("git {} failed: {}", arguments.join(" "), said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Writes files and commits them.
    pub(crate) fn commit(&self, message: &str, files: &[(&str, &str)]) -> anyhow::Result<()> {
        for (name, text) in files {
            std::fs::write(self.folder.join(name), text)?;
            self.git(&["add", "--", name])?;
        }
        self.git(&["commit", "--quiet", "-m", message]).map(|_| ())
    }

    /// The commit that a branch, or any revision, stands at.
    pub(crate) fn head(&self, revision: &str) -> anyhow::Result<String> {
        self.git(&["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")])
    }

    /// A checkout of a new branch off `main`, in a folder of its own.
    pub(crate) fn beside(&self, folder: &Path, branch: &str) -> anyhow::Result<Self> {
        let path = folder.to_str().context("the folder's name is not UTF-8")?;
        self.git(&["worktree", "add", "--quiet", "-b", branch, path, "main"])?;
        Ok(Self::at(folder))
    }

    /// Runs one of the project's tests.
    pub(crate) fn test(&self, script: &str) -> anyhow::Result<()> {
        let output = Command::new("sh").arg(script).current_dir(&self.folder).output()?;
        if !output.status.success() {
            bail!("{script} failed: {}", String::from_utf8_lossy(&output.stdout).trim());
        }
        Ok(())
    }
}
