//! People's keys: what is proved, and what is not taken as proof.

pub(crate) mod authenticator;
mod batches;
mod enrolments;
mod passkeys;
mod published;
mod ssh;
mod strange;
