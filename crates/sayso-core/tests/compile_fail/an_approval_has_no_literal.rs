use sayso_core::decision::Assurance;
use sayso_core::grant::Approval;
use sayso_core::{Digest, ReviewerName};

fn main() {
    let by = ReviewerName::new("ana").unwrap();
    let _ = Approval { by, digest: Digest::of(b""), assurance: Assurance::Signed };
}
