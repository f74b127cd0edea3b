//! The policy in force, and the file it comes from.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use sayso_core::Digest;
use sayso_policy::{Policy, PolicyError};

/// The policy in force, and what is wrong with a newer file, if anything is.
#[derive(Clone)]
pub struct PolicyState {
    /// What judges every proposal.
    pub policy: Arc<Policy>,
    /// Why the file as it is now does not.
    pub problem: Option<Arc<str>>,
}

/// Where the policy comes from.
pub struct PolicyFile {
    path: Option<PathBuf>,
    state: RwLock<PolicyState>,
    seen: std::sync::Mutex<Option<(SystemTime, u64)>>,
}

/// Why there is no policy to begin with.
#[derive(Debug, thiserror::Error)]
pub enum NoPolicy {
    /// The file can't be read.
    #[error("the policy file {} can't be read: {cause}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is not a policy.
    #[error("the policy file {} is not in order:\n{problem}", .path.display())]
    Bad {
        /// Which.
        path: PathBuf,
        /// What is wrong with it, with line and column.
        problem: PolicyError,
    },
}

/// Why a policy did not come into force.
#[derive(Debug, thiserror::Error)]
pub enum NotPut {
    /// There is no file to write it to.
    #[error("the policy of this server is in no file")]
    NoFile,
    /// The file can't be written.
    #[error("the policy's file can't be written: {0}")]
    Unwritable(#[from] std::io::Error),
    /// It was judged beside one that is not in force any more.
    #[error("another policy came into force meanwhile")]
    Moved,
    /// The ledger can't be told of it first.
    #[error("it can't be written to the ledger: {0}")]
    Unrecorded(String),
}

/// A policy that was read from the file, and is not in force yet.
pub(crate) struct Found {
    pub(crate) policy: Arc<Policy>,
    /// How the file looked then.
    stamp: Option<(SystemTime, u64)>,
}

impl PolicyFile {
    /// Whether a policy could be put in force in place of that one.
    pub(crate) fn check(&self, old: Digest) -> Result<(), NotPut> {
        self.path.as_deref().ok_or(NotPut::NoFile)?;
        if self.state().policy.hash() == old { Ok(()) } else { Err(NotPut::Moved) }
    }

    /// Writes a policy to the file and puts it in force in place of that one; neither, if it can't
    /// be written or another is in force by now.
    pub(crate) fn put(&self, policy: Arc<Policy>, old: Digest) -> Result<(), NotPut> {
        let path = self.path.as_deref().ok_or(NotPut::NoFile)?;
        let beside = path.with_extension("new");
        // Held all along, so that the new file is not read before it is in force.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if self.state().policy.hash() != old {
            return Err(NotPut::Moved);
        }
        std::fs::write(&beside, policy.text())?;
        std::fs::rename(&beside, path)?;
        *seen = stamp(path).ok();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = PolicyState { policy, problem: None };
        Ok(())
    }

    /// The built-in policy: everything is hard.
    pub fn built_in() -> Self {
        Self::holding(None, Policy::default())
    }

    /// A policy that is in no file.
    pub fn fixed(policy: Policy) -> Self {
        Self::holding(None, policy)
    }

    /// The policy in `path`; the built-in one until there is such a file.
    pub fn open_or_built_in(path: &Path) -> Result<Self, NoPolicy> {
        match Self::open(path) {
            Err(NoPolicy::Unreadable { cause, .. })
                if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(Self::holding(Some(path.to_owned()), Policy::default()))
            }
            opened => opened,
        }
    }

    /// The policy in `path`.
    pub fn open(path: &Path) -> Result<Self, NoPolicy> {
        let unreadable = |cause| NoPolicy::Unreadable { path: path.to_owned(), cause };
        let stamp = stamp(path).map_err(unreadable)?;
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let policy = Policy::parse(&text)
            .map_err(|problem| NoPolicy::Bad { path: path.to_owned(), problem })?;
        let file = Self::holding(Some(path.to_owned()), policy);
        *file.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(stamp);
        Ok(file)
    }

    fn holding(path: Option<PathBuf>, policy: Policy) -> Self {
        let state = PolicyState { policy: Arc::new(policy), problem: None };
        Self { path, state: RwLock::new(state), seen: std::sync::Mutex::default() }
    }

    /// The policy in force.
    pub fn state(&self) -> PolicyState {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the file again. A new policy is returned, and is not in force before it is
    /// [brought](PolicyFile::bring); a bad one changes nothing but the problem that
    /// [`PolicyFile::state`] tells.
    pub(crate) fn look(&self) -> Option<Found> {
        let path = self.path.as_deref()?;
        let stamp = stamp(path).ok();
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == stamp {
                return None;
            }
            *seen = stamp;
        }
        let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
        let parsed = read.and_then(|text| Policy::parse(&text).map_err(|error| error.to_string()));
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match parsed {
            Ok(policy) => {
                state.problem = None;
                if policy.hash() == state.policy.hash() {
                    return None;
                }
                Some(Found { policy: Arc::new(policy), stamp })
            }
            Err(problem) => {
                if state.problem.as_deref() != Some(&*problem) {
                    tracing::warn!(
                        file = %path.display(), %problem,
                        "the policy file is not in order; the last good one stays in force"
                    );
                }
                state.problem = Some(problem.into());
                None
            }
        }
    }
}

impl PolicyFile {
    /// Puts a policy that was found in force; not, if the file was written again since.
    pub(crate) fn bring(&self, found: Found) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen != found.stamp {
            return false;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = PolicyState { policy: found.policy, problem: None };
        true
    }

    /// Forgets how the file looked, so that it is read again.
    pub(crate) fn forget(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What tells one state of a file from another without reading it.
fn stamp(path: &Path) -> std::io::Result<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.modified()?, metadata.len()))
}
