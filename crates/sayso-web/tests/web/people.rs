//! Who may do what over HTTP, and the pages and calls by which that is changed.

use axum::http::StatusCode;
use sayso_core::Period;
use sayso_core::credential::Role;
use serde_json::{Value, json};

use crate::inbox::{Browser, hidden, text};
use crate::site::{Events, Site};

#[tokio::test]
async fn what_another_is_known_by_is_for_owners_and_auditors_to_see() {
    let site = Site::new().await;
    for role in Role::ALL {
        let token = site.person(role.word(), role).await;
        for path in ["/v1/tokens?person=ana", "/v1/sessions?person=ana"] {
            let status = site.get(path, &token).await.status;
            let sees = matches!(role, Role::Owner | Role::Auditor);
            assert_eq!(status == StatusCode::OK, sees, "{} {path}: {status}", role.word());
            assert!(sees || status == StatusCode::FORBIDDEN, "{} {path}: {status}", role.word());
        }
    }
    // A token is good for what it says, of what its person may do.
    let all = site.person_with("olga", &Role::ALL).await;
    let made = site.post("/v1/tokens", &all, &json!({"scopes": ["decide"]})).await.json();
    let me = site.get("/v1/me", made["token"].as_str().unwrap()).await.json();
    assert_eq!(me["roles"], json!(["reviewer", "auditor"]));
}

#[tokio::test]
async fn people_are_added_changed_covered_and_removed() {
    let site = Site::new().await;
    let olga = site.person("olga", Role::Owner).await;
    let cy = json!({"name": "cy", "roles": ["reviewer", "reviewer"], "groups": ["security"]});
    let added = site.post("/v1/people", &olga, &cy).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let link = added.json()["login_url"].as_str().unwrap().to_owned();
    let path = link.strip_prefix("http://sayso.test").unwrap();
    Browser::let_in(&site, &Browser::new(&site).post(path, &[]).await);

    let again = site.post("/v1/people", &olga, &cy).await.problem();
    assert_eq!((again.0, &*again.1), (409, "/problems/already-there"));
    let read = async |name: &str| site.get(&format!("/v1/people/{name}"), &olga).await.json();
    let shown = read("cy").await;
    assert_eq!(shown["roles"], json!(["reviewer"]));
    assert_eq!(shown["groups"], json!(["security"]));
    let set = json!({"roles": ["auditor"], "groups": []});
    let set = site.put("/v1/people/cy", &olga, &set).await.json();
    assert_eq!((&set["roles"], &set["groups"]), (&json!(["auditor"]), &json!([])));

    let cover = json!({"stand_in": "bo", "until": "2026-04-01T00:00:00Z"});
    let own = site.put("/v1/people/ana/cover", &site.ana, &cover).await;
    assert_eq!(own.json()["stands_in_for"], json!(["ana"]), "{own:?}");
    let other = site.put("/v1/people/cy/cover", &site.ana, &cover).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    let over = json!({"stand_in": "bo", "until": "2026-01-01T00:00:00Z"});
    let over = site.put("/v1/people/ana/cover", &site.ana, &over).await.problem();
    assert_eq!((over.0, &*over.2), (400, "/until"));
    assert_eq!(site.delete("/v1/people/ana/cover/bo", &site.bo).await.status, 204);
    assert_eq!(read("bo").await["stands_in_for"], json!([]));

    assert_eq!(site.delete("/v1/people/cy", &olga).await.status, StatusCode::NO_CONTENT);
    assert_eq!(site.delete("/v1/people/cy", &olga).await.problem().0, 404);
    let last = site.delete("/v1/people/olga", &olga).await.problem();
    assert_eq!((last.0, &*last.1), (409, "/problems/change-does-not-fit"));
    assert!(last.3.contains("only owner"), "{}", last.3);
    for (body, field) in [
        (json!({"name": "no spaces", "roles": ["reviewer"]}), "/name"),
        (json!({"name": "dora", "roles": []}), "/roles"),
        (json!({"name": "dora", "roles": ["reviewer", "king"]}), "/roles/1"),
        (json!({"name": "dora", "roles": ["reviewer"], "groups": ["a b"]}), "/groups/0"),
    ] {
        let bad = site.post("/v1/people", &olga, &body).await.problem();
        assert_eq!((bad.0, &*bad.2), (400, field), "{body}: {}", bad.3);
    }
}

#[tokio::test]
async fn agents_are_added_bound_rotated_and_revoked() {
    let site = Site::new().await;
    let olga = site.person("olga", Role::Owner).await;
    let fay = json!({"name": "fay", "owner": "ana", "tools": ["note", "merge*"]});
    let added = site.post("/v1/agents", &olga, &fay).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let first = added.json()["token"].as_str().unwrap().to_owned();
    let ask = async |key: &str, tool: &str| {
        let action = json!({"action": {"tool": tool, "arguments": {}}});
        site.post("/v1/escalations", key, &action).await
    };
    assert_eq!(ask(&first, "merge").await.status, StatusCode::CREATED);
    let forbidden = ask(&first, "drop").await.problem();
    let told = (forbidden.0, &*forbidden.1, &*forbidden.2);
    assert_eq!(told, (403, "/problems/forbidden-tool", "/action/tool"));

    let bad = json!({"name": "gil", "tools": ["git_["]});
    assert_eq!(site.post("/v1/agents", &olga, &bad).await.problem().2, "/tools/0");
    let nobody = json!({"name": "gil", "owner": "nobody"});
    assert_eq!(site.post("/v1/agents", &olga, &nobody).await.problem().0, 404);

    let rotate = json!({"overlap": "1h"});
    let second = site.post("/v1/agents/fay/keys", &olga, &rotate).await.json();
    let second = second["token"].as_str().unwrap().to_owned();
    for key in [&first, &second] {
        assert_eq!(ask(key, "note").await.status, StatusCode::CREATED);
    }
    let shown = site.get("/v1/agents/fay", &site.ana).await.json();
    assert_eq!(shown["owner"], "ana");
    assert_eq!(shown["keys"].as_array().unwrap().len(), 2);
    assert!(shown["keys"][0]["until"].is_string() && shown["keys"][1]["until"].is_null());
    assert!(!shown.to_string().contains("sayso_agent_"));

    let set = site.put("/v1/agents/fay", &olga, &json!({})).await.json();
    assert!(set["owner"].is_null() && set["tools"].is_null(), "{set}");
    assert_eq!(ask(&second, "drop").await.status, StatusCode::CREATED);
    assert_eq!(site.delete("/v1/agents/fay", &olga).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask(&second, "note").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_stream_ends_with_the_token_or_session_that_it_was_opened_with() {
    let site = Site::new().await;
    let made = json!({"label": "tail", "scopes": ["read"]});
    let made = site.post("/v1/tokens", &site.ana, &made).await.json();
    let mut by_token = Events::new(site.open("/v1/events", made["token"].as_str().unwrap()).await);
    let ana = Browser::logged_in(&site, "ana").await;
    let mut by_session = Events::new(ana.stream("/inbox/events").await);
    let mut by_agent = Events::new(site.open("/v1/events", &site.bot).await);
    for stream in [&mut by_token, &mut by_agent] {
        stream.until("ready").await;
    }
    let revoked = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(site.delete(&revoked, &site.ana).await.status, StatusCode::NO_CONTENT);
    by_token.end().await;

    let sessions = site.get("/v1/sessions", &site.ana).await.json();
    let session = &sessions["items"][0];
    assert_eq!((&session["how"], &session["current"]), (&json!("link"), &json!(false)));
    let closed = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
    assert_eq!(site.delete(&closed, &site.bo).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.delete(&closed, &site.ana).await.status, StatusCode::NO_CONTENT);
    by_session.end().await;
    assert_eq!(ana.get("/inbox").await.status, StatusCode::UNAUTHORIZED);

    let olga = site.person("olga", Role::Owner).await;
    site.delete("/v1/agents/bot", &olga).await;
    by_agent.end().await;
}

#[tokio::test]
async fn a_stream_ends_when_its_reader_can_veto_no_more_and_silence_counts_no_more_with_it() {
    let site = Site::new().await;
    let olga = site.person("olga", Role::Owner).await;
    let asked = site.propose("merge").await;
    let waits = async || site.now(&asked).await["waiting_for"].clone();
    let anas = Browser::logged_in(&site, "ana").await;
    let mut by_session = Events::new(anas.stream("/inbox/events").await);
    let mut by_token = Events::new(site.open("/v1/events", &site.ana).await);
    by_token.until("ready").await;
    let heard = async { while waits().await == "listener" {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), heard).await.unwrap();

    let reads = json!({"roles": ["auditor"]});
    assert_eq!(site.put("/v1/people/ana", &olga, &reads).await.status, StatusCode::OK);
    by_token.end().await;
    by_session.end().await;
    // She may look on, and is no listener.
    let mut reader = Events::new(site.open("/v1/events", &site.ana).await);
    reader.until("ready").await;
    let unheard = async { while waits().await != "listener" {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), unheard).await.unwrap();
    site.clock.advance(Period::from_secs(3_600));
    site.engine.clock_moved();
    assert_eq!(site.now(&asked).await["outcome"], Value::Null);
}

#[tokio::test]
async fn an_invitation_is_made_on_the_people_page_and_accepted_once_by_who_is_invited() {
    let site = Site::new().await;
    site.person("olga", Role::Owner).await;
    let olga = Browser::logged_in(&site, "olga").await;
    let invite = [("role", "reviewer"), ("role", "auditor"), ("groups", "leads, security")];
    let page = olga.submits("/inbox/people/invite", &invite).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let start = text(&page).find("http://sayso.test/join/").unwrap();
    let link = &text(&page)[start..].split('<').next().unwrap()["http://sayso.test".len()..];
    assert!(!olga.text("/inbox/people").await.contains(link), "it is shown once");

    let guest = Browser::new(&site);
    for _ in 0..3 {
        let page = guest.get(link).await;
        assert_eq!(page.status, StatusCode::OK, "a preview uses nothing up");
        assert!(
            text(&page).contains("reviewer, auditor") && text(&page).contains("leads, security")
        );
    }
    for (name, says) in [("two words", "letters, digits"), ("ana", "has that name already")] {
        let page = guest.post(link, &[("name", name)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(text(&page).contains(says), "{}", text(&page));
        assert!(text(&page).contains(&format!("value=\"{name}\"")), "what was typed is kept");
    }
    let gus = Browser::let_in(&site, &guest.post(link, &[("name", "gus")]).await);
    assert!(gus.text("/inbox/me").await.contains("reviewer, auditor"));
    assert_eq!(guest.post(link, &[("name", "gil")]).await.status, StatusCode::GONE);
    assert_eq!(guest.get(link).await.status, StatusCode::GONE);
    assert!(olga.text("/inbox/people").await.contains("gus"));

    let set = [("role", "auditor"), ("groups", "")];
    assert_eq!(olga.submits("/inbox/people/gus/set", &set).await.status, StatusCode::SEE_OTHER);
    assert!(!gus.text("/inbox/me").await.contains("reviewer"));
    let removed = olga.submits("/inbox/people/gus/remove", &[]).await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER);
    assert_eq!(gus.get("/inbox/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_people_page_is_for_owners_and_its_forms_are_our_own() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    assert_eq!(ana.get("/inbox/people").await.status, StatusCode::FORBIDDEN);
    assert!(!ana.text("/inbox").await.contains("/inbox/people"));
    site.person("olga", Role::Owner).await;
    let olga = Browser::logged_in(&site, "olga").await;
    assert!(olga.text("/inbox").await.contains("/inbox/people"));
    let paths = [
        "/inbox/people/invite",
        "/inbox/people/bo/set",
        "/inbox/people/bo/remove",
        "/inbox/me/tokens",
    ];
    let fields = [("role", "owner"), ("scope", "read"), ("label", "x")];
    let before = site.engine.ledger_size().await.unwrap();
    for path in paths {
        let foreign = olga.post(path, &fields).await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{path}: no form token");
        if path.starts_with("/inbox/people") {
            let refused = ana.submits(path, &fields).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: no owner");
        }
    }
    assert_eq!(site.engine.ledger_size().await.unwrap(), before);
}

#[tokio::test]
async fn a_token_is_shown_once_and_revoked_on_ones_own_page() {
    let site = Site::new().await;
    let ana = Browser::logged_in(&site, "ana").await;
    let fields =
        [("label", "<i>laptop</i>"), ("scope", "read"), ("scope", "decide"), ("lasts", "7d")];
    let page = ana.submits("/inbox/me/tokens", &fields).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let start = text(&page).find("sayso_reviewer_").unwrap();
    let token = text(&page)[start..].split('<').next().unwrap().trim().to_owned();
    assert_eq!(site.get("/v1/me", &token).await.json()["name"], "ana");
    let page = ana.text("/inbox/me").await;
    assert!(!page.contains("sayso_reviewer_"), "it is shown once");
    assert!(page.contains("&#60;i&#62;laptop") && !page.contains("<i>laptop"), "{page}");
    assert!(page.contains("Test &#60;b&#62;browser") && page.contains("this one"), "{page}");

    let listed = site.get("/v1/tokens", &token).await.json();
    let own = listed["items"].as_array().unwrap().iter().find(|it| it["current"] == true).unwrap();
    assert_eq!(own["label"], "<i>laptop</i>");
    let revoke = format!("/inbox/me/tokens/{}/revoke", own["id"].as_str().unwrap());
    assert_eq!(ana.submits(&revoke, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get("/v1/me", &token).await.status, StatusCode::UNAUTHORIZED);
    for (fields, says) in [
        (vec![("label", "x"), ("lasts", "7d")], "at least one"),
        (vec![("label", "x"), ("scope", "rule"), ("lasts", "7d")], "a scope is"),
        (vec![("label", "x"), ("scope", "read"), ("lasts", "soon")], "length of time"),
    ] {
        let refused = ana.submits("/inbox/me/tokens", &fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{fields:?}");
        assert!(text(&refused).contains(says), "{says}: {}", text(&refused));
    }
}

#[tokio::test]
async fn another_browser_is_logged_out_from_ones_own_page() {
    let site = Site::new().await;
    let (here, there) =
        (Browser::logged_in(&site, "ana").await, Browser::logged_in(&site, "ana").await);
    let page = here.text("/inbox/me").await;
    let ids = page.split("/inbox/me/sessions/").skip(1).map(|rest| rest.split('/').next().unwrap());
    let ids: Vec<_> = ids.collect();
    assert_eq!(ids.len(), 2);
    assert!(!hidden(&page, "token").is_empty());
    let end = format!("/inbox/me/sessions/{}/end", ids[1]);
    assert_eq!(here.submits(&end, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(there.get("/inbox").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(here.get("/inbox").await.status, StatusCode::OK);
    let bo = Browser::logged_in(&site, "bo").await;
    let end = format!("/inbox/me/sessions/{}/end", ids[0]);
    let foreign = bo.submits(&end, &[]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "only one's own");
}
