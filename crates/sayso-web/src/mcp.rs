//! `/mcp`: the tools for models, over streamable HTTP. A model's call becomes a request to our own
//! API with the same agent's key, so that it meets the same checks and limits as any other.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use sayso_client::wire::{
    Batch, BatchAnswer, Escalation, Halts, Me, Page, Policy, Problem, Propose, Proposed, Redeemed,
    Report,
};
use sayso_mcp::gateway::Rules;
use sayso_mcp::server::{Desk, News, Reception, Refused, open_query};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tower::ServiceExt;

use crate::Web;
use crate::api;
use crate::api::caller::AgentCaller;

/// The most bytes of an answer of ours.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// The route for models.
pub fn router(web: &Web) -> Router {
    let public = web.public_url.parse::<Uri>().ok();
    let desk = FrontDesk { api: api::router(web.clone()) };
    let service = sayso_mcp::server::http(desk, public.as_ref());
    Router::new()
        .route_service("/mcp", service)
        .layer(middleware::from_fn_with_state(web.clone(), agents_only))
}

/// Lets agents in, and nobody else.
async fn agents_only(
    State(_): State<Web>,
    _: AgentCaller,
    request: Request,
    next: Next,
) -> Response {
    next.run(request).await
}

/// Gives each request a desk that has its key.
struct FrontDesk {
    api: Router,
}

#[async_trait]
impl Reception for FrontDesk {
    async fn desk(&self, parts: Option<&Parts>) -> Result<Arc<dyn Desk>, sayso_mcp::ErrorData> {
        let key = parts.and_then(|parts| parts.headers.get(header::AUTHORIZATION));
        let missing = || sayso_mcp::ErrorData::invalid_request("the agent's key is missing", None);
        let key = key.ok_or_else(missing)?.clone();
        Ok(Arc::new(OwnApi { api: self.api.clone(), key }))
    }
}

/// Our own API, called by an agent.
struct OwnApi {
    api: Router,
    key: HeaderValue,
}

impl OwnApi {
    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<T, Refused> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, self.key.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| Refused::failed(&error))?;
        let Ok(answer) = self.api.clone().oneshot(request).await;
        let is_success = answer.status().is_success();
        let bytes = axum::body::to_bytes(answer.into_body(), LARGEST_ANSWER).await;
        let bytes = bytes.map_err(|error| Refused::failed(&error))?;
        if is_success {
            return serde_json::from_slice(&bytes).map_err(|error| Refused::failed(&error));
        }
        let problem: Problem =
            serde_json::from_slice(&bytes).map_err(|error| Refused::failed(&error))?;
        Err(problem.into())
    }
}

#[async_trait]
impl Desk for OwnApi {
    async fn propose(&self, propose: &Propose) -> Result<Escalation, Refused> {
        let body = serde_json::to_vec(propose).map_err(|error| Refused::failed(&error))?;
        self.call(Method::POST, "/v1/escalations", body.into()).await
    }

    async fn propose_all(&self, items: Vec<Propose>) -> Result<Vec<Proposed>, Refused> {
        let body = serde_json::to_vec(&Batch { items }).map_err(|error| Refused::failed(&error))?;
        let path = "/v1/escalations/batch";
        let answer: BatchAnswer = self.call(Method::POST, path, body.into()).await?;
        Ok(answer.items)
    }

    async fn get(&self, id: &str, wait: Duration) -> Result<Escalation, Refused> {
        let path = format!("/v1/escalations/{id}?wait={}", wait.as_secs());
        self.call(Method::GET, &path, Body::empty()).await
    }

    async fn withdraw(&self, id: &str) -> Result<Escalation, Refused> {
        let path = format!("/v1/escalations/{id}/withdraw");
        self.call(Method::POST, &path, Body::empty()).await
    }

    async fn open(&self) -> Result<Vec<Escalation>, Refused> {
        let path = format!("/v1/escalations?{}", open_query());
        let page: Page = self.call(Method::GET, &path, Body::empty()).await?;
        Ok(page.items)
    }

    async fn rules(&self) -> Result<Rules, Refused> {
        let halts: Halts = self.call(Method::GET, "/v1/halts", Body::empty()).await?;
        let policy: Policy = self.call(Method::GET, "/v1/policy", Body::empty()).await?;
        let me: Me = self.call(Method::GET, "/v1/me", Body::empty()).await?;
        let halted = !halts.items.is_empty();
        // Nobody else is let in here.
        let (policy, agent, tools) = (policy.text, me.name, me.tools);
        Ok(Rules { policy, agent, tools, is_agent: true, halted })
    }

    async fn redeem(&self, permit: &str) -> Result<Redeemed, Refused> {
        let body = serde_json::json!({"permit": permit}).to_string();
        self.call(Method::POST, "/v1/permits/redeem", body.into()).await
    }

    async fn report(&self, permit_id: &str, report: &Report) -> Result<Escalation, Refused> {
        let body = serde_json::to_vec(report).map_err(|error| Refused::failed(&error))?;
        let path = format!("/v1/permits/{permit_id}/receipt");
        self.call(Method::POST, &path, body.into()).await
    }

    /// A request has nothing to follow: it ends.
    fn follow(&self) -> mpsc::Receiver<News> {
        mpsc::channel(1).1
    }

    fn page(&self, _: &str) -> Option<String> {
        None
    }
}
