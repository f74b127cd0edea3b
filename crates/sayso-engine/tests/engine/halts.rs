//! Halts: a person's kill switch.

use std::sync::Arc;

use sayso_core::credential::Role;
use sayso_core::decision::Says;
use sayso_core::escalation::{Outcome, PermitState};
use sayso_core::halt::{Halt, Scope};
use sayso_core::{Escalation, EscalationId, Refusal, RuleName, ToolName};
use sayso_engine::{DecideError, EngineError};
use sayso_store::Query;

use crate::clock::{MICROSECOND, minutes};
use crate::faulty::{Fault, Faulty, Plan};
use crate::world::{Server, WINDOW, World, call, eventually, person};

async fn halt(world: &World, scope: Scope) -> Halt {
    world.engine().halt(&world.ana, scope, "stop".into()).await.unwrap()
}

async fn lift(world: &World, halt: &Halt) {
    world.engine().lift(&world.bo, halt.id).await.unwrap();
    carried_out(world.server()).await;
}

/// Waits until the halts that were called or lifted have reached all that is open.
pub(crate) async fn carried_out(server: &Server) {
    eventually("the halts are carried out", async || {
        let halts = server.store.halts().await.unwrap();
        for escalation in open(server).await {
            let (agent, tool, rule) =
                (escalation.agent(), escalation.subject().tool(), escalation.rule());
            let covered = halts.iter().any(|halt| halt.covers(agent, tool, rule));
            let shown = server.engine.get(escalation.id()).await.unwrap();
            for frozen in [escalation.frozen(), shown.escalation.frozen()] {
                let stale = frozen.is_some_and(|by| halts.iter().all(|halt| halt.id != by));
                if covered != frozen.is_some() || stale {
                    return false;
                }
            }
        }
        true
    })
    .await;
}

async fn open(server: &Server) -> Vec<Escalation> {
    let mut query = Query { pending: Some(true), limit: 500, ..Query::default() };
    let mut found = Vec::new();
    loop {
        let page = server.store.list(&query).await.unwrap();
        found.extend(page.items.into_iter().map(|kept| kept.escalation));
        match page.next {
            Some(_) => query.before = page.next,
            None => return found,
        }
    }
}

fn scopes(world: &World) -> [Scope; 4] {
    [
        Scope::Everything,
        Scope::Agent(world.bot.name().clone()),
        Scope::Tool(ToolName::new("merge").unwrap()),
        Scope::Rule(RuleName::new("merges").unwrap()),
    ]
}

async fn frozen(world: &World, id: EscalationId) -> bool {
    world.get(id).await.escalation.frozen().is_some()
}

pub(crate) async fn what_is_proposed_under_a_halt_is_halted(world: &mut World) {
    for scope in scopes(world) {
        let everything = scope == Scope::Everything;
        let halt = halt(world, scope.clone()).await;
        let id = world.ask("merge").await;
        assert_eq!(world.outcome(id).await, Some(Outcome::Halted), "{scope}");
        assert_eq!(world.story(id).await, ["proposed", "halted"]);
        let other = world.engine().propose(&world.mule, call("deploy")).await.unwrap();
        assert_eq!(other.escalation.is_pending(), !everything, "{scope}");
        lift(world, &halt).await;
        assert_eq!(world.outcome(world.ask("merge").await).await, None, "{scope}");
    }
}

pub(crate) async fn a_halt_freezes_what_is_open_with_the_time_it_had_left(world: &mut World) {
    let _listener = world.engine().listen();
    for scope in scopes(world) {
        let id = world.ask_delivered("merge").await;
        world.pass(minutes(5)).await;
        let halt = halt(world, scope.clone()).await;
        carried_out(world.server()).await;
        assert!(frozen(world, id).await, "{scope}");
        assert_eq!(world.deadline(id).await, None, "{scope}");
        world.pass(WINDOW).await;
        world.pass(minutes(60)).await;
        assert_eq!(world.heard(id).await, Some(minutes(5)), "{scope}");
        assert_eq!(world.outcome(id).await, None, "{scope}");

        lift(world, &halt).await;
        assert!(!frozen(world, id).await, "{scope}");
        assert_eq!(world.heard(id).await, Some(minutes(5)), "{scope}");
        world.pass(minutes(10).minus(MICROSECOND)).await;
        assert_eq!(world.outcome(id).await, None, "{scope}");
        world.pass(MICROSECOND).await;
        assert_eq!(world.outcome(id).await, Some(Outcome::Granted), "{scope}");
    }
}

pub(crate) async fn a_halt_kills_unused_permits_for_good(world: &mut World) {
    for scope in scopes(world) {
        let (unused, permit) = world.granted("merge").await;
        let (used, before) = world.granted("merge").await;
        world.engine().redeem(&before, &world.bot).await.unwrap();
        let halt = halt(world, scope.clone()).await;
        let stopped = world.engine().redeem(&permit, &world.bot).await;
        assert!(matches!(stopped, Err(EngineError::Refused(_))), "{scope}: {stopped:?}");
        lift(world, &halt).await;
        let dead = world.engine().redeem(&permit, &world.bot).await;
        let refused =
            matches!(dead, Err(EngineError::Refused(Refusal::NotGranted { state: "halted" })));
        assert!(refused, "{scope}: {dead:?}");
        let record = world.get(unused).await;
        let settled = record.escalation.settled().unwrap();
        assert_eq!(settled.permit(), Some(&PermitState::Revoked), "{scope}");
        assert_eq!(world.outcome(used).await, Some(Outcome::Granted), "{scope}");
    }
}

/// More than are swept at once.
pub(crate) async fn no_permit_outlives_a_halt_that_is_lifted_at_once(world: &mut World) {
    let mut permits = Vec::new();
    for _ in 0..300 {
        permits.push(world.granted("merge").await);
    }
    let halt = halt(world, Scope::Everything).await;
    world.engine().lift(&world.bo, halt.id).await.unwrap();
    for (id, permit) in permits {
        let dead = world.engine().redeem(&permit, &world.bot).await;
        let refused =
            matches!(dead, Err(EngineError::Refused(Refusal::NotGranted { state: "halted" })));
        assert!(refused, "{id}: {dead:?}");
    }
}

pub(crate) async fn under_a_halt_nothing_is_approved_and_anything_refused(world: &mut World) {
    let ids = [world.ask("merge").await, world.ask("deploy").await, world.ask("deploy").await];
    let halt = halt(world, Scope::Everything).await;
    for id in ids {
        let approved = world.says(&world.ana, id, Says::Approve).await;
        let refused = matches!(
            approved,
            Err(DecideError::Engine(EngineError::Refused(Refusal::Halted { .. })))
        );
        assert!(refused, "{approved:?}");
    }
    world.veto(ids[0]).await.unwrap();
    world.says(&world.ana, ids[1], Says::Deny).await.unwrap();
    assert_eq!(world.outcome(ids[0]).await, Some(Outcome::Vetoed));
    assert_eq!(world.outcome(ids[1]).await, Some(Outcome::Denied));
    lift(world, &halt).await;
    world.approve(ids[2]).await;
}

pub(crate) async fn the_same_is_covered_by_two_halts_until_both_are_lifted(world: &mut World) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(minutes(5)).await;
    let first = halt(world, Scope::Everything).await;
    let second = halt(world, Scope::Agent(world.bot.name().clone())).await;
    carried_out(world.server()).await;
    lift(world, &first).await;
    assert!(frozen(world, id).await);
    world.pass(WINDOW).await;
    assert_eq!(world.heard(id).await, Some(minutes(5)));
    lift(world, &second).await;
    assert!(!frozen(world, id).await);
    assert_eq!(world.heard(id).await, Some(minutes(5)));
}

/// That many open ones.
pub(crate) async fn many(world: &World, count: usize) -> Vec<EscalationId> {
    let asks = (0..count).map(|_| {
        let (engine, bot) = (world.engine().clone(), world.bot.clone());
        tokio::spawn(async move { engine.propose(&bot, call("merge")).await.unwrap() })
    });
    let mut ids = Vec::with_capacity(count);
    for ask in asks.collect::<Vec<_>>() {
        ids.push(ask.await.unwrap().escalation.id());
    }
    ids
}

/// How many of what is open is frozen.
pub(crate) async fn count_frozen(server: &Server) -> usize {
    open(server).await.iter().filter(|escalation| escalation.frozen().is_some()).count()
}

pub(crate) async fn a_halts_sweep_goes_on_after_a_restart_in_its_middle(world: &mut World) {
    let plan = Arc::new(Plan::default());
    world.start_on(Faulty::over(&plan)).await;
    let count = many(world, 1_100).await.len();
    // The halt itself and the first part of its sweep are kept; then the store is away.
    plan.after(2, Fault::BeforeCommit, usize::MAX);
    halt(world, Scope::Everything).await;
    eventually("the sweep has begun", async || count_frozen(world.server()).await > 0).await;
    assert!(count_frozen(world.server()).await < count);

    world.restart().await;
    carried_out(world.server()).await;
    assert_eq!(count_frozen(world.server()).await, count);
    let halts = world.engine().halts();
    world.engine().lift(&world.ana, halts[0].id).await.unwrap();
    carried_out(world.server()).await;
    assert_eq!(count_frozen(world.server()).await, 0);
}

pub(crate) async fn a_halt_is_lifted_once_and_by_reviewers_only(world: &mut World) {
    let auditor = person(world.engine(), "al", &[Role::Auditor]).await;
    let refused = world.engine().halt(&auditor, Scope::Everything, "stop".into()).await;
    assert!(matches!(refused, Err(DecideError::NotAReviewer(_))), "{refused:?}");
    let halt = halt(world, Scope::Everything).await;
    let refused = world.engine().lift(&auditor, halt.id).await;
    assert!(matches!(refused, Err(DecideError::NotAReviewer(_))), "{refused:?}");
    assert_eq!(world.engine().halts().len(), 1);
    lift(world, &halt).await;
    let again = world.engine().lift(&world.ana, halt.id).await;
    let refused = matches!(again, Err(DecideError::Engine(EngineError::NoSuchHalt(_))));
    assert!(refused, "{again:?}");
    assert_eq!(world.engine().halts().len(), 0);
}
