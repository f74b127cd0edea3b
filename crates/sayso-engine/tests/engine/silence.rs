//! Silence counts only if somebody could have heard.

use jiff::SignedDuration;
use sayso_core::decision::{Says, Seen};
use sayso_core::escalation::{Hardened, Outcome, TAKE_LASTS};
use sayso_core::grant::Basis;
use sayso_core::{EscalationId, Event, Period, Tier};
use serde_json::json;

use crate::clock::{MICROSECOND, days, minutes, seconds};
use crate::world::{UNHEARD_AFTER, WINDOW, World, call_with, count, object};

/// It is granted by silence when that much more has passed, and not before.
async fn granted_in(world: &World, id: EscalationId, period: Period) {
    world.pass(period.minus(MICROSECOND)).await;
    assert_eq!(world.outcome(id).await, None, "{:?}", world.story(id).await);
    world.pass(MICROSECOND).await;
    assert_eq!(world.outcome(id).await, Some(Outcome::Granted), "{:?}", world.story(id).await);
    assert_eq!(world.basis(id).await, Some(Basis::Silence));
}

async fn hardened(world: &World, id: EscalationId) -> Option<Hardened> {
    world.get(id).await.escalation.hardened().cloned()
}

pub(crate) async fn without_a_listener_there_is_no_deadline_and_no_grant(world: &mut World) {
    let id = world.ask_delivered("merge").await;
    assert_eq!(world.deadline(id).await, None);
    world.pass(WINDOW).await;
    world.pass(UNHEARD_AFTER.minus(WINDOW).minus(MICROSECOND)).await;
    assert_eq!(world.deadline(id).await, None);
    assert_eq!(world.heard(id).await, Some(Period::ZERO));
    assert_eq!(world.outcome(id).await, None);

    for _ in 0..6 {
        world.clock.step(SignedDuration::from_hours(24));
        world.look().await;
        assert_eq!(world.outcome(id).await, None);
        assert_eq!(world.get(id).await.escalation.tier(), Tier::Hard);
    }
    world.clock.step(SignedDuration::from_hours(365 * 24));
    world.look().await;
    assert_eq!(world.outcome(id).await, Some(Outcome::Expired));
}

pub(crate) async fn a_wall_clock_that_steps_forward_earns_nothing(world: &mut World) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    for hours in [1, 20, 100] {
        world.clock.step(SignedDuration::from_hours(hours));
        world.look().await;
        assert_eq!(world.heard(id).await, Some(Period::ZERO));
        assert_eq!(world.outcome(id).await, None);
    }
    granted_in(world, id, WINDOW).await;
}

pub(crate) async fn a_wall_clock_that_steps_back_grants_nothing_early_and_loses_nothing(
    world: &mut World,
) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(minutes(5)).await;
    world.clock.step(-SignedDuration::from_hours(3));
    world.look().await;
    assert_eq!(world.heard(id).await, Some(minutes(5)));
    granted_in(world, id, minutes(10)).await;
}

pub(crate) async fn silence_stands_still_while_nobody_listens_and_goes_on_when_somebody_does(
    world: &mut World,
) {
    let listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.clock.pass(minutes(5));
    drop(listener);
    world.look().await;
    for _ in 0..4 {
        world.pass(minutes(5)).await;
        assert_eq!(world.heard(id).await, Some(minutes(5)));
        assert_eq!(world.deadline(id).await, None);
    }
    let _listener = world.engine().listen();
    world.look().await;
    assert_eq!(world.deadline(id).await, Some(minutes(10).after(world.engine().now())));
    granted_in(world, id, minutes(10)).await;
}

pub(crate) async fn two_listeners_hear_no_more_than_one(world: &mut World) {
    let first = world.engine().listen();
    let second = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(minutes(4)).await;
    drop(first);
    world.pass(minutes(4)).await;
    assert_eq!(world.heard(id).await, Some(minutes(8)));
    let third = world.engine().listen();
    drop(second);
    granted_in(world, id, minutes(7)).await;
    drop(third);
}

pub(crate) async fn a_restart_keeps_what_was_heard_and_credits_no_downtime(world: &mut World) {
    let listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(minutes(5)).await;
    drop(listener);
    world.look().await;

    world.stop().await;
    world.clock.pass(minutes(25));
    world.restart().await;
    assert_eq!(world.heard(id).await, Some(minutes(5)));
    assert_eq!(world.deadline(id).await, None);
    let _listener = world.engine().listen();
    world.look().await;
    assert_eq!(world.heard(id).await, Some(minutes(5)));
    granted_in(world, id, minutes(10)).await;
}

pub(crate) async fn a_restart_with_a_wall_clock_set_back_goes_on_with_what_was_told(
    world: &mut World,
) {
    let listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(minutes(5)).await;
    let told = world.engine().now();
    drop(listener);
    world.look().await;

    world.stop().await;
    world.clock.step(-SignedDuration::from_hours(48));
    world.restart().await;
    assert_eq!(world.engine().now(), told);
    let _listener = world.engine().listen();
    world.look().await;
    granted_in(world, id, minutes(10)).await;
}

pub(crate) async fn a_downtime_is_not_held_against_people(world: &mut World) {
    let id = world.ask_delivered("merge").await;
    world.stop().await;
    world.clock.pass(days(3));
    world.restart().await;
    world.pass(UNHEARD_AFTER.minus(MICROSECOND)).await;
    assert_eq!(world.get(id).await.escalation.tier(), Tier::Soft);
    world.pass(MICROSECOND).await;
    assert_eq!(hardened(world, id).await, Some(Hardened::Unheard));
}

pub(crate) async fn while_the_way_to_veto_is_broken_silence_means_nothing(world: &mut World) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(minutes(5)).await;
    world.engine().veto_works(false);
    world.pass(minutes(25)).await;
    assert_eq!(world.heard(id).await, Some(minutes(5)));
    assert_eq!(world.deadline(id).await, None);
    world.engine().veto_works(true);
    world.look().await;
    granted_in(world, id, minutes(10)).await;
}

pub(crate) async fn what_nobody_hears_becomes_hard(world: &mut World) {
    // One that was delivered, and one that was not.
    let ids = [world.ask_delivered("merge").await, world.ask("merge").await];
    world.pass(UNHEARD_AFTER.minus(MICROSECOND)).await;
    for id in ids {
        assert_eq!(world.get(id).await.escalation.tier(), Tier::Soft);
    }
    world.pass(MICROSECOND).await;
    let _listener = world.engine().listen();
    for id in ids {
        assert_eq!(hardened(world, id).await, Some(Hardened::Unheard));
        world.deliver(id).await;
    }
    world.pass(WINDOW).await;
    world.pass(days(1)).await;
    for id in ids {
        assert_eq!(world.outcome(id).await, None);
    }
}

pub(crate) async fn somebody_who_leaves_leaves_time_until_it_becomes_hard(world: &mut World) {
    let listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(minutes(14)).await;
    drop(listener);
    world.look().await;
    world.pass(UNHEARD_AFTER.minus(MICROSECOND)).await;
    assert_eq!(world.get(id).await.escalation.tier(), Tier::Soft);
    world.pass(MICROSECOND).await;
    assert_eq!(hardened(world, id).await, Some(Hardened::Unheard));
}

pub(crate) async fn a_take_pauses_the_silence_until_it_lapses(world: &mut World) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(minutes(5)).await;
    world.says(&world.ana, id, Says::Take).await.unwrap();
    assert_eq!(world.deadline(id).await, None);

    world.pass(TAKE_LASTS.minus(MICROSECOND)).await;
    assert_eq!(world.heard(id).await, Some(minutes(5)));
    assert!(world.get(id).await.escalation.taken().is_some());

    world.pass(MICROSECOND).await;
    assert!(world.get(id).await.escalation.taken().is_none());
    assert_eq!(world.heard(id).await, Some(minutes(5)));
    granted_in(world, id, minutes(10)).await;
    assert_eq!(world.story(id).await, ["proposed", "delivered", "taken", "lapsed", "granted"]);
}

pub(crate) async fn a_hold_makes_it_hard_for_good(world: &mut World) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.says(&world.ana, id, Says::Hold).await.unwrap();
    world.pass(WINDOW).await;
    world.pass(days(2)).await;
    assert_eq!(world.outcome(id).await, None);
    assert_eq!(hardened(world, id).await, Some(Hardened::Held { by: world.ana.name().clone() }));
    world.approve(id).await;
    assert_eq!(world.basis(id).await, Some(Basis::Decision));
}

pub(crate) async fn above_the_silent_limit_soft_becomes_hard(world: &mut World) {
    let _listener = world.engine().listen();
    for nth in 0..5 {
        let id = world.ask_delivered("few").await;
        world.pass(WINDOW).await;
        // The first grant is an hour ago by the time of the fifth.
        let limited = nth == 3;
        let basis = (!limited).then_some(Basis::Silence);
        let because = limited.then_some(Hardened::SilentLimit);
        assert_eq!((world.basis(id).await, hardened(world, id).await), (basis, because));
    }
    let other = world.engine().propose(&world.mule, crate::world::call("few")).await.unwrap();
    world.deliver(other.escalation.id()).await;
    world.pass(WINDOW).await;
    assert_eq!(world.basis(other.escalation.id()).await, Some(Basis::Silence));
}

pub(crate) async fn windows_that_end_at_once_get_no_more_silent_grants_than_the_limit(
    world: &mut World,
) {
    let _listener = world.engine().listen();
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(world.ask("few").await);
    }
    for id in &ids {
        world.engine().delivered(*id, "inbox").await.unwrap();
    }
    world.look().await;
    world.pass(WINDOW).await;
    let (mut granted, mut hard) = (0, 0);
    for id in ids {
        match world.basis(id).await {
            Some(Basis::Silence) => granted += 1,
            _ => {
                assert_eq!(hardened(world, id).await, Some(Hardened::SilentLimit));
                hard += 1;
            }
        }
    }
    assert_eq!((granted, hard), (3, 17));
}

pub(crate) async fn limits_over_different_stretches_are_counted_apart(world: &mut World) {
    let _listener = world.engine().listen();
    let mut past = Vec::new();
    for _ in 0..3 {
        past.push(world.ask_delivered("few").await);
    }
    world.pass(WINDOW).await;
    for id in past {
        assert_eq!(world.basis(id).await, Some(Basis::Silence));
    }

    // Three a day are used up, three an hour are not; both count under the rule "few".
    world.pass(minutes(120)).await;
    let hourly = world.ask_delivered("few").await;
    world.pass(MICROSECOND).await;
    let daily = world.ask_delivered("few_a_day").await;
    assert_eq!(world.get(daily).await.escalation.rule(), world.get(hourly).await.escalation.rule());
    world.pass(WINDOW).await;
    assert_eq!(world.basis(hourly).await, Some(Basis::Silence));
    assert_eq!(hardened(world, daily).await, Some(Hardened::SilentLimit));
}

pub(crate) async fn it_is_delivered_once(world: &mut World) {
    let _listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(minutes(5)).await;
    for _ in 0..10 {
        world.engine().delivered(id, "stream").await.unwrap();
    }
    world.look().await;
    let record = world.get(id).await;
    assert_eq!(count(&record, |event| matches!(event, Event::Delivered { .. })), 1);
    granted_in(world, id, minutes(10)).await;
}

pub(crate) async fn what_was_edited_has_to_be_heard_anew(world: &mut World) {
    world.rewrite_policy("[[rule]]\ntool = \"merge\"\ntier = \"soft\"\nquorum = 2").await;
    let _listener = world.engine().listen();
    let new = call_with("merge", &json!({"branch": "main"}));
    let id = world.propose(new).await.unwrap().escalation.id();
    world.deliver(id).await;
    world.pass(minutes(14)).await;
    let digest = world.get(id).await.escalation.digest();
    let arguments = object(&json!({"branch": "next"}));
    let edited =
        world.engine().approve_edited(id, &world.ana, arguments, Seen::digest(digest), None);
    edited.await.unwrap();
    world.pass(seconds(61)).await;
    assert_eq!(world.outcome(id).await, None);
    assert_eq!(world.heard(id).await, Some(Period::ZERO));
    world.deliver(id).await;
    granted_in(world, id, WINDOW).await;
}
