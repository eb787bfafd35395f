//! What the tools are called, what they say about themselves, and what they
//! take and give.

use std::sync::LazyLock;

use rag_memory::api::{
    AnalyzeWebsite, CancelJob, CollectionCreated, CollectionDeleted, CollectionDetails,
    CollectionList, CollectionReembedded, CollectionUpdated, CreateCollection, DeleteCollection,
    DeleteDocument, DirectoryIngested, DocumentDeleted, DocumentList, DocumentUpdated,
    DocumentView, FileIngested, GetCollectionInfo, GetDocument, GetIndexStatus, GetJob,
    IndexStatus, IngestDirectory, IngestFile, IngestRepository, IngestText, IngestUrl, JobList,
    JobView, ListCollections, ListDocuments, ListJobs, ReembedCollection, RepositoryIngested,
    SearchDocuments, SearchResults, TextIngested, UpdateCollectionDescription, UpdateDocument,
    UrlIngested, WebsiteAnalysis,
};
use rag_memory::{Scope, schema};
use rmcp::model::{Tool, ToolAnnotations};
use schemars::JsonSchema;

use super::connector::{FetchRequest, FetchedDocument, SearchRequest, SearchedDocuments};

/// All tools, in the order they are listed: the most used first.
pub(crate) fn tools() -> &'static [Tool] {
    static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(build);
    &TOOLS
}

/// What its caller must have one of to be offered a tool. It is the memory that
/// refuses; this keeps from showing what it would refuse.
pub(crate) fn scopes(tool: &Tool) -> &'static [Scope] {
    match tool.name.as_ref() {
        "delete_collection" | "delete_document" | "reembed_collection" => &[Scope::Admin],
        "list_collections" | "get_job" | "list_jobs" => &[Scope::Read, Scope::Ingest],
        // It changes nothing here, and sends requests to where the caller says.
        "analyze_website" => &[Scope::Ingest],
        _ if reads(tool) => &[Scope::Read],
        _ => &[Scope::Ingest],
    }
}

/// Whether a tool changes nothing.
pub(crate) fn reads(tool: &Tool) -> bool {
    let annotations = tool.annotations.as_ref();
    annotations.and_then(|told| told.read_only_hint) == Some(true)
}

/// What a tool does to the memory.
#[derive(Clone, Copy)]
enum Effect {
    /// Nothing.
    Reads,
    /// Puts something beside what is there.
    Adds,
    /// Replaces or removes something, or may be told to.
    Changes,
}

fn build() -> Vec<Tool> {
    use Effect::{Adds, Changes, Reads};
    vec![
        tool::<SearchDocuments, SearchResults>(
            "search_documents",
            "Search",
            "Finds the passages that best answer a whole question",
            Reads,
        ),
        tool::<ListCollections, CollectionList>(
            "list_collections",
            "List collections",
            "Lists the collections and what they hold",
            Reads,
        ),
        tool::<GetCollectionInfo, CollectionDetails>(
            "get_collection_info",
            "Describe collection",
            "Tells all about a collection",
            Reads,
        ),
        tool::<CreateCollection, CollectionCreated>(
            "create_collection",
            "Create collection",
            "Makes a collection. Its description tells agents when to search it",
            Adds,
        ),
        tool::<UpdateCollectionDescription, CollectionUpdated>(
            "update_collection_description",
            "Update description",
            "Replaces the description of a collection",
            Changes,
        ),
        tool::<DeleteCollection, CollectionDeleted>(
            "delete_collection",
            "Delete collection",
            "Removes a collection with all its documents, for good. Ask the user first",
            Changes,
        ),
        of_the_web(tool::<ReembedCollection, CollectionReembedded>(
            "reembed_collection",
            "Change model",
            "Moves a collection to this server's embedding model",
            Changes,
        )),
        tool::<IngestText, TextIngested>(
            "ingest_text",
            "Remember text",
            "Puts a text into a collection; one that is there needs mode=reingest",
            Changes,
        ),
        tool::<IngestFile, FileIngested>(
            "ingest_file",
            "Remember file",
            "Puts a file (text, PDF, Office, HTML, EPUB…) into a collection; one that is there \
             needs mode=reingest",
            Changes,
        ),
        tool::<IngestDirectory, DirectoryIngested>(
            "ingest_directory",
            "Remember directory",
            "Puts the files of a directory or archive into a collection; those that changed need \
             mode=reingest",
            Changes,
        ),
        of_the_web(tool::<IngestUrl, UrlIngested>(
            "ingest_url",
            "Remember web page",
            "Puts a web page, or with follow_links a site, into a collection. Long work goes on as \
             a job: see get_job",
            Changes,
        )),
        of_the_web(tool::<AnalyzeWebsite, WebsiteAnalysis>(
            "analyze_website",
            "Analyze website",
            "Tells what pages a site has, before a crawl",
            Reads,
        )),
        of_the_web(tool::<IngestRepository, RepositoryIngested>(
            "ingest_repository",
            "Remember repository",
            "Puts the documents of a GitHub repository into a collection; again: only what changed",
            Changes,
        )),
        of_the_web(tool::<GetIndexStatus, IndexStatus>(
            "get_index_status",
            "Index status",
            "Tells how current the sources of a collection are",
            Reads,
        )),
        tool::<GetJob, JobView>(
            "get_job",
            "Follow job",
            "Tells how far a job has come",
            Reads,
        ),
        tool::<ListJobs, JobList>("list_jobs", "List jobs", "Lists jobs: long work", Reads),
        tool::<CancelJob, JobView>(
            "cancel_job",
            "Cancel job",
            "Stops a job. What is done stays",
            Changes,
        ),
        tool::<ListDocuments, DocumentList>(
            "list_documents",
            "List documents",
            "Lists documents, last updated first",
            Reads,
        ),
        tool::<GetDocument, DocumentView>(
            "get_document_by_id",
            "Read document",
            "Reads a document, a long one in parts: go on from next_offset",
            Reads,
        ),
        tool::<UpdateDocument, DocumentUpdated>(
            "update_document",
            "Change document",
            "Changes text, title or metadata of a document. What is left out stays",
            Changes,
        ),
        tool::<DeleteDocument, DocumentDeleted>(
            "delete_document",
            "Delete document",
            "Removes a document, for good. Ask the user first",
            Changes,
        ),
        tool::<SearchRequest, SearchedDocuments>(
            "search",
            "Find documents",
            "Finds the documents that answer a question; fetch reads them",
            Reads,
        ),
        tool::<FetchRequest, FetchedDocument>(
            "fetch",
            "Fetch document",
            "Reads a whole document that search found",
            Reads,
        ),
    ]
}

/// A tool that takes `I` and gives `O`.
///
/// Each that writes is idempotent, since a document is known by where it came from:
/// what was put in, changed or removed once is so after the second time. Without
/// [`of_the_web`], none reaches out of the memory and the files of the machine.
fn tool<I: JsonSchema, O: JsonSchema>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    effect: Effect,
) -> Tool {
    let annotations = ToolAnnotations::new().open_world(false);
    let annotations = match effect {
        // The other hints are about tools that write.
        Effect::Reads => annotations.read_only(true),
        Effect::Adds | Effect::Changes => annotations
            .read_only(false)
            .destructive(matches!(effect, Effect::Changes))
            .idempotent(true),
    };
    Tool::new(name, description, schema::input::<I>())
        .with_title(title)
        .with_raw_output_schema(schema::output::<O>())
        .with_annotations(annotations)
}

/// A tool that reaches out to hosts of others.
fn of_the_web(mut tool: Tool) -> Tool {
    tool.annotations = tool
        .annotations
        .map(|annotations| annotations.open_world(true));
    tool
}
