//! The keys that the server signs with.

use super::connection::Connection;
use crate::{Result, StoreError};

pub(super) async fn signing_key(
    db: &Connection,
    workspace: &str,
    purpose: &str,
    fresh: [u8; 32],
) -> Result<[u8; 32]> {
    let sql = "INSERT INTO signing_key (workspace, purpose, seed) VALUES ($1, $2, $3)
               ON CONFLICT DO NOTHING";
    db.execute(sql, &[&workspace, &purpose, &&fresh[..]]).await?;
    let sql = "SELECT seed FROM signing_key WHERE workspace = $1 AND purpose = $2";
    let row = db.row(sql, &[&workspace, &purpose]).await?;
    let seed = row.as_ref().map(|row| row.try_get::<_, &[u8]>(0)).transpose()?;
    let seed = seed.and_then(|seed| seed.try_into().ok());
    seed.ok_or_else(|| StoreError::Corrupt("a signing key is cut short".into()))
}

pub(super) async fn replace_signing_key(
    db: &Connection,
    workspace: &str,
    purpose: &str,
    seed: Option<[u8; 32]>,
) -> Result<()> {
    match seed {
        None => {
            let sql = "DELETE FROM signing_key WHERE workspace = $1 AND purpose = $2";
            db.execute(sql, &[&workspace, &purpose]).await?;
        }
        Some(seed) => {
            let sql = "INSERT INTO signing_key (workspace, purpose, seed) VALUES ($1, $2, $3)
                       ON CONFLICT (workspace, purpose) DO UPDATE SET seed = excluded.seed";
            db.execute(sql, &[&workspace, &purpose, &&seed[..]]).await?;
        }
    }
    Ok(())
}
