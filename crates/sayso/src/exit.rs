//! Exit codes, for scripts.

use std::process::ExitCode;

use sayso_client::wire::Escalation;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; for `ask`, granted. 0.
    Done,
    /// A person, or the policy, said no. 1.
    Refused,
    /// The command could not do its work. 2.
    Failed,
    /// Nobody has decided yet. 3.
    Undecided,
    /// The code of a command that was run.
    Of(u8),
}

impl Exit {
    /// How `ask` ends for that escalation.
    pub(crate) fn of(escalation: &Escalation) -> Self {
        if escalation.is_pending() {
            Self::Undecided
        } else if escalation.is_granted() {
            Self::Done
        } else {
            Self::Refused
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Refused => 1,
            Exit::Failed => 2,
            Exit::Undecided => 3,
            Exit::Of(code) => code,
        })
    }
}
