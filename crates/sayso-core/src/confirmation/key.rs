//! Keys as JWK (RFC 7517, RFC 8037): Ed25519 and P-256, and nothing else.

use ed25519_dalek::Signer as _;
use serde::{Deserialize, Serialize};

use super::Thumbprint;
use crate::json;
use crate::signature::{BadKey, Base64Url, PublicKey};

/// A key that can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJwk {
    /// Not JSON, or not of a JWK's form.
    #[error("not a JWK: {0}")]
    Malformed(String),
    /// A kind that is not taken.
    #[error("only kty OKP with crv Ed25519, and kty EC with crv P-256, are taken")]
    Kind,
    /// A public key where the private one is needed, or the other way round.
    #[error("{0}")]
    Half(&'static str),
    /// Not a sound key of its kind.
    #[error("the key is no sound point of its curve")]
    Point,
    /// The two halves belong to two keys.
    #[error("its private and its public half are of two keys")]
    Halves,
}

impl From<BadKey> for BadJwk {
    fn from(_: BadKey) -> Self {
        Self::Point
    }
}

/// A public key, as a JWK.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    kty: String,
    crv: String,
    x: Base64Url,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<Base64Url>,
}

impl Jwk {
    /// Reads a public key, and refuses one with its private half.
    pub fn parse(text: &str) -> Result<Self, BadJwk> {
        let (public, private) = read(text)?;
        if private.is_some() {
            return Err(BadJwk::Half("this is the private key: keep it, and give the public one"));
        }
        public.key()?;
        Ok(public)
    }

    /// What it is known by.
    pub fn thumbprint(&self) -> Result<Thumbprint, BadJwk> {
        self.key()?;
        let Self { kty, crv, x, y } = self;
        Ok(Thumbprint::of(&match y {
            None => format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}"}}"#),
            Some(y) => format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}"#),
        }))
    }

    /// What it signs by (RFC 7518, RFC 8037).
    pub(super) fn algorithm(&self) -> &'static str {
        if self.kty == "EC" { "ES256" } else { "EdDSA" }
    }

    /// Whether that is its signature.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> Result<bool, BadJwk> {
        Ok(self.key()?.verify_raw(message, signature).is_ok())
    }

    fn key(&self) -> Result<PublicKey, BadJwk> {
        match (self.kty.as_str(), self.crv.as_str(), &self.y) {
            ("OKP", "Ed25519", None) => Ok(PublicKey::ed25519(self.x.as_bytes())?),
            ("EC", "P-256", Some(y)) => {
                let (x, y) = (self.x.as_bytes(), y.as_bytes());
                match (x.len(), y.len()) {
                    (32, 32) => Ok(PublicKey::p256(&[&[4], x, y].concat())?),
                    _ => Err(BadJwk::Point),
                }
            }
            _ => Err(BadJwk::Kind),
        }
    }
}

/// An executor's own key.
pub struct ConfirmationKey {
    secret: Secret,
    public: Jwk,
}

enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl ConfirmationKey {
    /// An Ed25519 key of that seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let x = Base64Url::from(key.verifying_key().as_bytes().as_slice());
        let public = Jwk { kty: "OKP".into(), crv: "Ed25519".into(), x, y: None };
        Self { secret: Secret::Ed25519(key), public }
    }

    /// Reads a private JWK.
    pub fn parse(text: &str) -> Result<Self, BadJwk> {
        let (public, private) = read(text)?;
        let private = private
            .ok_or(BadJwk::Half("this is the public key, and signing takes the private one"))?;
        public.key()?;
        let key = if public.kty == "EC" {
            let secret = p256::ecdsa::SigningKey::from_slice(private.as_bytes())
                .map_err(|_| BadJwk::Point)?;
            let point = secret.verifying_key().to_sec1_point(false);
            let half = |half: Option<&[u8]>| half.map(Base64Url::from).unwrap_or_default();
            let (x, y) = (half(point.x().map(AsRef::as_ref)), half(point.y().map(AsRef::as_ref)));
            let public = Jwk { kty: "EC".into(), crv: "P-256".into(), x, y: Some(y) };
            Self { secret: Secret::P256(secret), public }
        } else {
            Self::from_seed(private.as_bytes().try_into().map_err(|_| BadJwk::Point)?)
        };
        if key.public == public { Ok(key) } else { Err(BadJwk::Halves) }
    }

    /// The private JWK, to be kept where nobody else reads.
    pub fn reveal(&self) -> String {
        let d = Base64Url::from(match &self.secret {
            Secret::Ed25519(key) => key.to_bytes().to_vec(),
            Secret::P256(key) => key.to_bytes().to_vec(),
        });
        let Jwk { kty, crv, x, y } = &self.public;
        let y = y.as_ref().map(|y| format!(r#","y":"{y}""#)).unwrap_or_default();
        format!(r#"{{"kty":"{kty}","crv":"{crv}","x":"{x}"{y},"d":"{d}"}}"#)
    }

    /// Its public half.
    pub fn public(&self) -> Jwk {
        self.public.clone()
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            Secret::P256(key) => {
                use p256::ecdsa::signature::Signer;
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
        }
    }
}

/// Both halves of a JWK; members that say nothing about the key itself are passed over.
fn read(text: &str) -> Result<(Jwk, Option<Base64Url>), BadJwk> {
    #[derive(Deserialize)]
    struct Written {
        kty: String,
        #[serde(default)]
        crv: String,
        #[serde(default)]
        x: Base64Url,
        y: Option<Base64Url>,
        d: Option<Base64Url>,
    }
    let Written { kty, crv, x, y, d } =
        json::read_into(text.as_bytes(), json::Limits { bytes: 16 * 1024, depth: 8 })
            .map_err(|bad| BadJwk::Malformed(bad.to_string()))?;
    Ok((Jwk { kty, crv, x, y }, d))
}
