//! Tools that become tasks of clients that take them (the extension `io.modelcontextprotocol/tasks`).

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CreateTaskResult, ErrorData,
    InputRequest,
};
use rmcp::task_manager::{TaskContext, TaskExit, TaskOptions};
use serde_json::{Value, json};

use crate::rounds::{answer, form, question, wants};
use crate::tools::said;
use crate::{Context, Fixture, read};

/// All of them. The first is never a task.
pub(crate) const TOOLS: [&str; 7] = [
    "greet",
    "slow_compute",
    "protocol_error_job",
    "failing_job",
    "confirm_delete",
    "multi_input",
    "test_tool_with_task",
];
/// Those of them that can't be had without a task.
const ONLY_AS_TASKS: &[&str] =
    &["failing_job", "confirm_delete", "multi_input", "test_tool_with_task"];

/// What each takes.
pub(crate) fn schemas() -> impl Iterator<Item = (&'static str, Value)> {
    TOOLS.into_iter().map(|name| {
        let properties = match name {
            "greet" => json!({"name": {"type": "string"}}),
            "slow_compute" => json!({"seconds": {"type": "number"}, "label": {"type": "string"}}),
            "confirm_delete" => json!({"filename": {"type": "string"}}),
            _ => json!({}),
        };
        (name, json!({"type": "object", "properties": properties}))
    })
}

/// What a tool has to do.
#[derive(Clone)]
enum Work {
    Say(String),
    Compute(Duration),
    Fail,
    Break,
    Confirm(String),
    Gather,
}

/// Calls one of them.
pub(crate) async fn call(
    fixture: &Fixture,
    call: CallToolRequestParams,
    context: &Context,
) -> Result<CallToolResponse, ErrorData> {
    let takes_tasks = context.client_capabilities().is_some_and(|can| can.supports_tasks());
    let name = call.name.as_ref();
    if ONLY_AS_TASKS.contains(&name) && !takes_tasks {
        let wanted = read(json!({"extensions": {"io.modelcontextprotocol/tasks": {}}}))?;
        return Err(ErrorData::missing_required_client_capability(wanted));
    }
    let argument = |name: &str| call.arguments.as_ref().and_then(|given| given.get(name));
    let text = |name: &str| argument(name).and_then(Value::as_str).unwrap_or("nobody").to_owned();
    let work = match name {
        "greet" => return said(&format!("Hello, {}!", text("name"))).map(Into::into),
        "slow_compute" => {
            let seconds = argument("seconds").and_then(Value::as_f64).unwrap_or(1.0);
            Work::Compute(Duration::try_from_secs_f64(seconds).unwrap_or_default())
        }
        "failing_job" => Work::Fail,
        "protocol_error_job" => Work::Break,
        "confirm_delete" => Work::Confirm(text("filename")),
        "multi_input" => Work::Gather,
        _ => match answer(&call, "user_name") {
            Some(answer) => Work::Say(answer["content"]["name"].to_string()),
            None => return wants(&json!({"user_name": question("Who are you?", "name")}), None),
        },
    };
    if !takes_tasks {
        return match work.done(None).await {
            Ok(result) => Ok(result.into()),
            Err(TaskExit::Error(error)) => Err(error),
            Err(_) => Err(ErrorData::internal_error("nobody cancelled it", None)),
        };
    }
    let task = fixture.tasks.spawn(TaskOptions::default(), move |context| {
        Box::pin(async move { work.done(Some(&context)).await })
    });
    Ok(CreateTaskResult::new(task).into())
}

impl Work {
    /// Does it, as a task if it is one.
    async fn done(self, task: Option<&TaskContext>) -> Result<CallToolResult, TaskExit> {
        let result = match (self, task) {
            (Self::Say(text), _) => said(&format!("Hello, {text}!")),
            (Self::Compute(long), Some(task)) => tokio::select! {
                () = task.cancelled() => return Err(TaskExit::Cancelled),
                () = tokio::time::sleep(long) => said("Computed."),
            },
            (Self::Compute(long), None) => {
                tokio::time::sleep(long).await;
                said("Computed.")
            }
            (Self::Fail, _) => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let content = json!([{"type": "text", "text": "It fails on purpose."}]);
                read(json!({"resultType": "complete", "content": content, "isError": true}))
            }
            (Self::Break, _) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                Err(ErrorData::internal_error("it breaks on purpose", None))
            }
            (Self::Confirm(file), Some(task)) => {
                let question = form(&format!("Delete {file}?"), "confirm", "boolean");
                let answer = task.request_input("confirm", asked(question)?).await?;
                said(&format!("Confirmed: {}", answer["content"]["confirm"]))
            }
            (Self::Gather, Some(task)) => {
                let [one, other] = ["One value?", "Another?"].map(|text| question(text, "value"));
                let (one, other) = tokio::join!(
                    task.request_input("one", asked(one)?),
                    task.request_input("other", asked(other)?),
                );
                let (one, other) = (one?, other?);
                said(&format!("{} and {}", one["content"]["value"], other["content"]["value"]))
            }
            (Self::Confirm(_) | Self::Gather, None) => {
                Err(ErrorData::internal_error("it can ask only as a task", None))
            }
        };
        result.map_err(TaskExit::Error)
    }
}

fn asked(question: Value) -> Result<InputRequest, TaskExit> {
    read(question).map_err(TaskExit::Error)
}
