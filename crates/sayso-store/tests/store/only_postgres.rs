//! What holds for PostgreSQL alone: any number of servers on one database.

use std::collections::HashSet;
use std::time::Duration;

use sayso_core::Tier;
use sayso_core::directory::Change;
use sayso_store::postgres::PostgresStore;
use sayso_store::{Amendment, Changes, OutboxKind, SilentGrant, Store, StoreError};
use sayso_testkit::postgres::{Server, database};
use tokio::time::timeout;

use crate::case::{Case, agent, at, changes, commit, heard, id, keep, numbers, route, rule};
use crate::place::WORKSPACE;
use crate::tree::{OLD_ENTRIES, old_entries_have_leaves};
use crate::unit::{a_call_finds_what_it_began_last, added, begun, clock, entry, halt, key, thaw};

/// Long enough for anything that happens at all.
const SOON: Duration = Duration::from_secs(20);
/// Long enough to believe that something does not happen.
const AWHILE: Duration = Duration::from_millis(200);

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url, WORKSPACE).await.unwrap()
}

/// Two servers on a fresh database.
async fn two() -> (PostgresStore, PostgresStore) {
    let url = database().await;
    (open(&url).await, open(&url).await)
}

/// A connection of the test's own, to do to a database what no server would.
async fn meddle(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    let _ = driver.await;
}

#[tokio::test]
async fn servers_that_start_at_once_share_one_schema() {
    let url = database().await;
    let opened = tokio::join!(open(&url), open(&url), open(&url), open(&url));
    keep(&opened.0, &[Case::new(1)]).await;
    assert!(opened.3.kept(id(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_database_of_a_later_version_is_refused() {
    let url = database().await;
    drop(open(&url).await);
    meddle(&url, "UPDATE sayso_schema SET version = 99").await;
    let refused = PostgresStore::open(&url, WORKSPACE).await.map(|_| ());
    assert!(matches!(refused, Err(StoreError::Newer { found: 99, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date() {
    let url = database().await;
    let first = include_str!("../../migrations/postgres/0001_core.sql");
    let version = "CREATE TABLE sayso_schema (version integer NOT NULL); \
                   INSERT INTO sayso_schema VALUES (1);";
    meddle(&url, &format!("{first}; {version}")).await;
    a_call_finds_what_it_began_last(&open(&url).await).await;
}

#[tokio::test]
async fn entries_of_a_version_without_leaves_get_theirs() {
    let url = database().await;
    for migration in [
        include_str!("../../migrations/postgres/0001_core.sql"),
        include_str!("../../migrations/postgres/0002_join.sql"),
        include_str!("../../migrations/postgres/0003_callback.sql"),
    ] {
        meddle(&url, migration).await;
    }
    let id = format!("'{}'", "07".repeat(16));
    let hash = format!("decode('{}', 'hex')", "08".repeat(32));
    let entries = OLD_ENTRIES.replace("ID", &id).replace("HASH", &hash);
    let head = "INSERT INTO ledger_head (workspace, size) VALUES ('default', 3);
                CREATE TABLE sayso_schema (version integer NOT NULL);
                INSERT INTO sayso_schema VALUES (3);";
    meddle(&url, &format!("{entries}; {head}")).await;
    old_entries_have_leaves(&open(&url).await).await;
}

#[tokio::test]
async fn a_database_that_is_up_to_date_needs_no_right_to_make_tables() {
    let url = database().await;
    drop(open(&url).await);
    let role = format!("clerk_{}", url.rsplit('_').next().unwrap());
    let sql = format!(
        "CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    );
    meddle(&url, &sql).await;
    let store = open(&url.replace("sayso@", &format!("{role}@"))).await;
    keep(&store, &[Case::new(1)]).await;
}

#[tokio::test]
async fn an_address_where_nobody_answers_is_told_so() {
    let refused = PostgresStore::open("postgres://sayso@127.0.0.1:1/sayso", WORKSPACE).await;
    let why = refused.map(|_| ()).unwrap_err();
    assert!(matches!(why, StoreError::Unreachable(_)), "{why:?}");
    assert!(why.to_string().contains("refused"), "{why}");
}

#[tokio::test]
async fn workspaces_in_one_database_are_apart() {
    let url = database().await;
    let (ours, theirs) = (open(&url).await, PostgresStore::open(&url, "theirs").await.unwrap());
    keep(&ours, &[Case::new(1), Case::new(2), Case::new(3)]).await;
    assert_eq!(keep(&theirs, &[Case::new(1)]).await, 1, "each ledger begins at 1");
    keep(&theirs, &[Case::new(1).kept().denied()]).await;
    let kept = ours.kept(id(1)).await.unwrap().unwrap();
    assert!(kept.escalation.is_pending());
    assert_eq!(theirs.ledger_size().await.unwrap(), 2);
    assert_eq!(ours.ledger_size().await.unwrap(), 3);
}

#[tokio::test]
async fn what_is_due_is_given_to_one_server_only() {
    let (one, other) = two().await;
    let due = (1..=6).map(|n| Case::new(n).due_at(1).due_heard(if n > 3 { 1 } else { 9 }));
    keep(&one, &due.collect::<Vec<_>>()).await;
    let (mut first, mut second) = (begun(&one).await, begun(&other).await);
    let readings = [(route("everyone"), heard(1))];
    let mine = numbers(&first.due(at(1), &readings, 4).await.unwrap());
    let theirs = numbers(&second.due(at(1), &readings, 10).await.unwrap());
    assert_eq!((mine.len(), theirs.len()), (4, 2));
    assert_eq!(mine.iter().chain(&theirs).collect::<HashSet<_>>().len(), 6);
    // Once the first lets go of them, they are anybody's again.
    first.rollback().await.unwrap();
    assert_eq!(second.due(at(1), &readings, 10).await.unwrap().len(), 6);
}

#[tokio::test]
async fn work_is_given_to_one_server_only() {
    let (one, other) = two().await;
    let outbox = (1..=6).map(thaw).collect();
    commit(&one, &Changes { outbox, ..Changes::default() }).await;
    let (mut first, mut second) = (begun(&one).await, begun(&other).await);
    let mine = first.outbox(OutboxKind::Thaw, None, 4).await.unwrap();
    let theirs = second.outbox(OutboxKind::Thaw, Some(&route("everyone")), 10).await.unwrap();
    assert_eq!((mine.len(), theirs.len()), (4, 2));
    assert!(theirs.iter().all(|work| !mine.contains(work)));
}

#[tokio::test]
async fn work_that_is_asked_for_again_while_it_is_done_is_not_lost() {
    let (one, other) = two().await;
    commit(&one, &Changes { outbox: vec![thaw(1)], ..Changes::default() }).await;
    let mut first = begun(&one).await;
    let claimed = first.outbox(OutboxKind::Thaw, None, 10).await.unwrap();
    let again = tokio::spawn(async move {
        commit(&other, &Changes { outbox: vec![thaw(1)], ..Changes::default() }).await;
    });
    tokio::time::sleep(AWHILE).await;
    assert!(!again.is_finished(), "it waits to see what becomes of it");
    first.commit(&Changes { done: claimed, ..Changes::default() }).await.unwrap();
    timeout(SOON, again).await.unwrap().unwrap();
    let mut writer = begun(&one).await;
    assert_eq!(writer.outbox(OutboxKind::Thaw, None, 10).await.unwrap(), [thaw(1)]);
}

#[tokio::test]
async fn what_one_server_has_loaded_another_sees_only_as_it_became() {
    let (one, other) = two().await;
    keep(&one, &[Case::new(1)]).await;
    let (mut first, mut second) = (begun(&one).await, begun(&other).await);
    assert_eq!(first.load(&[id(1)]).await.unwrap()[0].version(), 1);
    let waiting = tokio::spawn(async move { second.load(&[id(1)]).await.unwrap() });
    tokio::time::sleep(AWHILE).await;
    assert!(!waiting.is_finished());
    first.commit(&Case::new(1).kept().denied().changes()).await.unwrap();
    let seen = timeout(SOON, waiting).await.unwrap().unwrap();
    assert!(!seen[0].is_pending());
}

#[tokio::test]
async fn a_unit_that_was_forgotten_holds_nothing_back() {
    let (one, other) = two().await;
    keep(&one, &[Case::new(1)]).await;
    let (mut first, mut second) = (begun(&one).await, begun(&other).await);
    first.load(&[id(1)]).await.unwrap();
    first.begin().await.unwrap();
    assert_eq!(timeout(SOON, second.load(&[id(1)])).await.unwrap().unwrap().len(), 1);
}

#[tokio::test]
async fn what_another_server_is_changing_is_not_overwritten_even_unloaded() {
    let (one, other) = two().await;
    keep(&one, &[Case::new(1)]).await;
    let (mut first, mut second) = (begun(&one).await, begun(&other).await);
    first.load(&[id(1)]).await.unwrap();
    let stale = Case::new(1).kept().approved();
    let waiting = tokio::spawn(async move { second.commit(&stale.changes()).await });
    tokio::time::sleep(AWHILE).await;
    assert!(!waiting.is_finished());
    first.commit(&Case::new(1).kept().delivered().changes()).await.unwrap();
    let refused = timeout(SOON, waiting).await.unwrap().unwrap();
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    assert_eq!(one.kept(id(1)).await.unwrap().unwrap().escalation.version(), 2);
}

#[tokio::test]
async fn a_sweep_waits_for_what_another_server_is_granting() {
    let (one, other) = two().await;
    keep(&one, &[Case::new(1), Case::new(2)]).await;
    let (mut first, mut second) = (begun(&one).await, begun(&other).await);
    first.load(&[id(1)]).await.unwrap();
    let sweep = tokio::spawn(async move { second.standing(None, 10).await.unwrap() });
    tokio::time::sleep(AWHILE).await;
    assert!(!sweep.is_finished());
    first.commit(&Case::new(1).kept().approved().changes()).await.unwrap();
    let standing = timeout(SOON, sweep).await.unwrap().unwrap();
    assert_eq!(numbers(&standing), [1, 2]);
    assert!(!standing[0].is_pending(), "granted, and its permit can still be stopped");
}

#[tokio::test]
async fn servers_that_wait_for_each_other_are_told_of_a_conflict() {
    let (one, other) = two().await;
    keep(&one, &[Case::new(1), Case::new(2)]).await;
    let (mut first, mut second) = (begun(&one).await, begun(&other).await);
    first.load(&[id(1)]).await.unwrap();
    second.load(&[id(2)]).await.unwrap();
    let crossed = ([id(2)], [id(1)]);
    let both = async { tokio::join!(first.load(&crossed.0), second.load(&crossed.1)) };
    let (ours, theirs) = timeout(SOON, both).await.unwrap();
    let conflicts = [&ours, &theirs]
        .iter()
        .filter(|loaded| matches!(loaded, Err(StoreError::Conflict)))
        .count();
    assert_eq!(conflicts, 1, "{ours:?} {theirs:?}");
}

#[tokio::test]
async fn a_unit_that_began_before_a_halt_can_write_no_event_after_it() {
    let (one, other) = two().await;
    keep(&one, &[Case::new(1).approved(), Case::new(2)]).await;
    let mut redeeming = begun(&one).await;
    redeeming.load(&[id(1)]).await.unwrap();
    commit(&other, &Changes { halts: vec![halt(9)], ..Case::new(3).changes() }).await;
    let redeemed = Case::new(1).approved().kept().redeemed();
    let refused = redeeming.commit(&redeemed.changes()).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    // Having seen the halt, it may write again; and a lift is to be seen just as well.
    redeeming.rollback().await.unwrap();
    assert_eq!(redeeming.begin().await.unwrap().halts, [halt(9)]);
    commit(&other, &Changes { lifted: vec![halt(9).id], ..Changes::default() }).await;
    let refused = redeeming.commit(&Case::new(4).changes()).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    redeeming.begin().await.unwrap();
    redeeming.commit(&Case::new(4).changes()).await.unwrap();
}

#[tokio::test]
async fn a_unit_that_began_before_something_was_taken_away_can_write_no_event_after_it() {
    let (one, other) = two().await;
    keep(&one, &[Case::new(1)]).await;
    let mut approving = begun(&one).await;
    // What gives something to somebody keeps nobody waiting.
    assert_eq!(other.amend(&added("robo", at(1))).await.unwrap(), 2);
    approving.commit(&Case::new(2).changes()).await.unwrap();
    assert_eq!(approving.begin().await.unwrap().newest, 2);
    let revoked = entry(Change::AgentRevoked { name: agent("robo") }, at(2));
    let amendment = Amendment { entries: vec![revoked], ..added("robo", at(2)) };
    other.amend(&amendment).await.unwrap();
    let refused = approving.commit(&Case::new(3).changes()).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    // Having seen it, it may write again.
    let newest = approving.begin().await.unwrap().newest;
    let seen = approving.workspace_entries(2, 10).await.unwrap();
    assert_eq!(seen.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [newest]);
    approving.commit(&Case::new(3).changes()).await.unwrap();
}

#[tokio::test]
async fn two_servers_never_count_the_same_room_for_a_silent_grant() {
    let (one, other) = two().await;
    let (robo, merges) = (agent("robo"), rule("merges"));
    let (mut first, mut second) = (begun(&one).await, begun(&other).await);
    assert_eq!(first.silent_grants(&robo, &merges, at(0)).await.unwrap(), 0);
    let waiting = tokio::spawn(async move {
        second.silent_grants(&agent("robo"), &rule("merges"), at(0)).await.unwrap()
    });
    tokio::time::sleep(AWHILE).await;
    assert!(!waiting.is_finished());
    let grant = SilentGrant { agent: robo, rule: merges, at: at(1), escalation: id(1) };
    first.commit(&Changes { silent_grants: vec![grant], ..Changes::default() }).await.unwrap();
    assert_eq!(timeout(SOON, waiting).await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn an_idempotency_key_used_on_two_servers_at_once_makes_one_escalation() {
    let (one, other) = two().await;
    let (mut first, mut second) = (begun(&one).await, begun(&other).await);
    let name = key("robo", "k", 0).name;
    for writer in [&mut first, &mut second] {
        assert!(writer.keys(std::slice::from_ref(&name)).await.unwrap().is_empty());
    }
    let uses = |n| Changes { keys: vec![key("robo", "k", n)], ..Case::new(n).changes() };
    first.commit(&uses(1)).await.unwrap();
    let refused = second.commit(&uses(2)).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    second.begin().await.unwrap();
    let found = second.keys(&[name]).await.unwrap();
    assert_eq!(found[0].1.escalation, id(1));
    assert_eq!(other.ledger_size().await.unwrap(), 1);
}

#[tokio::test]
async fn what_two_servers_heard_at_once_counts_once() {
    let (one, other) = two().await;
    let clocks = |seconds, until| Changes {
        clocks: vec![clock("everyone", seconds, until)],
        ..Changes::default()
    };
    let reading = async || {
        let mut writer = begun(&one).await;
        let clocks = writer.begin().await.unwrap().clocks;
        (clocks[0].heard, clocks[0].until)
    };
    commit(&one, &clocks(100, 0)).await;
    let (mut first, mut second) = (begun(&one).await, begun(&other).await);
    first.commit(&clocks(102, 2)).await.unwrap();
    second.commit(&clocks(102, 2)).await.unwrap();
    assert_eq!(reading().await, (heard(102), at(2)));
    // Nor does the one that comes late set the clock back.
    commit(&other, &clocks(101, 1)).await;
    assert_eq!(reading().await, (heard(102), at(2)));
    // What one has accounted for as unheard, another can't credit later from an older reading.
    commit(&one, &clocks(102, 5)).await;
    commit(&other, &clocks(106, 6)).await;
    assert_eq!(reading().await, (heard(103), at(6)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_ledger_has_no_gaps_and_is_in_commit_order_whoever_writes() {
    const SERVERS: u128 = 3;
    const UNITS: u128 = 60;
    let url = database().await;
    let reader = open(&url).await;
    let mut writing = Vec::new();
    for server in 0..SERVERS {
        let store = open(&url).await;
        writing.push(tokio::spawn(async move {
            let mut writer = store.writer().await.unwrap();
            let mut firsts = Vec::new();
            for unit in 0..UNITS {
                let number = server * 10_000 + 2 * unit;
                let size = 1 + unit % 2;
                let cases: Vec<_> = (0..size).map(|n| Case::new(number + n).text("text")).collect();
                writer.begin().await.unwrap();
                let first = writer.commit(&changes(&cases)).await.unwrap();
                firsts.push((first, u64::try_from(size).unwrap()));
                // What is acknowledged is what everybody sees next.
                assert!(store.ledger_size().await.unwrap() >= first);
            }
            firsts
        }));
    }
    // A reader who follows the ledger never sees an entry before those that precede it.
    let total = u64::try_from(SERVERS * UNITS * 3 / 2).unwrap();
    let mut next = 1;
    while next <= total {
        let seen = reader.entries(next, 50).await.unwrap();
        for entry in &seen {
            assert_eq!(entry.seq, next);
            next += 1;
        }
        if seen.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let mut ranges = Vec::new();
    for task in writing {
        let firsts = task.await.unwrap();
        assert!(firsts.is_sorted());
        ranges.extend(firsts);
    }
    ranges.sort_unstable();
    let mut expected = 1;
    for (first, size) in ranges {
        assert_eq!(first, expected);
        expected += size;
    }
    assert_eq!(expected, total + 1);
}

#[tokio::test]
async fn a_server_wakes_on_the_others_commits_and_not_on_its_own() {
    let (one, other) = two().await;
    keep(&one, &[Case::new(1)]).await;
    one.amend(&added("robo", at(1))).await.unwrap();
    timeout(AWHILE, one.elsewhere()).await.unwrap_err();

    keep(&other, &[Case::new(2), Case::new(3)]).await;
    assert_eq!(timeout(SOON, one.elsewhere()).await.unwrap().unwrap(), 5);
    timeout(AWHILE, one.elsewhere()).await.unwrap_err();
    // Giving up waiting misses nothing, and several commits may be told of at once.
    keep(&other, &[Case::new(4)]).await;
    other.amend(&added("hal", at(1))).await.unwrap();
    let mut heard = 0;
    while heard < 7 {
        heard = timeout(SOON, one.elsewhere()).await.unwrap().unwrap();
    }
    assert_eq!(heard, 7);
}

#[tokio::test]
async fn a_server_does_not_wake_for_another_workspace_or_for_nothing() {
    let url = database().await;
    let ours = open(&url).await;
    let theirs = PostgresStore::open(&url, "theirs").await.unwrap();
    keep(&theirs, &[Case::new(1)]).await;
    let silent = Changes { clocks: vec![clock("everyone", 1, 1)], ..Changes::default() };
    commit(&open(&url).await, &silent).await;
    timeout(AWHILE, ours.elsewhere()).await.unwrap_err();
}

#[tokio::test]
async fn a_lost_listening_connection_comes_back_and_nothing_is_missed() {
    let url = database().await;
    let listens = open(&url).await;
    keep(&open(&url).await, &[Case::new(1)]).await;
    assert_eq!(timeout(SOON, listens.elsewhere()).await.unwrap().unwrap(), 2);
    meddle(
        &url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await;
    keep(&open(&url).await, &[Case::new(2)]).await;
    assert_eq!(timeout(SOON, listens.elsewhere()).await.unwrap().unwrap(), 3);
    timeout(AWHILE, listens.elsewhere()).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_outlives_a_restart_of_the_database() {
    let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let store = open(&server.database().await).await;
    let mut writer = store.writer().await.unwrap();
    writer.begin().await.unwrap();
    writer.commit(&Case::new(1).changes()).await.unwrap();

    writer.begin().await.unwrap();
    tokio::task::block_in_place(|| server.stop());
    for lost in [
        writer.commit(&Case::new(2).changes()).await.map(|_| ()),
        writer.rollback().await.and(writer.begin().await).map(|_| ()),
        store.ping().await,
        store.kept(id(1)).await.map(|_| ()),
        store.amend(&added("robo", at(1))).await.map(|_| ()),
    ] {
        assert!(matches!(lost, Err(StoreError::Unreachable(_))), "{lost:?}");
    }
    tokio::task::block_in_place(|| server.start_again());
    assert_eq!(timeout(SOON, store.elsewhere()).await.unwrap().unwrap(), 2);
    assert!(store.kept(id(1)).await.unwrap().is_some());
    writer.rollback().await.unwrap();
    writer.begin().await.unwrap();
    assert!(writer.load(&[id(2)]).await.unwrap().is_empty());
    assert_eq!(writer.commit(&Case::new(2).changes()).await.unwrap(), 2);
    assert!(store.workspace_entries(0, 10).await.unwrap().is_empty());
    store.amend(&added("robo", at(1))).await.unwrap();
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_a_unit_leaves_nothing_of_it() {
    let url = database().await;
    let store = open(&url).await;
    keep(&store, &[Case::of(1, "robo", Tier::Hard, "everyone")]).await;
    let mut writer = begun(&store).await;
    writer.load(&[id(1)]).await.unwrap();
    meddle(
        &url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await;
    writer.commit(&Case::new(2).changes()).await.unwrap_err();
    writer.begin().await.unwrap();
    assert!(writer.load(&[id(2)]).await.unwrap().is_empty());
    assert_eq!(writer.commit(&Case::new(2).changes()).await.unwrap(), 2);
}

/// A plan made while a table is empty is kept while it grows; a walk over it, cheap at first, would
/// soon cost more than everything else.
#[tokio::test]
async fn no_statement_walks_over_a_table_that_grows() {
    let url = database().await;
    // Making the tables walks over them. Statistics are written by a connection as it ends.
    drop(open(&url).await);
    meddle(&url, "ANALYZE").await;
    tokio::time::sleep(AWHILE).await;
    meddle(&url, "SELECT pg_stat_reset()").await;
    let store = open(&url).await;
    let mut writer = store.writer().await.unwrap();
    for batch in 0..4 {
        writer.begin().await.unwrap();
        let readings = [(route("everyone"), heard(0))];
        writer.due(at(0), &readings, 10).await.unwrap();
        writer.load(&[id(1), id(2)]).await.unwrap();
        writer.standing(None, 10).await.unwrap();
        writer.keys(&[key("robo", "k", 1).name]).await.unwrap();
        writer.silent_grants(&agent("robo"), &rule("merges"), at(0)).await.unwrap();
        writer.outbox(OutboxKind::Thaw, None, 10).await.unwrap();
        let numbers = batch * 500..(batch + 1) * 500;
        let new = numbers.clone().map(|n| Case::new(n).due_at(9).due_heard(9).text("why"));
        let again = (batch > 0).then(|| Case::new(batch).kept().delivered().due_at(9));
        let cases: Vec<_> = new.chain(again).collect();
        let changes = Changes {
            keys: numbers.clone().map(|n| key("robo", &n.to_string(), n)).collect(),
            outbox: numbers.clone().map(thaw).collect(),
            done: (batch > 0).then(|| thaw(batch)).into_iter().collect(),
            ..changes(&cases)
        };
        writer.commit(&changes).await.unwrap();
        store.next_due().await.unwrap();
        store.kept(id(1)).await.unwrap();
        let query = sayso_store::Query { limit: 10, ..Default::default() };
        store.list(&query).await.unwrap();
        let query = sayso_store::Query { agent: Some(agent("robo")), ..query };
        store.list(&query).await.unwrap();
        store.entries(1, 10).await.unwrap();
    }
    drop((writer, store));
    tokio::time::sleep(AWHILE).await;
    meddle(
        &url,
        "DO $$
         DECLARE walked text;
         BEGIN
             SELECT string_agg(concat_ws(' ', relname, seq_scan, idx_tup_fetch), ', ')
             INTO walked FROM pg_stat_user_tables
             WHERE (seq_scan > 0 OR idx_tup_fetch > 500) AND relname IN
                 ('escalation', 'ledger', 'body', 'idempotency', 'silent_grant', 'outbox');
             IF walked IS NOT NULL THEN RAISE EXCEPTION 'walked over: %', walked; END IF;
         END $$",
    )
    .await;
}
