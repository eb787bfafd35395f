//! What `rag connect` did, for people and programs. Secrets are masked before
//! they get here.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::client::Client;
use super::entry::Entry;
use super::file::Edit;
use crate::cli::output;

/// What became of a client's file.
#[derive(Debug, Serialize)]
pub(super) struct Connected {
    client: &'static str,
    outcome: Outcome,
    /// The file; null where there is none to write.
    path: Option<String>,
    changed: bool,
    /// Where what stood there is kept.
    backup: Option<String>,
    entry: Option<Value>,
    /// What is left to do.
    next: String,
    warnings: Vec<String>,
    #[serde(skip)]
    title: &'static str,
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    snippet: String,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// The entry is new.
    Added,
    /// It replaced another of its name.
    Replaced,
    /// It stood there already.
    Unchanged,
    /// It was taken out.
    Removed,
    /// There was nothing to take out.
    Absent,
    /// It was only shown.
    Shown,
    /// It is for people to do.
    Manual,
}

impl Connected {
    /// Nothing was done yet to the file at `path`.
    pub(super) fn new(client: Client, name: &str, path: &Path) -> Self {
        Connected {
            client: client.name(),
            outcome: Outcome::Shown,
            path: Some(path.display().to_string()),
            changed: false,
            backup: None,
            entry: None,
            next: String::new(),
            warnings: Vec::new(),
            title: client.title(),
            name: name.to_owned(),
            snippet: String::new(),
        }
    }

    /// There is no file to write; `next` tells what to do instead.
    pub(super) fn steps(client: Client, next: String) -> Self {
        Connected {
            outcome: Outcome::Manual,
            path: None,
            next,
            ..Connected::new(client, "", Path::new(""))
        }
    }

    /// The same with the entry, and a file that has nothing else.
    pub(super) fn entry(mut self, entry: &Entry, snippet: String) -> Self {
        self.entry = Some(entry.value());
        self.snippet = snippet;
        self
    }

    /// The same with what is left to do.
    pub(super) fn next(mut self, next: String) -> Self {
        self.next = next;
        self
    }

    /// The same after `edit` was written.
    pub(super) fn written(mut self, edit: &Edit, backup: Option<PathBuf>) -> Self {
        self.outcome = match edit {
            Edit::Same => Outcome::Unchanged,
            Edit::Absent => Outcome::Absent,
            Edit::Added(_) => Outcome::Added,
            Edit::Replaced(_) => Outcome::Replaced,
            Edit::Removed(_) => Outcome::Removed,
        };
        self.changed = !matches!(edit, Edit::Same | Edit::Absent);
        self.backup = backup.map(|path| path.display().to_string());
        self
    }

    /// The same with what the user should know.
    pub(super) fn warnings(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }

    /// For people.
    pub(super) fn human(&self) -> String {
        let (title, name) = (self.title, &self.name);
        let path = self.path.as_deref().unwrap_or_default();
        let mut text = match self.outcome {
            Outcome::Added => format!("{title}: added `{name}` to {path}"),
            Outcome::Replaced => {
                format!("{title}: replaced another `{name}` in {path}")
            }
            Outcome::Unchanged => format!("{title}: {path} has `{name}` already, unchanged"),
            Outcome::Removed => format!("{title}: removed `{name}` from {path}"),
            Outcome::Absent => format!("{title}: {path} has no `{name}`, unchanged"),
            Outcome::Shown => format!(
                "{title}: nothing was written. Add this to {path}:\n\n{}",
                self.snippet
            ),
            Outcome::Manual => return self.next.clone(),
        };
        if let Some(backup) = &self.backup {
            text += &format!("\nbackup: {backup}");
        }
        if !self.next.is_empty() {
            text += &format!("\n\n{}", self.next);
        }
        text + &output::warnings(&self.warnings)
    }
}
