//! The server as an OAuth 2.1 resource server: it takes access tokens that are
//! JWTs ([RFC 9068](https://www.rfc-editor.org/rfc/rfc9068)) of one authorization
//! server, and tells clients which one that is
//! ([RFC 9728](https://www.rfc-editor.org/rfc/rfc9728)). It issues none itself.

mod keys;
mod signature;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use rag_core::model::ContentHash;
use rag_memory::{Access, Scope};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use keys::{Keys, Unavailable};

/// The algorithms taken. None is symmetric: whoever can check a token must not
/// be able to make one.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// The longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// How far clocks may differ, in seconds.
const LEEWAY_S: u64 = 30;
/// The most characters of a subject that logs have.
const SUBJECT_CHARS_MAX: usize = 100;

/// What an operator says about the authorization server.
#[derive(Clone, Debug)]
pub struct OauthOptions {
    /// Its issuer address, to the letter.
    pub issuer: String,
    /// The audiences of which tokens must be for one.
    pub audiences: Vec<String>,
    /// What a token allows that names no scope of ours.
    pub scopes: Vec<Scope>,
    /// The subjects and verified e-mail addresses that are let in; empty for all.
    pub users: Vec<String>,
    /// What clients call this server.
    pub public_url: Url,
}

/// An authorization server whose tokens are taken.
pub struct Oauth {
    options: OauthOptions,
    keys: Keys,
}

/// Why a token is not taken.
pub(super) enum Refusal {
    /// It is not good.
    Invalid(String),
    /// It is good, and its subject may not come in.
    Forbidden(String),
    /// Whether it is cannot be told now.
    Unavailable(String),
}

/// What a token says, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: Value,
    /// The same as other issuers write it: a list.
    #[serde(default)]
    scp: Value,
    /// What Auth0 calls the scopes that its role-based access control grants.
    #[serde(default)]
    permissions: Value,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    email_verified: Value,
}

impl Oauth {
    /// Asks the authorization server for nothing yet.
    ///
    /// # Errors
    /// The TLS library cannot be set up.
    pub fn new(options: OauthOptions) -> Result<Self, reqwest::Error> {
        signature::install();
        Ok(Oauth {
            keys: Keys::new(&options.issuer)?,
            options,
        })
    }

    /// What the bearer of a token may do.
    pub(super) async fn access(&self, token: &str) -> Result<Access, Refusal> {
        let claims = self.claims(token).await?;
        if !self.lets_in(&claims) {
            let message = "the token's subject is not among those that may use this server";
            return Err(Refusal::Forbidden(message.to_owned()));
        }
        let scopes = match named_scopes(&claims) {
            named if named.is_empty() => self.options.scopes.clone(),
            named => named,
        };
        Ok(Access::new(&caller(&claims.sub), &scopes, None))
    }

    async fn claims(&self, token: &str) -> Result<Claims, Refusal> {
        let invalid = |reason: String| Refusal::Invalid(format!("the token is not good: {reason}"));
        if token.len() > TOKEN_BYTES_MAX {
            return Err(invalid(format!("it has more than {TOKEN_BYTES_MAX} bytes")));
        }
        let header = decode_header(token)
            .map_err(|_| invalid("it is neither one of this server's own nor a JWT".to_owned()))?;
        // An ID token is for the client, not for us (RFC 9068, section 4).
        let kind = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if !["jwt", "at+jwt", "application/at+jwt"].contains(&kind.as_str()) {
            return Err(invalid(format!("it is a `{kind}`, no access token")));
        }
        if !ALGORITHMS.contains(&header.alg) {
            return Err(invalid(format!(
                "{:?} is no algorithm that is taken",
                header.alg
            )));
        }
        let key = self.keys.find(header.kid.as_deref(), header.alg).await;
        let key = key.map_err(|Unavailable(reason)| Refusal::Unavailable(reason))?;
        let key = key.ok_or_else(|| invalid("its issuer has no such key".to_owned()))?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_audience(&self.options.audiences);
        validation.set_issuer(&[&self.options.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let decoded = decode::<Claims>(token, &key, &validation);
        Ok(decoded.map_err(|error| invalid(error.to_string()))?.claims)
    }

    fn lets_in(&self, claims: &Claims) -> bool {
        let users = &self.options.users;
        let verified = claims.email_verified == Value::Bool(true);
        let email = claims.email.as_deref().filter(|_| verified);
        users.is_empty()
            || users.iter().any(|user| {
                // A subject that looks like an address is verified by nobody.
                match user.contains('@') {
                    true => email.is_some_and(|email| email.eq_ignore_ascii_case(user)),
                    false => *user == claims.sub,
                }
            })
    }

    /// Where the metadata of what is at `path` are.
    pub(super) fn metadata_address(&self, path: &str) -> String {
        // RFC 9728, section 3.1: before the resource's own path.
        let mut address = self.options.public_url.clone();
        let base = address.path().trim_end_matches('/');
        let path = format!("{}{base}{}", super::wellknown::RESOURCE, endpoint(path));
        address.set_path(&path);
        address.to_string()
    }

    /// The metadata of the resource at `path` (RFC 9728, section 2). They name no
    /// scopes: clients would ask for all, and some issuers refuse those they do
    /// not know while others give whatever is asked for.
    pub(super) fn metadata(&self, path: &str) -> Value {
        let base = self.options.public_url.as_str().trim_end_matches('/');
        json!({
            "resource": format!("{base}{}", endpoint(path)),
            "resource_name": "rag-memory",
            "authorization_servers": [self.options.issuer],
            "bearer_methods_supported": ["header"],
        })
    }
}

/// Where MCP clients connect. Each takes a token only if its resource is the
/// address that it was told to connect to, so each of these is one.
const ENDPOINTS: [&str; 2] = ["/mcp", "/sse"];

/// The resources of a server, which are what tokens are for unless the operator
/// says otherwise.
pub fn resources(public_url: &Url) -> Vec<String> {
    let base = public_url.as_str().trim_end_matches('/');
    let resources = ENDPOINTS.map(|endpoint| format!("{base}{endpoint}"));
    resources.to_vec()
}

/// The endpoint that a path belongs to; the API belongs to the first.
fn endpoint(path: &str) -> &'static str {
    match path.ends_with("/sse") || path.ends_with("/messages") {
        true => ENDPOINTS[1],
        false => ENDPOINTS[0],
    }
}

/// What a subject is called here, in logs and among callers: itself, or its hash
/// where it is too long or odd to stand in a log. No two are called the same.
fn caller(subject: &str) -> String {
    let plain = subject.chars().all(|char| char.is_ascii_graphic());
    if plain && subject.len() <= SUBJECT_CHARS_MAX {
        return format!("oauth:{subject}");
    }
    format!("oauth-hash:{}", ContentHash::of(subject))
}

/// The scopes of ours that a token names.
fn named_scopes(claims: &Claims) -> Vec<Scope> {
    let mut names: Vec<&str> = Vec::new();
    for value in [&claims.scope, &claims.scp, &claims.permissions] {
        match value {
            Value::String(text) => names.extend(text.split_ascii_whitespace()),
            Value::Array(values) => names.extend(values.iter().filter_map(Value::as_str)),
            _ => {}
        }
    }
    let named = |scope: &Scope| names.contains(&scope.as_str());
    Scope::ALL.into_iter().filter(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(value: Value) -> Claims {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn scopes_are_found_however_issuers_write_them() {
        for (value, expected) in [
            (json!({"sub": "a"}), &[][..]),
            (json!({"sub": "a", "scope": "openid read"}), &[Scope::Read]),
            (json!({"sub": "a", "scope": ["ingest"]}), &[Scope::Ingest]),
            (json!({"sub": "a", "scp": ["admin", "x"]}), &[Scope::Admin]),
            (
                json!({"sub": "a", "scope": "readonly", "permissions": ["ingest", "read"]}),
                &[Scope::Read, Scope::Ingest],
            ),
        ] {
            assert_eq!(named_scopes(&claims(value.clone())), expected, "{value}");
        }
    }

    #[test]
    fn users_are_let_in_by_subject_or_verified_address() {
        let oauth = Oauth::new(OauthOptions {
            issuer: "https://id.example.org".to_owned(),
            audiences: vec!["rag".to_owned()],
            scopes: Vec::new(),
            users: vec!["u-1".to_owned(), "me@example.org".to_owned()],
            public_url: Url::parse("https://rag.example.org/base").unwrap(),
        });
        let oauth = oauth.unwrap();
        for (value, let_in) in [
            (json!({"sub": "u-1"}), true),
            (json!({"sub": "u-2"}), false),
            (json!({"sub": "u-2", "email": "me@example.org"}), false),
            (
                json!({"sub": "u-2", "email": "Me@example.org", "email_verified": true}),
                true,
            ),
            (
                json!({"sub": "u-2", "email": "me@example.org", "email_verified": "true"}),
                false,
            ),
        ] {
            assert_eq!(oauth.lets_in(&claims(value.clone())), let_in, "{value}");
        }
        assert_eq!(
            oauth.metadata_address("/api/v1/search"),
            "https://rag.example.org/.well-known/oauth-protected-resource/base/mcp"
        );
    }
}
