//! One logical call is one escalation.

use std::collections::HashSet;
use std::sync::Arc;

use sayso_core::credential::Agent;
use sayso_core::escalation::RefusedProposal;
use sayso_core::{Digest, Period};
use sayso_engine::{Engine, EngineError, NewEscalation};

use crate::faulty::{Faulty, Plan};
use crate::world::{World, call, eventually};

/// A call that came with that idempotency key, in a request with that body.
fn keyed(tool: &str, key: &str, body: &str) -> NewEscalation {
    NewEscalation { key: Some((key.into(), Digest::of(body.as_bytes()))), ..call(tool) }
}

pub(crate) async fn the_same_key_and_body_give_the_same_escalation(world: &mut World) {
    let first = world.propose(keyed("deploy", "k", "body")).await.unwrap();
    let second = world.propose(keyed("deploy", "k", "body")).await.unwrap();
    assert_eq!(first.escalation.id(), second.escalation.id());
    world.approve(first.escalation.id()).await;
    world.restart().await;
    let third = world.propose(keyed("deploy", "k", "body")).await.unwrap();
    assert_eq!(first.escalation.id(), third.escalation.id());
    assert!(third.escalation.settled().is_some(), "it is shown as it is now");
    assert_eq!(world.story(first.escalation.id()).await, ["proposed", "approved", "granted"]);
}

pub(crate) async fn the_same_key_with_another_body_is_refused(world: &mut World) {
    world.propose(keyed("deploy", "k", "body")).await.unwrap();
    let size = world.engine().ledger_size().await.unwrap();
    let refused = world.propose(keyed("deploy", "k", "another")).await;
    assert!(matches!(refused, Err(EngineError::KeyReused)), "{refused:?}");
    assert_eq!(world.engine().ledger_size().await.unwrap(), size);
}

/// So many at once, with one key, each on the next of these engines; how many came of them.
pub(crate) async fn at_once(engines: &[&Engine], bot: &Agent, many: usize) -> usize {
    let proposals: Vec<_> = engines
        .iter()
        .cycle()
        .take(many)
        .map(|engine| {
            let (engine, bot) = ((*engine).clone(), bot.clone());
            tokio::spawn(async move { engine.propose(&bot, keyed("merge", "k", "body")).await })
        })
        .collect();
    let mut ids = HashSet::new();
    for proposal in proposals {
        ids.insert(proposal.await.unwrap().unwrap().escalation.id());
    }
    ids.len()
}

pub(crate) async fn of_twenty_at_once_with_one_key_one_is_made(world: &mut World) {
    assert_eq!(at_once(&[world.engine()], &world.bot, 20).await, 1);
}

pub(crate) async fn of_twenty_in_one_batch_with_one_key_one_is_made(world: &mut World) {
    let plan = Arc::new(Plan::default());
    world.start_on(Faulty::over(&plan)).await;
    plan.shut();
    let (engine, bot) = (world.engine().clone(), world.bot.clone());
    let first = tokio::spawn(async move { engine.propose(&bot, call("note_first")).await });
    eventually("the writer is busy", async || plan.is_waiting()).await;
    let (engine, bot) = (world.engine().clone(), world.bot.clone());
    let rest = tokio::spawn(async move { at_once(&[&engine], &bot, 20).await });
    // However many have come by then: what comes together is done together.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    plan.open();
    first.await.unwrap().unwrap();
    assert_eq!(rest.await.unwrap(), 1);
}

pub(crate) async fn a_refused_proposal_uses_up_no_key(world: &mut World) {
    let bad = NewEscalation { window: Some(Period::ZERO), ..keyed("merge", "k", "bad") };
    let refused = world.propose(bad).await;
    let told = matches!(refused, Err(EngineError::Proposal(RefusedProposal::Window)));
    assert!(told, "{refused:?}");
    world.propose(keyed("merge", "k", "good")).await.unwrap();
}

pub(crate) async fn another_agents_key_is_another_key(world: &mut World) {
    let bots = world.propose(keyed("deploy", "k", "body")).await.unwrap();
    let mules = world.engine().propose(&world.mule, keyed("deploy", "k", "other")).await.unwrap();
    assert_ne!(bots.escalation.id(), mules.escalation.id());
}
