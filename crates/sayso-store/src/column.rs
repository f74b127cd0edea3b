//! How columns become the law's own types, and back, whichever store they are in.

use jiff::Timestamp;
use sayso_core::{Digest, Tier};

use crate::{Result, StoreError};

pub(crate) fn parsed<T>(text: &str) -> Result<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error: T::Err| StoreError::Corrupt(error.to_string()))
}

pub(crate) fn time(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| StoreError::Corrupt(error.to_string()))
}

pub(crate) fn digest(bytes: &[u8]) -> Result<Digest> {
    let bytes = <[u8; 32]>::try_from(bytes);
    bytes.map(Digest::from_bytes).map_err(|_| StoreError::Corrupt("a digest is cut short".into()))
}

pub(crate) fn tier_number(tier: Tier) -> i16 {
    match tier {
        Tier::Fyi => 1,
        Tier::Soft => 2,
        Tier::Hard => 3,
    }
}

/// The stores' integers are signed; ours never are.
pub(crate) fn signed<T: TryInto<i64>>(number: T) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
