//! The inbox: pages for people.

use axum::Router;

use crate::Web;

/// The inbox's routes.
pub fn router(_web: Web) -> Router {
    Router::new()
}
