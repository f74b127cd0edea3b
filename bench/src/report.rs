//! Figures beside what they must reach.

use std::fmt::Display;

/// Collects figures, and says in the end whether each was reached.
#[derive(Default)]
pub(crate) struct Report {
    missed: Vec<String>,
}

impl Report {
    /// A figure that must be at least `target`.
    pub(crate) fn at_least(&mut self, what: &str, value: f64, target: f64, unit: &str) {
        self.line(what, value, format_args!("≥ {target}"), unit, value >= target);
    }

    /// A figure that must be at most `target`.
    pub(crate) fn at_most(&mut self, what: &str, value: f64, target: f64, unit: &str) {
        self.line(what, value, format_args!("≤ {target}"), unit, value <= target);
    }

    /// A figure worth knowing.
    pub(crate) fn note(what: &str, value: f64, unit: &str) {
        println!("{what:<58} {value:>12.2} {unit}");
    }

    fn line(&mut self, what: &str, value: f64, target: impl Display, unit: &str, met: bool) {
        let verdict = if met { "met" } else { "MISSED" };
        println!("{what:<58} {value:>12.2} {unit:<8} {target:>12}  {verdict}");
        if !met {
            self.missed.push(what.to_owned());
        }
    }

    /// Fails if a figure was missed.
    pub(crate) fn finish(self) -> std::io::Result<()> {
        if self.missed.is_empty() {
            return Ok(());
        }
        Err(std::io::Error::other(format!("missed: {}", self.missed.join("; "))))
    }
}

/// The value below which that share of `sorted` lies.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    if sorted.is_empty() {
        return 0.0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a slice, from a share between 0 and 1"
    )]
    let index = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[index]
}
