//! The table: every operation of the API.

use axum::http::Method;
use rag_mcp::ToolSet;
use rag_memory::{Memory, Scope, Watch};
use serde_json::json;

use super::operation::{Operation, Success};

/// What most parameters of a path are.
const COLLECTION: &[(&str, &str)] = &[("collection", "collection_name")];
const NAME: &[(&str, &str)] = &[("collection", "name")];
const DOCUMENT: &[(&str, &str)] = &[("document", "document_id")];
const JOB: &[(&str, &str)] = &[("job", "job_id")];

/// An operation that does not wait for jobs.
macro_rules! operation {
    ($method:ident $path:literal, $id:literal, $summary:literal, $run:ident) => {
        Operation::new(
            Method::$method,
            $path,
            $id,
            $summary,
            |memory: Memory, input, _: Watch| async move { memory.$run(input).await },
        )
    };
}

/// An operation that is a job.
macro_rules! job {
    ($path:literal, $id:literal, $summary:literal, $run:ident) => {
        Operation::new(
            Method::POST,
            $path,
            $id,
            $summary,
            |memory: Memory, input, watch: Watch| async move { memory.$run(input, &watch).await },
        )
        .success(Success::Started)
    };
}

/// The operations of a server that offers some tools: those that these do. What no
/// tool does is for a server that offers all.
pub(super) fn offered(tools: &ToolSet) -> Vec<Operation> {
    let mut offered = all();
    offered.retain(|operation| *tools == ToolSet::All || tools.offers(operation.tool()));
    offered
}

/// All operations.
fn all() -> Vec<Operation> {
    let mut all = searching();
    all.extend(collections());
    all.extend(documents());
    all.extend(sources());
    all.extend(jobs());
    all.extend(tokens());
    all
}

fn searching() -> Vec<Operation> {
    vec![
        operation!(POST "/search", "search_documents", "Find the passages that answer a question", search_documents)
            .example(json!({"query": "How do I change the port?", "collection_name": "docs", "limit": 3})),
        Operation::new(
            Method::GET,
            "/status",
            "get_status",
            "What the memory is made of and what is in it",
            |memory: Memory, _: rag_memory::api::ListCollections, _: Watch| async move {
                memory.status().await
            },
        ),
    ]
}

fn collections() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/collections",
            "list_collections",
            "List the collections",
            |memory: Memory, _: rag_memory::api::ListCollections, _: Watch| async move {
                memory.list_collections().await
            },
        ),
        operation!(POST "/collections", "create_collection", "Make a collection", create_collection)
            .keyed()
            .success(Success::Created("collections", "name"))
            .example(json!({"name": "docs", "description": "The handbook of our product"})),
        operation!(GET "/collections/{collection}", "get_collection_info", "Describe a collection", collection_info)
            .at(COLLECTION),
        operation!(PATCH "/collections/{collection}", "update_collection_description", "Replace the description of a collection", update_collection_description)
            .at(NAME)
            .example(json!({"description": "The handbook, second edition"})),
        operation!(DELETE "/collections/{collection}", "delete_collection", "Remove a collection with its documents; takes confirm=true", delete_collection)
            .at(NAME),
        operation!(GET "/collections/{collection}/index-status", "get_index_status", "How current the sources of a collection are", get_index_status)
            .at(COLLECTION),
        Operation::new(
            Method::POST,
            "/collections/{collection}/reembed",
            "reembed_collection",
            "Move a collection to the server's embedding model",
            |memory: Memory, input, watch: Watch| async move {
                memory.reembed_collection(input, &watch).await
            },
        )
        .at(COLLECTION)
        .success(Success::Started)
        .example(json!({"step": "run"})),
    ]
}

fn documents() -> Vec<Operation> {
    vec![
        operation!(GET "/documents", "list_documents", "List documents, last updated first", list_documents)
            .paged("documents"),
        operation!(POST "/collections/{collection}/documents", "ingest_text", "Put a text in, or a file as a form", ingest_text)
            .at(COLLECTION)
            .keyed()
            .with_files()
            .large()
            .success(Success::Stored)
            .example(json!({
                "content": "The port is set by PORT.",
                "document_title": "Ports",
                "metadata": {"team": "platform"},
            })),
        operation!(GET "/documents/{document}", "get_document", "Read a document, a long one in parts", get_document)
            .at(DOCUMENT),
        operation!(PATCH "/documents/{document}", "update_document", "Change the text, title or metadata of a document", update_document)
            .at(DOCUMENT)
            .large()
            .example(json!({"title": "Ports and hosts"})),
        operation!(DELETE "/documents/{document}", "delete_document", "Remove a document", delete_document)
            .at(DOCUMENT),
    ]
}

fn sources() -> Vec<Operation> {
    vec![
        operation!(POST "/collections/{collection}/files", "ingest_file", "Put a file of the server's machine in", ingest_file)
            .at(COLLECTION)
            .keyed()
            .success(Success::Stored)
            .example(json!({"file_path": "/srv/docs/handbook.pdf"})),
        job!("/collections/{collection}/directories", "ingest_directory", "Put the files of a directory of the server's machine in", ingest_directory)
            .at(COLLECTION)
            .keyed()
            .example(json!({"directory_path": "/srv/docs", "recursive": true})),
        job!("/collections/{collection}/crawls", "ingest_url", "Put a web page or a site in", ingest_url)
            .at(COLLECTION)
            .keyed()
            .example(json!({"url": "https://docs.example.org/", "follow_links": true})),
        job!("/collections/{collection}/repositories", "ingest_repository", "Put the documents of a GitHub repository in", ingest_repository)
            .at(COLLECTION)
            .keyed()
            .example(json!({"repository": "owner/name"})),
        operation!(POST "/analyze", "analyze_website", "Tell what pages a site has, before a crawl", analyze_website)
            .example(json!({"base_url": "https://docs.example.org/"})),
    ]
}

fn jobs() -> Vec<Operation> {
    vec![
        operation!(GET "/jobs", "list_jobs", "List jobs, newest first", list_jobs)
            .paged("jobs"),
        operation!(GET "/jobs/{job}", "get_job", "Tell how far a job has come", get_job)
            .at(JOB)
            .paged("items"),
        operation!(DELETE "/jobs/{job}", "cancel_job", "Stop a job; what is done stays", cancel_job)
            .at(JOB),
        job!("/jobs/{job}/retry", "retry_job", "Go on with what a job left undone or failed at", retry_job)
            .scopes(&[Scope::Ingest])
            .at(JOB),
    ]
}

fn tokens() -> Vec<Operation> {
    vec![
        operation!(GET "/tokens", "list_tokens", "List the tokens that are good", list_tokens),
        operation!(POST "/tokens", "create_token", "Make a token; it is shown this once", create_token)
            .success(Success::Created("tokens", "token_id"))
            .example(json!({"name": "webhook", "scopes": ["ingest"], "collections": ["inbox"]})),
        operation!(DELETE "/tokens/{token}", "revoke_token", "Make a token useless", revoke_token)
            .at(&[("token", "token")]),
    ]
}
