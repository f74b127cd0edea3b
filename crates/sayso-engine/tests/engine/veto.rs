//! A veto always wins.

use std::sync::Arc;

use sayso_core::credential::{Agent, Person};
use sayso_core::decision::{Says, Seen};
use sayso_core::escalation::{Outcome, PermitState};
use sayso_core::{EscalationId, Event, Refusal};
use sayso_engine::{DecideError, Engine, EngineError, Record};

use crate::clock::minutes;
use crate::world::{WINDOW, World, count, look, within};

pub(crate) async fn a_veto_before_the_deadline_ends_it(world: &mut World) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(minutes(14)).await;
    let record = world.veto(id).await.unwrap();
    let settled = record.escalation.settled().unwrap();
    assert_eq!(settled.outcome, Outcome::Vetoed);
    assert_eq!(settled.by.as_ref(), Some(world.ana.name()));
    world.pass(WINDOW).await;
    assert_eq!(world.outcome(id).await, Some(Outcome::Vetoed));
}

pub(crate) async fn a_veto_at_the_deadline_wins(world: &mut World) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.clock.pass(WINDOW);
    world.veto(id).await.unwrap();
    world.look().await;
    assert_eq!(world.outcome(id).await, Some(Outcome::Vetoed));
}

pub(crate) async fn a_veto_after_the_grant_kills_the_permit(world: &mut World) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(WINDOW).await;
    let permit = world.permit(id).await;
    world.veto(id).await.unwrap();
    let record = world.get(id).await;
    let settled = record.escalation.settled().unwrap();
    assert_eq!((settled.outcome, settled.permit()), (Outcome::Vetoed, Some(&PermitState::Revoked)));
    assert_eq!(world.engine().permit(&record.escalation), None);
    let redeemed = world.engine().redeem(&permit, &world.bot).await;
    let refused =
        matches!(redeemed, Err(EngineError::Refused(Refusal::NotGranted { state: "vetoed" })));
    assert!(refused, "{redeemed:?}");

    // What people granted can be taken back in the same way.
    let (id, permit) = world.granted("deploy").await;
    world.says(&world.bo, id, Says::Deny).await.unwrap();
    assert_eq!(world.outcome(id).await, Some(Outcome::Denied));
    assert!(world.engine().redeem(&permit, &world.bot).await.is_err());
}

pub(crate) async fn a_veto_after_the_redeem_is_refused(world: &mut World) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(WINDOW).await;
    world.engine().redeem(&world.permit(id).await, &world.bot).await.unwrap();
    let vetoed = world.veto(id).await;
    let refused = matches!(
        vetoed,
        Err(DecideError::Engine(EngineError::Refused(Refusal::AlreadySettled { .. })))
    );
    assert!(refused, "{vetoed:?}");
    assert_eq!(world.outcome(id).await, Some(Outcome::Granted));
}

pub(crate) async fn a_veto_needs_to_have_seen_nothing(world: &mut World) {
    let id = world.ask("merge").await;
    let seen = Seen::default();
    world.engine().decide(id, &world.ana, Says::Deny, seen, Some("no".into())).await.unwrap();
    let record = world.get(id).await;
    assert_eq!(record.escalation.settled().unwrap().outcome, Outcome::Vetoed);
    let remark = Record::remark(record.history.last().unwrap()).unwrap();
    assert_eq!(remark.comment.as_deref(), Some("no"));
}

/// Redeems as soon as it is granted, if it is.
async fn redeem_when_granted(engine: Engine, id: EscalationId, bot: Agent) -> bool {
    let waited = engine.wait(id, std::time::Duration::from_secs(30)).await.unwrap();
    match engine.permit(&waited.escalation) {
        Some(permit) => engine.redeem(&permit, &bot).await.is_ok(),
        None => false,
    }
}

async fn veto_sooner_or_later(engine: Engine, id: EscalationId, ana: Person, turns: u64) -> bool {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    engine.decide(id, &ana, Says::Veto, Seen::default(), None).await.is_ok()
}

/// A veto, a deadline and a redeem at once, on any of these servers; how the vetoes fared.
pub(crate) async fn race(world: &World, engines: [&Engine; 3], rounds: u64) -> (u64, u64) {
    let (mut vetoed, mut started) = (0, 0);
    for round in 0..rounds {
        let ids = [(); 8];
        let mut open = Vec::new();
        for () in ids {
            open.push(world.ask("merge").await);
        }
        for id in &open {
            world.engine().delivered(*id, "inbox").await.unwrap();
        }
        world.look().await;
        world.clock.pass(WINDOW);
        let [at_veto, at_deadline, at_redeem] = engines;
        let deadline = {
            let engine = at_deadline.clone();
            tokio::spawn(async move { look(&engine).await })
        };
        let races = open.into_iter().zip(0..).map(|(id, nth)| {
            let (veto, redeem) = (at_veto.clone(), at_redeem.clone());
            let (ana, bot) = (world.ana.clone(), world.bot.clone());
            let turns = (round * 7 + nth * 31) % 400;
            tokio::spawn(async move {
                let (veto, redeem) = tokio::join!(
                    tokio::spawn(veto_sooner_or_later(veto, id, ana, turns)),
                    tokio::spawn(redeem_when_granted(redeem, id, bot)),
                );
                (id, veto.unwrap(), redeem.unwrap())
            })
        });
        let races: Vec<_> = races.collect();
        within("a round ends", deadline).await.unwrap();
        for race in races {
            let (id, veto, redeem) = within("a race ends", race).await.unwrap();
            let record = world.get(id).await;
            one_history(&record, veto, redeem);
            (vetoed, started) = (vetoed + u64::from(veto), started + u64::from(redeem));
        }
    }
    (vetoed, started)
}

fn one_history(record: &Arc<Record>, veto: bool, redeem: bool) {
    let settled = record.escalation.settled().unwrap();
    let words: Vec<_> = record.history.iter().map(|past| past.event.word()).collect();
    assert!(veto != redeem, "vetoed: {veto}, redeemed: {redeem}, {words:?}");
    match veto {
        true => {
            assert_eq!(settled.outcome, Outcome::Vetoed, "{words:?}");
            assert!(!matches!(settled.permit(), Some(PermitState::Started { .. })), "{words:?}");
            assert_eq!(words.last(), Some(&"vetoed"));
        }
        false => {
            assert_eq!(settled.outcome, Outcome::Granted, "{words:?}");
            assert_eq!(words.last(), Some(&"started"));
        }
    }
    assert!(count(record, |event| matches!(event, Event::Granted { .. })) <= 1, "{words:?}");
}

pub(crate) async fn of_veto_deadline_and_redeem_raced_one_history_holds(world: &mut World) {
    let _listener = world.engine().listen();
    let engine = world.engine();
    race(world, [engine, engine, engine], 40).await;
}
