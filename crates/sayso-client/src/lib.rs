//! What a program needs to ask for a human's say-so: the wire types of the HTTP contract, and a
//! small blocking client.

#[cfg(feature = "http")]
pub mod http;
pub mod wire;

#[cfg(feature = "http")]
pub use http::{Client, ClientError, Event};
