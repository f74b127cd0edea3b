//! What a provider, or whoever passes for one, gets nobody in with.

use jiff::{SignedDuration, Timestamp};
use sayso_oidc::{Failure, Provider};
use serde_json::json;

use crate::liar::{CLIENT, Hand, Liar, attempt, back};

async fn bad_token(liar: &Liar, why: &str) {
    match liar.log_in().await {
        Err(Failure::BadToken(found)) => assert!(found.contains(why), "{found}, not {why}"),
        other => panic!("{other:?}, not a bad token: {why}"),
    }
}

async fn wrong_clock(liar: &Liar, claims: serde_json::Value) {
    liar.story().claims = claims.clone();
    let refused = liar.log_in().await;
    assert!(matches!(refused, Err(Failure::Clock(_))), "{claims}: {refused:?}");
}

#[tokio::test]
async fn a_token_with_another_nonce_or_none_is_refused() {
    let liar = Liar::start().await;
    liar.story().claims = json!({"nonce": "another"});
    bad_token(&liar, "nonce").await;
    liar.story().claims = json!({"nonce": null});
    bad_token(&liar, "nonce").await;
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused() {
    let liar = Liar::start().await;
    for audience in [json!("other"), json!([]), json!([CLIENT, "other"]), json!("Sayso")] {
        liar.story().claims = json!({"aud": audience});
        bad_token(&liar, "audience").await;
    }
    liar.story().claims = json!({"azp": "other"});
    bad_token(&liar, "party").await;
    liar.story().claims = json!({"aud": [CLIENT, CLIENT]});
    bad_token(&liar, "party").await;
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused() {
    let liar = Liar::start().await;
    for issuer in [format!("{}/", liar.url), "https://id.example".into(), String::new()] {
        liar.story().claims = json!({"iss": issuer});
        let refused = liar.log_in().await;
        assert!(refused.is_err(), "{issuer}: {refused:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_valid_now_is_refused() {
    let liar = Liar::start().await;
    let now = Timestamp::now().as_second();
    wrong_clock(&liar, json!({"exp": now - 61})).await;
    wrong_clock(&liar, json!({"iat": now + 75})).await;
    wrong_clock(&liar, json!({"nbf": now + 75})).await;
}

#[tokio::test]
async fn a_token_that_leaves_out_what_it_must_say_is_refused() {
    let liar = Liar::start().await;
    for claim in ["iss", "sub", "aud", "exp", "iat"] {
        liar.story().claims = json!({claim: null});
        assert!(liar.log_in().await.is_err(), "without {claim}");
    }
    for subject in [json!(""), json!("x".repeat(256)), json!(7), json!(["ana"])] {
        liar.story().claims = json!({"sub": subject});
        assert!(liar.log_in().await.is_err(), "{subject}");
    }
}

#[tokio::test]
async fn an_address_that_nobody_checked_names_nobody_and_no_name_says_who_somebody_is() {
    let liar = Liar::start().await;
    let told = |checked: bool| {
        json!({"preferred_username": null, "email": "ana@example.com", "email_verified": checked,
               "sub": "77"})
    };
    liar.story().claims = told(false);
    let unchecked = liar.log_in().await.unwrap();
    assert_eq!((&*unchecked.subject, unchecked.names), ("77", vec!["77".to_owned()]));
    liar.story().claims = told(true);
    let checked = liar.log_in().await.unwrap();
    assert_eq!((&*checked.subject, &*checked.names[0]), ("77", "ana@example.com"));
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let liar = Liar::start().await;
    liar.story().hand = Hand::None;
    bad_token(&liar, "No signature found").await;
}

#[tokio::test]
async fn a_token_signed_with_a_secret_is_refused_be_it_a_public_key_or_the_clients_own() {
    let liar = Liar::start().await;
    let public = liar.story().keys[0].to_string().into_bytes();
    for secret in [public, b"a secret".to_vec()] {
        liar.story().hand = Hand::Hmac(secret);
        bad_token(&liar, "HS256").await;
    }
}

#[tokio::test]
async fn a_token_signed_with_another_key_under_a_known_name_is_refused() {
    let liar = Liar::start().await;
    for hand in [Hand::p256(99), Hand::ed25519(99)] {
        liar.story().hand = hand;
        bad_token(&liar, "no key").await;
    }
}

#[tokio::test]
async fn a_login_without_an_id_token_is_refused() {
    let liar = Liar::start().await;
    liar.story().token = false;
    bad_token(&liar, "none").await;
}

#[tokio::test]
async fn another_access_token_than_the_id_token_names_is_refused() {
    let liar = Liar::start().await;
    liar.story().claims = json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"});
    bad_token(&liar, "another access token").await;
}

#[tokio::test]
async fn what_is_said_about_another_person_is_refused() {
    let liar = Liar::start().await;
    liar.retell(|story| {
        story.claims = json!({"groups": null});
        story.metadata["userinfo_endpoint"] = json!(format!("{}/userinfo", liar.url));
        story.user_info = Some(json!({"sub": "another", "groups": ["approvers"]}));
    });
    bad_token(&liar, "another").await;
    // And no text of its gets into a header.
    liar.story().access = "a\r\nb: c".into();
    bad_token(&liar, "can't be sent").await;
}

#[tokio::test]
async fn groups_left_out_let_nobody_in_as_somebody_without_groups() {
    let liar = Liar::start().await;
    liar.story().claims = json!({
        "groups": null, "_claim_names": {"groups": "far"}, "_claim_sources": {"far": {}},
    });
    assert_eq!(liar.log_in().await, Err(Failure::GroupsLeftOut));
}

#[tokio::test]
async fn another_browsers_answer_is_refused_before_the_provider_is_asked() {
    let liar = Liar::start().await;
    let provider = liar.provider();
    let (mine, theirs) = (attempt(1), attempt(2));
    let callback = liar.authorize(&provider, &theirs).await;
    let now = Timestamp::now();
    for answer in [callback.clone(), json!({"code": callback["code"]}), json!({})] {
        let refused = provider.finish(&mine, back(answer), now).await;
        assert_eq!(refused, Err(Failure::NotBegun));
    }
    assert!(liar.story().shown.is_empty());
}

#[tokio::test]
async fn an_answer_that_comes_late_is_refused() {
    let liar = Liar::start().await;
    let provider = liar.provider();
    let attempt = attempt(1);
    let callback = liar.authorize(&provider, &attempt).await;
    let late = Timestamp::now().saturating_add(SignedDuration::from_mins(11)).unwrap();
    let refused = provider.finish(&attempt, back(callback), late).await;
    assert_eq!(refused, Err(Failure::NotBegun));
}

#[tokio::test]
async fn a_code_gets_nobody_in_twice() {
    let liar = Liar::start().await;
    let provider = liar.provider();
    let attempt = attempt(1);
    let callback = liar.authorize(&provider, &attempt).await;
    let now = Timestamp::now();
    assert!(provider.finish(&attempt, back(callback.clone()), now).await.is_ok());
    let refused = provider.finish(&attempt, back(callback), now).await;
    assert_eq!(refused, Err(Failure::Refused("invalid_grant".into())));
}

#[tokio::test]
async fn a_code_slipped_in_from_another_login_is_refused() {
    let liar = Liar::start().await;
    let provider = liar.provider();
    let (mine, theirs) = (attempt(1), attempt(2));
    let mut callback = liar.authorize(&provider, &mine).await;
    callback["code"] = liar.authorize(&provider, &theirs).await["code"].clone();
    let refused = provider.finish(&mine, back(callback), Timestamp::now()).await;
    assert_eq!(refused, Err(Failure::Refused("invalid_grant".into())), "PKCE does not fit");
}

#[tokio::test]
async fn an_answer_of_another_provider_is_refused() {
    let liar = Liar::start().await;
    let provider = liar.provider();
    let attempt = attempt(1);
    let mut callback = liar.authorize(&provider, &attempt).await;
    callback["iss"] = json!("https://id.example");
    let now = Timestamp::now();
    let refused = provider.finish(&attempt, back(callback.clone()), now).await;
    assert_eq!(refused, Err(Failure::OtherProvider));
    callback.as_object_mut().unwrap().remove("iss");
    liar.story().metadata["authorization_response_iss_parameter_supported"] = json!(true);
    let refused = liar.provider().finish(&attempt, back(callback), now).await;
    assert_eq!(refused, Err(Failure::OtherProvider), "it would have said so");
    assert!(liar.story().shown.is_empty(), "the code went nowhere");
}

#[tokio::test]
async fn a_no_is_told_apart_and_what_anybody_may_have_written_is_cut_down() {
    let liar = Liar::start().await;
    let provider = liar.provider();
    let attempt = attempt(1);
    let mut callback = liar.authorize(&provider, &attempt).await;
    callback["error"] = json!("access_denied");
    let now = Timestamp::now();
    let refused = provider.finish(&attempt, back(callback.clone()), now).await;
    assert_eq!(refused, Err(Failure::Denied));
    callback["error"] = json!("<b>call 555-0100\u{202e}</b>");
    let refused = provider.finish(&attempt, back(callback), now).await;
    assert_eq!(refused, Err(Failure::Refused("bcall 5550100b".into())));
}

#[tokio::test]
async fn a_provider_that_goes_by_another_name_is_not_used() {
    let liar = Liar::start().await;
    liar.story().metadata["issuer"] = json!("https://id.example");
    let refused = liar.provider().try_out().await;
    assert!(matches!(refused, Err(Failure::Unusable(_))), "{refused:?}");
}

#[tokio::test]
async fn a_provider_that_would_have_secrets_sent_in_the_open_is_not_used() {
    let liar = Liar::start().await;
    for endpoint in ["token_endpoint", "authorization_endpoint", "userinfo_endpoint", "jwks_uri"] {
        let was = liar.story().metadata.clone();
        liar.story().metadata[endpoint] = json!("http://id.example/x");
        let refused = liar.provider().try_out().await.unwrap_err().to_string();
        assert!(refused.contains("http://id.example/x is neither https"), "{refused}");
        liar.story().metadata = was;
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_unreachable() {
    let liar = Liar::start().await;
    let settings = sayso_oidc::Settings { issuer: "http://127.0.0.1:1".into(), ..liar.settings() };
    let provider = Provider::new(settings, "http://127.0.0.1:1/login/oidc/callback").unwrap();
    let refused = provider.begin(&attempt(1)).await;
    assert!(matches!(refused, Err(Failure::Unreachable(_))), "{refused:?}");
}
