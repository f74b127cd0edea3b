//! `/join/{token}`: accepting an invitation.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use sayso_core::ReviewerName;
use sayso_core::credential::InviteToken;
use sayso_core::directory::{Credential, Holder, IllegalChange};
use sayso_engine::AuthorityError;

use super::notice::{Notice, page};
use super::people::{list, words};
use super::text::Text;
use super::visitor::{Browser, Fields, cookie};
use crate::Web;

#[derive(Template)]
#[template(path = "join.html")]
struct Ask {
    by: Text,
    roles: String,
    groups: Option<String>,
    name: String,
    problem: Option<Text>,
}

/// `GET /join/{token}`: asks, and uses nothing up: mail scanners and link previews follow links,
/// too.
pub(super) async fn ask(
    State(web): State<Web>,
    Path(token): Path<String>,
) -> Result<Response, Notice> {
    let token = token.parse().map_err(|_| Notice::spent_invitation())?;
    Ok(page(&invited(&web, &token, String::new(), None).await?).into_response())
}

async fn invited(
    web: &Web,
    token: &InviteToken,
    name: String,
    problem: Option<&str>,
) -> Result<Ask, Notice> {
    let known = web.engine.authority().peek_invitation(token, web.engine.now()).await?;
    let Some(Credential { holder: Holder::Invitation { roles, groups, by }, .. }) = known else {
        return Err(Notice::spent_invitation());
    };
    Ok(Ask {
        by: Text::new(&by.to_string()),
        roles: words(&roles),
        groups: list(&groups),
        name,
        problem: problem.map(Text::new),
    })
}

/// `POST /join/{token}`. Taking the fields checks that our own page sent it.
pub(super) async fn join(
    State(web): State<Web>,
    Path(token): Path<String>,
    Browser(browser): Browser,
    fields: Fields,
) -> Result<Response, Notice> {
    let token: InviteToken = token.parse().map_err(|_| Notice::spent_invitation())?;
    let wanted = fields.text("name").unwrap_or_default();
    let again = async |problem: String| {
        let ask = invited(&web, &token, wanted.clone(), Some(&problem)).await?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&ask)).into_response())
    };
    let name = match ReviewerName::new(&wanted) {
        Ok(name) => name,
        Err(bad) => return again(bad.to_string()).await,
    };
    let joined = web.engine.authority().join(&token, &name, &browser, web.engine.now()).await;
    let login = match joined {
        Ok(login) => login.ok_or_else(Notice::spent_invitation)?,
        Err(AuthorityError::Illegal(IllegalChange::PersonExists(_))) => {
            return again("Somebody here has that name already; choose another.".into()).await;
        }
        Err(error) => return Err(error.into()),
    };
    let cookie = cookie(&web, &login.session.reveal(), login.lasts);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/inbox")).into_response())
}
