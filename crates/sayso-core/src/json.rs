//! The door for JSON: one strict reader in front of every digest, and the one canonical spelling
//! behind it (RFC 8785).
//!
//! Two documents that this door lets in have the same canonical bytes exactly when they are read
//! as equal values, so nothing can hash alike and mean otherwise. What other readers would bend
//! without a word (a name given twice, a number that a double can't hold, half a surrogate pair)
//! is refused here, never mended.

mod number;
mod reader;
mod refusal;
mod writer;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use refusal::BadJson;
pub use writer::NoCanonicalForm;

/// How much JSON is taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes a document may have.
    pub bytes: usize,
    /// How many arrays and objects may stand inside one another. Whatever walks a value later
    /// does so by recursion, so this is to stay within a few hundred.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 256 * 1024, depth: 64 }
    }
}

/// Reads one JSON document (RFC 8259), refusing all that could hash alike and mean otherwise.
///
/// Numbers are told apart by their value only: `10`, `10.0` and `1E1` are all read as the integer
/// 10, for they share one canonical spelling.
pub fn read(bytes: &[u8], limits: Limits) -> Result<Value, BadJson> {
    if bytes.len() > limits.bytes {
        return Err(BadJson::TooLarge { limit: limits.bytes });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|problem| BadJson::NotUtf8 { at: problem.valid_up_to() })?;
    reader::document(text, limits.depth)
}

/// Reads as [`read`] does, then into `T`; what doesn't fit is named by its place in the document.
pub fn read_into<T: DeserializeOwned>(bytes: &[u8], limits: Limits) -> Result<T, BadJson> {
    match T::deserialize(read(bytes, limits)?) {
        Ok(value) => Ok(value),
        // Keeping track of the place costs time, so it is done only once something didn't fit.
        Err(_) => serde_path_to_error::deserialize(read(bytes, limits)?)
            .map_err(|misfit| BadJson::misfit(misfit.path(), misfit.inner())),
    }
}

/// RFC 8785 canonical JSON of `value`.
///
/// Everything that [`read`] let in has a canonical form, and so do our own types made of it. For
/// values from elsewhere there is [`try_canonical`].
///
/// # Panics
///
/// If `value` has no exact canonical form (see [`NoCanonicalForm`]). That is a mistake in our
/// code, and any bytes returned in its place would be a digest of something else.
pub fn canonical<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    match writer::write(value) {
        Ok(bytes) => bytes,
        Err(problem) => {
            panic!("a value that never passed the JSON door was to be hashed: {problem}")
        }
    }
}

/// RFC 8785 canonical JSON of a value that did not come through [`read`], if it has one.
pub fn try_canonical<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, NoCanonicalForm> {
    writer::write(value)
}
