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

/// Has panics logged as everything else is, with the request they belong to. What one
/// says may quote a document, so that is for those who debug.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "the program panicked");
        let said = panic.payload_as_str();
        tracing::debug!(said, "what the panic said");
    }));
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
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt;

    use super::{filter, log_panics};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_logged_without_what_it_says() {
        let log = Log::default();
        let writer = log.clone();
        let lines = fmt().json().with_writer(move || writer.clone()).finish();
        log_panics();
        tracing::subscriber::with_default(lines, || {
            let _request = tracing::info_span!("request", request.id = "r-1").entered();
            let outcome = std::panic::catch_unwind(|| panic!("of a secret document"));
            assert!(outcome.is_err());
        });
        drop(std::panic::take_hook());
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
        assert_eq!(line["level"], "ERROR");
        assert!(log.contains("logging.rs") && log.contains("r-1"), "{log}");
        assert!(!log.contains("secret"), "{log}");
    }

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
