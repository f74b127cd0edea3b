//! What the core promises, tried from outside.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod compile_fail;
mod confirmations;
mod directory;
mod evidence;
mod examples;
mod exhaustive;
mod json_door;
mod laws;
mod random;
mod replay;
mod replicas;
mod separation;
mod signature;
mod statements;
mod timers;
mod world;
