//! Documents as resources: `rag://document/{id}`.

use rag_memory::api::{DocumentItem, GetDocument, ListDocuments};
use rag_memory::{Error, ErrorKind, Memory};
use rmcp::model::{
    ErrorData, ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate,
};

use crate::failure;

/// Documents in a page of the list.
const PAGE: i64 = 100;

/// The most characters of a document that go out in one piece.
pub(crate) const DOCUMENT_CHARS_MAX: i64 = 1_000_000;

/// The template of a document's URI.
pub(crate) const TEMPLATE: &str = "rag://document/{id}";

const PREFIX: &str = "rag://document/";

/// The URI of a document.
pub(crate) fn document_uri(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// A page of documents. The cursor is how many came before it.
pub(crate) async fn list(
    memory: &Memory,
    cursor: Option<String>,
) -> Result<ListResourcesResult, ErrorData> {
    let offset = match &cursor {
        Some(cursor) => cursor.parse::<u32>().map(i64::from).map_err(|_| {
            ErrorData::invalid_params("the cursor is not one that resources/list gave", None)
        })?,
        None => 0,
    };
    let wanted = ListDocuments {
        limit: PAGE,
        offset,
        include_details: true,
        ..ListDocuments::default()
    };
    let page = memory
        .list_documents(wanted)
        .await
        .map_err(|error| failure::of_request("resources/list", &error))?;
    let mut result =
        ListResourcesResult::with_all_items(page.documents.into_iter().map(resource).collect());
    result.next_cursor = page.has_more.then(|| (offset + PAGE).to_string());
    Ok(result)
}

fn resource(document: DocumentItem) -> Resource {
    let DocumentItem {
        id,
        filename,
        source_uri,
        collection_name,
        file_type,
        file_size,
        ..
    } = document;
    let mut resource = Resource::new(document_uri(&id), filename.clone())
        .with_title(filename)
        .with_description(format!("In `{collection_name}`, from {source_uri}"));
    resource.mime_type = file_type;
    resource.size = file_size;
    resource
}

/// The one template there is.
pub(crate) fn templates() -> ListResourceTemplatesResult {
    let template = ResourceTemplate::new(TEMPLATE, "document")
        .with_title("Document")
        .with_description("The text of a document, by its id");
    ListResourceTemplatesResult::with_all_items(vec![template])
}

/// The text of a document. One that is too long to go out in one piece is cut,
/// and a second text says so and where to go on.
pub(crate) async fn read(memory: &Memory, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let Some(id) = uri.strip_prefix(PREFIX) else {
        return Err(failure::no_resource(uri));
    };
    let wanted = GetDocument {
        max_chars: DOCUMENT_CHARS_MAX,
        ..GetDocument::new(id)
    };
    let document = memory
        .get_document(wanted)
        .await
        .map_err(|error| missing(uri, &error))?;
    let text = ResourceContents::text(document.content, uri).with_mime_type(document.file_type);
    let mut contents = vec![text];
    if let Some(offset) = document.next_offset {
        let total = document.total_chars;
        contents.push(ResourceContents::text(
            format!("cut at character {offset} of {total}: get_document_by_id reads on from there"),
            uri,
        ));
    }
    Ok(ReadResourceResult::new(contents))
}

/// What cannot be a document's id names no resource either.
fn missing(uri: &str, error: &Error) -> ErrorData {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::Invalid => failure::no_resource(uri),
        _ => failure::of_request("resources/read", error),
    }
}
