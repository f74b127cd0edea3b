//! Tiers: what waits for whom.

use sayso_core::decision::{Says, Seen};
use sayso_core::escalation::Outcome;
use sayso_core::grant::Basis;
use sayso_core::{Refusal, Tier};
use sayso_engine::{DecideError, EngineError, NewEscalation};

use crate::clock::{MICROSECOND, days, minutes, seconds};
use crate::world::{WINDOW, World, call};

pub(crate) async fn an_fyi_is_noted_at_once(world: &mut World) {
    let record = world.propose(call("note_release")).await.unwrap();
    let settled = record.escalation.settled().unwrap();
    assert_eq!((settled.outcome, settled.tier), (Outcome::Noted, Tier::Fyi));
    assert_eq!(settled.permit(), None);
    assert_eq!(world.story(record.escalation.id()).await, ["proposed", "noted"]);
}

pub(crate) async fn a_soft_one_is_granted_after_its_heard_window_and_not_a_microsecond_before(
    world: &mut World,
) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    assert_eq!(world.deadline(id).await, Some(WINDOW.after(world.engine().now())));

    world.pass(WINDOW.minus(MICROSECOND)).await;
    assert_eq!(world.outcome(id).await, None);
    assert_eq!(world.heard(id).await, Some(WINDOW.minus(MICROSECOND)));

    world.pass(MICROSECOND).await;
    assert_eq!(world.outcome(id).await, Some(Outcome::Granted));
    assert_eq!(world.basis(id).await, Some(Basis::Silence));
}

pub(crate) async fn time_never_grants_a_hard_one(world: &mut World) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("deploy").await;
    for _ in 0..6 {
        world.pass(days(1)).await;
        assert_eq!(world.outcome(id).await, None);
    }
    for _ in 0..10 {
        world.pass(days(365)).await;
    }
    assert_eq!(world.outcome(id).await, Some(Outcome::Expired));
    assert_eq!(world.story(id).await, ["proposed", "expired"]);
}

pub(crate) async fn the_model_raises_its_tier_and_window(world: &mut World) {
    let _listener = world.engine().listen();
    for (tool, asked) in
        [("note_release", Tier::Soft), ("note_release", Tier::Hard), ("merge", Tier::Hard)]
    {
        let new = NewEscalation { tier: Some(asked), ..call(tool) };
        let record = world.propose(new).await.unwrap();
        assert_eq!(record.escalation.tier(), asked, "{tool}");
        assert!(record.escalation.is_pending());
    }

    let new = NewEscalation { window: Some(minutes(40)), ..call("merge") };
    let id = world.propose(new).await.unwrap().escalation.id();
    world.deliver(id).await;
    world.pass(minutes(40).minus(MICROSECOND)).await;
    assert_eq!(world.outcome(id).await, None);
    world.pass(MICROSECOND).await;
    assert_eq!(world.outcome(id).await, Some(Outcome::Granted));
}

pub(crate) async fn the_model_never_lowers_its_tier_or_window(world: &mut World) {
    for (tool, asked, is) in [
        ("deploy", Tier::Fyi, Tier::Hard),
        ("deploy", Tier::Soft, Tier::Hard),
        ("merge", Tier::Fyi, Tier::Soft),
        ("unheard_of", Tier::Fyi, Tier::Hard),
    ] {
        let new = NewEscalation { tier: Some(asked), ..call(tool) };
        let record = world.propose(new).await.unwrap();
        assert_eq!(record.escalation.tier(), is, "{tool}");
        assert!(record.escalation.is_pending());
    }
    let new = NewEscalation { window: Some(seconds(1)), ..call("merge") };
    let record = world.propose(new).await.unwrap();
    assert_eq!(record.escalation.verdict().window, WINDOW);
}

pub(crate) async fn what_no_rule_names_is_hard(world: &mut World) {
    let record = world.propose(call("unheard_of")).await.unwrap();
    assert_eq!(record.escalation.tier(), Tier::Hard);
    assert_eq!(record.escalation.rule(), None);
}

pub(crate) async fn people_grant_a_soft_one_before_its_window_has_passed(world: &mut World) {
    let id = world.ask("merge").await;
    world.approve(id).await;
    assert_eq!(world.outcome(id).await, Some(Outcome::Granted));
    assert_eq!(world.basis(id).await, Some(Basis::Decision));
}

pub(crate) async fn a_quorum_takes_that_many_people(world: &mut World) {
    let id = world.ask("pay_invoice").await;
    world.approve(id).await;
    assert_eq!(world.outcome(id).await, None);

    let again = world.says(&world.ana, id, Says::Approve).await;
    let refused = DecideError::Engine(EngineError::Refused(Refusal::AlreadyApproved {
        by: world.ana.name().clone(),
    }));
    assert_eq!(again.unwrap_err().to_string(), refused.to_string());

    let blind = world.engine().decide(id, &world.bo, Says::Approve, Seen::default(), None).await;
    assert_eq!(blind.unwrap_err().to_string(), Refusal::DigestMissing.to_string());

    world.says(&world.bo, id, Says::Approve).await.unwrap();
    let record = world.get(id).await;
    let by = record.escalation.settled().unwrap().granted.as_ref().unwrap().grant.by().to_vec();
    assert_eq!(by, [world.ana.name().clone(), world.bo.name().clone()]);
}
