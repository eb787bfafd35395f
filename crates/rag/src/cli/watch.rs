//! `rag watch`: keeps a collection in step with a directory.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rag_memory::api::{DOCUMENT_EXTENSIONS, DirectoryIngested, IngestDirectory, IngestMode};
use rag_memory::{Error, ErrorKind, Memory, Patience, Progress, Watch};
use rag_source::{FileRoots, ListOptions, ListedFile, list_files, watch_directory};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::ingest;
use super::output::{counted, print, warnings};
use super::serve::shutdown_signal;

/// How long it must be quiet before what changed is looked at: editors and
/// copies write in several steps.
const QUIET: Duration = Duration::from_millis(500);
/// How long it may take to become quiet.
const UNREST_MAX: Duration = Duration::from_secs(5);
/// When a run that failed is tried again, if nothing changes before.
const RETRY: Duration = Duration::from_secs(30);

/// Which directory, which files of it, and where they go.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag watch ~/notes --collection notes
  rag watch docs -c docs --extensions .md,.pdf --exclude 'drafts/**'

Puts in what is new, replaces what changed and drops what is gone, now and whenever something
changes below the directory, until Ctrl-C. A line is printed for each time that it did.")]
pub(super) struct WatchArgs {
    /// The directory, with everything below it
    path: PathBuf,
    /// The collection to keep in step
    #[arg(short, long, value_name = "NAME")]
    collection: String,
    /// Extensions, separated by commas; `*` for every file that can be read
    #[arg(long, value_delimiter = ',', default_values = DOCUMENT_EXTENSIONS)]
    extensions: Vec<String>,
    /// Only paths that match, such as `guide/**`; may be repeated
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No paths that match; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
}

pub(super) async fn run(context: &Context, args: WatchArgs) -> anyhow::Result<ExitCode> {
    let memory = context.memory_reading_path(&args.path)?;
    let changes = Arc::new(Notify::new());
    let changed = changes.clone();
    // Watched before the first look, so that nothing falls between the two.
    let _watch = watch_directory(&args.path, move || changed.notify_one()).map_err(Error::from)?;
    let cancel = CancellationToken::new();
    let stepping = keep_in_step(context, &memory, &args, &changes, &cancel);
    tokio::pin!(stepping);
    tokio::select! {
        result = &mut stepping => result?,
        () = shutdown_signal() => {
            cancel.cancel();
            stepping.await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Brings the collection in step whenever something changed, until `cancel`
/// fires.
async fn keep_in_step(
    context: &Context,
    memory: &Memory,
    args: &WatchArgs,
    changes: &Notify,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    let request = IngestDirectory {
        file_extensions: args.extensions.clone(),
        recursive: true,
        include: args.include.clone(),
        exclude: args.exclude.clone(),
        mode: IngestMode::Reingest,
        ..IngestDirectory::new(args.path.display().to_string(), &args.collection)
    };
    let watch = Watch {
        progress: Arc::new(|_: Progress| {}),
        cancel: cancel.clone(),
        patience: Patience::Endless,
    };
    let mut in_step = Vec::new();
    let mut first = true;
    while !cancel.is_cancelled() {
        let files = list(args).await?;
        let mut retry = None;
        if first || files != in_step {
            match memory.ingest_directory(request.clone(), &watch).await {
                Ok(ingested) => {
                    report(context, &ingested, first)?;
                    in_step = files;
                }
                Err(error) if error.kind() == ErrorKind::Cancelled => return Ok(()),
                Err(error) if !first && may_pass(error.kind()) => {
                    let seconds = RETRY.as_secs();
                    tracing::warn!("not in step; trying again in {seconds} s: {error}");
                    in_step.clear();
                    retry = Some(RETRY);
                }
                Err(error) => return Err(error.into()),
            }
            first = false;
        }
        tokio::select! {
            () = settled(changes) => {}
            () = sleep(retry.unwrap_or_default()), if retry.is_some() => {}
            () = cancel.cancelled() => {}
        }
    }
    Ok(())
}

/// Whether an error may be gone the next time.
fn may_pass(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Conflict
    )
}

/// The files that count. A change that leaves them as they were needs no run:
/// another program's files, or those of the memory itself, may be there too.
async fn list(args: &WatchArgs) -> Result<Vec<ListedFile>, Error> {
    let options = ListOptions {
        extensions: args.extensions.clone(),
        include: args.include.clone(),
        exclude: args.exclude.clone(),
        recursive: true,
    };
    let path = args.path.clone();
    let listing = move || {
        let roots = FileRoots::new([&path])?;
        list_files(&path, &roots, &options)
    };
    let listing = tokio::task::spawn_blocking(listing).await;
    let failed = |error| Error::new(ErrorKind::Internal, format!("a task failed: {error}"));
    Ok(listing.map_err(failed)??.files)
}

/// Waits for a change, and then until there are none for a moment.
async fn settled(changes: &Notify) {
    changes.notified().await;
    let latest = Instant::now() + UNREST_MAX;
    loop {
        let quiet = (Instant::now() + QUIET).min(latest);
        if timeout_at(quiet, changes.notified()).await.is_err() || Instant::now() >= latest {
            return;
        }
    }
}

/// A line about a run that changed something, and about the first.
fn report(context: &Context, ingested: &DirectoryIngested, first: bool) -> anyhow::Result<()> {
    let changed = ingested.files_ingested + ingested.files_removed + ingested.files_failed;
    if changed == 0 && !first {
        return Ok(());
    }
    let text = match context.json {
        true => serde_json::to_string(ingested)?,
        false => human(ingested, first),
    };
    print(&text)?;
    Ok(std::io::stdout().flush()?)
}

fn human(ingested: &DirectoryIngested, first: bool) -> String {
    let mut text = format!(
        "{} ingested ({}), {} removed, {} failed",
        counted(ingested.files_ingested, "file"),
        counted(ingested.total_chunks, "chunk"),
        ingested.files_removed,
        ingested.files_failed,
    );
    if first {
        let files = counted(ingested.files_found, "file");
        text = format!("in step with {files}; watching. {text}");
        text += &warnings(&ingested.warnings);
    }
    text + &ingest::files("failed", &ingested.failed_files, ingested.files_failed)
}
