//! What is signed, attacked: statements that are changed, sent elsewhere, sent again, or signed by a
//! key that is not theirs to sign with.

mod hands;
mod keys;
mod passkeys;

use axum::http::StatusCode;
use sayso_core::credential::Role;
use sayso_core::signature::Domain;
use sayso_core::{Digest, Period, json as strict};
use sayso_engine::Actor;
use sayso_web::api::RateLimit;
use serde_json::{Value, json};

use crate::site::{Answer, Site};
use hands::Hand;

const POLICY: &str = r#"
[[rule]]
tool = "drop"
tier = "hard"
assurance = "signed"

[[rule]]
tool = "drop_all"
tier = "hard"
quorum = 2
assurance = "signed"
"#;

/// A site where Ana's key is the first and Bo's is vouched for by it.
struct Office {
    site: Site,
    ana: Hand,
    bo: Hand,
}

impl Office {
    async fn open() -> Self {
        let site = Site::with(POLICY, RateLimit::new(None)).await;
        let (ana, bo) = (Hand::new(1), Hand::new(2));
        let office = Self { site, ana, bo };
        office.offer(&office.site.ana, &office.ana).await;
        let (authority, now) = (office.site.engine.authority(), office.site.engine.now());
        authority.enrol_first(Actor::Operator, office.ana.id(), now).await.unwrap();
        office.offer(&office.site.bo, &office.bo).await;
        let enrolment = office.enrolment(&office.bo, &office.ana).await;
        let vouched = office.vouch(&office.site.ana, &office.bo, &enrolment, &office.ana).await;
        assert_eq!(vouched.status, StatusCode::OK, "{vouched:?}");
        office
    }

    async fn offer(&self, token: &str, hand: &Hand) -> Answer {
        self.site.post("/v1/keys", token, &json!({"public_key": hand.line()})).await
    }

    /// What is to be signed with `by` to vouch for a key.
    async fn enrolment(&self, key: &Hand, by: &Hand) -> String {
        let path = format!("/v1/keys/{}/statements", key.id());
        let to_sign = self.site.post(&path, &self.site.ana, &json!({"by": by.id()})).await.json();
        to_sign["statement"].as_str().unwrap().to_owned()
    }

    async fn vouch(&self, token: &str, key: &Hand, enrolment: &str, by: &Hand) -> Answer {
        let proof = by.sign(Domain::Enrolment.tag(), enrolment);
        let path = format!("/v1/keys/{}/countersignatures", key.id());
        self.site.post(&path, token, &json!({"statement": enrolment, "proof": proof})).await
    }

    /// What somebody is to sign about it.
    async fn statement(&self, token: &str, asked: &Value, hand: &Hand) -> String {
        let path = format!("/v1/escalations/{}/statements", asked["id"].as_str().unwrap());
        let wanted = json!({"decision": "approve", "key": hand.id()});
        let to_sign = self.site.post(&path, token, &wanted).await;
        assert_eq!(to_sign.status, StatusCode::OK, "{to_sign:?}");
        to_sign.json()["statement"].as_str().unwrap().to_owned()
    }

    async fn send(&self, token: &str, asked: &Value, statement: &str, proof: &Value) -> Answer {
        let signature = json!({"statement": statement, "proof": proof});
        let body = json!({"decision": "approve", "signature": signature});
        let path = format!("/v1/escalations/{}/decisions", asked["id"].as_str().unwrap());
        self.site.post(&path, token, &body).await
    }

    /// Sends what was signed honestly.
    async fn approve(&self, token: &str, asked: &Value, statement: &str, hand: &Hand) -> Answer {
        let proof = hand.sign(Domain::Decision.tag(), statement);
        self.send(token, asked, statement, &proof).await
    }

    async fn is_untouched(&self, asked: &Value) {
        assert_eq!(self.site.now(asked).await["version"], asked["version"]);
    }
}

/// A refusal of that kind, in these words among others.
#[track_caller]
fn refused(answer: &Answer, kind: &str, words: &str) {
    let (_, found, _, detail) = answer.problem();
    assert_eq!(found, format!("/problems/{kind}"), "{detail}");
    assert!(detail.contains(words), "{words:?} is not in {detail:?}");
}

#[tokio::test]
async fn a_statement_that_was_changed_in_any_member_approves_nothing_even_signed_anew() {
    let office = Office::open().await;
    let ana = office.site.ana.clone();
    let asked = office.site.propose("drop").await;
    let other = office.site.propose("drop_all").await;
    let honest = office.statement(&ana, &asked, &office.ana).await;
    let proof = office.ana.sign(Domain::Decision.tag(), &honest);
    let digest = || json!(Digest::of(b"another"));
    let misfit = |member: &str| format!("`{member}` is not that of what is decided");
    // The member, what it is changed to, and what comes of it when Ana signs that, too.
    let cases = [
        ("v", json!(2), "bad-request", "of the form 2".to_owned()),
        ("workspace", json!("staging"), "signature", misfit("workspace")),
        ("escalation", other["id"].clone(), "signature", misfit("escalation")),
        ("version", json!(2), "signature", misfit("version")),
        ("version", json!(0), "signature", misfit("version")),
        ("digest", digest(), "digest-moved", String::new()),
        ("decision", json!("answer"), "signature", misfit("decision")),
        ("edited", digest(), "signature", misfit("edited")),
        ("edited", asked["digest"].clone(), "signature", misfit("edited")),
        ("answer", digest(), "signature", misfit("answer")),
        ("tier", json!("soft"), "signature", misfit("tier")),
        ("policy", digest(), "signature", misfit("policy")),
        ("quorum", json!({"people": 2}), "signature", misfit("quorum")),
        ("audience", json!("eve"), "signature", misfit("audience")),
        ("agent", json!("eve"), "signature", misfit("agent")),
        ("ceremony", json!("0".repeat(32)), "signature", misfit("ceremony")),
        ("display", digest(), "signature", misfit("display")),
        ("reviewer", json!("bo"), "signature", misfit("reviewer")),
        ("key", digest(), "forbidden", "is not an enrolled key of yours".to_owned()),
        ("key", json!(office.bo.id()), "forbidden", "is not an enrolled key of yours".to_owned()),
        ("issued_at", json!("2026-03-01T09:00:01Z"), "signature", misfit("issued_at")),
        ("issued_at", json!("2026-03-01T08:59:00Z"), "signature", misfit("issued_at")),
        ("expires_at", json!("2026-03-01T10:00:00Z"), "signature", misfit("issued_at")),
        ("expires_at", json!("2026-03-01T09:00:00Z"), "signature", misfit("expires_at")),
        ("more", json!(true), "bad-request", "more".to_owned()),
    ];
    for (member, value, kind, words) in cases {
        let mut changed: Value = serde_json::from_str(&honest).unwrap();
        assert_ne!(changed[member], value, "{member} is no change");
        changed[member] = value;
        let changed = String::from_utf8(strict::canonical(&changed)).unwrap();
        let as_signed = office.send(&ana, &asked, &changed, &proof).await;
        assert!(as_signed.status.is_client_error(), "{member}: {as_signed:?}");
        let anew = office.approve(&ana, &asked, &changed, &office.ana).await;
        refused(&anew, kind, &words);
        office.is_untouched(&asked).await;
    }
    // The nonce is the signer's own: another one takes another signature, and that is all.
    let mut changed: Value = serde_json::from_str(&honest).unwrap();
    changed["nonce"] = json!("0".repeat(32));
    let changed = String::from_utf8(strict::canonical(&changed)).unwrap();
    let as_signed = office.send(&ana, &asked, &changed, &proof).await;
    refused(&as_signed, "signature", "does not fit");
    // Spelt otherwise it is not what was signed, either.
    for spelt in [
        honest.replacen(':', ": ", 1),
        format!("{honest}\n"),
        honest.replace("09:00:00Z", "09:00:00.0Z"),
    ] {
        let refused = office.approve(&ana, &asked, &spelt, &office.ana).await;
        assert_eq!(refused.problem().2, "/signature/statement", "{spelt}");
    }
    office.is_untouched(&asked).await;
    let granted = office.send(&ana, &asked, &honest, &proof).await;
    assert_eq!(granted.json()["outcome"], "granted", "{granted:?}");
}

#[tokio::test]
async fn a_signature_is_good_for_its_escalation_once_and_in_its_time() {
    let office = Office::open().await;
    let (ana, bo) = (office.site.ana.clone(), office.site.bo.clone());
    // The very same action, twice.
    let (asked, twin) = (office.site.propose("drop").await, office.site.propose("drop").await);
    assert_eq!(asked["digest"], twin["digest"]);
    let signed = office.statement(&ana, &asked, &office.ana).await;
    let elsewhere = office.approve(&ana, &twin, &signed, &office.ana).await;
    refused(&elsewhere, "signature", "`escalation` is not that");
    // Sent by somebody else than who signed it.
    let borrowed = office.approve(&bo, &asked, &signed, &office.ana).await;
    refused(&borrowed, "forbidden", "is not an enrolled key of yours");
    // What was signed says yes: it goes with nothing else.
    for decision in ["deny", "veto", "hold", "take", "retract"] {
        let proof = office.ana.sign(Domain::Decision.tag(), &signed);
        let signature = json!({"statement": signed, "proof": proof});
        let body = json!({"decision": decision, "signature": signature});
        let path = format!("/v1/escalations/{}/decisions", asked["id"].as_str().unwrap());
        let answer = office.site.post(&path, &ana, &body).await;
        assert_eq!(answer.problem().2, "/decision", "{decision}: {answer:?}");
    }
    // Ten minutes later it is nothing.
    office.site.clock.advance(Period::from_secs(10 * 60));
    office.site.engine.clock_moved();
    let late = office.approve(&ana, &asked, &signed, &office.ana).await;
    refused(&late, "signature", "`expires_at` is not that");
    for untouched in [&asked, &twin] {
        office.is_untouched(untouched).await;
    }

    // Taken back, it does not come again, nor does it after it was used.
    let asked = office.site.propose("drop_all").await;
    let signed = office.statement(&ana, &asked, &office.ana).await;
    let approved = office.approve(&ana, &asked, &signed, &office.ana).await;
    assert_eq!(approved.json()["state"], "pending", "{approved:?}");
    let twice = office.approve(&ana, &asked, &signed, &office.ana).await;
    refused(&twice, "already-decided", "ana");
    assert_eq!(office.site.decide(&ana, &asked, "retract").await.status, StatusCode::OK);
    let again = office.approve(&ana, &asked, &signed, &office.ana).await;
    refused(&again, "signature", "");
    let bos = office.statement(&bo, &asked, &office.bo).await;
    let approved = office.approve(&bo, &asked, &bos, &office.bo).await;
    assert_eq!(approved.json()["state"], "pending", "Ana took hers back: {approved:?}");
    assert_eq!(office.site.decide(&bo, &asked, "deny").await.status, StatusCode::OK);
    let ended = office.approve(&ana, &asked, &signed, &office.ana).await;
    refused(&ended, "already-settled", "");
}

#[tokio::test]
async fn a_signature_counts_only_by_an_enrolled_key_of_a_reviewer_of_now() {
    let office = Office::open().await;
    let (site, bo) = (&office.site, office.site.bo.clone());
    let asked = site.propose("drop").await;
    // Signed while it all was well.
    let signed = office.statement(&bo, &asked, &office.bo).await;
    // A key that nobody vouches for gets no statement, and makes none of its own count.
    let new = Hand::new(3);
    office.offer(&bo, &new).await;
    let path = format!("/v1/escalations/{}/statements", asked["id"].as_str().unwrap());
    let early = site.post(&path, &bo, &json!({"decision": "approve", "key": new.id()})).await;
    refused(&early, "forbidden", "is not an enrolled key of yours");
    let mut as_new: Value = serde_json::from_str(&signed).unwrap();
    as_new["key"] = json!(new.id());
    let as_new = String::from_utf8(strict::canonical(&as_new)).unwrap();
    let unknown = office.approve(&bo, &asked, &as_new, &new).await;
    refused(&unknown, "forbidden", "is not an enrolled key of yours");
    // Another's hand under one's own name.
    let another = office.approve(&bo, &asked, &signed, &office.ana).await;
    refused(&another, "signature", "by another key");
    // Who decides no more.
    let (authority, name) = (site.engine.authority(), "bo".parse().unwrap());
    let reads = [Role::Auditor];
    authority.set_person(Actor::Operator, &name, &reads, &[], site.engine.now()).await.unwrap();
    let read_only = office.approve(&bo, &asked, &signed, &office.bo).await;
    refused(&read_only, "forbidden", "takes the role");
    let decides = [Role::Reviewer];
    authority.set_person(Actor::Operator, &name, &decides, &[], site.engine.now()).await.unwrap();
    // A token that only reads.
    let reads = site.post("/v1/tokens", &bo, &json!({"scopes": ["read"]})).await.json();
    let reads = reads["token"].as_str().unwrap();
    let weak = office.approve(reads, &asked, &signed, &office.bo).await;
    refused(&weak, "forbidden", "takes the role");
    // A key that was revoked since.
    let path = format!("/v1/keys/{}", office.bo.id());
    assert_eq!(site.delete(&path, &bo).await.status, StatusCode::NO_CONTENT);
    let revoked = office.approve(&bo, &asked, &signed, &office.bo).await;
    refused(&revoked, "forbidden", "is not an enrolled key of yours");
    office.is_untouched(&asked).await;
}

#[tokio::test]
async fn nothing_is_granted_on_a_signature_whose_key_was_revoked_before_the_last_one_came() {
    let office = Office::open().await;
    let (ana, bo) = (office.site.ana.clone(), office.site.bo.clone());
    let asked = office.site.propose("drop_all").await;
    let stolen = office.statement(&ana, &asked, &office.ana).await;
    let approved = office.approve(&ana, &asked, &stolen, &office.ana).await;
    assert_eq!(approved.json()["state"], "pending", "{approved:?}");
    let path = format!("/v1/keys/{}", office.ana.id());
    assert_eq!(office.site.delete(&path, &ana).await.status, StatusCode::NO_CONTENT);
    let bos = office.statement(&bo, &asked, &office.bo).await;
    let last = office.approve(&bo, &asked, &bos, &office.bo).await;
    refused(&last, "approval-lapsed", "with a key that was revoked since");
    assert_eq!(office.site.now(&asked).await["state"], "pending");
    // She takes it back and signs with a key that Bo vouches for.
    assert_eq!(office.site.decide(&ana, &asked, "retract").await.status, StatusCode::OK);
    let new = Hand::new(3);
    office.offer(&ana, &new).await;
    let enrolment = office.enrolment(&new, &office.bo).await;
    assert_eq!(office.vouch(&bo, &new, &enrolment, &office.bo).await.status, StatusCode::OK);
    for (token, hand) in [(&ana, &new), (&bo, &office.bo)] {
        let signed = office.statement(token, &asked, hand).await;
        let approved = office.approve(token, &asked, &signed, hand).await;
        assert_eq!(approved.status, StatusCode::OK, "{approved:?}");
    }
    assert_eq!(office.site.now(&asked).await["outcome"], "granted");
}

#[tokio::test]
async fn what_was_signed_for_another_use_approves_nothing() {
    let office = Office::open().await;
    let ana = office.site.ana.clone();
    let asked = office.site.propose("drop").await;
    let signed = office.statement(&ana, &asked, &office.ana).await;
    let enrolment = office.enrolment(&office.bo, &office.ana).await;
    let uses =
        [Domain::Enrolment.tag(), Domain::Batch.tag(), "git", "file", "sayso-decision-v2", ""];
    for namespace in uses {
        let proof = office.ana.sign(namespace, &signed);
        let answer = office.send(&ana, &asked, &signed, &proof).await;
        refused(&answer, "signature", "namespace");
    }
    // The words of one use in the place of the other's.
    let proof = office.ana.sign(Domain::Enrolment.tag(), &enrolment);
    let answer = office.send(&ana, &asked, &enrolment, &proof).await;
    assert_eq!(answer.problem().2, "/signature/statement");
    let new = Hand::new(3);
    office.offer(&ana, &new).await;
    let path = format!("/v1/keys/{}/countersignatures", new.id());
    for (statement, namespace) in [
        (&signed, Domain::Decision.tag()),
        (&signed, Domain::Enrolment.tag()),
        (&office.enrolment(&new, &office.ana).await, Domain::Decision.tag()),
    ] {
        let body = json!({"statement": statement, "proof": office.ana.sign(namespace, statement)});
        let answer = office.site.post(&path, &ana, &body).await;
        assert_eq!(answer.problem().2, "/countersignature", "{answer:?}");
    }
    // A weak hash, and one that was put in another's place.
    for (hash, told) in
        [("sha1", "sha1"), ("sha256", "sha512"), ("sha512", "sha256"), ("md5", "md5")]
    {
        let proof = office.ana.sign_as(Domain::Decision.tag(), &signed, hash, told);
        let answer = office.send(&ana, &asked, &signed, &proof).await;
        refused(&answer, "signature", "");
    }
    // A proof of another kind than the key.
    let proof = json!({"kind": "passkey", "authenticator_data": "AA", "client_data_json": "AA",
                       "signature": "AA"});
    let answer = office.send(&ana, &asked, &signed, &proof).await;
    refused(&answer, "signature", "another kind");
    for odd in [json!({"kind": "none"}), json!({}), json!("ssh"), json!({"kind": "ssh"})] {
        let answer = office.send(&ana, &asked, &signed, &odd).await;
        assert_eq!(answer.problem().2, "/signature/proof", "{answer:?}");
    }
    office.is_untouched(&asked).await;
}
