//! The settings there are.

use std::fmt;
use std::path::PathBuf;

/// A setting, known by the name of its environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// Which store.
    DatabaseUrl,
    /// Where the embedded store's file is.
    DataDir,
    /// The schema of the tables in PostgreSQL.
    DbSchema,
    /// How many connections to PostgreSQL.
    DbConnections,
    /// Whether its tables are brought up to date unasked.
    DbMigrate,
    /// Where Qdrant is.
    QdrantUrl,
    /// The same, as the earlier system had it.
    QdrantHost,
    /// On which port.
    QdrantPort,
    /// The key for it.
    QdrantApiKey,
    /// What its collections' names begin with.
    QdrantPrefix,
    /// Which embedder.
    Embedding,
    /// How large its vectors are.
    EmbeddingDimensions,
    /// The key for a remote embedder.
    OpenaiApiKey,
    /// The endpoint of a remote embedder.
    OpenaiBaseUrl,
    /// What may be read.
    FileRoots,
    /// How large a document may be.
    DocumentBytesMax,
    /// How rankings are joined.
    Fusion,
    /// Which private hosts may be reached.
    AllowPrivateHosts,
    /// Which browser renders pages.
    Chromium,
    /// A browser that runs already.
    BrowserUrl,
    /// The key for GitHub.
    GithubToken,
    /// Where GitHub's API is.
    GithubApiUrl,
    /// How long a tool call waits.
    JobWait,
    /// Where the server listens.
    Host,
    /// On which port.
    Port,
    /// Which names it answers to.
    AllowedHosts,
    /// Which web pages may call it.
    AllowedOrigins,
    /// Whether others may reach it without authentication.
    AllowUnauthenticated,
    /// Which tools agents are offered.
    Tools,
    /// What is logged.
    LogLevel,
}

/// What there is to know about a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SettingSpec {
    /// Which one.
    pub(crate) name: Name,
    /// Its environment variable.
    pub(crate) variable: &'static str,
    /// Its value when nothing says otherwise.
    pub(crate) default: Option<&'static str>,
    /// Whether its value must not be shown.
    pub(crate) secret: bool,
    /// What it does, in a sentence.
    pub(crate) purpose: &'static str,
}

const fn spec(
    name: Name,
    variable: &'static str,
    default: Option<&'static str>,
    purpose: &'static str,
) -> SettingSpec {
    SettingSpec {
        name,
        variable,
        default,
        secret: false,
        purpose,
    }
}

const fn secret(mut spec: SettingSpec) -> SettingSpec {
    spec.secret = true;
    spec
}

impl SettingSpec {
    /// All settings, in the order they are shown.
    pub(crate) const ALL: [SettingSpec; 30] = [
        secret(spec(
            Name::DatabaseUrl,
            "DATABASE_URL",
            None,
            "The store: `sqlite:PATH`, `postgres://user:password@host:5432/database`, or \
             `qdrant://host:6334` (`qdrants://` for TLS). Unset: QDRANT_URL or QDRANT_HOST, else \
             a file in the data directory.",
        )),
        spec(
            Name::DataDir,
            "RAG_DATA_DIR",
            None,
            "The folder of the embedded store. Unset: the platform's data directory.",
        ),
        spec(
            Name::DbSchema,
            "RAG_DB_SCHEMA",
            Some("rag"),
            "The schema that the tables are in, in PostgreSQL.",
        ),
        spec(
            Name::DbConnections,
            "RAG_DB_CONNECTIONS",
            Some("10"),
            "How many connections to PostgreSQL may be open at once, 1 to 1000.",
        ),
        spec(
            Name::DbMigrate,
            "RAG_DB_MIGRATE",
            Some("true"),
            "Whether the tables in PostgreSQL are brought to the newest version at start; else \
             `rag migrate` does it.",
        ),
        spec(
            Name::QdrantUrl,
            "QDRANT_URL",
            None,
            "The address of Qdrant's gRPC port, `http://host:6334` or `https://…`. Used when \
             DATABASE_URL is unset.",
        ),
        spec(
            Name::QdrantHost,
            "QDRANT_HOST",
            None,
            "The host of Qdrant. Used when DATABASE_URL and QDRANT_URL are unset.",
        ),
        spec(
            Name::QdrantPort,
            "QDRANT_PORT",
            Some("6334"),
            "The gRPC port at QDRANT_HOST.",
        ),
        secret(spec(
            Name::QdrantApiKey,
            "QDRANT_API_KEY",
            None,
            "The API key for Qdrant.",
        )),
        spec(
            Name::QdrantPrefix,
            "RAG_QDRANT_PREFIX",
            Some("rag"),
            "What the names of the collections in Qdrant begin with: 1 to 63 of a-z, 0-9 and `_`, \
             no digit first.",
        ),
        spec(
            Name::Embedding,
            "RAG_EMBEDDING",
            Some("local"),
            "What turns text into vectors: `local`, a model's folder (`./model`), or the name of \
             a model behind OPENAI_BASE_URL, such as `text-embedding-3-small`.",
        ),
        spec(
            Name::EmbeddingDimensions,
            "RAG_EMBEDDING_DIMENSIONS",
            None,
            "The dimensions of a remote model's vectors, where its name does not tell.",
        ),
        secret(spec(
            Name::OpenaiApiKey,
            "OPENAI_API_KEY",
            None,
            "The key for a remote embedding model. Used only when RAG_EMBEDDING names one.",
        )),
        spec(
            Name::OpenaiBaseUrl,
            "OPENAI_BASE_URL",
            Some(rag_embed::OPENAI_BASE_URL),
            "The OpenAI-compatible endpoint, up to `/v1`.",
        ),
        spec(
            Name::FileRoots,
            "RAG_FILE_ROOTS",
            None,
            "The folders that agents may have files read from, separated like PATH. Unset: the \
             working directory over stdio, none over HTTP.",
        ),
        spec(
            Name::DocumentBytesMax,
            "RAG_DOCUMENT_BYTES_MAX",
            Some("20971520"),
            "The largest text a document may have, in bytes.",
        ),
        spec(
            Name::Fusion,
            "RAG_FUSION",
            Some("convex"),
            "How the vector and the word ranking are joined: `convex` or `rrf`.",
        ),
        spec(
            Name::AllowPrivateHosts,
            "RAG_ALLOW_PRIVATE_HOSTS",
            None,
            "Hosts that web pages may come from although they are private, separated by commas: \
             `intranet`, `intranet:8080`, `.corp.example`, `10.1.2.3`, `10.0.0.0/8`.",
        ),
        spec(
            Name::Chromium,
            "RAG_CHROMIUM",
            None,
            "The browser that renders pages which need JavaScript. Unset: a Chromium, Chrome or \
             Edge in the usual places.",
        ),
        spec(
            Name::BrowserUrl,
            "RAG_BROWSER_URL",
            None,
            "The DevTools address of a browser that runs on this machine already, used instead: \
             `http://127.0.0.1:9222`.",
        ),
        secret(spec(
            Name::GithubToken,
            "GITHUB_TOKEN",
            None,
            "A token for GitHub, sent to its API only: for private repositories, and for more \
             than 60 requests an hour.",
        )),
        spec(
            Name::GithubApiUrl,
            "GITHUB_API_URL",
            Some("https://api.github.com"),
            "The address of GitHub's API, or of a GitHub Enterprise Server's (`…/api/v3`).",
        ),
        spec(
            Name::JobWait,
            "RAG_JOB_WAIT",
            Some("45"),
            "How many seconds a tool call waits for a crawl or another job before it answers with \
             the job's id, 0 to 3600.",
        ),
        spec(
            Name::Host,
            "HOST",
            Some("127.0.0.1"),
            "The address `rag serve` listens on.",
        ),
        spec(
            Name::Port,
            "PORT",
            Some("8000"),
            "The port `rag serve` listens on.",
        ),
        spec(
            Name::AllowedHosts,
            "RAG_ALLOWED_HOSTS",
            None,
            "Names the server answers to besides this machine's, separated by commas.",
        ),
        spec(
            Name::AllowedOrigins,
            "RAG_ALLOWED_ORIGINS",
            None,
            "Origins of web pages that may call the server, separated by commas.",
        ),
        spec(
            Name::AllowUnauthenticated,
            "RAG_ALLOW_UNAUTHENTICATED",
            Some("false"),
            "Whether the server may listen where others can reach it, without authentication.",
        ),
        spec(
            Name::Tools,
            "RAG_TOOLS",
            Some("all"),
            "Which tools agents are offered: `all`, or `read-only` for those that change nothing.",
        ),
        spec(
            Name::LogLevel,
            "LOG_LEVEL",
            None,
            "What is logged to stderr: error, warn, info, debug, trace, or a filter such as \
             `warn,rag_store=debug`. Unset: info for servers, warn otherwise.",
        ),
    ];
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = SettingSpec::ALL.iter().find(|spec| spec.name == *self);
        f.write_str(spec.expect("every name has its row").variable)
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// The environment.
    Environment,
    /// A settings file.
    File(PathBuf),
    /// Nowhere else.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag => f.write_str("the command line"),
            Origin::Environment => f.write_str("the environment"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// A setting with its value.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// What it is.
    pub(crate) spec: SettingSpec,
    /// Its value, if it has one.
    pub(crate) value: Option<String>,
    /// Where that came from.
    pub(crate) origin: Origin,
}

impl Setting {
    /// The value as it may be shown: secrets and credentials in addresses masked.
    pub(crate) fn shown(&self) -> Option<String> {
        let value = self.value.as_deref()?;
        Some(match self.spec.name {
            _ if self.spec.secret => "***".to_owned(),
            Name::OpenaiBaseUrl | Name::BrowserUrl | Name::GithubApiUrl | Name::QdrantUrl => {
                without_credentials(value)
            }
            _ => value.to_owned(),
        })
    }
}

/// An address without user name, password and query.
fn without_credentials(address: &str) -> String {
    let (before, query) = match address.split_once('?') {
        Some((before, _)) => (before, "?***"),
        None => (address, ""),
    };
    let (scheme, rest) = before.split_once("://").unwrap_or(("", before));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority
        .rsplit_once('@')
        .map_or(authority.to_owned(), |(_, host)| format!("***@{host}"));
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{host}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn addresses_lose_their_credentials() {
        for (address, shown) in [
            ("https://api.example.org/v1", "https://api.example.org/v1"),
            ("https://me:pass@host:8443/v1", "https://***@host:8443/v1"),
            ("https://host/v1?key=secret", "https://host/v1?***"),
            ("host", "host"),
        ] {
            assert_eq!(without_credentials(address), shown);
        }
    }
}
