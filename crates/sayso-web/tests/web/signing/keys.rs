//! Keys, attacked: one that vouches for itself, one for two people, the last one gone, and what a
//! thief makes of a session.

use axum::http::StatusCode;
use sayso_core::Period;
use sayso_core::credential::Role;
use serde_json::json;

use super::hands::Hand;
use super::{Office, refused};
use crate::inbox::{Browser, text};

#[tokio::test]
async fn nobody_vouches_for_a_key_but_by_a_key_that_counts_and_is_theirs() {
    let office = Office::open().await;
    let (site, ana, bo) = (&office.site, &office.site.ana, &office.site.bo);
    let new = Hand::new(3);
    office.offer(bo, &new).await;
    // By itself.
    let own = office.enrolment(&new, &new).await;
    refused(&office.vouch(bo, &new, &own, &new).await, "change-does-not-fit", "can't countersign");
    // By another that nobody vouches for.
    let second = Hand::new(4);
    office.offer(bo, &second).await;
    let by_second = office.enrolment(&new, &second).await;
    let answer = office.vouch(bo, &new, &by_second, &second).await;
    refused(&answer, "change-does-not-fit", "can't countersign");
    // By Ana's, sent in Bo's name; in Ana's, by Bo's hand.
    let by_ana = office.enrolment(&new, &office.ana).await;
    refused(&office.vouch(bo, &new, &by_ana, &office.ana).await, "not-found", "bo has no key");
    let forged = office.vouch(ana, &new, &by_ana, &office.bo).await;
    assert_eq!(forged.problem().2, "/countersignature");
    // What Ana signed for this key is none for another of the same person.
    let moved = office.vouch(ana, &second, &by_ana, &office.ana).await;
    assert_eq!(moved.problem().2, "/countersignature");
    assert!(moved.problem().3.contains("`key`"), "{moved:?}");
    // By a stranger's, and by an auditor's.
    let by_stranger = office.enrolment(&new, &Hand::new(9)).await;
    refused(&office.vouch(bo, &new, &by_stranger, &Hand::new(9)).await, "not-found", "no key");
    let (aud, auds) = (site.person("aud", Role::Auditor).await, Hand::new(5));
    office.offer(&aud, &auds).await;
    let enrolment = office.enrolment(&auds, &office.ana).await;
    let vouched = office.vouch(ana, &auds, &enrolment, &office.ana).await;
    assert_eq!(vouched.status, StatusCode::OK, "{vouched:?}");
    let by_auditor = office.enrolment(&new, &auds).await;
    let answer = office.vouch(&aud, &new, &by_auditor, &auds).await;
    refused(&answer, "change-does-not-fit", "is no reviewer");
    // A day later it is too old.
    site.clock.advance(Period::from_secs(24 * 3_600));
    site.engine.clock_moved();
    let late = office.vouch(ana, &new, &by_ana, &office.ana).await;
    assert!(late.problem().3.contains("`issued_at`"), "{late:?}");
    // And sent once, it is not sent again.
    let anew = office.enrolment(&new, &office.ana).await;
    assert_eq!(office.vouch(ana, &new, &anew, &office.ana).await.status, StatusCode::OK);
    refused(&office.vouch(ana, &new, &anew, &office.ana).await, "already-there", "enrolled");
}

#[tokio::test]
async fn a_key_is_one_persons_for_ever_and_of_a_kind_that_is_taken() {
    let office = Office::open().await;
    let (ana, bo) = (&office.site.ana, &office.site.bo);
    refused(&office.offer(ana, &office.bo).await, "already-there", "known already");
    let path = format!("/v1/keys/{}", office.bo.id());
    // Ana may not take it away from him, and once it is gone it is nobody's.
    refused(&office.site.delete(&path, ana).await, "forbidden", "");
    assert_eq!(office.site.delete(&path, bo).await.status, StatusCode::NO_CONTENT);
    for token in [ana, bo] {
        refused(&office.offer(token, &office.bo).await, "already-there", "known already");
    }
    let rsa = include_str!("../../../../sayso-core/tests/core/signature/vectors/ssh/rsa.pub");
    let p384 = include_str!("../../../../sayso-core/tests/core/signature/vectors/ssh/p384.pub");
    let options = format!("command=\"/bin/sh\" {}", Hand::new(7).line());
    for line in [rsa, p384, &options, "ssh-ed25519 AAAA", ""] {
        let answer = office.site.post("/v1/keys", ana, &json!({"public_key": line})).await;
        assert_eq!((answer.problem().0, &*answer.problem().2), (400, "/public_key"), "{line}");
    }
}

#[tokio::test]
async fn without_a_key_that_counts_nobody_becomes_the_first_again() {
    let office = Office::open().await;
    let (site, ana, bo) = (&office.site, &office.site.ana, &office.site.bo);
    for (token, hand) in [(ana, &office.ana), (bo, &office.bo)] {
        let path = format!("/v1/keys/{}", hand.id());
        assert_eq!(site.delete(&path, token).await.status, StatusCode::NO_CONTENT);
    }
    let new = Hand::new(3);
    office.offer(ana, &new).await;
    let browser = Browser::logged_in(site, "ana").await;
    let page = browser.submits(&format!("/inbox/keys/{}/root", new.id()), &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(text(&page).contains("the organisation must countersign it"), "{}", text(&page));
    let by_old = office.enrolment(&new, &office.ana).await;
    let answer = office.vouch(ana, &new, &by_old, &office.ana).await;
    refused(&answer, "change-does-not-fit", "not enrolled");
}

#[tokio::test]
async fn a_stolen_session_signs_nothing_by_a_key_of_the_thiefs() {
    let office = Office::open().await;
    let (site, ana) = (&office.site, &office.site.ana);
    let asked = site.propose("drop").await;
    let (thief, hand) = (Browser::logged_in(site, "bo").await, Hand::new(3));
    let line = hand.line();
    let offered = thief.submits("/inbox/keys/ssh", &[("public_key", &line)]).await;
    assert_eq!(offered.status, StatusCode::SEE_OTHER);
    let (id, root) = (hand.id(), format!("/inbox/keys/{}/root", hand.id()));
    assert_eq!(thief.submits(&root, &[]).await.status, StatusCode::CONFLICT);
    // A token that the session makes can do no more than the session.
    let page =
        thief.submits("/inbox/me/tokens", &[("scope", "administer"), ("scope", "decide")]).await;
    let start = text(&page).find("sayso_reviewer_").unwrap();
    let token = text(&page)[start..].split('<').next().unwrap().trim().to_owned();
    let own = office.enrolment(&hand, &hand).await;
    refused(&office.vouch(&token, &hand, &own, &hand).await, "change-does-not-fit", "countersign");
    let path = format!("/v1/escalations/{}/statements", asked["id"].as_str().unwrap());
    let wanted = json!({"decision": "approve", "key": id});
    refused(&site.post(&path, &token, &wanted).await, "forbidden", "is not an enrolled key");
    let plain = site.decide(&token, &asked, "approve").await;
    refused(&plain, "too-weak", "signed");
    // Bo finds it among his keys, and it goes by his word.
    let listed = site.get("/v1/keys", &site.bo).await.json().to_string();
    assert!(listed.contains(&id.to_string()), "{listed}");
    assert_eq!(site.delete(&format!("/v1/keys/{id}"), &site.bo).await.status, 204);
    let by_ana = json!({"by": office.ana.id()});
    let gone = site.post(&format!("/v1/keys/{id}/statements"), ana, &by_ana).await;
    refused(&gone, "not-found", "no key");
    office.is_untouched(&asked).await;
}
