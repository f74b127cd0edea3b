//! Signing with an SSH key by the stock `ssh-keygen`, so that passphrases, agents and security
//! keys work as they do anywhere else.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use sayso_core::signature::{Domain, PersonKey, Proof, SshKey, SshSignature};

/// A key that this machine can sign with.
pub(crate) struct Signer {
    file: PathBuf,
    key: PersonKey,
}

impl Signer {
    /// The key in that file: a private key, or a public key whose private part an agent or a
    /// security key holds.
    pub(crate) fn open(file: &Path) -> anyhow::Result<Self> {
        let key = PersonKey::Ssh(public_key(file)?);
        Ok(Self { file: file.to_owned(), key })
    }

    /// The public key.
    pub(crate) fn key(&self) -> &PersonKey {
        &self.key
    }

    /// Signs. What comes back is held against the key here, so that a mistake is noticed here.
    pub(crate) fn sign(&self, domain: Domain, bytes: &[u8]) -> anyhow::Result<Proof> {
        let mut child = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", domain.tag(), "-f"])
            .arg(&self.file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't run ssh-keygen, which signs; it comes with OpenSSH")?;
        // If it ended early, its exit code says so.
        if let Some(mut input) = child.stdin.take() {
            let _ = input.write_all(bytes);
        }
        let output = child.wait_with_output().context("ssh-keygen broke off")?;
        if !output.status.success() {
            bail!("ssh-keygen did not sign with {}", self.file.display());
        }
        let signature = String::from_utf8(output.stdout).context("ssh-keygen wrote no text")?;
        let proof = Proof::Ssh(SshSignature { signature });
        self.key.verify(domain, bytes, &proof).with_context(|| {
            format!("what ssh-keygen signed with {} is not to be used", self.file.display())
        })?;
        Ok(proof)
    }
}

/// The public part of a key's file: the file itself, the one beside it, or what can be derived.
pub(crate) fn public_key(file: &Path) -> anyhow::Result<SshKey> {
    let read = |file: &Path| std::fs::read_to_string(file);
    let text = read(file).with_context(|| format!("can't read {}", file.display()))?;
    let line = match text.contains("PRIVATE KEY-----") {
        false => text,
        true => {
            let mut beside = OsString::from(file);
            beside.push(".pub");
            match read(Path::new(&beside)) {
                Ok(line) => line,
                Err(_) => derived(file)?,
            }
        }
    };
    line.parse().with_context(|| format!("{} can't be used", file.display()))
}

fn derived(file: &Path) -> anyhow::Result<String> {
    let output = Command::new("ssh-keygen")
        .args(["-y", "-f"])
        .arg(file)
        .stderr(Stdio::inherit())
        .output()
        .context("can't run ssh-keygen; it comes with OpenSSH")?;
    if !output.status.success() {
        bail!("ssh-keygen finds no public key in {}", file.display());
    }
    String::from_utf8(output.stdout).context("ssh-keygen wrote no text")
}
