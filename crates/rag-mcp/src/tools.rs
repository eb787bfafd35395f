//! The tools: which there are ([`catalogue`]) and how a call of one becomes an
//! operation of [`Memory`] and an answer. What an operation does and refuses
//! is the memory's affair.

mod catalogue;
mod connector;
mod progress;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use metrics::{counter, histogram};
use rag_memory::api::ListCollections;
use rag_memory::{Access, Memory, Scope, Watch, arguments};
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ContentBlock, ErrorData, JsonObject, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure;

/// Which tools a server offers. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolSet {
    /// All.
    #[default]
    All,
    /// Those that change nothing.
    ReadOnly,
    /// Those of these names.
    Named(Arc<[String]>),
}

impl ToolSet {
    /// The tools that `text` asks for: `all`, `read-only`, or names separated by
    /// commas. `None` when a name is none, or there are none.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => return Some(ToolSet::All),
            "read-only" => return Some(ToolSet::ReadOnly),
            _ => {}
        }
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        let known = |name: &String| ToolSet::All.find(name).is_some();
        names
            .iter()
            .all(known)
            .then(|| ToolSet::Named(names.into()))
    }

    /// Its tools, in the order they are listed.
    pub(crate) fn list(&self) -> impl Iterator<Item = &'static Tool> {
        catalogue::tools().iter().filter(|tool| self.has(tool))
    }

    /// Those of them that a caller may use.
    pub(crate) fn list_for(&self, access: &Access) -> impl Iterator<Item = &'static Tool> {
        self.list()
            .filter(|tool| access.has(catalogue::scopes(tool)))
    }

    /// The tool of that name, if it is offered.
    pub(crate) fn find(&self, name: &str) -> Option<&'static Tool> {
        self.list().find(|tool| tool.name == name)
    }

    /// Whether it has the tool of that name.
    pub fn offers(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn has(&self, tool: &Tool) -> bool {
        match self {
            ToolSet::All => true,
            ToolSet::ReadOnly => catalogue::reads(tool),
            ToolSet::Named(names) => names.iter().any(|name| *name == tool.name),
        }
    }
}

/// What a caller must have one of to use the tool of that name.
pub fn scopes_of_tool(name: &str) -> Option<&'static [Scope]> {
    ToolSet::All.find(name).map(catalogue::scopes)
}

/// Calls a tool. Wrong arguments and operations that failed are results with
/// `isError`, for the model to read; only a tool that does not exist is an
/// error of the protocol. A call that is cancelled is given up; long work, by
/// the memory itself.
pub(crate) async fn call(
    memory: &Memory,
    offered: &ToolSet,
    request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResult, ErrorData> {
    let Some(tool) = offered.find(&request.name) else {
        return Err(unknown(offered, &request.name));
    };
    let started = Instant::now();
    let call = Call {
        tool,
        arguments: request.arguments.unwrap_or_default(),
    };
    let result = match tool.name.as_ref() {
        "ingest_url" => {
            let crawl = async |input, watch: Watch| memory.ingest_url(input, &watch).await;
            call.watched(context, crawl).await
        }
        "ingest_directory" => {
            let read = async |input, watch: Watch| memory.ingest_directory(input, &watch).await;
            call.watched(context, read).await
        }
        "ingest_repository" => {
            let sync = async |input, watch: Watch| memory.ingest_repository(input, &watch).await;
            call.watched(context, sync).await
        }
        "reembed_collection" => {
            let move_it =
                async |input, watch: Watch| memory.reembed_collection(input, &watch).await;
            call.watched(context, move_it).await
        }
        _ => tokio::select! {
            result = run(memory, call) => result?,
            () = context.ct.cancelled() => failure::result("the call was cancelled"),
        },
    };
    let failed = result.is_error == Some(true);
    let labels = [
        ("tool", tool.name.to_string()),
        ("outcome", if failed { "error" } else { "ok" }.to_owned()),
    ];
    counter!("rag_tool_calls_total", &labels).increment(1);
    histogram!("rag_tool_call_duration_seconds", "tool" => tool.name.to_string())
        .record(started.elapsed());
    tracing::debug!(
        tool.name = %tool.name,
        failed,
        duration_ms = started.elapsed().as_secs_f64() * 1e3,
        "answered a tool call",
    );
    Ok(result)
}

async fn run(memory: &Memory, call: Call) -> Result<CallToolResult, ErrorData> {
    Ok(match call.tool.name.as_ref() {
        "search_documents" => call.answer(|input| memory.search_documents(input)).await,
        "list_collections" => {
            call.answer(|ListCollections {}| memory.list_collections())
                .await
        }
        "create_collection" => call.answer(|input| memory.create_collection(input)).await,
        "update_collection_description" => {
            call.answer(|input| memory.update_collection_description(input))
                .await
        }
        "get_collection_info" => call.answer(|input| memory.collection_info(input)).await,
        "delete_collection" => call.answer(|input| memory.delete_collection(input)).await,
        "ingest_text" => call.answer(|input| memory.ingest_text(input)).await,
        "ingest_file" => call.answer(|input| memory.ingest_file(input)).await,
        "analyze_website" => call.answer(|input| memory.analyze_website(input)).await,
        "get_index_status" => call.answer(|input| memory.get_index_status(input)).await,
        "get_job" => call.answer(|input| memory.get_job(input)).await,
        "list_jobs" => call.answer(|input| memory.list_jobs(input)).await,
        "cancel_job" => call.answer(|input| memory.cancel_job(input)).await,
        "get_document_by_id" => call.answer(|input| memory.get_document(input)).await,
        "update_document" => call.answer(|input| memory.update_document(input)).await,
        "delete_document" => call.answer(|input| memory.delete_document(input)).await,
        "list_documents" => call.answer(|input| memory.list_documents(input)).await,
        "search" => call.answer(|input| connector::search(memory, input)).await,
        "fetch" => call.answer(|input| connector::fetch(memory, input)).await,
        name => return Err(unknown(&ToolSet::All, name)),
    })
}

fn unknown(offered: &ToolSet, name: &str) -> ErrorData {
    let nearest = arguments::nearest(name, offered.list().map(|tool| tool.name.as_ref()));
    let text = match nearest {
        _ if ToolSet::All.find(name).is_some() => {
            format!("this server does not offer `{name}`: tools/list shows what it does")
        }
        Some(nearest) => format!("there is no tool `{name}`: did you mean `{nearest}`?"),
        None => format!("there is no tool `{name}`: tools/list shows those that exist"),
    };
    ErrorData::invalid_params(text, None)
}

/// A tool and what it is called with.
struct Call {
    tool: &'static Tool,
    arguments: JsonObject,
}

impl Call {
    /// Checks the arguments, does the operation and puts its outcome into a
    /// result.
    async fn answer<I, O, F>(self, operation: impl FnOnce(I) -> F) -> CallToolResult
    where
        I: DeserializeOwned,
        O: Serialize,
        F: Future<Output = Result<O, rag_memory::Error>>,
    {
        let input = match arguments::parse(&self.tool.input_schema, self.arguments) {
            Ok(input) => input,
            Err(problems) => return failure::result(&problems),
        };
        // A panic would leave the caller waiting: over HTTP nothing else answers.
        let outcome = AssertUnwindSafe(operation(input)).catch_unwind().await;
        match outcome {
            Ok(Ok(output)) => success(&output),
            Ok(Err(error)) => failure::of_tool(&self.tool.name, &error),
            Err(_) => failure::of_tool(&self.tool.name, &panicked()),
        }
    }

    /// [`Call::answer`] for long work, which the caller may follow and stop.
    async fn watched<I, O>(
        self,
        context: &RequestContext<RoleServer>,
        operation: impl AsyncFnOnce(I, Watch) -> Result<O, rag_memory::Error>,
    ) -> CallToolResult
    where
        I: DeserializeOwned,
        O: Serialize,
    {
        self.answer(|input| {
            progress::watched(context, async move |watch| operation(input, watch).await)
        })
        .await
    }
}

fn panicked() -> rag_memory::Error {
    rag_memory::Error::new(
        rag_memory::ErrorKind::Internal,
        "the call failed in a way that it never should",
    )
    .hint("the log on the server's stderr says where; please report it")
}

/// An answer, once as structured content and once as JSON in a text.
///
/// The text comes first and the structure is read from it: this way a number
/// of 32 bits such as 0.81 is not blown up to 0.8100000023841858 on its way to
/// the 64 bits of a JSON value.
fn success(output: &impl Serialize) -> CallToolResult {
    let text = serde_json::to_string(output).expect("wire types are JSON");
    let value = serde_json::from_str(&text).expect("what was written can be read");
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(value);
    result
}
