//! The sequencer: takes indices, appends entries, tells the other servers.

use sayso_core::Digest;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::Result;
use crate::column::{signed, unsigned};
use crate::record::{Happened, NewEntry};
use crate::tree::Written;

/// Everything in one statement, so that the head's lock is never held over a round trip when it
/// is sent together with the COMMIT. Fails the transaction if halts were called or lifted, or
/// something was taken away from somebody, after the reading `$4` of the counter of all that.
pub(super) const APPEND: &str = "
WITH head AS (
    UPDATE ledger_head SET size = size + $2, halts = halts + $3
    WHERE workspace = $1 AND ($4::bigint IS NULL OR halts = $4)
    RETURNING size - $2 AS before
), entries AS (
    INSERT INTO ledger (workspace, seq, at, escalation, version, event, body_hash, leaf)
    SELECT $1, head.before + nth, at, escalation, version, event, body_hash, leaf
    FROM head, unnest($5::bigint[], $6::uuid[], $7::bigint[], $8::text[], $9::bytea[],
                      $10::bytea[])
        WITH ORDINALITY AS new (at, escalation, version, event, body_hash, leaf, nth)
), bodies AS (
    INSERT INTO body (workspace, seq, salt, content)
    SELECT $1, head.before + nth, salt, content
    FROM head, unnest($11::bigint[], $12::bytea[], $13::bytea[]) AS new (nth, salt, content)
), told AS (
    SELECT pg_notify('sayso', concat_ws(':', $1, $14::uuid, before + 1, before + $2))
    FROM head WHERE $2 > 0
)
SELECT sayso_expect((SELECT count(*) FROM head), 1), (SELECT count(*) FROM told),
       (SELECT before FROM head)";

/// Who appends, where.
pub(super) struct Appender<'a> {
    pub(super) client: &'a Client,
    /// [`APPEND`], prepared.
    pub(super) statement: &'a Statement,
    pub(super) workspace: &'a str,
    /// This server.
    pub(super) server: Uuid,
}

/// What the counter of halts, and of what was taken away from somebody, said; whether it moves on.
#[derive(Clone, Copy, Default)]
pub(super) struct Halting {
    /// What it said when the unit of work began, if that matters.
    pub(super) seen: Option<i64>,
    /// Whether this commit changes what is halted, or takes something away from somebody.
    pub(super) changes: bool,
}

impl Appender<'_> {
    /// Appends `entries` in the transaction that is open; returns the first index. The ledger is
    /// locked until that transaction ends.
    pub(super) async fn append(&self, entries: &[NewEntry], halting: Halting) -> Result<u64> {
        let mut rows = Rows::default();
        for (entry, nth) in entries.iter().zip(1..) {
            rows.add(entry, nth, self.workspace)?;
        }
        let hashes: Vec<_> = rows
            .body_hash
            .iter()
            .map(|hash| hash.as_ref().map(|hash| &hash.as_bytes()[..]))
            .collect();
        let leaves: Vec<_> = rows.leaf.iter().map(|leaf| &leaf.as_bytes()[..]).collect();
        let row = self
            .client
            .query_one(
                self.statement,
                &[
                    &self.workspace,
                    &signed(entries.len()),
                    &i64::from(halting.changes),
                    &halting.seen,
                    &rows.at,
                    &rows.escalation,
                    &rows.version,
                    &rows.event,
                    &hashes,
                    &leaves,
                    &rows.nth,
                    &rows.salt,
                    &rows.content,
                    &self.server,
                ],
            )
            .await?;
        Ok(unsigned(row.try_get::<_, i64>(2)?) + 1)
    }
}

#[derive(Default)]
struct Rows<'a> {
    at: Vec<i64>,
    escalation: Vec<Option<Uuid>>,
    version: Vec<Option<i64>>,
    event: Vec<String>,
    body_hash: Vec<Option<Digest>>,
    leaf: Vec<Digest>,
    nth: Vec<i64>,
    salt: Vec<&'a [u8]>,
    content: Vec<&'a [u8]>,
}

impl<'a> Rows<'a> {
    fn add(&mut self, entry: &'a NewEntry, nth: i64, workspace: &str) -> Result<()> {
        let Written { event, body_hash, leaf } = entry.written(workspace)?;
        let of = match &entry.happened {
            Happened::Escalation { id, version, .. } => Some((id.as_uuid(), signed(*version))),
            Happened::Workspace(_) => None,
        };
        self.at.push(entry.at.as_microsecond());
        self.escalation.push(of.map(|(id, _)| id));
        self.version.push(of.map(|(_, version)| version));
        self.event.push(event);
        self.body_hash.push(body_hash);
        self.leaf.push(leaf);
        if let Some(body) = &entry.body {
            self.nth.push(nth);
            self.salt.push(&body.salt);
            self.content.push(&body.content);
        }
        Ok(())
    }
}
