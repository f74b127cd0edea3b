//! Numbers of the policy, compared exactly with numbers of JSON.

use std::cmp::Ordering;
use std::fmt;

/// A number written in the policy: whole, or finite with a fraction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    /// A whole number.
    Whole(i64),
    /// Any other; never NaN or infinite.
    Fraction(f64),
}

impl Number {
    /// How `found` compares with this number; none if it has no exact value we can read.
    ///
    /// Exact: whole numbers are never rounded to floats, so a limit can't be passed by one.
    pub(crate) fn compare(self, found: &serde_json::Number) -> Option<Ordering> {
        let whole = found.as_i64().map(i128::from).or_else(|| found.as_u64().map(i128::from));
        match (whole, self) {
            (Some(found), Self::Whole(limit)) => Some(found.cmp(&i128::from(limit))),
            (Some(found), Self::Fraction(limit)) => Some(compare_mixed(found, limit)),
            (None, limit) => {
                let found = found.as_f64().filter(|float| float.is_finite())?;
                match limit {
                    Self::Whole(limit) => Some(compare_mixed(limit.into(), found).reverse()),
                    Self::Fraction(limit) => found.partial_cmp(&limit),
                }
            }
        }
    }

    /// How this number compares with another of the policy.
    pub(crate) fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(left), Self::Whole(right)) => Some(left.cmp(&right)),
            (Self::Whole(left), Self::Fraction(right)) => Some(compare_mixed(left.into(), right)),
            (Self::Fraction(left), Self::Whole(right)) => {
                Some(compare_mixed(right.into(), left).reverse())
            }
            (Self::Fraction(left), Self::Fraction(right)) => left.partial_cmp(&right),
        }
    }
}

/// How a whole number of at most 64 bits compares with a finite float.
#[expect(clippy::cast_possible_truncation, reason = "beyond 128 bits it saturates: same order")]
fn compare_mixed(whole: i128, float: f64) -> Ordering {
    let by_whole_part = whole.cmp(&(float.trunc() as i128));
    let by_fraction = 0.0_f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal);
    by_whole_part.then(by_fraction)
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Fraction(number) => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compare(found: &serde_json::Value, limit: Number) -> Ordering {
        limit.compare(found.as_number().unwrap()).unwrap()
    }

    #[test]
    fn comparison_is_exact_where_floats_would_round() {
        let limit = Number::Whole(9_007_199_254_740_992);
        assert_eq!(compare(&json!(9_007_199_254_740_993_u64), limit), Ordering::Greater);
        assert_eq!(compare(&json!(9_007_199_254_740_992.0), limit), Ordering::Equal);
        assert_eq!(compare(&json!(u64::MAX), Number::Whole(i64::MAX)), Ordering::Greater);
        assert_eq!(compare(&json!(1e300), Number::Whole(i64::MAX)), Ordering::Greater);
        assert_eq!(compare(&json!(-1e300), Number::Whole(i64::MIN)), Ordering::Less);
    }

    #[test]
    fn whole_numbers_and_fractions_mix() {
        assert_eq!(compare(&json!(50), Number::Fraction(50.5)), Ordering::Less);
        assert_eq!(compare(&json!(-50), Number::Fraction(-50.5)), Ordering::Greater);
        assert_eq!(compare(&json!(50.5), Number::Whole(50)), Ordering::Greater);
        assert_eq!(compare(&json!(50.0), Number::Whole(50)), Ordering::Equal);
        assert_eq!(compare(&json!(-0.0), Number::Whole(0)), Ordering::Equal);
    }
}
