//! Who opens a page: a person, by the session that their cookie holds. Agents' keys and people's
//! tokens open nothing here.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use sayso_core::credential::{Person, Role};
use sayso_core::directory::{Holder, How};
use sayso_core::{Digest, Period};

use super::notice::Notice;
use super::sign::passkey_of;
use crate::Web;

/// The most bytes of a form.
const LARGEST_FORM: usize = 512 * 1024;

/// What a browser holds for us.
#[derive(Clone, Copy)]
pub(super) enum Cookie {
    /// Who it is logged in as.
    Session,
    /// That it is logging in at a provider.
    Attempt,
}

impl Cookie {
    /// Its name; over HTTPS it has a prefix that only a cookie of this very host may have.
    fn name(self, web: &Web) -> &'static str {
        match (self, is_secure(web)) {
            (Self::Session, true) => "__Host-sayso",
            (Self::Session, false) => "sayso",
            (Self::Attempt, true) => "__Host-sayso-login",
            (Self::Attempt, false) => "sayso-login",
        }
    }
}

/// A person who is logged in.
pub(super) struct Visitor {
    /// Who.
    pub(super) person: Person,
    /// The session's secret.
    pub(super) session: String,
    /// The passkey that they logged in with, by its id.
    pub(super) passkey: Option<Digest>,
    /// Whether they have a passkey that what it signs counts.
    pub(super) signs: bool,
}

impl Visitor {
    /// What every form of theirs carries, so that no other site's form can pass for one.
    pub(super) fn form_token(&self) -> String {
        Digest::of_parts(&[b"sayso form\n", self.session.as_bytes()]).to_string()
    }

    /// Whether they decide.
    pub(super) fn decides(&self) -> bool {
        self.person.is(Role::Reviewer)
    }
}

impl FromRequestParts<Web> for Visitor {
    type Rejection = Notice;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Notice> {
        let session = cookie_of(web, Cookie::Session, &parts.headers);
        let session = session.ok_or_else(Notice::logged_out)?;
        let (authority, now) = (web.engine.authority(), web.engine.now());
        let person = authority.session(&session, now).await?.ok_or_else(Notice::logged_out)?;
        let directory = authority.directory().await?;
        let known = person.credential().and_then(|id| directory.credential(id, now));
        let passkey = match known.map(|credential| &credential.holder) {
            Some(Holder::Session { how: How::Passkey(key), .. }) => Some(*key),
            _ => None,
        };
        let mut visitor = Self { person, session, passkey, signs: false };
        visitor.signs = passkey_of(&directory, &visitor).is_some();
        Ok(visitor)
    }
}

/// What a person sent from one of our own pages.
pub(super) struct Sent {
    /// Who.
    pub(super) visitor: Visitor,
    /// The fields of the form, in order.
    pub(super) fields: Fields,
}

impl FromRequest<Web> for Sent {
    type Rejection = Notice;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Notice> {
        let (mut parts, body) = request.into_parts();
        same_site(web, &parts.headers)?;
        let visitor = Visitor::from_request_parts(&mut parts, web).await?;
        let fields = Fields::from_request(Request::from_parts(parts, body), web).await?;
        let token = fields.get("token").unwrap_or_default();
        if Digest::of(token.as_bytes()) != Digest::of(visitor.form_token().as_bytes()) {
            return Err(Notice::foreign_form());
        }
        Ok(Self { visitor, fields })
    }
}

/// The browser, as it calls itself: for people to tell their sessions apart, and for nothing else.
pub(super) struct Browser(pub(super) String);

/// How much of it is kept.
const LONGEST_BROWSER: usize = 120;

impl FromRequestParts<Web> for Browser {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Web) -> Result<Self, Self::Rejection> {
        let named = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let plain = named.unwrap_or("a browser that does not say which").chars();
        let plain = plain.filter(|c| c.is_ascii_graphic() || *c == ' ');
        Ok(Self(plain.take(LONGEST_BROWSER).collect()))
    }
}

/// The fields of a form.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// A field, if it was sent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| &**value)
    }

    /// All values of a field that may be sent several times.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| &**value)
    }

    /// A field that says something, with the line breaks that people mean.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = self.get(name)?.replace("\r\n", "\n");
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

impl FromRequest<Web> for Fields {
    type Rejection = Notice;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Notice> {
        same_site(web, request.headers())?;
        let bytes = axum::body::to_bytes(request.into_body(), LARGEST_FORM).await;
        let bytes = bytes.map_err(|_| Notice::too_large(LARGEST_FORM))?;
        Ok(Self(serde_urlencoded::from_bytes(&bytes).map_err(|_| Notice::unreadable_form())?))
    }
}

/// Refuses what another site made the browser send.
pub(super) fn same_site(web: &Web, headers: &HeaderMap) -> Result<(), Notice> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return Err(Notice::foreign_form());
    }
    let Some(origin) = text("origin") else { return Ok(()) };
    // The same server goes by several names: 127.0.0.1 and localhost, or another one behind a
    // proxy. What counts is that the page was of the one that it was sent to.
    let authority = origin.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
    let here = authority.is_some_and(|authority| text("host") == Some(authority.as_str()));
    match here || origin == &*web.public_url {
        true => Ok(()),
        false => Err(Notice::foreign_form()),
    }
}

fn is_secure(web: &Web) -> bool {
    web.public_url.starts_with("https://")
}

/// What the browser holds.
pub(super) fn cookie_of(web: &Web, cookie: Cookie, headers: &HeaderMap) -> Option<String> {
    let name = cookie.name(web);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}

/// A `Set-Cookie` for a session; with no time to last, it ends one.
pub(super) fn cookie(web: &Web, session: &str, lasts: Period) -> String {
    cookie_for(web, Cookie::Session, session, lasts)
}

/// A `Set-Cookie`; with no time to last, it takes the cookie away.
pub(super) fn cookie_for(web: &Web, cookie: Cookie, value: &str, lasts: Period) -> String {
    let secure = if is_secure(web) { "; Secure" } else { "" };
    let age = lasts.as_micros() / 1_000_000;
    let name = cookie.name(web);
    format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}")
}
