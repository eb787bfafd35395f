//! What the tools are called, what they say about themselves, and what they
//! take and give.

use std::sync::LazyLock;

use rag_memory::api::{
    CollectionCreated, CollectionDeleted, CollectionDetails, CollectionList, CollectionUpdated,
    CreateCollection, DeleteCollection, DeleteDocument, DirectoryIngested, DocumentDeleted,
    DocumentList, DocumentUpdated, DocumentView, FileIngested, GetCollectionInfo, GetDocument,
    IngestDirectory, IngestFile, IngestText, ListCollections, ListDocuments, SearchDocuments,
    SearchResults, TextIngested, UpdateCollectionDescription, UpdateDocument,
};
use rmcp::model::{Tool, ToolAnnotations};
use schemars::JsonSchema;

use super::connector::{FetchRequest, FetchedDocument, SearchRequest, SearchedDocuments};
use crate::schema;

/// All tools, in the order they are listed: the most used first.
pub(crate) fn tools() -> &'static [Tool] {
    static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(build);
    &TOOLS
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
            "Finds the passages that best answer a question, by meaning and by words. Ask a whole \
             question in natural language",
            Reads,
        ),
        tool::<ListCollections, CollectionList>(
            "list_collections",
            "List collections",
            "Lists the collections, with what they hold and how much",
            Reads,
        ),
        tool::<GetCollectionInfo, CollectionDetails>(
            "get_collection_info",
            "Describe collection",
            "Tells all about a collection, with some of its titles",
            Reads,
        ),
        tool::<CreateCollection, CollectionCreated>(
            "create_collection",
            "Create collection",
            "Makes a collection to put documents in. Its description tells agents when to search \
             it",
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
        tool::<IngestText, TextIngested>(
            "ingest_text",
            "Remember text",
            "Puts a text into a collection. Refuses one that is there already, unless \
             mode=reingest",
            Changes,
        ),
        tool::<IngestFile, FileIngested>(
            "ingest_file",
            "Remember file",
            "Puts a text file into a collection. Refuses one that is there already, unless \
             mode=reingest",
            Changes,
        ),
        tool::<IngestDirectory, DirectoryIngested>(
            "ingest_directory",
            "Remember directory",
            "Puts the text files of a directory into a collection. Skips files that are there \
             already, unless they have changed and mode=reingest",
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
            "Reads a document. A long one comes in parts: go on from next_offset",
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
/// Every one is idempotent, since a document is known by where it came from:
/// what was put in, changed or removed once is so after the second time. None
/// reaches out of the memory and the files of the machine.
fn tool<I: JsonSchema, O: JsonSchema>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    effect: Effect,
) -> Tool {
    let annotations = ToolAnnotations::new()
        .read_only(matches!(effect, Effect::Reads))
        .destructive(matches!(effect, Effect::Changes))
        .idempotent(true)
        .open_world(false);
    Tool::new(name, description, schema::input::<I>())
        .with_title(title)
        .with_raw_output_schema(schema::output::<O>())
        .with_annotations(annotations)
}
