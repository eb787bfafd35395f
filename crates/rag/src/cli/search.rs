//! `rag search`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use rag_memory::api::{Hit, SearchDocuments, SearchMode, SearchResults};

use super::ask::json_object;
use super::context::Context;
use super::output::warnings;

/// A question and how to answer it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  rag search \"How are backups made?\" --collection docs
  rag search \"E1234\" --mode keyword --limit 20
  rag search \"holiday policy\" --metadata '{\"team\": \"hr\"}' --json")]
pub(super) struct SearchArgs {
    /// The question
    query: String,
    /// Search only this collection
    #[arg(short, long, value_name = "NAME")]
    collection: Option<String>,
    /// The most passages, 1 to 50
    #[arg(short, long, default_value_t = 5, allow_negative_numbers = true)]
    limit: i64,
    /// The least cosine similarity
    #[arg(short, long, allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Only documents whose metadata contains this JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// How to rank
    #[arg(short, long, value_enum, default_value_t = Mode::Hybrid)]
    mode: Mode,
    /// The most passages of one document
    #[arg(long, default_value_t = 3, allow_negative_numbers = true)]
    max_per_document: i64,
    /// A budget of tokens for all passages
    #[arg(long, allow_negative_numbers = true)]
    max_tokens: Option<i64>,
    /// Chunks of context on each side of a passage, 0 to 5
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    neighbors: i64,
    /// Add the whole text of each source
    #[arg(long)]
    show_source: bool,
    /// Add chunk ids and metadata
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Hybrid,
    Vector,
    Keyword,
}

pub(super) async fn run(context: &Context, args: SearchArgs) -> anyhow::Result<ExitCode> {
    let metadata = args
        .metadata
        .as_deref()
        .map(|text| json_object("--metadata", text));
    let request = SearchDocuments {
        collection_name: args.collection,
        limit: args.limit,
        threshold: args.threshold,
        include_source: args.show_source,
        include_metadata: args.verbose,
        metadata_filter: metadata.transpose()?.unwrap_or_default(),
        mode: match args.mode {
            Mode::Hybrid => SearchMode::Hybrid,
            Mode::Vector => SearchMode::Vector,
            Mode::Keyword => SearchMode::Keyword,
        },
        max_per_document: args.max_per_document,
        max_tokens: args.max_tokens,
        neighbors: args.neighbors,
        ..SearchDocuments::new(args.query)
    };
    let results = context.memory()?.search_documents(request).await?;
    context.show(&results, human)
}

/// Passages with what is needed to cite them.
pub(super) fn human(results: &SearchResults) -> String {
    let passages: Vec<String> = results
        .results
        .iter()
        .enumerate()
        .map(|(place, hit)| passage(place + 1, hit))
        .collect();
    let body = match passages.is_empty() {
        true => "no passage was found".to_owned(),
        false => passages.join("\n\n"),
    };
    body + &warnings(&results.warnings)
}

fn passage(place: usize, hit: &Hit) -> String {
    let mut heading = vec![hit.source_filename.as_str()];
    heading.extend(hit.heading_path.iter().map(String::as_str));
    let similarity = hit
        .similarity
        .map_or_else(|| "not compared".to_owned(), |value| format!("{value:.3}"));
    let page = hit
        .page
        .map(|page| format!(" page {page}"))
        .unwrap_or_default();
    let mut text = format!(
        "[{place}] {}\n    {}{page} characters {}-{}\n    document {}  score {:.3}  similarity {similarity}",
        heading.join(" > "),
        hit.source_uri,
        hit.char_start,
        hit.char_end,
        hit.source_document_id,
        hit.score,
    );
    if let (Some(id), Some(metadata)) = (&hit.chunk_id, &hit.metadata) {
        let metadata = serde_json::Value::Object(metadata.clone());
        text += &format!("\n    chunk {id}  metadata {metadata}");
    }
    if !hit.also_in.is_empty() {
        text += &format!("\n    also in {}", hit.also_in.join(", "));
    }
    text += &format!("\n\n{}", hit.content);
    if let Some(source) = &hit.source_content {
        text += &format!("\n\n--- the whole source ---\n{source}\n--- end of source ---");
    }
    text
}
