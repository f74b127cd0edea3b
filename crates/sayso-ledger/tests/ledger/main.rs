//! The log's formats: against the definitions, the published vectors, and another's checker.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod foreign;
mod forgeries;
mod leaves;
mod notes;
mod ssh;
mod story;
mod trees;
mod vectors;
mod world;
