//! SSH keys and their detached signatures (OpenSSH's `PROTOCOL`, `PROTOCOL.u2f`,
//! `PROTOCOL.sshsig`), as `ssh-keygen -Y sign` makes them.
//!
//! Read by our own code: the formats are small, and only four kinds of key are taken.

mod sshsig;
mod wire;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::public_key::PublicKey;
use super::refusal::{BadKey, BadProof};
use wire::Reader;

pub use sshsig::SshSignature;

/// An SSH public key. Written as in a `.pub` file, without the comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey {
    algorithm: Algorithm,
    key: PublicKey,
    /// What a security key's key was made for (`ssh:`); of other keys, nothing.
    application: Option<String>,
    /// The key as SSH writes it.
    blob: Vec<u8>,
}

/// The kinds of SSH key that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Ed25519,
    EcdsaP256,
    SkEd25519,
    SkEcdsaP256,
}

const TAKEN: &str = "ssh-ed25519, ecdsa-sha2-nistp256 and both on security keys (sk-…)";
/// The longest `.pub` line looked at: a key of these kinds has some hundred bytes.
const LONGEST_LINE: usize = 4096;
const CURVE: &str = "nistp256";

impl Algorithm {
    const ALL: [Self; 4] = [Self::Ed25519, Self::EcdsaP256, Self::SkEd25519, Self::SkEcdsaP256];

    const fn word(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            Self::SkEcdsaP256 => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.word() == word)
    }
}

impl SshKey {
    /// Whether it lives in a security key, which signs only when it is touched.
    pub fn is_on_security_key(&self) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 | Algorithm::EcdsaP256 => false,
            Algorithm::SkEd25519 | Algorithm::SkEcdsaP256 => true,
        }
    }

    /// The key as SSH writes it.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.blob
    }

    pub(super) fn verify(
        &self,
        namespace: &'static str,
        message: &[u8],
        signature: &SshSignature,
    ) -> Result<(), BadProof> {
        signature.verify(self, namespace, message)
    }

    fn from_blob(blob: &[u8]) -> Result<Self, BadKey> {
        let mut reader = Reader::new(blob);
        let word = reader.text().map_err(BadKey::NotSsh)?;
        let algorithm = Algorithm::of(word)
            .ok_or_else(|| BadKey::Kind { found: word.chars().take(64).collect(), taken: TAKEN })?;
        let key = match algorithm {
            Algorithm::Ed25519 | Algorithm::SkEd25519 => {
                PublicKey::ed25519(reader.string().map_err(BadKey::NotSsh)?)?
            }
            Algorithm::EcdsaP256 | Algorithm::SkEcdsaP256 => {
                if reader.text().map_err(BadKey::NotSsh)? != CURVE {
                    return Err(BadKey::NotSsh("its curve is not that of its kind"));
                }
                PublicKey::p256(reader.string().map_err(BadKey::NotSsh)?)?
            }
        };
        let application = match algorithm {
            Algorithm::Ed25519 | Algorithm::EcdsaP256 => None,
            Algorithm::SkEd25519 | Algorithm::SkEcdsaP256 => {
                Some(reader.text().map_err(BadKey::NotSsh)?.to_owned())
            }
        };
        reader.end().map_err(BadKey::NotSsh)?;
        Ok(Self { algorithm, key, application, blob: blob.to_vec() })
    }
}

impl FromStr for SshKey {
    type Err = BadKey;

    /// Reads a line of a `.pub` file: the kind, the key in base64, and perhaps a comment.
    fn from_str(text: &str) -> Result<Self, BadKey> {
        let line = text.trim_ascii();
        if line.len() > LONGEST_LINE {
            return Err(BadKey::NotSsh("it is too long"));
        }
        if line.contains(['\n', '\r']) {
            return Err(BadKey::NotSsh("it has more than one line"));
        }
        let mut words = line.split_ascii_whitespace();
        let (Some(word), Some(blob)) = (words.next(), words.next()) else {
            return Err(BadKey::NotSsh("the kind and the key in base64 are expected"));
        };
        let blob = STANDARD.decode(blob).map_err(|_| BadKey::NotSsh("the key is not base64"))?;
        let key = Self::from_blob(&blob)?;
        match key.algorithm.word() == word {
            true => Ok(key),
            false => Err(BadKey::NotSsh("the key is of another kind than the line says")),
        }
    }
}

impl fmt::Display for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm.word(), STANDARD.encode(&self.blob))
    }
}

// As a member, `{"kind": "ssh", "public_key": "ssh-ed25519 AAAA…"}`, since a tag needs an object.
impl Serialize for SshKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { public_key: self.to_string() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SshKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { public_key } = Written::deserialize(deserializer)?;
        let key: Self = public_key.parse().map_err(serde::de::Error::custom)?;
        // A key is known by the hash of its JSON, so there is one way to write it.
        match key.to_string() == public_key {
            true => Ok(key),
            false => Err(serde::de::Error::custom("an SSH key is written without its comment")),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    public_key: String,
}
