//! The inbox in a real browser: Chromium, driven over `WebDriver`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use sayso_core::Period;
use sayso_web::api::RateLimit;
use serde_json::{Value, json};

use crate::site::Site;

/// How long the browser may take for what it does at once.
const SOON: Duration = Duration::from_secs(20);

/// A driver, and where it listens. It first finds a free port and then takes it twice, for IPv4
/// and for IPv6, and ends if a neighbour was quicker: so it gets more than one try.
fn driver() -> (Child, u16) {
    for _ in 0..10 {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is needed: see scripts/setup");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        if let Some(port) = port {
            // It must not find its output closed.
            std::thread::spawn(move || lines.for_each(drop));
            return (driver, port);
        }
        driver.kill().and_then(|()| driver.wait()).unwrap();
    }
    panic!("chromedriver found no port to listen on")
}

/// A browser, and the driver that it hangs on.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
    url: String,
}

impl Browser {
    /// A browser with a window of that size, logged in as `person`, with the inbox open.
    pub(crate) async fn open(site: &Site, person: &str, size: (u32, u32)) -> Self {
        let browser = Self::start(site.serve().await, size).await;
        browser.go(&site.login_path(person).await).await;
        browser.press("Log in as").await;
        browser.connected().await;
        browser
    }

    /// A browser with a window of that size, for the site at that address.
    pub(crate) async fn start(url: String, size: (u32, u32)) -> Self {
        let (driver, port) = driver();
        let mut options = json!({"args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=2",
            format!("--window-size={},{}", size.0, size.1),
        ]});
        if size == PHONE {
            let screen = json!({"width": size.0, "height": size.1, "pixelRatio": 2, "touch": true});
            options["mobileEmulation"] = json!({"deviceMetrics": screen});
        }
        let mut wanted = serde_json::Map::new();
        wanted.insert("goog:chromeOptions".into(), options);
        wanted.insert("goog:loggingPrefs".into(), json!({"browser": "ALL"}));
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Self { client, driver, url }
    }

    pub(crate) async fn go(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.url)).await.unwrap();
    }

    /// Waits until the page hears what happens.
    pub(crate) async fn connected(&self) {
        self.see("#live.on").await;
    }

    /// Waits for what a selector finds.
    pub(crate) async fn see(&self, selector: &str) -> fantoccini::elements::Element {
        let wait = self.client.wait().at_most(SOON);
        match wait.for_element(Locator::Css(selector)).await {
            Ok(element) => element,
            Err(error) => panic!("no {selector}: {error}\n{}", self.text("body").await),
        }
    }

    pub(crate) async fn text(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn count(&self, selector: &str) -> usize {
        self.client.find_all(Locator::Css(selector)).await.unwrap().len()
    }

    /// Presses the button that begins so.
    pub(crate) async fn press(&self, text: &str) {
        let button = format!("//button[starts-with(normalize-space(.), '{text}')]");
        let button = self.client.find(Locator::XPath(&button)).await;
        button.unwrap_or_else(|error| panic!("no button {text}: {error}")).click().await.unwrap();
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Waits until a script returns true.
    pub(crate) async fn until(&self, script: &str) {
        let deadline = tokio::time::Instant::now() + SOON;
        while self.run(script).await != json!(true) {
            assert!(tokio::time::Instant::now() < deadline, "never: {script}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn close(mut self) {
        self.client.clone().close().await.unwrap();
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
    }
}

pub(crate) const DESK: (u32, u32) = (860, 1_480);
const PHONE: (u32, u32) = (390, 844);

pub(crate) fn card(escalation: &Value) -> String {
    format!("#e-{}", escalation["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_appears_by_itself_and_asks_for_nothing() {
    let site = Site::new().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    let note = site.propose("note").await;
    let card = card(&note);
    browser.see(&format!("[data-list=fyi] {card}")).await;
    assert_eq!(browser.count(&format!("{card} button, {card} input")).await, 0);
    assert_eq!(browser.client.title().await.unwrap(), "Inbox · Sayso", "nothing waits");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_vetoed_with_one_press_on_a_phone() {
    let site = Site::new().await;
    let browser = Browser::open(&site, "ana", PHONE).await;
    let merge = site.propose("merge").await;
    let card = card(&merge);
    browser.see(&format!("[data-list=soft] {card} [data-until]")).await;
    assert_eq!(browser.client.title().await.unwrap(), "(1) Inbox · Sayso");
    // What it is, the countdown and the veto: all in view, none sideways.
    let veto = browser.see(&format!("{card} button.veto")).await;
    let (_, top, width, height) = veto.rectangle().await.unwrap();
    let bottom = top + height;
    assert!(width > 300.0 && height >= 44.0 && bottom < 844.0, "{width} x {height} to {bottom}");
    let fits = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.run(fits).await, json!(true), "nothing hangs over the edge");

    browser.settled().await;
    veto.click().await.unwrap();
    browser.see(".done .outcome").await;
    assert_eq!(browser.text(".done .outcome").await, "vetoed");
    let now = site.now(&merge).await;
    assert_eq!((&now["outcome"], &now["decisions"][0]["by"]), (&json!("vetoed"), &json!("ana")));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_inbox_is_open_silence_counts_and_when_it_is_closed_it_does_not() {
    let site = Site::new().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    let merge = site.propose("merge").await;
    let card = card(&merge);
    browser.see(&format!("{card} [data-until]")).await;
    site.clock.advance(Period::from_secs(5 * 60));
    site.engine.clock_moved();
    browser.go("/login").await;
    gone(&site).await;
    site.clock.advance(Period::from_secs(9 * 60));
    site.engine.clock_moved();
    let now = site.now(&merge).await;
    assert_eq!((&now["heard"], &now["deadline"]), (&json!("5m"), &Value::Null), "{now}");

    browser.go("/inbox").await;
    browser.connected().await;
    browser.see(&format!("{card} [data-until]")).await;
    assert_eq!(browser.text(&format!("{card} .left")).await, "10 min");
    site.clock.advance(Period::from_secs(10 * 60));
    site.engine.clock_moved();
    browser.see(&format!("{card}.granted")).await;
    assert_eq!(site.now(&merge).await["basis"], "silence");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_takes_a_choice_and_a_confirmation() {
    let site = Site::new().await;
    let browser = Browser::open(&site, "ana", PHONE).await;
    let drop = site.propose("drop").await;
    let card = card(&drop);
    browser.see(&format!("[data-list=hard] {card}")).await;
    browser.settled().await;
    assert_eq!(browser.count(&format!("{card} :checked")).await, 0, "neither is preselected");
    let confirm = browser.see(&format!("{card} .confirm button")).await;
    assert!(!confirm.is_displayed().await.unwrap(), "nothing to confirm yet");

    browser.see(&format!("{card} label.yes")).await.click().await.unwrap();
    assert!(confirm.is_displayed().await.unwrap());
    assert_eq!(site.now(&drop).await["state"], "pending", "choosing decides nothing");
    let comment = browser.see(&format!("{card} textarea[name=comment]")).await;
    comment.send_keys("The backup is fine.\n").await.unwrap();
    assert_eq!(site.now(&drop).await["state"], "pending", "writing decides nothing");
    confirm.click().await.unwrap();

    browser.see(".done .outcome").await;
    let now = site.now(&drop).await;
    assert_eq!((&now["outcome"], &now["basis"]), (&json!("granted"), &json!("decision")));
    assert_eq!(now["decisions"][0]["comment"], "The backup is fine.");
    assert!(now["permit"].is_string());
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn news_neither_takes_away_what_is_being_written_nor_decides_it() {
    let site = Site::new().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    let drop = site.propose("drop_all").await;
    let card = card(&drop);
    browser.see(&card).await;
    browser.see(&format!("{card} label.yes")).await.click().await.unwrap();
    let comment = browser.see(&format!("{card} textarea[name=comment]")).await;
    comment.send_keys("half a sen").await.unwrap();

    // Somebody else changes the arguments meanwhile: what was chosen was for other ones.
    let path = format!("/v1/escalations/{}/decisions", drop["id"].as_str().unwrap());
    let edit = json!({"decision": "approve", "digest": drop["digest"], "arguments": {"name": "z"}});
    assert_eq!(site.post(&path, &site.bo, &edit).await.status, 200);
    browser
        .until(&format!("return document.querySelector('{card} .exact').innerText.includes('z')"))
        .await;
    let kept = format!("return document.querySelector('{card} textarea[name=comment]').value");
    assert_eq!(browser.run(&kept).await, json!("half a sen"));
    assert_eq!(
        browser.count(&format!("{card} :checked")).await,
        0,
        "the choice is not carried over"
    );
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_under_the_finger_is_not_pressed() {
    let site = Site::new().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    let first = site.propose("merge").await;
    browser.see(&card(&first)).await;
    browser.settled().await;
    // Pressed in the very moment in which something new arrives.
    browser
        .run(&format!(
            "const seen = new MutationObserver(() => {{ seen.disconnect(); \
             document.querySelector('{} button.veto').click(); }}); \
             seen.observe(document.querySelector('main'), {{childList: true, subtree: true}});",
            card(&first)
        ))
        .await;
    let second = site.propose("merge").await;
    browser.see(&card(&second)).await;
    browser.until("return document.getElementById('live').innerText.includes('press again')").await;
    assert_eq!(site.now(&first).await["state"], "pending");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_neither_runs_nor_hides() {
    let site = Site::new().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    let evil =
        "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
    let asked = site
        .ask(json!({
            "action": {"tool": "drop", "arguments": {"path": "safe\u{202e}txt.evil", evil: evil}},
            "message": evil, "context": {"page": evil},
        }))
        .await;
    let card = card(&asked);
    browser.see(&card).await;
    let shown = browser.text(&card).await;
    assert!(shown.contains("safe⟨U+202E⟩txt.evil"), "{shown}");
    assert!(shown.contains(evil), "{shown}");
    assert_eq!(browser.count(&format!("{card} img, {card} script")).await, 0);
    browser.go(&format!("/inbox/{}", asked["id"].as_str().unwrap())).await;
    browser.connected().await;
    let title = browser.client.title().await.unwrap();
    assert!(!title.contains("owned"), "{title}");
    // The policy holds even against what would get past the escaping.
    browser
        .run(
            "const s = document.createElement('script'); s.textContent = 'window.owned = 1'; \
             document.body.append(s); document.body.insertAdjacentHTML('beforeend', \
             '<img src=x onerror=\"window.owned = 2\">');",
        )
        .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(browser.run("return window.owned ?? null").await, Value::Null);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_when_it_is_cut_off() {
    let site = Site::new().await;
    let browser = Browser::open(&site, "ana", DESK).await;
    site.stop();
    browser.see("#live.off").await;
    browser.close().await;
}

/// `cargo test -p sayso-web --test web pictures -- --ignored` takes the pictures in `docs/` anew.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes files"]
async fn pictures() {
    let policy = r#"
[[rule]]
tool = "send_slack_message"
tier = "fyi"

[[rule]]
name = "merges"
tool = "git_merge"
tier = "soft"
"#;
    let site = Site::with(policy, RateLimit::default()).await;
    let browser = Browser::open(&site, "ana", DESK).await;
    let phone = Browser::open(&site, "bo", PHONE).await;
    site.ask(json!({
        "action": {"tool": "aws_s3_delete_bucket", "arguments": {
            "bucket": "old-customer-records-2022", "region": "eu-west-1", "objects": 48_211,
        }},
        "message": "Nothing has read it for 400 days, and the retention period ended in June.",
        "context": {"last_read": "2025-01-14", "backup": "glacier://customers/2022"},
    }))
    .await;
    site.ask(json!({
        "action": {"tool": "git_merge", "arguments": {
            "branch": "feature/logging-refactor", "into": "develop", "commit": "4be01c7",
        }},
        "message": "All 212 tests pass. One format for all log lines, so that they can be searched.",
        "context": {"diff": "--- a/log.sh\n+++ b/log.sh\n@@ -3,4 +3,4 @@ log() {\n   level=$1\n   shift\n-  echo \"$level: $*\" >&2\n+  printf '%s %s %s\\n' \"$(now)\" \"$level\" \"$*\" >&2\n }\n"},
    }))
    .await;
    site.ask(json!({
        "action": {"tool": "send_slack_message", "arguments": {
            "channel": "#builds", "text": "The nightly build is green again.",
        }},
    }))
    .await;
    browser.see("[data-list=soft] [data-until]").await;
    phone.see("[data-list=soft] [data-until]").await;
    site.clock.advance(Period::from_secs(140));
    site.engine.clock_moved();
    for (browser, name) in [(browser, "inbox"), (phone, "inbox-phone")] {
        browser.go("/inbox").await;
        browser.see("[data-list=fyi] .card").await;
        browser.connected().await;
        let picture = browser.client.screenshot().await.unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/images");
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(format!("{folder}/{name}.png"), picture).unwrap();
        browser.close().await;
    }
}

impl Browser {
    /// Waits until nothing has moved for long enough that a press counts.
    pub(crate) async fn settled(&self) {
        self.until("return performance.now() - moved > 450").await;
    }
}

/// Waits until nobody listens any more.
async fn gone(site: &Site) {
    let deadline = tokio::time::Instant::now() + SOON;
    while !site.engine.metrics().await.unwrap().contains("sayso_listeners 0") {
        assert!(tokio::time::Instant::now() < deadline, "somebody still listens");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
