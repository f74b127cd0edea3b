//! Passkeys, attacked: what another site, another ceremony, another person or an absent one signed.

mod authenticator;

use axum::http::StatusCode;
use sayso_core::Period;
use sayso_core::signature::Base64Url;
use sayso_engine::Actor;
use sayso_web::api::RateLimit;
use serde_json::{Value, json};

use super::POLICY;
use crate::inbox::{Browser, hidden, text};
use crate::site::{Answer, Site};
use authenticator::{Authenticator, PRESENT, VERIFIED};

const HOME: &str = "http://localhost:7717";

async fn site() -> Site {
    Site::with(POLICY, RateLimit::new(None)).await.under(HOME)
}

/// What a page asks an authenticator for: its challenge, and the ticket that goes with it.
fn asked_for(page: &str, what: &str) -> (Vec<u8>, String) {
    let (_, form) = page.split_once(&format!("data-passkey=\"{what}\"")).unwrap();
    let (_, challenge) = form.split_once("challenge&#34;:&#34;").unwrap();
    (decoded(challenge.split('&').next().unwrap()), hidden(form, "ticket"))
}

fn decoded(text: &str) -> Vec<u8> {
    text.parse::<Base64Url>().unwrap().as_bytes().to_vec()
}

async fn register(browser: &Browser<'_>, ticket: &str, made: &Value) -> Answer {
    let made = made.to_string();
    browser.submits("/inbox/keys/passkeys", &[("ticket", ticket), ("credential", &made)]).await
}

async fn log_in(site: &Site, ticket: &str, signed: &Value) -> Answer {
    let signed = signed.to_string();
    let fields = [("ticket", ticket), ("credential", &*signed)];
    Browser::new(site).post("/login/passkey", &fields).await
}

async fn door(site: &Site) -> (Vec<u8>, String) {
    asked_for(&Browser::new(site).text("/login").await, "get")
}

/// Has somebody who is logged in make a passkey honestly.
async fn passkey(site: &Site, person: &str, key: &Authenticator) {
    let browser = Browser::logged_in(site, person).await;
    let (challenge, ticket) = asked_for(&browser.text("/inbox/keys").await, "create");
    let made = register(&browser, &ticket, &key.make(&challenge)).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{made:?}");
}

/// Lies of an authenticator or of the browser around it, and what they are told.
fn lies(honest: &Authenticator) -> Vec<(Authenticator, &'static str)> {
    let with = |change: fn(&mut Authenticator)| {
        let mut lying = honest.clone();
        change(&mut lying);
        lying
    };
    vec![
        (with(|it| it.origin = "https://evil.example".into()), "was made at the origin"),
        (with(|it| it.origin = "http://localhost:7718".into()), "was made at the origin"),
        (with(|it| it.origin = "http://127.0.0.1:7717".into()), "was made at the origin"),
        (with(|it| it.cross_origin = true), "within another site"),
        (with(|it| it.rp = "evil.example".into()), "for another relying party"),
        (with(|it| it.flags = VERIFIED), "nobody was present"),
        (with(|it| it.flags = PRESENT), "did not verify the person"),
        (with(|it| it.flags = 0), "nobody was present"),
        (with(|it| it.kind = Some("payment.get")), "data are of the type"),
    ]
}

#[tokio::test]
async fn a_passkey_is_made_by_who_was_asked_here_and_now() {
    let site = site().await;
    let honest = Authenticator::new(1);
    let browser = Browser::logged_in(&site, "ana").await;
    let (challenge, ticket) = asked_for(&browser.text("/inbox/keys").await, "create");
    let refused = async |browser: &Browser<'_>, made: &Value, words: &str| {
        let answer = register(browser, &ticket, made).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{answer:?}");
        assert!(text(&answer).contains(words), "{words}: {}", text(&answer));
    };
    for (lying, words) in lies(&honest) {
        refused(&browser, &lying.make(&challenge), words).await;
    }
    let as_login = Authenticator { kind: Some("webauthn.get"), ..honest.clone() };
    refused(&browser, &as_login.make(&challenge), "data are of the type").await;
    // What Ana was asked for is nothing that Bo makes; neither is what a login asks for.
    let bo = Browser::logged_in(&site, "bo").await;
    refused(&bo, &honest.make(&challenge), "over another challenge").await;
    let (login, _) = door(&site).await;
    refused(&browser, &honest.make(&login), "over another challenge").await;
    // An RSA key, a key of another algorithm than it says, an attestation with nothing in it.
    let (rsa, confused) = ([1, 3, 3, 0x39, 1, 0], [1, 1, 3, 0x26, 0x20, 6]);
    for cose in [&rsa[..], &confused, &[]] {
        let odd = Authenticator { cose: Some(cose.to_vec()), ..honest.clone() };
        let answer = register(&browser, &ticket, &odd.make(&challenge)).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{answer:?}");
    }
    assert_eq!(site.get("/v1/keys", &site.ana).await.json()["items"], json!([]));
    site.clock.advance(Period::from_secs(5 * 60));
    site.engine.clock_moved();
    refused(&browser, &honest.make(&challenge), "too old").await;
    passkey(&site, "ana", &honest).await;
    // The same key is nobody else's, too.
    let bo = Browser::logged_in(&site, "bo").await;
    let (challenge, ticket) = asked_for(&bo.text("/inbox/keys").await, "create");
    let again = register(&bo, &ticket, &honest.make(&challenge)).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(text(&again).contains("known already"), "{}", text(&again));
}

#[tokio::test]
async fn a_passkey_logs_in_its_own_person_once_for_what_it_was_asked() {
    let site = site().await;
    let (ana, bo) = (Authenticator::new(1), Authenticator::new(2));
    passkey(&site, "ana", &ana).await;
    passkey(&site, "bo", &bo).await;
    let (challenge, ticket) = door(&site).await;
    let refused = async |ticket: &str, signed: &Value, words: &str| {
        let answer = log_in(&site, ticket, signed).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{words}: {answer:?}");
        assert!(text(&answer).contains(words), "{words}: {}", text(&answer));
        assert!(!answer.headers.contains_key("set-cookie"), "{answer:?}");
    };
    for (lying, words) in lies(&ana) {
        refused(&ticket, &lying.sign(&challenge), words).await;
    }
    let as_new = Authenticator { kind: Some("webauthn.create"), ..ana.clone() };
    refused(&ticket, &as_new.sign(&challenge), "data are of the type").await;
    let browser = Browser::logged_in(&site, "ana").await;
    let (registration, _) = asked_for(&browser.text("/inbox/keys").await, "create");
    refused(&ticket, &ana.sign(&registration), "over another challenge").await;
    refused(&ticket, &ana.sign(&door(&site).await.0), "over another challenge").await;
    refused(&ticket, &Authenticator::new(3).sign(&challenge), "nobody here has this passkey").await;
    // Bo's hand under the name of Ana's key.
    let posing = Authenticator { credential: ana.credential.clone(), ..bo.clone() };
    refused(&ticket, &posing.sign(&challenge), "does not fit").await;
    for odd in ["", "AAAA", &ticket[1..]] {
        let answer = log_in(&site, odd, &ana.sign(&challenge)).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{odd}");
    }

    // Whom the authenticator takes it for is not looked at, only whose key it is.
    let mut signed = ana.sign(&challenge);
    signed["response"]["userHandle"] = json!(Base64Url::from(&b"bo"[..]));
    let let_in = log_in(&site, &ticket, &signed).await;
    let first = Browser::let_in(&site, &let_in);
    assert!(first.text("/inbox/me").await.contains("ana"));
    refused(&ticket, &signed, "too old").await;

    // A counter that goes back is no reason to shut anybody out: synced passkeys have none.
    for counter in [7, 3, 0] {
        let (challenge, ticket) = door(&site).await;
        let counting = Authenticator { counter, ..ana.clone() };
        let let_in = log_in(&site, &ticket, &counting.sign(&challenge)).await;
        assert_eq!(let_in.status, StatusCode::SEE_OTHER, "{counter}");
    }

    // With the key, whoever came in by it is out.
    let key = site.get("/v1/keys", &site.ana).await.json();
    let keys = key["items"].as_array().unwrap().iter();
    let key = keys.clone().find(|key| key["person"] == "ana").unwrap()["id"].as_str().unwrap();
    assert_eq!(site.delete(&format!("/v1/keys/{key}"), &site.ana).await.status, 204);
    assert_eq!(first.get("/inbox").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/inbox").await.status, StatusCode::OK, "that came in by a link");
    let (challenge, ticket) = door(&site).await;
    refused(&ticket, &ana.sign(&challenge), "nobody here has this passkey").await;

    // And whoever may do nothing any more does not come in by their key.
    let (bos, now) = ("bo".parse().unwrap(), site.engine.now());
    site.engine.authority().set_person(Actor::Operator, &bos, &[], &[], now).await.unwrap();
    let (challenge, ticket) = door(&site).await;
    refused(&ticket, &bo.sign(&challenge), "bo has no role here any more").await;
}

/// What a page of that session is to have signed.
struct ToSign {
    statements: Vec<String>,
    challenge: Vec<u8>,
}

impl ToSign {
    fn read(answer: &Answer) -> Self {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let to_sign = answer.json();
        let statements = to_sign["statements"].as_array().unwrap().iter();
        Self {
            statements: statements.map(|text| text.as_str().unwrap().to_owned()).collect(),
            challenge: decoded(to_sign["options"]["challenge"].as_str().unwrap()),
        }
    }
}

fn inbox(asked: &Value, what: &str) -> String {
    format!("/inbox/{}/{what}", asked["id"].as_str().unwrap())
}

async fn to_sign(browser: &Browser<'_>, asked: &Value) -> ToSign {
    let fields = [("decision", "approve"), ("digest", asked["digest"].as_str().unwrap())];
    ToSign::read(&browser.submits(&inbox(asked, "statements"), &fields).await)
}

async fn several(browser: &Browser<'_>, asked: &[&Value]) -> Answer {
    let chosen = asked.iter().map(|asked| {
        format!("{} {}", asked["id"].as_str().unwrap(), asked["digest"].as_str().unwrap())
    });
    let chosen: Vec<_> = chosen.collect();
    let fields: Vec<_> = chosen.iter().map(|chosen| ("approve", &**chosen)).collect();
    browser.submits("/inbox/sign/statements", &fields).await
}

async fn send(browser: &Browser<'_>, path: &str, statements: &[String], signed: &Value) -> Answer {
    let (statements, signed) = (json!(statements).to_string(), signed.to_string());
    let fields = [("decision", "approve"), ("statements", &*statements), ("credential", &*signed)];
    browser.submits(path, &fields).await
}

/// Ana with the first key of all, and her browser.
async fn signer(site: &Site) -> (Authenticator, Browser<'_>) {
    let ana = Authenticator::new(1);
    passkey(site, "ana", &ana).await;
    let key = site.get("/v1/keys", &site.ana).await.json()["items"][0]["id"].clone();
    let (key, now) = (key.as_str().unwrap().parse().unwrap(), site.engine.now());
    site.engine.authority().enrol_first(Actor::Operator, key, now).await.unwrap();
    (ana, Browser::logged_in(site, "ana").await)
}

#[tokio::test]
async fn what_a_passkey_signed_elsewhere_or_for_something_else_approves_nothing() {
    let site = site().await;
    let (ana, browser) = signer(&site).await;
    let (asked, twin) = (site.propose("drop").await, site.propose("drop").await);
    let wanted = to_sign(&browser, &asked).await;
    let path = inbox(&asked, "decisions");
    let refused = async |statements: &[String], signed: &Value, words: &str| {
        let answer = send(&browser, &path, statements, signed).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{words}: {answer:?}");
        assert!(text(&answer).contains(words), "{words}: {}", text(&answer));
        assert_eq!(site.now(&asked).await["version"], asked["version"]);
    };
    for (lying, words) in lies(&ana) {
        refused(&wanted.statements, &lying.sign(&wanted.challenge), words).await;
    }
    let as_new = Authenticator { kind: Some("webauthn.create"), ..ana.clone() };
    refused(&wanted.statements, &as_new.sign(&wanted.challenge), "data are of the type").await;
    let another = Authenticator { credential: ana.credential.clone(), ..Authenticator::new(2) };
    refused(&wanted.statements, &another.sign(&wanted.challenge), "does not fit").await;
    // What was signed to log in, to make a key, or about the other one.
    let login = door(&site).await.0;
    refused(&wanted.statements, &ana.sign(&login), "over another challenge").await;
    let create = asked_for(&browser.text("/inbox/keys").await, "create").0;
    refused(&wanted.statements, &ana.sign(&create), "over another challenge").await;
    let twins = to_sign(&browser, &twin).await;
    refused(&wanted.statements, &ana.sign(&twins.challenge), "over another challenge").await;
    refused(&twins.statements, &ana.sign(&twins.challenge), "is not that of what is decided").await;
    // And none of it logs anybody in.
    let (_, ticket) = door(&site).await;
    let signed = ana.sign(&wanted.challenge);
    assert_eq!(log_in(&site, &ticket, &signed).await.status, StatusCode::UNAUTHORIZED);
    let done = send(&browser, &path, &wanted.statements, &signed).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    assert_eq!(site.now(&asked).await["outcome"], "granted");
}

#[tokio::test]
async fn of_what_is_signed_at_once_nothing_is_put_in_or_taken_for_another() {
    let site = site().await;
    let (ana, browser) = signer(&site).await;
    let mut asked = Vec::new();
    for number in 0..11 {
        asked.push(site.ask(json!({"action": {"tool": "drop", "arguments": {"n": number}}})).await);
    }
    let all: Vec<&Value> = asked.iter().collect();
    assert_eq!(several(&browser, &all).await.status, StatusCode::BAD_REQUEST, "eleven");
    assert_eq!(several(&browser, &[]).await.status, StatusCode::BAD_REQUEST, "none");
    let one = ToSign::read(&several(&browser, &all[..2]).await);
    let other = ToSign::read(&several(&browser, &all[2..4]).await);
    let signed = ana.sign(&one.challenge);
    let [a, b, c] =
        [&one.statements[0], &one.statements[1], &other.statements[0]].map(Clone::clone);
    let mut eleven = one.statements.clone();
    for asked in &all[2..] {
        eleven.extend(to_sign(&browser, asked).await.statements);
    }
    let refused = [
        // A third, one for another, in another order, one alone, one twice, and more than ten.
        vec![a.clone(), b.clone(), c.clone()],
        vec![a.clone(), c.clone()],
        vec![b.clone(), a.clone()],
        vec![a.clone()],
        vec![a.clone(), a.clone()],
        eleven,
        vec![c],
        other.statements.clone(),
    ];
    for statements in refused {
        let answer = send(&browser, "/inbox/sign", &statements, &signed).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
        for asked in &asked {
            assert_eq!(site.now(asked).await["version"], asked["version"], "{statements:?}");
        }
    }
    let done = send(&browser, "/inbox/sign", &one.statements, &signed).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    let mut outcomes = Vec::new();
    for asked in &asked[..3] {
        outcomes.push(site.now(asked).await["outcome"].clone());
    }
    assert_eq!(outcomes, [json!("granted"), json!("granted"), Value::Null]);
    let again = send(&browser, "/inbox/sign", &one.statements, &signed).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "once");
}
