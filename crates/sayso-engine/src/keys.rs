//! The keys a server signs with: one for permits, another for the ledger's heads.
//!
//! They lie in files of their own beside an embedded store ([`folder`]), or in the database that
//! several servers share.

mod folder;

use std::path::PathBuf;

use sayso_ledger::SigningKey;
use sayso_store::{Store, StoreError};

pub use folder::KeyError;

use self::folder::Folder;

const PERMIT: &str = "permit";
const LOG: &str = "log";

/// Where the signing keys are.
#[derive(Clone, Debug, Default)]
pub enum KeyPlace {
    /// In the store.
    #[default]
    Store,
    /// In files in this folder, for the owner's eyes only.
    Folder(PathBuf),
}

/// The keys in force.
pub(crate) struct Keys {
    pub(crate) permit: [u8; 32],
    pub(crate) log: SigningKey,
}

impl Keys {
    /// The keys at that place; made, if there are none. Those that lie in the store move out of it
    /// into a folder.
    pub(crate) async fn open(place: &KeyPlace, store: &dyn Store) -> Result<Self, KeyError> {
        let KeyPlace::Folder(path) = place else {
            return Ok(Self {
                permit: store.signing_key(PERMIT, crate::entropy()).await?,
                log: SigningKey::of_log(&store.signing_key(LOG, crate::entropy()).await?),
            });
        };
        let folder = Folder::open(path)?;
        let permit = match folder.permit()? {
            Some(seed) => seed,
            None => {
                let seed = store.signing_key(PERMIT, crate::entropy()).await?;
                folder.add_permit(&seed)?;
                seed
            }
        };
        let log = match folder.log()? {
            Some(key) => key,
            None => {
                let key = SigningKey::of_log(&store.signing_key(LOG, crate::entropy()).await?);
                folder.put_log(&key)?;
                key
            }
        };
        // They are on disk by now. A crash before this leaves them in both places.
        store.replace_signing_key(PERMIT, None).await?;
        store.replace_signing_key(LOG, None).await?;
        Ok(Self { permit, log })
    }
}

/// A new key for the log in place of the one there is, which is put aside.
pub(crate) async fn replace_log_key(
    place: &KeyPlace,
    store: &dyn Store,
) -> Result<SigningKey, KeyError> {
    let seed = crate::entropy();
    let key = SigningKey::of_log(&seed);
    match place {
        KeyPlace::Store => store.replace_signing_key(LOG, Some(seed)).await?,
        KeyPlace::Folder(path) => Folder::open(path)?.replace_log(&key)?,
    }
    Ok(key)
}

impl From<StoreError> for KeyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
