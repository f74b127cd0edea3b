//! What an executor checks and proves by itself: that it has its confirmation key, and that the
//! people whom it pins have signed what it is to do.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use sayso_core::confirmation::{ConfirmationKey, Request};
use sayso_core::evidence::{self, BadPins, Handed, Pins, Unproved};
use sayso_core::signature::{Batch, PersonKey, Proof, Signature};
use sayso_core::{Action, Digest, EscalationId, ReviewerName};

use crate::wire::{Evidence, Redeemed};

/// A proof for one request, to go into its header `DPoP`.
pub fn prove(key: &ConfirmationKey, method: &str, uri: &str, permit: &str) -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let jti = random.map(|byte| format!("{byte:02x}")).concat();
    Ok(key.prove(&Request { method, uri, permit }, &jti, Timestamp::now()))
}

/// Whose signatures an executor takes, and what it has done by them already.
///
/// Beside the file of pins, a folder of the same name with `.used` holds an empty file for each
/// escalation that was acted on: a server that shows old signatures again gets nothing by it.
#[derive(Clone, Debug)]
pub struct Pinned {
    pins: Pins,
    used: PathBuf,
}

/// Why what was handed out is not to be done.
#[derive(Debug, thiserror::Error)]
pub enum NotProved {
    /// It can't be read.
    #[error("what the server handed out can't be checked: {0}")]
    Malformed(String),
    /// It is a call of another tool than the one that is about to be called.
    #[error("the server handed out a call of {handed:?}, where one of {tool:?} is to be made")]
    OtherTool {
        /// What is about to be called.
        tool: String,
        /// What was handed out.
        handed: String,
    },
    /// The pinned people did not sign it.
    #[error("what the server handed out is not proved: {0}")]
    Unproved(#[from] Unproved),
    /// It was acted on before.
    #[error("what people signed for {0} was acted on already")]
    Used(EscalationId),
    /// It can't be noted that it is acted on, so it is not.
    #[error("can't note in {} that it is acted on: {cause}", .folder.display())]
    Unnoted {
        /// Where.
        folder: PathBuf,
        /// What went wrong.
        cause: io::Error,
    },
}

/// Why there are no pins to go by.
#[derive(Debug, thiserror::Error)]
pub enum NoPins {
    /// The file can't be read.
    #[error("can't read the pins from {}: {cause}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What went wrong.
        cause: io::Error,
    },
    /// The file is not in order.
    #[error("{}: {bad}", .file.display())]
    Bad {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        bad: BadPins,
    },
}

impl Pinned {
    /// Reads the file of pins.
    pub fn open(file: &Path) -> Result<Self, NoPins> {
        let unreadable = |cause| NoPins::Unreadable { file: file.to_owned(), cause };
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        let pins = text.parse().map_err(|bad| NoPins::Bad { file: file.to_owned(), bad })?;
        let mut used = file.as_os_str().to_owned();
        used.push(".used");
        Ok(Self { pins, used: used.into() })
    }

    /// Whether calls of that tool take these people's signatures. It must be the tool that is about
    /// to be called, and not what the server says it is.
    pub fn covers(&self, tool: &str) -> bool {
        self.pins.covers(tool)
    }

    /// Checks what was redeemed for a call of `tool`, and notes that it is acted on; who signed it.
    /// After an error, nothing is to be done.
    pub fn check(&self, tool: &str, redeemed: &Redeemed) -> Result<Vec<ReviewerName>, NotProved> {
        self.check_at(tool, redeemed, Timestamp::now())
    }

    /// The same, at another time than now.
    pub fn check_at(
        &self,
        tool: &str,
        redeemed: &Redeemed,
        at: Timestamp,
    ) -> Result<Vec<ReviewerName>, NotProved> {
        let handed = &redeemed.action.tool;
        if handed != tool {
            return Err(NotProved::OtherTool { tool: tool.into(), handed: handed.clone() });
        }
        let action = serde_json::to_value(&redeemed.action).map_err(malformed)?;
        let action: Action = serde_json::from_value(action).map_err(malformed)?;
        let escalation: EscalationId = redeemed.escalation.parse().map_err(malformed)?;
        let evidence: Result<Vec<_>, _> = redeemed.evidence.iter().map(read).collect();
        let handed = Handed { action: &action, escalation };
        let by = self.pins.check(&handed, &evidence?, at)?;
        self.claim(escalation)?;
        Ok(by)
    }

    /// Notes that an escalation is acted on. Of several who do so at once, one succeeds.
    fn claim(&self, escalation: EscalationId) -> Result<(), NotProved> {
        let unnoted = |cause| NotProved::Unnoted { folder: self.used.clone(), cause };
        std::fs::create_dir_all(&self.used).map_err(unnoted)?;
        let file = self.used.join(escalation.to_string());
        match OpenOptions::new().write(true).create_new(true).open(file) {
            Ok(noted) => noted.sync_all().map_err(unnoted)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(NotProved::Used(escalation));
            }
            Err(error) => return Err(unnoted(error)),
        }
        // Nothing older than that would be taken anyway.
        self.forget_before(SystemTime::now() - std::time::Duration::from(self.pins.max_age()) * 2);
        Ok(())
    }

    fn forget_before(&self, time: SystemTime) {
        let Ok(entries) = std::fs::read_dir(&self.used) else { return };
        for entry in entries.flatten() {
            let is_old = entry.metadata().and_then(|known| known.modified());
            if is_old.is_ok_and(|modified| modified < time) {
                // What can't be removed is only in the way.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

fn read(evidence: &Evidence) -> Result<evidence::Evidence, NotProved> {
    let Evidence { statement, proof, batch, key } = evidence;
    let proof: Proof = serde_json::from_value(proof.clone()).map_err(malformed)?;
    let key: PersonKey = serde_json::from_value(key.clone()).map_err(malformed)?;
    let batch = batch.as_ref().map(|digests| {
        let digests: Result<Vec<Digest>, _> = digests.iter().map(|text| text.parse()).collect();
        Batch::new(digests.map_err(malformed)?).map_err(malformed)
    });
    let signature = Signature { proof, batch: batch.transpose()? };
    Ok(evidence::Evidence { statement: statement.clone(), signature, key })
}

fn malformed(error: impl fmt::Display) -> NotProved {
    NotProved::Malformed(error.to_string())
}
