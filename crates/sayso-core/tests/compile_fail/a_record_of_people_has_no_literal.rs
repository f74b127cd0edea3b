use sayso_core::Digest;
use sayso_core::grant::{ByDecision, Grant};

fn main() {
    let _ = Grant::Hard(ByDecision { by: Vec::new(), digest: Digest::of(b"") });
}
