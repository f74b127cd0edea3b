//! Numbers: which ones survive being spelt canonically, and as what they are read.
//!
//! RFC 8785 spells a number as the shortest decimal that names its double. A number passes only
//! if that decimal has the very value that was written.

use serde_json::{Number, Value};

/// Up to here every integer is a double; the first one that isn't is the next.
pub(super) const LAST_EXACT_INTEGER: u64 = 1 << 53;

/// A double holds every decimal of so many significant digits (C's `DBL_DIG`).
const DIGITS_ALWAYS_HELD: u64 = 15;

/// No shortest decimal of a double has more significant digits.
const DIGITS_EVER_NEEDED: u64 = 17;

/// A number token, read as `coefficient × 10^exponent` without trailing zeros.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    /// The significant digits; meaningless where there are more than a `u64` is sure to hold.
    coefficient: u64,
    digits: u64,
    exponent: i64,
}

impl Decimal {
    /// Takes `token` apart, which must follow the grammar of RFC 8259 section 6.
    fn of(token: &str) -> Self {
        let mut decimal =
            Self { negative: token.starts_with('-'), coefficient: 0, digits: 0, exponent: 0 };
        let mut zeros = 0;
        let mut in_fraction = false;
        for (at, byte) in token.bytes().enumerate() {
            match byte {
                b'.' => in_fraction = true,
                b'e' | b'E' => {
                    decimal.exponent = decimal.exponent.saturating_add(power(&token[at + 1..]));
                    break;
                }
                b'0'..=b'9' => {
                    decimal.exponent -= i64::from(in_fraction);
                    if byte != b'0' {
                        decimal.take_digit(byte - b'0', zeros);
                        zeros = 0;
                    } else if decimal.digits > 0 {
                        zeros += 1;
                    }
                }
                _ => {}
            }
        }
        // Zeros at the end belong to the exponent. There are fewer of them than bytes in memory.
        decimal.exponent = decimal.exponent.saturating_add_unsigned(zeros);
        decimal
    }

    /// Puts one more digit behind those at hand, with `zeros` between.
    fn take_digit(&mut self, digit: u8, zeros: u64) {
        self.digits += zeros + 1;
        // More digits than that decide nothing: the number is refused for having them.
        if self.digits <= DIGITS_EVER_NEEDED {
            for _ in 0..=zeros {
                self.coefficient *= 10;
            }
            self.coefficient += u64::from(digit);
        }
    }

    /// Whether a double is sure to hold this, and to give it back as the shortest decimal.
    fn is_plain(&self) -> bool {
        self.digits <= DIGITS_ALWAYS_HELD && (-290..=290).contains(&self.exponent)
    }

    /// This as an integer, if it is one and fits.
    fn integer(&self) -> Option<Value> {
        let power = 10_u64.checked_pow(u32::try_from(self.exponent).ok()?)?;
        let magnitude = self.coefficient.checked_mul(power)?;
        if self.negative {
            0_i64.checked_sub_unsigned(magnitude).map(Value::from)
        } else {
            Some(Value::from(magnitude))
        }
    }
}

/// An exponent as written behind the `e`. It may have any number of digits; beyond 2^50 all
/// of them mean the same to a document that fits into memory.
fn power(written: &str) -> i64 {
    let magnitude = written
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(0, |power: i64, digit| (power * 10 + i64::from(digit - b'0')).min(1 << 50));
    if written.starts_with('-') { -magnitude } else { magnitude }
}

/// Reads a number token, or says what canonicalising would make of it. `token` must follow the
/// grammar of RFC 8259 section 6.
pub(super) fn read(token: &str) -> Result<Value, String> {
    let decimal = Decimal::of(token);
    if decimal.digits == 0 {
        return Ok(Value::from(0)); // -0 too: RFC 8785 spells it 0.
    }
    let double = token.parse().unwrap_or(f64::INFINITY);
    if !decimal.is_plain() {
        let Some(spelt) = canonical(double) else {
            return Err("Infinity".to_owned());
        };
        if decimal.digits > DIGITS_EVER_NEEDED || decimal != Decimal::of(&spelt) {
            return Err(spelt);
        }
    }
    // A value must not depend on its spelling, so 10.0 is as much an integer as 10.
    decimal
        .integer()
        .or_else(|| Number::from_f64(double).map(Value::Number))
        .ok_or_else(|| "Infinity".to_owned())
}

/// The canonical spelling of a double, if it has one: infinities and NaN have not.
pub(super) fn canonical(double: f64) -> Option<String> {
    serde_json_canonicalizer::to_string(&double).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_apart_by_value() {
        for token in ["1200", "1.2e3", "0.0012E+6", "1200.000", "120000000e-5"] {
            let expected = Decimal { negative: false, coefficient: 12, digits: 2, exponent: 2 };
            assert_eq!(Decimal::of(token), expected, "{token}");
        }
        let tiny = Decimal { negative: true, coefficient: 10_203, digits: 5, exponent: -9 };
        assert_eq!(Decimal::of("-0.0000102030"), tiny);
    }

    #[test]
    fn an_endless_exponent_costs_nothing() {
        let endless = "9".repeat(100_000);
        assert_eq!(read(&format!("1e{endless}")), Err("Infinity".to_owned()));
        assert_eq!(read(&format!("1e-{endless}")), Err("0".to_owned()));
        assert_eq!(read(&format!("0e{endless}")), Ok(Value::from(0)));
        let zeros = "0".repeat(100_000);
        assert_eq!(read(&format!("1{zeros}e-100000")), Ok(Value::from(1)));
        assert_eq!(read(&format!("0.{zeros}1e100001")), Ok(Value::from(1)));
        assert_eq!(read(&format!("15{zeros}e-100001")), Ok(Value::from(1.5)));
        assert_eq!(read(&format!("0.{zeros}15e100001")), Ok(Value::from(1.5)));
    }
}
