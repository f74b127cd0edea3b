use sayso_core::grant::{HardGrant, SoftGrant};

fn hardened(grant: SoftGrant) -> HardGrant {
    grant
}

fn main() {}
