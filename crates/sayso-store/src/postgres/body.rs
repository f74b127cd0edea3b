//! Texts beside the ledger.

use super::connection::Connection;
use crate::column::{signed, unsigned};
use crate::record::Body;
use crate::{Result, StoreError};

pub(super) async fn bodies(
    db: &Connection,
    workspace: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, Body)>> {
    let sql = "SELECT seq, salt, content FROM body
               WHERE workspace = $1 AND seq >= $2 AND seq < $3 ORDER BY seq";
    let end = from.saturating_add(limit as u64);
    let rows = db.rows(sql, &[&workspace, &signed(from), &signed(end)]).await?;
    let bodies = rows.iter().map(|row| {
        let salt: &[u8] = row.try_get(1)?;
        let salt =
            salt.try_into().map_err(|_| StoreError::Corrupt("a salt is cut short".into()))?;
        Ok((unsigned(row.try_get(0)?), Body { salt, content: row.try_get(2)? }))
    });
    bodies.collect()
}
