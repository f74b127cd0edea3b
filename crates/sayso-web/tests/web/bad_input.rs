//! Bad input: a precise error, and nothing changed.

use serde_json::{Value, json};

use crate::site::Site;

/// Sends a body to `/v1/escalations`; the kind, field and text of what it is refused with.
async fn refused(site: &Site, body: impl Into<Vec<u8>>) -> (u16, String, String, String) {
    let before = site.engine.ledger_size().await.unwrap();
    let answer = site.post_raw("/v1/escalations", &site.bot, body.into()).await;
    assert_eq!(site.engine.ledger_size().await.unwrap(), before, "a refusal changes nothing");
    answer.problem()
}

#[tokio::test]
async fn what_is_not_strict_json_is_refused_at_the_door() {
    let site = Site::new().await;
    let with =
        |arguments: &str| format!(r#"{{"action":{{"tool":"drop","arguments":{arguments}}}}}"#);
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("truncated", br#"{"action":{"tool":"#.to_vec(), "/problems/bad-json"),
        ("empty", Vec::new(), "/problems/bad-json"),
        ("NaN", with(r#"{"n":NaN}"#).into(), "/problems/bad-json"),
        ("duplicate", with(r#"{"a":1,"a":2}"#).into(), "/problems/bad-json"),
        ("not UTF-8", b"{\"action\":{\"tool\":\"\xff\"}}".to_vec(), "/problems/bad-json"),
        ("surrogate", with(r#"{"s":"\ud800"}"#).into(), "/problems/bad-json"),
        ("2^53+1", with(r#"{"n":9007199254740993}"#).into(), "/problems/bad-json"),
        ("1e400", with(r#"{"n":1e400}"#).into(), "/problems/bad-json"),
        ("deep", with(&format!(r#"{{"d":{deep}}}"#)).into(), "/problems/bad-json"),
        ("huge", vec![b' '; 300 * 1024], "/problems/too-large"),
    ];
    for (name, body, kind) in cases {
        let problem = refused(&site, body).await;
        assert_eq!(problem.1, kind, "{name}: {problem:?}");
        assert!(problem.3.len() < 400, "{name}: {}", problem.3);
    }
}

#[tokio::test]
async fn a_number_that_would_change_is_named_with_its_mend() {
    let site = Site::new().await;
    let body = r#"{"action":{"tool":"pay","arguments":{"cents":9007199254740993}}}"#;
    let (status, _, field, detail) = refused(&site, body).await;
    assert_eq!((status, &*field), (400, "/action/arguments/cents"));
    assert!(detail.contains("string"), "{detail}");
}

#[tokio::test]
async fn each_wrong_field_is_named() {
    let site = Site::new().await;
    let drop = json!({"tool": "drop"});
    let cases = [
        (json!({"action": drop, "tiers": "hard"}), "tiers"),
        (json!({"action": {"tool": "drop", "argument": {}}}), "argument"),
        (json!({"action": {"tool": ""}}), "/action/tool"),
        (json!({"action": {"tool": "d\u{435}lete"}}), "/action/tool"),
        (json!({"action": drop, "tier": "medium"}), "/tier"),
        (json!({"action": drop, "tier": 4}), "/tier"),
        (json!({"action": drop, "window": "0s"}), "/window"),
        (json!({"action": drop, "window": "-5m"}), "/window"),
        (json!({"action": drop, "window": -5}), "/window"),
        (json!({"action": drop, "window": "876000h"}), "/window"),
        (json!({"action": drop, "window": "soon"}), "/window"),
        (json!({"action": drop, "executor": "nobody"}), "/executor"),
        (json!({"action": drop, "message": "x".repeat(8_001)}), "/message"),
        (json!({}), "/action"),
        (json!({"action": drop, "question": {"text": "?"}}), "/question"),
        (json!({"question": {"text": " "}}), "/question/text"),
        (json!({"question": {"text": "?"}, "tier": "soft"}), "/question/default"),
        (json!({"question": {"text": "?"}, "tier": "fyi"}), "/tier"),
    ];
    for (body, field) in cases {
        let problem = refused(&site, body.to_string()).await;
        assert_eq!(problem.0, 400, "{body}: {problem:?}");
        let named = problem.2.contains(field) || problem.3.contains(field);
        assert!(named, "{body}: {problem:?} should name {field}");
    }
}

#[tokio::test]
async fn hostile_text_comes_back_short_and_harmless_in_errors() {
    let site = Site::new().await;
    let tool = format!("\u{1b}[2J{}", "A".repeat(10_000));
    let (_, _, _, detail) = refused(&site, json!({"action": {"tool": tool}}).to_string()).await;
    assert!(detail.len() < 300 && !detail.contains('\u{1b}'), "{detail:?}");
}

#[tokio::test]
async fn a_decision_is_bound_to_what_was_seen() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    let path = format!("/v1/escalations/{}/decisions", asked["id"].as_str().unwrap());
    let other = "0".repeat(64);
    let cases = [
        (json!({"decision": "approve"}), 400, "/digest"),
        (json!({"decision": "approve", "digest": "abc"}), 400, "/digest"),
        (json!({"decision": "approve", "digest": other}), 409, "/digest"),
        (json!({"decision": "deny", "digest": other}), 409, "/digest"),
        (json!({"decision": "approve", "digest": asked["digest"], "version": 9}), 409, "/version"),
        (json!({"decision": "yes", "digest": asked["digest"]}), 400, "/decision"),
        (json!({"decision": "answer", "digest": asked["digest"]}), 400, "/answer"),
        (json!({"decision": "hold", "digest": asked["digest"]}), 409, "/decision"),
        (json!({"decision": "deny", "arguments": {}}), 400, "/arguments"),
        (json!({"decision": "deny", "comment": "x".repeat(4_001)}), 400, "/comment"),
    ];
    for (body, status, field) in cases {
        let problem = site.post(&path, &site.ana, &body).await.problem();
        assert_eq!((problem.0, &*problem.2), (status, field), "{body}");
    }
    let stale = json!({"decision": "approve", "digest": other});
    let moved = site.post(&path, &site.ana, &stale).await.json();
    assert_eq!(moved["digest"], asked["digest"], "the present digest is told");
    assert_eq!(site.now(&asked).await["state"], "pending");
    assert_eq!(site.now(&asked).await["version"], asked["version"]);
}

#[tokio::test]
async fn what_is_settled_stays_settled() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    site.decide(&site.ana, &asked, "deny").await;
    for decision in ["approve", "deny", "hold", "take"] {
        let problem = site.decide(&site.bo, &asked, decision).await.problem();
        assert_eq!((problem.0, &*problem.1), (409, "/problems/already-settled"));
        assert!(problem.3.contains("denied by ana"), "{}", problem.3);
    }
    assert_eq!(site.now(&asked).await["outcome"], "denied");
}

#[tokio::test]
async fn an_agents_key_decides_nothing() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    for decision in ["approve", "deny", "veto", "hold", "answer", "take"] {
        let problem = site.decide(&site.bot, &asked, decision).await.problem();
        assert_eq!((problem.0, &*problem.1), (403, "/problems/forbidden"));
    }
    let halt = site.post("/v1/halts", &site.bot, &json!({})).await.problem();
    assert_eq!(halt.0, 403);
    assert_eq!(site.now(&asked).await["version"], asked["version"]);
}

#[tokio::test]
async fn a_reviewer_proposes_and_redeems_nothing() {
    let site = Site::new().await;
    let body = json!({"action": {"tool": "note"}});
    assert_eq!(site.post("/v1/escalations", &site.ana, &body).await.problem().0, 403);
    let permit = json!({"permit": "a.b.c"});
    assert_eq!(site.post("/v1/permits/redeem", &site.ana, &permit).await.problem().0, 403);
}

#[tokio::test]
async fn nobody_gets_in_with_a_wrong_credential() {
    let site = Site::new().await;
    let swapped = site.bot.replace("sayso_agent_", "sayso_reviewer_");
    for token in ["", "sayso_agent_00", &"0".repeat(64), &swapped] {
        let answer = site.get("/v1/escalations", token).await;
        let problem = answer.problem();
        assert_eq!((problem.0, &*problem.1), (401, "/problems/unauthenticated"), "{token}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn a_forged_or_foreign_permit_starts_nothing() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    site.decide(&site.ana, &asked, "approve").await;
    let permit = site.now(&asked).await["permit"].as_str().unwrap().to_owned();
    let (head, rest) = permit.split_once('.').unwrap();
    let (claims, _) = rest.split_once('.').unwrap();
    let forged = [
        String::new(),
        "a.b.c".into(),
        format!("{head}.{claims}."),
        format!("{head}.{claims}.{}", "A".repeat(86)),
        permit[..permit.len() - 8].to_owned(),
    ];
    for permit in forged {
        let body = json!({"permit": permit});
        let problem = site.post("/v1/permits/redeem", &site.bot, &body).await.problem();
        assert_eq!((problem.0, &*problem.1), (400, "/problems/bad-permit"));
    }
    assert_eq!(site.now(&asked).await["receipt"], Value::Null);
}

#[tokio::test]
async fn a_permit_redeemed_late_is_refused() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    site.decide(&site.ana, &asked, "approve").await;
    let permit = json!({"permit": site.now(&asked).await["permit"]});
    site.clock.advance(sayso_core::escalation::PERMIT_LASTS);
    let problem = site.post("/v1/permits/redeem", &site.bot, &permit).await.problem();
    assert_eq!((problem.0, &*problem.1), (409, "/problems/permit-expired"));
}

#[tokio::test]
async fn a_receipt_needs_a_start_and_is_written_once() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    let path = format!("/v1/permits/{}/receipt", asked["id"].as_str().unwrap());
    let done = json!({"result": "succeeded"});
    assert_eq!(&*site.post(&path, &site.bot, &done).await.problem().1, "/problems/not-started");
    site.decide(&site.ana, &asked, "approve").await;
    let permit = json!({"permit": site.now(&asked).await["permit"]});
    site.post("/v1/permits/redeem", &site.bot, &permit).await;
    let odd = site.post(&path, &site.bot, &json!({"result": "great"})).await.problem();
    assert_eq!((odd.0, &*odd.2), (400, "/result"));
    site.post(&path, &site.bot, &done).await;
    let again = site.post(&path, &site.bot, &json!({"result": "failed"})).await.problem();
    assert_eq!(&*again.1, "/problems/already-receipted");
}

#[tokio::test]
async fn odd_addresses_and_queries_are_told_apart() {
    let site = Site::new().await;
    assert_eq!(site.get("/v1/nothing", &site.ana).await.problem().0, 404);
    assert_eq!(site.get("/v1/escalations/abc", &site.ana).await.problem().0, 404);
    assert_eq!(site.delete("/v1/escalations", &site.ana).await.problem().0, 405);
    for query in ["state=open", "tier=medium", "cursor=x", "limit=0", "limit=201", "sort=up"] {
        let path = format!("/v1/escalations?{query}");
        assert_eq!(site.get(&path, &site.ana).await.problem().0, 400, "{query}");
    }
}
