//! The two kinds of public key underneath: P-256 and Ed25519.

use p256::ecdsa::signature::Verifier;

use super::refusal::{BadKey, BadProof};

/// A public key, whatever it is wrapped in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl PublicKey {
    /// A P-256 key from its uncompressed point (SEC 1: 4, x, y).
    pub(crate) fn p256(point: &[u8]) -> Result<Self, BadKey> {
        // SEC 1 knows compressed points too; one key is to have one spelling.
        if point.len() != 65 {
            return Err(BadKey::Point);
        }
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| BadKey::Point)?;
        Ok(Self::P256(key))
    }

    /// An Ed25519 key from its 32 bytes.
    pub(crate) fn ed25519(bytes: &[u8]) -> Result<Self, BadKey> {
        let bytes = bytes.try_into().map_err(|_| BadKey::Point)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| BadKey::Point)?;
        // With a point of small order one signature fits many messages; and the same point in
        // another spelling would be another key.
        if key.is_weak() || key.to_edwards().compress().as_bytes() != bytes {
            return Err(BadKey::Point);
        }
        Ok(Self::Ed25519(key))
    }

    /// Whether `signature` fits, for ECDSA in DER.
    pub(super) fn verify_der(&self, message: &[u8], signature: &[u8]) -> Result<(), BadProof> {
        match self {
            Self::P256(key) => {
                let signature =
                    p256::ecdsa::Signature::from_der(signature).map_err(|_| BadProof::Signature)?;
                verify_p256(key, message, &signature)
            }
            Self::Ed25519(key) => verify_ed25519(key, message, signature),
        }
    }

    /// Whether `signature` fits, for ECDSA as r and s.
    pub(crate) fn verify_raw(&self, message: &[u8], signature: &[u8]) -> Result<(), BadProof> {
        match self {
            Self::P256(key) => {
                let signature = p256::ecdsa::Signature::from_slice(signature)
                    .map_err(|_| BadProof::Signature)?;
                verify_p256(key, message, &signature)
            }
            Self::Ed25519(key) => verify_ed25519(key, message, signature),
        }
    }
}

/// Both of the two values of s that fit are taken, since authenticators write either. So nothing
/// may be known by the bytes of a signature, or counted by them.
fn verify_p256(
    key: &p256::ecdsa::VerifyingKey,
    message: &[u8],
    signature: &p256::ecdsa::Signature,
) -> Result<(), BadProof> {
    key.verify(message, signature).map_err(|_| BadProof::Signature)
}

fn verify_ed25519(
    key: &ed25519_dalek::VerifyingKey,
    message: &[u8],
    signature: &[u8],
) -> Result<(), BadProof> {
    let signature =
        ed25519_dalek::Signature::from_slice(signature).map_err(|_| BadProof::Signature)?;
    key.verify_strict(message, &signature).map_err(|_| BadProof::Signature)
}
