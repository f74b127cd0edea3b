//! The inbox: pages for people.

mod diff;
mod shown;
mod text;

use axum::Router;

use crate::Web;

/// The inbox's routes.
pub fn router(_web: Web) -> Router {
    Router::new()
}
