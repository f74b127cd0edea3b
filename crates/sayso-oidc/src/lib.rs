//! Logging people in by an `OpenID` Connect provider: authorization code flow with PKCE, ID tokens
//! checked against the provider's keys, claims mapped to roles and groups.
//!
//! It says who somebody is and what the provider's groups make of them. It knows no pages and keeps
//! nothing about anybody; who is let in is the directory's affair.

mod attempt;
mod claims;
mod failure;
mod http;
mod provider;
mod settings;
mod terms;
mod token;

pub use attempt::{Attempt, ENTROPY};
pub use claims::Identity;
pub use failure::Failure;
pub use provider::{Callback, Provider};
pub use settings::{BadSettings, Secret, Settings};
pub use terms::{Admission, Terms};
