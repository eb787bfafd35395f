//! The tools: which there are ([`catalogue`]) and how a call of one becomes an
//! operation of [`Memory`] and an answer. What an operation does and refuses
//! is the memory's affair.

mod catalogue;
mod connector;
mod progress;

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;
use rag_memory::Memory;
use rag_memory::api::ListCollections;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ContentBlock, ErrorData, JsonObject, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{arguments, failure};

/// All tools, in the order they are listed.
pub(crate) fn list() -> &'static [Tool] {
    catalogue::tools()
}

/// The tool of that name.
pub(crate) fn find(name: &str) -> Option<&'static Tool> {
    list().iter().find(|tool| tool.name == name)
}

/// Calls a tool. Wrong arguments and operations that failed are results with
/// `isError`, for the model to read; only a tool that does not exist is an
/// error of the protocol. A call that is cancelled is given up, a directory by
/// the memory itself.
pub(crate) async fn call(
    memory: &Memory,
    request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResult, ErrorData> {
    let Some(tool) = find(&request.name) else {
        return Err(unknown(&request.name));
    };
    let started = Instant::now();
    let call = Call {
        tool,
        arguments: request.arguments.unwrap_or_default(),
    };
    let result = if tool.name == "ingest_directory" {
        call.answer(|input| {
            progress::watched(context, async move |watch| {
                memory.ingest_directory(input, &watch).await
            })
        })
        .await
    } else {
        tokio::select! {
            result = run(memory, call) => result?,
            () = context.ct.cancelled() => failure::result("the call was cancelled"),
        }
    };
    tracing::debug!(
        tool.name = %tool.name,
        failed = result.is_error == Some(true),
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
        "get_document_by_id" => call.answer(|input| memory.get_document(input)).await,
        "update_document" => call.answer(|input| memory.update_document(input)).await,
        "delete_document" => call.answer(|input| memory.delete_document(input)).await,
        "list_documents" => call.answer(|input| memory.list_documents(input)).await,
        "search" => call.answer(|input| connector::search(memory, input)).await,
        "fetch" => call.answer(|input| connector::fetch(memory, input)).await,
        name => return Err(unknown(name)),
    })
}

fn unknown(name: &str) -> ErrorData {
    let nearest = arguments::nearest(name, list().iter().map(|tool| tool.name.as_ref()));
    let text = match nearest {
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
