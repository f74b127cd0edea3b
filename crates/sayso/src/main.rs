//! sayso
fn main() {}
