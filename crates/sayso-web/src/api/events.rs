//! `GET /v1/events`: everything that happens, as server-sent events.

use axum::extract::State;

use super::caller::Caller;
use crate::Web;

/// Follow what happens.
#[utoipa::path(get, path = "/v1/events", tag = "events",
    responses((status = 200, description = "The stream", content_type = "text/event-stream")),
    security(("agent" = []), ("reviewer" = [])))]
pub(super) async fn events(State(_web): State<Web>, _caller: Caller) -> String {
    String::new()
}
