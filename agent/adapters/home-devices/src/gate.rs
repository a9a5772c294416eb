//! The gate to the national grid as a coil or register of a Modbus device, a message of a broker, an HTTP call, or a
//! line of a GPIO chip.
//!
//! What is said is said again every few seconds, so that the device can open by itself when the agent is gone (a dead
//! man's switch): a broker tells the last will, a Modbus or HTTP device has a time-out of its own to set. A limit
//! that the agent has not renewed for two windows is not repeated either: the gate opens.

use crate::address::{page, BrokerAt, Wire};
use crate::broker::{self, Broker, Client as Speaker, Kept, Options, Version};
use crate::gpio::{self, Line};
use crate::http::Page;
use crate::modbus::Unit;
use crate::settings::{secret, SettingsError, MODBUS_PORT};
use crate::source::one_line;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout, Instant};
use wattpool_core::io::Gate;
use wattpool_core::ports::home::GridGate;

/// How a register says that the gate is open.
const OPEN: u16 = u16::MAX;
/// Longest time for one word to a device.
const WORD: Duration = Duration::from_secs(10);

/// What the device at the gate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateKind {
    /// A coil or a register over Modbus.
    Modbus,
    /// A topic of a broker.
    Mqtt,
    /// A call over HTTP.
    Http,
    /// A line of a GPIO chip.
    Gpio,
}

/// The device at the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateDevice {
    /// What it speaks.
    pub kind: GateKind,
    /// Where it is, as of a meter.
    pub connection: String,
    /// Seconds after which it is told again.
    #[serde(default = "refresh")]
    pub refresh_s: u64,
    /// Serial line (`modbus`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Modbus unit; 1 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<u8>,
    /// This coil is on while there is a limit (`modbus`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coil: Option<u16>,
    /// This register holds the limit in W, 65535 for none (`modbus`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<u16>,
    /// This line is on while there is a limit (`gpio`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<u32>,
    /// The line is on when its voltage is low (`gpio`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_low: Option<bool>,
    /// The device's own certificate, as a SHA-256 fingerprint (`http` with `https://`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Where `{"limit_w": 1200}` is said, null for none (`mqtt`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Version of MQTT, 3 (3.1.1) or 5; 3 without it (`mqtt`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// User at the broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// File with the broker's password, or the bearer token of the HTTP call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// Certificates that the broker is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

const fn refresh() -> u64 {
    10
}

/// How the device is told.
enum Link {
    Modbus {
        wire: Wire,
        unit: Option<u8>,
        coil: Option<u16>,
        register: Option<u16>,
    },
    Mqtt {
        options: Options,
        topic: String,
    },
    Http(Box<Page>),
    Gpio(Taking),
}

/// Takes a line.
type Taking = Box<dyn FnMut() -> Result<Box<dyn Line>, String> + Send>;

impl GateDevice {
    /// Relative paths start at this folder.
    pub fn start_at(&mut self, folder: &Path) {
        for path in [&mut self.secret_file, &mut self.ca_file]
            .into_iter()
            .flatten()
        {
            *path = folder.join(&path);
        }
    }

    /// Checks everything that can be checked without the device.
    ///
    /// # Errors
    /// The first setting that cannot be meant.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.link().map(drop)
    }

    fn link(&self) -> Result<Link, SettingsError> {
        let wrong = |key: &str, expected, found: String| SettingsError {
            key: key.to_owned(),
            expected,
            found,
        };
        if !(1..=600).contains(&self.refresh_s) {
            return Err(wrong("refresh_s", "1 to 600", self.refresh_s.to_string()));
        }
        let modbus = self.kind == GateKind::Modbus;
        let mqtt = self.kind == GateKind::Mqtt;
        let gpio = self.kind == GateKind::Gpio;
        let secured = self.kind == GateKind::Http && self.connection.starts_with("https://");
        for (key, given, belongs) in [
            (
                "line",
                self.line.is_some(),
                modbus && self.connection.starts_with('/'),
            ),
            ("unit", self.unit.is_some(), modbus),
            ("coil", self.coil.is_some(), modbus),
            ("register", self.register.is_some(), modbus),
            ("topic", self.topic.is_some(), mqtt),
            ("version", self.version.is_some(), mqtt),
            ("user", self.user.is_some(), mqtt),
            ("ca_file", self.ca_file.is_some(), mqtt || secured),
            ("certificate", self.certificate.is_some(), secured),
            ("pin", self.pin.is_some(), gpio),
            ("active_low", self.active_low.is_some(), gpio),
            ("secret_file", self.secret_file.is_some(), !modbus && !gpio),
        ] {
            if given && !belongs {
                return Err(wrong(key, "it only where its kind has it", "it".into()));
            }
        }
        let secret = secret(self.secret_file.as_deref())?;
        match self.kind {
            GateKind::Modbus => {
                if self.coil.is_some() == self.register.is_some() {
                    return Err(wrong(
                        "coil",
                        "a coil or a register",
                        "neither or both".into(),
                    ));
                }
                let line = self.line.as_deref();
                let wire = Wire::parse(&self.connection, line, "9600 8N1", Some(MODBUS_PORT))?;
                Ok(Link::Modbus {
                    wire,
                    unit: self.unit,
                    coil: self.coil,
                    register: self.register,
                })
            }
            GateKind::Mqtt => {
                let at = BrokerAt::parse(&self.connection)?;
                let topic = self
                    .topic
                    .clone()
                    .filter(|t| !t.is_empty() && !t.contains(['+', '#']));
                let topic = topic.ok_or_else(|| {
                    wrong(
                        "topic",
                        "a topic without + and #",
                        format!("{:?}", self.topic),
                    )
                })?;
                let options = Broker {
                    at,
                    version: self.version.unwrap_or_default(),
                    user: self.user.clone(),
                    password: secret,
                    ca_file: self.ca_file.clone(),
                    client: format!("wattpool-{}-gate", std::process::id()),
                    will: Some((topic.clone(), words(None).to_string())),
                };
                Ok(Link::Mqtt {
                    options: options.options()?,
                    topic,
                })
            }
            GateKind::Http => {
                let (pin, file) = (self.certificate.as_deref(), self.ca_file.as_deref());
                let page = Page::of(page(&self.connection)?, secret, pin, file)?;
                Ok(Link::Http(Box::new(page)))
            }
            GateKind::Gpio => {
                let chip = PathBuf::from(&self.connection);
                if !chip.is_absolute() {
                    let expected = "a GPIO chip such as /dev/gpiochip0";
                    return Err(wrong("connection", expected, self.connection.clone()));
                }
                let Some(pin) = self.pin else {
                    return Err(wrong("pin", "a line of the chip", "none".into()));
                };
                let active_low = self.active_low.unwrap_or(false);
                Ok(Link::Gpio(Box::new(move || {
                    gpio::open(&chip, pin, active_low)
                })))
            }
        }
    }
}

/// What a device is told: the limit in W, or null.
fn words(limit_w: Option<u64>) -> serde_json::Value {
    json!({ "limit_w": limit_w })
}

/// A gate to the national grid that is told as long as this lives.
#[derive(Debug)]
pub struct DeviceGate {
    limit: watch::Sender<(Option<u64>, Instant)>,
    window_s: u32,
    task: JoinHandle<()>,
}

impl DeviceGate {
    /// Begins to tell the device, in the running tokio runtime, that the gate is open.
    ///
    /// # Errors
    /// A setting that cannot be meant.
    pub fn start(device: &GateDevice, window_s: u32) -> Result<Self, SettingsError> {
        Ok(Self::over(device.link()?, device.refresh_s, window_s))
    }

    /// The same, over a line that somebody else takes: on while there is a limit. It is taken again when it fails.
    pub fn over_line(take: Taking, refresh_s: u64, window_s: u32) -> Self {
        Self::over(Link::Gpio(take), refresh_s, window_s)
    }

    fn over(link: Link, refresh_s: u64, window_s: u32) -> Self {
        let (limit, told) = watch::channel((None, Instant::now()));
        let every = Duration::from_secs(refresh_s);
        let stale = Duration::from_secs(u64::from(window_s).saturating_mul(2));
        let task = tokio::spawn(tell(link, told, every, stale));
        Self {
            limit,
            window_s,
            task,
        }
    }
}

impl Drop for DeviceGate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl GridGate for DeviceGate {
    fn set(&self, gate: Gate) {
        let limit = match gate {
            Gate::Open => None,
            // Rounded up: never below what is needed.
            Gate::Limit(wh) => Some(
                wh.0.saturating_mul(3_600)
                    .div_ceil(u64::from(self.window_s).max(1)),
            ),
        };
        self.limit.send_replace((limit, Instant::now()));
    }
}

async fn tell(
    link: Link,
    mut told: watch::Receiver<(Option<u64>, Instant)>,
    every: Duration,
    stale: Duration,
) {
    let mut teller = match link {
        Link::Modbus {
            wire,
            unit,
            coil,
            register,
        } => Teller::Modbus {
            wire,
            number: unit,
            coil,
            register,
            unit: None,
        },
        Link::Mqtt { options, topic } => {
            let (client, events) = options.open();
            Teller::Mqtt {
                client,
                topic,
                _connection: broker::keep(events, "gate", |_| ()),
            }
        }
        Link::Http(page) => Teller::Http {
            client: page.client().build().unwrap_or_default(),
            url: page.url,
            secret: page.secret,
        },
        Link::Gpio(take) => Teller::Gpio { take, line: None },
    };
    let mut said = String::new();
    loop {
        let (limit, since) = *told.borrow_and_update();
        let limit = limit.filter(|_| since.elapsed() < stale);
        let why = match timeout(WORD, teller.say(limit)).await {
            Ok(Ok(())) => String::new(),
            Ok(Err(why)) => one_line(&why),
            Err(_) => format!("no answer within {} s", WORD.as_secs()),
        };
        if why != said {
            if why.is_empty() {
                tracing::info!("the gate is told again");
            } else {
                tracing::warn!("the gate is not told: {why}");
            }
            said = why;
        }
        tokio::select! {
            changed = told.changed() => if changed.is_err() { return },
            () = sleep(every) => {}
        }
    }
}

enum Teller {
    Modbus {
        wire: Wire,
        number: Option<u8>,
        coil: Option<u16>,
        register: Option<u16>,
        unit: Option<Unit>,
    },
    Mqtt {
        client: Speaker,
        topic: String,
        _connection: Kept,
    },
    Http {
        client: Client,
        url: String,
        secret: Option<String>,
    },
    Gpio {
        take: Taking,
        line: Option<Box<dyn Line>>,
    },
}

impl Teller {
    async fn say(&mut self, limit: Option<u64>) -> Result<(), String> {
        match self {
            Self::Modbus {
                wire,
                number,
                coil,
                register,
                unit,
            } => {
                // Taken out: a connection that failed, or waits for an answer, is not used again.
                let mut open = match unit.take() {
                    Some(open) => open,
                    None => Unit::open(wire, *number).await?,
                };
                if let Some(coil) = coil {
                    open.set_coil(*coil, limit.is_some()).await?;
                }
                if let Some(register) = register {
                    let watts = limit.and_then(|w| u16::try_from(w).ok()).unwrap_or(OPEN);
                    open.set_register(*register, watts).await?;
                }
                *unit = Some(open);
                Ok(())
            }
            Self::Mqtt { client, topic, .. } => {
                client.publish_retained(topic, words(limit).to_string())
            }
            Self::Gpio { take, line } => {
                // Given back when it fails: whoever pulls it then decides.
                let mut taken = match line.take() {
                    Some(taken) => taken,
                    None => take()?,
                };
                taken.set(limit.is_some())?;
                *line = Some(taken);
                Ok(())
            }
            Self::Http {
                client,
                url,
                secret,
            } => {
                let mut call = client.post(url.as_str()).json(&words(limit));
                if let Some(token) = secret {
                    call = call.bearer_auth(token);
                }
                let answer = call.send().await.map_err(|e| crate::http::told(&e))?;
                if answer.status().is_success() {
                    Ok(())
                } else {
                    Err(format!("{url}: {}", answer.status()))
                }
            }
        }
    }
}
