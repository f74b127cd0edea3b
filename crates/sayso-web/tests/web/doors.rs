//! Every door of the site, held against a table of whom it opens to. The list of doors is the
//! router's own, so a route that stands in no row fails here before anybody finds it open.

mod callers;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{StatusCode, header};
use sayso_core::credential::Role;
use sayso_web::api::openapi;

use crate::inbox::Browser;
use crate::site::{Answer, Site, request};
use callers::Callers;
use table::{DOORS, Door, Takes};

/// The routes of a router, by what it prints of itself: there is no other way to ask it. A service
/// that takes any method is told by `*`.
fn routes(site: &Site) -> BTreeSet<(String, String)> {
    let text = format!("{:?}", site.router());
    let (text, _) = text.split_once("fallback_router").unwrap();
    let (_, text) = text.split_once("routes: {").unwrap();
    let (ends, paths) = text.split_once("node: Node").unwrap();
    let numbered = |text: &'static str, of: &str| -> BTreeMap<u32, String> {
        let pieces = of.split(text).skip(1).map(|piece| piece.split_once(')').unwrap());
        pieces.map(|(number, rest)| (number.parse().unwrap(), rest.to_owned())).collect()
    };
    let (ends, paths) = (numbered("RouteId(", ends), numbered("RouteId(", paths));
    assert_eq!(ends.len(), paths.len(), "each route has a path");
    let mut found = BTreeSet::new();
    for (number, end) in ends {
        let path = paths[&number].split('"').nth(1).unwrap();
        if !end.contains("MethodRouter") {
            found.insert(("*".to_owned(), path.to_owned()));
            continue;
        }
        for method in ["get", "head", "delete", "options", "patch", "post", "put", "trace"] {
            let (_, value) = end.split_once(&format!("{method}: ")).unwrap();
            if !value.starts_with("None") {
                found.insert((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    found
}

#[tokio::test]
async fn every_route_of_the_site_stands_in_the_table() {
    let site = Site::new().await;
    let listed = DOORS.iter().map(|door| (door.method.to_owned(), door.path.to_owned()));
    let listed: BTreeSet<_> = listed.collect();
    assert_eq!(listed.len(), DOORS.len(), "each once");
    let routes = routes(&site);
    let unlisted: Vec<_> = routes.difference(&listed).collect();
    assert!(unlisted.is_empty(), "say in the table whom these are for: {unlisted:?}");
    let gone: Vec<_> = listed.difference(&routes).collect();
    assert!(gone.is_empty(), "these are no routes: {gone:?}");
}

#[test]
fn the_contract_tells_of_every_call_and_whom_it_is_for() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let mut told = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let callers = operation["security"].as_array().into_iter().flatten();
            let callers = callers.flat_map(|one| one.as_object().unwrap().keys().cloned());
            let callers: BTreeSet<String> = callers.collect();
            told.insert((method.to_uppercase(), path.replace("{path}", "{*path}")), callers);
        }
    }
    for Door { method, path, takes, .. } in DOORS {
        let agents = takes.is_for_agents().then_some("agent");
        let people = takes.is_for_bearers().then_some("reviewer");
        let callers = agents.into_iter().chain(people).map(str::to_owned).collect();
        let found = told.remove(&((*method).to_owned(), (*path).to_owned()));
        match (path.starts_with("/v1/"), found) {
            (true, found) => assert_eq!(found, Some(callers), "{method} {path}"),
            (false, Some(found)) => assert_eq!(found, callers, "{method} {path}"),
            (false, None) => {}
        }
    }
    assert!(told.is_empty(), "the contract has calls that are none: {told:?}");
}

/// What came of a knock.
struct Knocked {
    answer: Answer,
    /// Whether anything was written down.
    wrote: bool,
    what: String,
}

impl Knocked {
    /// How it stayed shut, if it did.
    fn shut(&self) -> Option<StatusCode> {
        let shut = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        shut.contains(&self.answer.status).then_some(self.answer.status)
    }
}

/// Knocks at a door with a bearer, a cookie, and more in its form than stands in the table.
async fn knock(site: &Site, door: &Door, bearer: &str, cookie: &str, more: &str) -> Knocked {
    let (path, body) = callers::fill(site, door, &format!("{}{more}", door.body)).await;
    let before = site.engine.ledger_size().await.unwrap();
    let method = if door.method == "*" { "POST" } else { door.method };
    let kind = match door.is_page() {
        true => "application/x-www-form-urlencoded",
        false => "application/json",
    };
    let mut request = request(method.parse().unwrap(), &path, bearer);
    let headers = request.headers_mut().unwrap();
    headers.insert(header::HOST, "sayso.test".parse().unwrap());
    headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
    headers.insert(header::ACCEPT, "application/json, text/event-stream".parse().unwrap());
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    if bearer.is_empty() {
        headers.remove(header::AUTHORIZATION);
    }
    let answer = site.begin(request.body(body.into()).unwrap()).await;
    let wrote = site.engine.ledger_size().await.unwrap() != before;
    let what = format!("{} {}: {answer:?}", door.method, door.path);
    assert!(!answer.status.is_server_error(), "{what}");
    Knocked { answer, wrote, what }
}

#[tokio::test]
async fn each_call_opens_to_whom_it_is_for_and_to_nobody_else() {
    let (site, callers) = Callers::at_a_site().await;
    for door in DOORS.iter().filter(|door| !door.is_page()) {
        for (name, caller, secret) in &callers.bearers {
            let knocked = knock(&site, door, secret, "", "").await;
            let refused = caller.at(&door.takes).err();
            assert_eq!(knocked.shut(), refused, "{name} at {}", knocked.what);
            let left = refused.is_some() && knocked.wrote;
            assert!(!left, "refused, {name} left a trace at {}", knocked.what);
        }
    }
}

#[tokio::test]
async fn a_session_makes_no_call_and_a_bearer_opens_no_page() {
    let (site, callers) = Callers::at_a_site().await;
    let live = Browser::logged_in(&site, "olga").await;
    let closed = async |door: &Door, bearer: &str, cookie: &str| {
        let knocked = knock(&site, door, bearer, cookie, "").await;
        let found = (knocked.shut(), knocked.wrote);
        assert_eq!(
            found,
            (Some(StatusCode::UNAUTHORIZED), false),
            "{bearer} {cookie} {}",
            knocked.what
        );
    };
    for door in DOORS.iter().filter(|door| !matches!(door.takes, Takes::Nothing)) {
        if !door.takes.is_for_browsers() {
            closed(door, "", live.cookie()).await;
            continue;
        }
        for (_, _, secret) in &callers.bearers {
            // As a bearer, and where a browser holds its session. Whether it is a session by itself
            // is not the question.
            closed(door, secret, "").await;
            if !secret.starts_with("sayso_session_") {
                closed(door, "", &format!("sayso={secret}")).await;
            }
        }
        for (_, cookie) in &callers.ended {
            closed(door, "", cookie).await;
        }
    }
}

#[tokio::test]
async fn each_page_opens_to_whom_it_is_for_and_takes_forms_of_its_own_alone() {
    let (site, _) = Callers::at_a_site().await;
    for role in Role::ALL {
        for door in DOORS {
            let (roles, form) = match &door.takes {
                Takes::Page(roles) => (roles, false),
                Takes::Form(roles) => (roles, true),
                _ => continue,
            };
            let may = roles.contains(&role);
            // A new one each time: one of the forms logs out.
            let browser = Browser::logged_in(&site, role.word()).await;
            let knocked = knock(&site, door, "", browser.cookie(), "").await;
            let shut = (form || !may).then_some(StatusCode::FORBIDDEN);
            assert_eq!(knocked.shut(), shut, "{} at {}", role.word(), knocked.what);
            assert!(shut.is_none() || !knocked.wrote, "{} at {}", role.word(), knocked.what);
            if !form {
                continue;
            }
            let token = format!("&token={}", browser.token().await);
            let knocked = knock(&site, door, "", browser.cookie(), &token).await;
            let refused = knocked.answer.status.is_client_error() && !knocked.wrote;
            let held = if may { knocked.shut().is_none() } else { refused };
            assert!(held, "{} with a form of their own at {}", role.word(), knocked.what);
        }
    }
}
