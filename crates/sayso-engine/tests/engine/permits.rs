//! What was seen is what runs, once.

use ed25519_dalek::{Signer as _, SigningKey};
use sayso_core::decision::Seen;
use sayso_core::escalation::{
    Outcome, PERMIT_LASTS, RECEIPT_WITHIN, Receipt, ReceiptResult, Settled,
};
use sayso_core::signature::Base64Url;
use sayso_core::{AgentName, EscalationId, Refusal, Tier};
use sayso_engine::permit::{BadPermit, PermitKeys};
use sayso_engine::{EngineError, NewEscalation, Subject};
use serde_json::json;

use crate::clock::MICROSECOND;
use crate::world::{POLICY, WINDOW, World, call, call_with, object};

pub(crate) async fn of_fifty_redeems_one_succeeds(world: &mut World) {
    let (id, permit) = world.granted("deploy").await;
    let redeems: Vec<_> = (0..50)
        .map(|_| {
            let (engine, permit, bot) = (world.engine().clone(), permit.clone(), world.bot.clone());
            tokio::spawn(async move { engine.redeem(&permit, &bot).await })
        })
        .collect();
    let mut succeeded = 0;
    for redeem in redeems {
        match redeem.await.unwrap() {
            Ok(redeemed) => {
                succeeded += 1;
                assert_eq!(redeemed.action.digest(), world.get(id).await.escalation.digest());
            }
            Err(EngineError::Refused(Refusal::AlreadyRedeemed { .. })) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(succeeded, 1);
    assert_eq!(world.story(id).await, ["proposed", "approved", "granted", "started"]);
}

pub(crate) async fn what_was_edited_is_what_is_redeemed(world: &mut World) {
    let new = call_with("deploy", &json!({"to": "production"}));
    let Subject::Action(asked) = new.subject.clone() else { unreachable!() };
    let id = world.propose(new).await.unwrap().escalation.id();
    let arguments = object(&json!({"to": "staging"}));
    let engine = world.engine();
    let seen = Seen::digest(asked.digest());
    engine.approve_edited(id, &world.ana, arguments.clone(), seen, None).await.unwrap();
    let redeemed = engine.redeem(&world.permit(id).await, &world.bot).await.unwrap();
    assert_eq!(redeemed.action, asked.with_arguments(arguments));
    assert_eq!(redeemed.record.escalation.digest(), redeemed.action.digest());
}

pub(crate) async fn only_the_named_executor_redeems_and_reports(world: &mut World) {
    let executor = Some(world.mule.name().clone());
    let new = NewEscalation { executor, ..call("deploy") };
    let id = world.propose(new).await.unwrap().escalation.id();
    world.approve(id).await;
    let permit = world.permit(id).await;
    let by_asker = world.engine().redeem(&permit, &world.bot).await;
    let refused = matches!(by_asker, Err(EngineError::Refused(Refusal::WrongAudience { .. })));
    assert!(refused, "{by_asker:?}");
    world.engine().redeem(&permit, &world.mule).await.unwrap();

    let by_asker = world.engine().report(id, &world.bot, ReceiptResult::Succeeded, None).await;
    assert!(matches!(by_asker, Err(EngineError::Refused(Refusal::WrongAudience { .. }))));
    world.engine().report(id, &world.mule, ReceiptResult::Succeeded, None).await.unwrap();
}

pub(crate) async fn an_executor_must_exist(world: &mut World) {
    let executor = Some(AgentName::new("nobody").unwrap());
    let refused = world.propose(NewEscalation { executor, ..call("deploy") }).await;
    assert!(matches!(refused, Err(EngineError::NoSuchExecutor(_))), "{refused:?}");
}

pub(crate) async fn an_expired_permit_is_refused(world: &mut World) {
    let (_, in_time) = world.granted("deploy").await;
    let (id, too_late) = world.granted("deploy").await;
    world.clock.pass(PERMIT_LASTS.minus(MICROSECOND));
    world.engine().redeem(&in_time, &world.bot).await.unwrap();
    world.clock.pass(MICROSECOND);
    let refused = world.engine().redeem(&too_late, &world.bot).await;
    let expired = matches!(refused, Err(EngineError::Refused(Refusal::PermitExpired { .. })));
    assert!(expired, "{refused:?}");
    assert_eq!(world.story(id).await, ["proposed", "approved", "granted"]);
}

pub(crate) async fn another_servers_permit_is_refused(world: &mut World) {
    let (id, permit) = world.granted("deploy").await;
    let forger = PermitKeys::new(&[5; 32], "http://127.0.0.1:7717");
    let forged = forger.issue(&world.get(id).await.escalation, None).unwrap();
    let refused = world.engine().redeem(&forged, &world.bot).await;
    assert!(matches!(refused, Err(EngineError::BadPermit(BadPermit::Header))), "{refused:?}");
    let cut = world.engine().redeem(&permit[..permit.len() - 4], &world.bot).await;
    assert!(matches!(cut, Err(EngineError::BadPermit(_))), "{cut:?}");
    world.engine().redeem(&permit, &world.bot).await.unwrap();
}

pub(crate) async fn a_policy_that_became_stricter_refuses_the_permit(world: &mut World) {
    let listener = world.engine().listen();
    let id = world.ask_delivered("merge").await;
    world.pass(WINDOW).await;
    let silent = world.permit(id).await;
    let (_, deploy) = world.granted("deploy").await;
    drop(listener);

    let stricter = POLICY.replace(
        "tier          = \"soft\"\nwindow        = \"15m\"\nunheard_after = \"30m\"\nsilent_limit  = \"none\"",
        "tier          = \"hard\"",
    );
    let stricter = stricter.replace("tier = \"hard\"", "tier = \"hard\"\nquorum = 2");
    assert_ne!(stricter, POLICY);
    world.rewrite_policy(&stricter).await;
    for permit in [&silent, &deploy] {
        let refused = world.engine().redeem(permit, &world.bot).await;
        let tightened = matches!(
            refused,
            Err(EngineError::Refused(Refusal::PolicyTightened { tier: Tier::Hard }))
        );
        assert!(tightened, "{refused:?}");
    }

    // Nothing was used up by that.
    world.rewrite_policy(POLICY).await;
    for permit in [&silent, &deploy] {
        world.engine().redeem(permit, &world.bot).await.unwrap();
    }
}

pub(crate) async fn a_bad_policy_file_keeps_the_last_good_one_and_says_why(world: &mut World) {
    let before = world.engine().policy();
    assert_eq!(before.problem, None);
    let (_, permit) = world.granted("deploy").await;

    world.rewrite_policy("[[rule]]\ntool = \"*\"\nteir = \"fyi\"\n").await;
    let now = world.engine().policy();
    assert_eq!(now.policy.hash(), before.policy.hash());
    assert!(now.problem.as_ref().unwrap().contains("teir"), "{:?}", now.problem);
    assert_eq!(world.get(world.ask("deploy").await).await.escalation.tier(), Tier::Hard);
    world.engine().redeem(&permit, &world.bot).await.unwrap();

    world.rewrite_policy(POLICY).await;
    assert_eq!(world.engine().policy().problem, None);
}

async fn receipt(world: &World, id: EscalationId) -> Option<ReceiptResult> {
    let record = world.get(id).await;
    let receipt = record.escalation.settled().and_then(Settled::receipt);
    receipt.map(|Receipt { result, .. }| result)
}

pub(crate) async fn a_receipt_that_does_not_come_is_unknown_and_may_still_become_known(
    world: &mut World,
) {
    let (id, permit) = world.granted("deploy").await;
    world.engine().redeem(&permit, &world.bot).await.unwrap();
    world.pass(RECEIPT_WITHIN.minus(MICROSECOND)).await;
    assert_eq!(receipt(world, id).await, None);
    world.pass(MICROSECOND).await;
    assert_eq!(receipt(world, id).await, Some(ReceiptResult::Unknown));
    assert_eq!(world.outcome(id).await, Some(Outcome::Granted));

    let report = world.engine().report(id, &world.bot, ReceiptResult::Failed, None);
    report.await.unwrap();
    assert_eq!(receipt(world, id).await, Some(ReceiptResult::Failed));
    world.pass(RECEIPT_WITHIN).await;
    assert_eq!(receipt(world, id).await, Some(ReceiptResult::Failed));
}

pub(crate) async fn a_receipt_is_given_once(world: &mut World) {
    let (id, permit) = world.granted("deploy").await;
    let engine = world.engine();
    let early = engine.report(id, &world.bot, ReceiptResult::Succeeded, None).await;
    assert!(matches!(early, Err(EngineError::Refused(Refusal::NotStarted))), "{early:?}");
    engine.redeem(&permit, &world.bot).await.unwrap();
    engine.report(id, &world.bot, ReceiptResult::Succeeded, None).await.unwrap();
    let again = engine.report(id, &world.bot, ReceiptResult::Failed, None).await;
    let refused = matches!(
        again,
        Err(EngineError::Refused(Refusal::AlreadyReceipted { result: ReceiptResult::Succeeded }))
    );
    assert!(refused, "{again:?}");
}

pub(crate) async fn a_restart_keeps_permits_good_and_used_ones_used(world: &mut World) {
    let (_, unused) = world.granted("deploy").await;
    let (id, used) = world.granted("deploy").await;
    world.engine().redeem(&used, &world.bot).await.unwrap();
    world.restart().await;
    let again = world.engine().redeem(&used, &world.bot).await;
    let refused = matches!(again, Err(EngineError::Refused(Refusal::AlreadyRedeemed { .. })));
    assert!(refused, "{again:?}");
    world.engine().redeem(&unused, &world.bot).await.unwrap();
    world.pass(RECEIPT_WITHIN).await;
    assert_eq!(receipt(world, id).await, Some(ReceiptResult::Unknown));
}

/// A permit with another claim, signed with the server's own key.
async fn forged(world: &World, permit: &str, claim: &str, value: serde_json::Value) -> String {
    let seed = world.server().store.signing_key("permit", [0; 32]).await.unwrap();
    let parts: Vec<_> = permit.split('.').collect();
    let claims: Base64Url = parts[1].parse().unwrap();
    let mut claims: serde_json::Value = serde_json::from_slice(claims.as_bytes()).unwrap();
    assert_ne!(claims[claim], value, "{claim} is no change");
    claims[claim] = value;
    let claims = Base64Url::from(claims.to_string().into_bytes());
    let signed = format!("{}.{claims}", parts[0]);
    let signature = SigningKey::from_bytes(&seed).sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", Base64Url::from(&signature[..]))
}

pub(crate) async fn a_permit_that_says_anything_else_than_was_granted_is_refused_though_it_is_signed(
    world: &mut World,
) {
    let (id, permit) = world.granted("deploy").await;
    let (other, _) = world.granted("deploy").await;
    let far = 9_000_000_000_i64;
    let cases = [
        ("aud", json!("mule")),
        ("sub", json!("mule")),
        ("jti", json!(other)),
        ("dig", json!("7".repeat(64))),
        ("tool", json!("drop")),
        ("tier", json!("soft")),
        ("basis", json!("silence")),
        ("pol", json!("7".repeat(64))),
        ("dec", json!(["7".repeat(64)])),
        ("iat", json!(1)),
        ("nbf", json!(far)),
        ("exp", json!(far)),
        ("exp", json!(1)),
    ];
    for (claim, value) in cases {
        let forged = forged(world, &permit, claim, value).await;
        match world.engine().redeem(&forged, &world.bot).await {
            Err(EngineError::BadPermit(BadPermit::Claims(why))) => {
                assert!(why.contains(&format!("`{claim}`")), "{claim}: {why}");
            }
            other => panic!("{claim}: {other:?}"),
        }
    }
    // Of the other grant, which is of the very same action.
    let moved = forged(world, &permit, "esc", json!(other)).await;
    let refused = world.engine().redeem(&moved, &world.bot).await;
    assert!(matches!(refused, Err(EngineError::BadPermit(BadPermit::Claims(_)))), "{refused:?}");
    assert_eq!(world.story(id).await, ["proposed", "approved", "granted"]);
    world.engine().redeem(&permit, &world.bot).await.unwrap();
}
