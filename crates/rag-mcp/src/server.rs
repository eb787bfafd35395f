//! [`RagServer`]: what an MCP client talks to.

use std::sync::Arc;

use axum::http::request::Parts;
use rag_memory::{Access, Memory};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, CustomRequest,
    CustomResult, ErrorCode, ErrorData, GetPromptRequestParams, GetPromptResponse, Implementation,
    InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, Reference, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use tracing::{Instrument, Span};

use crate::tools::ToolSet;
use crate::{completion, prompts, resources, tools};

/// What a model is told about the memory when it connects.
const INSTRUCTIONS: &str = include_str!("instructions.md");

/// The methods whose params are checked while a message is read. A request
/// with params of another shape arrives as an unknown one.
const METHODS: [&str; 9] = [
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "initialize",
];

/// The tools that show what resources show and what the prompt shows: where they are
/// not offered, neither are those.
const LISTING: &str = "list_documents";
const LISTING_COLLECTIONS: &str = "list_collections";
const READING: &str = "get_document_by_id";
const SEARCHING: &str = "search_documents";

/// A [`Memory`] as an MCP server. Cheap to make and to clone: transports make
/// one for each session or request.
#[derive(Clone)]
pub struct RagServer {
    memory: Arc<Memory>,
    tools: ToolSet,
    callers: Callers,
}

/// Whom a server answers.
#[derive(Clone, Copy)]
enum Callers {
    /// Whoever started it.
    Own,
    /// Each request's, who carries an [`Access`].
    Others,
}

impl RagServer {
    /// A server over a memory that offers these tools to whoever started it.
    pub fn new(memory: Arc<Memory>, tools: ToolSet) -> Self {
        RagServer {
            memory,
            tools,
            callers: Callers::Own,
        }
    }

    /// The same for requests over HTTP. Those without an [`Access`] among the
    /// extensions of their head are refused.
    pub fn for_callers(memory: Arc<Memory>, tools: ToolSet) -> Self {
        RagServer {
            callers: Callers::Others,
            ..RagServer::new(memory, tools)
        }
    }

    /// What the caller of a request may do.
    fn access(&self, context: &RequestContext<RoleServer>) -> Result<Access, ErrorData> {
        if let Callers::Own = self.callers {
            return Ok(Access::everything());
        }
        let head = context.extensions.get::<Parts>();
        let access = head.and_then(|head| head.extensions.get::<Access>());
        access.cloned().ok_or_else(|| {
            let text = "the request did not come through authentication";
            ErrorData::internal_error(text, None)
        })
    }

    /// Refuses a method that shows what a tool shows, where that is not offered.
    fn require(&self, tool: &str, method: &str) -> Result<(), ErrorData> {
        match self.tools.offers(tool) {
            true => Ok(()),
            false => Err(ErrorData::new(
                ErrorCode::METHOD_NOT_FOUND,
                format!("this server does not offer `{method}`"),
                None,
            )),
        }
    }

    /// The memory as the caller of a request may use it.
    fn memory(&self, context: &RequestContext<RoleServer>) -> Result<Memory, ErrorData> {
        Ok(self.memory.with_access(self.access(context)?))
    }
}

/// The span of the HTTP request that a message came with: it is answered in a task
/// that knows nothing of it.
fn span(context: &RequestContext<RoleServer>) -> Span {
    let head = context.extensions.get::<Parts>();
    let span = head.and_then(|head| head.extensions.get::<Span>());
    span.cloned().unwrap_or_else(Span::none)
}

impl ServerHandler for RagServer {
    fn get_info(&self) -> ServerConfig {
        let mut capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .enable_completions()
            .build();
        let (reads, searches) = (self.tools.offers(READING), self.tools.offers(SEARCHING));
        capabilities.resources = capabilities.resources.filter(|_| reads);
        capabilities.prompts = capabilities.prompts.filter(|_| searches);
        capabilities.completions = capabilities.completions.filter(|_| reads || searches);
        let implementation = Implementation::new("rag-memory", env!("CARGO_PKG_VERSION"))
            .with_title("RAG memory")
            .with_description("Keeps documents and finds the passages that answer a question");
        ServerConfig::new(capabilities)
            .with_server_info(implementation)
            .with_instructions(INSTRUCTIONS)
    }

    /// Has the session go by the version that was agreed on, which need not be
    /// the one that was asked for.
    async fn initialize(
        &self,
        mut request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let agreed = self.negotiate_initialize(&request)?;
        request.protocol_version = agreed.protocol_version.clone();
        context.peer.set_peer_info(request);
        Ok(agreed)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let access = self.access(&context)?;
        let tools = self.tools.list_for(&access).cloned();
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.find(name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let memory = self.memory(&context)?;
        tools::call(&memory, &self.tools, request, &context)
            .instrument(span(&context))
            .await
            .map(CallToolResponse::from)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.require(READING, "resources/list")?;
        if !self.tools.offers(LISTING) {
            return Ok(ListResourcesResult::with_all_items(Vec::new()));
        }
        let memory = self.memory(&context)?;
        resources::list(&memory, request.and_then(|request| request.cursor))
            .instrument(span(&context))
            .await
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.require(READING, "resources/templates/list")?;
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.require(READING, "resources/read")?;
        resources::read(&self.memory(&context)?, &request.uri)
            .instrument(span(&context))
            .await
            .map(ReadResourceResponse::from)
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        self.require(SEARCHING, "prompts/list")?;
        Ok(prompts::list())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        self.require(SEARCHING, "prompts/get")?;
        prompts::get(&self.memory(&context)?, request)
            .instrument(span(&context))
            .await
            .map(GetPromptResponse::from)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        // What can be typed is no secret to whoever may have it listed.
        let listing = match &request.r#ref {
            Reference::Resource(_) => LISTING,
            _ => LISTING_COLLECTIONS,
        };
        if !self.tools.offers(listing) {
            return Ok(completion::nothing());
        }
        completion::complete(&self.memory(&context)?, &request)
            .instrument(span(&context))
            .await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let CustomRequest { method, .. } = request;
        if METHODS.contains(&method.as_str()) {
            let text = format!("the params of `{method}` do not have the shape it takes");
            return Err(ErrorData::invalid_params(text, None));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None))
    }
}
