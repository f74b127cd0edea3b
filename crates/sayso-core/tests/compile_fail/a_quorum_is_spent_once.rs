use sayso_core::grant::{HardGrant, Quorum};

fn granted(quorum: Quorum) -> (HardGrant, HardGrant) {
    (HardGrant::new(quorum), HardGrant::new(quorum))
}

fn main() {}
