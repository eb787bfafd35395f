//! What a client is told about a server: the program to start or the address to
//! call, in the words of each client.

use rag_memory::Error;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use url::Url;

use super::client::Client;
use crate::config::Secret;

/// What stands where a secret may not be shown.
const MASK: &str = "***";

/// A server, as this program knows it.
#[derive(Clone, Debug)]
pub(super) enum Server {
    /// This program, started by the client.
    Local {
        /// Its path.
        command: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// Settings that were given on the command line, with their variables.
        environment: Vec<(String, String)>,
    },
    /// A `rag serve` somewhere.
    Remote {
        /// Its endpoint.
        url: Url,
        /// What it knows the caller by.
        token: Token,
    },
}

/// What a client shows a server.
#[derive(Clone, Debug)]
pub(super) enum Token {
    /// Nothing; it signs in by OAuth if it must.
    None,
    /// The value of that environment variable.
    Variable(String),
    /// This.
    Literal(Secret),
}

impl Server {
    /// The same with its secrets masked.
    pub(super) fn shown(&self) -> Self {
        let mut shown = self.clone();
        match &mut shown {
            Server::Local { environment, .. } => {
                for (_, value) in environment {
                    *value = without_password(value);
                }
            }
            Server::Remote { token, .. } => {
                if token.is_literal() {
                    *token = Token::Literal(Secret::new(MASK));
                }
            }
        }
        shown
    }
}

impl Token {
    /// Whether it is the token itself.
    pub(super) fn is_literal(&self) -> bool {
        matches!(self, Token::Literal(_))
    }
}

/// Whether a variable holds an address with a password.
pub(super) fn has_password((_, value): &(String, String)) -> bool {
    without_password(value) != *value
}

/// An address with its password masked; anything else as it is.
fn without_password(value: &str) -> String {
    match Url::parse(value) {
        Ok(mut url) if url.password().is_some() => match url.set_password(Some(MASK)) {
            Ok(()) => url.into(),
            Err(()) => MASK.to_owned(),
        },
        _ => value.to_owned(),
    }
}

/// What stands in a client's file, its keys in the order they are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry(Vec<(&'static str, Value)>);

impl Entry {
    /// What `client` is told about `server`.
    pub(super) fn new(client: Client, server: &Server) -> Result<Self, Error> {
        match server {
            Server::Local {
                command,
                arguments,
                environment,
            } => Ok(Entry::local(client, command, arguments, environment)),
            Server::Remote { url, token } => Entry::remote(client, url, token),
        }
    }

    fn local(
        client: Client,
        command: &str,
        arguments: &[String],
        environment: &[(String, String)],
    ) -> Self {
        let mut fields = Vec::new();
        if matches!(client, Client::ClaudeCode | Client::Vscode) {
            fields.push(("type", json!("stdio")));
        }
        fields.push(("command", json!(command)));
        fields.push(("args", json!(arguments)));
        if !environment.is_empty() {
            let variables = environment.iter();
            let variables: Map<String, Value> = variables
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            fields.push(("env", Value::Object(variables)));
        }
        Entry(fields)
    }

    fn remote(client: Client, url: &Url, token: &Token) -> Result<Self, Error> {
        let sse = url.path().ends_with("/sse");
        let mut fields = Vec::new();
        match client {
            Client::ClaudeCode | Client::Vscode => {
                let kind = if sse { "sse" } else { "http" };
                fields.push(("type", json!(kind)));
                fields.push(("url", json!(url.as_str())));
            }
            // `url` is the older transport there.
            Client::GeminiCli if !sse => fields.push(("httpUrl", json!(url.as_str()))),
            Client::Codex if sse => {
                return Err(
                    Error::invalid("Codex does not speak the older transport at /sse")
                        .hint("leave `/sse` out of the address; the server is at `/mcp`, too"),
                );
            }
            _ => fields.push(("url", json!(url.as_str()))),
        }
        let authorization = match token {
            Token::None => return Ok(Entry(fields)),
            Token::Variable(name) if client == Client::Codex => {
                fields.push(("bearer_token_env_var", json!(name)));
                return Ok(Entry(fields));
            }
            Token::Variable(name) => client.reference(name),
            Token::Literal(token) => token.reveal().to_owned(),
        };
        let headers = json!({ "Authorization": format!("Bearer {authorization}") });
        let key = match client {
            Client::Codex => "http_headers",
            _ => "headers",
        };
        fields.push((key, headers));
        Ok(Entry(fields))
    }

    /// Its keys and values, in order.
    pub(super) fn fields(&self) -> &[(&'static str, Value)] {
        &self.0
    }

    /// The same as JSON, whose keys have no order.
    pub(super) fn value(&self) -> Value {
        let fields = self.0.iter();
        let fields: Map<String, Value> = fields
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        Value::Object(fields)
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (*key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(client: Client, server: &Server) -> String {
        serde_json::to_string(&Entry::new(client, server).unwrap()).unwrap()
    }

    #[test]
    fn each_client_starts_the_program_in_its_own_words() {
        let server = |environment: &[(&str, &str)]| Server::Local {
            command: "/bin/rag".into(),
            arguments: vec!["mcp".into()],
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        };
        let plain = r#"{"command":"/bin/rag","args":["mcp"]}"#;
        let typed = r#"{"type":"stdio","command":"/bin/rag","args":["mcp"]}"#;
        for (client, expected) in [
            (Client::ClaudeCode, typed),
            (Client::ClaudeDesktop, plain),
            (Client::Cursor, plain),
            (Client::Vscode, typed),
            (Client::Codex, plain),
            (Client::GeminiCli, plain),
        ] {
            assert_eq!(shape(client, &server(&[])), expected);
        }
        assert_eq!(
            shape(Client::Cursor, &server(&[("RAG_DATA_DIR", "/data")])),
            r#"{"command":"/bin/rag","args":["mcp"],"env":{"RAG_DATA_DIR":"/data"}}"#
        );
    }

    #[test]
    fn each_client_calls_a_server_in_its_own_words() {
        let variable = || Token::Variable("RAG_TOKEN".into());
        let literal = || Token::Literal(Secret::new("secret"));
        for (client, url, token, expected) in [
            (
                Client::ClaudeCode,
                "https://h/mcp",
                Token::None,
                r#"{"type":"http","url":"https://h/mcp"}"#,
            ),
            (
                Client::ClaudeCode,
                "https://h/mcp",
                variable(),
                r#"{"type":"http","url":"https://h/mcp","headers":{"Authorization":"Bearer ${RAG_TOKEN}"}}"#,
            ),
            (
                Client::Vscode,
                "https://h/sse",
                variable(),
                r#"{"type":"sse","url":"https://h/sse","headers":{"Authorization":"Bearer ${env:RAG_TOKEN}"}}"#,
            ),
            (
                Client::Cursor,
                "https://h/mcp",
                variable(),
                r#"{"url":"https://h/mcp","headers":{"Authorization":"Bearer ${env:RAG_TOKEN}"}}"#,
            ),
            (
                Client::GeminiCli,
                "https://h/mcp",
                literal(),
                r#"{"httpUrl":"https://h/mcp","headers":{"Authorization":"Bearer secret"}}"#,
            ),
            (
                Client::GeminiCli,
                "https://h/sse",
                Token::None,
                r#"{"url":"https://h/sse"}"#,
            ),
            (
                Client::Codex,
                "https://h/mcp",
                variable(),
                r#"{"url":"https://h/mcp","bearer_token_env_var":"RAG_TOKEN"}"#,
            ),
            (
                Client::Codex,
                "https://h/mcp",
                literal(),
                r#"{"url":"https://h/mcp","http_headers":{"Authorization":"Bearer secret"}}"#,
            ),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(shape(client, &Server::Remote { url, token }), expected);
        }
        let url = Url::parse("https://h/sse").unwrap();
        let token = Token::None;
        assert!(Entry::new(Client::Codex, &Server::Remote { url, token }).is_err());
    }

    #[test]
    fn secrets_are_not_shown() {
        let remote = Server::Remote {
            url: Url::parse("https://h/mcp").unwrap(),
            token: Token::Literal(Secret::new("secret")),
        };
        let shown = shape(Client::Cursor, &remote.shown());
        assert!(shown.contains("Bearer ***"), "{shown}");
        for (value, expected) in [
            ("postgres://me:secret@db/rag", "postgres://me:***@db/rag"),
            ("postgres://me@db/rag", "postgres://me@db/rag"),
            ("sqlite:/data/m.sqlite", "sqlite:/data/m.sqlite"),
            ("C:\\data", "C:\\data"),
        ] {
            assert_eq!(without_password(value), expected);
        }
    }
}
