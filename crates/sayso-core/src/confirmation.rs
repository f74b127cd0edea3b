//! Confirmation keys: what an executor must have besides its credential, so that a stolen
//! credential alone redeems nothing. `DPoP` (RFC 9449) over a permit's `cnf` (RFC 7800).
//!
//! Whoever asks, proves that it has the key now, for this request and this permit.

mod key;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;
use crate::json;
use crate::period::Period;
use crate::signature::Base64Url;

pub use key::{BadJwk, ConfirmationKey, Jwk};

/// How old a proof may be.
pub const PROOF_LASTS: Period = Period::from_secs(60);
/// How far ahead of ours the clock of who proves may be.
pub const PROOF_AHEAD: Period = Period::from_secs(30);
/// The `typ` of a proof.
const TYP: &str = "dpop+jwt";
/// The longest proof looked at, and the longest id it may have.
const LONGEST: usize = 4 * 1024;
const LONGEST_ID: usize = 256;

/// What a key is known by: the SHA-256 of its JWK (RFC 7638), in base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint(Digest);

/// Not a thumbprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's thumbprint is 43 characters of base64url (RFC 7638)")]
pub struct BadThumbprint;

/// Not the name of a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeyName {
    /// Not a thumbprint.
    #[error("{0}; or name the key as a public JWK")]
    Thumbprint(#[from] BadThumbprint),
    /// Not a JWK that proofs are made by.
    #[error(transparent)]
    Jwk(#[from] BadJwk),
}

impl Thumbprint {
    /// That of the Ed25519 key with these 32 bytes.
    pub fn of_ed25519(key: &[u8; 32]) -> Self {
        let x = Base64Url::from(key.as_slice());
        Self::of(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#))
    }

    /// That of a key as people name it: by its thumbprint, or as a public JWK.
    pub fn named(key: &str) -> Result<Self, BadKeyName> {
        match key.trim_start().starts_with('{') {
            true => Ok(Jwk::parse(key)?.thumbprint()?),
            false => Ok(key.parse()?),
        }
    }

    fn of(required: &str) -> Self {
        Self(Digest::of(required.as_bytes()))
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Url::from(self.0.as_bytes().as_slice()).fmt(f)
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

impl FromStr for Thumbprint {
    type Err = BadThumbprint;

    fn from_str(text: &str) -> Result<Self, BadThumbprint> {
        let bytes: Base64Url = text.parse().map_err(|_| BadThumbprint)?;
        let bytes = bytes.as_bytes().try_into().map_err(|_| BadThumbprint)?;
        Ok(Self(Digest::from_bytes(bytes)))
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A permit's `cnf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    /// The key's thumbprint.
    pub jkt: Thumbprint,
}

/// The request that a proof is for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its address, without query and fragment.
    pub uri: &'a str,
    /// The permit that it redeems.
    pub permit: &'a str,
}

/// A proof that doesn't prove who asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProof {
    /// Not a proof at all.
    #[error("it is not a DPoP proof: {0}")]
    Malformed(String),
    /// Not the type, or an algorithm that is not its key's.
    #[error("its header must have typ {TYP}, alg EdDSA or ES256 as its jwk has it, and that jwk")]
    Header,
    /// The key it shows is none.
    #[error("its jwk: {0}")]
    Key(#[from] BadJwk),
    /// Not signed by the key it shows.
    #[error("its signature does not hold")]
    Signature,
    /// Made for something else.
    #[error("its `{claim}` is {found:?}, and this is {wanted:?}")]
    Misfit {
        /// The claim.
        claim: &'static str,
        /// What it says.
        found: String,
        /// What it must say.
        wanted: String,
    },
    /// Made at another time.
    #[error("its `iat` is not of this minute; is the clock right?")]
    Time,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: String,
}

/// Checks a proof against the request it came with; by which key it is, if it holds. Whether that
/// is the right key is for who asked to say.
pub fn check(proof: &str, request: &Request<'_>, at: Timestamp) -> Result<Thumbprint, BadProof> {
    let malformed = |why: &dyn fmt::Display| BadProof::Malformed(why.to_string());
    let mut parts = proof.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed(&"it has not three parts"));
    };
    if proof.len() > LONGEST {
        return Err(malformed(&"it is too long"));
    }
    let decode = |part: &str| part.parse::<Base64Url>().map_err(|bad| malformed(&bad));
    let limits = json::Limits { bytes: LONGEST, depth: 8 };
    let Header { typ, alg, jwk } =
        json::read_into(decode(header)?.as_bytes(), limits).map_err(|bad| malformed(&bad))?;
    if typ != TYP || alg != jwk.algorithm() {
        return Err(BadProof::Header);
    }
    let signed = &proof[..header.len() + 1 + claims.len()];
    if !jwk.verifies(signed.as_bytes(), decode(signature)?.as_bytes())? {
        return Err(BadProof::Signature);
    }
    let said: Claims =
        json::read_into(decode(claims)?.as_bytes(), limits).map_err(|bad| malformed(&bad))?;
    let Claims { jti, htm, htu, iat, ath } = said;
    if jti.is_empty() || jti.len() > LONGEST_ID {
        return Err(malformed(&"its `jti` must have 1 to 256 bytes"));
    }
    let wanted = [
        ("htm", htm, request.method.to_owned()),
        ("htu", htu, request.uri.to_owned()),
        ("ath", ath, hash(request.permit)),
    ];
    if let Some((claim, found, wanted)) =
        wanted.into_iter().find(|(_, found, wanted)| found != wanted)
    {
        return Err(BadProof::Misfit { claim, found, wanted });
    }
    let made = Timestamp::from_second(iat).map_err(|_| BadProof::Time)?;
    let in_time = made <= PROOF_AHEAD.after(at) && at <= PROOF_LASTS.after(made);
    if !in_time {
        return Err(BadProof::Time);
    }
    jwk.thumbprint().map_err(BadProof::Key)
}

/// What a proof says of the permit it goes with.
fn hash(permit: &str) -> String {
    Base64Url::from(Digest::of(permit.as_bytes()).as_bytes().as_slice()).to_string()
}

impl ConfirmationKey {
    /// The proof that goes with a request, in its header `DPoP`. `jti` is to be random.
    pub fn prove(&self, request: &Request<'_>, jti: &str, at: Timestamp) -> String {
        let jwk = self.public();
        let header = Header { typ: TYP.into(), alg: jwk.algorithm().into(), jwk };
        let claims = Claims {
            jti: jti.into(),
            htm: request.method.into(),
            htu: request.uri.into(),
            iat: at.as_second(),
            ath: hash(request.permit),
        };
        let part = |bytes: Vec<u8>| Base64Url::from(bytes).to_string();
        let signed =
            format!("{}.{}", part(json::canonical(&header)), part(json::canonical(&claims)));
        let signature = part(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}
