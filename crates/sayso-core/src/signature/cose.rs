//! COSE public keys (RFC 9053), as authenticators write them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::base64url::Base64Url;
use super::cbor;
use super::public_key::PublicKey;
use super::refusal::BadKey;

/// A passkey's public key: ES256 (P-256) or Ed25519. Kept as the bytes of its only spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoseKey {
    bytes: Base64Url,
    key: PublicKey,
}

// Labels and values of the registries "COSE Key Common Parameters", "COSE Algorithms" and
// "COSE Elliptic Curves".
const KEY_TYPE: i64 = 1;
const ALGORITHM: i64 = 3;
const CURVE: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const OKP: i64 = 1;
const EC2: i64 = 2;
const P256: i64 = 1;
const ED25519: i64 = 6;

impl CoseKey {
    /// The algorithms to offer a browser (`pubKeyCredParams`), the preferred one first.
    pub const ALGORITHMS: [i64; 2] = [Self::ES256, Self::EDDSA];
    const ES256: i64 = -7;
    const EDDSA: i64 = -8;
    const TAKEN: &'static str = "ES256 on P-256 and EdDSA on Ed25519";

    /// Reads a key that is all of `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, BadKey> {
        let (key, rest) = Self::read_first(bytes)?;
        if rest.is_empty() { Ok(key) } else { Err(BadKey::NotCose("bytes follow its end")) }
    }

    /// Reads the key that `bytes` begin with, and gives what follows it.
    pub(super) fn read_first(bytes: &[u8]) -> Result<(Self, &[u8]), BadKey> {
        let mut reader = cbor::Reader::new(bytes);
        let key = read_parameters(&mut reader)?;
        let rest = reader.rest();
        let own = &bytes[..bytes.len() - rest.len()];
        Ok((Self { bytes: own.into(), key }, rest))
    }

    /// The key in COSE.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_bytes()
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// Authenticators write exactly these parameters in exactly this order (`WebAuthn` §6.5.1,
/// CTAP2's canonical CBOR), so nothing else is read.
fn read_parameters(reader: &mut cbor::Reader<'_>) -> Result<PublicKey, BadKey> {
    let not_cose = BadKey::NotCose;
    let pairs = reader.map().map_err(not_cose)?;
    let key_type = parameter(reader, KEY_TYPE)?;
    let algorithm = parameter(reader, ALGORITHM)?;
    let kind = || BadKey::Kind {
        found: format!("{key_type} with the algorithm {algorithm}"),
        taken: CoseKey::TAKEN,
    };
    match (key_type, algorithm) {
        (EC2, CoseKey::ES256) if pairs == 5 => {
            if parameter(reader, CURVE)? != P256 {
                return Err(kind());
            }
            let mut point = vec![4];
            for label in [X, Y] {
                expect(reader, label)?;
                let coordinate = reader.bytes().map_err(not_cose)?;
                if coordinate.len() != 32 {
                    return Err(BadKey::NotCose("a coordinate has not 32 bytes"));
                }
                point.extend_from_slice(coordinate);
            }
            PublicKey::p256(&point)
        }
        (OKP, CoseKey::EDDSA) if pairs == 4 => {
            if parameter(reader, CURVE)? != ED25519 {
                return Err(kind());
            }
            expect(reader, X)?;
            PublicKey::ed25519(reader.bytes().map_err(not_cose)?)
        }
        (EC2, CoseKey::ES256) | (OKP, CoseKey::EDDSA) => {
            Err(BadKey::NotCose("it has not exactly the parameters of its kind"))
        }
        _ => Err(kind()),
    }
}

fn parameter(reader: &mut cbor::Reader<'_>, label: i64) -> Result<i64, BadKey> {
    expect(reader, label)?;
    reader.integer().map_err(BadKey::NotCose)
}

fn expect(reader: &mut cbor::Reader<'_>, label: i64) -> Result<(), BadKey> {
    match reader.integer().map_err(BadKey::NotCose)? == label {
        true => Ok(()),
        false => Err(BadKey::NotCose("its parameters are not those of its kind, in order")),
    }
}

impl Serialize for CoseKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CoseKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Base64Url::deserialize(deserializer)?;
        Self::read(bytes.as_bytes()).map_err(serde::de::Error::custom)
    }
}
