use sayso_core::Digest;
use sayso_core::grant::Quorum;

fn main() {
    let _ = Quorum { by: Vec::new(), digest: Digest::of(b"") };
}
