use sayso_core::ReviewerName;
use sayso_core::decision::{Assurance, Says, Seen, VerifiedDecision};

fn main() {
    let by = ReviewerName::new("ana").unwrap();
    let (says, seen, assurance) = (Says::Approve, Seen::default(), Assurance::Signed);
    let _ = VerifiedDecision { by, says, seen, assurance };
}
