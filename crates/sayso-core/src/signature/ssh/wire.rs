//! SSH's way to write things one after the other (RFC 4251, section 5).

/// What is wrong with it.
type Wrong = &'static str;

const EARLY: Wrong = "it ends early";

pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn end(&self) -> Result<(), Wrong> {
        if self.rest.is_empty() { Ok(()) } else { Err("bytes follow its end") }
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(EARLY)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Wrong> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Wrong> {
        self.fixed().map(u32::from_be_bytes)
    }

    pub(super) fn string(&mut self) -> Result<&'a [u8], Wrong> {
        let length = usize::try_from(self.u32()?).map_err(|_| EARLY)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(EARLY)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Wrong> {
        std::str::from_utf8(self.string()?).map_err(|_| "a text is not UTF-8")
    }

    /// A positive number of at most 32 bytes, in its shortest spelling; with zeros before it.
    pub(super) fn scalar(&mut self) -> Result<[u8; 32], Wrong> {
        let bytes = self.string()?;
        let digits = match bytes {
            [0, digits @ ..] if digits.first().is_some_and(|first| *first >= 0x80) => digits,
            [first, ..] if (1..0x80).contains(first) => bytes,
            _ => return Err("a number is not positive, or not as short as it could be"),
        };
        let mut scalar = [0; 32];
        let start = 32_usize.checked_sub(digits.len()).ok_or("a number is too large")?;
        scalar[start..].copy_from_slice(digits);
        Ok(scalar)
    }
}

/// Writes `bytes` with their length before them.
pub(super) fn put_string(to: &mut Vec<u8>, bytes: &[u8]) {
    // Only parts of what is within the limits are written.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(bytes);
}
