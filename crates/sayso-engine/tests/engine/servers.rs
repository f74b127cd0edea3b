//! Several servers on one database.

use std::sync::Arc;

use sayso_core::credential::Agent;
use sayso_core::decision::Says;
use sayso_core::escalation::{Hardened, Outcome};
use sayso_core::grant::Basis;
use sayso_core::halt::Scope;
use sayso_core::{EscalationId, Event, Period, Refusal};
use sayso_engine::{DecideError, Engine, EngineError};

use crate::clock::{MICROSECOND, minutes, seconds};
use crate::faulty::{Fault, Faulty, Plan};
use crate::halts::{carried_out, count_frozen, many};
use crate::waiting::{all_see, waiters};
use crate::world::{Server, WINDOW, World, call, count, eventually, heard, look, says_on, within};
use crate::{keys, stream, veto};

pub(crate) async fn a_decision_on_one_wakes_a_waiter_on_the_other(world: &World, other: &Server) {
    for _ in 0..10 {
        let id = world.ask("deploy").await;
        let waiting = waiters(&other.engine, id);
        world.approve(id).await;
        all_see(waiting, Outcome::Granted).await;
        // And the other way round.
        let id = world.ask("deploy").await;
        let waiting = waiters(world.engine(), id);
        says_on(&other.engine, &world.bo, id, Says::Deny).await.unwrap();
        all_see(waiting, Outcome::Denied).await;
    }
}

pub(crate) async fn time_that_acts_on_one_wakes_a_waiter_on_the_other(
    world: &World,
    other: &Server,
) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    let waiting = waiters(&other.engine, id);
    world.pass(WINDOW).await;
    all_see(waiting, Outcome::Granted).await;
}

async fn ask(engine: Engine, bot: Agent, tool: &'static str) -> EscalationId {
    engine.propose(&bot, call(tool)).await.unwrap().escalation.id()
}

pub(crate) async fn a_stream_on_one_tells_what_both_do_without_gaps_or_repeats(
    world: &World,
    other: &Server,
) {
    let after = world.engine().ledger_size().await.unwrap();
    let mut streams =
        [world.engine().stream(None).await.unwrap(), other.engine.stream(None).await.unwrap()];
    for _ in 0..20 {
        let engines = [world.engine(), &other.engine].into_iter().cycle().take(10);
        let asks: Vec<_> = engines
            .map(|engine| tokio::spawn(ask(engine.clone(), world.bot.clone(), "merge")))
            .collect();
        for asked in asks {
            world.veto(asked.await.unwrap()).await.unwrap();
        }
    }
    let expected = stream::expected(world.server(), after).await;
    assert_eq!(expected.len(), 400);
    for stream in &mut streams {
        assert_eq!(stream::read(stream, expected.len()).await, expected);
    }
}

pub(crate) async fn windows_end_once(world: &World, other: &Server) {
    let _listeners = [world.engine().listen(), other.engine.listen()];
    let ids = many(world, 100).await;
    for id in &ids {
        world.engine().delivered(*id, "inbox").await.unwrap();
        other.engine.delivered(*id, "inbox").await.unwrap();
    }
    tokio::join!(world.look(), look(&other.engine));
    world.clock.pass(WINDOW);
    tokio::join!(world.look(), look(&other.engine));
    for id in ids {
        // What one skipped because the other was at it is done by the other.
        let waited = other.engine.wait(id, std::time::Duration::from_secs(30)).await.unwrap();
        assert_eq!(waited.escalation.settled().map(|s| s.outcome), Some(Outcome::Granted));
        assert_eq!(world.story(id).await, ["proposed", "delivered", "granted"]);
    }
}

pub(crate) async fn of_fifty_redeems_on_both_one_succeeds(world: &World, other: &Server) {
    for _ in 0..5 {
        let (id, permit) = world.granted("deploy").await;
        let engines = [world.engine(), &other.engine].into_iter().cycle().take(50);
        let redeems: Vec<_> = engines
            .map(|engine| {
                let (engine, permit, bot) = (engine.clone(), permit.clone(), world.bot.clone());
                tokio::spawn(async move { engine.redeem(&permit, &bot).await })
            })
            .collect();
        let mut succeeded = 0;
        for redeem in redeems {
            match redeem.await.unwrap() {
                Ok(_) => succeeded += 1,
                Err(EngineError::Refused(Refusal::AlreadyRedeemed { .. })) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(succeeded, 1);
        let started = count(&*world.get(id).await, |e| matches!(e, Event::Started { .. }));
        assert_eq!(started, 1);
    }
}

pub(crate) async fn of_twenty_same_calls_on_both_one_is_made(world: &World, other: &Server) {
    let engines = [world.engine(), &other.engine];
    assert_eq!(crate::joins::at_once(&engines, &world.bot, 20).await, 1);
}

pub(crate) async fn of_twenty_on_both_with_one_key_one_is_made(world: &World, other: &Server) {
    let engines = [world.engine(), &other.engine];
    assert_eq!(keys::at_once(&engines, &world.bot, 20).await, 1);
}

pub(crate) async fn listeners_on_both_count_once(world: &World, other: &Server) {
    let _listeners = [world.engine().listen(), other.engine.listen()];
    tokio::join!(world.look(), look(&other.engine));
    let id = world.ask_delivered("merge").await;
    // Turn and turn about, and both at once.
    for turn in 0..30 {
        world.clock.pass(seconds(20));
        match turn % 3 {
            0 => world.look().await,
            1 => look(&other.engine).await,
            _ => drop(tokio::join!(world.look(), look(&other.engine))),
        }
        let passed = seconds(20 * (turn + 1));
        for engine in [world.engine(), &other.engine] {
            let heard = heard(engine, id).await.unwrap();
            assert!(heard <= passed, "{heard} heard in {passed}");
        }
    }
    assert_eq!(world.outcome(id).await, None);
    world.pass(minutes(5).minus(MICROSECOND)).await;
    look(&other.engine).await;
    assert_eq!(world.outcome(id).await, None);
    // Some of it may have been lost where both committed at once; no more than a few turns.
    for _ in 0..10 {
        world.pass(seconds(30)).await;
    }
    assert_eq!(world.basis(id).await, Some(Basis::Silence));
}

pub(crate) async fn a_listener_elsewhere_earns_nothing_before_the_delivery(
    world: &World,
    other: &Server,
) {
    let _listener = world.engine().listen();
    world.look().await;
    let id = world.ask("merge").await;
    // What was heard here is still to be credited when the delivery is recorded there.
    for _ in 0..20 {
        world.clock.pass(Period::from_millis(100));
    }
    other.engine.delivered(id, "mail").await.unwrap();
    look(&other.engine).await;
    assert!(!world.get(id).await.escalation.is_undelivered());
    world.look().await;
    world.pass(WINDOW.minus(MICROSECOND)).await;
    look(&other.engine).await;
    assert_eq!(world.outcome(id).await, None, "heard before it was delivered");
    world.pass(seconds(10)).await;
    assert_eq!(world.basis(id).await, Some(Basis::Silence));
}

pub(crate) async fn a_listener_on_one_lets_a_window_pass_that_the_other_began(
    world: &World,
    other: &Server,
) {
    let _listener = other.engine.listen();
    look(&other.engine).await;
    let id = world.ask_delivered("merge").await;
    look(&other.engine).await;
    for _ in 0..16 {
        world.clock.pass(minutes(1));
        look(&other.engine).await;
    }
    let waited = world.engine().wait(id, std::time::Duration::from_secs(30)).await.unwrap();
    assert_eq!(
        waited.escalation.settled().and_then(sayso_core::escalation::Settled::basis),
        Some(Basis::Silence)
    );
}

pub(crate) async fn the_silent_limit_holds_across_both(world: &World, other: &Server) {
    let _listeners = [world.engine().listen(), other.engine.listen()];
    tokio::join!(world.look(), look(&other.engine));
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(world.ask("few").await);
    }
    for id in &ids {
        world.engine().delivered(*id, "inbox").await.unwrap();
    }
    world.look().await;
    world.clock.pass(WINDOW.plus(seconds(10)));
    tokio::join!(world.look(), look(&other.engine));
    tokio::join!(world.look(), look(&other.engine));
    let (mut granted, mut hard) = (0, 0);
    for id in ids {
        eventually("its window ends", async || {
            let escalation = &world.get(id).await.escalation;
            escalation.settled().is_some() || escalation.hardened().is_some()
        })
        .await;
        match world.basis(id).await {
            Some(Basis::Silence) => granted += 1,
            _ => {
                let record = world.get(id).await;
                assert_eq!(record.escalation.hardened(), Some(&Hardened::SilentLimit));
                hard += 1;
            }
        }
    }
    assert_eq!((granted, hard), (3, 17));
}

pub(crate) async fn a_halt_on_one_stops_the_other(world: &World, other: &Server) {
    let (_, permit) = world.granted("deploy").await;
    let open = world.ask("deploy").await;
    let halt = world.engine().halt(&world.ana, Scope::Everything, "stop".into()).await.unwrap();
    let approved = says_on(&other.engine, &world.bo, open, Says::Approve).await;
    let refused =
        matches!(approved, Err(DecideError::Engine(EngineError::Refused(Refusal::Halted { .. }))));
    assert!(refused, "{approved:?}");
    assert!(other.engine.redeem(&permit, &world.bot).await.is_err());
    let proposed = other.engine.propose(&world.bot, call("merge")).await.unwrap();
    assert_eq!(proposed.escalation.settled().unwrap().outcome, Outcome::Halted);
    eventually("the other tells of it", async || other.engine.halts().len() == 1).await;
    other.engine.lift(&world.bo, halt.id).await.unwrap();
    carried_out(other).await;
    eventually("the one tells of that", async || world.engine().halts().is_empty()).await;
    world.approve(open).await;
}

pub(crate) async fn a_halt_whose_server_died_is_carried_out_by_the_other(
    world: &World,
    other: &Server,
) {
    let count = many(world, 600).await.len();
    let plan = Arc::new(Plan::default());
    let store = Faulty::over(&plan)(world.place.open().await);
    let dying = Server::start(store, &world.place, &world.clock).await;
    plan.after(1, Fault::BeforeCommit, usize::MAX);
    dying.engine.halt(&world.ana, Scope::Everything, "stop".into()).await.unwrap();
    drop(dying);
    within("the halt is carried out", carried_out(other)).await;
    assert_eq!(count_frozen(other).await, count);
}

pub(crate) async fn a_halt_called_during_a_sweep_elsewhere_is_carried_out(
    world: &World,
    other: &Server,
) {
    let count = many(world, 1_100).await.len();
    for _ in 0..5 {
        let nobody = Scope::Agent(world.mule.name().clone());
        let first = world.engine().halt(&world.ana, nobody, "stop".into()).await.unwrap();
        let second = other.engine.halt(&world.bo, Scope::Everything, "stop".into()).await.unwrap();
        carried_out(other).await;
        assert_eq!(count_frozen(other).await, count);
        other.engine.lift(&world.bo, first.id).await.unwrap();
        world.engine().lift(&world.bo, second.id).await.unwrap();
        carried_out(other).await;
        assert_eq!(count_frozen(other).await, 0);
    }
}

pub(crate) async fn of_veto_deadline_and_redeem_raced_across_both_one_history_holds(
    world: &World,
    other: &Server,
) {
    let _listeners = [world.engine().listen(), other.engine.listen()];
    let (one, other) = (world.engine(), &other.engine);
    veto::race(world, [one, other, other], 12).await;
    veto::race(world, [other, one, other], 12).await;
}
