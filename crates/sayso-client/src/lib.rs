//! What a program needs to ask for a human's say-so: the wire types of the HTTP contract, a small
//! blocking client, and what an executor checks by itself.

#[cfg(feature = "executor")]
pub mod executor;
#[cfg(feature = "http")]
pub mod http;
pub mod wire;

#[cfg(feature = "http")]
pub use http::{Client, ClientError, Event};
