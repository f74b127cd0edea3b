//! The keys that the server signs with.

use rusqlite::{Connection, params};

use super::authority::in_transaction;
use crate::Result;

pub(super) fn signing_key(
    db: &Connection,
    workspace: &str,
    purpose: &str,
    fresh: [u8; 32],
) -> Result<[u8; 32]> {
    db.prepare_cached("INSERT OR IGNORE INTO signing_key VALUES (?1, ?2, ?3)")?
        .execute(params![workspace, purpose, fresh])?;
    let mut one =
        db.prepare_cached("SELECT seed FROM signing_key WHERE workspace = ?1 AND purpose = ?2")?;
    Ok(one.query_row(params![workspace, purpose], |row| row.get(0))?)
}

pub(super) fn replace_signing_key(
    db: &Connection,
    workspace: &str,
    purpose: &str,
    seed: Option<[u8; 32]>,
) -> Result<()> {
    // What is deleted is overwritten, too.
    db.pragma_update(None, "secure_delete", true)?;
    in_transaction(db, || {
        db.prepare_cached("DELETE FROM signing_key WHERE workspace = ?1 AND purpose = ?2")?
            .execute(params![workspace, purpose])?;
        if let Some(seed) = seed {
            db.prepare_cached("INSERT INTO signing_key VALUES (?1, ?2, ?3)")?
                .execute(params![workspace, purpose, seed])?;
        }
        Ok(())
    })?;
    Ok(db.pragma_update(None, "secure_delete", false)?)
}
