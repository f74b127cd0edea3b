//! Providers that lie, and what becomes of it. A provider that tells the truth, and is none of
//! ours, is in the site's own tests.
#![allow(clippy::unwrap_used, reason = "tests may panic, and helpers are tests too")]

mod honest;
mod liar;
mod lies;
mod settings;
