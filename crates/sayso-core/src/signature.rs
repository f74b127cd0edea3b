//! People's keys, and what they sign: passkeys (`WebAuthn`) and SSH keys.
//!
//! The same code checks a signature when it arrives and, offline, years later: everything here is
//! a function of the key, the signed bytes and the proof. What a key may sign *for* is not decided
//! here, but where keys are enrolled.

mod base64url;
mod batch;
mod cbor;
mod client_data;
mod cose;
mod passkey;
mod public_key;
mod refusal;
mod ssh;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::json;

pub use base64url::Base64Url;
pub use batch::{BadBatch, Batch};
pub use cose::CoseKey;
pub use passkey::{Assertion, Passkey, Registration, RelyingParty, Used};
pub(crate) use public_key::PublicKey;
pub use refusal::{BadKey, BadProof};
pub use ssh::{SshKey, SshSignature};

/// What a signature is for; keeps one kind of statement from passing as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// A person decides.
    Decision,
    /// A person makes several decisions at once.
    Batch,
    /// A key is enrolled.
    Enrolment,
}

impl Domain {
    /// The tag: the namespace of an SSH signature, and the first line under a passkey's challenge.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Decision => "sayso-decision-v1",
            Self::Batch => "sayso-batch-v1",
            Self::Enrolment => "sayso-enrolment-v1",
        }
    }

    /// The challenge that a passkey signs for `bytes`: SHA-256 of the tag, a line feed, `bytes`.
    pub fn challenge(self, bytes: &[u8]) -> Digest {
        Digest::of_parts(&[self.tag().as_bytes(), b"\n", bytes])
    }
}

/// A person's public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum PersonKey {
    /// A passkey: lives in an authenticator, is used from a browser.
    Passkey(Passkey),
    /// An SSH key: a file, an agent, or a security key.
    Ssh(SshKey),
}

/// A signature, with what has to be known to check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Proof {
    /// A passkey's assertion.
    Passkey(Assertion),
    /// An SSH signature.
    Ssh(SshSignature),
}

impl PersonKey {
    /// What the key is known by: SHA-256 of its canonical JSON.
    pub fn id(&self) -> Digest {
        Digest::of(&json::canonical(self))
    }

    /// The key as people compare it, as `ssh-keygen -l` prints it: `SHA256:` and the digest of the
    /// public key, in base64.
    pub fn fingerprint(&self) -> String {
        let bytes = match self {
            Self::Passkey(key) => key.public_key().as_bytes(),
            Self::Ssh(key) => key.as_bytes(),
        };
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Digest::of(bytes).as_bytes()))
    }

    /// Whether `proof` is this key's signature over `bytes` for `domain`.
    pub fn verify(&self, domain: Domain, bytes: &[u8], proof: &Proof) -> Result<(), BadProof> {
        match (self, proof) {
            (Self::Passkey(key), Proof::Passkey(assertion)) => {
                key.verify(domain.challenge(bytes).as_bytes(), assertion).map(drop)
            }
            (Self::Ssh(key), Proof::Ssh(signature)) => key.verify(domain.tag(), bytes, signature),
            (Self::Passkey(_), Proof::Ssh(_)) | (Self::Ssh(_), Proof::Passkey(_)) => {
                Err(BadProof::OtherKind)
            }
        }
    }
}

/// What makes a decision statement a person's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The proof, over the statement's bytes or those of the batch.
    pub proof: Proof,
    /// What was signed, if the statement was not signed alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
}

impl Signature {
    /// A proof over the statement alone.
    pub fn alone(proof: Proof) -> Self {
        Self { proof, batch: None }
    }

    /// Whether `key` has signed the decision statement with these bytes, alone or in the batch.
    pub fn verify(&self, key: &PersonKey, statement: &[u8]) -> Result<(), BadProof> {
        match &self.batch {
            None => key.verify(Domain::Decision, statement, &self.proof),
            Some(batch) if batch.statements().contains(&Digest::of(statement)) => {
                key.verify(Domain::Batch, &batch.bytes(), &self.proof)
            }
            Some(_) => Err(BadProof::NotInBatch),
        }
    }
}
