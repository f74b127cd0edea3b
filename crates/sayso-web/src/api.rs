//! The JSON API.

use axum::Router;

use crate::Web;

/// How fast one credential may call.
#[derive(Clone, Debug, Default)]
pub struct RateLimit;

/// The API's routes.
pub fn router(_web: Web) -> Router {
    Router::new()
}
