//! The agent's configuration file.

mod alerts;
mod chain;
mod fleet;
mod http;
mod log;

pub use alerts::AlertsConfig;
pub use chain::ChainConfig;
pub use fleet::{FleetConfig, PolicyFrom};
pub use http::{is_name, HttpConfig};
pub use log::{LogConfig, LogFormat};

use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use wattpool_core::policy::Policy;
use wattpool_discovery_libp2p::Limits;
use wattpool_home_devices::settings::MOST_DEVICES;
use wattpool_home_devices::{Address, Device, GateDevice, SignalDevice, Wire};
use wattpool_meter_codec::household::Role;
use wattpool_meter_replay::Profile;
use wattpool_schema::{MeterId, Window};

/// The commented file that `agent init` writes: every key is in it.
pub const TEMPLATE: &str = include_str!("config.toml");

/// A configuration that cannot be used, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: {why}", file = file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// It is not what it should be.
    #[error("{file}: line {line}: {why}", file = file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Where.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A value cannot be used.
    #[error("{file}: {key}: expected {expected}, found {found}", file = file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// Which key.
        key: String,
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
}

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The meter.
    pub meter: MeterConfig,
    /// The gate to the national grid, if a device is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateDevice>,
    /// Who in the home is told of surplus and price, if somebody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<SignalDevice>,
    /// The chain.
    pub chain: ChainConfig,
    /// Other meters.
    #[serde(default)]
    pub network: NetworkConfig,
    /// The keystore.
    #[serde(default)]
    pub keys: KeysConfig,
    /// Journal and history.
    #[serde(default)]
    pub storage: StorageConfig,
    /// Status, health and metrics.
    #[serde(default)]
    pub http: HttpConfig,
    /// Who is told of alerts.
    #[serde(default)]
    pub alerts: AlertsConfig,
    /// The log.
    #[serde(default)]
    pub log: LogConfig,
    /// Whose word counts where many homes are looked after.
    #[serde(default)]
    pub fleet: FleetConfig,
    /// What the agent may do.
    #[serde(default)]
    pub policy: Policy,
}

/// `[meter]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterConfig {
    /// Pseudonym on the chain.
    pub id: MeterId,
    /// Keeps the registers at the ends of windows for forty days, for devices that are read.
    #[serde(default = "load_profile")]
    pub load_profile: PathBuf,
    /// Replays a profile; otherwise devices are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayConfig>,
    /// What is read: several where import and export come from different ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device: Vec<Device>,
}

fn load_profile() -> PathBuf {
    "load-profile.jsonl".into()
}

/// `[meter.replay]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayConfig {
    /// CSV file.
    pub file: PathBuf,
    /// Column of the demand.
    #[serde(default = "demand_column")]
    pub demand: String,
    /// Column of the generation, or nothing.
    #[serde(default = "generation_column")]
    pub generation: String,
    /// Wh per unit.
    #[serde(default = "one")]
    pub scale: f64,
    /// The market window of the first row.
    #[serde(default)]
    pub first_window: Window,
    /// Begin again after the last row.
    #[serde(default = "yes")]
    pub repeat: bool,
}

fn demand_column() -> String {
    "demand_wh".into()
}
fn generation_column() -> String {
    "generation_wh".into()
}
const fn one() -> f64 {
    1.0
}
const fn yes() -> bool {
    true
}

/// `[network]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Where to listen.
    pub listen: Vec<String>,
    /// Reached under.
    pub external: Vec<String>,
    /// Meters to begin with.
    pub bootstrap: Vec<String>,
    /// Find meters on the local network.
    pub mdns: bool,
    /// Forward for registered meters that cannot be reached.
    pub relay: bool,
    /// Ask the router to forward the port.
    pub upnp: bool,
    /// Others cannot reach this meter, whatever is found.
    pub hidden: bool,
    /// Connections at once.
    pub links: u32,
    /// Records kept for others.
    pub records: usize,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            listen: vec!["/ip4/0.0.0.0/tcp/7400".into(), "/ip6/::/tcp/7400".into()],
            external: Vec::new(),
            bootstrap: Vec::new(),
            mdns: true,
            relay: true,
            upnp: true,
            hidden: false,
            links: limits.links,
            records: limits.records,
        }
    }
}

/// `[keys]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysConfig {
    /// The encrypted file.
    pub file: PathBuf,
    /// Holds the passphrase, or nothing.
    pub passphrase_file: PathBuf,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self {
            file: "keys.age".into(),
            passphrase_file: PathBuf::new(),
        }
    }
}

/// `[storage]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StorageConfig {
    /// Journal and history.
    pub file: PathBuf,
    /// Days for which what stands behind each statement is kept: without it no bill of that time can be shown to be right.
    pub keep_readings_days: u32,
}

impl StorageConfig {
    /// As windows of a market.
    pub fn keep_windows(&self, window_seconds: u32) -> u64 {
        let seconds = u64::from(self.keep_readings_days).saturating_mul(86_400);
        seconds.div_ceil(u64::from(window_seconds).max(1))
    }
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            file: "journal.sqlite".into(),
            keep_readings_days: 3 * 366,
        }
    }
}

impl MeterConfig {
    /// `value` makes an error of key, what was expected, and what was found.
    fn check<E>(
        &self,
        value: impl Fn(&str, &'static str, String) -> Result<(), E>,
    ) -> Result<(), E> {
        match (&self.replay, self.device.len()) {
            (Some(replay), 0) => {
                let scale = replay.scale;
                if !(scale.is_finite() && scale > 0.0) {
                    value("meter.replay.scale", "a positive number", scale.to_string())?;
                }
            }
            (None, 1..=MOST_DEVICES) => {
                if self.device.iter().all(|device| device.role == Role::Panels) {
                    value(
                        "meter.device",
                        "one with another role than panels",
                        "none".into(),
                    )?;
                }
            }
            (None, 0) => value(
                "meter",
                "[meter.replay] or [[meter.device]]",
                "neither".into(),
            )?,
            (Some(_), _) => value("meter", "[meter.replay] or [[meter.device]]", "both".into())?,
            (None, n) => value("meter.device", "at most 8 devices", n.to_string())?,
        }
        let mut ports = Vec::new();
        for (at, device) in self.device.iter().enumerate() {
            let number = at.saturating_add(1);
            if let Err(why) = device.check() {
                value(
                    &format!("meter.device {number}: {}", why.key),
                    why.expected,
                    why.found,
                )?;
            }
            if let Ok(Address::Wire(Wire::Serial(port, _))) = device.address() {
                if ports.contains(&port) {
                    let key = format!("meter.device {number}: connection");
                    value(
                        &key,
                        "a serial port for each device",
                        port.display().to_string(),
                    )?;
                }
                ports.push(port);
            }
        }
        Ok(())
    }
}

impl Config {
    /// Reads and checks a file. Relative paths in it start at its folder.
    ///
    /// # Errors
    /// [`ConfigError`] names file, line or key, and what was expected.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let (config, wrong) = Self::read_all(file)?;
        wrong.into_iter().next().map_or(Ok(config), Err)
    }

    /// Reads a file, and lists everything that is wrong with it.
    ///
    /// # Errors
    /// It cannot be read, or is of another form: then nothing more can be told.
    pub fn read_all(file: &Path) -> Result<(Self, Vec<ConfigError>), ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|e| ConfigError::File {
            file: file.to_owned(),
            why: e.to_string(),
        })?;
        let mut config = Self::of_text(file, &text)?;
        let wrong = config.problems(file);
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        for device in &mut config.meter.device {
            device.start_at(folder);
        }
        if let Some(gate) = &mut config.gate {
            gate.start_at(folder);
        }
        if let Some(signal) = &mut config.signal {
            signal.start_at(folder);
        }
        if let Some(replay) = &mut config.meter.replay {
            replay.file = folder.join(&replay.file);
        }
        config.chain.start_at(folder);
        config.alerts.start_at(folder);
        for path in [
            &mut config.meter.load_profile,
            &mut config.keys.file,
            &mut config.storage.file,
            &mut config.http.token_file,
        ] {
            *path = folder.join(&path);
        }
        config.http.beside_the_token();
        if !config.keys.passphrase_file.as_os_str().is_empty() {
            config.keys.passphrase_file = folder.join(&config.keys.passphrase_file);
        }
        Ok((config, wrong))
    }

    /// Reads and checks a text.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let config = Self::of_text(file, text)?;
        let wrong = config.problems(file).into_iter().next();
        wrong.map_or(Ok(config), Err)
    }

    fn of_text(file: &Path, text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|e| {
            let before = e.span().and_then(|s| text.get(..s.start)).unwrap_or("");
            ConfigError::Line {
                file: file.to_owned(),
                line: before.matches('\n').count().saturating_add(1),
                why: e.message().replace(['\n', '\r'], " "),
            }
        })
    }

    /// Everything that is wrong, in the order of the file.
    fn problems(&self, file: &Path) -> Vec<ConfigError> {
        let found = RefCell::new(Vec::new());
        let note = |key: &str, expected, was: String| {
            found.borrow_mut().push(ConfigError::Value {
                file: file.to_owned(),
                key: key.to_owned(),
                expected,
                found: was,
            });
            // The next one may be wrong as well.
            Ok::<(), Infallible>(())
        };
        let Ok(()) = self.check(&note);
        found.into_inner()
    }

    fn check<E>(
        &self,
        value: &impl Fn(&str, &'static str, String) -> Result<(), E>,
    ) -> Result<(), E> {
        self.meter.check(value)?;
        if let Some(Err(why)) = self.signal.as_ref().map(SignalDevice::check) {
            value(&format!("signal.{}", why.key), why.expected, why.found)?;
        }
        self.chain.check(value)?;
        self.http.check(value)?;
        self.alerts.check(value)?;
        if self.log.filter().is_err() {
            let found = format!("{:?}", self.log.level);
            value(
                "log.level",
                "a level or filters such as info,libp2p=warn",
                found,
            )?;
        }
        if let Err(why) = self.policy.check() {
            let key = format!("policy.{}", why.key);
            value(&key, why.expected, why.found)?;
        }
        Ok(())
    }

    /// What the meter replays, if it replays.
    pub fn profile(&self) -> Option<Profile> {
        let replay = self.meter.replay.as_ref()?;
        Some(Profile {
            file: replay.file.clone(),
            demand: replay.demand.clone(),
            generation: Some(replay.generation.clone()).filter(|g| !g.is_empty()),
            scale: replay.scale,
            first_window: replay.first_window,
            repeat: replay.repeat,
        })
    }

    /// Bounds of the network.
    pub fn limits(&self) -> Limits {
        Limits {
            links: self.network.links,
            records: self.network.records,
            ..Limits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(Path::new("agent.toml"), text)
    }

    /// The template with every commented key put in force.
    fn all_keys() -> String {
        let uncomment = |line: &str| {
            let key = line.strip_prefix("# ").filter(|l| {
                l.split_once(" = ")
                    .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
            });
            key.unwrap_or(line).to_owned()
        };
        let lines: Vec<String> = TEMPLATE.lines().map(uncomment).collect();
        lines.join("\n")
    }

    #[test]
    fn the_template_is_valid_and_its_comments_tell_the_defaults() {
        let plain = parse(TEMPLATE).unwrap();
        let mut all = parse(&all_keys()).unwrap();
        // Limits that bind nothing by default are shown with an example.
        let limits = &mut all.policy;
        limits.min_sell_price = None;
        limits.max_sell_price = None;
        limits.max_buy_price = None;
        limits.max_buy_wh_per_day = None;
        limits.max_sell_wh_per_day = None;
        limits.max_spend_per_day = None;
        limits.hours = None;
        all.http.grid_co2 = None;
        assert_eq!(all, plain);
    }

    #[test]
    fn the_template_has_every_key() {
        let all = parse(&all_keys()).unwrap();
        let written = toml::Value::try_from(&all).unwrap();
        let shown: toml::Value = toml::from_str(&all_keys()).unwrap();
        fn keys(value: &toml::Value, at: &str, into: &mut Vec<String>) {
            if let toml::Value::Table(table) = value {
                for (key, value) in table {
                    let at = format!("{at}.{key}");
                    keys(value, &at, into);
                    into.push(at);
                }
            }
        }
        let (mut have, mut want) = (Vec::new(), Vec::new());
        keys(&shown, "", &mut have);
        keys(&written, "", &mut want);
        assert_eq!(have, want);
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_refused_with_their_place() {
        let with = |from: &str, to: &str| parse(&TEMPLATE.replacen(from, to, 1)).unwrap_err();
        let error = with("# mdns = true", "mdsn = true").to_string();
        assert!(error.contains("unknown field `mdsn`"), "{error}");
        assert!(error.starts_with("agent.toml: line "), "{error}");
        let error = with("id = \"0000", "id = \"00xx").to_string();
        assert!(error.starts_with("agent.toml: line 6: "), "{error}");
        let error = with("rpc = [\"http://127.0.0.1:26657\"]", "rpc = []").to_string();
        assert_eq!(
            error,
            "agent.toml: chain.rpc: expected at least one address, found none"
        );
        let error = with("# listen = \"127.0.0.1:8650\"", "listen = \"0.0.0.0:8650\"").to_string();
        let want = "agent.toml: http.listen: expected a loopback address such as 127.0.0.1:8650 (for the home network there is http.home), found 0.0.0.0:8650";
        assert_eq!(error, want);
        let error = with("# gas_price = \"0.0025uwatt\"", "gas_price = \"cheap\"").to_string();
        assert_eq!(
            error,
            "agent.toml: chain.gas_price: expected such as 0.0025uwatt, found \"cheap\""
        );
        let error = with("# blocked = []", "blocked = [\"bob\"]").to_string();
        assert!(
            error.contains("expected 32 lower-case hex digits, found \"bob\""),
            "{error}"
        );
        let error = with("# broker = \"\"", "broker = \"http://x\"").to_string();
        assert_eq!(
            error,
            "agent.toml: alerts.broker: expected mqtt://host, mqtt://host:port, or mqtts:// for TLS, found \"http://x\""
        );
        let device = |text: &str| {
            let replay = TEMPLATE.find("[meter.replay]").unwrap();
            let chain = TEMPLATE.find("# A device at the gate").unwrap();
            let mut all = TEMPLATE.to_owned();
            all.replace_range(replay..chain, &format!("[[meter.device]]\n{text}\n"));
            parse(&all).unwrap_err().to_string()
        };
        let error = device("kind = \"p1\"\nconnection = \"/dev/ttyS0\"\nunit = 1");
        assert!(error.contains("meter.device 1: unit: expected"), "{error}");
        let error = device("kind = \"mqtt\"\nconnection = \"tcp://x\"");
        assert!(
            error.contains("meter.device 1: connection: expected mqtt://host"),
            "{error}"
        );
        let error = with(
            "[meter.replay]",
            "[[meter.device]]\nkind = \"p1\"\nconnection = \"/dev/a\"\n[meter.replay]",
        );
        assert!(
            error
                .to_string()
                .contains("meter: expected [meter.replay] or [[meter.device]], found both"),
            "{error}"
        );
        let error = with("# level = \"info\"", "level = \"in,,fo==\"").to_string();
        assert!(error.contains("log.level: expected a level"), "{error}");
    }
}
