//! Signed notes (C2SP signed-note): a text, and below it the signatures of known keys, with
//! Ed25519 (RFC 8032); and witnesses' timestamped cosignatures (C2SP tlog-cosignature, v1).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer};
use sayso_core::Digest;

/// How a key signs: the signature type byte of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 over the text: type `0x01`.
    Ed25519,
    /// A witness's Ed25519 cosignature with its time, version 1: type `0x04`.
    Cosignature,
}

impl Algorithm {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }
}

/// A key that is not written as it should be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not `NAME+ID+KEY`.
    #[error("not a key: a verifier key is NAME+ID+KEY, as C2SP signed-note has it")]
    Malformed,
    /// The name can't stand in a note.
    #[error("a key's name has no spaces and no plus signs, and is not empty")]
    Name,
    /// Of another type than Ed25519.
    #[error("the key is of a type that is not known here")]
    Algorithm,
    /// The id is not that of the name and the key.
    #[error("the key's id does not fit its name and bytes")]
    Id,
}

/// A note that can't be read, or that nobody known has signed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    /// Not a text, an empty line, and signatures.
    #[error("not a signed note: a text, an empty line, and lines that begin with \"— \"")]
    Malformed,
    /// No signature of that key.
    #[error("it bears no signature of {0}")]
    Unsigned(String),
    /// A signature by a known key's name and id that does not hold.
    #[error("the signature of {0} does not hold")]
    Forged(String),
}

fn check_name(name: &str) -> Result<(), BadKey> {
    let bad = name.is_empty() || name.contains('+') || name.chars().any(char::is_whitespace);
    if bad { Err(BadKey::Name) } else { Ok(()) }
}

fn key_id(name: &str, algorithm: Algorithm, key: &[u8; 32]) -> [u8; 4] {
    let hash = Digest::of_parts(&[name.as_bytes(), &[0x0A, algorithm.byte()], key]);
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

/// A key that checks notes; written `NAME+ID+KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    id: [u8; 4],
    algorithm: Algorithm,
    key: ed25519_dalek::VerifyingKey,
}

impl VerifyingKey {
    /// Who signs with it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Checks this key's signature under a note. For a cosignature, returns the time that it
    /// vouches for, in seconds since 1970.
    pub fn check(&self, note: &Note) -> Result<Option<u64>, BadNote> {
        let mine =
            |line: &&NoteSignature| line.name == self.name && line.bytes.get(..4) == Some(&self.id);
        let line = note.signatures.iter().find(mine);
        let line = line.ok_or_else(|| BadNote::Unsigned(self.name.clone()))?;
        let forged = || BadNote::Forged(self.name.clone());
        let bytes = &line.bytes[4..];
        let (signed, signature, time) = match self.algorithm {
            Algorithm::Ed25519 => (note.text.clone().into_bytes(), bytes, None),
            Algorithm::Cosignature => {
                let (time, signature) = bytes.split_first_chunk::<8>().ok_or_else(forged)?;
                let time = u64::from_be_bytes(*time);
                let signed = format!("cosignature/v1\ntime {time}\n{}", note.text);
                (signed.into_bytes(), signature, Some(time))
            }
        };
        let signature = Signature::from_slice(signature).map_err(|_| forged())?;
        self.key.verify_strict(&signed, &signature).map_err(|_| forged())?;
        Ok(time)
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.algorithm.byte()];
        bytes.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(bytes))
    }
}

impl FromStr for VerifyingKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let (name, rest) = text.split_once('+').ok_or(BadKey::Malformed)?;
        let (id, key) = rest.split_once('+').ok_or(BadKey::Malformed)?;
        check_name(name)?;
        let bytes = STANDARD.decode(key).map_err(|_| BadKey::Malformed)?;
        let (kind, key) = bytes.split_first().ok_or(BadKey::Malformed)?;
        let algorithm = match kind {
            1 => Algorithm::Ed25519,
            4 => Algorithm::Cosignature,
            _ => return Err(BadKey::Algorithm),
        };
        let key: [u8; 32] = key.try_into().map_err(|_| BadKey::Malformed)?;
        let expected = key_id(name, algorithm, &key);
        if id != hex::encode(expected) {
            return Err(BadKey::Id);
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(&key).map_err(|_| BadKey::Malformed)?;
        Ok(Self { name: name.to_owned(), id: expected, algorithm, key })
    }
}

/// A key that signs notes; written `PRIVATE+KEY+NAME+ID+SEED`, as other tools have it.
#[derive(Clone)]
pub struct SigningKey {
    public: VerifyingKey,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key with that name and seed.
    pub fn new(name: &str, seed: &[u8; 32], algorithm: Algorithm) -> Result<Self, BadKey> {
        check_name(name)?;
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = key.verifying_key();
        let id = key_id(name, algorithm, public.as_bytes());
        Ok(Self { public: VerifyingKey { name: name.to_owned(), id, algorithm, key: public }, key })
    }

    /// A log's key: its name, which is the log's origin, is made of the key itself.
    pub fn of_log(seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let print = Digest::of(key.verifying_key().as_bytes()).to_string();
        let name = format!("sayso-ledger-{}", &print[..16]);
        let public = key.verifying_key();
        let id = key_id(&name, Algorithm::Ed25519, public.as_bytes());
        Self { public: VerifyingKey { name, id, algorithm: Algorithm::Ed25519, key: public }, key }
    }

    /// The key that checks what this one signs.
    pub fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// The key as its owner keeps it.
    pub fn reveal(&self) -> String {
        let VerifyingKey { name, id, algorithm, .. } = &self.public;
        let mut bytes = vec![algorithm.byte()];
        bytes.extend(self.key.as_bytes());
        format!("PRIVATE+KEY+{name}+{}+{}", hex::encode(id), STANDARD.encode(bytes))
    }

    /// The signature line for a text that ends with a newline; `time`, in seconds since 1970, goes
    /// into a cosignature.
    pub fn sign(&self, text: &str, time: u64) -> String {
        let mut bytes = self.public.id.to_vec();
        match self.public.algorithm {
            Algorithm::Ed25519 => bytes.extend(self.key.sign(text.as_bytes()).to_bytes()),
            Algorithm::Cosignature => {
                let signed = format!("cosignature/v1\ntime {time}\n{text}");
                bytes.extend(time.to_be_bytes());
                bytes.extend(self.key.sign(signed.as_bytes()).to_bytes());
            }
        }
        format!("— {} {}\n", self.public.name, STANDARD.encode(bytes))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl FromStr for SigningKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let rest = text.trim_end().strip_prefix("PRIVATE+KEY+").ok_or(BadKey::Malformed)?;
        let (name, rest) = rest.split_once('+').ok_or(BadKey::Malformed)?;
        let (id, seed) = rest.split_once('+').ok_or(BadKey::Malformed)?;
        let bytes = STANDARD.decode(seed).map_err(|_| BadKey::Malformed)?;
        let (kind, seed) = bytes.split_first().ok_or(BadKey::Malformed)?;
        let algorithm = match kind {
            1 => Algorithm::Ed25519,
            4 => Algorithm::Cosignature,
            _ => return Err(BadKey::Algorithm),
        };
        let key = Self::new(name, seed.try_into().map_err(|_| BadKey::Malformed)?, algorithm)?;
        if id == hex::encode(key.public.id) { Ok(key) } else { Err(BadKey::Id) }
    }
}

/// One signature line: who, and four bytes of key id followed by the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    bytes: Vec<u8>,
}

/// A text with signatures. That it could be read says nothing of who signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// The most signatures that are looked at.
    const MOST: usize = 100;

    /// The text, which ends with a newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of those who are said to have signed it.
    pub fn signers(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|line| line.name.as_str())
    }
}

impl FromStr for Note {
    type Err = BadNote;

    fn from_str(note: &str) -> Result<Self, BadNote> {
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(BadNote::Malformed);
        }
        let split = note.rfind("\n\n").ok_or(BadNote::Malformed)?;
        let (text, lines) = (&note[..=split], &note[split + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(BadNote::Malformed)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            let rest = line.strip_prefix("— ").ok_or(BadNote::Malformed)?;
            let (name, bytes) = rest.split_once(' ').ok_or(BadNote::Malformed)?;
            check_name(name).map_err(|_| BadNote::Malformed)?;
            let bytes = STANDARD.decode(bytes).map_err(|_| BadNote::Malformed)?;
            if bytes.len() < 5 || signatures.len() == Self::MOST {
                return Err(BadNote::Malformed);
            }
            signatures.push(NoteSignature { name: name.to_owned(), bytes });
        }
        Ok(Self { text: text.to_owned(), signatures })
    }
}
