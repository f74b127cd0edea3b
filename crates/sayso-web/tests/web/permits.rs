//! Permits over HTTP: what revokes them, what they take of an executor, what they prove.

use std::path::Path;
use std::process::Command;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use sayso_client::executor::{NotProved, Pinned};
use sayso_client::wire;
use sayso_core::Period;
use sayso_core::confirmation::{ConfirmationKey, Request};
use sayso_core::credential::Role;
use sayso_core::signature::PersonKey;
use sayso_engine::{Actor, Voucher};
use sayso_web::api::RateLimit;
use serde_json::{Value, json};

use crate::site::{Answer, Site, request};

const REDEEM: &str = "/v1/permits/redeem";

/// A granted call of `drop`, as its agent sees it.
async fn granted(site: &Site) -> Value {
    let asked = site.propose("drop").await;
    assert_eq!(site.decide(&site.ana, &asked, "approve").await.status, StatusCode::OK);
    site.now(&asked).await
}

async fn redeem(site: &Site, granted: &Value, proofs: &[&str]) -> Answer {
    let mut asking = request(Method::POST, REDEEM, &site.bot);
    for proof in proofs {
        asking = asking.header("DPoP", *proof);
    }
    let body = json!({"permit": granted["permit"]}).to_string();
    site.send(asking.body(Body::from(body)).unwrap()).await
}

async fn report(site: &Site, granted: &Value, body: &Value) -> Answer {
    let path = format!("/v1/permits/{}/receipt", granted["id"].as_str().unwrap());
    site.post(&path, &site.bot, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_veto_and_a_redeem_at_once_one_happens() {
    let site = std::sync::Arc::new(Site::new().await);
    for _ in 0..40 {
        let granted = std::sync::Arc::new(granted(&site).await);
        let vetoing = {
            let (site, granted) = (site.clone(), granted.clone());
            tokio::spawn(async move { site.decide(&site.ana, &granted, "deny").await.status })
        };
        let redeemed = redeem(&site, &granted, &[]).await.status;
        let vetoed = vetoing.await.unwrap();
        let one = [(vetoed, redeemed), (redeemed, vetoed)]
            .contains(&(StatusCode::OK, StatusCode::CONFLICT));
        assert!(one, "{vetoed} and {redeemed}");
        let now = site.now(&granted).await;
        let outcome = if redeemed == StatusCode::OK { "granted" } else { "denied" };
        assert_eq!(now["outcome"], outcome);
        assert_eq!(now["permit"], Value::Null);
    }
}

#[tokio::test]
async fn a_halt_kills_an_unused_permit_for_good() {
    let site = Site::new().await;
    let granted = granted(&site).await;
    let halt = site.post("/v1/halts", &site.ana, &json!({"tool": "drop"})).await.json();
    assert_eq!(redeem(&site, &granted, &[]).await.status, StatusCode::CONFLICT);
    let lifted = format!("/v1/halts/{}", halt["id"].as_str().unwrap());
    assert_eq!(site.delete(&lifted, &site.ana).await.status, StatusCode::NO_CONTENT);
    assert_eq!(redeem(&site, &granted, &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(site.now(&granted).await["outcome"], "halted");
}

#[tokio::test]
async fn what_is_stale_is_asked_anew_and_the_receipt_says_where() {
    let site = Site::new().await;
    let action = json!({"tool": "drop", "arguments": {}, "precondition": {"etag": "1"}});
    let asked = site.ask(json!({"action": action, "message": "as it is"})).await;
    assert_eq!(site.decide(&site.ana, &asked, "approve").await.status, StatusCode::OK);
    let granted = site.now(&asked).await;
    let redeemed = redeem(&site, &granted, &[]).await.json();
    assert_eq!(redeemed["action"]["precondition"], json!({"etag": "1"}));

    let odd = report(&site, &granted, &json!({"result": "failed", "precondition": 2})).await;
    assert_eq!(odd.problem().2, "/precondition");
    let stale = json!({"result": "stale", "precondition": {"etag": "2"}});
    let told = report(&site, &granted, &stale).await.json();
    let again = report(&site, &granted, &stale).await.json();
    assert_eq!(told["receipt"]["result"], "stale");
    assert_eq!(told["receipt"]["reopened"], again["receipt"]["reopened"]);
    let anew = site.now(&json!({"id": told["receipt"]["reopened"]})).await;
    assert_eq!((&anew["state"], &anew["message"]), (&json!("pending"), &json!("as it is")));
    assert_eq!(anew["action"]["precondition"], json!({"etag": "2"}));
}

#[tokio::test]
async fn an_owner_says_by_which_key_permits_take_a_proof() {
    let site = Site::new().await;
    let owner = site.person("olga", Role::Owner).await;
    let path = "/v1/agents/bot/confirmation";
    let key = ConfirmationKey::from_seed(&[1; 32]).public();
    let jkt = json!(key.thumbprint().unwrap().to_string());
    for named in [json!(serde_json::to_string(&key).unwrap()), jkt.clone()] {
        let said = site.put(path, &owner, &json!({"key": named})).await;
        assert_eq!((said.status, &said.json()["confirm"]), (StatusCode::OK, &jkt));
        let granted = granted(&site).await;
        let (status, kind, ..) = redeem(&site, &granted, &[]).await.problem();
        assert_eq!((status, &kind[..]), (403, "/problems/unconfirmed"));
        let none = site.put(path, &owner, &json!({"key": null})).await.json();
        assert_eq!(none["confirm"], json!(null));
    }
    for odd in ["", "AAAA", "{}"] {
        let refused = site.put(path, &owner, &json!({"key": odd})).await;
        assert_eq!(refused.problem().2, "/key", "{odd:?}");
    }
    let nobody = site.put("/v1/agents/nobody/confirmation", &owner, &json!({"key": null})).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_stolen_credential_redeems_nothing_where_a_key_is_asked_for() {
    let site = Site::new().await;
    let (own, other) = (ConfirmationKey::from_seed(&[1; 32]), ConfirmationKey::from_seed(&[2; 32]));
    let jkt = own.public().thumbprint().unwrap();
    let (authority, now) = (site.engine.authority(), site.engine.now());
    let bot = "bot".parse().unwrap();
    authority.confirm_agent(Actor::Operator, &bot, Some(jkt), now).await.unwrap();
    let granted = granted(&site).await;
    let permit = granted["permit"].as_str().unwrap();
    let uri = format!("http://sayso.test{REDEEM}");
    let request = Request { method: "POST", uri: &uri, permit };
    let (own, other) = (own.prove(&request, "1", now), other.prove(&request, "1", now));
    let elsewhere = Request { uri: "http://evil.test/v1/permits/redeem", ..request };
    let elsewhere = ConfirmationKey::from_seed(&[1; 32]).prove(&elsewhere, "1", now);

    for proofs in [&[][..], &[&other[..]], &[&elsewhere], &["nonsense"]] {
        let (status, kind, field, _) = redeem(&site, &granted, proofs).await.problem();
        assert_eq!((status, &kind[..], &field[..]), (403, "/problems/unconfirmed", "DPoP"));
    }
    assert_eq!(redeem(&site, &granted, &[&own, &own]).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(redeem(&site, &granted, &[&own]).await.status, StatusCode::OK);
    // The proof is of no use to whoever has seen it.
    assert_eq!(redeem(&site, &granted, &[&own]).await.status, StatusCode::CONFLICT);
}

/// A person's key, and what `ssh-keygen` makes of it.
struct Ssh(tempfile::TempDir);

impl Ssh {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "ana", "-f"])
            .arg(folder.path().join("key"))
            .status();
        assert!(made.unwrap().success());
        Self(folder)
    }

    fn public(&self) -> String {
        std::fs::read_to_string(self.0.path().join("key.pub")).unwrap()
    }

    fn sign(&self, namespace: &str, text: &str) -> String {
        let message = self.0.path().join("message");
        std::fs::write(&message, text).unwrap();
        let _ = std::fs::remove_file(self.0.path().join("message.sig"));
        let signed = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(self.0.path().join("key"))
            .arg(&message)
            .status();
        assert!(signed.unwrap().success());
        std::fs::read_to_string(self.0.path().join("message.sig")).unwrap()
    }
}

/// Pins of these keys for the executor `bot`.
fn pins(folder: &Path, line: &str) -> Pinned {
    let file = folder.join("pins");
    std::fs::write(&file, format!("executor bot\nquorum 1\n{line}\n")).unwrap();
    Pinned::open(&file).unwrap()
}

#[tokio::test]
async fn an_executor_that_pins_a_persons_key_acts_on_their_signature_once() {
    let policy = "[[rule]]\ntool = \"drop\"\ntier = \"hard\"\nassurance = \"signed\"\n";
    let site = Site::with(policy, RateLimit::default()).await;
    let ssh = Ssh::new();
    let key = PersonKey::Ssh(ssh.public().parse().unwrap());
    let (authority, now) = (site.engine.authority(), site.engine.now());
    let ana = "ana".parse().unwrap();
    authority.offer_key(Actor::Operator, &ana, &key, now).await.unwrap();
    let first = Voucher::Nobody;
    authority.enrol_key(Actor::Operator, "default", &ana, key.id(), first, now).await.unwrap();

    let asked = site.propose("drop").await;
    let id = asked["id"].as_str().unwrap();
    let wanted = json!({"decision": "approve", "key": key.id()});
    let path = format!("/v1/escalations/{id}/statements");
    let to_sign = site.post(&path, &site.ana, &wanted).await.json();
    let statement = to_sign["statement"].as_str().unwrap();
    let proof = ssh.sign(to_sign["namespace"].as_str().unwrap(), statement);
    let signature = json!({"statement": statement, "proof": {"kind": "ssh", "signature": proof}});
    let decide = json!({"decision": "approve", "signature": signature});
    let path = format!("/v1/escalations/{id}/decisions");
    let decided = site.post(&path, &site.ana, &decide).await;
    assert_eq!(decided.status, StatusCode::OK, "{decided:?}");

    let redeemed = redeem(&site, &site.now(&asked).await, &[]).await.json();
    let redeemed: wire::Redeemed = serde_json::from_value(redeemed).unwrap();
    let (folder, at) = (tempfile::tempdir().unwrap(), site.engine.now());
    let strangers = pins(folder.path(), &format!("ana {}", Ssh::new().public().trim()));
    let refused = strangers.check_at("drop", &redeemed, at).unwrap_err().to_string();
    assert!(refused.contains("none of them signed it; not pinned: ana (SHA256:"), "{refused}");
    let anas = pins(folder.path(), &format!("ana {}", ssh.public().trim()));
    let mut changed = redeemed.clone();
    changed.action.arguments.insert("name".into(), json!("y"));
    assert!(matches!(anas.check_at("drop", &changed, at), Err(NotProved::Unproved(_))));
    // The signatures taken off, or another grant's of the same action put on.
    let stripped = wire::Redeemed { evidence: Vec::new(), ..redeemed.clone() };
    let refused = anas.check_at("drop", &stripped, at).unwrap_err().to_string();
    assert!(refused.contains("none of them signed it"), "{refused}");
    let another = site.propose("drop").await["id"].as_str().unwrap().to_owned();
    let spliced = wire::Redeemed { escalation: another, ..redeemed.clone() };
    let refused = anas.check_at("drop", &spliced, at).unwrap_err().to_string();
    assert!(refused.contains("`escalation` is not that of this call"), "{refused}");
    let late = anas.check_at("drop", &redeemed, Period::from_secs(2 * 24 * 3_600).after(at));
    assert!(matches!(late, Err(NotProved::Unproved(_))));
    assert_eq!(anas.check_at("drop", &redeemed, at).unwrap(), [ana]);
    // A server that hands it out again is not obeyed.
    assert!(matches!(anas.check_at("drop", &redeemed, at), Err(NotProved::Used(_))));
}
