//! Hands that sign: an SSH key in software, which can be made to lie.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use sayso_core::Digest;
use sayso_core::signature::PersonKey;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

pub(super) struct Hand(SigningKey);

/// Writes as SSH does: each part with its length before it.
fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let mut written = Vec::new();
    for part in parts {
        written.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        written.extend(*part);
    }
    written
}

impl Hand {
    pub(super) fn new(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    fn blob(&self) -> Vec<u8> {
        strings(&[b"ssh-ed25519", self.0.verifying_key().as_bytes()])
    }

    /// The line of its `.pub` file.
    pub(super) fn line(&self) -> String {
        format!("ssh-ed25519 {}", STANDARD.encode(self.blob()))
    }

    pub(super) fn id(&self) -> Digest {
        PersonKey::Ssh(self.line().parse().unwrap()).id()
    }

    /// The proof that `ssh-keygen -Y sign -n namespace` makes.
    pub(super) fn sign(&self, namespace: &str, text: &str) -> Value {
        self.sign_as(namespace, text, "sha512", "sha512")
    }

    /// The same, over one hash, told as another.
    pub(super) fn sign_as(&self, namespace: &str, text: &str, hash: &str, told: &str) -> Value {
        let digest = match hash {
            "sha256" => Sha256::digest(text).to_vec(),
            _ => Sha512::digest(text).to_vec(),
        };
        let namespace = namespace.as_bytes();
        let signed = [b"SSHSIG", &*strings(&[namespace, b"", hash.as_bytes(), &digest])].concat();
        let signature = strings(&[b"ssh-ed25519", &self.0.sign(&signed).to_bytes()]);
        let parts = strings(&[&self.blob(), namespace, b"", told.as_bytes(), &signature]);
        let whole = STANDARD.encode([b"SSHSIG\0\0\0\x01", &*parts].concat());
        let (begin, end) = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----");
        json!({"kind": "ssh", "signature": format!("{begin}\n{whole}\n{end}\n")})
    }
}
