//! Detached SSH signatures (OpenSSH's `PROTOCOL.sshsig`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

use super::wire::{Reader, put_string};
use super::{Algorithm, SshKey};
use crate::digest::Digest;
use crate::signature::refusal::BadProof;

/// A signature as `ssh-keygen -Y sign` writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshSignature {
    /// The text from `-----BEGIN SSH SIGNATURE-----` to its end.
    pub signature: String,
}

const PART: &str = "signature";
const LARGEST: usize = 8 * 1024;
const MAGIC: &[u8; 6] = b"SSHSIG";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// That the security key was touched.
const PRESENT: u8 = 1;

impl SshSignature {
    pub(super) fn verify(
        &self,
        key: &SshKey,
        namespace: &'static str,
        message: &[u8],
    ) -> Result<(), BadProof> {
        let blob = unarmour(&self.signature)?;
        let parts = Parts::read(&blob).map_err(malformed)?;
        if parts.public_key != key.blob {
            return Err(BadProof::OtherKey);
        }
        if parts.namespace != namespace {
            return Err(BadProof::Namespace {
                found: parts.namespace.chars().take(64).collect(),
                wanted: namespace,
            });
        }
        let signed = parts.signed(message)?;
        verify_inner(key, &signed, parts.signature)
    }
}

/// The parts of the blob.
struct Parts<'a> {
    public_key: &'a [u8],
    namespace: &'a str,
    hash: &'a str,
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(blob: &'a [u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(blob);
        if &reader.fixed::<6>()? != MAGIC {
            return Err("it is no SSH signature");
        }
        if reader.u32()? != 1 {
            return Err("it is of another version than 1");
        }
        let public_key = reader.string()?;
        let namespace = reader.text()?;
        if !reader.string()?.is_empty() {
            return Err("its reserved part is used");
        }
        let hash = reader.text()?;
        let signature = reader.string()?;
        reader.end()?;
        Ok(Self { public_key, namespace, hash, signature })
    }

    /// What the key has signed, for `message`.
    fn signed(&self, message: &[u8]) -> Result<Vec<u8>, BadProof> {
        let mut signed = MAGIC.to_vec();
        put_string(&mut signed, self.namespace.as_bytes());
        put_string(&mut signed, b"");
        put_string(&mut signed, self.hash.as_bytes());
        match self.hash {
            "sha256" => put_string(&mut signed, &Sha256::digest(message)),
            "sha512" => put_string(&mut signed, &Sha512::digest(message)),
            other => return Err(BadProof::Algorithm(other.chars().take(64).collect())),
        }
        Ok(signed)
    }
}

fn verify_inner(key: &SshKey, signed: &[u8], signature: &[u8]) -> Result<(), BadProof> {
    let mut reader = Reader::new(signature);
    let word = reader.text().map_err(malformed)?;
    if word != key.algorithm.word() {
        return Err(BadProof::Algorithm(word.chars().take(64).collect()));
    }
    let raw = reader.string().map_err(malformed)?;
    let raw = match key.algorithm {
        Algorithm::Ed25519 | Algorithm::SkEd25519 => raw.to_vec(),
        Algorithm::EcdsaP256 | Algorithm::SkEcdsaP256 => scalars(raw).map_err(malformed)?,
    };
    match &key.application {
        None => {
            reader.end().map_err(malformed)?;
            key.key.verify_raw(signed, &raw)
        }
        // A security key signs what it was asked for, hashed, along with what it saw
        // (`PROTOCOL.u2f`).
        Some(application) => {
            let flags = reader.byte().map_err(malformed)?;
            let counter = reader.u32().map_err(malformed)?;
            reader.end().map_err(malformed)?;
            if flags & PRESENT == 0 {
                return Err(BadProof::NotPresent);
            }
            let mut seen = Digest::of(application.as_bytes()).as_bytes().to_vec();
            seen.push(flags);
            seen.extend_from_slice(&counter.to_be_bytes());
            seen.extend_from_slice(Digest::of(signed).as_bytes());
            key.key.verify_raw(&seen, &raw)
        }
    }
}

/// An ECDSA signature's r and s, in 32 bytes each.
fn scalars(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut reader = Reader::new(bytes);
    let scalars = [reader.scalar()?, reader.scalar()?].concat();
    reader.end()?;
    Ok(scalars)
}

fn unarmour(text: &str) -> Result<Vec<u8>, BadProof> {
    if text.len() > LARGEST {
        return Err(BadProof::TooLarge { part: PART, limit: LARGEST });
    }
    let body =
        text.trim_ascii().strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END)).ok_or_else(
            || malformed("the lines -----BEGIN and -----END SSH SIGNATURE----- lack"),
        )?;
    let base64: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(base64).map_err(|_| malformed("what stands between the lines is not base64"))
}

const fn malformed(why: &'static str) -> BadProof {
    BadProof::malformed(PART, why)
}
