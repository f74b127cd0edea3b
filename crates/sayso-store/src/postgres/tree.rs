//! The ledger's tree: leaves, tiles, and the head they were sealed with.

use sayso_core::{Digest, EscalationId};
use sayso_ledger::tile::encode;
use tokio_postgres::Row;
use uuid::Uuid;

use super::connection::Connection;
use crate::column::{digest, signed, unsigned};
use crate::tree::{self, RawEntry, Seal, Sealed, TileRow, entry_bytes, lacks};
use crate::{Result, StoreError};

/// Of several servers one keeps its head; the others leave it at that, without waiting.
pub(super) const SEAL: &str = "
WITH mine AS (
    SELECT 1 FROM sealed WHERE workspace = $1 AND size = $2 FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE sealed SET size = $3, note = $4
    WHERE workspace = $1 AND EXISTS (SELECT FROM mine)
    RETURNING 1
)
INSERT INTO tile (workspace, level, place, hashes)
SELECT $1, new.* FROM unnest($5::smallint[], $6::bigint[], $7::bytea[])
    AS new (level, place, hashes)
WHERE EXISTS (SELECT FROM moved)
ORDER BY level, place
ON CONFLICT (workspace, level, place) DO UPDATE SET hashes = excluded.hashes";

/// How many rows are given leaves at a time.
const FILLED: i64 = 1_000;

/// A seal's tiles as columns.
#[derive(Default)]
pub(super) struct SealRows {
    pub(super) levels: Vec<i16>,
    pub(super) places: Vec<i64>,
    pub(super) hashes: Vec<Vec<u8>>,
}

impl SealRows {
    pub(super) fn of(seal: &Seal) -> Self {
        let mut rows = Self::default();
        for TileRow { level, place, hashes } in &seal.tiles {
            rows.levels.push(i16::from(*level));
            rows.places.push(signed(*place));
            rows.hashes.push(encode(hashes));
        }
        rows
    }
}

pub(super) async fn sealed(db: &Connection, workspace: &str) -> Result<Sealed> {
    let sql = "SELECT size, note, cosigned FROM sealed WHERE workspace = $1";
    let Some(row) = db.row(sql, &[&workspace]).await? else { return Ok(Sealed::default()) };
    Ok(Sealed { size: unsigned(row.try_get(0)?), note: row.try_get(1)?, cosigned: row.try_get(2)? })
}

pub(super) async fn keep_cosigned(db: &Connection, workspace: &str, note: &str) -> Result<()> {
    let sql = "UPDATE sealed SET cosigned = $2 WHERE workspace = $1";
    db.execute(sql, &[&workspace, &note]).await.map(|_| ())
}

pub(super) async fn retire_log(db: &Connection, workspace: &str, origin: &str) -> Result<()> {
    let sql = "INSERT INTO retired_log (workspace, origin) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    db.execute(sql, &[&workspace, &origin]).await?;
    // What witnesses cosigned was a head of that log.
    let sql = "UPDATE sealed SET cosigned = NULL WHERE workspace = $1";
    db.execute(sql, &[&workspace]).await.map(|_| ())
}

pub(super) async fn is_retired(db: &Connection, workspace: &str, origin: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM retired_log WHERE workspace = $1 AND origin = $2";
    Ok(db.row(sql, &[&workspace, &origin]).await?.is_some())
}

pub(super) async fn tiles(
    db: &Connection,
    workspace: &str,
    wanted: &[(u8, u64)],
) -> Result<Vec<TileRow>> {
    let levels: Vec<_> = wanted.iter().map(|(level, _)| i16::from(*level)).collect();
    let places: Vec<_> = wanted.iter().map(|(_, place)| signed(*place)).collect();
    let sql = "
        SELECT wanted.level, wanted.place, known.hashes
        FROM unnest($2::smallint[], $3::bigint[]) AS wanted (level, place),
        LATERAL (
            SELECT hashes FROM tile
            WHERE workspace = $1 AND level = wanted.level AND place = wanted.place LIMIT 1
        ) AS known";
    let rows = db.rows(sql, &[&workspace, &levels, &places]).await?;
    let found = rows.iter().map(|row| {
        let level: i16 = row.try_get(0)?;
        Ok(TileRow {
            level: u8::try_from(level).unwrap_or(u8::MAX),
            place: unsigned(row.try_get(1)?),
            hashes: tree::hashes(row.try_get(2)?)?,
        })
    });
    found.collect()
}

pub(super) async fn leaves(
    db: &Connection,
    workspace: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<Digest>> {
    // All in one value: a row for each would take longer than the hashing.
    let sql = "
        SELECT count(*), coalesce(min(seq), $2), coalesce(max(seq), $2 - 1),
               coalesce(string_agg(leaf, ''::bytea ORDER BY seq), ''::bytea)
        FROM (
            SELECT seq, leaf FROM ledger WHERE workspace = $1 AND seq >= $2
            ORDER BY seq LIMIT $3
        ) AS run";
    let row = db.row(sql, &[&workspace, &signed(from), &signed(limit)]).await?;
    let row = row.ok_or_else(|| lacks(from))?;
    let (count, first, last): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let leaves = tree::hashes(row.try_get(3)?)?;
    let whole = first == signed(from) && last - first + 1 == count;
    match whole && signed(leaves.len()) == count {
        true => Ok(leaves),
        false => Err(lacks(from)),
    }
}

pub(super) async fn raw_entries(
    db: &Connection,
    workspace: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<RawEntry>> {
    let sql = "SELECT at, escalation, version, body_hash, event, seq, leaf FROM ledger
               WHERE workspace = $1 AND seq >= $2 ORDER BY seq LIMIT $3";
    let rows = db.rows(sql, &[&workspace, &signed(from), &signed(limit)]).await?;
    let raw = rows.iter().map(|row| {
        let Columns { at, of, body_hash, event } = Columns::read(row)?;
        let leaf: Option<&[u8]> = row.try_get(6)?;
        let leaf = leaf
            .ok_or_else(|| row.try_get(5).map_or(StoreError::Conflict, |s| lacks(unsigned(s))))?;
        let bytes = entry_bytes(workspace, at, of, event, body_hash)?;
        Ok(RawEntry { bytes, leaf: digest(leaf)? })
    });
    raw.collect()
}

/// What an entry is made of, from the first five columns of a row.
struct Columns<'a> {
    at: i64,
    of: Option<(EscalationId, u64)>,
    body_hash: Option<Digest>,
    event: &'a str,
}

impl<'a> Columns<'a> {
    fn read(row: &'a Row) -> Result<Self> {
        let of = match row.try_get::<_, Option<Uuid>>(1)? {
            Some(id) => Some((EscalationId::from_uuid(id), unsigned(row.try_get(2)?))),
            None => None,
        };
        let body_hash = row.try_get::<_, Option<&[u8]>>(3)?.map(digest).transpose()?;
        Ok(Self { at: row.try_get(0)?, of, body_hash, event: row.try_get(4)? })
    }
}

/// Gives leaves to the entries of a database that was written before there were any.
pub(super) async fn fill_leaves(db: &Connection) -> Result<()> {
    let mut after = (String::new(), 0_i64);
    loop {
        let sql = "SELECT at, escalation, version, body_hash, event, seq, workspace FROM ledger
                   WHERE (workspace, seq) > ($1, $2) ORDER BY workspace, seq LIMIT $3";
        let rows = db.rows(sql, &[&after.0, &after.1, &FILLED]).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = (last.try_get(6)?, last.try_get(5)?);
        for row in &rows {
            let Columns { at, of, body_hash, event } = Columns::read(row)?;
            let (seq, workspace): (i64, &str) = (row.try_get(5)?, row.try_get(6)?);
            let (event, leaf) = tree::late(workspace, at, of, event, body_hash)?;
            let sql = "UPDATE ledger SET event = $3, leaf = $4 WHERE workspace = $1 AND seq = $2";
            db.execute(sql, &[&workspace, &seq, &event, &&leaf.as_bytes()[..]]).await?;
        }
    }
}
