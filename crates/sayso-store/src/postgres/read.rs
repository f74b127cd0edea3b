//! Everything that is only read.

use std::collections::HashMap;
use std::fmt::Write as _;

use sayso_core::halt::Halt;
use sayso_core::{AgentName, Escalation, EscalationId, Heard};
use tokio_postgres::Row;
use uuid::Uuid;

use super::connection::{Connection, Value};
use crate::column::{digest, parsed, signed, tier_number, time, unsigned};
use crate::record::{Entry, Happened, Kept, NextDue, Page, Past, Query, Standing};
use crate::{Result, StoreError};

// By ledger_history.
const HISTORY: &str = "
    SELECT asked.id, entry.version, entry.seq, entry.at, entry.event, body.content
    FROM unnest($2::uuid[]) AS asked (id),
    LATERAL (
        SELECT version, seq, at, event FROM ledger
        WHERE workspace = $1 AND escalation = asked.id ORDER BY version
    ) AS entry
    LEFT JOIN LATERAL (
        SELECT content FROM body WHERE workspace = $1 AND seq = entry.seq LIMIT 1
    ) AS body ON true
    ORDER BY asked.id, entry.version";

pub(super) async fn kept(
    db: &Connection,
    workspace: &str,
    id: EscalationId,
) -> Result<Option<Kept>> {
    let state = "SELECT state FROM escalation WHERE workspace = $1 AND id = $2";
    let (state, history) = (db.prepared(state).await?, db.prepared(HISTORY).await?);
    let (uuid, alone) = (id.as_uuid(), [id.as_uuid()]);
    let ids = &alone[..];
    let (one, all): ([Value; 2], [Value; 2]) = ([&workspace, &uuid], [&workspace, &ids]);
    // The history is read after the state: it may be longer, but not shorter.
    let (found, past) = tokio::try_join!(
        biased;
        db.client.query_opt(&state, &one),
        db.client.query(&history, &all),
    )?;
    let Some(found) = found else { return Ok(None) };
    let escalation: Escalation = serde_json::from_str(found.try_get(0)?)?;
    let history = histories(&past)?.remove(&uuid).unwrap_or_default();
    Ok(Some(until_now(escalation, history)))
}

pub(super) async fn several(
    db: &Connection,
    workspace: &str,
    ids: &[EscalationId],
) -> Result<Vec<Kept>> {
    let ids: Vec<_> = ids.iter().map(|id| id.as_uuid()).collect();
    let sql = "SELECT state FROM escalation WHERE workspace = $1 AND id = ANY ($2::uuid[])";
    with_histories(db, workspace, states(&db.rows(sql, &[&workspace, &ids]).await?)?).await
}

fn states(rows: &[Row]) -> Result<Vec<Escalation>> {
    rows.iter().map(|row| Ok(serde_json::from_str(row.try_get(0)?)?)).collect()
}

/// The histories are read after the states: they may be longer, but not shorter.
async fn with_histories(
    db: &Connection,
    workspace: &str,
    found: Vec<Escalation>,
) -> Result<Vec<Kept>> {
    let ids: Vec<_> = found.iter().map(|escalation| escalation.id().as_uuid()).collect();
    let mut histories = histories(&db.rows(HISTORY, &[&workspace, &ids]).await?)?;
    let kept = found.into_iter().map(|escalation| {
        let history = histories.remove(&escalation.id().as_uuid()).unwrap_or_default();
        until_now(escalation, history)
    });
    Ok(kept.collect())
}

/// The histories in these rows, each event with the version that it led to.
fn histories(rows: &[Row]) -> Result<HashMap<Uuid, Vec<(u64, Past)>>> {
    let mut histories = HashMap::<_, Vec<_>>::new();
    for row in rows {
        let past = Past {
            seq: unsigned(row.try_get(2)?),
            at: time(row.try_get(3)?)?,
            event: serde_json::from_str(row.try_get(4)?)?,
            body: row.try_get(5)?,
        };
        let version = unsigned(row.try_get(1)?);
        histories.entry(row.try_get(0)?).or_default().push((version, past));
    }
    Ok(histories)
}

/// Cuts the history off at the state's version, so that a write between the two reads can't tear
/// them apart.
fn until_now(escalation: Escalation, history: Vec<(u64, Past)>) -> Kept {
    let version = escalation.version();
    let history = history.into_iter().filter(|(at, _)| *at <= version);
    Kept { history: history.map(|(_, past)| past).collect(), escalation }
}

pub(super) async fn list(db: &Connection, workspace: &str, query: &Query) -> Result<Page> {
    // Each combination of conditions is a statement of its own, so that each has its index:
    // escalation_pending, escalation_by_agent, or the primary key.
    let tier = query.tier.map(tier_number);
    let agent = query.agent.as_ref().map(AgentName::as_str);
    let before = query.before.map(EscalationId::as_uuid);
    let most = signed(query.limit.saturating_add(1));
    let mut sql = String::from("SELECT state FROM escalation WHERE workspace = $1");
    let mut values: Vec<Value> = vec![&workspace];
    match query.pending {
        Some(true) => sql.push_str(" AND pending"),
        Some(false) => sql.push_str(" AND NOT pending"),
        None => {}
    }
    let mut restrict = |condition: &str, value| {
        values.push(value);
        let _ = write!(sql, " AND {condition} ${}", values.len());
    };
    if let Some(tier) = &tier {
        restrict("tier =", tier);
    }
    if let Some(agent) = &agent {
        restrict("agent =", agent);
    }
    if let Some(before) = &before {
        restrict("id <", before);
    }
    values.push(&most);
    let _ = write!(sql, " ORDER BY id DESC LIMIT ${}", values.len());

    let mut found = states(&db.rows(&sql, &values).await?)?;
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| more).map(Escalation::id);
    Ok(Page { items: with_histories(db, workspace, found).await?, next })
}

pub(super) async fn entries(
    db: &Connection,
    workspace: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<Entry>> {
    let sql = "SELECT seq, at, escalation, version, event, body_hash FROM ledger
               WHERE workspace = $1 AND seq >= $2 ORDER BY seq LIMIT $3";
    let rows = db.rows(sql, &[&workspace, &signed(from), &signed(limit)]).await?;
    rows.iter().map(entry).collect()
}

pub(super) async fn workspace_entries(
    db: &Connection,
    workspace: &str,
    after: u64,
    limit: usize,
) -> Result<Vec<Entry>> {
    // By ledger_workspace.
    let sql = "SELECT seq, at, escalation, version, event, body_hash FROM ledger
               WHERE workspace = $1 AND escalation IS NULL AND seq > $2 ORDER BY seq LIMIT $3";
    let rows = db.rows(sql, &[&workspace, &signed(after), &signed(limit)]).await?;
    rows.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<Entry> {
    let event: &str = row.try_get(4)?;
    let happened = match row.try_get::<_, Option<Uuid>>(2)? {
        Some(escalation) => Happened::Escalation {
            id: EscalationId::from_uuid(escalation),
            version: unsigned(row.try_get(3)?),
            event: serde_json::from_str(event)?,
        },
        None => Happened::Workspace(serde_json::from_str(event)?),
    };
    Ok(Entry {
        seq: unsigned(row.try_get(0)?),
        at: time(row.try_get(1)?)?,
        happened,
        body_hash: row.try_get::<_, Option<&[u8]>>(5)?.map(digest).transpose()?,
    })
}

pub(super) async fn ledger_size(db: &Connection, workspace: &str) -> Result<u64> {
    let sql = "SELECT size FROM ledger_head WHERE workspace = $1";
    let row = db.row(sql, &[&workspace]).await?;
    Ok(unsigned(row.map_or(Ok(0), |row| row.try_get(0))?))
}

pub(super) async fn next_due(db: &Connection, workspace: &str) -> Result<NextDue> {
    let wall = "SELECT min(wake_at) FROM escalation
                WHERE workspace = $1 AND wake_at IS NOT NULL";
    // From each route's first to the next route's first, by escalation_wake_heard: as many steps
    // as there are routes, however much is open on them.
    let hearing = "
        WITH RECURSIVE first AS (
            (SELECT route, wake_heard FROM escalation
             WHERE workspace = $1 AND wake_heard IS NOT NULL
             ORDER BY route, wake_heard LIMIT 1)
            UNION ALL
            SELECT next.route, next.wake_heard FROM first, LATERAL (
                SELECT route, wake_heard FROM escalation
                WHERE workspace = $1 AND wake_heard IS NOT NULL AND route > first.route
                ORDER BY route, wake_heard LIMIT 1
            ) AS next
        )
        SELECT route, wake_heard FROM first";
    let (wall, hearing) = (db.prepared(wall).await?, db.prepared(hearing).await?);
    let values: [Value; 1] = [&workspace];
    let (wall, hearing) = tokio::try_join!(
        biased;
        db.client.query_one(&wall, &values),
        db.client.query(&hearing, &values),
    )?;
    let wall: Option<i64> = wall.try_get(0)?;
    let heard = hearing
        .iter()
        .map(|row| Ok((parsed(row.try_get(0)?)?, Heard::from_micros(unsigned(row.try_get(1)?)))));
    Ok((wall.map(time).transpose()?, heard.collect::<Result<_>>()?))
}

pub(super) async fn halts(db: &Connection, workspace: &str) -> Result<Vec<Halt>> {
    let sql = "SELECT halt FROM halt WHERE workspace = $1 AND NOT lifted ORDER BY id";
    let rows = db.rows(sql, &[&workspace]).await?;
    rows.iter().map(|row| Ok(serde_json::from_str(row.try_get(0)?)?)).collect()
}

pub(super) async fn pending_counts(db: &Connection, workspace: &str) -> Result<Standing> {
    let sql = "SELECT count(*) FILTER (WHERE tier = 2), count(*) FILTER (WHERE tier = 3)
               FROM escalation WHERE workspace = $1 AND pending";
    let row = db.row(sql, &[&workspace]).await?;
    let row = row.ok_or_else(|| StoreError::Corrupt("a count has no rows".into()))?;
    Ok(Standing { soft: unsigned(row.try_get(0)?), hard: unsigned(row.try_get(1)?) })
}
