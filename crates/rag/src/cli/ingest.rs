//! `rag ingest`: what can be put in. Each kind of source has a file below.

mod directory;
mod file;
mod github;
mod text;
mod url;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use rag_memory::api::{IngestMode, Object};

use super::ask::json_object;
use super::context::Context;

pub(super) use directory::{directory, files};
pub(super) use url::{PageArgs, recrawl};

/// What can be put in.
#[derive(Debug, Subcommand)]
pub(super) enum IngestCommand {
    /// Put a text in
    Text(text::TextArgs),
    /// Put a file in: text, PDF, Office, HTML, EPUB, notebook, or an archive of these
    File(file::FileArgs),
    /// Put the files of a directory in
    Directory(directory::DirectoryArgs),
    /// Put a web page or a whole site in
    Url(url::UrlArgs),
    /// Put the documents of a GitHub repository in
    Github(github::GithubArgs),
}

/// Options of texts, files and directories.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The collection to put it into
    #[arg(short, long, value_name = "NAME")]
    collection: String,
    /// A JSON object to keep with it
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// Replace what is there already
    #[arg(long)]
    reingest: bool,
}

impl Common {
    fn metadata(&self) -> anyhow::Result<Object> {
        metadata(self.metadata.as_deref())
    }

    fn mode(&self) -> IngestMode {
        if self.reingest {
            IngestMode::Reingest
        } else {
            IngestMode::Ingest
        }
    }
}

/// What `--metadata` says.
fn metadata(text: Option<&str>) -> anyhow::Result<Object> {
    let object = text.map(|text| json_object("--metadata", text));
    Ok(object.transpose()?.unwrap_or_default())
}

pub(super) async fn run(context: &Context, command: IngestCommand) -> anyhow::Result<ExitCode> {
    match command {
        IngestCommand::Text(args) => text::run(context, args).await,
        IngestCommand::File(args) => file::run(context, args).await,
        IngestCommand::Directory(args) => directory::run(context, args).await,
        IngestCommand::Url(args) => url::run(context, args).await,
        IngestCommand::Github(args) => github::run(context, args).await,
    }
}
