//! What an authenticator says of a ceremony (`WebAuthn`, section 6.1).

use super::{LONGEST_ID, Used};
use crate::digest::Digest;
use crate::signature::base64url::Base64Url;
use crate::signature::cbor;
use crate::signature::cose::CoseKey;
use crate::signature::passkey::RelyingParty;
use crate::signature::refusal::{BadKey, BadProof};

const PART: &str = "authenticator_data";
const LARGEST: usize = 4096;

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const MAY_BE_SYNCED: u8 = 1 << 3;
const IS_SYNCED: u8 = 1 << 4;
const HOLDS_CREDENTIAL: u8 = 1 << 6;
const HOLDS_EXTENSIONS: u8 = 1 << 7;

/// What both ceremonies have.
struct Common<'a> {
    flags: u8,
    used: Used,
    rest: &'a [u8],
}

/// Checks an assertion's authenticator data.
pub(super) fn assertion(bytes: &[u8], rp: &RelyingParty) -> Result<Used, BadProof> {
    let Common { flags, used, rest } = common(bytes, rp)?;
    if flags & HOLDS_CREDENTIAL != 0 {
        return Err(BadProof::Flags);
    }
    end_after_extensions(flags, rest)?;
    Ok(used)
}

/// Checks a registration's authenticator data; the credential's id and key are in it.
pub(super) fn registration(
    bytes: &[u8],
    rp: &RelyingParty,
) -> Result<(Base64Url, CoseKey, Used), BadProof> {
    let Common { flags, used, rest } = common(bytes, rp)?;
    if flags & HOLDS_CREDENTIAL == 0 {
        return Err(BadProof::Flags);
    }
    let early = || BadProof::malformed(PART, "it ends early");
    let (_aaguid, rest) = rest.split_first_chunk::<16>().ok_or_else(early)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(early)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length > LONGEST_ID {
        return Err(BadKey::CredentialId.into());
    }
    let (credential, rest) = rest.split_at_checked(length).ok_or_else(early)?;
    let (key, rest) = CoseKey::read_first(rest)?;
    end_after_extensions(flags, rest)?;
    Ok((credential.into(), key, used))
}

fn common<'a>(bytes: &'a [u8], rp: &RelyingParty) -> Result<Common<'a>, BadProof> {
    if bytes.len() > LARGEST {
        return Err(BadProof::TooLarge { part: PART, limit: LARGEST });
    }
    let early = || BadProof::malformed(PART, "it ends early");
    let (rp_hash, rest) = bytes.split_first_chunk::<32>().ok_or_else(early)?;
    let (&flags, rest) = rest.split_first().ok_or_else(early)?;
    let (counter, rest) = rest.split_first_chunk::<4>().ok_or_else(early)?;

    if rp_hash != Digest::of(rp.id().as_bytes()).as_bytes() {
        return Err(BadProof::RelyingParty);
    }
    if flags & PRESENT == 0 {
        return Err(BadProof::NotPresent);
    }
    if flags & VERIFIED == 0 {
        return Err(BadProof::NotVerified);
    }
    if flags & IS_SYNCED != 0 && flags & MAY_BE_SYNCED == 0 {
        return Err(BadProof::Flags);
    }
    let used =
        Used { counter: u32::from_be_bytes(*counter), may_be_synced: flags & MAY_BE_SYNCED != 0 };
    Ok(Common { flags, used, rest })
}

/// Extensions are passed over: we ask for none that would matter.
fn end_after_extensions(flags: u8, rest: &[u8]) -> Result<(), BadProof> {
    let mut reader = cbor::Reader::new(rest);
    let read = match flags & HOLDS_EXTENSIONS {
        0 => Ok(()),
        _ => reader.skip(),
    };
    read.and_then(|()| reader.end()).map_err(|why| BadProof::malformed(PART, why))
}
