//! The signal for the home: surplus or deficit of home and neighbourhood, the price, and what is expected, for
//! whatever can use energy when there is some. Told to an MQTT broker, with Home Assistant's discovery; the same is
//! had over HTTP.

mod discovery;
mod expected;

pub use discovery::{discovery, Entity};
pub use expected::{expect, DAYS};

use crate::address::BrokerAt;
use crate::broker::{self, Broker, Client, Options, Version};
use crate::settings::{secret, SettingsError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use wattpool_meter_codec::household::PowerNow;
use wattpool_schema::{MeterId, Price, Seconds, Wh, Window};

/// What holds now, and what is expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signal {
    /// The home's meter.
    pub meter: MeterId,
    /// When this was so.
    pub at: Seconds,
    /// Length of a window, seconds.
    pub window_seconds: u32,
    /// The home.
    pub home: Home,
    /// The neighbourhood; none: the chain has not answered.
    pub neighbourhood: Option<Neighbourhood>,
    /// Money.
    pub price: Prices,
    /// Home or neighbours have energy to spare.
    pub sun: bool,
    /// The coming windows, the running one first; empty until two days are known.
    pub expected: Vec<Expected>,
}

/// The home.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Home {
    /// Surplus, W; negative: deficit. By the power that the devices tell now, otherwise the mean of the last metered
    /// window. None: neither is known.
    pub surplus_w: Option<i64>,
    /// Power now, where the devices tell it.
    #[serde(flatten)]
    pub now: PowerNow,
    /// The last metered window.
    pub window: Option<Window>,
    /// Its net export, Wh; negative: net import.
    pub net_wh: Option<i64>,
}

/// The neighbourhood, in the metered window that is traded now: the last one that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Neighbourhood {
    /// That window.
    pub window: Window,
    /// What all homes stated as surplus so far.
    pub supply_wh: Wh,
    /// Of this not sold yet.
    pub unsold_wh: Wh,
    /// What the homes of this zone announced to need; none: this agent had no reason to look in this window.
    pub demand_wh: Option<Wh>,
    /// What is not sold, as a mean power of the window, W.
    pub surplus_w: u64,
    /// What is announced to be needed beyond the announced surplus, as a mean power, W.
    pub deficit_w: Option<u64>,
}

/// Money, micro-units per kWh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prices {
    /// The mean price of the last closed window in which something was traded, otherwise what the grid asks.
    pub now: Option<i64>,
    /// Mean price of the last closed window; none: nothing was traded in it.
    pub mean: Option<Price>,
    /// What the national grid asks.
    pub import: Option<i64>,
    /// What it pays.
    pub feed_in: Option<i64>,
}

/// What a window is expected to bring: the mean of the same time of day over the last days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// Which.
    pub window: Window,
    /// First second.
    pub from: Seconds,
    /// Net export, Wh; negative: net import.
    pub net_wh: i64,
    /// By how much the same rule was wrong at this time of day over the last days, in the mean, Wh; none: it could not
    /// be tried yet.
    pub error_wh: Option<u64>,
    /// Days that the mean is of.
    pub days: u8,
}

/// Wh of a window as a mean power, W.
pub fn mean_power(wh: i64, window_s: u32) -> i64 {
    let seconds = i64::from(window_s.max(1));
    wh.saturating_mul(3_600).checked_div(seconds).unwrap_or(0)
}

/// Where the signal is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalDevice {
    /// The broker, as of a meter.
    pub connection: String,
    /// Under which topic; without it `wattpool/` and the first eight digits of the meter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Under which topic Home Assistant discovers; "": nothing is told there.
    #[serde(default = "discovery_prefix")]
    pub discovery: String,
    /// Seconds after which it is told again.
    #[serde(default = "refresh")]
    pub refresh_s: u64,
    /// Version of MQTT, 3 (3.1.1) or 5; 3 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// User at the broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// File with the broker's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// Certificates that the broker is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

fn discovery_prefix() -> String {
    "homeassistant".to_owned()
}

const fn refresh() -> u64 {
    10
}

impl SignalDevice {
    /// Relative paths start at this folder.
    pub fn start_at(&mut self, folder: &Path) {
        for path in [&mut self.secret_file, &mut self.ca_file]
            .into_iter()
            .flatten()
        {
            *path = folder.join(&path);
        }
    }

    /// Checks everything that can be checked without the broker and without the files.
    ///
    /// # Errors
    /// The first setting that cannot be meant.
    pub fn check(&self) -> Result<(), SettingsError> {
        BrokerAt::parse(&self.connection)?;
        let wrong = |key: &str, expected, found: String| SettingsError {
            key: key.to_owned(),
            expected,
            found,
        };
        if !(1..=600).contains(&self.refresh_s) {
            return Err(wrong("refresh_s", "1 to 600", self.refresh_s.to_string()));
        }
        let bad = |t: &str| t.is_empty() || t.contains(['+', '#', '\0']);
        if let Some(topic) = self.topic.as_deref().filter(|t| bad(t)) {
            let expected = "a topic without + and #";
            return Err(wrong("topic", expected, format!("{topic:?}")));
        }
        if !self.discovery.is_empty() && bad(&self.discovery) {
            let expected = "a topic without + and #, or \"\"";
            return Err(wrong(
                "discovery",
                expected,
                format!("{:?}", self.discovery),
            ));
        }
        Ok(())
    }

    /// Under which topic this meter's signal is told.
    pub fn topic(&self, meter: MeterId) -> String {
        let short: String = meter.to_string().chars().take(8).collect();
        let usual = || format!("wattpool/{short}");
        self.topic.clone().unwrap_or_else(usual)
    }

    fn options(&self, meter: MeterId) -> Result<Options, SettingsError> {
        self.check()?;
        Broker {
            at: BrokerAt::parse(&self.connection)?,
            version: self.version.unwrap_or_default(),
            user: self.user.clone(),
            password: secret(self.secret_file.as_deref())?,
            ca_file: self.ca_file.clone(),
            client: format!("wattpool-{}-signal", std::process::id()),
            will: Some((availability(&self.topic(meter)), OFFLINE.to_owned())),
        }
        .options()
    }
}

const ONLINE: &str = "online";
const OFFLINE: &str = "offline";

fn availability(topic: &str) -> String {
    format!("{topic}/availability")
}

fn state(topic: &str) -> String {
    format!("{topic}/signal")
}

/// Tells the signal as long as it lives; when it ends, the broker says `offline`.
#[derive(Debug)]
pub struct SignalTeller(JoinHandle<()>);

impl Drop for SignalTeller {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl SignalTeller {
    /// Begins to tell, in the running tokio runtime. `currency`: what one coin is called; `signal`: the newest one,
    /// none before the first.
    ///
    /// # Errors
    /// A setting that cannot be meant, or a file that cannot be read.
    pub fn start(
        device: &SignalDevice,
        meter: MeterId,
        currency: &str,
        signal: watch::Receiver<Option<Signal>>,
    ) -> Result<Self, SettingsError> {
        let options = device.options(meter)?;
        let topic = device.topic(meter);
        let entities = if device.discovery.is_empty() {
            Vec::new()
        } else {
            discovery(&device.discovery, &topic, meter, currency, device.refresh_s)
        };
        let every = Duration::from_secs(device.refresh_s);
        Ok(Self(tokio::spawn(tell(
            options, topic, entities, every, signal,
        ))))
    }
}

async fn tell(
    options: Options,
    topic: String,
    entities: Vec<Entity>,
    every: Duration,
    mut signal: watch::Receiver<Option<Signal>>,
) {
    let (client, events) = options.open();
    let (tell, mut stands) = watch::channel(false);
    let _kept = broker::keep(events, "signal", move |now| {
        tell.send_replace(now);
    });
    let mut introduced = false;
    loop {
        // Only while the connection stands: what waits in a queue is old when it is said.
        if *stands.borrow_and_update() {
            if !introduced {
                // A broker that was started again may have forgotten what it was to keep.
                introduce(&client, &topic, &entities);
                introduced = true;
            }
            let text = signal
                .borrow_and_update()
                .as_ref()
                .and_then(|s| serde_json::to_string(s).ok());
            if let Some(text) = text {
                said(client.publish_retained(&state(&topic), text));
            }
        } else {
            introduced = false;
        }
        tokio::select! {
            () = sleep(every) => {}
            changed = signal.changed() => if changed.is_err() { return },
            changed = stands.changed() => if changed.is_err() { return },
        }
    }
}

fn introduce(client: &Client, topic: &str, entities: &[Entity]) {
    said(client.publish_retained(&availability(topic), ONLINE.to_owned()));
    for entity in entities {
        said(client.publish_retained(&entity.topic, entity.config.to_string()));
    }
}

/// A queue that is full: the broker takes nothing, and the connection's own trouble is told.
fn said(told: Result<(), String>) {
    if let Err(why) = told {
        tracing::debug!("the signal is not told: {why}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refused = |more: &str| {
            let text = format!("connection = \"mqtt://broker\"\n{more}");
            let device: SignalDevice = toml::from_str(&text).unwrap();
            device.check().map_err(|e| e.to_string())
        };
        assert_eq!(refused(""), Ok(()));
        assert_eq!(refused("discovery = \"\"\nversion = 5"), Ok(()));
        let error = refused("topic = \"a/#\"").unwrap_err();
        assert_eq!(
            error,
            "topic: expected a topic without + and #, found \"a/#\""
        );
        let error = refused("refresh_s = 0").unwrap_err();
        assert_eq!(error, "refresh_s: expected 1 to 600, found 0");
        let device: Result<SignalDevice, _> =
            toml::from_str("connection = \"mqtt://b\"\nversion = 4");
        let error = device.unwrap_err().to_string();
        assert!(
            error.contains("expected 3 (for 3.1.1) or 5, found 4"),
            "{error}"
        );
        let device: SignalDevice = toml::from_str("connection = \"tcp://b\"").unwrap();
        assert!(device.check().is_err());
    }

    #[test]
    fn a_window_has_a_mean_power() {
        assert_eq!(mean_power(250, 900), 1_000);
        assert_eq!(mean_power(-1, 900), -4);
    }
}
