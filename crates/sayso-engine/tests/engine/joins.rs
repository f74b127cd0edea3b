//! The same call, asked again, joins the escalation that it began.

use std::collections::HashSet;

use sayso_core::credential::Agent;
use sayso_core::decision::{Says, Seen};
use sayso_core::{EscalationId, Tier};
use sayso_engine::{Engine, NewEscalation};
use serde_json::json;

use crate::clock::{MICROSECOND, minutes};
use crate::world::{World, call, call_with, object};

/// A call that joins, if it can.
fn again(tool: &str) -> NewEscalation {
    NewEscalation { join: true, ..call(tool) }
}

async fn ask(world: &World, new: NewEscalation) -> EscalationId {
    world.propose(new).await.unwrap().escalation.id()
}

pub(crate) async fn the_same_call_joins_what_is_open_also_after_a_restart(world: &mut World) {
    let first = ask(world, again("deploy")).await;
    assert_eq!(ask(world, again("deploy")).await, first);
    world.restart().await;
    assert_eq!(ask(world, again("deploy")).await, first);
    assert_eq!(world.story(first).await, ["proposed"]);
}

pub(crate) async fn another_call_another_agent_and_a_plain_call_begin_anew(world: &mut World) {
    let first = ask(world, again("deploy")).await;
    let other = NewEscalation { join: true, ..call_with("deploy", &json!({"branch": "other"})) };
    assert_ne!(ask(world, other).await, first);
    assert_ne!(ask(world, call("deploy")).await, first);
    let mules = world.engine().propose(&world.mule, again("deploy")).await.unwrap();
    assert_ne!(mules.escalation.id(), first);
}

pub(crate) async fn an_unused_grant_is_joined_and_a_used_one_is_not(world: &mut World) {
    let first = ask(world, again("deploy")).await;
    world.approve(first).await;
    let joined = world.propose(again("deploy")).await.unwrap();
    assert_eq!(joined.escalation.id(), first);
    let permit = world.engine().permit(&joined.escalation).unwrap();
    world.engine().redeem(&permit, &world.bot).await.unwrap();
    let second = ask(world, again("deploy")).await;
    assert_ne!(second, first);
    assert_eq!(ask(world, again("deploy")).await, second, "the latest is joined");
}

pub(crate) async fn an_expired_grant_is_not_joined(world: &mut World) {
    let first = ask(world, again("deploy")).await;
    world.approve(first).await;
    world.pass(minutes(10)).await;
    assert_ne!(ask(world, again("deploy")).await, first);
}

pub(crate) async fn a_refusal_answers_the_same_call_for_ten_minutes(world: &mut World) {
    let first = ask(world, again("deploy")).await;
    world.says(&world.ana, first, Says::Deny).await.unwrap();
    world.pass(minutes(10).minus(MICROSECOND)).await;
    assert_eq!(ask(world, again("deploy")).await, first);
    world.pass(MICROSECOND).await;
    assert_ne!(ask(world, again("deploy")).await, first);
}

pub(crate) async fn what_was_edited_is_joined_by_what_was_asked(world: &mut World) {
    let first = ask(world, again("deploy")).await;
    let seen = Seen::digest(call_digest("deploy"));
    let safe = object(&json!({"branch": "safe"}));
    let edited = world.engine().approve_edited(first, &world.ana, safe, seen, None).await.unwrap();
    assert_ne!(edited.escalation.digest(), call_digest("deploy"));
    assert_eq!(ask(world, again("deploy")).await, first);
}

pub(crate) async fn a_raised_tier_is_not_lost_in_a_lower_one(world: &mut World) {
    let first = ask(world, again("merge")).await;
    let raised = NewEscalation { tier: Some(Tier::Hard), ..again("merge") };
    let second = ask(world, raised).await;
    assert_ne!(second, first);
    assert_eq!(ask(world, again("merge")).await, second, "the stricter one serves for both");
}

pub(crate) async fn what_was_asked_of_one_server_does_not_serve_for_another_that_asks_for_more(
    world: &mut World,
) {
    let rule = |server: &str, asks: &str| {
        format!("[[rule]]\ntool = 'deploy'\nserver = '{server}'\ntier = 'hard'\n{asks}\n")
    };
    let (docs, route) = (rule("docs", ""), rule("routed", "route = 'leads'"));
    let two = rule("prod", "quorum = 2");
    world.rewrite_policy(&format!("{docs}{route}{two}")).await;
    let on = |server: &str| NewEscalation { server: Some(server.into()), ..again("deploy") };
    let first = ask(world, on("docs")).await;
    assert_eq!(ask(world, on("docs")).await, first);
    assert_eq!(ask(world, on("elsewhere")).await, first, "which asks for no more");
    world.approve(first).await;
    let second = ask(world, on("prod")).await;
    assert_ne!(second, first, "two people were to approve it");
    assert_eq!(ask(world, on("docs")).await, second, "the stricter one serves for both");
    assert_ne!(ask(world, on("routed")).await, second, "others are to be asked");
}

pub(crate) async fn notes_are_told_each_time(world: &mut World) {
    let first = ask(world, again("note_release")).await;
    assert_ne!(ask(world, again("note_release")).await, first);
}

/// So many at once, each on the next of these engines; how many came of them.
pub(crate) async fn at_once(engines: &[&Engine], bot: &Agent, many: usize) -> usize {
    let proposals = engines.iter().cycle().take(many).map(|engine| {
        let (engine, bot) = ((*engine).clone(), bot.clone());
        tokio::spawn(async move { engine.propose(&bot, again("deploy")).await })
    });
    let mut ids = HashSet::new();
    for proposal in proposals.collect::<Vec<_>>() {
        ids.insert(proposal.await.unwrap().unwrap().escalation.id());
    }
    ids.len()
}

pub(crate) async fn of_twenty_same_calls_at_once_one_is_made(world: &mut World) {
    assert_eq!(at_once(&[world.engine()], &world.bot, 20).await, 1);
}

fn call_digest(tool: &str) -> sayso_core::Digest {
    let sayso_engine::Subject::Action(action) = call(tool).subject else { unreachable!() };
    action.digest()
}
