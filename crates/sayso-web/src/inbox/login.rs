//! Logging in by a one-time link, and out.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use sayso_core::Period;
use sayso_core::credential::LoginToken;
use sayso_engine::{PasskeyError, Purpose};

use super::notice::{Notice, page};
use super::passkey::{self, Signed};
use super::text::Text;
use super::visitor::{Browser, Fields, Sent, cookie};
use crate::Web;

#[derive(Template)]
#[template(path = "login.html")]
struct Ask {
    name: Text,
}

/// The page to log in by a passkey.
#[derive(Template)]
#[template(path = "enter.html")]
struct Enter {
    /// What was wrong with the last try.
    problem: Option<Text>,
    /// Where passkeys work, if not here.
    elsewhere: Option<String>,
    ask: Option<AskKey>,
    /// What the provider is called that people may log in at.
    provider: Option<Text>,
}

/// What a browser is asked to sign.
struct AskKey {
    options: String,
    ticket: String,
}

/// `GET /login`.
pub(super) async fn enter(
    State(web): State<Web>,
    headers: HeaderMap,
) -> Result<Html<String>, Notice> {
    door(&web, &headers, None)
}

fn door(web: &Web, headers: &HeaderMap, problem: Option<Text>) -> Result<Html<String>, Notice> {
    let ask = match passkey::relying_party(&web.public_url) {
        Some(rp) => {
            let (ticket, challenge) = web.engine.challenge(Purpose::Login)?;
            let options = passkey::request(&rp, &challenge, &[]).to_string();
            Some(AskKey { options, ticket: ticket.to_string() })
        }
        None => None,
    };
    let elsewhere = passkey::elsewhere(&web.public_url, headers, "/login");
    let provider = web.sign_on.as_ref().map(|sign_on| Text::new(sign_on.name()));
    Ok(page(&Enter { problem, elsewhere, ask, provider }))
}

/// `POST /login/passkey`: logs in whoever's passkey has signed; or says why not, with a new
/// challenge.
pub(super) async fn by_passkey(
    State(web): State<Web>,
    Browser(browser): Browser,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Notice> {
    let signed = fields.get("credential").ok_or_else(Notice::no_script)?;
    let signed = Signed::read(signed).map_err(|_| Notice::unreadable_form())?;
    let ticket = passkey::ticket(&fields)?;
    let Signed { credential, assertion, .. } = &signed;
    let login = web.engine.log_in_by_passkey(&ticket, credential, assertion, &browser).await;
    match login {
        Ok(login) => {
            let cookie = cookie(&web, &login.session.reveal(), login.lasts);
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/inbox")).into_response())
        }
        Err(PasskeyError::Authority(error)) => Err(error.into()),
        Err(refused) => {
            let problem = Text::new(&refused.to_string());
            Ok((StatusCode::UNAUTHORIZED, door(&web, &headers, Some(problem))?).into_response())
        }
    }
}

/// `GET /login/{token}`: asks, and uses nothing up: mail scanners and link previews follow links,
/// too.
pub(super) async fn ask(
    State(web): State<Web>,
    Path(token): Path<String>,
) -> Result<Response, Notice> {
    let link: LoginToken = token.parse().map_err(|_| Notice::spent_link())?;
    let person = web.engine.authority().peek_login(&link, web.engine.now()).await?;
    let person = person.ok_or_else(Notice::spent_link)?;
    Ok(page(&Ask { name: Text::new(person.name().as_str()) }).into_response())
}

/// `POST /login/{token}`. Taking the fields checks that our own page sent it.
pub(super) async fn log_in(
    State(web): State<Web>,
    Path(token): Path<String>,
    Browser(browser): Browser,
    _: Fields,
) -> Result<Response, Notice> {
    let link: LoginToken = token.parse().map_err(|_| Notice::spent_link())?;
    let login = web.engine.authority().log_in(&link, &browser, web.engine.now()).await?;
    let login = login.ok_or_else(Notice::spent_link)?;
    let cookie = cookie(&web, &login.session.reveal(), login.lasts);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/inbox")).into_response())
}

/// `POST /logout`.
pub(super) async fn log_out(State(web): State<Web>, sent: Sent) -> Result<Response, Notice> {
    web.engine.authority().log_out(&sent.visitor.session, web.engine.now()).await?;
    let cookie = cookie(&web, "", Period::ZERO);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response())
}
