//! The little of CBOR (RFC 8949) that authenticators write: CTAP2's canonical form, where lengths
//! are definite, numbers are as short as can be, and little stands inside one another.

/// What is wrong with it.
type Wrong = &'static str;

/// Attestations hold certificates in arrays in maps; nothing honest goes deeper than this.
const DEPTH: usize = 8;

/// Reads one item after the other.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// The start of an item: what it is, and its number or length.
struct Head {
    major: u8,
    argument: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// That nothing follows.
    pub(super) fn end(&self) -> Result<(), Wrong> {
        if self.rest.is_empty() { Ok(()) } else { Err("bytes follow its end") }
    }

    /// A map; how many pairs follow.
    pub(super) fn map(&mut self) -> Result<u64, Wrong> {
        match self.head()? {
            Head { major: 5, argument } => Ok(argument),
            _ => Err("a map was expected"),
        }
    }

    /// An integer, of those small enough for a COSE label or algorithm.
    pub(super) fn integer(&mut self) -> Result<i64, Wrong> {
        let Head { major, argument } = self.head()?;
        let magnitude = i64::try_from(argument).map_err(|_| "an integer is too large")?;
        match major {
            0 => Ok(magnitude),
            1 => Ok(-1 - magnitude),
            _ => Err("an integer was expected"),
        }
    }

    /// A byte string.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Wrong> {
        match self.head()? {
            Head { major: 2, argument } => self.take(argument),
            _ => Err("a byte string was expected"),
        }
    }

    /// A text.
    pub(super) fn text(&mut self) -> Result<&'a str, Wrong> {
        match self.head()? {
            Head { major: 3, argument } => {
                std::str::from_utf8(self.take(argument)?).map_err(|_| "a text is not UTF-8")
            }
            _ => Err("a text was expected"),
        }
    }

    /// Passes over one item, whatever it is.
    pub(super) fn skip(&mut self) -> Result<(), Wrong> {
        self.skip_within(DEPTH)
    }

    fn skip_within(&mut self, depth: usize) -> Result<(), Wrong> {
        let depth = depth.checked_sub(1).ok_or("too much stands inside one another")?;
        let Head { major, argument } = self.head()?;
        match major {
            2 | 3 => self.take(argument).map(drop),
            4 => (0..argument).try_for_each(|_| self.skip_within(depth)),
            5 => (0..argument).try_for_each(|_| {
                self.skip_within(depth)?;
                self.skip_within(depth)
            }),
            6 => Err("a tag, which authenticators don't write"),
            // An integer, or a simple value or float: its head was all of it.
            _ => Ok(()),
        }
    }

    fn head(&mut self) -> Result<Head, Wrong> {
        let (&first, rest) = self.rest.split_first().ok_or("it ends early")?;
        self.rest = rest;
        let major = first >> 5;
        let argument = match first & 31 {
            short @ 0..=23 => u64::from(short),
            long @ 24..=27 => {
                let width = 1 << (long - 24);
                let value = self.take(width)?.iter().fold(0, |sum, &b| sum << 8 | u64::from(b));
                // Of a simple value or float, the width is part of what it is.
                let least = if width == 1 { 24 } else { 1_u64 << (8 * (width / 2)) };
                if major != 7 && value < least {
                    return Err("a number is not as short as it could be");
                }
                value
            }
            31 => return Err("a length is left open"),
            _ => return Err("a reserved head"),
        };
        Ok(Head { major, argument })
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Wrong> {
        let length = usize::try_from(length).map_err(|_| "it ends early")?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("it ends early")?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_is_read() {
        assert_eq!(Reader::new(&[0x38, 0x18]).integer(), Ok(-25));
        assert_eq!(Reader::new(&[0x39, 0x01, 0x00]).integer(), Ok(-257));
        for longer in [&[0x18, 0x17][..], &[0x19, 0x00, 0xff], &[0x1a, 0, 0, 0xff, 0xff]] {
            assert_eq!(
                Reader::new(longer).integer(),
                Err("a number is not as short as it could be")
            );
        }
        assert_eq!(Reader::new(&[0x5f, 0x41, 0x00, 0xff]).bytes(), Err("a length is left open"));
        assert_eq!(Reader::new(&[0x42, 0x00]).bytes(), Err("it ends early"));
    }

    #[test]
    fn what_claims_to_hold_much_or_goes_deep_is_refused_at_once() {
        assert_eq!(Reader::new(&[0x9b, 0x7f, 0, 0, 0, 0, 0, 0, 0]).skip(), Err("it ends early"));
        assert_eq!(Reader::new(&[0x81; 9]).skip(), Err("too much stands inside one another"));
        assert!(Reader::new(&[0x81, 0x81, 0x81, 0x81, 0xf6]).skip().is_ok());
    }
}
