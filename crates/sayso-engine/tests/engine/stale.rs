//! What no longer holds is not run, and is asked anew under what holds now, once.

use sayso_core::directory::ToolPattern;
use sayso_core::escalation::{Receipt, ReceiptResult, Settled};
use sayso_core::{EscalationId, Refusal, Tier};
use sayso_engine::{Actor, EngineError, NewEscalation, Subject};
use serde_json::json;

use crate::faulty::{Fault, Faulty, Plan};
use crate::world::{POLICY, World, call};

/// A call that is approved for the head `a`, by another executor than who asks.
fn call_at_a() -> NewEscalation {
    let new = call("deploy");
    let Subject::Action(mut action) = new.subject.clone() else { unreachable!() };
    action.precondition = Some(json!({"head": "a"}));
    NewEscalation {
        subject: Subject::Action(action),
        context: Some(json!({"diff": "+1"})),
        server: Some("git".into()),
        ..new
    }
}

async fn redeemed(world: &World) -> EscalationId {
    let new = NewEscalation { executor: Some(world.mule.name().clone()), ..call_at_a() };
    let id = world.propose(new).await.unwrap().escalation.id();
    world.approve(id).await;
    let redeemed = world.engine().redeem(&world.permit(id).await, &world.mule).await.unwrap();
    assert_eq!(redeemed.action.precondition, Some(json!({"head": "a"})));
    id
}

async fn receipt(world: &World, id: EscalationId) -> Receipt {
    let record = world.get(id).await;
    record.escalation.settled().and_then(Settled::receipt).unwrap()
}

async fn report(world: &World, id: EscalationId) -> Result<EscalationId, EngineError> {
    let now = json!({"head": "b"});
    world.engine().report_stale(id, &world.mule, now, Some("moved".into())).await?;
    Ok(receipt(world, id).await.reopened.unwrap())
}

pub(crate) async fn what_is_stale_is_asked_anew_under_what_holds_now(world: &mut World) {
    let id = redeemed(world).await;
    let anew = world.get(report(world, id).await.unwrap()).await;
    let old = world.get(id).await;
    assert_eq!(receipt(world, id).await.result, ReceiptResult::Stale);
    assert_eq!(anew.ask.action.as_ref().unwrap().precondition, Some(json!({"head": "b"})));
    assert_ne!(anew.escalation.digest(), old.escalation.digest());
    assert_eq!(anew.escalation.agent(), old.escalation.agent());
    assert_eq!(anew.escalation.executor(), world.mule.name());
    assert_eq!(anew.ask.message, old.ask.message);
    assert_eq!((&anew.ask.context, &anew.ask.server), (&old.ask.context, &old.ask.server));
    assert!(anew.escalation.is_pending());
    world.approve(anew.escalation.id()).await;
    let permit = world.permit(anew.escalation.id()).await;
    let redeemed = world.engine().redeem(&permit, &world.mule).await.unwrap();
    assert_eq!(redeemed.action.precondition, Some(json!({"head": "b"})));
}

pub(crate) async fn of_twenty_who_say_it_is_stale_one_asks_anew(world: &mut World) {
    let id = redeemed(world).await;
    let reports: Vec<_> = (0..20)
        .map(|number| {
            let (engine, mule) = (world.engine().clone(), world.mule.clone());
            let now = json!({"head": number});
            tokio::spawn(async move { engine.report_stale(id, &mule, now, None).await })
        })
        .collect();
    for report in reports {
        report.await.unwrap().unwrap();
    }
    let first = receipt(world, id).await.reopened;
    assert_eq!(report(world, id).await.ok(), first);
    world.restart().await;
    assert_eq!(report(world, id).await.ok(), first);
    assert_eq!(world.story(id).await.len(), 5, "proposed, approved, granted, started, receipted");
}

pub(crate) async fn the_receipt_and_what_asks_anew_are_kept_together_or_not_at_all(
    world: &mut World,
) {
    let id = redeemed(world).await;
    let plan = std::sync::Arc::new(Plan::default());
    world.start_on(Faulty::over(&plan)).await;
    let size = world.engine().ledger_size().await.unwrap();
    plan.next(Fault::BeforeCommit, 1);
    assert!(matches!(report(world, id).await, Err(EngineError::Store(_))));
    assert_eq!(world.engine().ledger_size().await.unwrap(), size);
    // Kept, though nobody was told so: whoever says it again learns what asks anew.
    plan.next(Fault::AfterCommit, 1);
    assert!(matches!(report(world, id).await, Err(EngineError::Store(_))));
    let anew = report(world, id).await.unwrap();
    assert_eq!(world.story(anew).await, ["proposed"]);
    assert_eq!(world.engine().ledger_size().await.unwrap(), size + 2);
}

pub(crate) async fn what_is_asked_anew_asks_for_no_less_than_before(world: &mut World) {
    let (one, other) = (redeemed(world).await, redeemed(world).await);
    let rule = "tool = \"deploy*\"\ntier = \"hard\"";
    let with = |tier: &str| POLICY.replace(rule, &format!("tool = \"deploy*\"\n{tier}"));
    world.rewrite_policy(&with("tier = \"fyi\"")).await;
    let anew = world.get(report(world, one).await.unwrap()).await;
    assert_eq!(anew.escalation.tier(), Tier::Hard);
    world.rewrite_policy(&with("tier = \"hard\"\nquorum = 2")).await;
    let anew = world.get(report(world, other).await.unwrap()).await;
    assert_eq!(anew.escalation.verdict().quorum.in_all().get(), 2);
}

pub(crate) async fn only_who_redeemed_it_says_that_it_is_stale(world: &mut World) {
    let id = redeemed(world).await;
    let size = world.engine().ledger_size().await.unwrap();
    let by_asker = world.engine().report_stale(id, &world.bot, json!("b"), None).await;
    let refused = matches!(by_asker, Err(EngineError::Refused(Refusal::WrongAudience { .. })));
    assert!(refused, "{by_asker:?}");
    let (unused, _) = world.granted("deploy").await;
    let early = world.engine().report_stale(unused, &world.bot, json!("b"), None).await;
    assert!(matches!(early, Err(EngineError::Refused(Refusal::NotStarted))), "{early:?}");
    world.engine().report(id, &world.mule, ReceiptResult::Succeeded, None).await.unwrap();
    let late = report(world, id).await;
    let refused = matches!(late, Err(EngineError::Refused(Refusal::AlreadyReceipted { .. })));
    assert!(refused, "{late:?}");
    // Of all this, nothing but the other escalation's and the receipt's events were kept.
    assert_eq!(world.engine().ledger_size().await.unwrap(), size + 4);
}

pub(crate) async fn what_is_stale_asks_for_no_tool_that_its_agent_may_not_ask_for_any_more(
    world: &mut World,
) {
    let (narrowed, revoked) = (redeemed(world).await, redeemed(world).await);
    let (authority, now) = (world.engine().authority(), world.engine().now());
    let bot = world.bot.name();
    let tools = Some(vec![ToolPattern::new("note").unwrap()]);
    authority.change_agent(Actor::Operator, bot, None, tools, now).await.unwrap();
    let forbidden = |refused: Result<_, EngineError>| {
        assert!(matches!(refused, Err(EngineError::ForbiddenTool { .. })), "{refused:?}");
    };
    forbidden(report(world, narrowed).await);
    authority.revoke_agent(Actor::Operator, bot, now).await.unwrap();
    forbidden(report(world, revoked).await);
    // That it is stale can be said all the same.
    for id in [narrowed, revoked] {
        let engine = world.engine();
        engine.report(id, &world.mule, ReceiptResult::Stale, None).await.unwrap();
        assert_eq!(receipt(world, id).await.reopened, None);
    }
}
