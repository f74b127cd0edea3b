//! Waiters read durable state, and a waiter's timeout is not the escalation's expiry.

use std::time::Duration;

use sayso_core::EscalationId;
use sayso_core::escalation::Outcome;
use sayso_engine::{Engine, EngineError, Record};
use tokio::task::JoinHandle;

use crate::clock::days;
use crate::world::{WINDOW, World, within};

const AN_HOUR: Duration = Duration::from_hours(1);

type Waiter = JoinHandle<Result<std::sync::Arc<Record>, EngineError>>;

/// Many who wait for the same.
pub(crate) fn waiters(engine: &Engine, id: EscalationId) -> Vec<Waiter> {
    let wait = |_| {
        let engine = engine.clone();
        tokio::spawn(async move { engine.wait(id, AN_HOUR).await })
    };
    (0..20).map(wait).collect()
}

/// All of them are woken and see that.
pub(crate) async fn all_see(waiters: Vec<Waiter>, outcome: Outcome) {
    for waiter in waiters {
        let record = within("a waiter is woken", waiter).await.unwrap().unwrap();
        assert_eq!(record.escalation.settled().map(|settled| settled.outcome), Some(outcome));
    }
}

pub(crate) async fn a_waiters_timeout_is_not_the_escalations_expiry(world: &mut World) {
    let id = world.ask("deploy").await;
    let record = world.engine().wait(id, Duration::from_millis(10)).await.unwrap();
    assert!(record.escalation.is_pending());
    let record = world.engine().wait(id, Duration::ZERO).await.unwrap();
    assert!(record.escalation.is_pending());
    assert_eq!(world.story(id).await, ["proposed"]);

    let waiting = waiters(world.engine(), id);
    world.approve(id).await;
    all_see(waiting, Outcome::Granted).await;
}

pub(crate) async fn a_waiter_for_what_is_settled_does_not_wait(world: &mut World) {
    let id = world.ask("note_it").await;
    all_see(waiters(world.engine(), id), Outcome::Noted).await;
}

pub(crate) async fn a_waiter_for_nothing_is_told_so(world: &mut World) {
    let id = EscalationId::from_uuid(uuid::Uuid::now_v7());
    let waited = world.engine().wait(id, AN_HOUR).await;
    assert!(matches!(waited, Err(EngineError::NoSuchEscalation(_))), "{waited:?}");
}

pub(crate) async fn waiters_are_woken_by_a_decision(world: &mut World) {
    for _ in 0..20 {
        let id = world.ask("merge").await;
        let waiting = waiters(world.engine(), id);
        world.veto(id).await.unwrap();
        all_see(waiting, Outcome::Vetoed).await;
    }
}

pub(crate) async fn waiters_are_woken_by_time(world: &mut World) {
    let _listener = world.engine().listen();
    let soft = world.ask_delivered("merge").await;
    let hard = world.ask("deploy").await;
    let (for_soft, for_hard) = (waiters(world.engine(), soft), waiters(world.engine(), hard));
    world.clock.pass(WINDOW);
    world.engine().clock_moved();
    all_see(for_soft, Outcome::Granted).await;
    world.clock.pass(days(7));
    world.engine().clock_moved();
    all_see(for_hard, Outcome::Expired).await;
}

pub(crate) async fn waiters_are_woken_by_a_withdrawal(world: &mut World) {
    let id = world.ask("deploy").await;
    let waiting = waiters(world.engine(), id);
    world.engine().withdraw(id, &world.bot).await.unwrap();
    all_see(waiting, Outcome::Withdrawn).await;
}
