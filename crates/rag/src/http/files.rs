//! How many files the process may have open: every connection is one, and the
//! store needs some.

/// How many are kept for everything but connections: the store, the model, pages
/// that are fetched, a browser.
#[cfg(unix)]
const OTHERS: u64 = 256;

/// Lets the process have as many files as the system allows, and says how many
/// connections of those that are `wanted` leave enough for the rest.
#[cfg(unix)]
pub(super) fn connections_max(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    // Many systems allow a process a thousand files until it asks for more.
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let Some(allowed) = allowed else {
        return wanted;
    };
    // Where there are few, half of them.
    let left = allowed.saturating_sub(OTHERS).max(allowed / 2);
    let connections = usize::try_from(left).unwrap_or(wanted).clamp(1, wanted);
    if connections < wanted {
        tracing::warn!(
            "the system allows {allowed} open files, so {connections} connections are taken at once; raise it with `ulimit -n`"
        );
    }
    connections
}

/// As many as are wanted.
#[cfg(not(unix))]
pub(super) fn connections_max(wanted: usize) -> usize {
    wanted
}
