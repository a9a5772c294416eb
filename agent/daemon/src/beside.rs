//! What is noted beside the agent, for its owner's page: fees, and what the panels make behind the meter.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wattpool_core::ports::home::{JournalError, Meter, MeterError};
use wattpool_daemon::config::MeterConfig;
use wattpool_journal_sqlite::{Generated, HistoryReader, SqliteJournal};
use wattpool_ledger_wasmd::WasmdLedger;
use wattpool_meter_codec::household::Role;
use wattpool_schema::{Micro, Seconds, Window};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(15);
/// Registers of windows that ended before this are not asked for: the load profile has forgotten them, seconds.
const KEPT_S: u64 = 40 * 86_400;

/// The local clock's window.
fn running(len: u32) -> Window {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Window::at(Seconds(since.map_or(0, |since| since.as_secs())), len)
}

/// Where registers of what is generated are kept, if they are known.
pub fn generated(meter: &MeterConfig) -> Option<Generated> {
    let is = |role| meter.device.iter().any(|device| device.role == role);
    let apart = |role: Role| matches!(role, Role::Consumption | Role::Generation | Role::Panels);
    if is(Role::Panels) {
        Some(Generated::Beside)
    } else if is(Role::Generation) && meter.device.iter().all(|device| apart(device.role)) {
        Some(Generated::Stated)
    } else {
        None
    }
}

/// Writes to the history, off the agent's thread.
async fn write(
    file: &Path,
    what: impl FnOnce(&mut SqliteJournal) -> Result<(), JournalError> + Send + 'static,
) -> bool {
    let file = file.to_owned();
    let task = tokio::task::spawn_blocking(move || {
        SqliteJournal::open_for_history(&file).and_then(|mut history| what(&mut history))
    });
    match task.await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "a figure of the page is not noted");
            false
        }
        Err(_) => false,
    }
}

/// Fees of the agent's transactions.
pub struct Fees {
    ledger: Arc<WasmdLedger>,
    file: PathBuf,
    len: u32,
    noted: Micro,
}

impl Fees {
    /// Nothing is noted yet. `file`: the history; `len`: of a window, seconds.
    pub fn new(ledger: Arc<WasmdLedger>, file: PathBuf, len: u32) -> Self {
        Self {
            ledger,
            file,
            len,
            noted: Micro(0),
        }
    }

    /// Notes what was spent since the last time.
    async fn note(&mut self) {
        let spent = self.ledger.fees_spent();
        let more = Micro(spent.0.saturating_sub(self.noted.0));
        let window = running(self.len);
        if more.0 > 0 && write(&self.file, move |h| h.note_fees(window, more)).await {
            self.noted = spent;
        }
    }
}

/// Fees are noted as long as it lives.
pub struct Noting {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Noting {
    /// Begins, in the running tokio runtime.
    pub fn start(mut fees: Fees) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            loop {
                let stopped = tokio::time::timeout(EVERY, stopped.changed()).await.is_ok();
                fees.note().await;
                if stopped {
                    break;
                }
            }
        });
        Self { stop, task }
    }

    /// Notes the rest.
    pub async fn end(self) {
        self.stop.send_replace(true);
        // What failed there is in the log.
        let _ = self.task.await;
    }
}

/// Notes what panels behind the meter make, for ever. `len`: of a window, seconds.
pub async fn panels(meter: impl Meter, file: PathBuf, len: u32) {
    let before = running(len)
        .0
        .saturating_sub(KEPT_S.checked_div(u64::from(len)).unwrap_or(0));
    let known = HistoryReader::open(&file).and_then(|reader| reader.last_generated());
    let noted = known.ok().flatten().map_or(before, |w| w.0.max(before));
    let mut next = Window(noted).next();
    loop {
        while next < running(len) {
            match meter.registers(next).await {
                Ok(reading) => {
                    let (window, register) = (next, reading.export_register);
                    if !write(&file, move |h| h.note_generated(window, register)).await {
                        break;
                    }
                }
                // It is joined with the next one.
                Err(MeterError::NotKept { .. }) => {}
                Err(MeterError::Silent(_)) => break,
            }
            next = next.next();
        }
        tokio::time::sleep(EVERY).await;
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]
mod tests {
    use super::*;
    use wattpool_core::io::Reading;
    use wattpool_schema::Wh;

    /// Ten Wh a window; every third has no registers, and the newest are not told yet.
    struct Panels(Window);

    impl Meter for Panels {
        async fn registers(&self, end_of: Window) -> Result<Reading, MeterError> {
            if end_of >= self.0 {
                return Err(MeterError::Silent("not yet".into()));
            }
            if end_of.0.is_multiple_of(3) {
                let why = "it was off".into();
                return Err(MeterError::NotKept {
                    window: end_of,
                    why,
                });
            }
            Ok(Reading {
                window: end_of,
                taken_at: end_of.end(1),
                import_register: Wh(0),
                export_register: Wh(end_of.0 * 10),
                power_w: None,
            })
        }
    }

    #[tokio::test]
    async fn what_panels_make_is_noted_from_where_it_ended_to_what_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.sqlite");
        let end = Window(running(1).0 / 3 * 3 - 3);
        let first = Window(end.0 - 9);
        write(&file, move |h| h.note_generated(first, Wh(first.0 * 10))).await;
        let noting = panels(Panels(end), file.clone(), 1);
        // It goes on for ever.
        assert!(tokio::time::timeout(EVERY / 3, noting).await.is_err());
        let reader = HistoryReader::open(&file).unwrap();
        let (from, to) = (first.next().start(1), end.start(1));
        let made = reader.generated(1, from, to, Generated::Beside).unwrap();
        let made: Vec<(u64, u64)> = made.iter().map(|(w, wh)| (w.0 - first.0, wh.0)).collect();
        assert_eq!(made, [(1, 10), (2, 10), (4, 20), (5, 10), (7, 20), (8, 10)]);
    }
}
