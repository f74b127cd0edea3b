//! Passkeys: what is kept of one, and the checks of `WebAuthn` Level 3, sections 7.1 and 7.2.

mod authenticator;
mod registration;
mod relying_party;

use serde::{Deserialize, Deserializer, Serialize};

use super::base64url::Base64Url;
use super::client_data::{self, Ceremony};
use super::cose::CoseKey;
use super::refusal::{BadKey, BadProof};
use crate::digest::Digest;

pub use registration::Registration;
pub use relying_party::RelyingParty;

/// A passkey's public side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Passkey {
    credential: Base64Url,
    public_key: CoseKey,
    relying_party: RelyingParty,
}

/// What an authenticator answers when it is asked to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// What the authenticator says: for whom, who was there. Signed.
    pub authenticator_data: Base64Url,
    /// What the browser says: where, and over which challenge. Its hash is signed.
    pub client_data_json: Base64Url,
    /// The signature over both.
    pub signature: Base64Url,
}

/// What is learnt when a passkey is used, beyond that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// How often the authenticator says it has signed. Passkeys that are synced between devices
    /// always say 0, so a counter that doesn't rise is a thing to report, not to refuse.
    pub counter: u32,
    /// Whether the passkey may leave its device, to be synced or backed up.
    pub may_be_synced: bool,
}

/// The longest credential id there may be (`WebAuthn`, section 4).
const LONGEST_ID: usize = 1023;
/// An Ed25519 signature has 64 bytes, one of P-256 in DER at most 72.
const LONGEST_SIGNATURE: usize = 128;

impl Passkey {
    /// A passkey of these parts.
    pub fn new(
        credential: Base64Url,
        public_key: CoseKey,
        relying_party: RelyingParty,
    ) -> Result<Self, BadKey> {
        match credential.as_bytes().len() {
            1..=LONGEST_ID => Ok(Self { credential, public_key, relying_party }),
            _ => Err(BadKey::CredentialId),
        }
    }

    /// The credential's id, by which an authenticator finds the key again.
    pub fn credential(&self) -> &Base64Url {
        &self.credential
    }

    /// The public key.
    pub fn public_key(&self) -> &CoseKey {
        &self.public_key
    }

    /// Whom it was made for.
    pub fn relying_party(&self) -> &RelyingParty {
        &self.relying_party
    }

    /// Whether `assertion` answers `challenge`: for a login, random bytes of the server's, at least
    /// 16, used once. Statements are held against their key by [`super::PersonKey::verify`].
    pub fn verify(&self, challenge: &[u8], assertion: &Assertion) -> Result<Used, BadProof> {
        let client_data = assertion.client_data_json.as_bytes();
        client_data::check(client_data, Ceremony::Assertion, challenge, &self.relying_party)?;
        let authenticator_data = assertion.authenticator_data.as_bytes();
        let used = authenticator::assertion(authenticator_data, &self.relying_party)?;

        let signature = assertion.signature.as_bytes();
        if signature.len() > LONGEST_SIGNATURE {
            return Err(BadProof::TooLarge { part: "signature", limit: LONGEST_SIGNATURE });
        }
        let mut signed = authenticator_data.to_vec();
        signed.extend_from_slice(Digest::of(client_data).as_bytes());
        self.public_key.key().verify_der(&signed, signature)?;
        Ok(used)
    }
}

impl<'de> Deserialize<'de> for Passkey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            credential: Base64Url,
            public_key: CoseKey,
            relying_party: RelyingParty,
        }
        let Written { credential, public_key, relying_party } = Written::deserialize(deserializer)?;
        Self::new(credential, public_key, relying_party).map_err(serde::de::Error::custom)
    }
}
