//! Log lines, on stderr: results alone belong to stdout.

mod line;

use crate::config::{LogFormat, TelemetrySection};
use line::Line;
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Why logging was not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoggingError {
    /// The filter cannot be read.
    #[error("`telemetry.log` is no filter: {0}; write a level such as info, or target=level pairs")]
    Filter(String),
}

/// Starts log lines by the given settings. A second call in one process
/// changes nothing.
///
/// `ROLLWRIGHT_LOG` overrides the filter. Colours appear on a terminal only,
/// and never with `NO_COLOR`.
pub fn start(settings: &TelemetrySection) -> Result<(), LoggingError> {
    start_with(settings, None)
}

/// [`start`], with colours forced on or off.
pub fn start_with(settings: &TelemetrySection, color: Option<bool>) -> Result<(), LoggingError> {
    let directives = std::env::var("ROLLWRIGHT_LOG").unwrap_or_else(|_| settings.log.clone());
    let filter =
        EnvFilter::try_new(&directives).map_err(|error| LoggingError::Filter(error.to_string()))?;
    let color = color.unwrap_or_else(|| {
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
    });
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_writer(std::io::stderr);
    // An error means that the process has a subscriber already.
    let _ = match settings.format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Pretty => registry
            .with(lines.with_ansi(color).event_format(Line::new()))
            .try_init(),
    };
    Ok(())
}
