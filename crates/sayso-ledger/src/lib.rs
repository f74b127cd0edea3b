//! The log that can't be quietly rewritten, and how anybody checks that it was not.
//!
//! Every event is a leaf of an RFC 6962 Merkle tree ([`leaf`], [`tree`], [`proof`]). Its heads are
//! C2SP checkpoints in signed notes ([`checkpoint`], [`note`]), laid out in C2SP tiles ([`tile`]);
//! [`trust`] says whose signatures count. [`verify`] holds a whole log against the law.

pub mod checkpoint;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tree;
pub mod trust;
pub mod verify;

pub use checkpoint::Checkpoint;
pub use leaf::Leaf;
pub use note::{Note, SigningKey, VerifyingKey};
pub use sayso_core::Digest;
