use sayso_core::grant::{HardGrant, Quorum};

fn granted(quorum: Quorum) -> HardGrant {
    HardGrant { quorum }
}

fn main() {}
