//! The command line: what can be typed, and which file carries it out.

mod analyze;
mod ask;
mod collection;
mod config;
mod connect;
mod context;
mod doctor;
mod document;
mod export;
pub(crate) mod failure;
mod health;
mod import;
mod import_legacy;
mod ingest;
mod init;
mod job;
mod mcp;
mod migrate;
mod outcome;
mod output;
mod progress;
mod recrawl;
mod reembed;
mod search;
mod serve;
mod status;
mod token;
mod try_out;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::Name;
use context::Context;

/// A long-term memory made of documents, for AI agents.
#[derive(Debug, Parser)]
#[command(
    name = "rag",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(after_help = "\
Examples:
  rag try docs \"How do I change the port?\"      answer from a folder, in one command
  rag collection create notes --description \"Meeting notes\"
  rag ingest directory ~/notes --collection notes --recursive
  rag ingest url https://docs.example.org/ --collection notes --follow-links
  rag search \"What did we decide about pricing?\" --collection notes
  rag mcp                                       serve an agent over stdio

Exit codes: 0 done, 1 done in part or internal error, 2 wrong input, 3 not found, 4 there already or
changed meanwhile, 5 not allowed, 6 too large, 7 embedding refused, 8 rate limited,
9 unavailable, 130 cancelled.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The folder of the embedded store [RAG_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The store: sqlite:PATH, postgres://… or qdrant://… [DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// local, a model's folder, or a remote model's name [RAG_EMBEDDING]
    #[arg(long, global = true, value_name = "NAME")]
    embedding: Option<String>,
    /// error, warn, info, debug or trace [LOG_LEVEL]
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put a file or folder in and answer a question from it
    Try(try_out::TryArgs),
    /// Make the store ready and say what to do next
    Init,
    /// What the memory is made of and what is in it
    Status,
    /// Every setting, its value and where that came from
    Config,
    /// Check that everything works
    Doctor,
    /// Make, list, describe and delete collections
    #[command(subcommand)]
    Collection(collection::CollectionCommand),
    /// Put text, files, web sites or repositories into a collection
    #[command(subcommand)]
    Ingest(ingest::IngestCommand),
    /// Tell what a web site has, before it is crawled
    Analyze(analyze::AnalyzeArgs),
    /// Bring an earlier crawl up to date
    Recrawl(recrawl::RecrawlArgs),
    /// Take over the collections and documents of an earlier memory
    ImportLegacy(import_legacy::ImportLegacyArgs),
    /// Keep a collection in step with a directory
    Watch(watch::WatchArgs),
    /// Follow, stop and repeat crawls and other long work
    #[command(subcommand)]
    Job(job::JobCommand),
    /// Find the passages that answer a question
    Search(search::SearchArgs),
    /// List, view, change and delete documents
    #[command(subcommand)]
    Document(document::DocumentCommand),
    /// Write everything into a file
    Export(export::ExportArgs),
    /// Put everything in that a file of `rag export` holds
    Import(import::ImportArgs),
    /// Bring a store to its newest schema, or copy everything to another store
    Migrate(migrate::MigrateArgs),
    /// Move collections to the embedding model that is configured
    Reembed(reembed::ReembedArgs),
    /// Tell an agent's program of this memory, or take that back
    Connect(connect::ConnectArgs),
    /// Serve MCP over standard input and output
    Mcp(mcp::McpArgs),
    /// Serve agents and programs over HTTP: MCP and the API
    Serve(serve::ServeArgs),
    /// Say whether a server is well
    Health(health::HealthArgs),
    /// Make, list and revoke the tokens that let callers in
    #[command(subcommand)]
    Token(token::TokenCommand),
}

impl Global {
    fn flags(&self) -> Vec<(Name, String)> {
        let path = |path: &PathBuf| path.display().to_string();
        [
            (Name::DataDir, self.data_dir.as_ref().map(path)),
            (Name::DatabaseUrl, self.database_url.clone()),
            (Name::Embedding, self.embedding.clone()),
            (Name::LogLevel, self.log_level.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }
}

/// Carries out what was typed.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let mut flags = cli.global.flags();
    let default_level = match &cli.command {
        Command::Serve(args) => {
            flags.extend(args.flags());
            "info"
        }
        Command::Mcp(_) => "info",
        _ => "warn",
    };
    let context = Context::new(&flags, cli.global.json, default_level)?;
    let result = carry_out(&context, cli.command).await;
    // However it ended: no browser stays behind, and no job waits for us.
    context.close().await;
    result
}

async fn carry_out(context: &Context, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Try(args) => try_out::run(context, args).await,
        Command::Init => init::run(context).await,
        Command::Status => status::run(context).await,
        Command::Config => config::run(context),
        Command::Doctor => doctor::run(context).await,
        Command::Collection(command) => collection::run(context, command).await,
        Command::Ingest(command) => ingest::run(context, command).await,
        Command::Analyze(args) => analyze::run(context, args).await,
        Command::Recrawl(args) => recrawl::run(context, args).await,
        Command::ImportLegacy(args) => import_legacy::run(context, args).await,
        Command::Watch(args) => watch::run(context, args).await,
        Command::Job(command) => job::run(context, command).await,
        Command::Search(args) => search::run(context, args).await,
        Command::Document(command) => document::run(context, command).await,
        Command::Export(args) => export::run(context, args).await,
        Command::Import(args) => import::run(context, args).await,
        Command::Migrate(args) => migrate::run(context, args).await,
        Command::Reembed(args) => reembed::run(context, args).await,
        Command::Connect(args) => connect::run(context, &args),
        Command::Mcp(args) => mcp::run(context, args).await,
        Command::Serve(args) => serve::run(context, args).await,
        Command::Health(args) => health::run(context, args).await,
        Command::Token(command) => token::run(context, command).await,
    }
}
