//! Several statements under one signature: one ceremony for what was opened one by one.

use serde::{Deserialize, Deserializer, Serialize};

use crate::digest::Digest;
use crate::json;

/// The statements that are signed at once, by their digests. Its canonical JSON is what is signed;
/// each statement says all the rest by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    v: u32,
    statements: Vec<Digest>,
}

/// The form of batches.
const FORM: u32 = 1;

/// Statements that can't be signed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBatch {
    /// None, or too many.
    #[error("1 to 10 statements are signed at once, not {0}")]
    Count(usize),
    /// One of them twice.
    #[error("a statement stands twice among those signed at once")]
    Twice,
    /// Of another form.
    #[error("the batch is of the form {0}, and this version takes {FORM}")]
    Form(u32),
}

impl Batch {
    /// The most statements that are signed at once. Nobody weighs more in one go.
    pub const MOST: usize = 10;

    /// These statements.
    pub fn new(statements: Vec<Digest>) -> Result<Self, BadBatch> {
        if statements.is_empty() || statements.len() > Self::MOST {
            return Err(BadBatch::Count(statements.len()));
        }
        let twice = |(index, one)| statements[..index].contains(one);
        match statements.iter().enumerate().any(twice) {
            true => Err(BadBatch::Twice),
            false => Ok(Self { v: FORM, statements }),
        }
    }

    /// The bytes that are signed, for [`super::Domain::Batch`].
    pub fn bytes(&self) -> Vec<u8> {
        json::canonical(self)
    }

    /// The statements, by their digests.
    pub fn statements(&self) -> &[Digest] {
        &self.statements
    }
}

impl<'de> Deserialize<'de> for Batch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            v: u32,
            statements: Vec<Digest>,
        }
        let Written { v, statements } = Written::deserialize(deserializer)?;
        let read = match v {
            FORM => Self::new(statements),
            other => Err(BadBatch::Form(other)),
        };
        read.map_err(serde::de::Error::custom)
    }
}
