//! People's keys: what is proved, and what is not taken as proof.

mod authenticator;
mod batches;
mod passkeys;
mod published;
mod ssh;
mod strange;
