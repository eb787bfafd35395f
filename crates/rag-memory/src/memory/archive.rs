//! The files of an archive, each a document, as items of the job that came
//! across it.

use std::collections::HashSet;
use std::ops::ControlFlow;

use rag_core::model::{CollectionInfo, JobItem};
use rag_source::{ArchivedFile, ExtractError, ListedFile, SourceError, read_archive_file};
use tokio::sync::mpsc;

use super::Memory;
use super::directory::{failed, skipped};
use super::job::JobRun;
use crate::Error;
use crate::api::{IngestDirectory, IngestMode};

/// How many files are unpacked ahead of those that are put in.
const AHEAD_MAX: usize = 2;

impl Memory {
    /// Puts the files of an archive in, with an item for each. What comes back
    /// is the item of the archive itself.
    pub(super) async fn see_archive(
        &self,
        run: &JobRun,
        collection: &CollectionInfo,
        request: &IngestDirectory,
        item: JobItem,
        file: &ListedFile,
    ) -> Result<JobItem, Error> {
        let (sender, mut receiver) = mpsc::channel::<ArchivedFile>(AHEAD_MAX);
        let (path, bytes_max) = (file.path.clone(), self.options.document_bytes_max);
        // Not in a turn of its own: what is put in meanwhile takes turns too.
        let unpack = tokio::task::spawn_blocking(move || {
            read_archive_file(
                &path,
                bytes_max,
                &mut |file| match sender.blocking_send(file) {
                    Ok(()) => ControlFlow::Continue(()),
                    // Nobody takes any more: the job stops.
                    Err(_) => ControlFlow::Break(()),
                },
            )
        });
        let mut kept = HashSet::new();
        while let Some(member) = receiver.recv().await {
            let name = format!("{}#{}", item.name, member.archive_path);
            let new = JobItem::pending(name);
            kept.insert(member.source_uri.clone());
            let settled = match member.outcome {
                Ok(mut text) => {
                    text.source_uri = Some(member.source_uri);
                    let own = std::mem::replace(&mut text.metadata, request.metadata.clone());
                    text.metadata.extend(own);
                    self.put_file(run, collection, request.mode, new, text)
                        .await?
                }
                Err(error @ (ExtractError::Unsupported { .. } | ExtractError::Blank { .. })) => {
                    skipped(new, &error.to_string())
                }
                Err(error) => failed(new, &Error::invalid(error.to_string())),
            };
            run.settle(vec![settled]).await?;
        }
        let unpacked: Result<Result<(), SourceError>, _> = unpack.await;
        if matches!(unpacked, Ok(Ok(()))) && request.mode == IngestMode::Reingest {
            let archive = (item.name.as_str(), file.path.as_path());
            self.drop_members(run, collection, archive, &kept).await?;
        }
        let files = format!("an archive; its {} files are items too", kept.len());
        Ok(match unpacked {
            Ok(Ok(())) => skipped(item, &files),
            Ok(Err(error)) => failed(item, &error.into()),
            Err(error) => failed(item, &Error::invalid(format!("its parser failed: {error}"))),
        })
    }
}
