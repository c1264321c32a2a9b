//! Logs: lines on standard error, as text for people or JSON for machines.
//!
//! What is logged stands at the call sites: a sentence and dotted fields, never a token, password, body, name or
//! address. Types that hold secrets hide them from `Debug`, so that none slips in by accident.

use std::io::IsTerminal;

use serde::Deserialize;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt};

/// The shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is not one.
    #[error("not a log level or filter: {0}")]
    Filter(String),
    /// The process logs already.
    #[error("logging was set up before")]
    Twice,
}

/// Reads a level such as `info`, or a filter such as `info,eventdesk_app=debug`.
fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::builder().parse(level).map_err(|error| TelemetryError::Filter(error.to_string()))
}

/// Whether [`init`] understands `level`.
///
/// # Errors
/// [`TelemetryError::Filter`].
pub fn check_level(level: &str) -> Result<(), TelemetryError> {
    filter(level).map(|_| ())
}

/// Starts logging for the whole process, once.
///
/// # Errors
/// See [`TelemetryError`].
pub fn init(format: Format, level: &str) -> Result<(), TelemetryError> {
    let layer = registry().with(filter(level)?);
    match format {
        Format::Text => {
            let colours = std::io::stderr().is_terminal();
            layer.with(fmt::layer().with_writer(std::io::stderr).with_ansi(colours)).try_init()
        }
        // What a span tells stands on each of its lines beside the line's own fields, so that both are found alike.
        Format::Json => {
            let lines = json_subscriber::layer().with_writer(std::io::stderr).with_current_span(false);
            layer.with(lines.with_span_list(false).flatten_span_list_on_top_level(true).flatten_event(true)).try_init()
        }
    }
    .map_err(|_| TelemetryError::Twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_filters_are_understood_and_others_refused() {
        for level in ["error", "info", "TRACE", "off", "info,eventdesk_app=debug", "eventdesk_http=trace"] {
            assert!(check_level(level).is_ok(), "{level}");
        }
        for level in ["eventdesk_app=loud", "info,=", "info,[", "a=b=c"] {
            assert!(check_level(level).is_err(), "{level}");
        }
    }

    #[test]
    fn logging_starts_once() {
        init(Format::Json, "off").unwrap();
        assert!(matches!(init(Format::Text, "off"), Err(TelemetryError::Twice)));
    }
}
