//! The fixture server: each handler looks its answer up, or acts it out.
#![expect(deprecated, reason = "the suite still tests what newer revisions drop")]

use std::time::Duration;

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
        CompleteResult, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        ReadResourceResult, ServerConfig, ServerNotification, ServerRequest, SetLevelRequestParams,
        SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
    },
    service::{RequestContext, SubscriptionContext},
};
use serde_json::{Value, json};
use tokio::{sync::broadcast, time::sleep};

use crate::{
    fixtures::{all, complete, one, typed},
    input,
};

/// The pause between two notifications of one tool.
const PAUSE: Duration = Duration::from_millis(50);

/// The fixture server. Its clones tell each other's subscribers of changes.
#[derive(Clone)]
pub(crate) struct Fixture {
    changes: broadcast::Sender<Change>,
}

#[derive(Clone, Copy)]
enum Change {
    Tools,
    Prompts,
}

type Context = RequestContext<RoleServer>;
type Listing = Option<PaginatedRequestParams>;

impl Fixture {
    pub(crate) fn new() -> Self {
        Self {
            changes: broadcast::channel(16).0,
        }
    }

    /// Tells subscribers of a change; there may be none.
    fn tell(&self, change: Change) -> CallToolResult {
        let heard = self.changes.send(change).unwrap_or(0);
        text(&format!("{heard} subscribers were told"))
    }
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        typed(json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {
                "completions": {},
                "logging": {},
                "prompts": { "listChanged": true },
                "resources": { "subscribe": true },
                "tools": { "listChanged": true },
            },
            "serverInfo": { "name": "mcp-conformance", "version": env!("CARGO_PKG_VERSION") },
        }))
    }

    async fn list_tools(&self, _: Listing, _: Context) -> Result<ListToolsResult, ErrorData> {
        Ok(listing("tools", all("tools")))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let tools: Vec<Tool> = typed(all("tools"));
        tools.into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        let client = context.client_capabilities().unwrap_or_default();
        let responses = request.input_responses.as_ref();
        let needed = input::needed(name, responses, request.request_state.as_deref(), &client)?;
        if let Some(needed) = needed {
            return Ok(needed.into());
        }
        if responses.is_some() {
            let answers = serde_json::to_string(&responses).expect("what was JSON is JSON");
            return Ok(text(&format!("state-ok: {answers}")).into());
        }
        if let Some(result) = one("results", name) {
            return Ok(complete::<CallToolResult>(result).into());
        }
        if let Some(ask) = one("asks", name) {
            return Ok(asked(ask, request.arguments.unwrap_or_default(), &context)
                .await
                .into());
        }
        let result = match name {
            "test_tool_with_logging" => with_logging(&context).await,
            "test_tool_with_progress" => with_progress(&context).await,
            "test_logging_tool" => {
                if context.meta.log_level().is_some() {
                    notify(&context, log("A log message that was asked for")).await;
                }
                text("Done")
            }
            "test_missing_capability" => {
                let can_sample = client.sampling.is_some();
                if !can_sample {
                    let required = typed(json!({ "sampling": {} }));
                    return Err(ErrorData::missing_required_client_capability(required));
                }
                text("The client can sample")
            }
            "test_trigger_tool_change" => self.tell(Change::Tools),
            "test_trigger_prompt_change" => self.tell(Change::Prompts),
            _ => return Err(ErrorData::invalid_params(format!("no tool `{name}`"), None)),
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Listing,
        _: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(listing("resources", all("resources")))
    }

    async fn list_resource_templates(
        &self,
        _: Listing,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(listing("resourceTemplates", all("resource_templates")))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.as_str();
        let id = uri
            .strip_prefix("test://template/")
            .and_then(|rest| rest.strip_suffix("/data"));
        let content = match id {
            Some(id) => {
                let data = json!({
                    "id": id, "templateTest": true, "data": format!("Data for ID: {id}"),
                });
                Some(
                    json!({ "uri": uri, "mimeType": "application/json", "text": data.to_string() }),
                )
            }
            None => one("contents", uri),
        };
        match content {
            Some(content) => Ok(listing::<ReadResourceResult>("contents", json!([content])).into()),
            None => {
                let data = json!({ "uri": uri });
                Err(ErrorData::resource_not_found(
                    "Resource not found",
                    Some(data),
                ))
            }
        }
    }

    async fn list_prompts(&self, _: Listing, _: Context) -> Result<ListPromptsResult, ErrorData> {
        Ok(listing("prompts", all("prompts")))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let name = request.name.as_str();
        let client = context.client_capabilities().unwrap_or_default();
        let responses = request.input_responses.as_ref();
        let needed = input::needed(name, responses, request.request_state.as_deref(), &client)?;
        if let Some(needed) = needed {
            return Ok(needed.into());
        }
        let Some(prompt) = one("prompt_results", name) else {
            return Err(ErrorData::invalid_params(
                format!("no prompt `{name}`"),
                None,
            ));
        };
        let mut filled = complete::<Value>(prompt).to_string();
        for (argument, value) in request.arguments.unwrap_or_default() {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            filled = filled.replace(&format!("{{{argument}}}"), &value);
        }
        let result: GetPromptResult = serde_json::from_str(&filled)
            .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
        Ok(result.into())
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: Context,
    ) -> Result<CompleteResult, ErrorData> {
        Ok(complete(
            json!({ "completion": { "values": ["paris", "park"], "hasMore": false } }),
        ))
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            let change = tokio::select! {
                change = changes.recv() => change,
                () = context.cancelled() => return Ok(()),
            };
            // What the subscriber did not ask for is refused here, and meant to be.
            let sent = match change {
                Ok(Change::Tools) => context.sink().notify_tool_list_changed().await,
                Ok(Change::Prompts) => context.sink().notify_prompt_list_changed().await,
                Err(_) => return Ok(()),
            };
            if let Err(error) = sent {
                tracing::debug!(%error, "a change was not sent");
            }
        }
    }
}

/// A listing of the protocol, with what it says about caching.
fn listing<T: serde::de::DeserializeOwned>(member: &str, items: impl Into<Value>) -> T {
    let items: Value = items.into();
    complete(json!({ member: items, "ttlMs": 60_000, "cacheScope": "public" }))
}

fn text(text: &str) -> CallToolResult {
    complete(json!({ "content": [{ "type": "text", "text": text }] }))
}

fn log(text: &str) -> Value {
    json!({ "method": "notifications/message", "params": { "level": "info", "data": text } })
}

/// Sends a notification; a client that has gone needs none.
async fn notify(context: &Context, notification: Value) {
    let notification: ServerNotification = typed(notification);
    if let Err(error) = context.peer.send_notification(notification).await {
        tracing::debug!(%error, "a notification was not sent");
    }
}

async fn with_logging(context: &Context) -> CallToolResult {
    notify(context, log("Tool execution started")).await;
    sleep(PAUSE).await;
    notify(context, log("Tool processing data")).await;
    sleep(PAUSE).await;
    notify(context, log("Tool execution completed")).await;
    text("Three messages were logged")
}

async fn with_progress(context: &Context) -> CallToolResult {
    let token = context.meta.get_progress_token();
    for progress in [0, 50, 100] {
        if let Some(token) = &token {
            let params = json!({ "progressToken": token, "progress": progress, "total": 100 });
            notify(
                context,
                json!({ "method": "notifications/progress", "params": params }),
            )
            .await;
        }
        sleep(PAUSE).await;
    }
    text("Progress was reported three times")
}

/// Asks the client, as only the revisions before 2026-07-28 allow.
async fn asked(
    mut ask: Value,
    arguments: serde_json::Map<String, Value>,
    context: &Context,
) -> CallToolResult {
    if let Some(prompt) = arguments.get("prompt") {
        ask["params"]["messages"][0]["content"]["text"] = prompt.clone();
    }
    if let Some(message) = arguments.get("message") {
        ask["params"]["message"] = message.clone();
    }
    let answer = context.peer.send_request(typed::<ServerRequest>(ask)).await;
    let answer = answer.map(|answer| serde_json::to_value(answer).expect("an answer is JSON"));
    match answer {
        Ok(answer) if answer.get("action").is_some() => {
            let action = answer["action"].as_str().unwrap_or_default();
            text(&format!("action={action}, content={}", answer["content"]))
        }
        Ok(answer) => text(&format!("LLM response: {}", answer["content"]["text"])),
        Err(error) => complete(json!({
            "isError": true,
            "content": [{ "type": "text", "text": error.to_string() }],
        })),
    }
}
