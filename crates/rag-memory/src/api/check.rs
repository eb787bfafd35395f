//! What a check-up found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Outcome {
    /// It works
    Ok,
    /// It works, but look at it
    Warned,
    /// It does not work
    Failed,
}

/// One check and how it ended.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What was checked
    pub name: String,
    /// How it ended
    pub outcome: Outcome,
    /// What was seen, and what to do
    pub detail: String,
}

impl Check {
    fn new(name: &str, outcome: Outcome, detail: impl Into<String>) -> Self {
        Check {
            name: name.to_owned(),
            outcome,
            detail: detail.into(),
        }
    }

    /// It works.
    pub fn ok(name: &str, detail: impl Into<String>) -> Self {
        Check::new(name, Outcome::Ok, detail)
    }

    /// It works, but look at it.
    pub fn warned(name: &str, detail: impl Into<String>) -> Self {
        Check::new(name, Outcome::Warned, detail)
    }

    /// It does not work.
    pub fn failed(name: &str, detail: impl Into<String>) -> Self {
        Check::new(name, Outcome::Failed, detail)
    }
}
