//! The home's meter, replayed or read.

use anyhow::Result;
use wattpool_core::io::Reading;
use wattpool_core::ports::home::{Meter, MeterError};
use wattpool_daemon::config::Config;
use wattpool_home_devices::LiveMeter;
use wattpool_meter_codec::household::PowerNow;
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
            None => Self::Live(LiveMeter::start(
                &config.meter.device,
                window_s,
                &config.meter.load_profile,
            )?),
        })
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
