use sayso_core::decision::VerifiedDecision;
use sayso_core::grant::Quorum;
use sayso_core::{Digest, Verdict};

/// Whoever holds one decision, and calls as many people enough as they like.
fn completed(verdict: &Verdict, last: &VerifiedDecision) {
    let _ = Quorum::completed(verdict, &[], Digest::of(b""), &[], last);
}

fn main() {}
