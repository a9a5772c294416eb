//! The home's meter, replayed or read.

use anyhow::Result;
use wattpool_core::io::Reading;
use wattpool_core::ports::home::{Meter, MeterError};
use wattpool_daemon::config::Config;
use wattpool_home_devices::{Device, LiveMeter};
use wattpool_meter_codec::household::{PowerNow, Role};
use wattpool_meter_replay::ReplayMeter;
use wattpool_schema::Window;

/// Where registers come from.
#[derive(Debug)]
pub enum HomeMeter {
    /// A profile.
    Replay(ReplayMeter),
    /// Devices.
    Live(LiveMeter),
}

impl HomeMeter {
    /// Opens what the configuration names; devices are listened to from now on.
    ///
    /// # Errors
    /// A file cannot be used, or a setting not be meant.
    pub fn open(config: &Config, window_s: u32) -> Result<Self> {
        Ok(match config.profile() {
            Some(profile) => Self::Replay(ReplayMeter::open(&profile, window_s)?),
            None => {
                let devices = config.meter.device.iter();
                let traded: Vec<Device> = devices
                    .filter(|d| d.role != Role::Panels)
                    .cloned()
                    .collect();
                let profile = &config.meter.load_profile;
                Self::Live(LiveMeter::start(&traded, window_s, profile)?)
            }
        })
    }

    /// Listens to what measures panels behind the meter, if there is something. Their registers are kept beside those of the meter.
    ///
    /// # Errors
    /// A setting cannot be meant, or the file not be used.
    pub fn panels(config: &Config, window_s: u32) -> Result<Option<LiveMeter>> {
        let devices = config.meter.device.iter();
        let panels: Vec<Device> = devices
            .filter(|d| d.role == Role::Panels)
            .cloned()
            .collect();
        if panels.is_empty() {
            return Ok(None);
        }
        let profile = config.meter.load_profile.with_extension("panels.jsonl");
        Ok(Some(LiveMeter::start(&panels, window_s, &profile)?))
    }
}

impl HomeMeter {
    /// The power that the devices tell now; a profile tells none.
    pub fn power_now(&self) -> PowerNow {
        match self {
            Self::Replay(_) => PowerNow::default(),
            Self::Live(meter) => meter.power_now(),
        }
    }
}

impl Meter for HomeMeter {
    async fn registers(&self, end_of: Window) -> Result<Reading, MeterError> {
        match self {
            Self::Replay(meter) => meter.registers(end_of).await,
            Self::Live(meter) => meter.registers(end_of).await,
        }
    }
}
