//! Passkeys in a real browser, with its virtual authenticator.

use axum::http::Method;
use fantoccini::Locator;
use fantoccini::wd::WebDriverCompatibleCommand;
use sayso_core::directory::{Countersigned, Standing};
use sayso_core::signature::PersonKey;
use sayso_web::api::RateLimit;
use serde_json::{Value, json};
use url::Url;

use crate::browser::{Browser, DESK, card};
use crate::site::Site;

const POLICY: &str = r#"
[[rule]]
tool = "drop"
tier = "hard"
assurance = "signed"
"#;

/// Gives the browser an authenticator that always consents.
#[derive(Debug)]
struct AddAuthenticator {
    /// Whether it verifies whose finger it is.
    verifies: bool,
}

impl WebDriverCompatibleCommand for AddAuthenticator {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/webauthn/authenticator", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let authenticator = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserConsenting": true, "isUserVerified": self.verifies,
        });
        (Method::POST, Some(authenticator.to_string()))
    }
}

async fn site() -> Site {
    Site::with(POLICY, RateLimit::default()).await
}

impl Browser {
    async fn authenticator(&self, verifies: bool) {
        self.client.issue_cmd(AddAuthenticator { verifies }).await.unwrap();
    }

    /// Adds a passkey and makes it the first key of all.
    async fn first_key(&self) {
        self.authenticator(true).await;
        self.go("/inbox/keys").await;
        self.press("Add a passkey").await;
        self.see(".list .card.key").await;
        self.press("Make it the first").await;
        self.until("return document.body.innerText.includes('The first key of all, enrolled')")
            .await;
    }

    /// Chooses to approve a card, and confirms.
    async fn approve(&self, card: &str) {
        self.see(&format!("{card} label.yes")).await.click().await.unwrap();
        self.settled().await;
        let confirm = self.see(&format!("{card} .confirm button")).await;
        confirm.click().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_logs_in_and_signs_a_hard_approval() {
    let site = site().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    browser.first_key().await;

    browser.press("Log out").await;
    browser.see("form[action='/login/passkey']").await;
    browser.press("Log in with a passkey").await;
    browser.connected().await;
    assert!(browser.text(".top .me").await.contains("ana"));

    let drop = site.propose("drop").await;
    let card = card(&drop);
    browser.see(&card).await;
    browser.approve(&card).await;
    browser.see(".done .outcome").await;
    let now = site.now(&drop).await;
    assert_eq!((&now["outcome"], &now["basis"]), (&json!("granted"), &json!("decision")));
    assert_eq!(now["decisions"][0]["assurance"], "signed", "{now}");

    // What was signed can be checked with nothing but the key.
    let directory = site.engine.authority().directory().await.unwrap();
    let (_, key) = directory.keys().next().unwrap();
    let id = drop["id"].as_str().unwrap().parse().unwrap();
    let record = site.engine.get(id).await.unwrap();
    let signed = record.history.iter().find_map(|past| sayso_engine::Record::remark(past)?.signed);
    let signed = signed.expect("the signature is kept");
    assert_eq!(signed.signature.verify(&key.key, &signed.statement.bytes()), Ok(()));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_that_counts_approving_is_explained_and_refusing_is_not_held_up() {
    let site = site().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    let drop = site.propose("drop").await;
    let card = card(&drop);
    let note = browser.see(&format!("{card} .problem")).await.text().await.unwrap();
    assert!(note.contains("takes a signature"), "{note}");
    browser.approve(&card).await;
    browser.until("return document.body.innerText.includes('Nothing was changed')").await;
    assert_eq!(site.now(&drop).await["state"], "pending");

    browser.first_key().await;
    browser.go("/inbox").await;
    browser.connected().await;
    browser.see(&format!("{card} label.no")).await.click().await.unwrap();
    browser.settled().await;
    browser.see(&format!("{card} .confirm button")).await.click().await.unwrap();
    browser.see(".done .outcome").await;
    assert_eq!(site.now(&drop).await["outcome"], "denied");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_that_verifies_nobody_makes_no_passkey() {
    let site = site().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    browser.authenticator(false).await;
    browser.go("/inbox/keys").await;
    browser.press("Add a passkey").await;
    browser.see(".ceremony.problem:not([hidden])").await;
    let directory = site.engine.authority().directory().await.unwrap();
    assert_eq!(directory.keys().count(), 0);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_vouches_for_anothers_key_and_a_revoked_key_is_none() {
    let site = site().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    browser.first_key().await;
    let bos = PersonKey::Ssh(BOS.parse().unwrap());
    let (authority, now) = (site.engine.authority(), site.engine.now());
    let bo = authority.bearer(&site.bo, now).await.unwrap();
    let Some(sayso_engine::Account::Person(bo)) = bo else { panic!("bo is a person") };
    authority.offer_key((&bo).into(), bo.name(), &bos, now).await.unwrap();

    browser.go("/inbox/keys").await;
    let print = browser.text(&format!("#k-{} .print", bos.id())).await;
    assert_eq!(print, bos.fingerprint());
    browser.press("This is bo").await;
    browser.until("return !document.body.innerText.includes('Nobody vouches for these yet')").await;
    let directory = authority.directory().await.unwrap();
    let Standing::Enrolled { countersigned, .. } = &directory.key(bos.id()).unwrap().standing
    else {
        panic!("it is not enrolled");
    };
    let Countersigned::Reviewer { name, .. } = countersigned else { panic!("{countersigned:?}") };
    assert_eq!(name.as_str(), "ana");

    browser.press("Revoke it").await;
    browser.until("return document.body.innerText.includes('You have no key yet')").await;
    browser.press("Log out").await;
    browser.see("form[action='/login/passkey']").await;
    browser.press("Log in with a passkey").await;
    browser.until("return document.body.innerText.includes('nobody here has this passkey')").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_signed_at_once_once_each_was_opened() {
    let site = site().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    browser.first_key().await;
    let mut drops = Vec::new();
    for _ in 0..3 {
        let drop = json!({"action": {"tool": "drop", "arguments": {"name": drops.len()}}});
        drops.push(site.ask(drop).await);
    }
    browser.go("/inbox/sign").await;
    browser.connected().await;
    let boxes = "[name=approve]";
    assert_eq!(browser.count(&format!("{boxes}:disabled")).await, 3, "nothing was opened");
    for drop in &drops[..2] {
        let id = drop["id"].as_str().unwrap();
        let pick = format!("//details[.//*[@id='e-{id}']]");
        let pick = browser.client.find(Locator::XPath(&pick)).await.unwrap();
        pick.find(Locator::Css("summary")).await.unwrap().click().await.unwrap();
        let chosen = format!("[name=approve][value^='{id}']:enabled");
        browser.see(&chosen).await.click().await.unwrap();
    }
    assert_eq!(browser.count(&format!("{boxes}:disabled")).await, 1);
    browser.settled().await;
    browser.press("Sign and approve").await;
    browser.until("return location.pathname === '/inbox'").await;
    let mut outcomes = Vec::new();
    for drop in &drops {
        outcomes.push(site.now(drop).await["outcome"].clone());
    }
    assert_eq!(outcomes, [json!("granted"), json!("granted"), Value::Null]);

    // Each can be checked alone.
    let directory = site.engine.authority().directory().await.unwrap();
    let (_, key) = directory.keys().next().unwrap();
    for drop in &drops[..2] {
        let id = drop["id"].as_str().unwrap().parse().unwrap();
        let record = site.engine.get(id).await.unwrap();
        let signed =
            record.history.iter().find_map(|past| sayso_engine::Record::remark(past)?.signed);
        let signed = signed.expect("the signature is kept");
        assert!(signed.signature.batch.is_some());
        assert_eq!(signed.signature.verify(&key.key, &signed.statement.bytes()), Ok(()));
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_passkey_logs_in_once() {
    let site = site().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    browser.first_key().await;
    browser.press("Log out").await;
    browser.see("form[data-passkey]").await;
    // What the form would send, sent twice.
    let twice = r#"
        const done = arguments[arguments.length - 1];
        (async () => {
            const form = document.querySelector("form[data-passkey]");
            const options = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(form.dataset.options));
            const credential = await navigator.credentials.get({ publicKey: options });
            const body = new URLSearchParams(new FormData(form));
            body.set("credential", JSON.stringify(credential.toJSON()));
            const send = () => fetch("/login/passkey", { method: "POST", body });
            const answers = [await send(), await send()];
            done(answers.map((answer) => answer.status));
        })().catch((error) => done(String(error)));
    "#;
    let answers = browser.client.execute_async(twice, Vec::new()).await.unwrap();
    assert_eq!(answers, json!([200, 401]), "the first one led to the inbox");
    browser.close().await;
}

const BOS: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILdMjazyF3W2e5VCPRpZu4UvKmv+lWFdKKOPbdRZ3nvv";
