//! The settings of a remote embedder, as given and as checked.

use std::fmt;
use std::time::Duration;

use rag_core::port::EmbedError;
use reqwest::Url;
use reqwest::header::HeaderValue;

/// Where OpenAI's own API is.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// How long a batch may take with all its retries, unless set otherwise.
const DEADLINE_DEFAULT: Duration = Duration::from_secs(60);

/// The models whose dimensions are known, and whether fewer can be asked for.
const KNOWN_MODELS: [(&str, usize, bool); 3] = [
    ("text-embedding-3-small", 1_536, true),
    ("text-embedding-3-large", 3_072, true),
    ("text-embedding-ada-002", 1_536, false),
];

/// What a remote embedder needs to know.
#[derive(Clone)]
pub struct RemoteOptions {
    /// The address up to and with the version, such as [`OPENAI_BASE_URL`].
    pub base_url: String,
    /// The secret sent with each request; endpoints of one's own may need none.
    pub api_key: Option<String>,
    /// The model's name at that endpoint.
    pub model: String,
    /// How many numbers a vector has; `None` for what is known of the model.
    pub dimensions: Option<usize>,
    /// How long a batch may take with all its retries.
    pub deadline: Duration,
}

/// Settings that hold together.
pub(super) struct Settings {
    pub(super) url: Url,
    /// The URL without credentials and query, for messages.
    pub(super) endpoint: String,
    pub(super) key: Option<Key>,
    pub(super) model: String,
    pub(super) dimensions: usize,
    /// What to ask for, when the model can give fewer dimensions than it has.
    pub(super) dimensions_asked: Option<usize>,
}

/// An API key. Not printable.
pub(super) struct Key {
    secret: String,
    pub(super) header: HeaderValue,
}

impl RemoteOptions {
    /// `model` at OpenAI's own endpoint, with the defaults.
    pub fn new(model: &str) -> Self {
        RemoteOptions {
            base_url: OPENAI_BASE_URL.to_owned(),
            api_key: None,
            model: model.to_owned(),
            dimensions: None,
            deadline: DEADLINE_DEFAULT,
        }
    }

    pub(super) fn check(self) -> Result<Settings, EmbedError> {
        let mut url = embeddings_url(&self.base_url)?;
        let endpoint = printable(&url);
        let key = match self.api_key.filter(|key| !key.trim().is_empty()) {
            Some(key) => {
                // A key and a user name would both want the same header.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                Some(Key::new(key.trim(), &endpoint)?)
            }
            None if url.host_str() == Some("api.openai.com") => {
                let message = "there is none; set `OPENAI_API_KEY`".to_owned();
                return Err(EmbedError::BadKey { endpoint, message });
            }
            None => None,
        };
        if key.is_some() && url.scheme() == "http" && !is_loopback(&url) {
            tracing::warn!(
                endpoint,
                "the API key is sent to the embedding endpoint unencrypted"
            );
        }
        let (dimensions, dimensions_asked) = dimensions(&self.model, self.dimensions)?;
        let model = self.model;
        Ok(Settings {
            url,
            endpoint,
            key,
            model,
            dimensions,
            dimensions_asked,
        })
    }
}

impl fmt::Debug for RemoteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base_url = Url::parse(&self.base_url).map_or("***".to_owned(), |url| printable(&url));
        f.debug_struct("RemoteOptions")
            .field("base_url", &base_url)
            .field("api_key", &self.api_key.as_ref().map(|_| "***"))
            .field("model", &self.model)
            .field("dimensions", &self.dimensions)
            .field("deadline", &self.deadline)
            .finish()
    }
}

impl Key {
    fn new(secret: &str, endpoint: &str) -> Result<Self, EmbedError> {
        let header = HeaderValue::try_from(format!("Bearer {secret}"));
        let mut header = header.map_err(|_| EmbedError::BadKey {
            endpoint: endpoint.to_owned(),
            message: "it has characters that no key has".to_owned(),
        })?;
        header.set_sensitive(true);
        Ok(Key {
            secret: secret.to_owned(),
            header,
        })
    }

    /// `text` with the key replaced wherever it occurs.
    pub(super) fn redact(&self, text: &str) -> String {
        text.replace(&self.secret, "***")
    }
}

/// Whether the address is this machine, where neither a proxy nor encryption
/// is wanted.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn embeddings_url(base_url: &str) -> Result<Url, EmbedError> {
    let unusable = |reason: Box<dyn std::error::Error + Send + Sync>| EmbedError::Unavailable {
        action: "use the embedding endpoint's base URL".to_owned(),
        source: reason,
    };
    let mut url = Url::parse(base_url.trim()).map_err(|error| unusable(error.into()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(unusable(
            format!("it begins with `{}:`, not `https:`", url.scheme()).into(),
        ));
    }
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("embeddings");
    }
    Ok(url)
}

fn printable(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// The dimensions of the vectors, and what to ask the endpoint for.
fn dimensions(model: &str, wanted: Option<usize>) -> Result<(usize, Option<usize>), EmbedError> {
    let bad = |message: String| EmbedError::BadModel {
        model: model.to_owned(),
        message,
    };
    // Gateways put the maker before the name, as in `openai/text-embedding-3-small`.
    let name = model.rsplit('/').next().unwrap_or(model);
    let known = KNOWN_MODELS.iter().find(|(known, ..)| *known == name);
    match (known, wanted) {
        _ if model.trim().is_empty() => Err(bad("its name is empty".to_owned())),
        (_, Some(0)) => Err(bad("it cannot give vectors of 0 dimensions".to_owned())),
        (Some(&(_, most, true)), Some(wanted)) if wanted <= most => Ok((wanted, Some(wanted))),
        (Some(&(_, most, false)), Some(wanted)) if wanted == most => Ok((most, None)),
        (Some((_, most, _)), Some(wanted)) => Err(bad(format!(
            "it gives vectors of {most} dimensions, not of {wanted}"
        ))),
        (Some(&(_, most, _)), None) => Ok((most, None)),
        (None, Some(wanted)) => Ok((wanted, None)),
        (None, None) => Err(bad(
            "how many dimensions its vectors have is not known; set them beside the model"
                .to_owned(),
        )),
    }
}
