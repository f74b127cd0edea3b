//! A server with all that the official MCP conformance suite asks of one, on the official SDK, so
//! that scores without and with the gateway in front of it can be compared (`scripts/conformance`).

#![expect(deprecated, reason = "the legacy revision has what the modern one has no more")]

mod asking;
mod offer;
mod rounds;
mod tasks;
mod tools;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams,
    CompleteResult, ErrorData, GetPromptRequestParams, GetPromptResponse, GetTaskParams,
    GetTaskResult, InitializeRequestParams, InitializeResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::task_manager::TaskManager;
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use rounds::Rounds;

type Context = RequestContext<RoleServer>;

/// How many changes a subscription may lag behind.
const CHANGES: usize = 16;

/// A list that has become another one.
#[derive(Clone, Copy)]
enum Change {
    Tools,
    Prompts,
}

#[derive(Clone)]
struct Fixture {
    changes: broadcast::Sender<Change>,
    rounds: Rounds,
    tasks: TaskManager,
}

/// What is written here as JSON, as the SDK's type for it.
fn read<T: DeserializeOwned>(json: Value) -> Result<T, ErrorData> {
    serde_json::from_value(json).map_err(|bad| ErrorData::internal_error(bad.to_string(), None))
}

/// A list that may be kept for a minute, by anybody.
fn list<T: DeserializeOwned>(member: &str, items: &Value) -> Result<T, ErrorData> {
    read(json!({"resultType": "complete", member: items, "ttlMs": 60_000, "cacheScope": "public"}))
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let info = json!({
            "protocolVersion": "2025-11-25",
            "serverInfo": {"name": "sayso-conformance", "version": env!("CARGO_PKG_VERSION")},
            "capabilities": {
                "tools": {"listChanged": true},
                "prompts": {"listChanged": true},
                "resources": {"subscribe": true, "listChanged": true},
                "logging": {},
                "completions": {},
                "extensions": {"io.modelcontextprotocol/tasks": {}},
            },
        });
        read(info).unwrap_or_default()
    }

    async fn initialize(
        &self,
        hello: InitializeRequestParams,
        _: Context,
    ) -> Result<InitializeResult, ErrorData> {
        let mut info = self.get_info();
        info.protocol_version = hello.protocol_version;
        Ok(info)
    }

    async fn ping(&self, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::all().ok()?.into_iter().find(|tool| tool.name == name)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        list("tools", &json!(tools::all()?))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        if tasks::TOOLS.contains(&call.name.as_ref()) {
            return tasks::call(self, call, &context).await;
        }
        if rounds::TOOLS.contains(&call.name.as_ref()) {
            return self.rounds.call(&call, &context);
        }
        match asking::call(&call, &context).await {
            Some(answer) => answer.map(Into::into),
            None => tools::call(self, &call, &context).await,
        }
    }

    async fn get_task(
        &self,
        wanted: GetTaskParams,
        _: Context,
    ) -> Result<GetTaskResult, ErrorData> {
        self.tasks.get_task(&wanted.task_id).map(GetTaskResult::new)
    }

    async fn update_task(&self, update: UpdateTaskParams, _: Context) -> Result<(), ErrorData> {
        self.tasks.update_task(&update.task_id, update.input_responses)
    }

    async fn cancel_task(&self, wanted: CancelTaskParams, _: Context) -> Result<(), ErrorData> {
        self.tasks.cancel_task(&wanted.task_id)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        list("resources", &offer::resources())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        list("resourceTemplates", &offer::templates())
    }

    async fn read_resource(
        &self,
        wanted: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        offer::resource(&wanted.uri).map(Into::into)
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        list("prompts", &offer::prompts())
    }

    async fn get_prompt(
        &self,
        wanted: GetPromptRequestParams,
        _: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        offer::prompt(&wanted)
    }

    async fn complete(
        &self,
        wanted: CompleteRequestParams,
        _: Context,
    ) -> Result<CompleteResult, ErrorData> {
        let values: Vec<_> =
            ["1", "2", "3"].map(|end| format!("{}{end}", wanted.argument.value)).into();
        read(json!({"resultType": "complete", "completion": {"values": values, "hasMore": false}}))
    }

    fn accepted_subscription_filter(
        &self,
        asked: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(asked.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                Ok(change) = changes.recv() => {
                    // Who has gone hears nothing.
                    let _ = match change {
                        Change::Tools => context.sink().notify_tool_list_changed().await,
                        Change::Prompts => context.sink().notify_prompt_list_changed().await,
                    };
                }
            }
        }
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "0".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let fixture = Fixture {
        changes: broadcast::Sender::new(CHANGES),
        rounds: Rounds::default(),
        tasks: TaskManager::new(),
    };
    let service = StreamableHttpService::new(
        move || Ok(fixture.clone()),
        LocalSessionManager::default().into(),
        rmcp::transport::StreamableHttpServerConfig::default(),
    );
    println!("{}", json!({"url": url}));
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service)).await
}
