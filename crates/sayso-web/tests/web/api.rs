//! The contract, call by call.

use std::time::Duration;

use axum::http::StatusCode;
use sayso_core::credential::Role;
use sayso_core::{AgentName, Period};
use sayso_engine::Actor;
use serde_json::{Value, json};

use crate::site::{Events, Site};

#[tokio::test]
async fn an_fyi_is_noted_at_once_and_needs_no_permit() {
    let site = Site::new().await;
    let noted = site.propose("note").await;
    assert_eq!(noted["tier"], "fyi");
    assert_eq!(noted["state"], "settled");
    assert_eq!(noted["outcome"], "noted");
    assert_eq!(noted["permit"], Value::Null);
}

#[tokio::test]
async fn a_hard_one_is_granted_by_a_person_redeemed_once_and_receipted() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    assert_eq!((&asked["state"], &asked["tier"]), (&json!("pending"), &json!("hard")));
    assert_eq!(asked["deadline"], Value::Null);
    let digest = sayso_core::Digest::of(br#"{"arguments":{"name":"x"},"tool":"drop"}"#);
    assert_eq!(asked["digest"], digest.to_string());

    let approved = site.decide(&site.ana, &asked, "approve").await.json();
    assert_eq!(approved["outcome"], "granted");
    assert_eq!(approved["basis"], "decision");
    assert_eq!(approved["decisions"][0]["by"], "ana");
    assert_eq!(approved["permit"], Value::Null, "a permit is the agent's, not the reviewer's");

    let granted = site.now(&asked).await;
    let permit = json!({"permit": granted["permit"]});
    let redeemed = site.post("/v1/permits/redeem", &site.bot, &permit).await;
    assert_eq!(redeemed.status, StatusCode::OK, "{redeemed:?}");
    let redeemed = redeemed.json();
    assert_eq!(redeemed["action"], json!({"tool": "drop", "arguments": {"name": "x"}}));
    let again = site.post("/v1/permits/redeem", &site.bot, &permit).await.problem();
    assert_eq!((again.0, &*again.1), (409, "/problems/already-redeemed"));

    let path = format!("/v1/permits/{}/receipt", redeemed["permit_id"].as_str().unwrap());
    let report = json!({"result": "succeeded", "comment": "412 rows"});
    let receipted = site.post(&path, &site.bot, &report).await.json();
    assert_eq!(receipted["receipt"]["result"], "succeeded");
    assert_eq!(receipted["receipt"]["comment"], "412 rows");
    assert_eq!(receipted["permit"], Value::Null);
}

#[tokio::test]
async fn a_soft_window_stands_still_until_somebody_listens_and_then_grants() {
    let site = Site::new().await;
    let asked = site.propose("merge").await;
    assert_eq!(asked["window"], "15m");
    assert_eq!(asked["heard"], "0s");
    assert_eq!(asked["deadline"], Value::Null);
    assert_eq!(asked["waiting_for"], "listener");
    assert!(asked["reason"].as_str().unwrap().starts_with("Nobody who could veto is listening"));

    let mut events = Events::new(site.open("/v1/events?channel=terminal", &site.ana).await);
    assert_eq!(events.until("open").await.1["id"], asked["id"]);
    events.until("ready").await;
    let (_, delivered) = events.until("delivered").await;
    assert_eq!(delivered["waiting_for"], "silence");
    assert_eq!(delivered["deadline"], "2026-03-01T09:15:00Z");

    site.clock.advance(Period::from_secs(899));
    site.engine.clock_moved();
    assert_eq!(site.now(&asked).await["state"], "pending");
    assert_eq!(site.now(&asked).await["heard"], "14m 59s");
    site.clock.advance(Period::from_secs(1));
    site.engine.clock_moved();
    let (_, granted) = events.until("granted").await;
    assert_eq!(granted["basis"], "silence");
    assert_eq!(granted["decisions"], json!([]));
}

#[tokio::test]
async fn an_agents_own_stream_is_nobody_listening() {
    let site = Site::new().await;
    let mut events = Events::new(site.open("/v1/events", &site.bot).await);
    events.until("ready").await;
    let asked = site.propose("merge").await;
    events.until("proposed").await;
    assert_eq!(site.now(&asked).await["waiting_for"], "listener");
}

#[tokio::test]
async fn an_auditor_follows_but_does_not_listen() {
    let site = Site::new().await;
    let auditor = site.person("eve", Role::Auditor).await;
    let mut events = Events::new(site.open("/v1/events", &auditor).await);
    events.until("ready").await;
    let asked = site.propose("merge").await;
    events.until("proposed").await;
    assert_eq!(site.now(&asked).await["waiting_for"], "listener");
    let refused = site.decide(&auditor, &asked, "veto").await.problem();
    assert_eq!(refused.0, 403);
}

#[tokio::test]
async fn a_veto_ends_it_and_tells_the_agent_why() {
    let site = Site::new().await;
    let asked = site.propose("merge").await;
    let path = format!("/v1/escalations/{}/decisions", asked["id"].as_str().unwrap());
    let veto = json!({"decision": "veto", "comment": "Not during the freeze."});
    assert_eq!(site.post(&path, &site.bo, &veto).await.status, StatusCode::OK);
    let vetoed = site.now(&asked).await;
    assert_eq!(vetoed["outcome"], "vetoed");
    assert_eq!(vetoed["ask_again"], "when_changed");
    assert_eq!(vetoed["decisions"][0]["comment"], "Not during the freeze.");
    assert!(vetoed["reason"].as_str().unwrap().starts_with("bo vetoed it"));
}

#[tokio::test]
async fn a_waiting_get_is_woken_by_the_decision() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    let path = format!("/v1/escalations/{}?wait=30", asked["id"].as_str().unwrap());
    let (woken, _) = tokio::join!(site.get(&path, &site.bot), async {
        tokio::task::yield_now().await;
        site.decide(&site.ana, &asked, "deny").await
    });
    assert_eq!(woken.json()["outcome"], "denied");
}

#[tokio::test]
async fn a_wait_that_outlasts_its_credential_shows_nothing() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    let path = format!("/v1/escalations/{}?wait=30", asked["id"].as_str().unwrap());
    let bot = site.bot.clone();
    let (woken, _) = tokio::join!(site.get(&path, &bot), async {
        tokio::task::yield_now().await;
        let (bot, now) = (AgentName::new("bot").unwrap(), site.engine.now());
        let authority = site.engine.authority();
        authority.revoke_agent(Actor::Operator, &bot, now).await.unwrap();
        site.decide(&site.ana, &asked, "approve").await
    });
    assert_eq!(woken.status, StatusCode::UNAUTHORIZED, "{woken:?}");
}

#[tokio::test]
async fn a_wait_that_runs_out_is_not_the_escalations_end() {
    let site = Site::new().await;
    let body = json!({"action": {"tool": "drop"}});
    let request = axum::http::Request::builder()
        .method("POST")
        .uri("/v1/escalations")
        .header("authorization", format!("Bearer {}", site.bot))
        .header("prefer", "wait=1, respond-async")
        .body(body.to_string().into())
        .unwrap();
    let answer = site.send(request).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.headers["preference-applied"], "wait=1");
    assert_eq!(answer.json()["state"], "pending");
}

#[tokio::test]
async fn a_quorum_takes_different_people() {
    let site = Site::new().await;
    let asked = site.propose("drop_all").await;
    let first = site.decide(&site.ana, &asked, "approve").await.json();
    assert_eq!((&first["state"], &first["approvals"]), (&json!("pending"), &json!(1)));
    let twice = site.decide(&site.ana, &asked, "approve").await.problem();
    assert_eq!((twice.0, &*twice.1), (409, "/problems/already-decided"));
    let second = site.decide(&site.bo, &asked, "approve").await.json();
    assert_eq!(second["outcome"], "granted");
    assert_eq!(second["approvals"], 2);
}

#[tokio::test]
async fn edited_arguments_are_what_is_redeemed() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    let path = format!("/v1/escalations/{}/decisions", asked["id"].as_str().unwrap());
    let edit = json!({
        "decision": "approve", "digest": asked["digest"],
        "arguments": {"name": "x", "dry_run": true},
    });
    let edited = site.post(&path, &site.ana, &edit).await.json();
    assert_eq!(edited["outcome"], "granted");
    assert_ne!(edited["digest"], asked["digest"]);
    let granted = site.now(&asked).await;
    let permit = json!({"permit": granted["permit"]});
    let redeemed = site.post("/v1/permits/redeem", &site.bot, &permit).await.json();
    assert_eq!(redeemed["action"]["arguments"], json!({"dry_run": true, "name": "x"}));
}

#[tokio::test]
async fn a_question_is_answered() {
    let site = Site::new().await;
    let body =
        json!({"question": {"text": "A or B?", "options": ["A", "B"]}, "message": "Both work."});
    let asked = site.post("/v1/escalations", &site.bot, &body).await.json();
    assert_eq!(asked["tier"], "hard");
    let path = format!("/v1/escalations/{}/decisions", asked["id"].as_str().unwrap());
    let bad = json!({"decision": "answer", "digest": asked["digest"], "answer": "C"});
    let refused = site.post(&path, &site.ana, &bad).await.problem();
    assert_eq!((refused.0, &*refused.2), (400, "/answer"));
    let good = json!({"decision": "answer", "digest": asked["digest"], "answer": "B"});
    site.post(&path, &site.ana, &good).await;
    let answered = site.now(&asked).await;
    assert_eq!((&answered["outcome"], &answered["answer"]), (&json!("answered"), &json!("B")));
    assert_eq!(answered["basis"], "decision");
}

#[tokio::test]
async fn an_agent_sees_its_own_and_no_others() {
    let site = Site::new().await;
    let other = site.agent("other").await;
    let asked = site.propose("drop").await;
    let path = format!("/v1/escalations/{}", asked["id"].as_str().unwrap());
    assert_eq!(site.get(&path, &other).await.problem().0, 404);
    let withdraw = format!("{path}/withdraw");
    assert_eq!(site.post(&withdraw, &other, &json!({})).await.problem().0, 404);
    assert_eq!(site.get("/v1/escalations", &other).await.json()["items"], json!([]));
    let own = site.get("/v1/escalations?state=pending", &site.bot).await.json();
    assert_eq!(own["items"][0]["id"], asked["id"]);
}

#[tokio::test]
async fn an_executor_named_by_the_agent_redeems_in_its_stead() {
    let site = Site::new().await;
    let gateway = site.agent("gateway").await;
    let body = json!({"action": {"tool": "drop"}, "executor": "gateway"});
    let asked = site.post("/v1/escalations", &site.bot, &body).await.json();
    site.decide(&site.ana, &asked, "approve").await;
    let permit = json!({"permit": site.now(&asked).await["permit"]});
    let refused = site.post("/v1/permits/redeem", &site.bot, &permit).await.problem();
    assert_eq!((refused.0, &*refused.1), (403, "/problems/wrong-audience"));
    let redeemed = site.post("/v1/permits/redeem", &gateway, &permit).await;
    assert_eq!(redeemed.status, StatusCode::OK);
}

#[tokio::test]
async fn the_same_idempotency_key_gives_the_same_escalation() {
    let site = Site::new().await;
    let send = |body: Value| {
        axum::http::Request::builder()
            .method("POST")
            .uri("/v1/escalations")
            .header("authorization", format!("Bearer {}", site.bot))
            .header("idempotency-key", "call-1")
            .body(body.to_string().into())
            .unwrap()
    };
    let body = json!({"action": {"tool": "drop"}});
    let first = site.send(send(body.clone())).await.json();
    let second = site.send(send(body)).await.json();
    assert_eq!(first["id"], second["id"]);
    let other = site.send(send(json!({"action": {"tool": "merge"}}))).await.problem();
    assert_eq!((other.0, &*other.2), (422, "Idempotency-Key"));
}

#[tokio::test]
async fn of_a_batch_each_is_taken_or_refused_on_its_own() {
    let site = Site::new().await;
    let action = |tool: &str| json!({"action": {"tool": tool, "arguments": {"n": 1}}});
    let items = [action("note"), action("bad tool\n"), action("drop"), json!({"message": "what?"})];
    let answer = site.post("/v1/escalations/batch", &site.bot, &json!({"items": items})).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let answer = answer.json();
    assert_eq!(answer["items"][0]["outcome"], "noted");
    assert_eq!(answer["items"][1]["problem"]["field"], "/action/tool");
    let id = answer["items"][2]["id"].as_str().unwrap();
    let waits = site.get(&format!("/v1/escalations/{id}"), &site.bot).await.json();
    assert_eq!(waits["state"], "pending");
    assert_eq!(answer["items"][3]["problem"]["status"], 400);
    for items in [vec![], vec![action("note"); 101]] {
        let problem = site.post("/v1/escalations/batch", &site.bot, &json!({"items": items})).await;
        assert_eq!(problem.problem().0, 400);
    }
    let items = json!({"items": [action("note")]});
    let person = site.post("/v1/escalations/batch", &site.ana, &items).await;
    assert_eq!(person.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let site = Site::new().await;
    let mut asked = Vec::new();
    for _ in 0..7 {
        asked.push(site.propose("drop").await["id"].as_str().unwrap().to_owned());
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/escalations?limit=3{cursor}");
        let page = site.get(&path, &site.ana).await.json();
        let ids = page["items"].as_array().unwrap().iter();
        seen.extend(ids.map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    asked.reverse();
    assert_eq!(seen, asked);
}

#[tokio::test]
async fn a_stream_resumes_where_it_broke_off() {
    let site = Site::new().await;
    let mut events = Events::new(site.open("/v1/events", &site.bot).await);
    events.until("ready").await;
    let first = site.propose("note").await;
    let (id, _) = events.until("noted").await;
    drop(events);
    let second = site.propose("note").await;
    let request = axum::http::Request::builder()
        .uri("/v1/events")
        .header("authorization", format!("Bearer {}", site.bot))
        .header("last-event-id", &id)
        .body(axum::body::Body::empty())
        .unwrap();
    let mut events = Events::new(site.stream(request).await);
    let (_, again) = events.until("proposed").await;
    assert_eq!(again["id"], second["id"]);
    assert_ne!(again["id"], first["id"]);
}

#[tokio::test]
async fn a_halt_stops_what_it_covers_until_it_is_lifted() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    let halt = json!({"agent": "bot", "reason": "Wrong buckets."});
    let called = site.post("/v1/halts", &site.ana, &halt).await;
    assert_eq!(called.status, StatusCode::CREATED);
    let refused = site.decide(&site.bo, &asked, "approve").await.problem();
    assert_eq!(&*refused.1, "/problems/halted");
    let halted = site.propose("note").await;
    assert_eq!(
        (&halted["outcome"], &halted["ask_again"]),
        (&json!("halted"), &json!("when_lifted"))
    );
    let path = format!("/v1/halts/{}", called.json()["id"].as_str().unwrap());
    assert_eq!(site.delete(&path, &site.bot).await.problem().0, 403);
    assert_eq!(site.delete(&path, &site.bo).await.status, StatusCode::NO_CONTENT);
    assert_eq!(site.decide(&site.bo, &asked, "approve").await.json()["outcome"], "granted");
    assert_eq!(site.delete(&path, &site.bo).await.problem().0, 404);
}

#[tokio::test]
async fn a_credential_that_calls_too_fast_is_told_to_wait() {
    let site = Site::with_rate(sayso_web::api::RateLimit::new(Some(1))).await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(site.get("/v1/me", &site.bot).await.status.as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(site.get("/v1/me", &site.ana).await.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let site = Site::new().await;
    site.propose("note").await;
    let asked = site.propose("drop").await;
    site.decide(&site.ana, &asked, "deny").await;
    let page = String::from_utf8(site.get("/metrics", "").await.body).unwrap();
    assert!(page.contains("sayso_proposed_total{tier=\"fyi\"} 1"), "{page}");
    let denied = "sayso_outcomes_total{tier=\"hard\",outcome=\"denied\",basis=\"\"} 1";
    assert!(page.contains(denied), "{page}");
}

#[tokio::test]
async fn the_ledger_tells_everything_in_order() {
    let site = Site::new().await;
    let asked = site.propose("drop").await;
    site.decide(&site.ana, &asked, "approve").await;
    let ledger = site.get("/v1/ledger/entries", &site.ana).await.json();
    let entries = ledger["items"].as_array().unwrap();
    let seqs: Vec<_> = entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=entries.len() as u64).collect::<Vec<_>>());
    let words: Vec<_> = entries
        .iter()
        .filter(|entry| entry["escalation"] == asked["id"])
        .map(|entry| entry["event"]["type"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["proposed", "approved", "granted"]);
    assert_eq!(site.get("/v1/ledger/entries", &site.bot).await.problem().0, 403);
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let site = Site::new().await;
    let mut events = Events::new(site.open("/v1/events", &site.ana).await);
    events.until("ready").await;
    site.stop();
    let ended = tokio::time::timeout(Duration::from_secs(10), events.end()).await;
    assert!(ended.is_ok(), "the stream must end");
}
