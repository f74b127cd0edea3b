//! What the core promises, tried from outside.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod json_door;
