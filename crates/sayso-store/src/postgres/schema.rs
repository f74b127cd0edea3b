//! The schema and its migrations; `sayso_schema` says how far a database has got.

use super::connection::Connection;
use super::tree;
use crate::{Result, StoreError};

const MIGRATIONS: [&str; 5] = [
    include_str!("../../migrations/postgres/0001_core.sql"),
    include_str!("../../migrations/postgres/0002_join.sql"),
    include_str!("../../migrations/postgres/0003_callback.sql"),
    include_str!("../../migrations/postgres/0004_tree.sql"),
    include_str!("../../migrations/postgres/0005_people.sql"),
];
/// The version from which on entries have leaves.
const LEAVES: u32 = 4;
/// The oldest PostgreSQL that will do, as `server_version_num` counts.
const OLDEST: i32 = 140_000;
/// Several servers may start at once; one of them migrates.
const LOCK: &str = "
    BEGIN;
    SELECT pg_advisory_xact_lock(hashtextextended('sayso schema', 0));
    CREATE TABLE IF NOT EXISTS sayso_schema (version integer NOT NULL)";

/// Brings the database to this binary's version and makes room for the workspace; refuses one
/// that is further.
pub(super) async fn migrate(db: &Connection, workspace: &str) -> Result<()> {
    let server: i32 = db
        .client
        .query_one("SELECT current_setting('server_version_num')::integer", &[])
        .await?
        .try_get(0)?;
    if server < OLDEST {
        return Err(StoreError::Address(format!(
            "PostgreSQL {} answers there; 14 is the oldest that will do",
            server / 10_000
        )));
    }
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let exists = db.client.query_one("SELECT to_regclass('sayso_schema') IS NOT NULL", &[]).await?;
    // A database that is up to date needs no lock, and no right to make tables.
    if !exists.try_get::<_, bool>(0)? || version(db).await? != known {
        db.client.batch_execute(LOCK).await?;
        let found = version(db).await?;
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
        for migration in &MIGRATIONS[found as usize..] {
            db.client.batch_execute(migration).await?;
        }
        if found < LEAVES {
            tree::fill_leaves(db).await?;
        }
        let done =
            format!("DELETE FROM sayso_schema; INSERT INTO sayso_schema VALUES ({known}); COMMIT");
        db.client.batch_execute(&done).await?;
    }
    db.execute(
        "INSERT INTO ledger_head (workspace) VALUES ($1) ON CONFLICT DO NOTHING",
        &[&workspace],
    )
    .await?;
    db.execute("INSERT INTO sealed (workspace) VALUES ($1) ON CONFLICT DO NOTHING", &[&workspace])
        .await?;
    Ok(())
}

async fn version(db: &Connection) -> Result<u32> {
    let sql = "SELECT coalesce(max(version), 0) FROM sayso_schema";
    let version: i32 = db.client.query_one(sql, &[]).await?.try_get(0)?;
    u32::try_from(version).map_err(|_| StoreError::Corrupt("the schema version is negative".into()))
}
