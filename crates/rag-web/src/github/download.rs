//! A tarball on its way to the disk: bounded in size and time, never held.

use std::fs::File;
use std::io::{self, Write as _};
use std::time::Duration;

use reqwest::Response;
use tokio::sync::mpsc;
use url::Url;

use super::api::{Api, told_of};
use super::{GitHubError, RepositoryRef};
use crate::client::{self, Deadline};

/// How long a download may take in all.
const TIME_MAX: Duration = Duration::from_secs(600);

/// How long it may stand still.
const STALL_MAX: Duration = Duration::from_secs(60);

/// How many pieces may wait for the disk.
const PIECES_MAX: usize = 16;

/// The archive of a commit, in a file that has no name and goes with its handle.
pub(super) async fn tarball(
    api: &Api,
    repository: &RepositoryRef,
    sha: &str,
    bytes_max: u64,
) -> Result<File, GitHubError> {
    let url = api.url(repository, &["tarball", sha]);
    let download = async {
        let response = api.get(repository, &url, None).await?;
        if response
            .content_length()
            .is_some_and(|length| length > bytes_max)
        {
            return Err(GitHubError::TooLarge { bytes_max });
        }
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        // It ends with its sender, so also when the download is given up.
        let writing = tokio::task::spawn_blocking(move || write(receiver));
        let outcome = read(&url, response, bytes_max, sender).await;
        let written = writing.await.map_err(|error| disk(&error))?;
        // A disk that is full makes the reading stop as well: it comes first.
        let file = written.map_err(|error| disk(&error))?;
        outcome.map(|()| file)
    };
    Deadline::after(TIME_MAX).keep(&url, download).await?
}

async fn read(
    url: &Url,
    mut response: Response,
    bytes_max: u64,
    sender: mpsc::Sender<Vec<u8>>,
) -> Result<(), GitHubError> {
    let mut bytes_left = bytes_max;
    loop {
        let stall = Deadline::after(STALL_MAX);
        let piece = stall.keep(url, client::next(&mut response)).await?;
        let Some(piece) = piece.map_err(|error| told_of(url, error))? else {
            return Ok(());
        };
        bytes_left = bytes_left
            .checked_sub(piece.len() as u64)
            .ok_or(GitHubError::TooLarge { bytes_max })?;
        if sender.send(piece.to_vec()).await.is_err() {
            // The writer says why it ended.
            return Ok(());
        }
    }
}

fn write(mut pieces: mpsc::Receiver<Vec<u8>>) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    while let Some(piece) = pieces.blocking_recv() {
        file.write_all(&piece)?;
    }
    Ok(file)
}

fn disk(error: &dyn std::error::Error) -> GitHubError {
    GitHubError::Disk {
        message: error.to_string(),
    }
}
