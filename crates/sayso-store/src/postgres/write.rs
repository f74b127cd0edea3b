//! This server's writer: units of work, each one transaction.
//!
//! Every step is one round trip: statements that don't need each other's answers are sent
//! together, the whole commit in one go. They go out in the order in which they stand in the
//! join, since a prepared statement is sent when it is first polled.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sayso_core::{AgentName, Escalation, EscalationId, Heard, RouteName, RuleName};
use tokio_postgres::{Row, Statement};
use uuid::Uuid;

use super::connection::{Address, Connection, Value};
use super::ledger::{APPEND, Appender, Halting};
use super::read;
use super::tree::{SEAL, SealRows};
use crate::column::{digest, parsed, signed, tier_number, time, unsigned};
use crate::record::{
    Call, Changes, Current, Entry, KeyName, KeyUse, ListeningClock, Outbox, OutboxKind, Snapshot,
};
use crate::tree::Seal;
use crate::{Result, StoreError, Writer};

/// On top of every connection's: what the planner knows of the tables changes nothing, since each
/// statement leaves it one way only, so it need not think about it again.
const SETTINGS: &str = "SET plan_cache_mode = force_generic_plan";
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

macro_rules! statements {
    ($($name:ident: $sql:expr;)*) => {
        /// All that the writer says, prepared before the first unit of work: nothing of a
        /// pipeline may have to wait for a statement to be prepared.
        struct Statements {
            $($name: Statement,)*
        }

        impl Statements {
            async fn prepare(db: &Connection) -> Result<Self> {
                Ok(Self { $($name: db.client.prepare($sql).await?,)* })
            }
        }
    };
}

statements! {
    clocks: "SELECT route, heard, until FROM listening WHERE workspace = $1";
    // The counter and the halts of one moment, hence one statement. By halt_in_force.
    halts: "
        SELECT head.halts, halt.halt FROM ledger_head AS head
        LEFT JOIN halt ON halt.workspace = head.workspace AND NOT halt.lifted
        WHERE head.workspace = $1 ORDER BY halt.id";
    // By ledger_workspace.
    newest: "
        SELECT coalesce(max(seq), 0) FROM ledger WHERE workspace = $1 AND escalation IS NULL";
    // In id order, as everywhere, so that two writers don't wait for each other.
    load: "
        SELECT known.state FROM unnest($2::uuid[]) AS asked (id),
        LATERAL (
            SELECT state FROM escalation
            WHERE workspace = $1 AND id = asked.id LIMIT 1 FOR UPDATE
        ) AS known";
    keys: "
        SELECT nth, known.fingerprint, known.escalation
        FROM unnest($2::text[], $3::bytea[]) WITH ORDINALITY AS asked (agent, key, nth),
        LATERAL (
            SELECT fingerprint, escalation FROM idempotency
            WHERE workspace = $1 AND agent = asked.agent AND key = asked.key LIMIT 1
        ) AS known";
    // One lock for all, as for silent grants: what is not there yet can't be locked by itself.
    lock_asked: "SELECT pg_advisory_xact_lock(hashtextextended('sayso asked ' || $1::text, 0))";
    asked: "
        SELECT nth, known.escalation
        FROM unnest($2::text[], $3::bytea[]) WITH ORDINALITY AS asked (agent, digest, nth),
        LATERAL (
            SELECT escalation FROM asked AS known
            WHERE workspace = $1 AND known.agent = asked.agent AND known.digest = asked.digest
            LIMIT 1
        ) AS known";
    // By escalation_wake_at and escalation_wake_heard. One statement, so that no more is locked
    // than is given out.
    due: "
        WITH by_wall AS MATERIALIZED (
            SELECT id, state FROM escalation WHERE workspace = $1 AND wake_at <= $2
            ORDER BY wake_at LIMIT $5 FOR UPDATE SKIP LOCKED
        ), by_hearing AS MATERIALIZED (
            SELECT due.id, due.state FROM unnest($3::text[], $4::bigint[]) AS clock (route, heard),
            LATERAL (
                SELECT id, state FROM escalation
                WHERE workspace = $1 AND route = clock.route AND wake_heard <= clock.heard
                ORDER BY wake_heard LIMIT $5 FOR UPDATE SKIP LOCKED
            ) AS due
            LIMIT $5 - (SELECT count(*) FROM by_wall)
        )
        SELECT state FROM by_wall
        UNION ALL
        SELECT state FROM by_hearing WHERE id NOT IN (SELECT id FROM by_wall)";
    // One lock for all: with one for each agent and rule, two writers that count the same ones in
    // another order would wait for each other.
    lock_silent_grants: "
        SELECT pg_advisory_xact_lock(hashtextextended('sayso silent grants ' || $1::text, 0))";
    silent_grants: "
        SELECT count(*) FROM silent_grant
        WHERE workspace = $1 AND agent = $2 AND rule = $3 AND at > $4";
    outbox: "
        SELECT route, id FROM outbox WHERE workspace = $1 AND kind = $2
        ORDER BY route, id LIMIT $3 FOR UPDATE SKIP LOCKED";
    outbox_of_route: "
        SELECT route, id FROM outbox WHERE workspace = $1 AND kind = $2 AND route = $3
        ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED";
    // By escalation_pending.
    standing_pending: "
        SELECT id, state FROM escalation WHERE workspace = $1 AND pending AND id > $2
        ORDER BY id LIMIT $3 FOR UPDATE";
    // By escalation_redeemable.
    standing_redeemable: "
        SELECT id, state FROM escalation WHERE workspace = $1 AND redeemable AND id > $2
        ORDER BY id LIMIT $3 FOR UPDATE";
    insert_escalations: "
        INSERT INTO escalation (workspace, id, agent, tier, route, pending, redeemable, version,
                                wake_at, wake_heard, state)
        SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::smallint[], $5::text[], $6::boolean[],
                                 $7::boolean[], $8::bigint[], $9::bigint[], $10::bigint[],
                                 $11::text[])";
    update_escalations: "
        WITH changed AS (
            UPDATE escalation
            SET tier = new.tier, route = new.route, pending = new.pending,
                redeemable = new.redeemable, version = new.version, wake_at = new.wake_at,
                wake_heard = new.wake_heard, state = new.state
            FROM unnest($2::uuid[], $3::bigint[], $4::smallint[], $5::text[], $6::boolean[],
                        $7::boolean[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[])
                AS new (id, before, tier, route, pending, redeemable, version, wake_at, wake_heard,
                        state),
            LATERAL (
                SELECT ctid AS place FROM escalation
                WHERE workspace = $1 AND id = new.id LIMIT 1
            ) AS known
            WHERE escalation.ctid = known.place AND escalation.version = new.before
            RETURNING 1
        )
        SELECT sayso_expect((SELECT count(*) FROM changed), cardinality($2::uuid[]))";
    insert_keys: "
        INSERT INTO idempotency (workspace, agent, key, fingerprint, escalation)
        SELECT $1, * FROM unnest($2::text[], $3::bytea[], $4::bytea[], $5::uuid[])
            AS new (agent, key, fingerprint, escalation)
        ORDER BY agent, key";
    put_asked: "
        INSERT INTO asked (workspace, agent, digest, escalation)
        SELECT $1, * FROM unnest($2::text[], $3::bytea[], $4::uuid[])
            AS new (agent, digest, escalation)
        ORDER BY agent, digest
        ON CONFLICT (workspace, agent, digest) DO UPDATE SET escalation = excluded.escalation";
    // Two servers may have read the same reading and both credit what they heard since. What both
    // heard counts once: the greater reading stands, not the sum. And none may credit a time that
    // the other has already accounted for: a reading never grows by more than the wall clock has
    // moved since `until`. Both err towards less silence than there was.
    put_clocks: "
        INSERT INTO listening AS known (workspace, route, heard, until)
        SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bigint[])
            AS new (route, heard, until)
        ORDER BY route
        ON CONFLICT (workspace, route) DO UPDATE SET
            heard = greatest(
                known.heard,
                least(excluded.heard, known.heard + greatest(excluded.until - known.until, 0))
            ),
            until = greatest(known.until, excluded.until)";
    insert_silent_grants: "
        INSERT INTO silent_grant (workspace, agent, rule, at, escalation)
        SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::uuid[])";
    // The update changes nothing, but it waits for whoever is at work on that row: what is asked
    // now must not go when they are done with what was asked before.
    insert_outbox: "
        INSERT INTO outbox (workspace, kind, route, id)
        SELECT DISTINCT $1::text, new.* FROM unnest($2::text[], $3::text[], $4::uuid[])
            AS new (kind, route, id)
        ORDER BY kind, route, id
        ON CONFLICT (workspace, kind, route, id) DO UPDATE SET kind = excluded.kind";
    delete_outbox: "
        DELETE FROM outbox
        USING unnest($2::text[], $3::text[], $4::uuid[]) AS done (kind, route, id),
        LATERAL (
            SELECT ctid AS place FROM outbox
            WHERE workspace = $1 AND kind = done.kind AND route = done.route AND id = done.id
            LIMIT 1
        ) AS known
        WHERE outbox.ctid = known.place";
    insert_halts: "
        INSERT INTO halt (workspace, id, halt)
        SELECT $1, * FROM unnest($2::uuid[], $3::text[])";
    lift_halts: "UPDATE halt SET lifted = true WHERE workspace = $1 AND id = ANY ($2::uuid[])";
    erase_bodies: "DELETE FROM body WHERE workspace = $1 AND seq = ANY ($2::bigint[])";
    append: APPEND;
    seal: SEAL;
    size: "SELECT size FROM ledger_head WHERE workspace = $1";
}

/// The writer's own connection.
struct Line {
    db: Connection,
    say: Statements,
}

pub(super) struct PostgresWriter {
    address: Address,
    workspace: Arc<str>,
    server: Uuid,
    line: Option<Line>,
    /// Whether a unit of work has begun and not ended.
    in_unit: bool,
    /// What the halts' counter said when it began.
    halts_seen: i64,
}

impl PostgresWriter {
    pub(super) async fn open(address: Address, workspace: Arc<str>, server: Uuid) -> Result<Self> {
        let line = Some(Line::open(&address).await?);
        Ok(Self { address, workspace, server, line, in_unit: false, halts_seen: 0 })
    }

    fn line(&self) -> Result<&Line> {
        let line = self.line.as_ref().filter(|_| self.in_unit);
        line.ok_or_else(|| StoreError::Failed("no unit of work has begun".into()))
    }
}

impl Line {
    async fn open(address: &Address) -> Result<Self> {
        let db = Connection::open(address).await?;
        db.client.batch_execute(SETTINGS).await?;
        let say = Statements::prepare(&db).await?;
        Ok(Self { db, say })
    }

    async fn rows<const N: usize>(
        &self,
        statement: &Statement,
        values: [Value<'_>; N],
    ) -> Result<Vec<Row>> {
        Ok(self.db.client.query(statement, &values).await?)
    }

    async fn say<const N: usize>(
        &self,
        statement: &Statement,
        values: [Value<'_>; N],
    ) -> Result<()> {
        self.db.client.execute(statement, &values).await?;
        Ok(())
    }

    async fn order(&self, sql: &str) -> Result<()> {
        Ok(self.db.client.batch_execute(sql).await?)
    }
}

#[async_trait]
impl Writer for PostgresWriter {
    async fn begin(&mut self) -> Result<Snapshot> {
        self.rollback().await?;
        let line = match self.line.take() {
            Some(line) if !line.db.is_closed() => line,
            _ => Line::open(&self.address).await?,
        };
        let line = self.line.insert(line);
        self.in_unit = true;
        let (workspace, say) = (&&*self.workspace, &line.say);
        // The counter before the newest entry: what comes between the two makes the commit fail.
        let ((), clocks, halts, newest) = tokio::try_join!(
            biased;
            line.order(BEGIN),
            line.rows(&say.clocks, [workspace]),
            line.rows(&say.halts, [workspace]),
            line.rows(&say.newest, [workspace]),
        )?;
        let Some(first) = halts.first() else {
            return Err(StoreError::Corrupt("the workspace has no ledger".into()));
        };
        self.halts_seen = first.try_get(0)?;
        let clocks = clocks.iter().map(|row| {
            Ok(ListeningClock {
                route: parsed(row.try_get(0)?)?,
                heard: Heard::from_micros(unsigned(row.try_get(1)?)),
                until: time(row.try_get(2)?)?,
            })
        });
        let halts = halts.iter().filter_map(|row| row.try_get(1).transpose());
        let halts = halts.map(|halt| Ok(serde_json::from_str(halt?)?));
        Ok(Snapshot {
            clocks: clocks.collect::<Result<_>>()?,
            halts: halts.collect::<Result<_>>()?,
            newest: newest.first().map_or(Ok(0), |row| row.try_get(0)).map(unsigned)?,
        })
    }

    async fn workspace_entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        read::workspace_entries(&self.line()?.db, &self.workspace, after, limit).await
    }

    async fn load(&mut self, ids: &[EscalationId]) -> Result<Vec<Escalation>> {
        let line = self.line()?;
        let mut ids: Vec<_> = ids.iter().map(|id| id.as_uuid()).collect();
        ids.sort_unstable();
        ids.dedup();
        states(&line.rows(&line.say.load, [&&*self.workspace, &ids]).await?, 0)
    }

    async fn keys(&mut self, keys: &[KeyName]) -> Result<Vec<(KeyName, KeyUse)>> {
        let line = self.line()?;
        let agents: Vec<_> = keys.iter().map(|key| key.agent.as_str()).collect();
        let words: Vec<_> = keys.iter().map(|key| key.key.as_bytes()).collect();
        let rows = line.rows(&line.say.keys, [&&*self.workspace, &agents, &words]).await?;
        let found = rows.iter().map(|row| {
            let nth: i64 = row.try_get(0)?;
            let name = usize::try_from(nth - 1).ok().and_then(|nth| keys.get(nth));
            let name = name.ok_or_else(|| StoreError::Corrupt("a key was not asked for".into()))?;
            let used = KeyUse {
                fingerprint: digest(row.try_get(1)?)?,
                escalation: EscalationId::from_uuid(row.try_get(2)?),
            };
            Ok((name.clone(), used))
        });
        found.collect()
    }

    async fn asked(&mut self, calls: &[Call]) -> Result<Vec<(Call, EscalationId)>> {
        let line = self.line()?;
        let workspace = &&*self.workspace;
        let agents: Vec<_> = calls.iter().map(|call| call.agent.as_str()).collect();
        let digests: Vec<_> = calls.iter().map(|call| &call.digest.as_bytes()[..]).collect();
        // Two statements, for the second to see what was committed until the lock was had.
        let (_, rows) = tokio::try_join!(
            biased;
            line.rows(&line.say.lock_asked, [workspace]),
            line.rows(&line.say.asked, [workspace, &agents, &digests]),
        )?;
        let found = rows.iter().map(|row| {
            let nth: i64 = row.try_get(0)?;
            let call = usize::try_from(nth - 1).ok().and_then(|nth| calls.get(nth));
            let call =
                call.ok_or_else(|| StoreError::Corrupt("a call was not asked for".into()))?;
            Ok((call.clone(), EscalationId::from_uuid(row.try_get(1)?)))
        });
        found.collect()
    }

    async fn due(
        &mut self,
        at: Timestamp,
        readings: &[(RouteName, Heard)],
        limit: usize,
    ) -> Result<Vec<Escalation>> {
        let line = self.line()?;
        let routes: Vec<_> = readings.iter().map(|(route, _)| route.as_str()).collect();
        let heard: Vec<_> = readings.iter().map(|(_, heard)| signed(heard.as_micros())).collect();
        let (at, most) = (at.as_microsecond(), signed(limit));
        let values: [Value; 5] = [&&*self.workspace, &at, &routes, &heard, &most];
        states(&line.rows(&line.say.due, values).await?, 0)
    }

    async fn silent_grants(
        &mut self,
        agent: &AgentName,
        rule: &RuleName,
        since: Timestamp,
    ) -> Result<u32> {
        let line = self.line()?;
        let workspace = &&*self.workspace;
        let (agent, rule, since) = (agent.as_str(), rule.as_str(), since.as_microsecond());
        // Two statements, for the second to see what was committed until the lock was had.
        let (_, rows) = tokio::try_join!(
            biased;
            line.rows(&line.say.lock_silent_grants, [workspace]),
            line.rows(&line.say.silent_grants, [workspace, &agent, &rule, &since]),
        )?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn outbox(
        &mut self,
        kind: OutboxKind,
        route: Option<&RouteName>,
        limit: usize,
    ) -> Result<Vec<Outbox>> {
        let line = self.line()?;
        let (workspace, word, most) = (&&*self.workspace, kind.word(), signed(limit));
        let rows = match route.map(RouteName::as_str) {
            None => line.rows(&line.say.outbox, [workspace, &word, &most]).await?,
            Some(route) => {
                let values: [Value; 4] = [workspace, &word, &route, &most];
                line.rows(&line.say.outbox_of_route, values).await?
            }
        };
        let found = rows
            .iter()
            .map(|row| Ok(Outbox { kind, route: parsed(row.try_get(0)?)?, id: row.try_get(1)? }));
        found.collect()
    }

    async fn standing(
        &mut self,
        after: Option<EscalationId>,
        limit: usize,
    ) -> Result<Vec<Escalation>> {
        let line = self.line()?;
        let after = after.map_or(Uuid::nil(), EscalationId::as_uuid);
        let most = signed(limit);
        let values: [Value; 3] = [&&*self.workspace, &after, &most];
        // Of what is open when the first looks and granted when the second does, the first waits
        // for the change and leaves it to the second.
        let (pending, redeemable) = tokio::try_join!(
            biased;
            line.rows(&line.say.standing_pending, values),
            line.rows(&line.say.standing_redeemable, values),
        )?;
        let mut found = states(&pending, 1)?;
        found.extend(states(&redeemable, 1)?);
        found.sort_by_key(Escalation::id);
        found.truncate(limit);
        Ok(found)
    }

    async fn commit(&mut self, changes: &Changes) -> Result<u64> {
        let line = self.line()?;
        let writing = Writing { line, workspace: &self.workspace, changes };
        // In one go: whatever fails turns the COMMIT at the end into a ROLLBACK. The ledger's head
        // comes last, so that it is locked for no longer than it takes to make this durable. All
        // writers lock their tables in this order, and rows in the order of their keys.
        let (.., first, ()) = tokio::try_join!(
            biased;
            writing.insert_escalations(),
            writing.update_escalations(),
            writing.keys(),
            writing.asked(),
            writing.clocks(),
            writing.silent_grants(),
            writing.outbox(),
            writing.done(),
            writing.halts(),
            writing.lifted(),
            writing.erased(),
            writing.seal(),
            writing.entries(self.server, self.halts_seen),
            line.order("COMMIT"),
        )?;
        self.in_unit = false;
        Ok(first)
    }

    async fn seal(&mut self, seal: &Seal) -> Result<()> {
        self.rollback().await?;
        let line = match self.line.take() {
            Some(line) if !line.db.is_closed() => line,
            _ => Line::open(&self.address).await?,
        };
        let line = self.line.insert(line);
        let changes = Changes { seal: Some(seal.clone()), ..Changes::default() };
        // One statement is a transaction of its own.
        Writing { line, workspace: &self.workspace, changes: &changes }.seal().await
    }

    async fn rollback(&mut self) -> Result<()> {
        if !self.in_unit {
            return Ok(());
        }
        self.in_unit = false;
        let Some(line) = self.line.take() else { return Ok(()) };
        // A line that is gone, or that does not take this, takes its transaction with it.
        if line.order("ROLLBACK").await.is_ok() {
            self.line = Some(line);
        }
        Ok(())
    }
}

fn states(rows: &[Row], column: usize) -> Result<Vec<Escalation>> {
    rows.iter().map(|row| Ok(serde_json::from_str(row.try_get(column)?)?)).collect()
}

/// The statements of one commit. Each of these says one thing at once, or nothing where there is
/// nothing to write: a second statement would go out after the COMMIT.
struct Writing<'a> {
    line: &'a Line,
    workspace: &'a str,
    changes: &'a Changes,
}

/// Escalations as columns.
#[derive(Default)]
struct Columns<'a> {
    id: Vec<Uuid>,
    before: Vec<i64>,
    agent: Vec<&'a str>,
    tier: Vec<i16>,
    route: Vec<&'a str>,
    pending: Vec<bool>,
    redeemable: Vec<bool>,
    version: Vec<i64>,
    wake_at: Vec<Option<i64>>,
    wake_heard: Vec<Option<i64>>,
    state: Vec<String>,
}

impl<'a> Columns<'a> {
    fn of(currents: impl Iterator<Item = &'a Current>) -> Result<Self> {
        let mut columns = Self::default();
        for current in currents {
            let Current { escalation, before, due } = current;
            columns.id.push(escalation.id().as_uuid());
            columns.before.push(signed(before.unwrap_or(0)));
            columns.agent.push(escalation.agent().as_str());
            columns.tier.push(tier_number(escalation.tier()));
            columns.route.push(escalation.verdict().route.as_str());
            columns.pending.push(escalation.is_pending());
            columns.redeemable.push(current.is_redeemable());
            columns.version.push(signed(escalation.version()));
            columns.wake_at.push(due.at.map(Timestamp::as_microsecond));
            columns.wake_heard.push(due.heard.map(|heard| signed(heard.as_micros())));
            columns.state.push(serde_json::to_string(escalation)?);
        }
        Ok(columns)
    }
}

impl Writing<'_> {
    async fn insert_escalations(&self) -> Result<()> {
        let new = self.changes.escalations.iter().filter(|current| current.before.is_none());
        let c = Columns::of(new)?;
        if c.id.is_empty() {
            return Ok(());
        }
        let values: [Value; 11] = [
            &self.workspace,
            &c.id,
            &c.agent,
            &c.tier,
            &c.route,
            &c.pending,
            &c.redeemable,
            &c.version,
            &c.wake_at,
            &c.wake_heard,
            &c.state,
        ];
        self.line.say(&self.line.say.insert_escalations, values).await
    }

    async fn update_escalations(&self) -> Result<()> {
        let known = self.changes.escalations.iter().filter(|current| current.before.is_some());
        let c = Columns::of(known)?;
        if c.id.is_empty() {
            return Ok(());
        }
        let values: [Value; 11] = [
            &self.workspace,
            &c.id,
            &c.before,
            &c.tier,
            &c.route,
            &c.pending,
            &c.redeemable,
            &c.version,
            &c.wake_at,
            &c.wake_heard,
            &c.state,
        ];
        self.line.say(&self.line.say.update_escalations, values).await
    }

    async fn keys(&self) -> Result<()> {
        let keys = &self.changes.keys;
        if keys.is_empty() {
            return Ok(());
        }
        let agents: Vec<_> = keys.iter().map(|key| key.name.agent.as_str()).collect();
        let words: Vec<_> = keys.iter().map(|key| key.name.key.as_bytes()).collect();
        let prints: Vec<_> = keys.iter().map(|key| &key.used.fingerprint.as_bytes()[..]).collect();
        let ids: Vec<_> = keys.iter().map(|key| key.used.escalation.as_uuid()).collect();
        let values: [Value; 5] = [&self.workspace, &agents, &words, &prints, &ids];
        self.line.say(&self.line.say.insert_keys, values).await
    }

    async fn asked(&self) -> Result<()> {
        let asked = &self.changes.asked;
        if asked.is_empty() {
            return Ok(());
        }
        let agents: Vec<_> = asked.iter().map(|(call, _)| call.agent.as_str()).collect();
        let digests: Vec<_> = asked.iter().map(|(call, _)| &call.digest.as_bytes()[..]).collect();
        let ids: Vec<_> = asked.iter().map(|(_, id)| id.as_uuid()).collect();
        let values: [Value; 4] = [&self.workspace, &agents, &digests, &ids];
        self.line.say(&self.line.say.put_asked, values).await
    }

    async fn clocks(&self) -> Result<()> {
        let clocks = &self.changes.clocks;
        if clocks.is_empty() {
            return Ok(());
        }
        let routes: Vec<_> = clocks.iter().map(|clock| clock.route.as_str()).collect();
        let heard: Vec<_> = clocks.iter().map(|clock| signed(clock.heard.as_micros())).collect();
        let until: Vec<_> = clocks.iter().map(|clock| clock.until.as_microsecond()).collect();
        let values: [Value; 4] = [&self.workspace, &routes, &heard, &until];
        self.line.say(&self.line.say.put_clocks, values).await
    }

    async fn silent_grants(&self) -> Result<()> {
        let grants = &self.changes.silent_grants;
        if grants.is_empty() {
            return Ok(());
        }
        let agents: Vec<_> = grants.iter().map(|grant| grant.agent.as_str()).collect();
        let rules: Vec<_> = grants.iter().map(|grant| grant.rule.as_str()).collect();
        let at: Vec<_> = grants.iter().map(|grant| grant.at.as_microsecond()).collect();
        let ids: Vec<_> = grants.iter().map(|grant| grant.escalation.as_uuid()).collect();
        let values: [Value; 5] = [&self.workspace, &agents, &rules, &at, &ids];
        self.line.say(&self.line.say.insert_silent_grants, values).await
    }

    async fn outbox(&self) -> Result<()> {
        self.work(&self.line.say.insert_outbox, &self.changes.outbox).await
    }

    async fn done(&self) -> Result<()> {
        self.work(&self.line.say.delete_outbox, &self.changes.done).await
    }

    async fn work(&self, statement: &Statement, work: &[Outbox]) -> Result<()> {
        if work.is_empty() {
            return Ok(());
        }
        let kinds: Vec<_> = work.iter().map(|work| work.kind.word()).collect();
        let routes: Vec<_> = work.iter().map(|work| work.route.as_str()).collect();
        let ids: Vec<_> = work.iter().map(|work| work.id).collect();
        self.line.say(statement, [&self.workspace, &kinds, &routes, &ids]).await
    }

    async fn halts(&self) -> Result<()> {
        let halts = &self.changes.halts;
        if halts.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = halts.iter().map(|halt| halt.id.as_uuid()).collect();
        let texts = halts.iter().map(|halt| Ok(serde_json::to_string(halt)?));
        let texts = texts.collect::<Result<Vec<_>>>()?;
        self.line.say(&self.line.say.insert_halts, [&self.workspace, &ids, &texts]).await
    }

    async fn lifted(&self) -> Result<()> {
        if self.changes.lifted.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = self.changes.lifted.iter().map(|id| id.as_uuid()).collect();
        self.line.say(&self.line.say.lift_halts, [&self.workspace, &ids]).await
    }

    async fn erased(&self) -> Result<()> {
        if self.changes.erased.is_empty() {
            return Ok(());
        }
        let entries: Vec<_> = self.changes.erased.iter().map(|seq| signed(*seq)).collect();
        self.line.say(&self.line.say.erase_bodies, [&self.workspace, &entries]).await
    }

    async fn seal(&self) -> Result<()> {
        let Some(seal) = &self.changes.seal else { return Ok(()) };
        let rows = SealRows::of(seal);
        let (before, size) = (signed(seal.before), signed(seal.size));
        let values: [Value; 7] =
            [&self.workspace, &before, &size, &seal.note, &rows.levels, &rows.places, &rows.hashes];
        self.line.say(&self.line.say.seal, values).await
    }

    async fn entries(&self, server: Uuid, halts_seen: i64) -> Result<u64> {
        let Changes { entries, halts, lifted, .. } = self.changes;
        let changes = !(halts.is_empty() && lifted.is_empty());
        if entries.is_empty() && !changes {
            let rows = self.line.rows(&self.line.say.size, [&self.workspace]).await?;
            let size: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
            return Ok(unsigned(size) + 1);
        }
        let appender = Appender {
            client: &self.line.db.client,
            statement: &self.line.say.append,
            workspace: self.workspace,
            server,
        };
        appender.append(entries, Halting { seen: Some(halts_seen), changes }).await
    }
}
