//! The settings of `rag serve`: where it listens, who may come in, how much it
//! takes on.

use std::time::Duration;

use rag_memory::Scope;
use url::Url;

use super::setting::Name;
use super::sources::Settings;
use super::web::address;
use super::{ConfigError, Secret, list};

/// How `rag serve` serves.
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    /// Where it listens.
    pub(crate) host: String,
    /// The port it listens on; 0 for any that is free.
    pub(crate) port: u16,
    /// Names it answers to, besides those of this machine.
    pub(crate) allowed_hosts: Vec<String>,
    /// Origins of web pages that may call it, besides those of this machine.
    pub(crate) allowed_origins: Vec<String>,
    /// Whether callers must say who they are.
    pub(crate) auth: AuthMode,
    /// What others call it.
    pub(crate) public_url: Option<Url>,
    /// Whose tokens it takes besides its own.
    pub(crate) oauth: Option<OauthConfig>,
    /// From how many requests on it would rather have no more.
    pub(crate) requests_soft: usize,
    /// How many requests are worked on at once.
    pub(crate) requests_hard: usize,
    /// How long one may take.
    pub(crate) request_timeout: Duration,
    /// How many a minute one caller may send; `None` for any number.
    pub(crate) rate_limit: Option<u32>,
    /// How many legacy SSE sessions may be open.
    pub(crate) sse_sessions: usize,
    /// After what time without work it ends.
    pub(crate) idle_exit: Option<Duration>,
}

/// Whether callers must say who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthMode {
    /// When others than this machine can reach the server.
    Auto,
    /// Always.
    Required,
    /// Never.
    Off,
}

/// An authorization server and what its tokens must be like.
#[derive(Clone, Debug)]
pub(crate) struct OauthConfig {
    /// Its issuer address, as tokens have it.
    pub(crate) issuer: String,
    /// The audiences of which a token must be for one.
    pub(crate) audiences: Vec<String>,
    /// What a token allows that names no scope of ours.
    pub(crate) scopes: Vec<Scope>,
    /// Subjects and e-mail addresses that are let in; empty for all.
    pub(crate) users: Vec<String>,
}

impl ServerConfig {
    /// What `settings` mean.
    pub(super) fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let public_url = settings.parse(
            Name::PublicUrl,
            "an address with http or https, without a query",
            |text| address(text, &["http", "https"]).filter(|url| url.query().is_none()),
        )?;
        let mut allowed_hosts = list(settings.value(Name::AllowedHosts));
        allowed_hosts.extend(
            public_url
                .as_ref()
                .and_then(Url::host_str)
                .map(str::to_owned),
        );
        let oauth = oauth(settings, public_url.as_ref())?;
        let number = |name, expected, range: std::ops::RangeInclusive<u64>| {
            settings.parse(name, expected, |text| {
                text.parse().ok().filter(|number| range.contains(number))
            })
        };
        let count = |name, expected, range| {
            let number: Option<u64> = number(name, expected, range)?;
            Ok(usize::try_from(number.expect("it has a default")).unwrap_or(usize::MAX))
        };
        let hard = count(Name::RequestsHard, "a number from 1 to 10000", 1..=10_000)?;
        let soft = count(Name::RequestsSoft, "a number from 1 to 10000", 1..=10_000)?;
        let timeout = number(
            Name::RequestTimeout,
            "a number of seconds from 1 to 86400",
            1..=86_400,
        )?;
        let rate = number(
            Name::RateLimit,
            "a number of requests a minute from 0 to 1000000",
            0..=1_000_000,
        )?;
        let idle = number(
            Name::IdleExit,
            "a number of seconds from 1 to 604800",
            1..=604_800,
        )?;
        Ok(ServerConfig {
            host: settings
                .value(Name::Host)
                .expect("it has a default")
                .to_owned(),
            port: settings
                .parse(Name::Port, "a port from 0 to 65535", |text| {
                    text.parse().ok()
                })?
                .expect("it has a default"),
            allowed_hosts,
            allowed_origins: list(settings.value(Name::AllowedOrigins)),
            auth: settings
                .parse(
                    Name::Auth,
                    "`auto`, `required` or `off`",
                    |text| match text {
                        "auto" => Some(AuthMode::Auto),
                        "required" => Some(AuthMode::Required),
                        "off" => Some(AuthMode::Off),
                        _ => None,
                    },
                )?
                .expect("it has a default"),
            public_url,
            oauth,
            // Whoever lowers the one alone means both.
            requests_soft: soft.min(hard),
            requests_hard: hard,
            request_timeout: Duration::from_secs(timeout.expect("it has a default")),
            rate_limit: rate
                .and_then(|rate| u32::try_from(rate).ok())
                .filter(|rate| *rate > 0),
            sse_sessions: count(Name::SseSessions, "a number from 0 to 10000", 0..=10_000)?,
            idle_exit: idle.map(Duration::from_secs),
        })
    }
}

fn oauth(
    settings: &Settings,
    public_url: Option<&Url>,
) -> Result<Option<OauthConfig>, ConfigError> {
    // Kept as it is written: tokens must name it to the letter (RFC 9207).
    let issuer = settings.parse(
        Name::OauthIssuer,
        "an address with https, or http on this machine",
        |text| {
            let url = address(text, &["http", "https"])?;
            let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            (url.scheme() == "https" || is_here).then(|| text.to_owned())
        },
    )?;
    let Some(issuer) = issuer else {
        return Ok(None);
    };
    let audiences = match (settings.value(Name::OauthAudience), public_url) {
        (Some(audience), _) => vec![audience.to_owned()],
        (None, Some(url)) => rag::http::resources(url),
        (None, None) => return Err(ConfigError::NoAudience),
    };
    let scopes = settings.parse(
        Name::OauthScopes,
        "`read`, `ingest` and `admin`, separated by commas, or `none`",
        |text| match text {
            "none" => Some(Vec::new()),
            _ => text
                .split(',')
                .map(|name| Scope::from_name(name.trim()))
                .collect(),
        },
    )?;
    Ok(Some(OauthConfig {
        issuer,
        audiences,
        scopes: scopes.expect("it has a default"),
        users: list(settings.value(Name::OauthUsers)),
    }))
}

/// Where traces go.
#[derive(Clone, Debug)]
pub(crate) struct TracesConfig {
    /// The base address of the collector.
    pub(crate) endpoint: Url,
    /// Headers that go along.
    pub(crate) headers: Vec<(String, Secret)>,
}

impl TracesConfig {
    /// What `settings` mean; `None` when traces go nowhere.
    pub(crate) fn new(settings: &Settings) -> Result<Option<Self>, ConfigError> {
        let endpoint = settings.parse(
            Name::OtlpEndpoint,
            "an address with http or https",
            |text| address(text, &["http", "https"]),
        )?;
        let headers = settings.parse(
            Name::OtlpHeaders,
            "`name=value` pairs, separated by commas",
            |text| {
                let pair = |pair: &str| {
                    let (name, value) = pair.split_once('=')?;
                    Some((name.trim().to_owned(), Secret::new(value.trim())))
                };
                text.split(',').map(pair).collect()
            },
        )?;
        Ok(endpoint.map(|endpoint| TracesConfig {
            endpoint,
            headers: headers.unwrap_or_default(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(pairs: &[(&str, &str)]) -> Result<ServerConfig, ConfigError> {
        ServerConfig::new(&Settings::from_pairs(pairs))
    }

    #[test]
    fn the_public_address_is_answered_to_and_is_the_audience() {
        let server = server(&[
            ("RAG_PUBLIC_URL", "https://rag.example.org/"),
            ("RAG_OAUTH_ISSUER", "https://id.example.org/realms/r"),
            ("RAG_ALLOWED_HOSTS", "other.example.org"),
        ])
        .unwrap();
        assert_eq!(
            server.allowed_hosts,
            ["other.example.org", "rag.example.org"]
        );
        let oauth = server.oauth.unwrap();
        let resources = ["https://rag.example.org/mcp", "https://rag.example.org/sse"];
        assert_eq!(oauth.audiences, resources);
        assert_eq!(oauth.issuer, "https://id.example.org/realms/r");
        assert_eq!(oauth.scopes, [Scope::Read]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for pairs in [
            &[("RAG_OAUTH_ISSUER", "https://id.example.org")][..],
            &[
                ("RAG_OAUTH_ISSUER", "http://id.example.org"),
                ("RAG_OAUTH_AUDIENCE", "rag"),
            ],
            &[("RAG_PUBLIC_URL", "rag.example.org")],
            &[("RAG_AUTH", "no")],
            &[("RAG_REQUESTS_HARD", "0")],
            &[("RAG_REQUEST_TIMEOUT", "0")],
            &[("RAG_IDLE_EXIT", "-1")],
            &[
                ("RAG_OAUTH_ISSUER", "https://id.example.org"),
                ("RAG_OAUTH_AUDIENCE", "rag"),
                ("RAG_OAUTH_SCOPES", "write"),
            ],
        ] {
            assert!(server(pairs).is_err(), "{pairs:?}");
        }
    }

    #[test]
    fn limits() {
        let small = server(&[("RAG_REQUESTS_HARD", "5")]).unwrap();
        assert_eq!((small.requests_soft, small.requests_hard), (5, 5));
        let server = server(&[("RAG_RATE_LIMIT", "0"), ("RAG_IDLE_EXIT", "300")]).unwrap();
        assert_eq!((server.requests_soft, server.requests_hard), (20, 25));
        assert_eq!(server.request_timeout, Duration::from_secs(120));
        assert_eq!(server.rate_limit, None);
        assert_eq!(server.idle_exit, Some(Duration::from_secs(300)));
    }

    #[test]
    fn traces_keep_their_headers_secret() {
        let settings = Settings::from_pairs(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=sesame, x=1"),
        ]);
        let traces = TracesConfig::new(&settings).unwrap().unwrap();
        assert_eq!(traces.headers.len(), 2);
        assert!(!format!("{traces:?}").contains("sesame"));
    }
}
