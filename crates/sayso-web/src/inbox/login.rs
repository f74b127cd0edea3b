//! Logging in by a one-time link, and out.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use sayso_core::Period;
use sayso_core::credential::LoginToken;

use super::notice::{Notice, page};
use super::text::Text;
use super::visitor::{Browser, Fields, Sent, cookie};
use crate::Web;

#[derive(Template)]
#[template(path = "login.html")]
struct Ask {
    name: Text,
}

/// `GET /login`.
pub(super) async fn needed() -> Notice {
    Notice::logged_out()
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
