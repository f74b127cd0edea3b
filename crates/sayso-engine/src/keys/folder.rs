//! Keys in files: `log.key`, a C2SP private key, and `permit-TIME.key`, a JWK (RFC 8037) each;
//! the ledger says which of them signs. Files are 0600 in a folder of 0700, or they are not used.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey as PermitSeed;
use jiff::Timestamp;
use sayso_ledger::SigningKey;
use sayso_store::StoreError;
use serde::{Deserialize, Serialize};

const LOG: &str = "log.key";

/// Why the keys can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Others may read it.
    #[error(
        "the keys are not used: {} can be read by others (mode {mode:03o}); take that from them \
         with `chmod go-rwx {0}`, and consider whether somebody has copied it", .path.display()
    )]
    Open {
        /// The folder or file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is not the key that should be there.
    #[error("{} is not a key of that kind: restore it from where you keep a copy", .0.display())]
    Malformed(PathBuf),
    /// It can't be read or written.
    #[error("the key {} can't be read or written: {cause}", .path.display())]
    Failed {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

/// A private Ed25519 key as a JWK.
#[derive(Serialize, Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    d: String,
}

/// A folder of keys.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder, made if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, KeyError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|cause| failed(path, cause))?;
        private(path)?;
        Ok(Self(path.to_owned()))
    }

    pub(super) fn log(&self) -> Result<Option<SigningKey>, KeyError> {
        let path = self.0.join(LOG);
        let Some(text) = read(&path)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| KeyError::Malformed(path))
    }

    pub(super) fn put_log(&self, key: &SigningKey) -> Result<(), KeyError> {
        self.write(LOG, &format!("{}\n", key.reveal()))
    }

    pub(super) fn replace_log(&self, key: &SigningKey) -> Result<(), KeyError> {
        let (old, aside) = (self.0.join(LOG), self.0.join(format!("log-until-{}.key", now())));
        match fs::rename(&old, &aside) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(failed(&old, cause)),
            Ok(()) | Err(_) => self.put_log(key),
        }
    }

    /// The seeds that permits are or were signed with, oldest first.
    pub(super) fn permits(&self) -> Result<Vec<[u8; 32]>, KeyError> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(|cause| failed(&self.0, cause))? {
            let path = entry.map_err(|cause| failed(&self.0, cause))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("permit-") && path.extension().is_some_and(|kind| kind == "key") {
                paths.push(path);
            }
        }
        paths.sort();
        let mut seeds = Vec::with_capacity(paths.len());
        for path in paths {
            let Some(text) = read(&path)? else { continue };
            let seed = || {
                let jwk: Jwk = serde_json::from_str(&text).ok()?;
                let seed: [u8; 32] = URL_SAFE_NO_PAD.decode(&jwk.d).ok()?.try_into().ok()?;
                (public(&seed) == jwk.x && jwk.crv == "Ed25519").then_some(seed)
            };
            seeds.push(seed().ok_or(KeyError::Malformed(path))?);
        }
        Ok(seeds)
    }

    pub(super) fn add_permit(&self, seed: &[u8; 32]) -> Result<(), KeyError> {
        let jwk = Jwk {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            x: public(seed),
            d: URL_SAFE_NO_PAD.encode(seed),
        };
        let text = serde_json::to_string(&jwk).map_err(|error| KeyError::Store(error.into()))?;
        self.write(&format!("permit-{}.key", now()), &format!("{text}\n"))
    }

    /// Writes a key whole or not at all, and never over another.
    fn write(&self, name: &str, text: &str) -> Result<(), KeyError> {
        let (path, begun) = (self.0.join(name), self.0.join(format!("{name}.new")));
        let write = || {
            let mut options = OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(true).mode(0o600).open(&begun)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::hard_link(&begun, &path)?;
            fs::remove_file(&begun)?;
            File::open(&self.0)?.sync_all()
        };
        write().map_err(|cause| failed(&path, cause))
    }
}

/// A time that sorts as it passes.
fn now() -> String {
    Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ").to_string()
}

fn public(seed: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(PermitSeed::from_bytes(seed).verifying_key().as_bytes())
}

fn failed(path: &Path, cause: io::Error) -> KeyError {
    KeyError::Failed { path: path.to_owned(), cause }
}

fn private(path: &Path) -> Result<(), KeyError> {
    let mode = fs::metadata(path).map_err(|cause| failed(path, cause))?.mode() & 0o777;
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(KeyError::Open { path: path.to_owned(), mode }),
    }
}

fn read(path: &Path) -> Result<Option<String>, KeyError> {
    match fs::read_to_string(path) {
        Ok(text) => private(path).map(|()| Some(text)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(failed(path, cause)),
    }
}
