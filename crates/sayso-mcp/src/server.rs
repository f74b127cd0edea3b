//! The tools for models, over stdio and streamable HTTP, in both live revisions of the protocol
//! (2025-11-25 and 2026-07-28).
//!
//! A call never blocks for a person: what waits is a handle. What a tool answers stands in the
//! text and in the structured content alike, since clients show models one or the other.

pub(crate) mod answer;
pub(crate) mod arguments;
mod desk;
mod prompt;
pub(crate) mod tools;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Uri;
use http::request::Parts;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock,
    Implementation, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
    Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use sayso_client::wire::Escalation;
use serde_json::Value;
use tokio::task::JoinSet;

pub use desk::{Desk, HttpDesk, News, Refused, open_query};
pub use prompt::Prompts;

use answer::Answer;
use arguments::{Await, Ids, Review, SomeIds};

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// How long the list of tools stays as it is, in milliseconds: it changes with the version only.
const TOOLS_LAST_MS: u64 = 3_600_000;

/// Gives each request the desk of the agent that sent it.
#[async_trait]
pub trait Reception: Send + Sync + 'static {
    /// The desk for a request; `parts` are its HTTP head, if it came by HTTP.
    async fn desk(&self, parts: Option<&Parts>) -> Result<Arc<dyn Desk>, ErrorData>;
}

/// One agent's own desk, for a server that serves that agent alone.
pub struct OneDesk(pub Arc<dyn Desk>);

#[async_trait]
impl Reception for OneDesk {
    async fn desk(&self, _: Option<&Parts>) -> Result<Arc<dyn Desk>, ErrorData> {
        Ok(Arc::clone(&self.0))
    }
}

/// The service for `/mcp`: streamable HTTP, answered with plain JSON, without sessions. Requests
/// for other hosts than loopback and that of the `public` address are refused, and so are the pages
/// of other sites.
pub fn http<R: Reception>(
    reception: R,
    public: Option<&Uri>,
) -> StreamableHttpService<Reviews<R>, NeverSessionManager> {
    let public = public.and_then(|uri| Some((uri.scheme_str()?, uri.host()?, uri.port_u16())));
    let origin = public.map(|(scheme, host, port)| match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    });
    let hosts = LOOPBACK.into_iter().chain(public.map(|(_, host, _)| host));
    let origins = LOOPBACK.map(|host| format!("http://{host}:*"));
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_allowed_hosts(hosts)
        .with_allowed_origins(origins.into_iter().chain(origin));
    let reviews = Reviews::new(reception);
    StreamableHttpService::new(move || Ok(reviews.clone()), Arc::default(), config)
}

/// The MCP server.
pub struct Reviews<R> {
    reception: Arc<R>,
    prompts: Option<Arc<Prompts>>,
}

impl<R> Clone for Reviews<R> {
    fn clone(&self) -> Self {
        Self { reception: Arc::clone(&self.reception), prompts: self.prompts.clone() }
    }
}

impl<R: Reception> Reviews<R> {
    /// A server in front of these desks.
    pub fn new(reception: R) -> Self {
        Self { reception: Arc::new(reception), prompts: None }
    }

    fn tools(&self) -> Vec<Tool> {
        let prompt = self.prompts.is_some().then(prompt::tool);
        tools::all().into_iter().chain(prompt).collect()
    }
}

/// Why serving over stdio ended before its time.
#[derive(Debug, thiserror::Error)]
#[error("the MCP session broke off: {0}")]
pub struct BrokenOff(String);

/// Serves one agent over standard input and output, until the input ends; its harness, too, if
/// there are `prompts` to be answered.
pub async fn stdio(desk: Arc<dyn Desk>, prompts: Option<Prompts>) -> Result<(), BrokenOff> {
    let broken = |cause: &dyn std::fmt::Display| BrokenOff(cause.to_string());
    let transport = rmcp::transport::stdio();
    let reviews = Reviews { prompts: prompts.map(Arc::new), ..Reviews::new(OneDesk(desk)) };
    let running = reviews.serve(transport).await;
    let running = running.map_err(|error| broken(&error))?;
    running.waiting().await.map(|_| ()).map_err(|error| broken(&error))
}

impl<R: Reception> ServerHandler for Reviews<R> {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("sayso", env!("CARGO_PKG_VERSION")))
            .with_instructions(tools::INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = ListToolsResult::with_all_items(self.tools());
        Ok(tools.with_ttl_ms(TOOLS_LAST_MS).with_cache_scope(CacheScope::Public))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let desk = self.reception.desk(context.extensions.get::<Parts>()).await?;
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        if self.get_tool(&request.name).is_none() {
            let text = format!("there is no tool {}", request.name);
            return Err(ErrorData::invalid_params(text, None));
        }
        if let Some(prompts) = self.prompts.as_deref().filter(|_| request.name == prompt::NAME) {
            return Ok(prompt::answer(prompts, &*desk, arguments).await.into());
        }
        let answered = answer(&desk, &request.name, arguments).await;
        Ok(answered.map_or_else(refusal, result).into())
    }
}

/// An answer as a result: the same in words and in structure.
#[expect(clippy::needless_pass_by_value, reason = "it ends here")]
fn result(answer: Answer) -> CallToolResult {
    let mut result = CallToolResult::success(vec![ContentBlock::text(&*answer.text)]);
    result.structured_content = Some(answer.structured());
    result
}

/// A refusal, for the model to mend.
#[expect(clippy::needless_pass_by_value, reason = "it ends here")]
fn refusal(refused: Refused) -> CallToolResult {
    let text = refused.to_string();
    let mut result = CallToolResult::error(vec![ContentBlock::text(&*text)]);
    result.structured_content = Some(serde_json::json!({"status": "refused", "message": text}));
    result
}

/// Does what a tool does.
pub(crate) async fn answer(
    desk: &Arc<dyn Desk>,
    tool: &str,
    arguments: Value,
) -> Result<Answer, Refused> {
    match tool {
        tools::REQUEST => {
            let review: Review = arguments::read(arguments)?;
            Ok(Answer::one(&desk.propose(&review.into_proposal()?).await?))
        }
        tools::CHECK => {
            let Ids { ids } = arguments::read(arguments)?;
            Ok(Answer::several(&as_they_stand(&**desk, &ids).await?))
        }
        tools::AWAIT => {
            let Await { ids, seconds } = arguments::read(arguments)?;
            until_one_is_settled(desk, &ids, Duration::from_secs(seconds)).await?;
            Ok(Answer::several(&as_they_stand(&**desk, &ids).await?))
        }
        tools::WITHDRAW => {
            let Ids { ids } = arguments::read(arguments)?;
            let mut withdrawn = Vec::new();
            for id in ids.as_slice() {
                withdrawn.push(desk.withdraw(id).await?);
            }
            Ok(Answer::several(&withdrawn))
        }
        tools::LIST => Ok(Answer::several(&desk.open().await?)),
        other => Err(Refused::field("name", format_args!("names no tool: {other}"))),
    }
}

/// Waits until one of these is settled, for `patience` at the most.
pub(crate) async fn until_one_is_settled(
    desk: &Arc<dyn Desk>,
    ids: &SomeIds,
    patience: Duration,
) -> Result<(), Refused> {
    let mut waiting = JoinSet::new();
    for id in ids.as_slice() {
        let (desk, id) = (Arc::clone(desk), id.clone());
        waiting.spawn(async move { desk.get(&id, patience).await });
    }
    while let Some(done) = waiting.join_next().await {
        // One that can't be read is worth telling at once, too.
        let escalation = done.map_err(|error| Refused::failed(&error))??;
        if escalation.state == "settled" {
            break;
        }
    }
    Ok(())
}

pub(crate) async fn as_they_stand(
    desk: &dyn Desk,
    ids: &SomeIds,
) -> Result<Vec<Escalation>, Refused> {
    let mut found = Vec::new();
    for id in ids.as_slice() {
        found.push(desk.get(id, Duration::ZERO).await?);
    }
    Ok(found)
}
