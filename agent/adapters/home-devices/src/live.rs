//! The agent's meter: all devices of a home.

use crate::settings::{Device, SettingsError};
use crate::source::{lines, listen, now, Listener, Said};
use crate::store::Store;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use wattpool_core::io::Reading;
use wattpool_core::ports::home::{Meter, MeterError};
use wattpool_meter_codec::household::{Heard, Household, PowerNow, Role};
use wattpool_meter_codec::profile::NoEnd;
use wattpool_schema::Window;

/// How long a question waits for the first word after a window's end.
const WAIT: Duration = Duration::from_secs(20);
/// The same trouble is logged again after this.
const AGAIN: Duration = Duration::from_secs(600);

/// Why devices cannot be listened to.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting of one of them.
    #[error("device {}: {error}", number.saturating_add(1))]
    Settings {
        /// Which, counted from 0.
        number: usize,
        /// What is wrong.
        error: SettingsError,
    },
    /// The file of the load profile.
    #[error("load profile {file}: {error}")]
    Profile {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
}

/// Listens to the devices of a home as long as it lives.
#[derive(Debug)]
pub struct LiveMeter {
    state: Arc<Shared>,
    heard: watch::Receiver<u64>,
    _tasks: JoinSet<()>,
}

struct Shared {
    names: Vec<String>,
    /// The first of each device's lines in the household.
    first: Vec<usize>,
    state: Mutex<State>,
    heard: watch::Sender<u64>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Devices")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

struct State {
    household: Household,
    store: Store,
    /// What is wrong with a device now.
    trouble: BTreeMap<usize, String>,
    logged: BTreeMap<(usize, &'static str), Instant>,
}

impl LiveMeter {
    /// Begins to listen, in the running tokio runtime. `window_s`: length of the market's windows; `profile`: the
    /// file that keeps the load profile.
    ///
    /// # Errors
    /// `StartError`: a setting cannot be meant, or the file cannot be used.
    pub fn start(devices: &[Device], window_s: u32, profile: &Path) -> Result<Self, StartError> {
        let mut household = Household::new(window_s);
        let mut first = Vec::new();
        let mut kept = Vec::new();
        for device in devices {
            let mut begin = None;
            for (at, role) in lines(device).into_iter().enumerate() {
                let line = household.add(role);
                begin = begin.or(Some(line));
                let side = match role {
                    Role::Grid => "grid",
                    Role::Import | Role::Consumption => "import",
                    Role::Export | Role::Generation | Role::Panels => "export",
                };
                // Another place or another count is another line: its registers do not go on.
                kept.push(format!("{} {} {side} {at}", device.kind, device.connection));
            }
            first.push(begin.unwrap_or(0));
        }
        let (store, bad) =
            Store::open(profile, window_s, kept, &mut household).map_err(|error| {
                StartError::Profile {
                    file: profile.display().to_string(),
                    error,
                }
            })?;
        if bad > 0 {
            tracing::warn!(file = %profile.display(), "{bad} lines of the load profile are left out");
        }
        let (tell, heard) = watch::channel(0);
        let state = Arc::new(Shared {
            names: devices.iter().map(Device::name).collect(),
            first,
            state: Mutex::new(State {
                household,
                store,
                trouble: BTreeMap::new(),
                logged: BTreeMap::new(),
            }),
            heard: tell,
        });
        let listener = Arc::clone(&state) as Arc<dyn Listener>;
        let tasks = listen(devices, &listener)
            .map_err(|(number, error)| StartError::Settings { number, error })?;
        Ok(Self {
            state,
            heard,
            _tasks: tasks,
        })
    }

    /// The power that the devices tell now.
    pub fn power_now(&self) -> PowerNow {
        self.state.lock().household.power_now(now())
    }

    fn end(&self, end_of: Window) -> Result<Reading, MeterError> {
        let state = self.state.lock();
        match state.household.end(end_of) {
            Ok(end) => Ok(Reading {
                window: end_of,
                taken_at: end.at,
                import_register: end.import,
                export_register: end.export,
                power_w: end.power_w,
            }),
            Err(NoEnd::NotYet) => {
                let trouble = state.trouble.iter().map(|(device, why)| {
                    let name = self.state.names.get(*device);
                    format!("{}: {why}", name.map_or("", String::as_str))
                });
                let trouble: Vec<String> = trouble.collect();
                Err(MeterError::Silent(if trouble.is_empty() {
                    NoEnd::NotYet.to_string()
                } else {
                    trouble.join("; ")
                }))
            }
            Err(why) => Err(MeterError::NotKept {
                window: end_of,
                why: why.to_string(),
            }),
        }
    }
}

impl Meter for LiveMeter {
    async fn registers(&self, end_of: Window) -> Result<Reading, MeterError> {
        let mut heard = self.heard.clone();
        let waited = tokio::time::timeout(WAIT, async {
            loop {
                heard.borrow_and_update();
                match self.end(end_of) {
                    Err(MeterError::Silent(_)) => {}
                    told => return told,
                }
                if heard.changed().await.is_err() {
                    return self.end(end_of);
                }
            }
        });
        match waited.await {
            Ok(told) => told,
            Err(_) => self.end(end_of),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self, device: usize) -> &str {
        self.names.get(device).map_or("", String::as_str)
    }
}

impl State {
    /// Whether this kind of trouble is to be logged now.
    fn due(&mut self, device: usize, kind: &'static str) -> bool {
        let now = Instant::now();
        let last = self.logged.get(&(device, kind));
        let due = last.is_none_or(|l| now.saturating_duration_since(*l) >= AGAIN);
        if due {
            self.logged.insert((device, kind), now);
        }
        due
    }
}

impl Listener for Shared {
    fn said(&self, device: usize, said: Said) {
        let name = self.name(device);
        let mut state = self.lock();
        if let Some(off) = said.clock_off_s {
            if state.due(device, "clock") {
                tracing::warn!(
                    device = name,
                    "the meter's clock is off by {off} s: the time of arrival is taken"
                );
            }
        }
        let line = self
            .first
            .get(device)
            .copied()
            .unwrap_or(0)
            .saturating_add(said.line);
        match state.household.hear(line, said.at, &said.reading) {
            Heard::Taken => {
                if state.trouble.remove(&device).is_some() {
                    tracing::info!(device = name, "the meter is read again");
                    state.logged.remove(&(device, "trouble"));
                }
            }
            Heard::SetBack(by) => {
                tracing::warn!(device = name, "the clock was set back by {by} s");
            }
            Heard::Repeated | Heard::NoRegister => return,
        }
        let State {
            household, store, ..
        } = &mut *state;
        if let Err(error) = store.keep(household, line) {
            if state.due(device, "store") {
                tracing::error!(%error, "the load profile cannot be kept");
            }
        }
        drop(state);
        self.heard.send_modify(|n| *n = n.wrapping_add(1));
    }

    fn trouble(&self, device: usize, why: &str) {
        let mut state = self.lock();
        let known = state.trouble.insert(device, why.to_owned());
        if known.as_deref() != Some(why) || state.due(device, "trouble") {
            tracing::warn!(device = self.name(device), "the meter is not read: {why}");
            state.due(device, "trouble");
        }
    }

    fn refused(&self, device: usize, why: &str) {
        let mut state = self.lock();
        if state.due(device, "refused") {
            tracing::warn!(device = self.name(device), "left out: {why}");
        } else {
            tracing::debug!(device = self.name(device), "left out: {why}");
        }
    }
}
