//! Tools and prompts that need input from the client: what to ask for in which
//! round, and the state that goes to the client and back in between.

use std::{
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use rmcp::{
    ErrorData,
    model::{ClientCapabilities, InputRequiredResult, InputResponses},
};
use serde_json::{Value, json};

use crate::fixtures::{one, typed};

/// Keyed with a secret of this process, so that no client can make a state up.
static SEAL: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What `name` still needs after the client has sent `responses` and `state`;
/// `None` when it has everything, or needs nothing at all.
pub(crate) fn needed(
    name: &str,
    responses: Option<&InputResponses>,
    state: Option<&str>,
    client: &ClientCapabilities,
) -> Result<Option<InputRequiredResult>, ErrorData> {
    let Some(Value::Array(rounds)) = one("needs", name) else {
        return Ok(None);
    };
    let round = match state {
        Some(state) => opened(name, state)
            .ok_or_else(|| ErrorData::invalid_params("the request state is not ours", None))?,
        None => 0,
    };
    let is_answered = is_answered(rounds.get(round), responses);
    let next = if is_answered { round + 1 } else { round };
    let Some(Value::Object(requests)) = rounds.get(next) else {
        return Ok(None);
    };
    let possible: serde_json::Map<_, _> = requests
        .iter()
        .filter(|(_, request)| is_possible(request, client))
        .map(|(key, request)| (key.clone(), request.clone()))
        .collect();
    Ok(Some(typed(json!({
        "resultType": "input_required",
        "inputRequests": possible,
        "requestState": sealed(name, next),
    }))))
}

/// Whether every request of the round has an answer of the right kind.
fn is_answered(round: Option<&Value>, responses: Option<&InputResponses>) -> bool {
    let (Some(Value::Object(requests)), Some(responses)) = (round, responses) else {
        return false;
    };
    requests.iter().all(|(key, request)| {
        let answer = responses.get(key);
        let member = match request["method"].as_str() {
            Some("elicitation/create") => "action",
            Some("sampling/createMessage") => "content",
            _ => "roots",
        };
        answer.is_some_and(|answer| answer.get(member).is_some())
    })
}

fn is_possible(request: &Value, client: &ClientCapabilities) -> bool {
    match request["method"].as_str() {
        Some("elicitation/create") => client.elicitation.is_some(),
        Some("sampling/createMessage") => client.sampling.is_some(),
        _ => true,
    }
}

fn sealed(name: &str, round: usize) -> String {
    format!("{round}.{:016x}", SEAL.hash_one((name, round)))
}

fn opened(name: &str, state: &str) -> Option<usize> {
    let round = state.split('.').next()?.parse().ok()?;
    (sealed(name, round) == state).then_some(round)
}
