//! Nothing acknowledged is lost, whatever the store does.

use std::sync::Arc;
use std::time::Duration;

use sayso_core::decision::Says;
use sayso_core::escalation::Outcome;
use sayso_core::halt::Scope;
use sayso_core::{Digest, EscalationId};
use sayso_engine::{DecideError, EngineError, NewEscalation};
use sayso_store::{Query, StoreError};

use crate::faulty::{Fault, Faulty, Plan};
use crate::world::{WINDOW, World, call, eventually, within};

async fn failing(world: &mut World) -> Arc<Plan> {
    let plan = Arc::new(Plan::default());
    world.start_on(Faulty::over(&plan)).await;
    plan
}

async fn open(world: &World) -> Vec<EscalationId> {
    let query = Query { pending: Some(true), limit: 100, ..Query::default() };
    let (records, _) = world.engine().list(&query).await.unwrap();
    records.iter().map(|record| record.escalation.id()).collect()
}

fn failed<T: std::fmt::Debug>(done: &Result<T, DecideError>) {
    let failed = matches!(done, Err(DecideError::Engine(EngineError::Store(_))));
    assert!(failed, "{done:?}");
}

pub(crate) async fn a_commit_that_fails_changes_nothing(world: &mut World) {
    let plan = failing(world).await;
    let id = world.ask("deploy").await;
    let size = world.engine().ledger_size().await.unwrap();
    for fault in [Fault::BeforeCommit, Fault::Away] {
        plan.next(fault, 1);
        failed(&world.says(&world.ana, id, Says::Approve).await);
        plan.next(fault, 1);
        let proposed = world.propose(call("deploy")).await;
        assert!(matches!(proposed, Err(EngineError::Store(_))), "{proposed:?}");
    }
    assert_eq!(world.engine().ledger_size().await.unwrap(), size);
    assert_eq!(open(world).await, [id]);
    world.approve(id).await;
    assert_eq!(world.outcome(id).await, Some(Outcome::Granted));
}

pub(crate) async fn a_connection_that_drops_before_the_commit_is_mended(world: &mut World) {
    let plan = failing(world).await;
    for fault in [Fault::Away, Fault::BeforeCommit] {
        plan.next(fault, 3);
        for _ in 0..3 {
            assert!(world.propose(call("note_it")).await.is_err());
        }
        world.propose(call("note_it")).await.unwrap();
    }
}

pub(crate) async fn what_was_kept_but_not_acknowledged_is_seen_by_all(world: &mut World) {
    let plan = failing(world).await;
    let id = world.ask("deploy").await;
    let mut stream = world.engine().stream(None).await.unwrap();
    let waiter = {
        let engine = world.engine().clone();
        tokio::spawn(async move { engine.wait(id, Duration::from_hours(1)).await })
    };
    plan.next(Fault::AfterCommit, 1);
    failed(&world.says(&world.ana, id, Says::Approve).await);
    assert_eq!(world.outcome(id).await, Some(Outcome::Granted));

    // Who waits hears of it, without anybody doing anything more.
    let waited = within("the waiter is woken", waiter).await.unwrap().unwrap();
    assert_eq!(waited.escalation.settled().unwrap().outcome, Outcome::Granted);
    for word in ["approved", "granted"] {
        assert_eq!(within("the stream tells it", stream.next()).await.unwrap().word, word);
    }

    // And the escalation goes on from there.
    let permit = world.permit(id).await;
    plan.next(Fault::AfterCommit, 1);
    assert!(world.engine().redeem(&permit, &world.bot).await.is_err());
    assert!(world.engine().redeem(&permit, &world.bot).await.is_err(), "it was used");
    assert_eq!(world.story(id).await, ["proposed", "approved", "granted", "started"]);
    drop(stream);
}

pub(crate) async fn a_deadline_that_was_kept_but_not_acknowledged_is_met(world: &mut World) {
    let plan = failing(world).await;
    let _listener = world.engine().listen();
    world.look().await;
    let id = world.ask("merge").await;
    plan.next(Fault::AfterCommit, 1);
    world.engine().delivered(id, "inbox").await.unwrap();
    eventually("the delivery is kept", async || plan.left() == 0).await;
    eventually("it counts", async || world.deadline(id).await.is_some()).await;
    world.clock.pass(WINDOW);
    world.engine().clock_moved();
    let waited = world.engine().wait(id, Duration::from_secs(30)).await.unwrap();
    assert_eq!(waited.escalation.settled().map(|s| s.outcome), Some(Outcome::Granted));
}

pub(crate) async fn a_halt_that_was_kept_but_not_acknowledged_is_carried_out(world: &mut World) {
    let plan = failing(world).await;
    let id = world.ask("merge").await;
    plan.next(Fault::AfterCommit, 1);
    failed(&world.engine().halt(&world.ana, Scope::Everything, "stop".into()).await);
    eventually("it is frozen", async || world.get(id).await.escalation.frozen().is_some()).await;
    eventually("the halt is told", async || world.engine().halts().len() == 1).await;
}

pub(crate) async fn a_retry_after_a_lost_answer_finds_what_was_kept(world: &mut World) {
    let plan = failing(world).await;
    let key = Some(("k".to_owned(), Digest::of(b"body")));
    let new = NewEscalation { key, ..call("deploy") };
    plan.next(Fault::AfterCommit, 1);
    assert!(world.propose(new.clone()).await.is_err());
    let found = world.propose(new).await.unwrap();
    assert_eq!(open(world).await, [found.escalation.id()]);
}

pub(crate) async fn a_full_disk_is_told_as_such(world: &mut World) {
    let plan = failing(world).await;
    plan.next(Fault::Full, 1);
    let proposed = world.propose(call("deploy")).await;
    assert!(matches!(proposed, Err(EngineError::Store(StoreError::Full))), "{proposed:?}");
    world.propose(call("deploy")).await.unwrap();
}

pub(crate) async fn a_deadline_meets_a_store_that_fails_for_a_while(world: &mut World) {
    for fault in [Fault::BeforeCommit, Fault::AfterCommit, Fault::Away] {
        let plan = failing(world).await;
        let _listener = world.engine().listen();
        let id = world.ask_delivered("merge").await;
        world.pass(WINDOW.minus(crate::clock::MICROSECOND)).await;
        plan.next(fault, 3);
        world.clock.pass(crate::clock::seconds(1));
        world.engine().clock_moved();
        eventually("the store has failed", async || plan.left() < 3).await;
        plan.mend();
        // What was heard in a unit that failed may have to be heard again.
        world.clock.pass(crate::clock::seconds(1));
        world.engine().clock_moved();
        let waited = world.engine().wait(id, Duration::from_secs(30)).await.unwrap();
        assert_eq!(waited.escalation.settled().map(|s| s.outcome), Some(Outcome::Granted));
    }
}

pub(crate) async fn one_bad_unit_fails_nobody_elses(world: &mut World) {
    let plan = failing(world).await;
    let ids = [world.ask("deploy").await, world.ask("deploy").await, world.ask("deploy").await];
    plan.after(1, Fault::BeforeCommit, 1);
    world.approve(ids[0]).await;
    failed(&world.says(&world.ana, ids[1], Says::Approve).await);
    world.approve(ids[2]).await;
    plan.mend();
    assert_eq!(world.outcome(ids[0]).await, Some(Outcome::Granted));
    assert_eq!(world.outcome(ids[1]).await, None);
    assert_eq!(world.outcome(ids[2]).await, Some(Outcome::Granted));
}
