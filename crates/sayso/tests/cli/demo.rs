//! The demo answers by itself, and checks what came of it.

use std::time::{Duration, Instant};

use crate::server::sayso;

#[test]
fn the_unattended_demo_ends_well_within_a_minute() {
    let started = Instant::now();
    let output = sayso().args(["demo", "--unattended"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{printed}\n{problem}");
    for line in ["Meanwhile committed", "granted by silence", "is gone, after you approved"] {
        assert!(printed.contains(line), "{line:?} is missing in:\n{printed}");
    }
    assert!(started.elapsed() < Duration::from_mins(1));
}
