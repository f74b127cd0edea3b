//! The schema and its migrations; `PRAGMA user_version` says how far a file has got.

use rusqlite::{Connection, TransactionBehavior};

use super::tree;
use crate::{Result, StoreError};

const MIGRATIONS: [&str; 6] = [
    include_str!("../../migrations/sqlite/0001_core.sql"),
    include_str!("../../migrations/sqlite/0002_join.sql"),
    include_str!("../../migrations/sqlite/0003_callback.sql"),
    include_str!("../../migrations/sqlite/0004_tree.sql"),
    include_str!("../../migrations/sqlite/0005_people.sql"),
    include_str!("../../migrations/sqlite/0006_wide.sql"),
];
/// The version from which on entries have leaves.
const LEAVES: u32 = 4;

/// Brings the file to this binary's version; refuses one that is further.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    // A file that is up to date needs no lock, so that it opens beside a busy writer.
    if version(connection)? == known {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for migration in &MIGRATIONS[found as usize..] {
        transaction.execute_batch(migration)?;
    }
    if found < LEAVES {
        tree::fill_leaves(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    Ok(transaction.commit()?)
}

/// Refuses a file that is not of this binary's version.
pub(super) fn check(connection: &Connection) -> Result<()> {
    let (found, known) =
        (version(connection)?, u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX));
    match found.cmp(&known) {
        std::cmp::Ordering::Less => Err(StoreError::Older { found, known }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(StoreError::Newer { found, known }),
    }
}

fn version(connection: &Connection) -> Result<u32> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}
