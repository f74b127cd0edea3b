//! Whoever comes: with each credential there is, and with those that have ended.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sayso_core::credential::Role;
use sayso_core::directory::Scope;
use sayso_core::signature::PersonKey;
use sayso_core::{Period, ReviewerName};
use sayso_engine::Actor;
use sayso_web::api::RateLimit;
use serde_json::{Value, json};

use super::table::{Door, Takes};
use crate::inbox::Browser;
use crate::site::{POLICY, Site};

/// What somebody is by what they bring.
pub(super) enum Caller {
    Agent,
    Person {
        roles: &'static [Role],
        scopes: &'static [Scope],
    },
    /// Nobody, or nobody any more.
    Nobody,
}

impl Caller {
    /// Whether a door for bearers opens to them, or with what it stays shut.
    pub(super) fn at(&self, takes: &Takes) -> Result<(), StatusCode> {
        let (unknown, forbidden) = (StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN);
        let may = |may: bool| if may { Ok(()) } else { Err(forbidden) };
        match (takes, self) {
            (Takes::Nothing, _) | (Takes::Anyone | Takes::People, Self::Person { .. }) => Ok(()),
            (Takes::Page(_) | Takes::Form(_), _) | (_, Self::Nobody) => Err(unknown),
            (takes, Self::Agent) => may(takes.is_for_agents()),
            (Takes::Agents | Takes::OwnKey, Self::Person { .. }) => Err(forbidden),
            (Takes::Own, Self::Person { scopes, .. }) => may(scopes.contains(&Scope::Administer)),
            (Takes::Role(role), person) => may(person.acts_as(*role)),
            (Takes::PolicyOrPermit, person) => may(person.acts_as(Role::PolicyAdmin)),
        }
    }

    fn acts_as(&self, role: Role) -> bool {
        let Self::Person { roles, scopes } = self else { return false };
        let scope = match role {
            Role::Reviewer => Scope::Decide,
            Role::PolicyAdmin => Scope::Policy,
            Role::Auditor => Scope::Read,
            Role::Owner => Scope::Administer,
        };
        roles.contains(&role) && scopes.contains(&scope)
    }
}

/// All of them.
pub(super) struct Callers {
    /// What each sends as a bearer.
    pub(super) bearers: Vec<(String, Caller, String)>,
    /// Cookies of sessions that have ended, each another way.
    pub(super) ended: Vec<(&'static str, String)>,
}

impl Callers {
    /// At a site where all of them were let in once: Olga has every role, and each other is called
    /// by the only one they have.
    pub(super) async fn at_a_site() -> (Site, Self) {
        let site = Site::with(POLICY, RateLimit::new(None)).await;
        let mut all = Self { bearers: Vec::new(), ended: Vec::new() };
        let olga = site.person_with("olga", &Role::ALL).await;
        all.those_that_end(&site).await;
        let nobody = |secret: &str| (Caller::Nobody, secret.to_owned());
        let link = site.login_path("bo").await;
        let session = Browser::logged_in(&site, "bo").await.cookie().to_owned();
        let invited = site.post("/v1/invitations", &olga, &json!({"roles": ["owner"]})).await;
        let invited = invited.json()["invite_url"].as_str().unwrap().to_owned();
        for (name, (caller, secret)) in [
            ("nobody", nobody("")),
            ("a stranger", nobody(&site.bo.replace("reviewer", "agent"))),
            ("a login link", nobody(link.rsplit('/').next().unwrap())),
            ("an invitation", nobody(invited.rsplit('/').next().unwrap())),
            ("a session", nobody(session.trim_start_matches("sayso="))),
            ("an agent", (Caller::Agent, site.bot.clone())),
        ] {
            all.bearers.push((name.into(), caller, secret));
        }
        for (nth, role) in Role::ALL.iter().enumerate() {
            let token = site.person(role.word(), *role).await;
            let caller = Caller::Person { roles: &Role::ALL[nth..=nth], scopes: &Scope::ALL };
            all.bearers.push((format!("somebody with the role {}", role.word()), caller, token));
        }
        for (nth, scope) in Scope::ALL.iter().enumerate() {
            let body = json!({"scopes": [scope.word()]});
            let token = secret(&site.post("/v1/tokens", &olga, &body).await.json());
            let caller = Caller::Person { roles: &Role::ALL, scopes: &Scope::ALL[nth..=nth] };
            all.bearers.push((format!("a token for {}", scope.word()), caller, token));
        }
        (site, all)
    }

    /// What was good once, and is no more.
    async fn those_that_end(&mut self, site: &Site) {
        let (authority, now) = (site.engine.authority(), site.engine.now());
        let mut ends = |name: &str, secret: String| {
            self.bearers.push((name.to_owned(), Caller::Nobody, secret));
        };
        let cookie =
            async |person: &str| Browser::logged_in(site, person).await.cookie().to_owned();

        let body = json!({"scopes": ["read", "decide", "administer"], "lasts": "1h"});
        ends(
            "a token whose time is over",
            secret(&site.post("/v1/tokens", &site.ana, &body).await.json()),
        );
        let expired = cookie("ana").await;
        let old = site.agent("rotated").await;
        let name = "rotated".parse().unwrap();
        let overlap = Period::from_secs(3_600);
        authority.rotate_agent(Actor::Operator, name, overlap, now).await.unwrap();
        ends("an agent's key after the overlap", old);
        site.clock.advance(Period::from_secs(15 * 86_400));
        site.engine.clock_moved();
        let now = site.engine.now();

        let made = site.post("/v1/tokens", &site.ana, &json!({"scopes": ["administer"]})).await;
        let path = format!("/v1/tokens/{}", made.json()["id"].as_str().unwrap());
        assert_eq!(site.delete(&path, &site.ana).await.status, StatusCode::NO_CONTENT);
        ends("a token that was revoked", secret(&made.json()));
        ends("an agent that was revoked", site.agent("revoked").await);
        authority.revoke_agent(Actor::Operator, &"revoked".parse().unwrap(), now).await.unwrap();

        ends("somebody who was removed", site.person_with("removed", &Role::ALL).await);
        ends("somebody without a role", site.person_with("roleless", &Role::ALL).await);
        self.ended = vec![
            ("a session whose time is over", expired),
            ("a session of somebody who was removed", cookie("removed").await),
            ("a session of somebody without a role", cookie("roleless").await),
        ];
        let [removed, roleless] = ["removed", "roleless"].map(|name| name.parse().unwrap());
        authority.remove_person(Actor::Operator, &removed, now).await.unwrap();
        authority.set_person(Actor::Operator, &roleless, &[], &[], now).await.unwrap();
        let out = Browser::logged_in(site, "ana").await;
        out.submits("/logout", &[]).await;
        self.ended.push(("a session that was logged out", out.cookie().to_owned()));
    }
}

fn secret(issued: &Value) -> String {
    issued["token"].as_str().unwrap_or_else(|| panic!("{issued}")).to_owned()
}

/// A door's address and body, with something new in every place that is left open.
pub(super) async fn fill(site: &Site, door: &Door, body: &str) -> (String, String) {
    let (mut path, mut body, mut before) = (Vec::new(), body.to_owned(), "");
    for part in door.path.split('/') {
        if !part.starts_with('{') {
            path.push(part.to_owned());
            before = part;
            continue;
        }
        let filled = something(site, before, part).await;
        body = body.replace("$id", &filled);
        if body.contains("$enrolment") {
            let (id, now) = (filled.parse().unwrap(), site.engine.now());
            let enrolment = site.engine.authority().enrolment(id, id, now).await.unwrap();
            body = body.replace("$enrolment", &json!(enrolment.text()).to_string());
        }
        path.push(filled);
    }
    let body = body.replace("$new", &format!("new-{}", uuid())).replace("$hex", &"7".repeat(64));
    let key = if body.contains("$key") { ssh_line() } else { String::new() };
    let key = if door.is_page() {
        serde_urlencoded::to_string([("", key)]).unwrap()[1..].to_owned()
    } else {
        key
    };
    (path.join("/"), body.replace("$key", &key))
}

fn uuid() -> String {
    sayso_core::Digest::from_bytes(sayso_engine::entropy()).to_string()[..12].to_owned()
}

/// A public key that nobody has offered.
fn ssh_line() -> String {
    let secret = ed25519_dalek::SigningKey::from_bytes(&sayso_engine::entropy());
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend(secret.verifying_key().as_bytes());
    format!("ssh-ed25519 {}", STANDARD.encode(blob))
}

/// What is to stand in that place after that word.
async fn something(site: &Site, before: &str, place: &str) -> String {
    let (authority, now, operator) = (site.engine.authority(), site.engine.now(), Actor::Operator);
    let name = format!("some-{}", uuid());
    let id = |answer: crate::site::Answer| answer.json()["id"].as_str().unwrap().to_owned();
    let bo: ReviewerName = "bo".parse().unwrap();
    match (before, place) {
        ("escalations" | "permits" | "inbox", "{id}") => {
            site.propose("drop").await["id"].as_str().unwrap().to_owned()
        }
        ("halts", "{id}") => id(site.post("/v1/halts", &site.bo, &json!({"tool": name})).await),
        ("tokens", "{id}") => {
            id(site.post("/v1/tokens", &site.bo, &json!({"scopes": ["read"]})).await)
        }
        ("sessions", "{id}") => {
            Browser::logged_in(site, "bo").await;
            let sessions = site.get("/v1/sessions", &site.bo).await.json();
            let last = sessions["items"].as_array().unwrap().last().unwrap()["id"].clone();
            last.as_str().unwrap().to_owned()
        }
        ("invitations", "{id}") => {
            authority.invite(operator, &[Role::Auditor], &[], now).await.unwrap().id.to_string()
        }
        ("keys", "{id}") => {
            let key = PersonKey::Ssh(ssh_line().parse().unwrap());
            authority.offer_key(operator, &bo, &key, now).await.unwrap();
            key.id().to_string()
        }
        ("people", "{name}") => {
            site.person(&name, Role::Reviewer).await;
            let (away, until) = (name.parse().unwrap(), Period::from_secs(3_600).after(now));
            authority.set_cover(operator, &away, &bo, until, now).await.unwrap();
            name
        }
        ("cover", "{stand_in}") => "bo".into(),
        ("agents", "{name}") => {
            site.agent(&name).await;
            name
        }
        ("problems", "{slug}") => "forbidden".into(),
        ("tile", "{*path}") => "0/000".into(),
        ("assets", "{name}") | ("join" | "login", "{token}") => "x".into(),
        (before, place) => panic!("what goes into {before}/{place}?"),
    }
}
