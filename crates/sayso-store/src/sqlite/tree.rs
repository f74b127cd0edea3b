//! The ledger's tree: leaves, tiles, and the head they were sealed with.

use rusqlite::{Connection, OptionalExtension, Row, params};
use sayso_core::{Digest, EscalationId};
use sayso_ledger::tile::encode;

use super::read;
use crate::column::{digest, signed, unsigned};
use crate::tree::{self, RawEntry, Seal, Sealed, TileRow, entry_bytes, lacks};
use crate::{Result, StoreError};

/// Keeps a new head, in the transaction that is open, unless another has been kept meanwhile.
pub(super) fn seal(db: &Connection, workspace: &str, seal: &Seal) -> Result<()> {
    let moved = db
        .prepare_cached(
            "INSERT INTO sealed (workspace, size, note) VALUES (?1, ?2, ?3)
             ON CONFLICT (workspace) DO UPDATE SET size = excluded.size, note = excluded.note
             WHERE size = ?4",
        )?
        .execute(params![workspace, signed(seal.size), seal.note, signed(seal.before)])?;
    if moved == 0 {
        return Ok(());
    }
    let mut tile = db.prepare_cached(
        "INSERT INTO tile (workspace, level, place, hashes) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (workspace, level, place) DO UPDATE SET hashes = excluded.hashes",
    )?;
    for TileRow { level, place, hashes } in &seal.tiles {
        tile.execute(params![workspace, level, signed(*place), encode(hashes)])?;
    }
    Ok(())
}

pub(super) fn sealed(db: &Connection, workspace: &str) -> Result<Sealed> {
    let mut one =
        db.prepare_cached("SELECT size, note, cosigned FROM sealed WHERE workspace = ?1")?;
    let found = one.query_row([workspace], |row| {
        Ok(Sealed { size: unsigned(row.get(0)?), note: row.get(1)?, cosigned: row.get(2)? })
    });
    Ok(found.optional()?.unwrap_or_default())
}

pub(super) fn keep_cosigned(db: &Connection, workspace: &str, note: &str) -> Result<()> {
    db.prepare_cached("UPDATE sealed SET cosigned = ?2 WHERE workspace = ?1")?
        .execute(params![workspace, note])?;
    Ok(())
}

pub(super) fn retire_log(db: &Connection, workspace: &str, origin: &str) -> Result<()> {
    db.prepare_cached("INSERT OR IGNORE INTO retired_log VALUES (?1, ?2)")?
        .execute(params![workspace, origin])?;
    // What witnesses cosigned was a head of that log.
    db.prepare_cached("UPDATE sealed SET cosigned = NULL WHERE workspace = ?1")?
        .execute([workspace])?;
    Ok(())
}

pub(super) fn is_retired(db: &Connection, workspace: &str, origin: &str) -> Result<bool> {
    let mut one =
        db.prepare_cached("SELECT 1 FROM retired_log WHERE workspace = ?1 AND origin = ?2")?;
    Ok(one.exists(params![workspace, origin])?)
}

pub(super) fn tiles(
    db: &Connection,
    workspace: &str,
    wanted: &[(u8, u64)],
) -> Result<Vec<TileRow>> {
    let mut one = db.prepare_cached(
        "SELECT hashes FROM tile WHERE workspace = ?1 AND level = ?2 AND place = ?3",
    )?;
    let mut found = Vec::with_capacity(wanted.len());
    for &(level, place) in wanted {
        let hashes: Option<Vec<u8>> =
            one.query_row(params![workspace, level, signed(place)], |row| row.get(0)).optional()?;
        if let Some(hashes) = hashes {
            found.push(TileRow { level, place, hashes: tree::hashes(&hashes)? });
        }
    }
    Ok(found)
}

pub(super) fn leaves(
    db: &Connection,
    workspace: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<Digest>> {
    let mut all = db.prepare_cached(
        "SELECT seq, leaf FROM ledger WHERE seq >= ?2 AND workspace = ?1 ORDER BY seq LIMIT ?3",
    )?;
    let mut rows = all.query(params![workspace, signed(from), signed(limit)])?;
    let mut leaves = Vec::new();
    while let Some(row) = rows.next()? {
        let expected = from + leaves.len() as u64;
        let leaf = row.get_ref(1)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
        match leaf {
            Some(leaf) if unsigned(row.get(0)?) == expected => leaves.push(digest(leaf)?),
            _ => return Err(lacks(expected)),
        }
    }
    Ok(leaves)
}

pub(super) fn raw_entries(
    db: &Connection,
    workspace: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<RawEntry>> {
    let mut all = db.prepare_cached(
        "SELECT at, escalation, version, body_hash, event, seq, leaf FROM ledger
         WHERE seq >= ?2 AND workspace = ?1 ORDER BY seq LIMIT ?3",
    )?;
    let rows = all.query_and_then(params![workspace, signed(from), signed(limit)], |row| {
        let Columns { at, of, body_hash, event } = Columns::read(row)?;
        let leaf: Option<Vec<u8>> = row.get(6)?;
        let leaf =
            leaf.ok_or_else(|| row.get(5).map_or(StoreError::Conflict, |s| lacks(unsigned(s))))?;
        let bytes = entry_bytes(workspace, at, of, &event, body_hash)?;
        Ok(RawEntry { bytes, leaf: digest(&leaf)? })
    })?;
    rows.collect()
}

/// What an entry is made of, from the first five columns of a row.
struct Columns {
    at: i64,
    of: Option<(EscalationId, u64)>,
    body_hash: Option<Digest>,
    event: String,
}

impl Columns {
    fn read(row: &Row<'_>) -> Result<Self> {
        let of = match row.get::<_, Option<Vec<u8>>>(1)? {
            Some(id) => Some((read::id(id)?, unsigned(row.get(2)?))),
            None => None,
        };
        let body_hash = row.get::<_, Option<Vec<u8>>>(3)?.as_deref().map(digest).transpose()?;
        Ok(Self { at: row.get(0)?, of, body_hash, event: row.get(4)? })
    }
}

/// Gives leaves to the entries of a file that was written before there were any.
pub(super) fn fill_leaves(db: &Connection) -> Result<()> {
    let mut all =
        db.prepare("SELECT at, escalation, version, body_hash, event, seq, workspace FROM ledger")?;
    let mut fill = db.prepare("UPDATE ledger SET event = ?2, leaf = ?3 WHERE seq = ?1")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let Columns { at, of, body_hash, event } = Columns::read(row)?;
        let (seq, workspace): (i64, String) = (row.get(5)?, row.get(6)?);
        let (event, leaf) = tree::late(&workspace, at, of, &event, body_hash)?;
        fill.execute(params![seq, event, leaf.as_bytes()])?;
    }
    Ok(())
}
