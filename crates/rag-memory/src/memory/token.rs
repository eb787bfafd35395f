//! API tokens: making, listing, revoking, and telling whose one is.
//!
//! A token is `rag_<id>_<secret>`: the id finds its entry in the store, and a
//! hash there of the whole tells whether it is the one. The secret is random, so
//! that a plain SHA-256 is enough: there is nothing to guess that a slow hash
//! would protect.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rag_core::model::{CollectionName, ContentHash, Timestamp};
use rag_core::port::{ENTRIES_LISTED_MAX, Entry, EntryKind};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{Memory, check};
use crate::api::{
    CreateToken, ListTokens, RevokeToken, TokenCreated, TokenList, TokenRevoked, TokenView,
};
use crate::{Access, Error, ErrorKind, Scope};

/// What every token begins with, so that scanners for secrets know it.
const PREFIX: &str = "rag_";
/// How many random bytes tell a token apart, and keep it secret.
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 24;
/// The longest text that may be a token, in bytes.
const TOKEN_BYTES_MAX: usize = 200;
/// How long a token may be good for at the most, in seconds: ten years.
const LIFE_MAX_S: i64 = 10 * 365 * 24 * 60 * 60;
/// How long what was read of the store is relied on. A token that is revoked by
/// another process lets in no longer than this.
const SEEN_MAX: Duration = Duration::from_secs(10);
/// The same for a token that is not among them: it may be new. Whoever tries out
/// tokens causes one reading of the store in this time.
const SEEN_MAX_FOR_UNKNOWN: Duration = Duration::from_secs(1);
/// How long what was read last is relied on while the store cannot be reached: there
/// is little to do without it, but the operator's metrics.
const SEEN_MAX_WHILE_AWAY: Duration = Duration::from_secs(5 * 60);
/// How long the store may take before it counts as one that cannot be reached.
const READING_MAX: Duration = Duration::from_secs(2);
/// How long the store is not asked again after it failed.
const FAILED_MAX: Duration = Duration::from_secs(1);

/// What an entry says of a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    name: String,
    /// SHA-256 of the whole token, as hexadecimal digits.
    hash: String,
    scopes: Vec<Scope>,
    collections: Vec<String>,
    /// Microseconds since 1970.
    created_at_us: i64,
}

/// A token as the store has it.
#[derive(Clone, Debug)]
struct Known {
    id: String,
    kept: Kept,
    expires_at: Option<Timestamp>,
}

/// The tokens as they were read last.
#[derive(Default)]
pub(super) struct SeenTokens {
    seen: RwLock<Option<(Instant, Seen)>>,
    /// The same of the last reading that did not fail.
    good: RwLock<Option<(Instant, Arc<[Known]>)>>,
    /// Held while they are read, so that many callers cause one reading.
    reading: Mutex<()>,
}

/// What a reading gave: tokens, or why there are none, in words.
type Seen = Result<Arc<[Known]>, (ErrorKind, String)>;

impl Memory {
    /// Makes a token. What is given back holds it, and nothing else ever does.
    pub async fn create_token(&self, request: CreateToken) -> Result<TokenCreated, Error> {
        self.access.require_whole()?;
        let now = Timestamp::now();
        let kept = Kept {
            name: check::line("name", &request.name)?,
            hash: String::new(),
            scopes: sorted(&request.scopes)?,
            collections: named_collections(&request.collections)?,
            created_at_us: now.as_microsecond(),
        };
        let expires_at = match request.expires_in_s {
            Some(seconds) => {
                let seconds = check::in_range("expires_in_s", seconds, 1..=LIFE_MAX_S)?;
                Some(now + Duration::from_secs(seconds as u64))
            }
            None => None,
        };
        let known = self.tokens_seen(Duration::ZERO).await?;
        if known.iter().any(|token| token.kept.name == kept.name) {
            let message = format!("there is a token named `{}` already", kept.name);
            return Err(Error::new(ErrorKind::AlreadyExists, message)
                .hint("choose another name, or revoke that one first"));
        }
        if known.len() >= ENTRIES_LISTED_MAX {
            let message = format!("there are {ENTRIES_LISTED_MAX} tokens already");
            return Err(Error::new(ErrorKind::TooLarge, message).hint("revoke some of them first"));
        }
        let id = random_digits::<ID_BYTES>()?;
        let token = format!("{PREFIX}{id}_{}", random_digits::<SECRET_BYTES>()?);
        let hash = hash(&token);
        let token_made = Known {
            kept: Kept { hash, ..kept },
            id,
            expires_at,
        };
        let entry = Entry {
            kind: EntryKind::Token,
            key: token_made.id.clone(),
            value: serde_json::to_value(&token_made.kept).expect("it is JSON"),
            expires_at,
        };
        if self.store.add_entry(&entry, now).await?.is_some() {
            return Err(
                Error::new(ErrorKind::Conflict, "the new token's id is taken").hint("try again"),
            );
        }
        self.forget_tokens();
        tracing::info!(token.id = token_made.id, "made a token");
        Ok(TokenCreated {
            token,
            about: view(&token_made),
        })
    }

    /// The tokens that are good, oldest first.
    pub async fn list_tokens(&self, _request: ListTokens) -> Result<TokenList, Error> {
        self.access.require_whole()?;
        let known = self.tokens_seen(Duration::ZERO).await?;
        let mut tokens: Vec<&Known> = known.iter().collect();
        tokens.sort_by_key(|token| (token.kept.created_at_us, &token.id));
        Ok(TokenList {
            tokens: tokens.into_iter().map(view).collect(),
        })
    }

    /// Makes a token useless: at once in this process, elsewhere within seconds.
    pub async fn revoke_token(&self, request: RevokeToken) -> Result<TokenRevoked, Error> {
        self.access.require_whole()?;
        let wanted = request.token.trim();
        let known = self.tokens_seen(Duration::ZERO).await?;
        // One that was found where it should not be is known by itself.
        let id = id_in(wanted).unwrap_or(wanted);
        let of_name = |token: &&Known| token.id == id || token.kept.name == wanted;
        let Some(token) = known.iter().find(of_name) else {
            // It may be one that cannot be read here.
            if self.store.remove_entry(EntryKind::Token, id).await? {
                return Ok(TokenRevoked {
                    token_id: id.to_owned(),
                    name: String::new(),
                });
            }
            let message = format!("there is no token `{id}`");
            return Err(Error::new(ErrorKind::NotFound, message)
                .hint("`rag token list` shows the ids and names of those that are good"));
        };
        // Before as well: whoever asks may be gone when it is done.
        self.forget_tokens();
        self.store.remove_entry(EntryKind::Token, &token.id).await?;
        self.forget_tokens();
        tracing::info!(token.id = token.id, "revoked a token");
        Ok(TokenRevoked {
            token_id: token.id.clone(),
            name: token.kept.name.clone(),
        })
    }

    /// What the holder of a token may do; `None` when it is not good. The store
    /// is asked every few seconds at the most.
    pub async fn access_of_token(&self, token: &str) -> Result<Option<Access>, Error> {
        let Some(id) = id_in(token) else {
            return Ok(None);
        };
        let mut known = match self.tokens.good(SEEN_MAX_WHILE_AWAY) {
            Some(good) => match timeout(READING_MAX, self.tokens_seen(SEEN_MAX)).await {
                Err(_) => good,
                Ok(Err(error)) if error.kind() == ErrorKind::Unavailable => good,
                Ok(seen) => seen?,
            },
            None => self.tokens_seen(SEEN_MAX).await?,
        };
        if !known.iter().any(|known| known.id == id) {
            known = self.tokens_seen(SEEN_MAX_FOR_UNKNOWN).await?;
        }
        let now = Timestamp::now();
        let found = known.iter().find(|known| known.id == id);
        let good = found.filter(|known| {
            let is_it = hash(token).as_bytes().ct_eq(known.kept.hash.as_bytes());
            bool::from(is_it) && known.expires_at.is_none_or(|end| end > now)
        });
        Ok(good.map(access))
    }

    /// The tokens as the store has them, or had them at most `age_max` ago. A
    /// store that failed is not asked again for a moment, however many wait.
    async fn tokens_seen(&self, age_max: Duration) -> Result<Arc<[Known]>, Error> {
        if let Some(seen) = self.tokens.last(age_max) {
            return seen;
        }
        let _reading = self.tokens.reading.lock().await;
        if let Some(seen) = self.tokens.last(age_max) {
            return seen;
        }
        let read = self.store.entries(EntryKind::Token, Timestamp::now()).await;
        let seen: Seen = match read {
            Ok(entries) => Ok(entries.into_iter().filter_map(readable).collect()),
            Err(error) => {
                let error = Error::from(error);
                Err((error.kind(), error.message().to_owned()))
            }
        };
        self.tokens.note(seen.clone());
        told(seen)
    }

    fn forget_tokens(&self) {
        self.tokens.forget();
    }
}

impl SeenTokens {
    fn last(&self, age_max: Duration) -> Option<Result<Arc<[Known]>, Error>> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        let (at, seen) = seen.as_ref()?;
        let age_max = match seen {
            Ok(_) => age_max,
            Err(_) => FAILED_MAX,
        };
        (at.elapsed() < age_max).then(|| told(seen.clone()))
    }

    fn good(&self, age_max: Duration) -> Option<Arc<[Known]>> {
        let good = self.good.read().unwrap_or_else(PoisonError::into_inner);
        let (at, good) = good.as_ref()?;
        (at.elapsed() < age_max).then(|| good.clone())
    }

    fn note(&self, seen: Seen) {
        let now = Instant::now();
        if let Ok(good) = &seen {
            *self.good.write().unwrap_or_else(PoisonError::into_inner) = Some((now, good.clone()));
        }
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = Some((now, seen));
    }

    fn forget(&self) {
        *self.good.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn told(seen: Seen) -> Result<Arc<[Known]>, Error> {
    seen.map_err(|(kind, message)| Error::new(kind, message))
}

/// A token, unless a newer version made it: that must not lock out the others.
fn readable(entry: Entry) -> Option<Known> {
    let token = read(entry);
    token
        .inspect_err(|error| tracing::warn!("a token is left out: {error}"))
        .ok()
}

/// Each scope once.
fn sorted(scopes: &[Scope]) -> Result<Vec<Scope>, Error> {
    let given = |scope: &Scope| scopes.contains(scope);
    let sorted: Vec<Scope> = Scope::ALL.into_iter().filter(given).collect();
    if sorted.is_empty() {
        return Err(
            Error::invalid("`scopes` is empty, so the token would allow nothing")
                .hint("give at least one of `read`, `ingest` and `admin`"),
        );
    }
    Ok(sorted)
}

/// Names of collections, which need not exist yet.
fn named_collections(names: &[String]) -> Result<Vec<String>, Error> {
    let name = |name: &String| Ok(check::collection_name(name)?.to_string());
    names.iter().map(name).collect()
}

fn read(entry: Entry) -> Result<Known, Error> {
    let Entry {
        key,
        value,
        expires_at,
        ..
    } = entry;
    let kept = serde_json::from_value(value).map_err(|error| {
        let message = format!("what the store has of token `{key}` cannot be read: {error}");
        Error::new(ErrorKind::Internal, message).hint("another version of rag made it; use that")
    })?;
    Ok(Known {
        id: key,
        kept,
        expires_at,
    })
}

fn view(token: &Known) -> TokenView {
    TokenView {
        token_id: token.id.clone(),
        name: token.kept.name.clone(),
        scopes: token.kept.scopes.clone(),
        collections: token.kept.collections.clone(),
        created_at: time(token.kept.created_at_us),
        expires_at: token.expires_at.map(|time| time.to_string()),
    }
}

fn time(microseconds: i64) -> String {
    Timestamp::from_microsecond(microseconds)
        .map_or_else(|_| String::new(), |time| time.to_string())
}

fn access(token: &Known) -> Access {
    let names = &token.kept.collections;
    // One that cannot be a collection's name limits as well as any other.
    let collections: Vec<CollectionName> =
        names.iter().filter_map(|name| name.parse().ok()).collect();
    let limited = !names.is_empty();
    let caller = format!("token:{}", token.id);
    Access::new(&caller, &token.kept.scopes, limited.then_some(collections))
}

/// The id in what may be a token.
fn id_in(token: &str) -> Option<&str> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (id, _) = token.strip_prefix(PREFIX)?.split_once('_')?;
    Some(id)
}

fn hash(token: &str) -> String {
    ContentHash::of(token).to_string()
}

fn random_digits<const BYTES: usize>() -> Result<String, Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = format!("the system gives no random numbers: {error}");
        Error::new(ErrorKind::Internal, message)
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_token_has_no_id() {
        for (token, id) in [
            ("rag_0a1b_secret", Some("0a1b")),
            ("rag_0a1b_sec_ret", Some("0a1b")),
            ("rag_0a1b", None),
            ("sk-0a1b_secret", None),
            ("", None),
            (&format!("rag_0a1b_{}", "x".repeat(TOKEN_BYTES_MAX)), None),
        ] {
            assert_eq!(id_in(token), id, "{token}");
        }
    }

    #[test]
    fn no_two_tokens_are_alike() {
        let one = random_digits::<SECRET_BYTES>().unwrap();
        assert_eq!(one.len(), 2 * SECRET_BYTES);
        assert_ne!(one, random_digits::<SECRET_BYTES>().unwrap());
    }
}
