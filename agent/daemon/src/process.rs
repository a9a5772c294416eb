//! The process as its service manager sees it: ready, alive, told to stop, and gone in time.

use anyhow::{anyhow, Context, Result};
use sd_notify::NotifyState;
use std::sync::mpsc;
use std::time::Duration;
use tokio::signal::unix::{signal, Signal, SignalKind};
use tokio::sync::watch;

/// How long an end may take, whatever hangs. What counts is journalled, and goes on after the next start.
pub const ENDS_WITHIN: Duration = Duration::from_millis(4_500);

/// True once the process is told to stop (SIGTERM or SIGINT); then it ends within [`ENDS_WITHIN`]. Signals are heard in a thread of their own: neither a
/// log that nobody reads nor anything else that blocks the agent keeps it from ending.
///
/// # Errors
/// Signals cannot be heard.
pub fn stop_signal() -> Result<watch::Receiver<bool>> {
    let (tell, told) = watch::channel(false);
    let (ready, is_ready) = mpsc::channel();
    let hear = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(anyhow!(error)))),
        };
        runtime.block_on(async {
            let (mut terminate, mut interrupt) = match signals() {
                Ok(signals) => signals,
                Err(error) => return drop(ready.send(Err(error))),
            };
            let _ = ready.send(Ok(()));
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tell.send_replace(true);
            notify(&[NotifyState::Stopping]);
            tokio::time::sleep(ENDS_WITHIN).await;
            // Not a word: what reads the log may be what hangs.
            std::process::exit(0);
        });
    };
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(hear).context("a thread for signals")?;
    is_ready.recv().context("the thread for signals")??;
    Ok(told)
}

fn signals() -> Result<(Signal, Signal)> {
    let terminate = signal(SignalKind::terminate()).context("SIGTERM")?;
    let interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
    Ok((terminate, interrupt))
}

/// Tells the service manager, if there is one, that the process is ready, and from then on that it is alive: from the runtime that does the work, so that
/// one that hangs is started anew.
pub fn ready() {
    notify(&[NotifyState::Ready]);
    let Some(within) = sd_notify::watchdog_enabled() else {
        return;
    };
    tokio::spawn(async move {
        let third = within.checked_div(3).unwrap_or(within);
        let mut every = tokio::time::interval(third);
        loop {
            every.tick().await;
            notify(&[NotifyState::Watchdog]);
        }
    });
}

fn notify(state: &[NotifyState<'_>]) {
    // Nobody may be there to be told.
    let _ = sd_notify::notify(state);
}
