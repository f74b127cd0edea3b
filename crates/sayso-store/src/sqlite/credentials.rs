//! Agents, people, their secrets, and the keys the server signs with.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use sayso_core::credential::{AgentRecord, PersonRecord, Role};
use sayso_core::{AgentName, Digest, ReviewerName, WorkspaceEvent};

use super::read::{json, parsed};
use super::write::append;
use crate::column::{digest, kind, kind_word, time};
use crate::record::{Happened, NewEntry, NewSecret};
use crate::{Callback, Result, StoreError};

/// Runs `work` in a transaction of its own, also beside a server in another process.
fn in_transaction<T>(db: &Connection, work: impl FnOnce() -> Result<T>) -> Result<T> {
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

fn record(db: &Connection, workspace: &str, event: WorkspaceEvent, at: Timestamp) -> Result<()> {
    let entry = NewEntry { at, happened: Happened::Workspace(event), body: None };
    append(db, workspace, &[entry]).map(|_| ())
}

pub(super) fn add_agent(
    db: &Connection,
    workspace: &str,
    agent: &AgentRecord,
    at: Timestamp,
) -> Result<()> {
    in_transaction(db, || {
        db.prepare_cached(
            "INSERT INTO agent VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (workspace, name) DO UPDATE SET key = excluded.key",
        )?
        .execute(params![
            workspace,
            agent.name.as_str(),
            agent.key.as_bytes(),
            at.as_microsecond()
        ])?;
        record(db, workspace, WorkspaceEvent::AgentAdded { name: agent.name.clone() }, at)
    })
}

pub(super) fn agent(db: &Connection, workspace: &str, key: Digest) -> Result<Option<AgentRecord>> {
    let mut one = db.prepare_cached("SELECT name FROM agent WHERE workspace = ?1 AND key = ?2")?;
    let name: Option<String> =
        one.query_row(params![workspace, key.as_bytes()], |row| row.get(0)).optional()?;
    name.map(|name| Ok(AgentRecord { name: parsed(Ok(&name))?, key, owner: None })).transpose()
}

/// Changes where an agent is called; false, if there is no such agent.
pub(super) fn set_callback(
    db: &Connection,
    workspace: &str,
    agent: &AgentName,
    callback: Option<&Callback>,
    at: Timestamp,
) -> Result<bool> {
    if !agents(db, workspace)?.contains(agent) {
        return Ok(false);
    }
    in_transaction(db, || {
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
        let url = callback.map(|callback| callback.url.clone());
        record(db, workspace, WorkspaceEvent::CallbackSet { agent: agent.clone(), url }, at)
    })?;
    Ok(true)
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

pub(super) fn agents(db: &Connection, workspace: &str) -> Result<Vec<AgentName>> {
    let mut all = db.prepare_cached("SELECT name FROM agent WHERE workspace = ?1 ORDER BY name")?;
    let rows = all.query_and_then([workspace], |row| parsed(row.get_ref(0)?.as_str()))?;
    rows.collect()
}

pub(super) fn add_person(
    db: &Connection,
    workspace: &str,
    name: &ReviewerName,
    roles: &[Role],
    secrets: &[NewSecret],
    at: Timestamp,
) -> Result<()> {
    in_transaction(db, || {
        db.prepare_cached(
            "INSERT INTO person VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (workspace, name) DO UPDATE SET roles = excluded.roles",
        )?
        .execute(params![
            workspace,
            name.as_str(),
            serde_json::to_string(roles)?,
            at.as_microsecond()
        ])?;
        for secret in secrets {
            insert_secret(db, workspace, name, secret)?;
        }
        let event = WorkspaceEvent::ReviewerAdded { name: name.clone(), roles: roles.to_vec() };
        record(db, workspace, event, at)
    })
}

pub(super) fn add_secret(
    db: &Connection,
    workspace: &str,
    person: &ReviewerName,
    secret: &NewSecret,
) -> Result<()> {
    let mut known = db.prepare_cached("SELECT 1 FROM person WHERE workspace = ?1 AND name = ?2")?;
    if !known.exists(params![workspace, person.as_str()])? {
        return Err(StoreError::NoSuchPerson(person.to_string()));
    }
    insert_secret(db, workspace, person, secret)
}

fn insert_secret(
    db: &Connection,
    workspace: &str,
    person: &ReviewerName,
    secret: &NewSecret,
) -> Result<()> {
    db.prepare_cached("INSERT INTO secret VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        workspace,
        secret.hash.as_bytes(),
        kind_word(secret.kind),
        person.as_str(),
        secret.expires_at.map(Timestamp::as_microsecond),
    ])?;
    Ok(())
}

pub(super) fn people(db: &Connection, workspace: &str) -> Result<Vec<(ReviewerName, Vec<Role>)>> {
    let mut all =
        db.prepare_cached("SELECT name, roles FROM person WHERE workspace = ?1 ORDER BY name")?;
    let rows = all.query_and_then([workspace], |row| {
        Ok((parsed(row.get_ref(0)?.as_str())?, json(row, 1)?))
    })?;
    rows.collect()
}

pub(super) fn person(
    db: &Connection,
    workspace: &str,
    secret: Digest,
) -> Result<Option<PersonRecord>> {
    let mut one = db.prepare_cached(
        "SELECT person.name, roles, kind, expires_at, hash FROM secret
         JOIN person ON person.workspace = secret.workspace AND person.name = secret.person
         WHERE secret.workspace = ?1 AND hash = ?2",
    )?;
    let mut rows = one.query_and_then(params![workspace, secret.as_bytes()], |row| {
        Ok(PersonRecord {
            name: parsed(row.get_ref(0)?.as_str())?,
            roles: json(row, 1)?,
            groups: Vec::new(),
            stands_in_for: Vec::new(),
            kind: kind(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?,
            secret: digest(&row.get::<_, Vec<u8>>(4)?)?,
            expires_at: row.get::<_, Option<i64>>(3)?.map(time).transpose()?,
        })
    })?;
    rows.next().transpose()
}

pub(super) fn remove_secret(db: &Connection, workspace: &str, secret: Digest) -> Result<bool> {
    let removed = db
        .prepare_cached("DELETE FROM secret WHERE workspace = ?1 AND hash = ?2")?
        .execute(params![workspace, secret.as_bytes()])?;
    Ok(removed == 1)
}

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
