//! Keys: one signs permits, those before it verify for a day; executors prove that they have theirs.

use sayso_core::confirmation::{BadProof, ConfirmationKey, Request};
use sayso_core::{Period, WorkspaceEvent};
use sayso_engine::permit::BadPermit;
use sayso_engine::{Actor, EngineError, KeyPlace, NotConfirmed, Possession, rotate_permit_key};
use sayso_store::Happened;

use crate::world::{World, eventually};

const PATH: &str = "/v1/permits/redeem";
const DAY: Period = Period::from_secs(24 * 3_600);

async fn rotate(world: &World) {
    let store = world.place.administer().await;
    rotate_permit_key(&KeyPlace::Store, store, world.engine().now()).await.unwrap();
}

fn kids(world: &World) -> Vec<String> {
    let keys = world.engine().permits().jwks(world.engine().now());
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid_of(permit: &str) -> String {
    use sayso_core::signature::Base64Url;
    let header: Base64Url = permit.split('.').next().unwrap().parse().unwrap();
    let header: serde_json::Value = serde_json::from_slice(header.as_bytes()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

pub(crate) async fn a_new_key_signs_and_the_one_before_it_verifies_for_a_day(world: &mut World) {
    let (_, before) = world.granted("deploy").await;
    rotate(world).await;
    eventually("the server notices", async || kids(world).len() == 2).await;
    let (_, after) = world.granted("deploy").await;
    assert_ne!(kid_of(&before), kid_of(&after));
    assert_eq!(kids(world), [kid_of(&after), kid_of(&before)]);
    world.engine().redeem(&before, &world.bot).await.unwrap();
    world.restart().await;
    world.engine().redeem(&after, &world.bot).await.unwrap();
    world.clock.pass(DAY);
    assert_eq!(kids(world), [kid_of(&after)]);
    let refused = world.engine().redeem(&before, &world.bot).await;
    assert!(matches!(refused, Err(EngineError::BadPermit(BadPermit::Header))), "{refused:?}");
}

pub(crate) async fn a_new_key_is_in_the_ledger_before_it_signs(world: &mut World) {
    rotate(world).await;
    let store = &world.server().store;
    let entries = store.entries(1, 1_000).await.unwrap();
    let named = entries.iter().filter(|entry| match &entry.happened {
        Happened::Workspace(event @ WorkspaceEvent::AuthorityChanged { .. }) => {
            event.word() == "permit_key_added"
        }
        _ => false,
    });
    assert_eq!(named.count(), 1);
    // One that lies about and that the ledger does not name signs nothing.
    store.signing_key("permit-stray", [9; 32]).await.unwrap();
    world.restart().await;
    assert_eq!(kids(world).len(), 2);
}

pub(crate) async fn heads_and_permits_are_signed_with_different_keys(world: &mut World) {
    use base64::Engine as _;
    let log = world.engine().log_key().to_string();
    let log = log.splitn(3, '+').nth(2).unwrap();
    let log = base64::engine::general_purpose::STANDARD.decode(log).unwrap();
    let keys = world.engine().permits().jwks(world.engine().now());
    let permits: sayso_core::signature::Base64Url =
        keys["keys"][0]["x"].as_str().unwrap().parse().unwrap();
    // After a byte that tells its kind.
    assert_eq!((log.len(), permits.as_bytes().len()), (33, 32));
    assert_ne!(&log[1..], permits.as_bytes());
}

fn proof(key: &ConfirmationKey, world: &World, permit: &str) -> String {
    let uri = format!("http://127.0.0.1:7717{PATH}");
    let request = Request { method: "POST", uri: &uri, permit };
    key.prove(&request, "id", world.engine().now())
}

fn with(proof: &str) -> Possession<'_> {
    Possession { proof, method: "POST", path: PATH }
}

fn unconfirmed<T>(done: Result<T, EngineError>) -> NotConfirmed {
    match done {
        Err(EngineError::Unconfirmed(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was redeemed"),
    }
}

pub(crate) async fn an_executor_with_a_key_redeems_by_it_alone(world: &mut World) {
    let (own, stolen) =
        (ConfirmationKey::from_seed(&[1; 32]), ConfirmationKey::from_seed(&[2; 32]));
    let jkt = own.public().thumbprint().unwrap();
    let (_, unbound) = world.granted("deploy").await;
    let authority = world.engine().authority();
    let (name, now) = (world.bot.name(), world.engine().now());
    authority.confirm_agent(Actor::Operator, name, Some(jkt), now).await.unwrap();
    let (id, permit) = world.granted("deploy").await;
    let engine = world.engine();
    assert_eq!(engine.verify_permit(&permit).await.unwrap().cnf.unwrap().jkt, jkt);

    let without = engine.redeem(&permit, &world.bot).await;
    assert_eq!(unconfirmed(without), NotConfirmed::Missing(jkt));
    let by_another = proof(&stolen, world, &permit);
    let by_another = engine.redeem_with(&permit, &world.bot, Some(with(&by_another))).await;
    assert!(matches!(unconfirmed(by_another), NotConfirmed::OtherKey { .. }));
    let of_another = proof(&own, world, &unbound);
    let of_another = engine.redeem_with(&permit, &world.bot, Some(with(&of_another))).await;
    let misfit = unconfirmed(of_another);
    let expected = matches!(misfit, NotConfirmed::Bad(BadProof::Misfit { claim: "ath", .. }));
    assert!(expected, "{misfit}");
    // A permit from before there was a key takes it, too: the executor has it by now.
    assert_eq!(unconfirmed(engine.redeem(&unbound, &world.bot).await), NotConfirmed::Missing(jkt));

    let late = proof(&own, world, &permit);
    world.clock.pass(Period::from_secs(61));
    let late = engine.redeem_with(&permit, &world.bot, Some(with(&late))).await;
    assert_eq!(unconfirmed(late), NotConfirmed::Bad(BadProof::Time));
    let good = proof(&own, world, &permit);
    engine.redeem_with(&permit, &world.bot, Some(with(&good))).await.unwrap();
    assert_eq!(world.story(id).await.last(), Some(&"started"));
}
