//! The settings there are: their names here, what there is to know about each in
//! [`all`].

mod all;

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
    /// Whether callers must say who they are.
    Auth,
    /// What others call it.
    PublicUrl,
    /// Whose tokens it takes besides its own.
    OauthIssuer,
    /// Whom these must be for.
    OauthAudience,
    /// What they allow when they do not say.
    OauthScopes,
    /// Whose they must be.
    OauthUsers,
    /// How many requests are welcome at once.
    RequestsSoft,
    /// How many are worked on at once.
    RequestsHard,
    /// How long one may take.
    RequestTimeout,
    /// How many one caller may send.
    RateLimit,
    /// How many older sessions may be open.
    SseSessions,
    /// After what time without work the server ends.
    IdleExit,
    /// Which tools agents are offered.
    Tools,
    /// What is logged.
    LogLevel,
    /// In which form.
    LogFormat,
    /// Where traces are sent.
    OtlpEndpoint,
    /// With which headers.
    OtlpHeaders,
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
            Name::OpenaiBaseUrl
            | Name::BrowserUrl
            | Name::GithubApiUrl
            | Name::QdrantUrl
            | Name::OtlpEndpoint => without_credentials(value),
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
