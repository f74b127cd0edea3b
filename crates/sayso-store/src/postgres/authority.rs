//! Changes of authority, what people note about their credentials, and where agents are called.

use jiff::Timestamp;
use sayso_core::{AgentName, CredentialId};
use uuid::Uuid;

use super::connection::Connection;
use super::ledger::{APPEND, Appender, Halting};
use super::pool::{Pool, Pooled};
use crate::column::{parsed, signed, time};
use crate::record::{Amendment, Note};
use crate::{Callback, Result, StoreError};

/// Two servers, or a server and the command line, take turns to change who may do what.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('sayso authority ' || $1, 0))";
/// By `ledger_workspace`. A statement of its own, to see what was committed until the lock was had.
const NEWER: &str = "
    SELECT 1 FROM ledger WHERE workspace = $1 AND escalation IS NULL AND seq > $2 LIMIT 1";

/// Who changes authority, where.
pub(super) struct Registrar<'a> {
    pub(super) pool: &'a Pool,
    pub(super) workspace: &'a str,
    pub(super) server: Uuid,
}

impl Registrar<'_> {
    pub(super) async fn amend(&self, amendment: &Amendment) -> Result<u64> {
        let Amendment { after, entries: _, notes, forgotten, callback } = amendment;
        let workspace = self.workspace;
        let mut db = self.pool.begin().await?;
        db.execute(LOCK, &[&workspace]).await?;
        if db.row(NEWER, &[&workspace, &signed(*after)]).await?.is_some() {
            return Err(StoreError::Conflict);
        }
        for Note { id, label, used_at } in notes {
            let sql = "INSERT INTO note (workspace, id, label, used_at) VALUES ($1, $2, $3, $4)";
            let used_at = used_at.map(Timestamp::as_microsecond);
            db.execute(sql, &[&workspace, &id.as_uuid(), label, &used_at]).await?;
        }
        if !forgotten.is_empty() {
            let ids: Vec<_> = forgotten.iter().map(|id| id.as_uuid()).collect();
            let sql = "DELETE FROM note WHERE workspace = $1 AND id = ANY ($2::uuid[])";
            db.execute(sql, &[&workspace, &ids]).await?;
        }
        if let Some((agent, callback)) = callback {
            call(&db, workspace, agent, callback.as_ref()).await?;
        }
        self.commit(&mut db, amendment).await
    }

    /// Commits the transaction, with what happened in it.
    async fn commit(&self, db: &mut Pooled<'_>, amendment: &Amendment) -> Result<u64> {
        let statement = db.prepared(APPEND).await?;
        let appender = Appender {
            client: &db.client,
            statement: &statement,
            workspace: self.workspace,
            server: self.server,
        };
        let halting = Halting { seen: None, changes: amendment.takes_away() };
        let (first, ()) = tokio::try_join!(
            biased;
            appender.append(&amendment.entries, halting),
            async { Ok(db.client.batch_execute("COMMIT").await?) },
        )?;
        db.committed();
        Ok(first)
    }
}

/// Has an agent called at an address, or nowhere.
async fn call(
    db: &Connection,
    workspace: &str,
    agent: &AgentName,
    callback: Option<&Callback>,
) -> Result<()> {
    let name = agent.as_str();
    let sql = "DELETE FROM callback WHERE workspace = $1 AND agent = $2";
    db.execute(sql, &[&workspace, &name]).await?;
    if let Some(Callback { url, secret }) = callback {
        let sql = "INSERT INTO callback (workspace, agent, url, secret) VALUES ($1, $2, $3, $4)";
        db.execute(sql, &[&workspace, &name, &url, &&secret[..]]).await?;
    }
    Ok(())
}

pub(super) async fn notes(db: &Connection, workspace: &str) -> Result<Vec<Note>> {
    let sql = "SELECT id, label, used_at FROM note WHERE workspace = $1";
    let rows = db.rows(sql, &[&workspace]).await?;
    let notes = rows.iter().map(|row| {
        Ok(Note {
            id: CredentialId::from_uuid(row.try_get(0)?),
            label: row.try_get(1)?,
            used_at: row.try_get::<_, Option<i64>>(2)?.map(time).transpose()?,
        })
    });
    notes.collect()
}

pub(super) async fn used(
    db: &Connection,
    workspace: &str,
    id: CredentialId,
    at: Timestamp,
) -> Result<()> {
    let sql = "UPDATE note SET used_at = $3 WHERE workspace = $1 AND id = $2";
    db.execute(sql, &[&workspace, &id.as_uuid(), &at.as_microsecond()]).await?;
    Ok(())
}

pub(super) async fn callbacks(
    db: &Connection,
    workspace: &str,
) -> Result<Vec<(AgentName, Callback)>> {
    let sql = "SELECT agent, url, secret FROM callback WHERE workspace = $1";
    let rows = db.rows(sql, &[&workspace]).await?;
    let read = |row: &tokio_postgres::Row| {
        let secret: Vec<u8> = row.try_get(2)?;
        let secret = secret.try_into();
        let secret = secret
            .map_err(|_| StoreError::Corrupt("a callback's secret has another length".into()))?;
        Ok((parsed(row.try_get(0)?)?, Callback { url: row.try_get(1)?, secret }))
    };
    rows.iter().map(read).collect()
}
