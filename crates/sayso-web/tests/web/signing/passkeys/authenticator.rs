//! An authenticator in software with a browser around it, which can be told to lie.

use ed25519_dalek::{Signer as _, SigningKey};
use sayso_core::signature::Base64Url;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(super) const PRESENT: u8 = 1;
pub(super) const VERIFIED: u8 = 4;
const HOLDS_CREDENTIAL: u8 = 64;

/// Honest unless changed.
#[derive(Clone)]
pub(super) struct Authenticator {
    pub(super) secret: SigningKey,
    pub(super) credential: Vec<u8>,
    pub(super) rp: String,
    pub(super) origin: String,
    pub(super) flags: u8,
    pub(super) counter: u32,
    pub(super) cross_origin: bool,
    /// The ceremony that the browser names, if not the one it is.
    pub(super) kind: Option<&'static str>,
    /// What is said of the public key, if not the truth.
    pub(super) cose: Option<Vec<u8>>,
}

impl Authenticator {
    pub(super) fn new(seed: u8) -> Self {
        Self {
            secret: SigningKey::from_bytes(&[seed; 32]),
            credential: vec![seed; 16],
            rp: "localhost".into(),
            origin: super::HOME.into(),
            flags: PRESENT | VERIFIED,
            counter: 0,
            cross_origin: false,
            kind: None,
            cose: None,
        }
    }

    fn data(&self, flags: u8, more: &[u8]) -> Vec<u8> {
        let rp = Sha256::digest(&self.rp);
        [rp.as_slice(), &[flags], &self.counter.to_be_bytes(), more].concat()
    }

    fn client_data(&self, kind: &str, challenge: &[u8]) -> String {
        let (kind, challenge) = (self.kind.unwrap_or(kind), Base64Url::from(challenge));
        json!({"type": kind, "challenge": challenge, "origin": self.origin,
               "crossOrigin": self.cross_origin})
        .to_string()
    }

    /// Signs a challenge: what the browser sends.
    pub(super) fn sign(&self, challenge: &[u8]) -> Value {
        let (data, client) =
            (self.data(self.flags, b""), self.client_data("webauthn.get", challenge));
        let signed = [&*data, &Sha256::digest(&client)].concat();
        let signature = self.secret.sign(&signed).to_bytes();
        self.answer(&json!({
            "authenticatorData": Base64Url::from(&*data),
            "clientDataJSON": Base64Url::from(client.as_bytes()),
            "signature": Base64Url::from(&signature[..]),
        }))
    }

    /// Makes its key known: what the browser sends.
    pub(super) fn make(&self, challenge: &[u8]) -> Value {
        let honest = [
            &[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32],
            &self.secret.verifying_key().to_bytes()[..],
        ];
        let cose = self.cose.clone().unwrap_or_else(|| honest.concat());
        let length = u16::try_from(self.credential.len()).unwrap().to_be_bytes();
        let more = [&[0; 16][..], &length, &self.credential, &cose].concat();
        let data = self.data(self.flags | HOLDS_CREDENTIAL, &more);
        let length = u8::try_from(data.len()).unwrap();
        let object = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58", &[length][..], &data];
        self.answer(&json!({
            "attestationObject": Base64Url::from(object.concat()),
            "clientDataJSON": Base64Url::from(self.client_data("webauthn.create", challenge).as_bytes()),
        }))
    }

    fn answer(&self, response: &Value) -> Value {
        let id = Base64Url::from(&*self.credential);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response})
    }
}
