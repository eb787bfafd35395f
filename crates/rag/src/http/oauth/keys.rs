//! The public keys of an authorization server: found by its metadata, kept for a
//! while, and asked for again when a token names one that is not among them.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::{Client, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::http::outgoing;

/// How long keys are used without asking for them again.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// How long they are used when nobody can be asked.
const STALE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How long to wait before asking once more: whoever makes up key ids causes one
/// request in this time.
const PAUSE: Duration = Duration::from_secs(5);
/// How long one request may take, and how large its answer may be.
const REQUEST_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The most keys that are looked at.
const KEYS_MAX: usize = 100;

/// The keys of one issuer.
pub(super) struct Keys {
    issuer: String,
    client: Client,
    known: RwLock<Known>,
    /// Held while they are asked for, so that many callers cause one request.
    asking: Mutex<()>,
}

/// Nobody can be asked for keys, and why.
pub(super) struct Unavailable(pub(super) String);

#[derive(Default)]
struct Known {
    keys: Vec<Jwk>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

impl Known {
    fn age(&self) -> Option<Duration> {
        self.fetched.map(|at| at.elapsed())
    }
}

/// The part of the metadata that matters here (RFC 8414, section 2).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Keys {
    /// Asks for nothing yet.
    pub(super) fn new(issuer: &str) -> Result<Self, reqwest::Error> {
        let client = outgoing::client(REQUEST_MAX).redirect(redirect::Policy::none());
        Ok(Keys {
            issuer: issuer.to_owned(),
            client: client.build()?,
            known: RwLock::default(),
            asking: Mutex::default(),
        })
    }

    /// The key of that id for an algorithm; without an id, the only one that fits.
    /// Nobody whose key is known waits for the issuer.
    pub(super) async fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Option<DecodingKey>, Unavailable> {
        let found = self.known(id, algorithm);
        if let (Some(key), true) = (&found, self.is_fresh()) {
            return Ok(Some(key.clone()));
        }
        let asking = match &found {
            Some(key) => match self.asking.try_lock() {
                Ok(asking) => asking,
                // Somebody is at it.
                Err(_) => return Ok(Some(key.clone())),
            },
            None => self.asking.lock().await,
        };
        let mut is_current = false;
        if self.may_ask() {
            let fetched = self.fetch().await;
            is_current = fetched.is_ok();
            self.note(fetched);
        }
        drop(asking);
        match self.known(id, algorithm) {
            Some(key) => Ok(Some(key)),
            None if is_current || (self.is_known() && self.has(id)) => Ok(None),
            // It may be new, and clients throw a token away that is called invalid.
            None if self.is_known() => Err(Unavailable(format!(
                "the token's key is none that is known, and `{}` was not asked for others just now",
                self.issuer
            ))),
            None => Err(Unavailable(format!(
                "the keys of `{}` cannot be had, so no token of it can be checked",
                self.issuer
            ))),
        }
    }

    fn known(&self, id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.age().filter(|age| *age < STALE_MAX)?;
        pick(&known.keys, id, algorithm)
    }

    /// Whether there is a key of that id, be it for another algorithm.
    fn has(&self, id: Option<&str>) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut ids = known.keys.iter().map(|key| key.common.key_id.as_deref());
        id.is_some() && ids.any(|known| known == id)
    }

    fn is_fresh(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.age().is_some_and(|age| age < FRESH)
    }

    fn is_known(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.age().is_some_and(|age| age < STALE_MAX)
    }

    fn may_ask(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.tried.is_none_or(|at| at.elapsed() >= PAUSE)
    }

    fn note(&self, fetched: Result<Vec<Jwk>, String>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.tried = Some(Instant::now());
        match fetched {
            Ok(keys) => {
                known.keys = keys;
                known.fetched = Some(Instant::now());
            }
            Err(reason) => tracing::warn!(issuer = self.issuer, "cannot fetch keys: {reason}"),
        }
    }

    async fn fetch(&self) -> Result<Vec<Jwk>, String> {
        let mut reasons = Vec::new();
        for address in metadata_addresses(&self.issuer) {
            match self.get::<Metadata>(&address).await {
                Ok(metadata) if metadata.issuer == self.issuer => {
                    return match Url::parse(&metadata.jwks_uri) {
                        Ok(keys) => self.keys_at(&keys).await,
                        Err(error) => Err(format!("{}: {error}", metadata.jwks_uri)),
                    };
                }
                Ok(metadata) => reasons.push(format!("{address} is of `{}`", metadata.issuer)),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons.join("; "))
    }

    async fn keys_at(&self, address: &Url) -> Result<Vec<Jwk>, String> {
        // Those who can be listened to could put in keys of their own.
        let is_here = matches!(
            address.host_str(),
            Some("localhost" | "127.0.0.1" | "[::1]")
        );
        if address.scheme() != "https" && !is_here {
            return Err(format!("{address} is not behind TLS"));
        }
        let set: KeySet = self.get(address.as_str()).await?;
        // Kinds of keys that are not known here are no fault of the others.
        let keys = set.keys.into_iter().take(KEYS_MAX);
        Ok(keys
            .filter_map(|key| serde_json::from_value(key).ok())
            .collect())
    }

    async fn get<T: DeserializeOwned>(&self, address: &str) -> Result<T, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{address}: {error}");
        let answer = self.client.get(address).send().await;
        let answer = answer
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| failed(&error.without_url()))?;
        let mut body = Vec::new();
        let mut frames = answer.bytes_stream();
        while let Some(frame) = frames.next().await {
            let frame = frame.map_err(|error| failed(&error.without_url()))?;
            if body.len() + frame.len() > ANSWER_BYTES_MAX {
                return Err(failed(&format!("more than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&frame);
        }
        serde_json::from_slice(&body).map_err(|error| failed(&error))
    }
}

/// Where an issuer's metadata may be: as OpenID Connect Discovery has it, and as
/// RFC 8414, section 3.1, has it.
fn metadata_addresses(issuer: &str) -> Vec<String> {
    let base = issuer.trim_end_matches('/');
    let mut addresses = vec![format!("{base}/.well-known/openid-configuration")];
    if let Ok(mut url) = Url::parse(base) {
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
        addresses.push(url.to_string());
    }
    addresses
}

fn pick(keys: &[Jwk], id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
    let mut fitting = keys.iter().filter(|key| {
        let common = &key.common;
        let of_id = id.is_none() || common.key_id.as_deref() == id;
        let for_signatures = common
            .public_key_use
            .as_ref()
            .is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let for_algorithm = common
            .key_algorithm
            .is_none_or(|own| own == KeyAlgorithm::from(algorithm));
        of_id && for_signatures && for_algorithm
    });
    let decoded = |key: &Jwk| {
        let key = DecodingKey::from_jwk(key).ok()?;
        (key.family() == algorithm.family()).then_some(key)
    };
    if id.is_some() {
        return fitting.find_map(decoded);
    }
    // A token that does not say by which key must leave no choice.
    let mut decoded = fitting.filter_map(decoded);
    let only = decoded.next()?;
    decoded.next().is_none().then_some(only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_are_looked_for_in_both_places() {
        let of_path = [
            "https://id.example.org/realms/r/.well-known/openid-configuration",
            "https://id.example.org/.well-known/oauth-authorization-server/realms/r",
        ];
        assert_eq!(
            metadata_addresses("https://id.example.org/realms/r"),
            of_path
        );
        let of_host = [
            "https://id.example.org/.well-known/openid-configuration",
            "https://id.example.org/.well-known/oauth-authorization-server",
        ];
        assert_eq!(metadata_addresses("https://id.example.org/"), of_host);
    }

    #[test]
    fn keys_are_picked_by_id_use_and_algorithm() {
        let key = |value: Value| -> Jwk { serde_json::from_value(value).unwrap() };
        let ed = |id: &str, more: Value| {
            let mut value = serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "kid": id,
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            });
            value
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            key(value)
        };
        let keys = [
            ed("a", serde_json::json!({"use": "sig", "alg": "EdDSA"})),
            ed("b", serde_json::json!({"use": "enc"})),
            ed("c", serde_json::json!({"alg": "ES256"})),
        ];
        for (id, algorithm, found) in [
            (Some("a"), Algorithm::EdDSA, true),
            (Some("a"), Algorithm::RS256, false),
            (Some("b"), Algorithm::EdDSA, false),
            (Some("c"), Algorithm::EdDSA, false),
            (Some("c"), Algorithm::ES256, false),
            (Some("d"), Algorithm::EdDSA, false),
            (None, Algorithm::EdDSA, true),
        ] {
            assert_eq!(
                pick(&keys, id, algorithm).is_some(),
                found,
                "{id:?} {algorithm:?}"
            );
        }
        let two = [keys[0].clone(), ed("d", serde_json::json!({}))];
        assert!(pick(&two, None, Algorithm::EdDSA).is_none());
    }
}
