//! The inbox as a browser without a script meets it: who gets in, what is shown, what is taken.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sayso_core::Period;
use sayso_core::credential::Role;
use serde_json::{Value, json};

use crate::site::{Answer, Site};

/// A browser: it keeps its cookie and sends what browsers send.
pub(crate) struct Browser<'a> {
    site: &'a Site,
    cookie: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(site: &'a Site) -> Self {
        Self { site, cookie: String::new() }
    }

    pub(crate) async fn logged_in(site: &'a Site, person: &str) -> Self {
        let path = site.login_path(person).await;
        Self::let_in(site, &Self::new(site).post(&path, &[]).await)
    }

    /// What it holds.
    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, &self.cookie);
        self.site.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        String::from_utf8(answer.body).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(path, fields, "same-origin", "http://sayso.test").await
    }

    /// The browser that a login or an invitation let in.
    pub(crate) fn let_in(site: &'a Site, answer: &Answer) -> Self {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
        Self { site, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    /// What is streamed to it.
    pub(crate) async fn stream(&self, path: &str) -> Body {
        let request = Request::get(path).header(header::COOKIE, &self.cookie);
        self.site.stream(request.body(Body::empty()).unwrap()).await
    }

    /// A page of its own, with the form's token.
    pub(crate) async fn submits(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token().await;
        let mut all = vec![("token", &*token)];
        all.extend(fields);
        self.post(path, &all).await
    }

    async fn send(&self, path: &str, fields: &[(&str, &str)], site: &str, origin: &str) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::COOKIE, &self.cookie)
            .header(header::HOST, "sayso.test")
            .header(header::ORIGIN, origin)
            .header(header::USER_AGENT, "Test <b>browser</b>")
            .header("sec-fetch-site", site)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = serde_urlencoded::to_string(fields).unwrap();
        self.site.send(request.body(body.into()).unwrap()).await
    }

    /// The token that the forms of this person's pages carry.
    pub(crate) async fn token(&self) -> String {
        let page = self.text("/inbox").await;
        hidden(&page, "token")
    }

    /// Decides as the page's form would.
    async fn decide(&self, escalation: &Value, fields: &[(&str, &str)]) -> Answer {
        let id = escalation["id"].as_str().unwrap();
        let page = self.text(&format!("/inbox/{id}")).await;
        let (token, digest) = (hidden(&page, "token"), hidden(&page, "digest"));
        let mut all = vec![("token", &*token), ("digest", &*digest)];
        all.extend(fields);
        self.post(&format!("/inbox/{id}/decisions"), &all).await
    }
}

pub(crate) fn hidden(page: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let from = page.find(&start).unwrap_or_else(|| panic!("no {name} in {page}")) + start.len();
    page[from..].split('"').next().unwrap().to_owned()
}

pub(crate) fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

fn path(escalation: &Value) -> String {
    format!("/inbox/{}", escalation["id"].as_str().unwrap())
}

#[tokio::test]
async fn nothing_is_shown_to_strangers_agents_or_tokens() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    let stranger = Browser::new(&site);
    for path in [
        "/inbox",
        "/inbox/history",
        "/inbox/halts",
        "/inbox/events",
        "/inbox/people",
        "/inbox/me",
        &path(&asked),
    ] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(!text(&answer).contains("drop"), "{path}");
        for token in [&site.bot, &site.ana] {
            assert_eq!(site.get(path, token).await.status, StatusCode::UNAUTHORIZED, "{path}");
            let forged = Browser { site: &site, cookie: format!("sayso={token}") };
            assert_eq!(forged.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
        }
    }
}

#[tokio::test]
async fn a_login_link_works_once_and_only_when_pressed() {
    let site = Site::new().await;
    let browser = Browser::new(&site);
    let path = site.login_path("ana").await;
    for _ in 0..3 {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "a preview uses nothing up");
        assert!(answer.headers.get(header::SET_COOKIE).is_none());
        assert!(text(&answer).contains("Log in as"), "{answer:?}");
    }
    let answer = browser.post(&path, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1209600"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(browser.post(&path, &[]).await.status, StatusCode::GONE);
    assert_eq!(browser.get(&path).await.status, StatusCode::GONE);

    let late = site.login_path("ana").await;
    site.clock.advance(Period::from_secs(24 * 3_600 + 1));
    assert_eq!(browser.post(&late, &[]).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn logging_out_ends_the_session_for_good() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let token = ana.token().await;
    let answer = ana.post("/logout", &[("token", &token)]).await;
    assert!(answer.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(ana.get("/inbox").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_ends_after_two_weeks() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    site.clock.advance(Period::from_secs(14 * 24 * 3_600 + 1));
    assert_eq!(ana.get("/inbox").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_forms_of_our_own_pages_are_taken() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    let ana = Browser::logged_in(&site, "ana").await;
    let bo = Browser::logged_in(&site, "bo").await;
    let (token, foreign) = (ana.token().await, bo.token().await);
    let decisions = format!("{}/decisions", path(&asked));
    let digest = asked["digest"].as_str().unwrap();
    let fields = |token| [("decision", "approve"), ("digest", digest), ("token", token)];
    let home = "http://sayso.test";
    for (fields, from, origin) in [
        (&fields(&token)[..2], "same-origin", home),
        (&fields(&foreign), "same-origin", home),
        (&fields(&token), "cross-site", "https://evil.test"),
        (&fields(&token), "same-site", "http://evil.sayso.test"),
        (&fields(&token), "same-origin", "https://evil.test"),
        (&fields(&token), "same-origin", "null"),
    ] {
        let answer = ana.send(&decisions, fields, from, origin).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{fields:?} {from} {origin}");
        assert_eq!(site.now(&asked).await["state"], "pending");
    }
    let answer = ana.send(&decisions, &fields(&token), "same-origin", home).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(site.now(&asked).await["outcome"], "granted");

    let link = site.login_path("ana").await;
    let answer = Browser::new(&site).send(&link, &[], "cross-site", "https://evil.test").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "nobody is logged in as somebody else");
}

#[tokio::test]
async fn every_page_says_what_it_never_does() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    let ana = Browser::logged_in(&site, "ana").await;
    for path in
        ["/", "/inbox", "/inbox/history", "/inbox/halts", "/inbox/me", "/login", &path(&asked)]
    {
        let headers = ana.get(path).await.headers;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
    }
    for page in [ana.text("/inbox").await, ana.text(&path(&asked)).await] {
        for banned in [" style=", "<style", " onclick", "javascript:"] {
            assert!(!page.contains(banned), "{banned} in {page}");
        }
    }
}

#[tokio::test]
async fn hostile_text_is_only_text() {
    let site = Site::new().await;
    let evil = "</blockquote><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}gnp.exe";
    let asked = site
        .ask(json!({
            "action": {"tool": "drop", "arguments": {
                "<b>name</b>": evil, "user": "\u{430}dmin", "zero": "a\u{200b}b",
                "list": [evil, {"\"": evil}], "diff": format!("@@ -1 +1 @@\n-{evil}\n+{evil}"),
            }, "resource": {"k": evil}, "precondition": evil},
            "message": evil,
            "context": {"page": evil, evil: 1},
        }))
        .await;
    let ana = Browser::logged_in(&site, "ana").await;
    for page in [ana.text("/inbox").await, ana.text(&path(&asked)).await] {
        assert!(!page.contains("<script>"), "{page}");
        assert!(!page.contains("<img"), "{page}");
        assert!(!page.contains("<b>"), "{page}");
        assert!(!page.contains(['\u{202e}', '\u{200b}']), "what turns text around is spelt out");
        assert!(page.contains("⟨U+202E⟩") && page.contains("⟨U+200B⟩"), "{page}");
        assert!(page.contains("class=\"lookalike\" title=\"mixes alphabets"), "{page}");
        assert!(page.contains("Look closely"), "{page}");
    }
}

#[tokio::test]
async fn what_would_be_done_stands_before_what_is_said_about_it() {
    let site = Site::new().await;
    let asked = site
        .ask(json!({
            "action": {"tool": "drop", "arguments": {"name": "customers"}},
            "message": "Only cleaning up.",
        }))
        .await;
    let page = Browser::logged_in(&site, "ana").await.text(&path(&asked)).await;
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text} in {page}"));
    assert!(at("customers") < at("Only cleaning up."));
    assert!(at("says <small>nobody checked this</small>") < at("Only cleaning up."));
    assert!(at("Only cleaning up.") < at("value=\"approve\""));
}

#[tokio::test]
async fn each_tier_has_its_own_gesture() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let (note, merge, drop) =
        (site.propose("note").await, site.propose("merge").await, site.propose("drop").await);

    let page = ana.text(&path(&note)).await;
    assert!(!page.contains("name=\"decision\""), "nothing to decide: {page}");

    let page = ana.text(&path(&merge)).await;
    assert!(page.contains("<button class=\"veto\" name=\"decision\" value=\"veto\">Veto</button>"));

    let page = ana.text(&path(&drop)).await;
    assert!(page.contains("type=\"radio\" name=\"decision\" value=\"approve\" required"));
    assert!(page.contains("type=\"radio\" name=\"decision\" value=\"deny\" required"));
    assert!(!page.contains("checked") || !page.contains(" checked>"), "neither is preselected");
    assert!(!page.contains("autofocus"));

    let board = ana.text("/inbox").await;
    let at = |escalation: &Value| board.find(escalation["id"].as_str().unwrap()).unwrap();
    assert!(at(&drop) < at(&merge) && at(&merge) < at(&note), "the most pressing first");
}

#[tokio::test]
async fn who_only_reads_gets_no_buttons_and_decides_nothing() {
    let site = Site::new().await;
    let asked = site.propose("merge").await;
    site.person("aud", Role::Auditor).await;
    let aud = Browser::logged_in(&site, "aud").await;
    let page = aud.text(&path(&asked)).await;
    assert!(page.contains("merge") && !page.contains("name=\"decision\""), "{page}");

    let token = aud.token().await;
    let fields = [("token", &*token), ("decision", "veto")];
    let answer = aud.post(&format!("{}/decisions", path(&asked)), &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(site.now(&asked).await["state"], "pending");
}

#[tokio::test]
async fn people_veto_hold_take_approve_and_deny() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    for (tool, decision, field, becomes) in [
        ("merge", "veto", "outcome", "vetoed"),
        ("merge", "approve", "outcome", "granted"),
        ("merge", "hold", "tier", "hard"),
        ("merge", "take", "taken_by", "ana"),
        ("drop", "approve", "outcome", "granted"),
        ("drop", "deny", "outcome", "denied"),
    ] {
        let asked = site.propose(tool).await;
        let fields = [("decision", decision), ("comment", "line one\r\nline two")];
        let answer = ana.decide(&asked, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{decision}: {answer:?}");
        let now = site.now(&asked).await;
        assert_eq!(now[field], becomes, "{decision}: {now}");
        let said = now["decisions"][0].clone();
        assert_eq!((&said["by"], &said["decision"]), (&json!("ana"), &json!(decision)));
        assert_eq!(said["comment"], "line one\nline two");
    }
}

#[tokio::test]
async fn after_deciding_the_inbox_says_what_came_of_it() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let asked = site.propose("drop").await;
    let answer = ana.decide(&asked, &[("decision", "deny")]).await;
    let to = answer.headers[header::LOCATION].to_str().unwrap();
    let page = ana.text(to).await;
    assert!(page.contains("What you just decided"), "{page}");
    assert!(page.contains("<strong class=\"outcome\">denied</strong>"), "{page}");
}

#[tokio::test]
async fn an_unused_grant_can_be_taken_back() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let asked = site.propose("drop").await;
    ana.decide(&asked, &[("decision", "approve")]).await;
    let page = ana.text(&path(&asked)).await;
    assert!(page.contains("Take it back") && !page.contains("value=\"approve\""), "{page}");
    ana.decide(&asked, &[("decision", "veto")]).await;
    let now = site.now(&asked).await;
    assert_eq!((&now["outcome"], &now["permit"]), (&json!("denied"), &Value::Null));
}

#[tokio::test]
async fn what_an_executor_says_of_a_failure_is_shown_as_its_word() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let drop = site.propose("drop").await;
    ana.decide(&drop, &[("decision", "approve")]).await;
    let permit = site.now(&drop).await["permit"].clone();
    let redeem = json!({"permit": permit});
    let redeemed = site.post("/v1/permits/redeem", &site.bot, &redeem).await.json();
    let receipt = format!("/v1/permits/{}/receipt", redeemed["permit_id"].as_str().unwrap());
    let report = json!({"result": "failed", "comment": "nobody <b>signed</b> it"});
    assert_eq!(site.post(&receipt, &site.bot, &report).await.status, StatusCode::OK);
    let page = ana.text(&path(&drop)).await;
    assert!(page.contains("<span class=\"result\">failed</span>"), "{page}");
    let (_, said) = page.split_once("</bdi></strong> reported").unwrap_or_else(|| panic!("{page}"));
    let said = said.split("</li>").next().unwrap();
    assert!(said.contains("nobody &#60;b&#62;signed&#60;/b&#62; it"), "{said}");
}

#[tokio::test]
async fn a_decision_on_what_has_changed_is_not_taken_and_nothing_written_is_lost() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let asked = site.propose("drop_all").await;
    let seen = ana.text(&path(&asked)).await;
    let (token, digest) = (hidden(&seen, "token"), hidden(&seen, "digest"));
    let edit = json!({"decision": "approve", "digest": digest, "arguments": {"name": "y"}});
    let decisions = format!("/v1/escalations/{}/decisions", asked["id"].as_str().unwrap());
    assert_eq!(site.post(&decisions, &site.bo, &edit).await.status, StatusCode::OK);

    let fields = [
        ("token", &*token),
        ("digest", &digest),
        ("decision", "approve"),
        ("comment", "I checked the backup."),
    ];
    let answer = ana.post(&format!("{}/decisions", path(&asked)), &fields).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let page = text(&answer);
    assert!(page.contains("role=\"alert\"") && page.contains("Nothing was changed."), "{page}");
    assert!(page.contains("I checked the backup.</textarea>"), "{page}");
    assert!(!page.contains(&format!("name=\"digest\" value=\"{digest}\"")), "the new one is bound");
}

#[tokio::test]
async fn arguments_can_be_changed_and_mistakes_in_them_are_kept() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let asked = site.propose("drop").await;
    for (wrong, says) in [
        ("{\"name\": \"y\"", "The arguments"),
        ("{\"name\": 1, \"name\": 2}", "name"),
        ("[1]", "The arguments"),
    ] {
        let answer = ana.decide(&asked, &[("decision", "edit"), ("arguments", wrong)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        let page = text(&answer);
        assert!(page.contains(says), "{page}");
        let kept = wrong.replace('"', "&#34;");
        assert!(page.contains(&format!("{kept}</textarea>")), "{page}");
        assert_eq!(site.now(&asked).await["version"], asked["version"]);
    }
    let edited = [("decision", "edit"), ("arguments", "{\"name\": \"y\"}")];
    assert_eq!(ana.decide(&asked, &edited).await.status, StatusCode::SEE_OTHER);
    let now = site.now(&asked).await;
    assert_eq!(
        (&now["outcome"], &now["action"]["arguments"]),
        (&json!("granted"), &json!({"name": "y"}))
    );
}

#[tokio::test]
async fn what_is_not_all_in_view_is_approved_on_its_own_page_only() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let long = "x".repeat(20_000);
    let body = json!({"action": {"tool": "drop", "arguments": {"a": long, "b": "the end"}}});
    let asked = site.ask(body).await;
    let board = ana.text("/inbox").await;
    assert!(!board.contains("value=\"approve\"") && board.contains("value=\"deny\""), "{board}");
    assert!(board.contains("more characters"), "{board}");
    let page = ana.text(&path(&asked)).await;
    assert!(page.contains(&long) && page.contains("value=\"approve\""));
}

#[tokio::test]
async fn questions_are_answered_in_the_form_they_ask_for() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let schema = json!({"type": "object", "required": ["env"], "properties": {
        "env": {"type": "string", "enum": ["staging", "prod\u{202e}"], "title": "Where"},
        "count": {"type": "integer"}, "now": {"type": "boolean"}, "note": {"type": "string"},
    }});
    for (question, fields, answer) in [
        (
            json!({"text": "Which?", "options": ["a", "b\u{200b}"]}),
            &[("answer", "1")][..],
            json!("b\u{200b}"),
        ),
        (json!({"text": "Why?"}), &[("answer", " because ")], json!("because")),
        (
            json!({"text": "Fill in", "schema": schema}),
            // The fields stand in the order of their names.
            &[("answer.0", "3"), ("answer.1", "1"), ("answer.3", "0")],
            json!({"count": 3, "env": "prod\u{202e}", "now": true}),
        ),
    ] {
        let asked = site.ask(json!({"question": question})).await;
        let page = ana.text(&path(&asked)).await;
        assert!(page.contains("value=\"answer\"") && !page.contains("value=\"approve\""), "{page}");
        let nothing = ana.decide(&asked, &[("decision", "answer")]).await;
        assert_eq!(nothing.status, StatusCode::BAD_REQUEST, "{question}");
        let fields = [&[("decision", "answer")], fields].concat();
        assert_eq!(ana.decide(&asked, &fields).await.status, StatusCode::SEE_OTHER, "{question}");
        assert_eq!(site.now(&asked).await["answer"], answer);
    }
}

#[tokio::test]
async fn history_goes_back_page_by_page() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let mut notes = Vec::new();
    for _ in 0..60 {
        notes.push(site.propose("note").await["id"].as_str().unwrap().to_owned());
    }
    let first = ana.text("/inbox/history").await;
    let older = first.split("href=\"/inbox/history?before=").nth(1).expect("more pages");
    let older = older.split('"').next().unwrap().replace("&amp;", "&");
    let second = ana.text(&format!("/inbox/history?before={older}")).await;
    for (index, id) in notes.iter().rev().enumerate() {
        let card = format!("id=\"e-{id}\"");
        assert_eq!((first.contains(&card), second.contains(&card)), (index < 50, index >= 50));
    }
    assert!(!ana.text("/inbox/history?tier=hard").await.contains("class=\"card fyi"));
    assert_eq!(ana.get("/inbox/history?tier=odd").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn halts_are_called_and_lifted() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let token = ana.token().await;
    let all =
        [("token", &*token), ("scope", "everything"), ("name", ""), ("reason", "Odd things.")];
    assert_eq!(ana.post("/inbox/halts", &all).await.status, StatusCode::SEE_OTHER);
    assert!(ana.text("/inbox").await.contains("class=\"halt-banner\""));
    let page = ana.text("/inbox/halts").await;
    assert!(page.contains("Odd things."), "{page}");
    assert_eq!(site.propose("merge").await["outcome"], "halted");

    let lift = page.split("action=\"").find(|part| part.contains("/lift\"")).unwrap();
    let lift = lift.split('"').next().unwrap();
    assert_eq!(ana.post(lift, &[("token", &token)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.propose("merge").await["state"], "pending");

    for wrong in [
        [("scope", "agent"), ("name", "")],
        [("scope", "everything"), ("name", "bot")],
        [("scope", "nothing"), ("name", "bot")],
        [("scope", "agent"), ("name", "no such name!")],
    ] {
        let fields = [&[("token", &*token)], &wrong[..]].concat();
        assert_eq!(ana.post("/inbox/halts", &fields).await.status, StatusCode::BAD_REQUEST);
        assert!(site.engine.halts().is_empty(), "{wrong:?}");
    }
}

#[tokio::test]
async fn forms_have_a_limit() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let asked = site.propose("drop").await;
    let huge = "x".repeat(600_000);
    let answer = ana.decide(&asked, &[("decision", "deny"), ("comment", &huge)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let long = "x".repeat(4_001);
    let answer = ana.decide(&asked, &[("decision", "deny"), ("comment", &long)]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(text(&answer).contains(&long), "what was written is still there");
    assert_eq!(site.now(&asked).await["state"], "pending");
}

#[tokio::test]
async fn style_and_script_are_kept_by_browsers_and_change_their_names() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let page = ana.text("/inbox").await;
    for (start, kind) in
        [("href=\"/inbox/assets/inbox-", "text/css"), ("src=\"/inbox/assets/", "text/javascript")]
    {
        let at = page.find(start).unwrap() + start.find('/').unwrap();
        let address = page[at..].split('"').next().unwrap();
        let answer = ana.get(address).await;
        assert!(answer.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with(kind));
        assert!(answer.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    }
    assert_eq!(ana.get("/inbox/assets/inbox-0.css").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_server_that_a_tool_belongs_to_is_shown_as_the_agents_word() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let action = json!({"tool": "drop", "arguments": {}});
    let asked = site.ask(json!({"action": action, "server": "prod<b>"})).await;
    assert_eq!(asked["server"], "prod<b>");
    let page = ana.text(&format!("/inbox/{}", asked["id"].as_str().unwrap())).await;
    assert!(page.contains("tool of the server") && !page.contains("prod<b>"), "{page}");
    for odd in ["", &"x".repeat(129)] {
        let body = json!({"action": action, "server": odd});
        let refused = site.post("/v1/escalations", &site.bot, &body).await.problem();
        assert_eq!((refused.0, &*refused.1), (400, "/problems/bad-request"), "{odd}");
    }
}
