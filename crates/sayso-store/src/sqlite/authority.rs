//! Changes of authority, what people note about their credentials, and where agents are called.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use sayso_core::{AgentName, CredentialId};

use super::read::{self, parsed};
use super::write::append;
use crate::column::time;
use crate::record::{Amendment, Note};
use crate::{Callback, Result, StoreError};

/// Runs `work` in a transaction of its own, also beside a server in another process.
pub(super) fn in_transaction<T>(db: &Connection, work: impl FnOnce() -> Result<T>) -> Result<T> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    match work() {
        Ok(done) => {
            db.execute_batch("COMMIT")?;
            Ok(done)
        }
        Err(error) => {
            db.execute_batch("ROLLBACK")?;
            Err(error)
        }
    }
}

pub(super) fn amend(db: &Connection, workspace: &str, amendment: &Amendment) -> Result<u64> {
    in_transaction(db, || write(db, workspace, amendment))
}

fn write(db: &Connection, workspace: &str, amendment: &Amendment) -> Result<u64> {
    let Amendment { after, entries, notes, forgotten, callback } = amendment;
    if read::newest_of_workspace(db, workspace)? > *after {
        return Err(StoreError::Conflict);
    }
    for Note { id, label, used_at } in notes {
        db.prepare_cached("INSERT INTO note VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            workspace,
            id.as_uuid().as_bytes(),
            label,
            used_at.map(Timestamp::as_microsecond),
        ])?;
    }
    for id in forgotten {
        db.prepare_cached("DELETE FROM note WHERE workspace = ?1 AND id = ?2")?
            .execute(params![workspace, id.as_uuid().as_bytes()])?;
    }
    if let Some((agent, callback)) = callback {
        db.prepare_cached("DELETE FROM callback WHERE workspace = ?1 AND agent = ?2")?
            .execute(params![workspace, agent.as_str()])?;
        if let Some(Callback { url, secret }) = callback {
            db.prepare_cached("INSERT INTO callback VALUES (?1, ?2, ?3, ?4)")?.execute(params![
                workspace,
                agent.as_str(),
                url,
                secret
            ])?;
        }
    }
    append(db, workspace, entries)
}

pub(super) fn notes(db: &Connection, workspace: &str) -> Result<Vec<Note>> {
    let mut all = db.prepare_cached("SELECT id, label, used_at FROM note WHERE workspace = ?1")?;
    let rows = all.query_and_then([workspace], |row| {
        Ok(Note {
            id: CredentialId::from_uuid(read::uuid(row.get(0)?)?),
            label: row.get(1)?,
            used_at: row.get::<_, Option<i64>>(2)?.map(time).transpose()?,
        })
    })?;
    rows.collect()
}

pub(super) fn used(
    db: &Connection,
    workspace: &str,
    id: CredentialId,
    at: Timestamp,
) -> Result<()> {
    db.prepare_cached("UPDATE note SET used_at = ?3 WHERE workspace = ?1 AND id = ?2")?
        .execute(params![workspace, id.as_uuid().as_bytes(), at.as_microsecond()])?;
    Ok(())
}

pub(super) fn callbacks(db: &Connection, workspace: &str) -> Result<Vec<(AgentName, Callback)>> {
    let mut all =
        db.prepare_cached("SELECT agent, url, secret FROM callback WHERE workspace = ?1")?;
    let rows = all.query_and_then([workspace], |row| {
        let callback = Callback { url: row.get(1)?, secret: row.get(2)? };
        Ok((parsed(row.get_ref(0)?.as_str())?, callback))
    })?;
    rows.collect()
}
