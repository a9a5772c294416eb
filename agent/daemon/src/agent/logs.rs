//! The log: lines for people or objects for machines, on stderr.

use super::config::{LogConfig, LogFormat};
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::EnvFilter;

/// Reads a level or filters.
///
/// # Errors
/// It is neither.
pub fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(level)
}

/// Starts logging, once per process.
///
/// # Errors
/// The level is none, or something else logs already.
pub fn start(config: &LogConfig) -> anyhow::Result<()> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&config.level)?)
        .with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|e| anyhow::anyhow!("the log cannot be started: {e}"))
}
