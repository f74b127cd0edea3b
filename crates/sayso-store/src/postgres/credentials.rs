//! Agents, people, their secrets, and the keys the server signs with.

use jiff::Timestamp;
use sayso_core::credential::{AgentRecord, PersonRecord, Role};
use sayso_core::{AgentName, Digest, ReviewerName, WorkspaceEvent};
use uuid::Uuid;

use super::connection::Connection;
use super::ledger::{APPEND, Appender, Halting};
use super::pool::{Pool, Pooled};
use crate::column::{digest, kind, kind_word, parsed, time};
use crate::record::{Happened, NewEntry, NewSecret};
use crate::{Callback, Result, StoreError};

/// Who changes credentials, where.
pub(super) struct Registrar<'a> {
    pub(super) pool: &'a Pool,
    pub(super) workspace: &'a str,
    pub(super) server: Uuid,
}

impl Registrar<'_> {
    /// Commits the transaction, with what happened in it.
    async fn commit(&self, mut db: Pooled<'_>, event: WorkspaceEvent, at: Timestamp) -> Result<()> {
        let statement = db.prepared(APPEND).await?;
        let entries = [NewEntry { at, happened: Happened::Workspace(event), body: None }];
        let appender = Appender {
            client: &db.client,
            statement: &statement,
            workspace: self.workspace,
            server: self.server,
        };
        tokio::try_join!(
            biased;
            appender.append(&entries, Halting::default()),
            async { Ok(db.client.batch_execute("COMMIT").await?) },
        )?;
        db.committed();
        Ok(())
    }

    pub(super) async fn add_agent(&self, agent: &AgentRecord, at: Timestamp) -> Result<()> {
        let db = self.pool.begin().await?;
        db.execute(
            "INSERT INTO agent (workspace, name, key, added_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (workspace, name) DO UPDATE SET key = excluded.key",
            &[
                &self.workspace,
                &agent.name.as_str(),
                &&agent.key.as_bytes()[..],
                &at.as_microsecond(),
            ],
        )
        .await?;
        self.commit(db, WorkspaceEvent::AgentAdded { name: agent.name.clone() }, at).await
    }

    pub(super) async fn set_callback(
        &self,
        agent: &AgentName,
        callback: Option<&Callback>,
        at: Timestamp,
    ) -> Result<bool> {
        let db = self.pool.begin().await?;
        if !agents(&db, self.workspace).await?.contains(agent) {
            return Ok(false);
        }
        let name = agent.as_str();
        let sql = "DELETE FROM callback WHERE workspace = $1 AND agent = $2";
        db.execute(sql, &[&self.workspace, &name]).await?;
        if let Some(Callback { url, secret }) = callback {
            let sql =
                "INSERT INTO callback (workspace, agent, url, secret) VALUES ($1, $2, $3, $4)";
            db.execute(sql, &[&self.workspace, &name, &url, &&secret[..]]).await?;
        }
        let url = callback.map(|callback| callback.url.clone());
        self.commit(db, WorkspaceEvent::CallbackSet { agent: agent.clone(), url }, at).await?;
        Ok(true)
    }

    pub(super) async fn add_person(
        &self,
        name: &ReviewerName,
        roles: &[Role],
        secrets: &[NewSecret],
        at: Timestamp,
    ) -> Result<()> {
        let db = self.pool.begin().await?;
        db.execute(
            "INSERT INTO person (workspace, name, roles, added_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (workspace, name) DO UPDATE SET roles = excluded.roles",
            &[
                &self.workspace,
                &name.as_str(),
                &serde_json::to_string(roles)?,
                &at.as_microsecond(),
            ],
        )
        .await?;
        for secret in secrets {
            add_secret(&db, self.workspace, name, secret).await?;
        }
        let event = WorkspaceEvent::ReviewerAdded { name: name.clone(), roles: roles.to_vec() };
        self.commit(db, event, at).await
    }
}

pub(super) async fn agent(
    db: &Connection,
    workspace: &str,
    key: Digest,
) -> Result<Option<AgentRecord>> {
    let sql = "SELECT name FROM agent WHERE workspace = $1 AND key = $2";
    let row = db.row(sql, &[&workspace, &&key.as_bytes()[..]]).await?;
    row.map(|row| Ok(AgentRecord { name: parsed(row.try_get(0)?)?, key, owner: None })).transpose()
}

pub(super) async fn agents(db: &Connection, workspace: &str) -> Result<Vec<AgentName>> {
    let sql = "SELECT name FROM agent WHERE workspace = $1 ORDER BY name";
    db.rows(sql, &[&workspace]).await?.iter().map(|row| parsed(row.try_get(0)?)).collect()
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

/// Adds a secret to a person, if there is one of that name.
pub(super) async fn add_secret(
    db: &Connection,
    workspace: &str,
    person: &ReviewerName,
    secret: &NewSecret,
) -> Result<()> {
    let added = db
        .execute(
            "INSERT INTO secret (workspace, hash, kind, person, expires_at)
             SELECT workspace, $3, $4, name, $5 FROM person WHERE workspace = $1 AND name = $2",
            &[
                &workspace,
                &person.as_str(),
                &&secret.hash.as_bytes()[..],
                &kind_word(secret.kind),
                &secret.expires_at.map(Timestamp::as_microsecond),
            ],
        )
        .await?;
    if added == 1 { Ok(()) } else { Err(StoreError::NoSuchPerson(person.to_string())) }
}

pub(super) async fn people(
    db: &Connection,
    workspace: &str,
) -> Result<Vec<(ReviewerName, Vec<Role>)>> {
    let sql = "SELECT name, roles FROM person WHERE workspace = $1 ORDER BY name";
    let rows = db.rows(sql, &[&workspace]).await?;
    let people = rows
        .iter()
        .map(|row| Ok((parsed(row.try_get(0)?)?, serde_json::from_str(row.try_get(1)?)?)));
    people.collect()
}

pub(super) async fn person(
    db: &Connection,
    workspace: &str,
    secret: Digest,
) -> Result<Option<PersonRecord>> {
    let sql = "SELECT name, roles, kind, expires_at, hash FROM secret
               JOIN person ON person.workspace = secret.workspace AND person.name = secret.person
               WHERE secret.workspace = $1 AND hash = $2";
    let row = db.row(sql, &[&workspace, &&secret.as_bytes()[..]]).await?;
    let person = row.map(|row| {
        Ok(PersonRecord {
            name: parsed(row.try_get(0)?)?,
            roles: serde_json::from_str(row.try_get(1)?)?,
            groups: Vec::new(),
            stands_in_for: Vec::new(),
            kind: kind(row.try_get(2)?)?,
            secret: digest(row.try_get(4)?)?,
            expires_at: row.try_get::<_, Option<i64>>(3)?.map(time).transpose()?,
        })
    });
    person.transpose()
}

pub(super) async fn remove_secret(
    db: &Connection,
    workspace: &str,
    secret: Digest,
) -> Result<bool> {
    let sql = "DELETE FROM secret WHERE workspace = $1 AND hash = $2";
    Ok(db.execute(sql, &[&workspace, &&secret.as_bytes()[..]]).await? == 1)
}

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
