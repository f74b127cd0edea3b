//! Logging in at the organisation's identity provider: a link that only sends the browser there,
//! and the way back, which finishes a login and nothing else.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use sayso_core::Period;
use sayso_engine::{Login, NotAdmitted, Vouched};
use sayso_oidc::{Attempt, Callback, Failure, Identity, Provider};

use super::notice::Notice;
use super::visitor::{Browser, Cookie, cookie, cookie_for, cookie_of};
use crate::Web;
use crate::api::RateLimit;

/// Where a provider sends people back to, on this server.
pub const CALLBACK: &str = "/login/oidc/callback";

/// How many logins a second are finished. Each takes the provider's time, too, and anybody can try.
const LOGINS: u32 = 10;

/// An identity provider that people may log in at.
#[derive(Clone)]
pub struct SignOn {
    provider: Provider,
    rate: RateLimit,
}

impl SignOn {
    /// At that provider.
    pub fn new(provider: Provider) -> Self {
        Self { provider, rate: RateLimit::new(Some(LOGINS)) }
    }

    /// What the button calls it.
    pub(super) fn name(&self) -> &str {
        &self.provider.settings().name
    }
}

/// `GET /login/oidc`: sends the browser to the provider. A link and no form, as browsers that are
/// told where forms may go would not let this one go on to the provider.
pub(super) async fn begin(State(web): State<Web>) -> Result<Response, Notice> {
    let sign_on = web.sign_on.as_ref().ok_or_else(Notice::nothing_here)?;
    let attempt = Attempt::from_entropy(sayso_engine::entropy(), web.engine.now());
    let address = sign_on.provider.begin(&attempt).await;
    let address = address.map_err(|failure| failed(&web, sign_on, &failure))?;
    let cookie = cookie_for(&web, Cookie::Attempt, &attempt.reveal(), Attempt::LASTS);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&address)).into_response())
}

/// `GET /login/oidc/callback`. Whatever it comes to, the attempt is over.
pub(super) async fn finish(
    State(web): State<Web>,
    headers: HeaderMap,
    Browser(browser): Browser,
    callback: Result<Query<Callback>, QueryRejection>,
) -> Response {
    let over = cookie_for(&web, Cookie::Attempt, "", Period::ZERO);
    match log_in(&web, &headers, &browser, callback).await {
        Ok(login) => {
            let session = cookie(&web, &login.session.reveal(), login.lasts);
            let cookies =
                AppendHeaders([(header::SET_COOKIE, over), (header::SET_COOKIE, session)]);
            (cookies, Redirect::to("/inbox")).into_response()
        }
        Err(notice) => ([(header::SET_COOKIE, over)], notice).into_response(),
    }
}

async fn log_in(
    web: &Web,
    headers: &HeaderMap,
    browser: &str,
    callback: Result<Query<Callback>, QueryRejection>,
) -> Result<Login, Notice> {
    let sign_on = web.sign_on.as_ref().ok_or_else(Notice::nothing_here)?;
    let fail = |failure: &Failure| failed(web, sign_on, failure);
    let Ok(Query(callback)) = callback else { return Err(fail(&Failure::NotBegun)) };
    let attempt = cookie_of(web, Cookie::Attempt, headers).and_then(|text| text.parse().ok());
    let attempt: Attempt = attempt.ok_or_else(|| fail(&Failure::NotBegun))?;
    let now = web.engine.now();
    if !attempt.is_answered_by(&callback, now) {
        return Err(fail(&Failure::NotBegun));
    }
    sign_on.rate.spend("logging in", 1)?;
    let identity = sign_on.provider.finish(&attempt, callback, now).await;
    let identity = identity.map_err(|failure| fail(&failure))?;
    admit(web, sign_on, &identity, browser).await
}

async fn admit(
    web: &Web,
    sign_on: &SignOn,
    identity: &Identity,
    browser: &str,
) -> Result<Login, Notice> {
    let admission = sign_on.provider.settings().terms.admit(identity);
    let vouched = Vouched {
        issuer: &identity.issuer,
        subject: &identity.subject,
        name: admission.name.as_ref(),
        roles: &admission.roles,
        groups: &admission.groups,
    };
    let (authority, now) = (web.engine.authority(), web.engine.now());
    let admitted = authority.log_in_on_word(&vouched, browser, now).await?;
    admitted.map_err(|not| {
        let (issuer, subject) = (&identity.issuer, &identity.subject);
        tracing::info!(%not, issuer, subject, "a login was not admitted");
        not_admitted(web, sign_on, identity, &not)
    })
}

fn failed(web: &Web, sign_on: &SignOn, failure: &Failure) -> Notice {
    let name = sign_on.name();
    let theirs = "Nothing is wrong with your account, and nothing was changed. Try again in a \
                  moment; if it stays so, tell whoever runs this server: its log says why.";
    let (status, title, text) = match failure {
        Failure::Unreachable(_) | Failure::Unusable(_) => (
            StatusCode::BAD_GATEWAY,
            "The provider does not answer",
            format!("{name} can't be reached, or not be understood. {theirs}"),
        ),
        Failure::NotBegun => (
            StatusCode::BAD_REQUEST,
            "Start again",
            format!(
                "This browser did not begin that login, or more than ten minutes ago, or another \
                 one since. Nothing was changed. Begin at {}/login. If you did not mean to log in, \
                 somebody may have sent you here: close this page.",
                web.public_url
            ),
        ),
        Failure::OtherProvider => (
            StatusCode::BAD_REQUEST,
            "Not taken",
            format!("That answer is not of {name}. Nothing was changed."),
        ),
        Failure::Denied => (
            StatusCode::FORBIDDEN,
            "Not logged in",
            format!("{name} says that you cancelled, or that you may not use this."),
        ),
        Failure::Refused(code) => (
            StatusCode::BAD_GATEWAY,
            "Not logged in",
            format!("{name} answered `{code}`. A login can be finished once only; begin again."),
        ),
        Failure::Clock(_) => (
            StatusCode::BAD_GATEWAY,
            "The clocks differ",
            format!(
                "The clocks of {name} and of this server differ by more than a minute. {theirs}"
            ),
        ),
        Failure::BadToken(_) => (
            StatusCode::BAD_GATEWAY,
            "Not logged in",
            format!("What {name} says about you does not prove that it says so. {theirs}"),
        ),
        Failure::GroupsLeftOut => (
            StatusCode::FORBIDDEN,
            "Not logged in",
            format!(
                "You are in so many groups at {name} that it left them out, so that nothing says \
                 what you may do here. Whoever runs {name} can have it tell fewer."
            ),
        ),
    };
    match failure {
        Failure::NotBegun | Failure::Denied | Failure::OtherProvider | Failure::Refused(_) => {
            tracing::info!(%failure, "a login came to nothing");
        }
        Failure::Unreachable(_)
        | Failure::Unusable(_)
        | Failure::Clock(_)
        | Failure::BadToken(_)
        | Failure::GroupsLeftOut => tracing::warn!(%failure, "a login came to nothing"),
    }
    Notice::not_logged_in(status, title, &text)
}

fn not_admitted(web: &Web, sign_on: &SignOn, identity: &Identity, not: &NotAdmitted) -> Notice {
    let name = sign_on.name();
    let text = match not {
        NotAdmitted::NoRole => format!(
            "{name} knows you, but none of your groups there lets you do anything here. Ask \
             whoever runs {name} to put you into the right group, then log in again."
        ),
        NotAdmitted::NameTaken(person) => format!(
            "There is somebody called {person} here whom {name} does not know. If that is you, \
             have whoever runs {} link the two, then log in again: \
             sayso reviewer link {person} {} {}",
            web.public_url,
            quoted(&identity.issuer),
            quoted(&identity.subject)
        ),
        NotAdmitted::NoName => format!(
            "Nothing that {name} calls you may be a name here: letters, digits and . _ - @ may. \
             Whoever runs {name} can give you a user name or an address of these."
        ),
    };
    Notice::not_logged_in(StatusCode::FORBIDDEN, "Not let in", &text)
}

/// As a shell takes it for one word, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
