//! API tokens: what they allow, and for how long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::Scope;

/// A token to make.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What it is for, to tell it from others
    pub name: String,
    /// What it allows
    #[serde(default = "read")]
    pub scopes: Vec<Scope>,
    /// The collections it is limited to; none for all
    #[serde(default)]
    pub collections: Vec<String>,
    /// How many seconds it is good for; forever if left out
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub expires_in_s: Option<i64>,
}

fn read() -> Vec<Scope> {
    vec![Scope::Read]
}

/// A token that was made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenCreated {
    /// The token itself: it is shown now and never again
    pub token: String,
    /// What is known of it
    #[serde(flatten)]
    pub about: TokenView,
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenView {
    /// What it is told apart by; the first part of the token
    pub token_id: String,
    /// What it is for
    pub name: String,
    /// What it allows
    pub scopes: Vec<Scope>,
    /// The collections it is limited to; none for all
    pub collections: Vec<String>,
    /// When it was made
    pub created_at: String,
    /// When it ceases to be good; null for never
    pub expires_at: Option<String>,
}

/// Which tokens to list: all.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListTokens {}

/// The tokens that are good, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenList {
    /// The tokens
    pub tokens: Vec<TokenView>,
}

/// A token that shall not be good any longer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeToken {
    /// Its id or name, or itself
    pub token: String,
}

/// A token that is not good any longer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenRevoked {
    /// Its id
    pub token_id: String,
    /// Its name
    pub name: String,
}
