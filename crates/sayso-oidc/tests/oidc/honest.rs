//! What works while a provider tells the truth.

use jiff::Timestamp;
use sayso_oidc::{Failure, Identity, Provider};
use serde_json::json;

use crate::liar::{Hand, Liar, attempt};

fn ana(liar: &Liar) -> Identity {
    Identity {
        issuer: liar.url.clone(),
        subject: "248289761001".into(),
        names: vec!["ana".into(), "248289761001".into()],
        groups: vec!["approvers".into()],
    }
}

#[tokio::test]
async fn a_login_says_who_it_is_by_issuer_and_subject() {
    let liar = Liar::start().await;
    assert_eq!(liar.log_in().await, Ok(ana(&liar)));
}

#[tokio::test]
async fn keys_of_p256_and_ed25519_are_taken() {
    let liar = Liar::start().await;
    for hand in [Hand::p256(9), Hand::ed25519(9)] {
        liar.retell(|story| {
            story.keys = vec![Hand::p256(8).published("old"), hand.published("one")];
            story.hand = hand;
        });
        assert_eq!(liar.log_in().await, Ok(ana(&liar)));
    }
}

#[tokio::test]
async fn new_keys_are_fetched_once_when_a_token_is_signed_with_one() {
    let liar = Liar::start().await;
    let provider = liar.provider();
    assert_eq!(liar.log_in_with(&provider).await, Ok(ana(&liar)));
    assert_eq!(liar.story().fetched, 1);
    for (id, seed) in [("two", 21), ("two", 22)] {
        let hand = Hand::p256(seed);
        liar.retell(|story| {
            story.keys = vec![hand.published(id)];
            (story.hand, story.id, story.fetched) = (hand, Some(id.into()), 0);
        });
        assert_eq!(liar.log_in_with(&provider).await, Ok(ana(&liar)));
        assert_eq!(liar.story().fetched, 1);
    }
    liar.retell(|story| {
        (story.id, story.fetched) = (Some("three".into()), 0);
    });
    let refused = liar.log_in_with(&provider).await;
    assert!(matches!(refused, Err(Failure::BadToken(_))), "{refused:?}");
    assert_eq!(liar.story().fetched, 1, "and not again and again");
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let liar = Liar::start().await;
    let now = Timestamp::now().as_second();
    for fine in [json!({"exp": now - 50}), json!({"iat": now + 50}), json!({"nbf": now + 50})] {
        liar.story().claims = fine;
        assert_eq!(liar.log_in().await, Ok(ana(&liar)));
    }
}

#[tokio::test]
async fn the_secret_is_shown_as_the_provider_takes_it() {
    let liar = Liar::start().await;
    liar.log_in().await.unwrap();
    assert!(liar.story().shown.pop().unwrap().starts_with("Basic "));
    liar.story().metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    liar.log_in().await.unwrap();
    assert_eq!(liar.story().shown.pop().unwrap(), "posted a secret");
    let settings = sayso_oidc::Settings { client_secret: None, ..liar.settings() };
    let public = Provider::new(settings, "http://127.0.0.1:1/login/oidc/callback").unwrap();
    liar.log_in_with(&public).await.unwrap();
    assert_eq!(liar.story().shown.pop().unwrap(), "nothing");
}

#[tokio::test]
async fn groups_that_are_not_in_the_token_are_asked_for() {
    let liar = Liar::start().await;
    liar.retell(|story| {
        story.claims = json!({"groups": null, "preferred_username": null});
        story.metadata["userinfo_endpoint"] = json!(format!("{}/userinfo", liar.url));
        story.user_info = Some(json!({
            "sub": "248289761001", "groups": ["leads"], "email": "ana@example.com",
        }));
    });
    let identity = liar.log_in().await.unwrap();
    assert_eq!(identity.groups, ["leads"]);
    assert_eq!(identity.names[0], "ana@example.com");
}

#[tokio::test]
async fn the_scope_of_the_groups_is_asked_for_where_it_is_offered() {
    let liar = Liar::start().await;
    let asked = liar.provider().begin(&attempt(1)).await.unwrap();
    assert!(asked.contains("scope=openid+profile+email&"), "{asked}");
    liar.story().metadata["scopes_supported"] = json!(["openid", "groups"]);
    let asked = liar.provider().begin(&attempt(1)).await.unwrap();
    assert!(asked.contains("scope=openid+profile+email+groups&"), "{asked}");
}

#[tokio::test]
async fn a_provider_that_was_away_is_found_again() {
    let liar = Liar::start().await;
    let metadata = std::mem::replace(&mut liar.story().metadata, json!({}));
    let provider = liar.provider();
    assert!(matches!(provider.try_out().await, Err(Failure::Unreachable(_))));
    liar.story().metadata = metadata;
    // For a moment nobody asks again, so that a crowd does not wait for one that is down.
    assert!(matches!(provider.try_out().await, Err(Failure::Unreachable(_))));
    let found = async {
        while provider.try_out().await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), found).await.unwrap();
}
