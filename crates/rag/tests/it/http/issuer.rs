//! An authorization server, as far as a resource server sees one: metadata, keys,
//! and tokens that are signed by these. A double: it authorizes nobody.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::client::serve;

/// The authorization server.
pub(crate) struct Issuer {
    pub(crate) url: String,
    state: Arc<Mutex<Published>>,
    _stop: tokio_util::sync::DropGuard,
}

#[derive(Default)]
struct Published {
    url: String,
    keys: Vec<Value>,
    is_down: bool,
    asked: usize,
}

/// A key to sign with.
pub(crate) struct Key {
    pub(crate) id: String,
    pair: Pair,
}

enum Pair {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// A key of 2048 bits, for tests alone.
const RSA_KEY: &[u8] = include_bytes!("rsa-test-key.der");

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    pub(crate) fn ed(id: &str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Key {
            id: id.to_owned(),
            pair: Pair::Ed(pair),
        }
    }

    pub(crate) fn ec(id: &str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        Key {
            id: id.to_owned(),
            pair: Pair::Ec(pair),
        }
    }

    pub(crate) fn rsa(id: &str) -> Self {
        let pair = RsaKeyPair::from_der(RSA_KEY).unwrap();
        Key {
            id: id.to_owned(),
            pair: Pair::Rsa(pair),
        }
    }

    /// The public half, as issuers publish it.
    fn published(&self) -> Value {
        let mut key = match &self.pair {
            Pair::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key())})
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])})
            }
            Pair::Rsa(pair) => {
                let RsaPublicKeyComponents { n, e } =
                    RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": encode(n), "e": encode(e)})
            }
        };
        key["kid"] = json!(self.id);
        key["use"] = json!("sig");
        key
    }

    /// A token that says `claims`, by an algorithm that the key can do.
    pub(crate) fn sign(&self, algorithm: &str, claims: &Value) -> String {
        self.sign_as(
            &json!({"alg": algorithm, "kid": self.id, "typ": "at+jwt"}),
            claims,
        )
    }

    /// The same with any header.
    pub(crate) fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let message = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let random = SystemRandom::new();
        let signed = match &self.pair {
            Pair::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Pair::Ec(pair) => pair
                .sign(&random, message.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec(),
            Pair::Rsa(pair) => {
                let mut signed = vec![0; pair.public().modulus_len()];
                match header["alg"] == "PS256" {
                    true => pair.sign(&RSA_PSS_SHA256, &random, message.as_bytes(), &mut signed),
                    false => pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signed),
                }
                .unwrap();
                signed
            }
        };
        format!("{message}.{}", encode(signed))
    }
}

impl Issuer {
    /// An authorization server that publishes these keys.
    pub(crate) async fn start(keys: &[&Key]) -> Self {
        let state = Arc::new(Mutex::new(Published::default()));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(published))
            .with_state(state.clone());
        let stop = CancellationToken::new();
        let (address, _) = serve(routes, stop.clone()).await;
        let issuer = Issuer {
            url: format!("http://{address}").replace("127.0.0.1", "localhost"),
            state,
            _stop: stop.drop_guard(),
        };
        issuer.state.lock().unwrap().url = issuer.url.clone();
        issuer.publish(keys);
        issuer
    }

    /// Publishes other keys from now on.
    pub(crate) fn publish(&self, keys: &[&Key]) {
        let keys = keys.iter().map(|key| key.published()).collect();
        self.state.lock().unwrap().keys = keys;
    }

    /// Answers nobody, or everybody again.
    pub(crate) fn be_down(&self, is_down: bool) {
        self.state.lock().unwrap().is_down = is_down;
    }

    /// How often it was asked for keys.
    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }
}

async fn metadata(State(state): State<Arc<Mutex<Published>>>) -> Result<Json<Value>, StatusCode> {
    let state = state.lock().unwrap();
    let url = &state.url;
    match state.is_down {
        true => Err(StatusCode::BAD_GATEWAY),
        false => Ok(Json(
            json!({"issuer": url, "jwks_uri": format!("{url}/keys")}),
        )),
    }
}

async fn published(State(state): State<Arc<Mutex<Published>>>) -> Json<Value> {
    let mut state = state.lock().unwrap();
    state.asked += 1;
    // One that nobody here knows, among the others.
    let mut keys = state.keys.clone();
    keys.push(json!({"kty": "AKP", "alg": "ML-DSA-44", "kid": "unknown", "pub": "AA"}));
    Json(json!({ "keys": keys }))
}
