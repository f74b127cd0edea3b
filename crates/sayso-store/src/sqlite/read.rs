//! Everything that is only read, and how columns become the law's own types.

use rusqlite::types::FromSqlResult;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use sayso_core::halt::Halt;
use sayso_core::{Escalation, EscalationId, Heard};
use uuid::Uuid;

use crate::column::{self, digest, signed, tier_number, time, unsigned};
use crate::record::{Entry, Happened, Kept, NextDue, Page, Past, Query, Standing};
use crate::{Result, StoreError};

pub(super) fn kept(db: &Connection, workspace: &str, id: EscalationId) -> Result<Option<Kept>> {
    let mut one =
        db.prepare_cached("SELECT state FROM escalation WHERE workspace = ?1 AND id = ?2")?;
    let state = one
        .query_row(params![workspace, id.as_uuid().as_bytes()], |row| {
            Ok(serde_json::from_str::<Escalation>(row.get_ref(0)?.as_str()?))
        })
        .optional()?;
    let Some(escalation) = state.transpose()? else { return Ok(None) };
    let history = history(db, workspace, id, escalation.version())?;
    Ok(Some(Kept { escalation, history }))
}

/// The history up to `version`, so that a write between two reads can't tear it from its state.
fn history(db: &Connection, workspace: &str, id: EscalationId, version: u64) -> Result<Vec<Past>> {
    let mut events = db.prepare_cached(
        "SELECT ledger.seq, at, event, content FROM ledger LEFT JOIN body USING (seq)
         WHERE workspace = ?1 AND escalation = ?2 AND version <= ?3 ORDER BY version",
    )?;
    let rows = events.query_and_then(
        params![workspace, id.as_uuid().as_bytes(), signed(version)],
        |row| {
            Ok(Past {
                seq: unsigned(row.get(0)?),
                at: time(row.get(1)?)?,
                event: json(row, 2)?,
                body: row.get(3)?,
            })
        },
    )?;
    rows.collect()
}

pub(super) fn list(db: &Connection, workspace: &str, query: &Query) -> Result<Page> {
    use rusqlite::types::Value;
    // Each combination of conditions is a statement of its own, so that each has its index:
    // escalation_pending, escalation_by_agent, or the primary key.
    let mut sql = String::from("SELECT state FROM escalation WHERE workspace = ?");
    let mut values: Vec<Value> = vec![workspace.to_owned().into()];
    match query.pending {
        Some(true) => sql.push_str(" AND pending = 1"),
        Some(false) => sql.push_str(" AND pending = 0"),
        None => {}
    }
    if let Some(tier) = query.tier {
        sql.push_str(" AND tier = ?");
        values.push(i64::from(tier_number(tier)).into());
    }
    if let Some(agent) = &query.agent {
        sql.push_str(" AND agent = ?");
        values.push(agent.as_str().to_owned().into());
    }
    if let Some(before) = query.before {
        sql.push_str(" AND id < ?");
        values.push(before.as_uuid().as_bytes().to_vec().into());
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    values.push(signed(query.limit.saturating_add(1)).into());

    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_and_then(params_from_iter(values), |row| json(row, 0))?;
    let mut found = rows.collect::<Result<Vec<Escalation>>>()?;
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| more).map(Escalation::id);
    let items = found.into_iter().map(|escalation| {
        let history = history(db, workspace, escalation.id(), escalation.version())?;
        Ok(Kept { escalation, history })
    });
    Ok(Page { items: items.collect::<Result<_>>()?, next })
}

pub(super) fn entries(
    db: &Connection,
    workspace: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<Entry>> {
    let mut statement = db.prepare_cached(
        "SELECT seq, at, escalation, version, event, body_hash FROM ledger
         WHERE seq >= ?2 AND workspace = ?1 ORDER BY seq LIMIT ?3",
    )?;
    let rows = statement.query_and_then(params![workspace, signed(from), signed(limit)], entry)?;
    rows.collect()
}

/// The index of the newest entry that is of no escalation.
pub(super) fn newest_of_workspace(db: &Connection, workspace: &str) -> Result<u64> {
    // By ledger_workspace.
    let mut newest = db.prepare_cached(
        "SELECT coalesce(max(seq), 0) FROM ledger WHERE workspace = ?1 AND escalation IS NULL",
    )?;
    Ok(unsigned(newest.query_row([workspace], |row| row.get(0))?))
}

pub(super) fn workspace_entries(
    db: &Connection,
    workspace: &str,
    after: u64,
    limit: usize,
) -> Result<Vec<Entry>> {
    // By ledger_workspace.
    let mut statement = db.prepare_cached(
        "SELECT seq, at, escalation, version, event, body_hash FROM ledger
         WHERE workspace = ?1 AND escalation IS NULL AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let rows = statement.query_and_then(params![workspace, signed(after), signed(limit)], entry)?;
    rows.collect()
}

fn entry(row: &Row<'_>) -> Result<Entry> {
    let happened = match row.get::<_, Option<Vec<u8>>>(2)? {
        Some(escalation) => Happened::Escalation {
            id: id(escalation)?,
            version: unsigned(row.get(3)?),
            event: json(row, 4)?,
        },
        None => Happened::Workspace(json(row, 4)?),
    };
    Ok(Entry {
        seq: unsigned(row.get(0)?),
        at: time(row.get(1)?)?,
        happened,
        body_hash: row.get::<_, Option<Vec<u8>>>(5)?.as_deref().map(digest).transpose()?,
    })
}

pub(super) fn ledger_size(db: &Connection, _workspace: &str) -> Result<u64> {
    let mut size = db.prepare_cached("SELECT coalesce(max(seq), 0) FROM ledger")?;
    Ok(unsigned(size.query_row([], |row| row.get(0))?))
}

pub(super) fn next_due(db: &Connection, workspace: &str) -> Result<NextDue> {
    let mut wall = db.prepare_cached(
        "SELECT min(wake_at) FROM escalation WHERE workspace = ?1 AND wake_at IS NOT NULL",
    )?;
    let wall: Option<i64> = wall.query_row([workspace], |row| row.get(0))?;
    let mut hearing = db.prepare_cached(
        "SELECT route, min(wake_heard) FROM escalation
         WHERE workspace = ?1 AND wake_heard IS NOT NULL GROUP BY route",
    )?;
    let rows = hearing.query_and_then([workspace], |row| {
        let heard = Heard::from_micros(unsigned(row.get(1)?));
        Ok((parsed(row.get_ref(0)?.as_str())?, heard))
    })?;
    Ok((wall.map(time).transpose()?, rows.collect::<Result<_>>()?))
}

pub(super) fn halts(db: &Connection, workspace: &str) -> Result<Vec<Halt>> {
    let mut halts =
        db.prepare_cached("SELECT halt FROM halt WHERE workspace = ?1 AND lifted = 0 ORDER BY id")?;
    let rows = halts.query_and_then([workspace], |row| json(row, 0))?;
    rows.collect()
}

pub(super) fn pending_counts(db: &Connection, workspace: &str) -> Result<Standing> {
    let mut counts = db.prepare_cached(
        "SELECT count(*) FILTER (WHERE tier = 2), count(*) FILTER (WHERE tier = 3)
         FROM escalation WHERE workspace = ?1 AND pending = 1",
    )?;
    Ok(counts.query_row([workspace], |row| {
        Ok(Standing { soft: unsigned(row.get(0)?), hard: unsigned(row.get(1)?) })
    })?)
}

pub(super) fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(serde_json::from_str(text)?)
}

pub(super) fn parsed<T>(text: FromSqlResult<&str>) -> Result<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    column::parsed(text.map_err(rusqlite::Error::from)?)
}

pub(super) fn id(bytes: Vec<u8>) -> Result<EscalationId> {
    uuid(bytes).map(EscalationId::from_uuid)
}

pub(super) fn uuid(bytes: Vec<u8>) -> Result<Uuid> {
    let bytes = <[u8; 16]>::try_from(bytes);
    bytes.map(Uuid::from_bytes).map_err(|_| StoreError::Corrupt("an id is cut short".into()))
}
