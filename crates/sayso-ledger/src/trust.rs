//! Whom an auditor trusts: the log's keys, and the witnesses, in the form of C2SP tlog-policy.
//!
//! ```text
//! log sayso-ledger-53b1… +key
//! witness wanda wanda+3a7c1e9f+BE4r…
//! group many 2 wanda walter wilma
//! quorum many
//! ```

use std::collections::HashMap;

use crate::checkpoint::Checkpoint;
use crate::note::{Algorithm, BadNote, Note, VerifyingKey};

/// Keys that an auditor has from elsewhere than the log.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    logs: Vec<VerifyingKey>,
    witnesses: HashMap<String, VerifyingKey>,
    groups: HashMap<String, Group>,
    quorum: Option<String>,
}

#[derive(Clone, Debug)]
struct Group {
    needed: usize,
    members: Vec<String>,
}

/// A trust file that is not in order.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BadTrust {
    /// Which line, from 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// Why a head is not to be believed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrusted {
    /// Not a signed note, or not signed by who should have.
    #[error(transparent)]
    Note(#[from] BadNote),
    /// The text is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] crate::checkpoint::BadCheckpoint),
    /// No key for that log.
    #[error("the trust file has no key of the log {0}")]
    Stranger(String),
    /// Too few witnesses.
    #[error("the quorum of witnesses {0:?} is not reached")]
    Quorum(String),
}

impl Trust {
    /// Trust in one log, without witnesses.
    pub fn in_log(key: VerifyingKey) -> Self {
        Self { logs: vec![key], ..Self::default() }
    }

    /// Reads a trust file.
    pub fn parse(text: &str) -> Result<Self, BadTrust> {
        let mut trust = Self::default();
        for (nth, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            trust.line(&words).map_err(|problem| BadTrust { line: nth + 1, problem })?;
        }
        Ok(trust)
    }

    fn line(&mut self, words: &[&str]) -> Result<(), String> {
        let key = |text: &str, algorithm| {
            let key: VerifyingKey =
                text.parse().map_err(|bad: crate::note::BadKey| bad.to_string())?;
            match key.algorithm() == algorithm {
                true => Ok(key),
                false => Err("that is not the kind of key that signs such lines".to_owned()),
            }
        };
        match words {
            [] => Ok(()),
            ["log", log] | ["log", log, _] => {
                self.logs.push(key(log, Algorithm::Ed25519)?);
                Ok(())
            }
            ["witness", name, witness] | ["witness", name, witness, _] => {
                self.unused(name)?;
                self.witnesses.insert((*name).into(), key(witness, Algorithm::Cosignature)?);
                Ok(())
            }
            ["group", name, needed, members @ ..] => {
                self.unused(name)?;
                let members: Vec<String> = members.iter().map(|&member| member.into()).collect();
                if let Some(member) = members.iter().find(|member| self.unused(member).is_ok()) {
                    return Err(format!("{member:?} is no witness or group named before"));
                }
                let needed = match *needed {
                    "any" => 1,
                    "all" => members.len(),
                    number => number.parse().map_err(|_| "a group takes a number, any or all")?,
                };
                if needed == 0 || needed > members.len() {
                    return Err(format!(
                        "{needed} of {} can't be reached or mean nothing",
                        members.len()
                    ));
                }
                self.groups.insert((*name).into(), Group { needed, members });
                Ok(())
            }
            ["quorum", "none"] => {
                self.quorum = None;
                Ok(())
            }
            ["quorum", name] if self.unused(name).is_err() => {
                self.quorum = Some((*name).into());
                Ok(())
            }
            ["quorum", name] => Err(format!("{name:?} is no witness or group named before")),
            [word, ..] => {
                Err(format!("{word:?} is not log, witness, group or quorum, or lacks words"))
            }
        }
    }

    fn unused(&self, name: &str) -> Result<(), String> {
        match name == "none" || self.witnesses.contains_key(name) || self.groups.contains_key(name)
        {
            true => Err(format!("{name:?} is taken")),
            false => Ok(()),
        }
    }

    /// The logs' keys.
    pub fn logs(&self) -> &[VerifyingKey] {
        &self.logs
    }

    /// Whether any witness is asked for.
    pub fn asks_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// The head that a signed note tells of, if those have signed it who must.
    pub fn head(&self, note: &str) -> Result<Checkpoint, Distrusted> {
        let note: Note = note.parse()?;
        let head: Checkpoint = note.text().parse()?;
        let key = self.logs.iter().find(|key| key.name() == head.origin);
        key.ok_or_else(|| Distrusted::Stranger(head.origin.clone()))?.check(&note)?;
        match &self.quorum {
            Some(quorum) if !self.is_reached(quorum, &note) => {
                Err(Distrusted::Quorum(quorum.clone()))
            }
            _ => Ok(head),
        }
    }

    fn is_reached(&self, name: &str, note: &Note) -> bool {
        if let Some(witness) = self.witnesses.get(name) {
            return witness.check(note).is_ok();
        }
        // Members are named before their group, so this ends.
        self.groups.get(name).is_some_and(|group| {
            group.members.iter().filter(|member| self.is_reached(member, note)).count()
                >= group.needed
        })
    }
}
