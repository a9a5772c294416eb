//! The log: lines for people or objects for machines, on stderr.

use wattpool_daemon::config::{LogConfig, LogFormat};

/// Starts logging, once per process.
///
/// # Errors
/// The level is none, or something else logs already.
pub fn start(config: &LogConfig) -> anyhow::Result<()> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(config.filter()?)
        // Whoever reads the log may go away: that is no reason to stop working.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|e| anyhow::anyhow!("the log cannot be started: {e}"))
}
