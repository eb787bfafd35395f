//! Which server a client is told of: this program, started with what was given
//! here, or one that runs elsewhere.

use std::path::Path;

use rag_memory::Error;
use url::{Host, Url};

use super::ConnectArgs;
use super::entry::{Server, Token};
use crate::cli::ask::text_or_stdin;
use crate::cli::context::{Context, file_roots};
use crate::config::{Embedding, Name, Origin, Secret, StoreConfig};

/// The settings that decide which memory it is.
const MEMORY: [Name; 5] = [
    Name::DataDir,
    Name::DatabaseUrl,
    Name::QdrantUrl,
    Name::QdrantHost,
    Name::Embedding,
];

/// This program, as a client starts it.
pub(super) fn here(context: &Context, args: &ConnectArgs) -> anyhow::Result<(Server, Vec<String>)> {
    let mut warnings = Vec::new();
    let mut arguments = vec!["mcp".to_owned()];
    file_roots(&args.root)?;
    for root in &args.root {
        arguments.extend(["--root".to_owned(), absolute(root)?]);
    }
    let mut environment = Vec::new();
    let mut unseen = Vec::new();
    for setting in context.settings.all() {
        let name = setting.spec.name;
        let Some(value) = &setting.value else {
            continue;
        };
        if !MEMORY.contains(&name) {
            continue;
        }
        match &setting.origin {
            Origin::Flag => {
                let value = from_anywhere(context, name, value)?;
                environment.push((name.to_string(), value));
            }
            // The user's file holds wherever rag is started; these do not.
            Origin::Environment => unseen.push(name.to_string()),
            Origin::File(path) if path.is_relative() => unseen.push(name.to_string()),
            Origin::File(_) | Origin::Default => {}
        }
    }
    if !unseen.is_empty() {
        warnings.push(format!(
            "{} may be unset where the client starts rag: give it to this command as an option, \
             or put it into ~/.rag-memory-env",
            unseen.join(", ")
        ));
    }
    let command = absolute(&std::env::current_exe()?)?;
    if args.project {
        warnings.push(format!(
            "the project's file names this machine's `{command}`"
        ));
    }
    let server = Server::Local {
        command,
        arguments,
        environment,
    };
    Ok((server, warnings))
}

/// A setting's value, which must not depend on the working directory.
fn from_anywhere(context: &Context, name: Name, value: &str) -> anyhow::Result<String> {
    let config = context.config()?;
    Ok(match (name, &config.store, &config.embedding) {
        (Name::DataDir, ..) => absolute(Path::new(value))?,
        (Name::DatabaseUrl, StoreConfig::Embedded(path), _) => {
            format!("sqlite:{}", absolute(path)?)
        }
        (Name::Embedding, _, Embedding::Directory(path)) => absolute(path)?,
        _ => value.to_owned(),
    })
}

/// The server at `url`.
pub(super) fn elsewhere(args: &ConnectArgs, url: Url) -> anyhow::Result<(Server, Vec<String>)> {
    let token = match (&args.token, &args.token_env) {
        (Some(token), _) => literal(text_or_stdin(token.clone())?.trim())?,
        (None, Some(name)) => variable(name)?,
        (None, None) => Token::None,
    };
    let mut warnings = Vec::new();
    if args.token.as_deref().is_some_and(|token| token != "-") {
        warnings.push(
            "a token that was typed stays in the history of the shell; `--token -` reads it from \
             standard input"
                .to_owned(),
        );
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        warnings.push("without https, others on the way can read everything".to_owned());
    }
    Ok((Server::Remote { url, token }, warnings))
}

fn literal(token: &str) -> Result<Token, Error> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            Error::invalid("the token is blank, or has something in it that no token has")
                .hint("`rag token create NAME` at the server makes one"),
        );
    }
    Ok(Token::Literal(Secret::new(token)))
}

fn variable(name: &str) -> Result<Token, Error> {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins_well = !name.starts_with(|first: char| first.is_ascii_digit());
    if name.is_empty() || !begins_well || !name.bytes().all(is_fit) {
        let message = "what follows --token-env is not the name of an environment variable";
        return Err(Error::invalid(message).hint("write it like `--token-env RAG_TOKEN`"));
    }
    Ok(Token::Variable(name.to_owned()))
}

/// The endpoint of the server at that address.
pub(super) fn address(text: &str) -> Result<Url, Error> {
    let hint = "write it like `https://memory.example.org`";
    // It is not repeated, since it may hold a password.
    let wrong = || Error::invalid("what follows --remote is not the address of a server");
    let mut url = Url::parse(text).map_err(|_| wrong().hint(hint))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong().hint(hint));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let message = "the address holds a name or password, which clients do not send";
        return Err(Error::invalid(message).hint("name a token by --token-env"));
    }
    let path = url.path().trim_end_matches('/');
    let path = match path.ends_with("/mcp") || path.ends_with("/sse") {
        true => path.to_owned(),
        false => format!("{path}/mcp"),
    };
    url.set_path(&path);
    url.set_fragment(None);
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A path that holds wherever the client starts rag.
fn absolute(path: &Path) -> anyhow::Result<String> {
    let path = std::path::absolute(path)?;
    let text = path.to_str().ok_or_else(|| {
        Error::invalid(format!("`{}` is not UTF-8", path.display()))
            .hint("files of settings hold UTF-8 only")
    })?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_follows_from_the_address() {
        for (text, endpoint) in [
            ("https://h", "https://h/mcp"),
            ("https://h/", "https://h/mcp"),
            ("https://h/mcp", "https://h/mcp"),
            ("https://h/mcp/", "https://h/mcp"),
            ("https://h/sse", "https://h/sse"),
            ("https://h/base/#top", "https://h/base/mcp"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/mcp"),
        ] {
            assert_eq!(address(text).unwrap().as_str(), endpoint, "{text}");
        }
        for text in ["h", "h:8000", "ftp://h", "https://", "https://me:secret@h"] {
            let error = address(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn tokens_are_checked() {
        assert!(literal("rag_abc.def").is_ok());
        assert!(variable("RAG_TOKEN").is_ok());
        for bad in ["", "a b", "Bearer x", "ä"] {
            assert!(literal(bad).is_err(), "{bad}");
        }
        for bad in ["", "1A", "$RAG", "A-B"] {
            assert!(variable(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn this_machine_needs_no_https() {
        for (text, expected) in [
            ("http://localhost:8000", true),
            ("http://[::1]:8000", true),
            ("http://127.0.0.2", true),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(text).unwrap()), expected, "{text}");
        }
    }
}
