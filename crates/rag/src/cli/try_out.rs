//! `rag try`: from a folder to an answer in one command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use rag_memory::api::{
    CreateCollection, IngestDirectory, IngestFile, IngestMode, Object, SearchDocuments,
    SearchResults,
};
use rag_memory::{Error, ErrorKind, Memory};
use serde::Serialize;

use super::context::Context;
use super::output::{counted, warnings};
use super::{ingest, search};

/// How many passages answer.
const PASSAGES: i64 = 3;
/// How many folders of the same name can be tried.
const NAMESAKES_MAX: usize = 100;

/// What to put in and what to ask.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  rag try docs \"How do I change the port?\"
  rag try README.md \"Which licences may I use it under?\" --json

A second run puts in only the files that changed and drops those that are gone. The folder
becomes a collection of its own, which `rag search --collection` and agents can use.")]
pub(super) struct TryArgs {
    /// A file, or a folder with everything below it
    path: PathBuf,
    /// The question
    question: String,
}

/// What was put in and what it answers.
#[derive(Serialize)]
struct Tried {
    collection_name: String,
    documents: u64,
    chunks: u64,
    files_ingested: u64,
    files_unchanged: u64,
    files_failed: u64,
    #[serde(flatten)]
    answer: SearchResults,
}

pub(super) async fn run(context: &Context, args: TryArgs) -> anyhow::Result<ExitCode> {
    let TryArgs { path, question } = args;
    if question.trim().is_empty() {
        return Err(Error::invalid("the question is blank").into());
    }
    let real = path.canonicalize().map_err(|error| {
        Error::new(
            ErrorKind::NotFound,
            format!("cannot read `{}`: {error}", path.display()),
        )
    })?;
    let memory = context.memory_reading_path(&real)?;
    let collection_name = collection_for(&memory, &real).await?;
    let (files_ingested, files_unchanged, files_failed, notes) =
        put_in(&memory, &real, &collection_name).await?;
    let request = SearchDocuments {
        collection_name: Some(collection_name.clone()),
        limit: PASSAGES,
        ..SearchDocuments::new(question)
    };
    let mut answer = memory.search_documents(request).await?;
    answer.warnings.splice(0..0, notes);
    let info = memory
        .collection_info(rag_memory::api::GetCollectionInfo {
            collection_name: collection_name.clone(),
        })
        .await?;
    let tried = Tried {
        collection_name,
        documents: info.document_count,
        chunks: info.chunk_count,
        files_ingested,
        files_unchanged,
        files_failed,
        answer,
    };
    context.show(&tried, human)
}

/// Puts what is at `path` in; gives the files ingested, unchanged and failed,
/// and what to know about them.
async fn put_in(
    memory: &Memory,
    path: &Path,
    collection: &str,
) -> anyhow::Result<(u64, u64, u64, Vec<String>)> {
    if !path.is_dir() {
        let request = IngestFile {
            file_path: path.display().to_string(),
            collection_name: collection.to_owned(),
            metadata: Object::new(),
            include_chunk_ids: false,
            mode: IngestMode::Reingest,
        };
        let ingested = memory.ingest_file(request).await?;
        let unchanged = u64::from(ingested.status == rag_memory::api::IngestStatus::Unchanged);
        return Ok((1 - unchanged, unchanged, 0, ingested.warnings));
    }
    let mut request = IngestDirectory {
        recursive: true,
        mode: IngestMode::Reingest,
        ..IngestDirectory::new(path.display().to_string(), collection)
    };
    let mut ingested = ingest::directory(memory, request.clone()).await?;
    if ingested.files_found == 0 {
        // A folder of code, say: take whatever is text.
        request.file_extensions = vec!["*".to_owned()];
        ingested = ingest::directory(memory, request).await?;
    }
    let failed = ingested.failed_files.iter();
    let failed = failed.map(|file| format!("{} was left out: {}", file.filename, file.error));
    let notes = failed.chain(ingested.warnings.iter().cloned()).collect();
    Ok((
        ingested.files_ingested,
        ingested.files_unchanged,
        ingested.files_failed,
        notes,
    ))
}

/// The collection for `path`: the one made for it earlier, or a new one with
/// its name.
async fn collection_for(memory: &Memory, path: &Path) -> anyhow::Result<String> {
    let description = format!("Files of {}, put in by `rag try`", path.display());
    let known = memory.list_collections().await?.collections;
    if let Some(own) = known.iter().find(|item| item.description == description) {
        return Ok(own.name.clone());
    }
    let base = slug(path);
    let names = std::iter::once(base.clone())
        .chain((2..=NAMESAKES_MAX).map(|number| format!("{base}-{number}")));
    for name in names {
        let request = CreateCollection {
            name: name.clone(),
            description: description.clone(),
            metadata_schema: None,
        };
        match memory.create_collection(request).await {
            Ok(_) => return Ok(name),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    let message = format!("there are {NAMESAKES_MAX} collections called `{base}` already");
    Err(Error::new(ErrorKind::AlreadyExists, message).into())
}

/// A collection's name made of a path's last part.
fn slug(path: &Path) -> String {
    const CHARS_MAX: usize = 48;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase());
    let allowed = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    let slug: String = name
        .unwrap_or_default()
        .chars()
        .map(allowed)
        .take(CHARS_MAX)
        .collect();
    match slug.trim_matches('-') {
        "" => "tried".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

fn human(tried: &Tried) -> String {
    let notes = warnings(&tried.answer.warnings);
    let answer = SearchResults {
        results: tried.answer.results.clone(),
        warnings: Vec::new(),
    };
    format!(
        "{}\n\n{} in collection `{}` ({}; {} new or changed){notes}",
        search::human(&answer),
        counted(tried.documents, "document"),
        tried.collection_name,
        counted(tried.chunks, "chunk"),
        tried.files_ingested,
    )
}

#[cfg(test)]
mod tests {
    use super::slug;
    use std::path::Path;

    #[test]
    fn slugs_are_collection_names() {
        for (path, expected) in [
            ("/a/docs", "docs"),
            ("/a/My Notes.md", "my-notes-md"),
            ("/", "tried"),
            ("/日本", "tried"),
            ("/-x-", "x"),
        ] {
            assert_eq!(slug(Path::new(path)), expected);
        }
    }
}
