//! Logs on stderr, as lines for people or as JSON, and traces for those who
//! collect them.

mod traces;

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::{ConfigError, TracesConfig};

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// An object a line.
    Json,
}

/// Sends what is left of the traces when it is dropped.
pub(crate) use traces::Traces;

/// Starts logging at `level` (a level or a filter), else at `default`, and sending
/// traces where there is somebody to send them to.
pub(crate) fn start(
    level: Option<&str>,
    default: &str,
    format: Format,
    traces: Option<&TracesConfig>,
) -> anyhow::Result<Option<Traces>> {
    let level = level.unwrap_or(default);
    let invalid = || ConfigError::LogLevel(level.to_owned());
    let filter = filter(level).ok_or_else(invalid)?;
    let filter = EnvFilter::try_new(filter).map_err(|_| invalid())?;
    let (layer, traces) = match traces {
        Some(config) => {
            let (layer, traces) = traces::start(config)?;
            (Some(layer), Some(traces))
        }
        None => (None, None),
    };
    tracing_subscriber::registry()
        .with(layer)
        .with(lines(format).with_filter(filter))
        .init();
    Ok(traces)
}

fn lines<S>(format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    match format {
        Format::Text => lines.boxed(),
        Format::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(true)
            .boxed(),
    }
}

/// A bare level is for our own crates; what libraries say below a warning is
/// for those who ask by a filter. `rmcp` takes every cancelled or mistaken call
/// of a client for a fault of the server, and `chromiumoxide` every message of
/// a newer browser for one of its own. Any other bare word would be a filter
/// that lets nothing through.
fn filter(level: &str) -> Option<String> {
    let level = level.to_lowercase();
    let level = match level.as_str() {
        "warning" => "warn",
        "error" | "warn" | "info" | "debug" | "trace" => &level,
        "off" => return Some(level),
        filter if filter.contains(['=', ',']) => return Some(level),
        _ => return None,
    };
    Some(format!(
        "warn,rmcp=off,chromiumoxide=off,rag={level},rag_browser={level},rag_core={level},\
         rag_embed={level},rag_extract={level},rag_mcp={level},rag_memory={level},\
         rag_source={level},rag_store={level},rag_web={level}"
    ))
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn levels_and_filters() {
        for (level, understood) in [
            ("info", true),
            ("WARNING", true),
            ("off", true),
            ("warn,rag_store=debug", true),
            ("verbose", false),
            ("", false),
        ] {
            assert_eq!(filter(level).is_some(), understood, "{level}");
        }
    }
}
