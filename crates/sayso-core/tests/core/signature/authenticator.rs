//! An authenticator in software, with a browser around it, that can be told to lie.

use ed25519_dalek::Signer as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use sayso_core::signature::{Assertion, Base64Url, Passkey, Registration, RelyingParty};

pub(super) const ORIGIN: &str = "https://sayso.example.com";
pub(super) const RP: &str = "sayso.example.com";
pub(super) const PRESENT: u8 = 1;
pub(super) const VERIFIED: u8 = 4;
pub(super) const MAY_BE_SYNCED: u8 = 8;
pub(super) const IS_SYNCED: u8 = 16;
pub(super) const CREDENTIAL: u8 = 64;
pub(super) const EXTENSIONS: u8 = 128;

pub(super) enum Secret {
    P256(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

/// What goes into a ceremony; honest unless changed.
pub(crate) struct Authenticator {
    pub(super) secret: Secret,
    pub(super) credential: Vec<u8>,
    pub(super) rp: &'static str,
    pub(super) flags: u8,
    pub(super) counter: u32,
    /// What follows the fixed part of the authenticator data.
    pub(super) extensions: Vec<u8>,
    pub(super) client_data: Value,
}

impl Authenticator {
    pub(crate) fn p256(seed: u8) -> Self {
        Self::with(Secret::P256(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()))
    }

    pub(super) fn ed25519(seed: u8) -> Self {
        Self::with(Secret::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32])))
    }

    fn with(secret: Secret) -> Self {
        Self {
            secret,
            credential: b"credential".to_vec(),
            rp: RP,
            flags: PRESENT | VERIFIED,
            counter: 0,
            extensions: Vec::new(),
            client_data: json!({ "type": "webauthn.get", "origin": ORIGIN, "crossOrigin": false }),
        }
    }

    pub(super) fn claims(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.client_data[member] = value.into();
        self
    }

    /// The public key in COSE.
    pub(super) fn cose(&self) -> Vec<u8> {
        match &self.secret {
            Secret::P256(key) => {
                let point = key.verifying_key().to_sec1_bytes();
                let (x, y) = point[1..].split_at(32);
                [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y]
                    .concat()
            }
            Secret::Ed25519(key) => {
                let x = key.verifying_key().to_bytes();
                [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], &x].concat()
            }
        }
    }

    fn authenticator_data(&self, flags: u8, middle: &[u8]) -> Vec<u8> {
        let rp = Sha256::digest(self.rp.as_bytes());
        let counter = self.counter.to_be_bytes();
        [rp.as_slice(), &[flags], &counter, middle, &self.extensions].concat()
    }

    fn client_data(&self, challenge: &[u8], default_type: &str) -> Vec<u8> {
        let mut data = self.client_data.clone();
        if data.get("challenge").is_none() {
            data["challenge"] = Base64Url::from(challenge).to_string().into();
        }
        if data["type"] == "webauthn.get" {
            data["type"] = default_type.into();
        }
        serde_json::to_vec(&data).unwrap()
    }

    pub(crate) fn sign(&self, challenge: &[u8]) -> Assertion {
        let client_data = self.client_data(challenge, "webauthn.get");
        self.sign_over(&self.authenticator_data(self.flags, b""), &client_data)
    }

    pub(super) fn sign_over(&self, authenticator_data: &[u8], client_data: &[u8]) -> Assertion {
        let signed = [authenticator_data, Sha256::digest(client_data).as_slice()].concat();
        let signature = match &self.secret {
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(&signed);
                signature.to_der().as_bytes().to_vec()
            }
            Secret::Ed25519(key) => key.sign(&signed).to_vec(),
        };
        Assertion {
            authenticator_data: authenticator_data.into(),
            client_data_json: client_data.into(),
            signature: signature.into(),
        }
    }

    pub(super) fn attested(&self) -> Vec<u8> {
        let length = u16::try_from(self.credential.len()).unwrap().to_be_bytes();
        let middle = [&[0; 16][..], &length, &self.credential, &self.cose()].concat();
        self.authenticator_data(self.flags | CREDENTIAL, &middle)
    }

    pub(super) fn register(&self, challenge: &[u8]) -> Registration {
        self.register_with(challenge, &self.attested())
    }

    pub(super) fn register_with(
        &self,
        challenge: &[u8],
        authenticator_data: &[u8],
    ) -> Registration {
        let length = u16::try_from(authenticator_data.len()).unwrap().to_be_bytes();
        let head = match length {
            [0, short @ ..24] => vec![0x40 | short],
            [0, middling] => vec![0x58, middling],
            [high, low] => vec![0x59, high, low],
        };
        let members = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData";
        let object = [members, &head[..], authenticator_data].concat();
        Registration {
            attestation_object: object.into(),
            client_data_json: self.client_data(challenge, "webauthn.create").into(),
        }
    }

    pub(crate) fn passkey(&self) -> Passkey {
        let key = sayso_core::signature::CoseKey::read(&self.cose()).unwrap();
        Passkey::new(self.credential.clone().into(), key, relying_party()).unwrap()
    }
}

pub(super) fn relying_party() -> RelyingParty {
    RelyingParty::new(RP, &[ORIGIN]).unwrap()
}
