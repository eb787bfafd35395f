//! `rag connect`: tells a client of this memory, or of a server elsewhere, and
//! takes that back. Where the clients keep such things is in `connect/client`.

mod client;
mod entry;
mod file;
mod json_file;
mod report;
mod server;
mod steps;
mod toml_file;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use rag_core::model::Timestamp;
use rag_memory::{Error, ErrorKind};

use super::context::Context;
use crate::config::Folders;
use client::Client;
use entry::{Entry, Server};
use file::{Edit, Spot, Unusable};
use report::Connected;

/// Which client, and what to tell it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag connect claude-code                          start this rag in every session
  rag connect claude-desktop --root ~/notes        and let it read the files in ~/notes
  rag connect cursor --project --print             show what would be written, and where
  rag connect codex --remote https://memory.example.org --token-env RAG_TOKEN
  rag connect claude-code --remove

A client that starts rag gets the settings that are given here: --data-dir, --database-url and
--embedding. Settings in ~/.rag-memory-env hold for it as well.")]
pub(super) struct ConnectArgs {
    /// The program to connect
    #[arg(value_enum)]
    client: Client,
    /// Connect it to the server at this address, instead of starting rag
    #[arg(long, value_name = "URL")]
    remote: Option<String>,
    /// The environment variable that it reads the server's token from
    #[arg(long, value_name = "NAME", requires = "remote")]
    token_env: Option<String>,
    /// The token itself, kept in its file; - reads it from standard input
    #[arg(
        long,
        value_name = "TOKEN",
        requires = "remote",
        conflicts_with = "token_env"
    )]
    token: Option<String>,
    /// What it is to call this memory
    #[arg(long, default_value = "rag-memory")]
    name: String,
    /// A folder that files may be read from; may be repeated
    #[arg(long, value_name = "DIR", conflicts_with = "remote")]
    root: Vec<PathBuf>,
    /// Write the file of the project in the working directory, not the user's
    #[arg(long)]
    project: bool,
    /// Take it out again
    #[arg(long, conflicts_with = "print")]
    remove: bool,
    /// Write nothing; print what would be written, and where
    #[arg(long)]
    print: bool,
    /// Its file, where that is not in the usual place
    #[arg(long, value_name = "FILE", conflicts_with = "project")]
    config_file: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &ConnectArgs) -> anyhow::Result<ExitCode> {
    check_name(&args.name)?;
    let remote = args.remote.as_deref().map(server::address).transpose()?;
    let client = args.client;
    let connected = match (client, &remote) {
        (Client::Chatgpt, _) if args.remove => {
            Connected::steps(client, steps::chatgpt_removal(&args.name))
        }
        (Client::Chatgpt, url) => {
            Connected::steps(client, steps::chatgpt(&args.name, url.as_ref())?)
        }
        (Client::ClaudeDesktop, Some(url)) if !args.remove => {
            let path = path(args)?;
            Connected::steps(client, steps::claude_desktop(&args.name, url, &path))
        }
        _ if args.remove => remove(args)?,
        _ => {
            let (server, warnings) = match &remote {
                Some(url) => server::elsewhere(args, url.clone())?,
                None => server::here(context, args)?,
            };
            connect(args, &server, warnings)?
        }
    };
    context.show(&connected, Connected::human)
}

/// Writes the entry for `server`, or shows it.
fn connect(
    args: &ConnectArgs,
    server: &Server,
    mut warnings: Vec<String>,
) -> anyhow::Result<Connected> {
    let client = args.client;
    let path = path(args)?;
    let entry = Entry::new(client, server)?;
    let shown = Entry::new(client, &server.shown())?;
    let spot = spot(args);
    let connected = Connected::new(client, &args.name, &path)
        .entry(&shown, spot.snippet(&shown))
        .next(client.next(&args.name, Some(server), args.project));
    if args.print {
        return Ok(connected.warnings(warnings));
    }
    let text = read(&path)?;
    let edit = spot.set(&text, &entry).map_err(|Unusable(reason)| {
        let snippet = spot.snippet(&shown);
        left_alone(&path, &reason).hint(format!("add this to it by hand:\n\n{snippet}"))
    })?;
    let written = write(&path, &edit)?;
    warnings.extend(kept_secret(server, &path, args.project));
    Ok(connected.written(&edit, written).warnings(warnings))
}

/// Takes the entry out.
fn remove(args: &ConnectArgs) -> anyhow::Result<Connected> {
    let path = path(args)?;
    let spot = spot(args);
    let edit = spot.remove(&read(&path)?).map_err(|Unusable(reason)| {
        let (section, name) = (spot.section, spot.name);
        left_alone(&path, &reason).hint(format!("take `{section}.{name}` out of it by hand"))
    })?;
    let written = write(&path, &edit)?;
    let next = match edit {
        Edit::Removed(_) => args.client.next(&args.name, None, args.project),
        _ => String::new(),
    };
    let connected = Connected::new(args.client, &args.name, &path).next(next);
    Ok(connected.written(&edit, written))
}

/// Clients show this name to people and put it in front of the names of tools.
fn check_name(name: &str) -> Result<(), Error> {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    match (1..=64).contains(&name.len()) && name.bytes().all(is_fit) {
        true => Ok(()),
        false => {
            let message = format!("`{name}` is not a name that every client takes");
            Err(Error::invalid(message).hint("use 1 to 64 of letters, digits, `_` and `-`"))
        }
    }
}

/// Where the client's file is.
fn path(args: &ConnectArgs) -> anyhow::Result<PathBuf> {
    if let Some(path) = &args.config_file {
        return Ok(std::path::absolute(path)?);
    }
    let client = args.client;
    if args.project {
        let file = client.project_file().ok_or_else(|| {
            Error::invalid(format!("{} has no files for projects", client.title()))
                .hint("leave --project out")
        })?;
        return Ok(std::path::absolute(file)?);
    }
    let folders = Folders::find();
    let file = folders.and_then(|folders| client.user_file(&folders));
    let file = file.ok_or_else(|| {
        Error::invalid("there is no home directory to look for the client's file in")
            .hint("name the file by --config-file")
    })?;
    Ok(file)
}

fn spot(args: &ConnectArgs) -> Spot<'_> {
    Spot {
        format: args.client.format(),
        section: args.client.section(),
        name: &args.name,
    }
}

fn read(path: &Path) -> Result<String, Error> {
    let shown = path.display();
    let bytes = file::read(path).map_err(|error| {
        Error::new(
            ErrorKind::Unavailable,
            format!("cannot read `{shown}`: {error}"),
        )
        .hint("name another file by --config-file, or see what there is to write by --print")
    })?;
    String::from_utf8(bytes).map_err(|_| {
        left_alone(path, "it is not UTF-8").hint("--print shows what there is to write")
    })
}

/// Writes what `edit` made; gives where what stood there is kept.
fn write(path: &Path, edit: &Edit) -> Result<Option<PathBuf>, Error> {
    let (Edit::Added(text) | Edit::Replaced(text) | Edit::Removed(text)) = edit else {
        return Ok(None);
    };
    file::write(path, text, Timestamp::now()).map_err(|error| {
        let message = format!("cannot write `{}`: {error}", path.display());
        Error::new(ErrorKind::Unavailable, message)
            .hint("nothing was changed; --print shows what there is to write")
    })
}

fn left_alone(path: &Path, reason: &str) -> Error {
    Error::invalid(format!("`{}` was left as it is: {reason}", path.display()))
}

/// What to say of a secret that stands in the file now.
fn kept_secret(server: &Server, path: &Path, project: bool) -> Option<String> {
    let secret = match server {
        Server::Remote { token, .. } if token.is_literal() => {
            "the token; --token-env NAME would keep it out"
        }
        Server::Local { environment, .. } if environment.iter().any(entry::has_password) => {
            "the password of the database"
        }
        Server::Remote { .. } | Server::Local { .. } => return None,
    };
    let published = match project {
        true => ". A project's file is soon published",
        false => "",
    };
    Some(format!("{} holds {secret}{published}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_are_those_that_every_client_takes() {
        assert!(check_name("my-memory_2").is_ok());
        for bad in ["", "a.b", "a/b", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
