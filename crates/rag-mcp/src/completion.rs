//! Completes what people type: the id of a document, the name of a collection.

use rag_memory::Memory;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, ErrorData, Reference};

use crate::{failure, prompts, resources};

/// The values that begin with what was typed.
pub(crate) async fn complete(
    memory: &Memory,
    request: &CompleteRequestParams,
) -> Result<CompleteResult, ErrorData> {
    let typed = &request.argument.value;
    let values = match (&request.r#ref, request.argument.name.as_str()) {
        (Reference::Resource(template), "id") if template.uri == resources::TEMPLATE => {
            memory.complete_document_ids(typed).await
        }
        (Reference::Prompt(prompt), "collection_name") if prompt.name == prompts::NAME => {
            memory.complete_collection_names(typed).await
        }
        (Reference::Prompt(prompt), "question") if prompt.name == prompts::NAME => Ok(Vec::new()),
        (_, argument) => {
            let text = format!("there is nothing to complete for `{argument}` of that reference");
            return Err(ErrorData::invalid_params(text, None));
        }
    };
    let mut values = values.map_err(|error| failure::of_request("completion/complete", &error))?;
    values.truncate(CompletionInfo::MAX_VALUES);
    Ok(result(values))
}

/// No values.
pub(crate) fn nothing() -> CompleteResult {
    result(Vec::new())
}

fn result(values: Vec<String>) -> CompleteResult {
    let completion = CompletionInfo::new(values).expect("there are no more than allowed");
    CompleteResult::new(completion)
}
