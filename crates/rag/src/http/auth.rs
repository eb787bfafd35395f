//! Who sends a request, and what they may do: nothing without a token, unless
//! the operator says otherwise or nobody but this machine can send one.
//!
//! A token is one of the server's own ([`Memory::create_token`]) or, where an
//! authorization server is configured, an access token of that ([`Oauth`]). What
//! a caller may do with it the memory decides: this only tells it who asks.

use std::sync::Arc;
use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use rag_mcp::transport::Identity;
use rag_memory::{Access, Memory, Scope};
use tokio::time::timeout;

use super::oauth::{Oauth, Refusal};
use super::problem::Problem;

/// How long the store may take to say whether a token is good.
const STORE_MAX: Duration = Duration::from_secs(10);

/// What proxies add to a request that they pass on: RFC 7239, and what was before it.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// How callers say who they are.
pub struct Auth {
    checks: Checks,
}

enum Checks {
    None {
        /// Whether that holds for those behind a proxy, too.
        forwarded: bool,
    },
    Tokens {
        memory: Memory,
        oauth: Option<Box<Oauth>>,
    },
}

/// Why a request is not let in.
enum Denied {
    /// It has no token.
    Missing,
    /// What it has is none that is good.
    Invalid(String),
    /// Who sends it may not.
    Forbidden(Problem),
    /// Nobody can tell now.
    Unknown(Problem),
}

impl Auth {
    /// Nobody is asked, and everybody may do everything.
    pub fn off() -> Self {
        Auth {
            checks: Checks::None { forwarded: true },
        }
    }

    /// The same for programs of this machine, where nobody else is meant to reach
    /// the server: what a proxy passes on is refused.
    pub fn local() -> Self {
        Auth {
            checks: Checks::None { forwarded: false },
        }
    }

    /// Every request needs a token: one that `memory` knows, or one of `oauth`.
    pub fn required(memory: Memory, oauth: Option<Oauth>) -> Self {
        Auth {
            checks: Checks::Tokens {
                memory,
                oauth: oauth.map(Box::new),
            },
        }
    }

    /// The authorization server whose tokens are taken.
    pub(super) fn oauth(&self) -> Option<&Oauth> {
        match &self.checks {
            Checks::None { .. } => None,
            Checks::Tokens { oauth, .. } => oauth.as_deref(),
        }
    }

    async fn access(&self, headers: &HeaderMap) -> Result<Access, Denied> {
        let (memory, oauth) = match &self.checks {
            Checks::Tokens { memory, oauth } => (memory, oauth),
            Checks::None { forwarded } => {
                let is_forwarded = FORWARDED.iter().any(|name| headers.contains_key(*name));
                return match is_forwarded && !forwarded {
                    true => Err(Denied::Forbidden(passed_on())),
                    false => Ok(Access::new("anyone", &[Scope::Admin], None)),
                };
            }
        };
        let token = bearer(headers)?;
        let own = timeout(STORE_MAX, memory.access_of_token(token)).await;
        let own = match own {
            Ok(Ok(own)) => own,
            // Whoever asks here may be anybody: why is for the log.
            Ok(Err(error)) => {
                tracing::warn!("cannot tell whether a token is good: {error}");
                return Err(Denied::Unknown(unknown()));
            }
            Err(_) => return Err(Denied::Unknown(unknown())),
        };
        if let Some(access) = own {
            return Ok(access);
        }
        let Some(oauth) = oauth else {
            let message =
                "the token is none of this server's: it was revoked, has expired, or never was";
            return Err(Denied::Invalid(message.to_owned()));
        };
        oauth.access(token).await.map_err(|refusal| match refusal {
            Refusal::Invalid(reason) => Denied::Invalid(reason),
            Refusal::Forbidden(reason) => {
                let problem = Problem::new(StatusCode::FORBIDDEN, "forbidden", reason);
                Denied::Forbidden(problem.hint("RAG_OAUTH_USERS says who may"))
            }
            Refusal::Unavailable(reason) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Denied::Unknown(Problem::new(status, "unavailable", reason))
            }
        })
    }

    fn respond(&self, denied: Denied, path: &str) -> Response {
        let (error, problem) = match denied {
            // Another token of the same caller would help as little.
            Denied::Unknown(problem) | Denied::Forbidden(problem) => {
                return problem.into_response();
            }
            Denied::Missing => (
                None,
                Problem::new(
                    StatusCode::UNAUTHORIZED,
                    "unauthorized",
                    "this server answers only requests with a token",
                )
                .hint("send the header `Authorization: Bearer TOKEN`; whoever runs the server makes one with `rag token create`"),
            ),
            Denied::Invalid(reason) => (
                Some("invalid_token"),
                Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", reason)
                    .hint("ask whoever runs the server for a new token"),
            ),
        };
        let mut response = problem.into_response();
        self.challenge(&mut response, error, path);
        response
    }

    /// Says in an answer what token would do
    /// ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750), section 3).
    fn challenge(&self, response: &mut Response, error: Option<&str>, path: &str) {
        let mut challenge = "Bearer realm=\"rag-memory\"".to_owned();
        if let Some(error) = error {
            challenge.push_str(&format!(", error=\"{error}\""));
        }
        if let Some(oauth) = self.oauth() {
            let metadata = oauth.metadata_address(path);
            challenge.push_str(&format!(", resource_metadata=\"{metadata}\""));
        }
        let challenge =
            HeaderValue::from_str(&challenge).expect("addresses have no control characters");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
}

fn passed_on() -> Problem {
    let detail = "a proxy passed this request on, and this server knows callers of its own \
                  machine alone";
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).hint(
        "set RAG_AUTH=required and make tokens with `rag token create`, or RAG_AUTH=off to let in \
         whomever the proxy lets in",
    )
}

fn unknown() -> Problem {
    let detail = "whether the token is good cannot be told now: the store does not answer";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        .hint("try again in a few seconds; `/health` says when the store is back")
}

/// Lets a request through with the [`Access`] of its caller, or answers 401.
pub(super) async fn check(
    State(auth): State<Arc<Auth>>,
    mut request: Request,
    next: Next,
) -> Response {
    let access = match auth.access(request.headers()).await {
        Ok(access) => access,
        Err(denied) => return auth.respond(denied, request.uri().path()),
    };
    tracing::Span::current().record("caller", access.caller());
    let extensions = request.extensions_mut();
    if let Checks::Tokens { .. } = auth.checks {
        extensions.insert(Identity(access.caller().into()));
    }
    extensions.insert(access);
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if response.extensions().get::<Insufficient>().is_some() {
        auth.challenge(&mut response, Some("insufficient_scope"), &path);
    }
    response
}

/// That a caller's token is good and its scopes do not do.
#[derive(Clone)]
struct Insufficient;

/// The answer to a caller whose scopes do not do: with another token they might.
pub(super) fn insufficient(mut response: Response) -> Response {
    response.extensions_mut().insert(Insufficient);
    response
}

/// The token in `Authorization: Bearer …`
/// ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750), section 2.1). Tokens in an
/// address or a body are not taken: they end up in logs.
fn bearer(headers: &HeaderMap) -> Result<&str, Denied> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let value = given.next().ok_or(Denied::Missing)?;
    if given.next().is_some() {
        return Err(Denied::Invalid(
            "there are two `Authorization` headers".to_owned(),
        ));
    }
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    match token {
        Some(token) if !token.is_empty() => Ok(token),
        _ => {
            let message = "the `Authorization` header is not of the form `Bearer TOKEN`";
            Err(Denied::Invalid(message.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_one_header_alone() {
        for (values, expected) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer  abc "], Some("abc")),
            (&["Basic abc"], None),
            (&["Bearer"], None),
            (&["Bearer "], None),
            (&["abc"], None),
            (&["Bearer abc", "Bearer abc"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            assert_eq!(bearer(&headers).ok(), expected, "{values:?}");
        }
    }
}
