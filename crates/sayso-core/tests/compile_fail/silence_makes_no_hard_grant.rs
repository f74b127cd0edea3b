use sayso_core::Period;
use sayso_core::grant::{HardGrant, HeardSilence};

fn main() {
    let silence = HeardSilence::full(Period::from_secs(60), Period::from_secs(60)).unwrap();
    let _ = HardGrant::new(silence);
}
