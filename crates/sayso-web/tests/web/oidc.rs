//! Logging in at a real provider (npm `oidc-provider`, certified by the `OpenID` Foundation), run on
//! this machine: see `scripts/setup`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use sayso_core::credential::Role;
use sayso_core::{Period, ReviewerName};
use sayso_engine::Actor;
use sayso_oidc::{Provider, Secret, Settings, Terms};
use sayso_web::inbox::{CALLBACK, SignOn};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::browser::{Browser, DESK};
use crate::site::{Answer, Site, address};

/// The provider's process. It ends with its input.
struct Real {
    issuer: String,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Real {
    async fn start(site: &str) -> Self {
        let cache = || {
            let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
            cache.unwrap_or_else(home).join("sayso/oidc-provider")
        };
        let folder = std::env::var_os("SAYSO_TEST_OIDC").map_or_else(cache, PathBuf::from);
        assert!(folder.join("node_modules/oidc-provider").exists(), "see scripts/setup");
        let mut process = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/web/oidc/provider.mjs"))
            .arg(folder)
            .arg(format!("{site}{CALLBACK}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node is needed: see scripts/setup");
        let input = process.stdin.take().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = output.next_line().await.unwrap().expect("the provider starts");
        Self { issuer, input, output, _process: process }
    }

    async fn tell(&mut self, what: Value) {
        self.input.write_all(format!("{what}\n").as_bytes()).await.unwrap();
        assert_eq!(self.output.next_line().await.unwrap().as_deref(), Some("done"));
    }

    async fn put(&mut self, person: &str, groups: &[&str]) {
        self.tell(json!({"groups": {person: groups}})).await;
    }

    fn sign_on(&self, site: &str) -> SignOn {
        sign_on(&self.issuer, site)
    }
}

fn sign_on(issuer: &str, site: &str) -> SignOn {
    let given = |group: &str| vec![group.to_owned()];
    let roles = BTreeMap::from([
        (Role::Reviewer, given("approvers")),
        (Role::PolicyAdmin, given("lawyers")),
    ]);
    let groups = BTreeMap::from([("leads".parse().unwrap(), given("heads"))]);
    let settings = Settings {
        issuer: issuer.to_owned(),
        name: "Example".into(),
        client_id: "sayso".into(),
        client_secret: Some(Secret::new("not-a-secret")),
        scopes: Vec::new(),
        groups_claim: "groups".into(),
        terms: Terms::new(roles, groups),
        authorities: Vec::new(),
    };
    SignOn::new(Provider::new(settings, &format!("{site}{CALLBACK}")).unwrap())
}

/// A site with a real provider beside it, and a browser.
async fn with_provider() -> (Site, Real, Browser) {
    let (listener, url) = address().await;
    let real = Real::start(&url).await;
    let site = Site::new().await.at(&url, real.sign_on(&url));
    // The provider goes by the time that it is.
    let behind = jiff::Timestamp::now().as_second() - site.engine.now().as_second();
    site.clock.advance(Period::from_secs(behind.unsigned_abs()));
    site.engine.clock_moved();
    site.serve_on(listener);
    let browser = Browser::start(url, DESK).await;
    (site, real, browser)
}

impl Browser {
    /// Goes through the provider's own pages.
    async fn log_in_at_provider(&self, person: &str) {
        self.go("/login").await;
        self.see("a[href='/login/oidc']").await.click().await.unwrap();
        self.see("input[name=login]").await.send_keys(person).await.unwrap();
        self.see("input[name=password]").await.send_keys("anything").await.unwrap();
        self.press("Sign-in").await;
        self.consent().await;
    }

    /// Says yes to what the provider would tell, if it asks.
    async fn consent(&self) {
        self.see("form[action*=interaction] input[value=consent], main").await;
        if self.count("input[value=consent]").await > 0 {
            self.press("Continue").await;
        }
    }

    async fn log_out(&self) {
        self.go("/inbox").await;
        self.see("form[action='/logout'] button").await.click().await.unwrap();
        self.see("a[href='/login/oidc']").await;
    }
}

async fn roles(site: &Site, person: &str) -> Option<(Vec<Role>, Vec<String>)> {
    let directory = site.engine.authority().directory().await.unwrap();
    let member = directory.person(&person.parse().unwrap())?;
    let groups = member.groups.iter().map(ToString::to_string);
    Some((member.roles.clone(), groups.collect()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_at_a_real_provider_and_is_what_their_groups_say_each_time() {
    let (site, mut real, browser) = with_provider().await;
    real.put("pia", &["approvers", "heads", "others"]).await;
    browser.log_in_at_provider("pia").await;
    browser.connected().await;
    assert!(browser.text("body").await.contains("pia"));
    assert_eq!(roles(&site, "pia").await, Some((vec![Role::Reviewer], vec!["leads".into()])));
    let drop = site.propose("drop").await;
    browser.see(&format!("#e-{}", drop["id"].as_str().unwrap())).await;

    // They change desks; the provider knows them still, and has new keys.
    browser.log_out().await;
    real.put("pia", &["lawyers"]).await;
    real.tell(json!({"rotate": true})).await;
    browser.log_in_at_provider("pia").await;
    browser.connected().await;
    assert_eq!(roles(&site, "pia").await, Some((vec![Role::PolicyAdmin], vec![])));

    // And leave.
    browser.log_out().await;
    real.put("pia", &[]).await;
    browser.go("/login").await;
    browser.see("a[href='/login/oidc']").await.click().await.unwrap();
    browser.see("a[href='/login']").await;
    assert!(browser.text("main").await.contains("none of your groups"));
    assert_eq!(roles(&site, "pia").await, Some((vec![], vec![])));
    browser.go("/inbox").await;
    browser.see("a[href='/login']").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_called_like_a_person_here_is_not_taken_for_them_until_linked() {
    let (site, mut real, browser) = with_provider().await;
    real.put("ana", &["approvers", "lawyers"]).await;
    browser.log_in_at_provider("ana").await;
    browser.see("a[href='/login']").await;
    let said = browser.text("main").await;
    let command = format!("sayso reviewer link ana '{}' 'ana'", real.issuer);
    assert!(said.contains(&command), "{said}");
    let ana: ReviewerName = "ana".parse().unwrap();
    let (authority, now) = (site.engine.authority(), site.engine.now());
    let linked = authority.link_person(Actor::Operator, &ana, &real.issuer, "ana", now);
    linked.await.unwrap();
    browser.go("/login").await;
    browser.see("a[href='/login/oidc']").await.click().await.unwrap();
    browser.connected().await;
    let kept = Some((vec![Role::Reviewer], vec![]));
    assert_eq!(roles(&site, "ana").await, kept, "what they were given here stays");
    browser.close().await;
}

/// A site at that address, with a provider that is not there.
async fn alone(public: &str) -> Site {
    Site::new().await.at(public, sign_on("http://127.0.0.1:1", public))
}

async fn get(site: &Site, path: &str, cookie: &str) -> Answer {
    let request = Request::get(path).header(header::COOKIE, cookie);
    site.send(request.body(Body::empty()).unwrap()).await
}

fn cookies(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn without_a_provider_there_is_no_way_to_one() {
    let site = Site::new().await;
    for path in ["/login/oidc", CALLBACK] {
        assert_eq!(get(&site, path, "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let page = String::from_utf8(get(&site, "/login", "").await.body).unwrap();
    assert!(!page.contains("/login/oidc"));
}

#[tokio::test]
async fn a_provider_that_is_away_is_said_to_be_without_saying_where_it_is() {
    let site = alone("https://sayso.example").await;
    let answer = get(&site, "/login/oidc", "").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    let page = String::from_utf8(answer.body).unwrap();
    assert!(page.contains("Example can&#39;t be reached"), "{page}");
    assert!(!page.contains("127.0.0.1"), "{page}");
}

#[tokio::test]
async fn an_answer_to_a_login_that_this_browser_did_not_begin_does_nothing() {
    let site = alone("https://sayso.example").await;
    let attempt =
        format!("__Host-sayso-login={}.{}", "07".repeat(32), site.engine.now().as_second());
    let foreign = format!("sayso-login={}.{}", "07".repeat(32), site.engine.now().as_second());
    let cases = [
        (String::new(), "?code=x&state=y"),
        (attempt.clone(), "?code=x&state=y"),
        (attempt.clone(), "?code=x"),
        (attempt.clone(), ""),
        (attempt, "?code=x&state=y&state=z"),
        (foreign, "?code=x&state=y"),
    ];
    for (cookie, query) in cases {
        let answer = get(&site, &format!("{CALLBACK}{query}"), &cookie).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {answer:?}");
        let over = "__Host-sayso-login=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(cookies(&answer.headers), [over], "and the attempt is over");
        let page = String::from_utf8(answer.body).unwrap();
        assert!(page.contains("This browser did not begin that login"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_are_throttled_before_the_provider_is_asked() {
    let url = "http://sayso.test";
    let real = Real::start(url).await;
    let site = Site::new().await.at(url, real.sign_on(url));
    let mut refused = 0;
    for _ in 0..80 {
        let begun = get(&site, "/login/oidc", "").await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{begun:?}");
        let cookie = cookies(&begun.headers)[0].split(';').next().unwrap().to_owned();
        let to = begun.headers[header::LOCATION].to_str().unwrap().to_owned();
        assert!(to.starts_with(&format!("{}/auth?", real.issuer)), "{to}");
        let (_, query) = to.split_once('?').unwrap();
        let sent: BTreeMap<String, String> = serde_urlencoded::from_str(query).unwrap();
        let iss = serde_urlencoded::to_string([("iss", &real.issuer)]).unwrap();
        let back = format!("{CALLBACK}?code=guessed&state={}&{iss}", sent["state"]);
        let answer = get(&site, &back, &cookie).await;
        match answer.status {
            StatusCode::BAD_GATEWAY => {
                let page = String::from_utf8(answer.body).unwrap();
                assert!(page.contains("invalid_grant"), "{page}");
            }
            StatusCode::TOO_MANY_REQUESTS => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!(refused > 0, "eighty at once are too many");
}
