//! One try to log in, by one browser.
//!
//! The browser holds a secret in a cookie; what the provider sees (`state`, `nonce`, the PKCE
//! challenge) is derived from it one way. So nothing has to be kept on any server, and whoever can
//! finish a login is the browser that began it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sayso_core::{Digest, Period};

use crate::provider::Callback;

/// How many random bytes an attempt takes.
pub const ENTROPY: usize = 32;

/// What a browser that is logging in holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    secret: [u8; ENTROPY],
    since: i64,
}

impl Attempt {
    /// How long somebody may take at the provider.
    pub const LASTS: Period = Period::from_secs(600);

    /// A new one.
    pub fn from_entropy(secret: [u8; ENTROPY], now: Timestamp) -> Self {
        Self { secret, since: now.as_second() }
    }

    /// The secret, for the cookie.
    pub fn reveal(&self) -> String {
        format!("{}.{}", hex::encode(self.secret), self.since)
    }

    /// Whether what a browser brings back answers this attempt, in time.
    pub fn is_answered_by(&self, callback: &Callback, now: Timestamp) -> bool {
        let state = callback.state.as_deref().unwrap_or_default();
        // Hashes are compared, so that the time it takes tells nothing.
        let answers = Digest::of(state.as_bytes()) == Digest::of(self.state().as_bytes());
        answers && self.is_in_time(now)
    }

    fn is_in_time(&self, now: Timestamp) -> bool {
        let now = now.as_second();
        let until = self.since.saturating_add_unsigned(Self::LASTS.as_micros() / 1_000_000);
        (self.since..until).contains(&now)
    }

    /// Goes to the provider and back by the browser.
    pub(crate) fn state(&self) -> String {
        self.derive(b"sayso login state\n")
    }

    /// Comes back inside the ID token.
    pub(crate) fn nonce(&self) -> String {
        self.derive(b"sayso login nonce\n")
    }

    /// Goes to the provider from this server, and proves that it began the login. RFC 7636 wants
    /// 43 to 128 characters.
    pub(crate) fn verifier(&self) -> String {
        self.derive(b"sayso login verifier\n")
    }

    fn derive(&self, tag: &[u8]) -> String {
        // The time is part of it, so that nobody makes an old answer young.
        Digest::of_parts(&[tag, &self.secret, &self.since.to_be_bytes()]).to_string()
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(…)")
    }
}

/// A cookie that holds no attempt.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no login attempt")]
pub struct NoAttempt;

impl FromStr for Attempt {
    type Err = NoAttempt;

    fn from_str(text: &str) -> Result<Self, NoAttempt> {
        let (secret, since) = text.split_once('.').ok_or(NoAttempt)?;
        let mut bytes = [0; ENTROPY];
        hex::decode_to_slice(secret, &mut bytes).map_err(|_| NoAttempt)?;
        Ok(Self { secret: bytes, since: since.parse().map_err(|_| NoAttempt)? })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_attempt_survives_its_cookie() {
        let attempt = Attempt::from_entropy([7; ENTROPY], at("2026-03-01T09:00:00Z"));
        assert_eq!(attempt.reveal().parse::<Attempt>().unwrap(), attempt);
        for wrong in ["", ".", "7.7", &attempt.reveal().replace('.', ""), "é.1"] {
            assert_eq!(wrong.parse::<Attempt>(), Err(NoAttempt), "{wrong}");
        }
    }

    #[test]
    fn an_attempt_ends_after_ten_minutes_and_is_not_made_younger() {
        let began = at("2026-03-01T09:00:00Z");
        let attempt = Attempt::from_entropy([7; ENTROPY], began);
        assert!(attempt.is_in_time(at("2026-03-01T09:09:59Z")));
        assert!(!attempt.is_in_time(at("2026-03-01T09:10:00Z")));
        let younger = Attempt::from_entropy([7; ENTROPY], at("2026-03-01T09:05:00Z"));
        assert_ne!(younger.state(), attempt.state());
    }

    #[test]
    fn what_the_provider_sees_are_three_different_texts_that_do_not_show_the_secret() {
        let attempt = Attempt::from_entropy([7; ENTROPY], at("2026-03-01T09:00:00Z"));
        let (state, nonce, verifier) = (attempt.state(), attempt.nonce(), attempt.verifier());
        assert!(state != nonce && nonce != verifier && state != verifier);
        assert!((43..=128).contains(&verifier.len()));
        assert!(!attempt.reveal().contains(&state) && !format!("{attempt:?}").contains("07"));
    }
}
