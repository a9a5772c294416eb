//! The log: lines for people or objects for machines, on stderr.

use tracing_subscriber::EnvFilter;
use wattpool_daemon::config::{LogConfig, LogFormat};

/// Puts other filters in force.
pub type Refilter = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

/// Starts logging, once per process; what it gives changes what is written.
///
/// # Errors
/// The level is none, or something else logs already.
pub fn start(config: &LogConfig) -> anyhow::Result<Refilter> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(config.filter()?)
        // Whoever reads the log may go away: that is no reason to stop working.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let (started, refilter): (_, Refilter) = match config.format {
        LogFormat::Text => {
            let builder = builder.with_ansi(false).with_filter_reloading();
            let handle = builder.reload_handle();
            let refilter = move |filter| handle.reload(filter).map_err(|e| e.to_string());
            (builder.try_init(), Box::new(refilter))
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            let handle = builder.reload_handle();
            let refilter = move |filter| handle.reload(filter).map_err(|e| e.to_string());
            (builder.try_init(), Box::new(refilter))
        }
    };
    started.map_err(|e| anyhow::anyhow!("the log cannot be started: {e}"))?;
    Ok(refilter)
}
