//! Signatures as `ssh-keygen -Y sign` makes them, from keys that are counted, not random.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use sayso_core::signature::{Domain, PersonKey, Proof, SshSignature};
use sha2::{Digest as _, Sha512};

/// A person's SSH key.
pub(crate) struct Key(SigningKey);

impl Key {
    pub(crate) fn of(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        put(&mut blob, b"ssh-ed25519");
        put(&mut blob, self.0.verifying_key().as_bytes());
        blob
    }

    pub(crate) fn public(&self) -> PersonKey {
        let line = format!("ssh-ed25519 {}", STANDARD.encode(self.blob()));
        PersonKey::Ssh(line.parse().unwrap())
    }

    pub(crate) fn sign(&self, domain: Domain, message: &[u8]) -> Proof {
        let (mut signed, mut blob) = (b"SSHSIG".to_vec(), b"SSHSIG\0\0\0\x01".to_vec());
        put(&mut blob, &self.blob());
        for out in [&mut signed, &mut blob] {
            put(out, domain.tag().as_bytes());
            put(out, b"");
            put(out, b"sha512");
        }
        put(&mut signed, &Sha512::digest(message));
        let mut signature = Vec::new();
        put(&mut signature, b"ssh-ed25519");
        put(&mut signature, &self.0.sign(&signed).to_bytes());
        put(&mut blob, &signature);
        let text = STANDARD.encode(blob);
        let lines: Vec<_> =
            text.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let (begin, end) = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----");
        let signature = format!("{begin}\n{}\n{end}\n", lines.join("\n"));
        Proof::Ssh(SshSignature { signature })
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend(bytes);
}
