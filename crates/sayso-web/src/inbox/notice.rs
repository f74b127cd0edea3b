//! Pages that say why there is nothing else to see.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use sayso_engine::{AuthorityError, EngineError};
use sayso_store::StoreError;

use super::text::Text;
use crate::api::problem::Problem;

/// A page with a sentence or two.
#[derive(Debug, Template)]
#[template(path = "notice.html")]
pub(super) struct Notice {
    status: StatusCode,
    title: &'static str,
    text: Text,
    /// Whether the inbox is worth going to.
    onward: bool,
}

impl Notice {
    fn new(status: StatusCode, title: &'static str, text: &str) -> Self {
        Self { status, title, text: Text::new(text), onward: true }
    }

    /// Nobody is logged in.
    pub(super) fn logged_out() -> Self {
        let text = "Open the login link that `sayso serve` printed when it first started, or make \
                    one with `sayso reviewer login NAME`. Each link works once, for a day.";
        Self::not_logged_in(StatusCode::UNAUTHORIZED, "Log in", text)
    }

    /// Somebody was not logged in, and may try again.
    pub(super) fn not_logged_in(status: StatusCode, title: &'static str, text: &str) -> Self {
        Self { onward: false, ..Self::new(status, title, text) }
    }

    /// A login link that is used, too old, or none.
    pub(super) fn spent_link() -> Self {
        let text = "A login link works once, for a day; this one does not any more. Make a new \
                    one with `sayso reviewer login NAME`.";
        Self { onward: false, ..Self::new(StatusCode::GONE, "This link is spent", text) }
    }

    /// An invitation that is used, taken back, too old, or none.
    pub(super) fn spent_invitation() -> Self {
        let text = "An invitation works once, for three days; this one does not any more. Ask \
                    whoever sent it for another.";
        Self { onward: false, ..Self::new(StatusCode::GONE, "This invitation is spent", text) }
    }

    /// Some of what was signed was refused.
    pub(super) fn not_all(refused: &[String]) -> Self {
        let text = format!("These were not approved; all others were. {}", refused.join(". "));
        Self::new(StatusCode::CONFLICT, "Not all of them", &text)
    }

    /// A form that takes a script, sent without.
    pub(super) fn no_script() -> Self {
        let text = "Passkeys take a browser with scripts. Nothing was changed.";
        Self::new(StatusCode::BAD_REQUEST, "Not taken", text)
    }

    /// The server has no name that passkeys could be made for.
    pub(super) fn no_passkeys() -> Self {
        let text = "Passkeys take a server with a name and HTTPS (or localhost). Start it with \
                    `--public-url https://…`.";
        Self::new(StatusCode::CONFLICT, "No passkeys here", text)
    }

    /// A form that is not of a page of ours.
    pub(super) fn foreign_form() -> Self {
        let text = "That did not come from a page of this inbox, or the page is from before you \
                    logged in. Nothing was changed. Open the inbox and try again.";
        Self::new(StatusCode::FORBIDDEN, "Not taken", text)
    }

    /// A form that can't be read.
    pub(super) fn unreadable_form() -> Self {
        let text = "The form can't be read. Nothing was changed. Open the inbox and try again.";
        Self::new(StatusCode::BAD_REQUEST, "Not taken", text)
    }

    /// A form with too much in it.
    pub(super) fn too_large(limit: usize) -> Self {
        let text = format!("A form may have at most {limit} bytes. Nothing was changed.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Too much", &text)
    }

    /// There is no such page.
    pub(super) fn nothing_here() -> Self {
        let text = "There is nothing at this address.";
        Self::new(StatusCode::NOT_FOUND, "Not here", text)
    }
}

impl IntoResponse for Notice {
    fn into_response(self) -> Response {
        (self.status, page(&self)).into_response()
    }
}

impl From<Problem> for Notice {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.status()).unwrap_or_default();
        let title = match status {
            StatusCode::NOT_FOUND => "Not here",
            status if status.is_server_error() => "That failed",
            _ => "Not taken",
        };
        Self::new(status, title, problem.detail())
    }
}

impl From<EngineError> for Notice {
    fn from(error: EngineError) -> Self {
        Problem::from(error).into()
    }
}

impl From<AuthorityError> for Notice {
    fn from(error: AuthorityError) -> Self {
        Problem::from(error).into()
    }
}

impl From<StoreError> for Notice {
    fn from(error: StoreError) -> Self {
        Problem::from(error).into()
    }
}

/// A template as a page. Writing into memory does not fail.
pub(super) fn page(template: &impl Template) -> Html<String> {
    Html(template.render().unwrap_or_default())
}
