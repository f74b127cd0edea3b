//! The door for JSON.

use serde::Serialize;

/// RFC 8785 canonical JSON of `value`.
pub fn canonical<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}
