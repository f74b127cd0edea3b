//! The one writer: units of work, each one transaction and one fsync.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use sayso_core::{AgentName, Escalation, EscalationId, Heard, RouteName, RuleName};

use super::{body, read, tree};
use crate::column::{digest, signed, tier_number, time, unsigned};
use crate::record::{
    Call, Changes, Current, Entry, Happened, KeyName, KeyUse, ListeningClock, NewEntry, Outbox,
    OutboxKind, Snapshot,
};
use crate::tree::{Seal, Written};
use crate::{Result, StoreError, Writer};

pub(super) struct SqliteWriter {
    db: Connection,
    workspace: Arc<str>,
}

impl SqliteWriter {
    pub(super) fn new(db: Connection, workspace: &Arc<str>) -> Self {
        Self { db, workspace: Arc::clone(workspace) }
    }
}

#[async_trait]
impl Writer for SqliteWriter {
    async fn begin(&mut self) -> Result<Snapshot> {
        self.rollback().await?;
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        let mut clocks = self
            .db
            .prepare_cached("SELECT route, heard, until FROM listening WHERE workspace = ?1")?;
        let clocks = clocks.query_and_then([&*self.workspace], |row| {
            Ok(ListeningClock {
                route: read::parsed(row.get_ref(0)?.as_str())?,
                heard: Heard::from_micros(unsigned(row.get(1)?)),
                until: time(row.get(2)?)?,
            })
        })?;
        let clocks = clocks.collect::<Result<_>>()?;
        let halts = read::halts(&self.db, &self.workspace)?;
        let newest = read::newest_of_workspace(&self.db, &self.workspace)?;
        Ok(Snapshot { clocks, halts, newest })
    }

    async fn workspace_entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        read::workspace_entries(&self.db, &self.workspace, after, limit)
    }

    async fn load(&mut self, ids: &[EscalationId]) -> Result<Vec<Escalation>> {
        let mut one = self
            .db
            .prepare_cached("SELECT state FROM escalation WHERE workspace = ?1 AND id = ?2")?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let state = one
                .query_row(params![self.workspace, id.as_uuid().as_bytes()], |row| {
                    Ok(serde_json::from_str(row.get_ref(0)?.as_str()?))
                })
                .optional()?;
            found.extend(state.transpose()?);
        }
        Ok(found)
    }

    async fn keys(&mut self, keys: &[KeyName]) -> Result<Vec<(KeyName, KeyUse)>> {
        let mut one = self.db.prepare_cached(
            "SELECT fingerprint, escalation FROM idempotency
             WHERE workspace = ?1 AND agent = ?2 AND key = ?3",
        )?;
        let mut found = Vec::new();
        for name in keys {
            let used = one
                .query_row(params![self.workspace, name.agent.as_str(), name.key], |row| {
                    Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?))
                })
                .optional()?;
            if let Some((fingerprint, escalation)) = used {
                let used = KeyUse {
                    fingerprint: digest(&fingerprint)?,
                    escalation: read::id(escalation)?,
                };
                found.push((name.clone(), used));
            }
        }
        Ok(found)
    }

    async fn asked(&mut self, calls: &[Call]) -> Result<Vec<(Call, EscalationId)>> {
        let mut one = self.db.prepare_cached(
            "SELECT escalation FROM asked WHERE workspace = ?1 AND agent = ?2 AND digest = ?3",
        )?;
        let mut found = Vec::new();
        for call in calls {
            let key = params![self.workspace, call.agent.as_str(), call.digest.as_bytes()];
            if let Some(id) = one.query_row(key, |row| row.get(0)).optional()? {
                found.push((call.clone(), read::id(id)?));
            }
        }
        Ok(found)
    }

    async fn due(
        &mut self,
        at: Timestamp,
        readings: &[(RouteName, Heard)],
        limit: usize,
    ) -> Result<Vec<Escalation>> {
        let mut found = Vec::new();
        let limit = |found: &Vec<Escalation>| signed(limit.saturating_sub(found.len()));
        let mut by_wall = self.db.prepare_cached(
            "SELECT state FROM escalation WHERE workspace = ?1 AND wake_at <= ?2
             ORDER BY wake_at LIMIT ?3",
        )?;
        let rows = by_wall
            .query_and_then(params![self.workspace, at.as_microsecond(), limit(&found)], state)?;
        found = rows.collect::<Result<_>>()?;
        let mut by_hearing = self.db.prepare_cached(
            "SELECT state FROM escalation WHERE workspace = ?1 AND route = ?2 AND wake_heard <= ?3
             ORDER BY wake_heard LIMIT ?4",
        )?;
        for (route, heard) in readings {
            let heard = signed(heard.as_micros());
            let rows = by_hearing.query_and_then(
                params![self.workspace, route.as_str(), heard, limit(&found)],
                state,
            )?;
            for row in rows {
                let escalation: Escalation = row?;
                if found.iter().all(|known| known.id() != escalation.id()) {
                    found.push(escalation);
                }
            }
        }
        Ok(found)
    }

    async fn silent_grants(
        &mut self,
        agent: &AgentName,
        rule: &RuleName,
        since: Timestamp,
    ) -> Result<u32> {
        let mut count = self.db.prepare_cached(
            "SELECT count(*) FROM silent_grant
             WHERE workspace = ?1 AND agent = ?2 AND rule = ?3 AND at > ?4",
        )?;
        Ok(count.query_row(
            params![self.workspace, agent.as_str(), rule.as_str(), since.as_microsecond()],
            |row| row.get(0),
        )?)
    }

    async fn outbox(
        &mut self,
        kind: OutboxKind,
        route: Option<&RouteName>,
        limit: usize,
    ) -> Result<Vec<Outbox>> {
        let mut waiting = self.db.prepare_cached(
            "SELECT route, id FROM outbox
             WHERE workspace = ?1 AND kind = ?2 AND (?3 IS NULL OR route = ?3)
             ORDER BY route, id LIMIT ?4",
        )?;
        let route = route.map(RouteName::as_str);
        let rows = waiting.query_and_then(
            params![self.workspace, kind.word(), route, signed(limit)],
            |row| {
                let route = read::parsed(row.get_ref(0)?.as_str())?;
                Ok(Outbox { kind, route, id: uuid::Uuid::from_bytes(row.get(1)?) })
            },
        )?;
        rows.collect()
    }

    async fn standing(
        &mut self,
        after: Option<EscalationId>,
        limit: usize,
    ) -> Result<Vec<Escalation>> {
        let after = after.map_or([0; 16], |id| *id.as_uuid().as_bytes());
        // Two walks in id order, merged: escalation_pending and escalation_redeemable.
        let mut standing = self.db.prepare_cached(
            "SELECT state, id FROM escalation WHERE workspace = ?1 AND id > ?2 AND pending = 1
             UNION ALL
             SELECT state, id FROM escalation WHERE workspace = ?1 AND id > ?2 AND redeemable = 1
             ORDER BY id LIMIT ?3",
        )?;
        let rows = standing.query_and_then(params![self.workspace, after, signed(limit)], state)?;
        rows.collect()
    }

    async fn commit(&mut self, changes: &Changes) -> Result<u64> {
        let first = self.append(&changes.entries)?;
        for current in &changes.escalations {
            self.keep(current)?;
        }
        self.keep_rest(changes)?;
        if let Some(seal) = &changes.seal {
            tree::seal(&self.db, &self.workspace, seal)?;
        }
        self.db.execute_batch("COMMIT")?;
        Ok(first)
    }

    async fn seal(&mut self, seal: &Seal) -> Result<()> {
        self.rollback().await?;
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        tree::seal(&self.db, &self.workspace, seal)?;
        Ok(self.db.execute_batch("COMMIT")?)
    }

    async fn rollback(&mut self) -> Result<()> {
        if !self.db.is_autocommit() {
            self.db.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }
}

fn state(row: &rusqlite::Row<'_>) -> Result<Escalation> {
    Ok(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?)
}

impl SqliteWriter {
    fn append(&self, entries: &[NewEntry]) -> Result<u64> {
        append(&self.db, &self.workspace, entries)
    }

    fn keep(&self, current: &Current) -> Result<()> {
        let Current { escalation, before, due } = current;
        let state = serde_json::to_string(escalation)?;
        let (wake_at, wake_heard) = (
            due.at.map(Timestamp::as_microsecond),
            due.heard.map(|heard| signed(heard.as_micros())),
        );
        let id = escalation.id().as_uuid();
        let changed = match before {
            None => self
                .db
                .prepare_cached(
                    "INSERT INTO escalation (workspace, id, agent, tier, route, pending,
                                             redeemable, version, wake_at, wake_heard, state)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    self.workspace,
                    id.as_bytes(),
                    escalation.agent().as_str(),
                    tier_number(escalation.tier()),
                    escalation.verdict().route.as_str(),
                    escalation.is_pending(),
                    current.is_redeemable(),
                    signed(escalation.version()),
                    wake_at,
                    wake_heard,
                    state,
                ])?,
            Some(before) => self
                .db
                .prepare_cached(
                    "UPDATE escalation
                     SET tier = ?3, route = ?4, pending = ?5, redeemable = ?6, version = ?7,
                         wake_at = ?8, wake_heard = ?9, state = ?10
                     WHERE workspace = ?1 AND id = ?2 AND version = ?11",
                )?
                .execute(params![
                    self.workspace,
                    id.as_bytes(),
                    tier_number(escalation.tier()),
                    escalation.verdict().route.as_str(),
                    escalation.is_pending(),
                    current.is_redeemable(),
                    signed(escalation.version()),
                    wake_at,
                    wake_heard,
                    state,
                    signed(*before),
                ])?,
        };
        if changed == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    fn keep_rest(&self, changes: &Changes) -> Result<()> {
        let workspace = &self.workspace;
        for key in &changes.keys {
            self.db
                .prepare_cached("INSERT INTO idempotency VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    workspace,
                    key.name.agent.as_str(),
                    key.name.key,
                    key.used.fingerprint.as_bytes(),
                    key.used.escalation.as_uuid().as_bytes(),
                ])?;
        }
        for (call, id) in &changes.asked {
            self.db
                .prepare_cached("INSERT OR REPLACE INTO asked VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    workspace,
                    call.agent.as_str(),
                    call.digest.as_bytes(),
                    id.as_uuid().as_bytes(),
                ])?;
        }
        for clock in &changes.clocks {
            self.db
                .prepare_cached("INSERT OR REPLACE INTO listening VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    workspace,
                    clock.route.as_str(),
                    signed(clock.heard.as_micros()),
                    clock.until.as_microsecond(),
                ])?;
        }
        for grant in &changes.silent_grants {
            self.db
                .prepare_cached("INSERT INTO silent_grant VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    workspace,
                    grant.agent.as_str(),
                    grant.rule.as_str(),
                    grant.at.as_microsecond(),
                    grant.escalation.as_uuid().as_bytes(),
                ])?;
        }
        for work in &changes.outbox {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO outbox VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    workspace,
                    work.kind.word(),
                    work.route.as_str(),
                    work.id.as_bytes()
                ])?;
        }
        for work in &changes.done {
            self.db
                .prepare_cached(
                    "DELETE FROM outbox
                     WHERE workspace = ?1 AND kind = ?2 AND route = ?3 AND id = ?4",
                )?
                .execute(params![
                    workspace,
                    work.kind.word(),
                    work.route.as_str(),
                    work.id.as_bytes()
                ])?;
        }
        for halt in &changes.halts {
            self.db
                .prepare_cached("INSERT INTO halt (workspace, id, halt) VALUES (?1, ?2, ?3)")?
                .execute(params![
                workspace,
                halt.id.as_uuid().as_bytes(),
                serde_json::to_string(halt)?
            ])?;
        }
        body::erase(&self.db, &changes.erased)?;
        for id in &changes.lifted {
            self.db
                .prepare_cached("UPDATE halt SET lifted = 1 WHERE workspace = ?1 AND id = ?2")?
                .execute(params![workspace, id.as_uuid().as_bytes()])?;
        }
        Ok(())
    }
}

/// Appends to the ledger, in the transaction that is open; returns the first index.
pub(super) fn append(db: &Connection, workspace: &str, entries: &[NewEntry]) -> Result<u64> {
    let mut entry = db.prepare_cached(
        "INSERT INTO ledger (workspace, at, escalation, version, event, body_hash, leaf)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut body =
        db.prepare_cached("INSERT INTO body (seq, salt, content) VALUES (?1, ?2, ?3)")?;
    let mut first = None;
    for new in entries {
        let Written { event, body_hash, leaf } = new.written(workspace)?;
        let of = match &new.happened {
            Happened::Escalation { id, version, .. } => Some((id.as_uuid(), signed(*version))),
            Happened::Workspace(_) => None,
        };
        let seq = entry.insert(params![
            workspace,
            new.at.as_microsecond(),
            of.map(|(id, _)| *id.as_bytes()),
            of.map(|(_, version)| version),
            event,
            body_hash.map(|hash| *hash.as_bytes()),
            leaf.as_bytes(),
        ])?;
        if let Some(text) = &new.body {
            body.execute(params![seq, text.salt, text.content])?;
        }
        first.get_or_insert(seq);
    }
    match first {
        Some(seq) => Ok(unsigned(seq)),
        None => Ok(read::ledger_size(db, workspace)? + 1),
    }
}

#[cfg(test)]
mod tests {
    use sayso_core::{Digest, WorkspaceEvent};

    use super::*;
    use crate::Body;

    #[tokio::test]
    async fn a_file_that_is_full_is_told_and_nothing_is_changed() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut db = crate::sqlite::connect(&folder.path().join("sayso.db")).unwrap();
        crate::sqlite::schema::migrate(&mut db).unwrap();
        let pages: u32 = db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        // What a full disk does to SQLite, where no disk can be filled.
        db.pragma_update_and_check(None, "max_page_count", pages + 4, |_| Ok(())).unwrap();
        let mut writer = SqliteWriter::new(db, &"default".into());

        let entry = |size| NewEntry {
            at: Timestamp::UNIX_EPOCH,
            happened: Happened::Workspace(WorkspaceEvent::PolicyLoaded { policy: Digest::of(b"") }),
            body: Some(Body { salt: [0; 16], content: vec![b'x'; size] }),
        };
        let commit = |size| Changes { entries: vec![entry(10), entry(size)], ..Changes::default() };
        writer.begin().await.unwrap();
        let refused = writer.commit(&commit(100_000)).await;
        assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
        writer.rollback().await.unwrap();
        writer.begin().await.unwrap();
        assert_eq!(writer.commit(&commit(10)).await.unwrap(), 1);
    }
}
