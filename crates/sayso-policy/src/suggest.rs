//! Guesses what a misspelt word was meant to be.

/// The word nearest to `name`, if one is near enough to be meant.
pub(crate) fn closest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    // A key of the text may be of any length; none that long is a slip of the pen.
    if name.len() > 40 {
        return None;
    }
    let near = known.iter().map(|word| (distance(name, word), *word));
    near.filter(|(distance, word)| *distance <= 1 + word.len() / 4).min().map(|(_, word)| word)
}

/// How many letters must be put in, left out, changed or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in 0..=from.len() {
        for j in 0..=to.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(from[i - 1] != to[j - 1]);
                let mut least = rows[i - 1][j - 1] + change;
                least = least.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_another_word_is_not() {
        let known = ["tier", "tool", "quorum", "unheard_after"];
        assert_eq!(closest("teir", &known), Some("tier"));
        assert_eq!(closest("tools", &known), Some("tool"));
        assert_eq!(closest("unheard-after", &known), Some("unheard_after"));
        assert_eq!(closest("severity", &known), None);
        assert_eq!(closest(&"t".repeat(10_000), &known), None);
    }
}
