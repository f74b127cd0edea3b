//! What the browser says it was asked (`WebAuthn`, section 5.8.1).

use serde_json::Value;

use super::base64url::Base64Url;
use super::passkey::RelyingParty;
use super::refusal::BadProof;
use crate::json::{self, Limits};

const PART: &str = "client_data_json";
const LIMITS: Limits = Limits { bytes: 4096, depth: 8 };

/// Which ceremony it was.
#[derive(Clone, Copy)]
pub(super) enum Ceremony {
    Registration,
    Assertion,
}

impl Ceremony {
    const fn word(self) -> &'static str {
        match self {
            Self::Registration => "webauthn.create",
            Self::Assertion => "webauthn.get",
        }
    }
}

/// Checks that the browser was asked for `ceremony` over `challenge` on a page of `rp` (sections
/// 7.1 and 7.2, steps on C). Members that are not known are let be, as the standard demands;
/// members given twice are not.
pub(super) fn check(
    bytes: &[u8],
    ceremony: Ceremony,
    challenge: &[u8],
    rp: &RelyingParty,
) -> Result<(), BadProof> {
    if bytes.len() > LIMITS.bytes {
        return Err(BadProof::TooLarge { part: PART, limit: LIMITS.bytes });
    }
    let Ok(Value::Object(data)) = json::read(bytes, LIMITS) else {
        return Err(BadProof::malformed(PART, "it is not one strict JSON object"));
    };
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    let missing = || BadProof::malformed(PART, "type, challenge and origin must be texts");

    let found = text("type").ok_or_else(missing)?;
    if found != ceremony.word() {
        return Err(BadProof::Type { found: found.into(), wanted: ceremony.word() });
    }
    if text("challenge").ok_or_else(missing)? != Base64Url::from(challenge).to_string() {
        return Err(BadProof::Challenge);
    }
    let origin = text("origin").ok_or_else(missing)?;
    if !rp.allows(origin) {
        return Err(BadProof::Origin(origin.into()));
    }
    match data.get("crossOrigin") {
        None | Some(Value::Bool(false)) if !data.contains_key("topOrigin") => Ok(()),
        _ => Err(BadProof::CrossOrigin),
    }
}
