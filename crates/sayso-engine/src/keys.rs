//! The keys a server signs with: one for permits, another for the ledger's heads.
//!
//! They lie in files of their own beside an embedded store ([`folder`]), or in the database that
//! several servers share.

mod folder;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use sayso_core::confirmation::Thumbprint;
use sayso_ledger::SigningKey;
use sayso_store::{Store, StoreError};

pub use folder::KeyError;

use self::folder::Folder;
use crate::authority::{Actor, Authority, AuthorityError};

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
    pub(crate) log: SigningKey,
}

/// The seeds that permits are and were signed with, oldest first: the first there was, and since
/// when each of the others took its place. Which that are, the ledger says; a key that lies about
/// and that it does not name signs nothing.
pub(crate) struct PermitSeeds {
    pub(crate) first: [u8; 32],
    pub(crate) then: Vec<(Timestamp, [u8; 32])>,
}

impl PermitSeeds {
    /// Those that the ledger names, as far as they are at hand.
    pub(crate) async fn open(
        place: &KeyPlace,
        store: &dyn Store,
        named: &[(Thumbprint, Timestamp)],
    ) -> Result<Self, KeyError> {
        let mut then = Vec::with_capacity(named.len());
        let is = |kid: &Thumbprint, seed: &[u8; 32]| thumbprint(seed) == *kid;
        let first = match place {
            KeyPlace::Store => {
                for (kid, since) in named {
                    let seed = store.signing_key(&purpose(*kid), crate::entropy()).await?;
                    then.extend(is(kid, &seed).then_some((*since, seed)));
                }
                store.signing_key(PERMIT, crate::entropy()).await?
            }
            KeyPlace::Folder(path) => {
                let folder = Folder::open(path)?;
                let seeds = folder.permits()?;
                for (kid, since) in named {
                    let seed = seeds.iter().find(|seed| is(kid, seed));
                    then.extend(seed.map(|seed| (*since, *seed)));
                }
                let unnamed = |seed: &&[u8; 32]| named.iter().all(|(kid, _)| !is(kid, seed));
                match seeds.iter().rev().find(unnamed) {
                    Some(seed) => *seed,
                    None => {
                        let seed = store.signing_key(PERMIT, crate::entropy()).await?;
                        folder.add_permit(&seed)?;
                        seed
                    }
                }
            }
        };
        if then.len() < named.len() {
            tracing::warn!("a key that permits are signed with is not at hand on this server");
        }
        if let KeyPlace::Folder(_) = place {
            // It is on disk by now. A crash before this leaves it in both places.
            store.replace_signing_key(PERMIT, None).await?;
        }
        Ok(Self { first, then })
    }
}

/// Keeps a new key for permits, which signs nothing until the ledger names it; its thumbprint.
async fn keep_permit_key(place: &KeyPlace, store: &dyn Store) -> Result<Thumbprint, KeyError> {
    let seed = crate::entropy();
    let kid = thumbprint(&seed);
    match place {
        KeyPlace::Store => {
            store.signing_key(&purpose(kid), seed).await?;
        }
        KeyPlace::Folder(path) => Folder::open(path)?.add_permit(&seed)?,
    }
    Ok(kid)
}

/// Has permits signed with a new key from now on, on the operator's word. Servers notice within a
/// second; what the keys before it signed is good as long as it was.
pub async fn rotate_permit_key(
    place: &KeyPlace,
    store: Arc<dyn Store>,
    now: Timestamp,
) -> Result<Thumbprint, NotRotated> {
    // Kept first: a key that the ledger names is there to sign.
    let kid = keep_permit_key(place, &*store).await?;
    Authority::new(store).add_permit_key(Actor::Operator, kid, now).await?;
    Ok(kid)
}

/// Why permits are not signed with a new key.
#[derive(Debug, thiserror::Error)]
pub enum NotRotated {
    /// It can't be kept.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It can't be written down that it signs from now on.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

fn purpose(kid: Thumbprint) -> String {
    format!("{PERMIT}-{kid}")
}

fn thumbprint(seed: &[u8; 32]) -> Thumbprint {
    let key = ed25519_dalek::SigningKey::from_bytes(seed).verifying_key();
    Thumbprint::of_ed25519(key.as_bytes())
}

impl Keys {
    /// The keys at that place; made, if there are none. What lies in the store moves out of it into
    /// a folder.
    pub(crate) async fn open(place: &KeyPlace, store: &dyn Store) -> Result<Self, KeyError> {
        let KeyPlace::Folder(path) = place else {
            return Ok(Self {
                log: SigningKey::of_log(&store.signing_key(LOG, crate::entropy()).await?),
            });
        };
        let folder = Folder::open(path)?;
        let log = match folder.log()? {
            Some(key) => key,
            None => {
                let key = SigningKey::of_log(&store.signing_key(LOG, crate::entropy()).await?);
                folder.put_log(&key)?;
                key
            }
        };
        // It is on disk by now. A crash before this leaves it in both places.
        store.replace_signing_key(LOG, None).await?;
        Ok(Self { log })
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
