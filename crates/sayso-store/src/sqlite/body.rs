//! Texts beside the ledger.

use rusqlite::{Connection, params};

use crate::column::{signed, unsigned};
use crate::record::Body;
use crate::{Result, StoreError};

pub(super) fn bodies(
    db: &Connection,
    workspace: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, Body)>> {
    let mut some = db.prepare_cached(
        "SELECT seq, salt, content FROM body JOIN ledger USING (seq)
         WHERE seq >= ?2 AND seq < ?3 AND workspace = ?1 ORDER BY seq",
    )?;
    let end = from.saturating_add(limit as u64);
    let rows = some.query_and_then(params![workspace, signed(from), signed(end)], |row| {
        let salt: Vec<u8> = row.get(1)?;
        let salt =
            salt.try_into().map_err(|_| StoreError::Corrupt("a salt is cut short".into()))?;
        Ok((unsigned(row.get(0)?), Body { salt, content: row.get(2)? }))
    })?;
    rows.collect()
}

/// Erases these bodies, in the transaction that is open, and overwrites where they stood.
pub(super) fn erase(db: &Connection, entries: &[u64]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    db.pragma_update(None, "secure_delete", true)?;
    let mut one = db.prepare_cached("DELETE FROM body WHERE seq = ?1")?;
    for seq in entries {
        one.execute([signed(*seq)])?;
    }
    db.pragma_update(None, "secure_delete", false)?;
    Ok(())
}
