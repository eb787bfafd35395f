//! All settings, with their variables, defaults and purposes.

use super::{Name, SettingSpec};

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
    pub(crate) const ALL: [SettingSpec; 44] = [
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
            Name::Auth,
            "RAG_AUTH",
            Some("auto"),
            "Whether callers need a token: `required`, `off`, or `auto`, which is required unless \
             the server listens on this machine's own addresses alone and was given no other \
             names; then nobody needs one, and what a proxy passes on is refused.",
        ),
        spec(
            Name::PublicUrl,
            "RAG_PUBLIC_URL",
            None,
            "The address that others reach the server at, such as `https://rag.example.org`. Its \
             host is one the server answers to; OAuth needs it.",
        ),
        spec(
            Name::OauthIssuer,
            "RAG_OAUTH_ISSUER",
            None,
            "The OAuth 2.1 authorization server whose access tokens (JWT) are taken besides the \
             server's own, by its issuer address.",
        ),
        spec(
            Name::OauthAudience,
            "RAG_OAUTH_AUDIENCE",
            None,
            "The audience that such tokens must be for. Unset: RAG_PUBLIC_URL with `/mcp` or \
             `/sse`.",
        ),
        spec(
            Name::OauthScopes,
            "RAG_OAUTH_SCOPES",
            Some("read"),
            "What such a token allows when it names none of `read`, `ingest` and `admin` itself, \
             separated by commas; `none` for nothing.",
        ),
        spec(
            Name::OauthUsers,
            "RAG_OAUTH_USERS",
            None,
            "Whose tokens are taken, by subject or verified e-mail address, separated by commas. \
             Unset: all that the issuer vouches for.",
        ),
        spec(
            Name::RequestsSoft,
            "RAG_REQUESTS_SOFT",
            Some("20"),
            "From how many requests at once on /ready says that others should go elsewhere; \
             RAG_REQUESTS_HARD at the most.",
        ),
        spec(
            Name::RequestsHard,
            "RAG_REQUESTS_HARD",
            Some("25"),
            "How many requests are worked on at once, 1 to 10000. Four times as many wait for up \
             to ten seconds; the rest are answered 503.",
        ),
        spec(
            Name::RequestTimeout,
            "RAG_REQUEST_TIMEOUT",
            Some("120"),
            "How many seconds one request may take, 1 to 86400; RAG_JOB_WAIT and 15 more at the \
             least.",
        ),
        spec(
            Name::RateLimit,
            "RAG_RATE_LIMIT",
            Some("600"),
            "How many requests a minute one caller may send, all at once if need be; 0 for any \
             number.",
        ),
        spec(
            Name::SseSessions,
            "RAG_SSE_SESSIONS",
            Some("64"),
            "How many sessions of the older SSE transport may be open at once, 0 to 10000.",
        ),
        spec(
            Name::IdleExit,
            "RAG_IDLE_EXIT",
            None,
            "After how many seconds without a request or a job `rag serve` ends by itself. Unset: \
             never.",
        ),
        spec(
            Name::Tools,
            "RAG_TOOLS",
            Some("all"),
            "Which tools agents are offered: `all`, `read-only` for those that change nothing, or \
             their names, separated by commas.",
        ),
        spec(
            Name::LogLevel,
            "LOG_LEVEL",
            None,
            "What is logged to stderr: error, warn, info, debug, trace, or a filter such as \
             `warn,rag_store=debug`. Unset: info for servers, warn otherwise.",
        ),
        spec(
            Name::LogFormat,
            "RAG_LOG_FORMAT",
            Some("text"),
            "How it is logged: `text` for people, or `json`, an object a line.",
        ),
        spec(
            Name::OtlpEndpoint,
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            None,
            "Where traces are sent by OTLP over HTTP, such as `http://localhost:4318`. Unset: \
             nowhere.",
        ),
        secret(spec(
            Name::OtlpHeaders,
            "OTEL_EXPORTER_OTLP_HEADERS",
            None,
            "Headers that go with them, such as `api-key=…`, separated by commas.",
        )),
    ];
}
