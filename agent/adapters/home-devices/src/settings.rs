//! What the owner says of a device, and whether it can be meant.

use crate::address::{page, Address, BrokerAt, Wire};
use crate::broker::Version;
use crate::tls::fingerprint;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use wattpool_meter_codec::cipher::{parse_key, Keys};
use wattpool_meter_codec::clock::Zone;
use wattpool_meter_codec::household::Role;
use wattpool_meter_codec::modbus::{Kind as NumberKind, RegisterUnit, WordOrder};
use wattpool_meter_codec::{Dialect, RegistersFrom};

/// What a device speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// DSMR, ESMR and eMUCS telegrams.
    P1,
    /// SML files.
    Sml,
    /// DLMS pushes.
    Dlms,
    /// SunSpec models over Modbus.
    Sunspec,
    /// Registers over Modbus, named one by one.
    Modbus,
    /// Messages of an MQTT broker.
    Mqtt,
    /// A page that is fetched again and again.
    Http,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P1 => "p1",
            Self::Sml => "sml",
            Self::Dlms => "dlms",
            Self::Sunspec => "sunspec",
            Self::Modbus => "modbus",
            Self::Mqtt => "mqtt",
            Self::Http => "http",
        })
    }
}

/// One device that is read. Keys that do not belong to its kind are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// What it speaks.
    pub kind: Kind,
    /// Where it is: `/dev/ttyUSB0`, `tcp://host:port`, `mqtt://host`, `mqtts://host`, `http://host/page`.
    pub connection: String,
    /// What it is called in messages; without it, its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What its registers count for.
    #[serde(default)]
    pub role: Role,
    /// It is wired the other way round: import is export, and power has the other sign.
    #[serde(default, skip_serializing_if = "is_false")]
    pub swapped: bool,
    /// Registers: the meter's total, or the sum of the phases (`p1`, `sml`, `dlms`, `sunspec`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registers: Option<RegistersFrom>,
    /// Serial line, such as `115200 8N1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// File with the owner's encryption key, 32 hexadecimal digits (`p1`, `dlms`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// File with the owner's authentication key (`p1`, `dlms`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication_key_file: Option<PathBuf>,
    /// Hours before UTC, in winter, of a meter that tells local time (`p1`, `dlms`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<i8>,
    /// Seconds between two questions (`sunspec`, `modbus`, `http`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_s: Option<u64>,
    /// Modbus unit (`sunspec`, `modbus`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<u8>,
    /// The SunSpec model to read; without it the first meter, resource or inverter, in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<u16>,
    /// Version of MQTT, 3 (3.1.1) or 5; 3 without it (`mqtt`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// User at the broker or page (`mqtt`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// File with the password (`mqtt`) or the bearer token (`http`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// The device's own certificate, as a SHA-256 fingerprint (`http` with `https://`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// File with the certificates that broker or device is known by, PEM; without it those of the system (`mqtt`,
    /// `http` with `https://`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The device tells only what has changed: while the broker is reached, silence means that nothing has (`mqtt`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_change: bool,
    /// What is read of it (`modbus`, `mqtt`, `http`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub value: Vec<Value>,
}

const fn is_false(b: &bool) -> bool {
    !*b
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantity {
    /// Register of what came from the grid.
    Import,
    /// Register of what went to the grid, or was generated.
    Export,
    /// Net power now, import positive.
    Power,
}

/// Which registers of a Modbus device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bank {
    /// Holding registers, function 3.
    #[default]
    Holding,
    /// Input registers, function 4.
    Input,
}

/// A number of a device. Several of one quantity are summed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// What it is.
    pub quantity: Quantity,
    /// In what it is told.
    pub unit: RegisterUnit,
    /// It is multiplied by this power of ten (`modbus`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<i8>,
    /// First register, counted from 0 (`modbus`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<u16>,
    /// Form of the number (`modbus`).
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub form: Option<NumberKind>,
    /// Which bank (`modbus`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank: Option<Bank>,
    /// Which register of the number comes first (`modbus`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<WordOrder>,
    /// Topic (`mqtt`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Where in the JSON; without it the message is the number (`mqtt`, `http`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A setting that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: expected {expected}, found {found}")]
pub struct SettingsError {
    /// Which key, from the device on.
    pub key: String,
    /// What was expected.
    pub expected: &'static str,
    /// What was found.
    pub found: String,
}

/// Where Modbus devices listen, Modbus Messaging on TCP/IP 1.0b, 4.3.1.1.
pub(crate) const MODBUS_PORT: u16 = 502;
/// Most values of one device.
pub const MOST_VALUES: usize = 16;
/// Most devices of a home.
pub const MOST_DEVICES: usize = 8;

impl Device {
    /// What it is called in messages.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.kind.to_string())
    }

    /// Seconds between two questions.
    pub fn interval_s(&self) -> u64 {
        self.interval_s.unwrap_or(10)
    }

    /// Where it is.
    ///
    /// # Errors
    /// The connection is none that its kind has.
    pub fn address(&self) -> Result<Address, SettingsError> {
        match self.kind {
            Kind::P1 | Kind::Sml | Kind::Dlms | Kind::Sunspec | Kind::Modbus => {
                self.wire().map(Address::Wire)
            }
            Kind::Mqtt => self.broker().map(Address::Broker),
            Kind::Http => self.page().map(Address::Page),
        }
    }

    /// Where a device of serial line or TCP is.
    ///
    /// # Errors
    /// The connection is neither.
    pub fn wire(&self) -> Result<Wire, SettingsError> {
        // The usual one of its kind: ESMR 5 P1 Companion 5.12; FNN's optical head; Austrian and Danish M-Bus ports.
        let usual = match self.kind {
            Kind::P1 => "115200 8N1",
            Kind::Dlms => "2400 8E1",
            _ => "9600 8N1",
        };
        let port = matches!(self.kind, Kind::Sunspec | Kind::Modbus).then_some(MODBUS_PORT);
        Wire::parse(&self.connection, self.line.as_deref(), usual, port)
    }

    pub(crate) fn broker(&self) -> Result<BrokerAt, SettingsError> {
        BrokerAt::parse(&self.connection)
    }

    pub(crate) fn page(&self) -> Result<String, SettingsError> {
        page(&self.connection)
    }

    /// Checks everything that can be checked without the device.
    ///
    /// # Errors
    /// The first setting that cannot be meant.
    pub fn check(&self) -> Result<(), SettingsError> {
        let address = self.address()?;
        let fail = |key: &str, expected, found: String| {
            Err(SettingsError {
                key: key.to_owned(),
                expected,
                found,
            })
        };
        let telegrams = matches!(self.kind, Kind::P1 | Kind::Sml | Kind::Dlms);
        let modbus = matches!(self.kind, Kind::Sunspec | Kind::Modbus);
        let values = matches!(self.kind, Kind::Modbus | Kind::Mqtt | Kind::Http);
        let keyed = matches!(self.kind, Kind::P1 | Kind::Dlms);
        let (mqtt, http) = (self.kind == Kind::Mqtt, self.kind == Kind::Http);
        let secured = http && self.connection.starts_with("https://");
        let serial = matches!(address, Address::Wire(Wire::Serial(..)));
        for (key, given, belongs) in [
            ("swapped", self.swapped, !values),
            (
                "registers",
                self.registers.is_some(),
                telegrams || self.kind == Kind::Sunspec,
            ),
            ("line", self.line.is_some(), serial),
            ("key_file", self.key_file.is_some(), keyed),
            (
                "authentication_key_file",
                self.authentication_key_file.is_some(),
                keyed,
            ),
            ("zone", self.zone.is_some(), keyed),
            ("interval_s", self.interval_s.is_some(), modbus || http),
            ("unit", self.unit.is_some(), modbus),
            ("model", self.model.is_some(), self.kind == Kind::Sunspec),
            ("version", self.version.is_some(), mqtt),
            ("user", self.user.is_some(), mqtt),
            ("secret_file", self.secret_file.is_some(), mqtt || http),
            ("ca_file", self.ca_file.is_some(), mqtt || secured),
            ("certificate", self.certificate.is_some(), secured),
            ("on_change", self.on_change, mqtt),
            ("value", !self.value.is_empty(), values),
        ] {
            if given && !belongs {
                return fail(
                    key,
                    "it only where its kind has it",
                    format!("it with kind {}", self.kind),
                );
            }
        }
        if let Some(text) = &self.certificate {
            fingerprint(text)?;
        }
        if !(1..=30).contains(&self.interval_s()) {
            return fail("interval_s", "1 to 30", self.interval_s().to_string());
        }
        if let Some(zone) = self.zone.filter(|z| !(-12..=14).contains(z)) {
            return fail("zone", "-12 to 14", zone.to_string());
        }
        if self.authentication_key_file.is_some() && self.key_file.is_none() {
            return fail(
                "key_file",
                "the encryption key beside the authentication key",
                "none".into(),
            );
        }
        if values {
            self.check_values()?;
        }
        Ok(())
    }

    fn check_values(&self) -> Result<(), SettingsError> {
        let fail = |key: String, expected, found: String| {
            Err(SettingsError {
                key,
                expected,
                found,
            })
        };
        if self.value.is_empty() || self.value.len() > MOST_VALUES {
            return fail(
                "value".into(),
                "1 to 16 values",
                self.value.len().to_string(),
            );
        }
        let (imports, exports) = self.role.counts();
        for (at, value) in self.value.iter().enumerate() {
            let key = |name: &str| format!("value {}: {name}", at.saturating_add(1));
            let modbus = self.kind == Kind::Modbus;
            for (name, given, belongs, needed) in [
                ("register", value.register.is_some(), modbus, modbus),
                ("type", value.form.is_some(), modbus, modbus),
                ("bank", value.bank.is_some(), modbus, false),
                ("order", value.order.is_some(), modbus, false),
                ("scale", value.scale.is_some(), modbus, false),
                (
                    "topic",
                    value.topic.is_some(),
                    self.kind == Kind::Mqtt,
                    self.kind == Kind::Mqtt,
                ),
                ("path", value.path.is_some(), !modbus, false),
            ] {
                if given && !belongs {
                    return fail(
                        key(name),
                        "it only where its kind has it",
                        format!("it with kind {}", self.kind),
                    );
                }
                if needed && !given {
                    return fail(key(name), "it to be said", "nothing".into());
                }
            }
            let power = matches!(value.unit, RegisterUnit::W | RegisterUnit::KW);
            if power != (value.quantity == Quantity::Power) {
                let expected = if power { "Wh, kWh or MWh" } else { "W or kW" };
                return fail(key("unit"), expected, format!("{:?}", value.unit));
            }
            let scale = value.scale.unwrap_or(0);
            if !(-10..=10).contains(&scale) {
                return fail(key("scale"), "-10 to 10", scale.to_string());
            }
            if value
                .topic
                .as_deref()
                .is_some_and(|t| t.is_empty() || t.contains(['+', '#']))
            {
                return fail(
                    key("topic"),
                    "a topic without + and #",
                    format!("{:?}", value.topic),
                );
            }
            let counts = match value.quantity {
                Quantity::Import => imports,
                Quantity::Export => exports,
                Quantity::Power => true,
            };
            if !counts {
                return fail(
                    key("quantity"),
                    "one that its role counts",
                    format!("{:?}", value.quantity),
                );
            }
        }
        if self.value.iter().all(|v| v.quantity == Quantity::Power) {
            return fail(
                "value".into(),
                "a register of import or export",
                "power alone".into(),
            );
        }
        Ok(())
    }

    /// Relative paths start at this folder.
    pub fn start_at(&mut self, folder: &Path) {
        for path in [
            &mut self.key_file,
            &mut self.authentication_key_file,
            &mut self.secret_file,
            &mut self.ca_file,
        ]
        .into_iter()
        .flatten()
        {
            *path = folder.join(&path);
        }
    }

    /// What its frames alone do not tell.
    ///
    /// # Errors
    /// A key's file cannot be read, or holds no key.
    pub fn dialect(&self) -> Result<Dialect, SettingsError> {
        let key = |name: &str, file: &Option<PathBuf>| {
            let Some(file) = file else { return Ok(None) };
            let text = read(name, file)?;
            let key = parse_key(&text).ok_or_else(|| SettingsError {
                key: name.to_owned(),
                expected: "a file with 32 hexadecimal digits",
                found: file.display().to_string(),
            })?;
            Ok(Some(key))
        };
        let authentication = key("authentication_key_file", &self.authentication_key_file)?;
        let keys = key("key_file", &self.key_file)?.map(|encryption| Keys {
            encryption,
            authentication,
        });
        Ok(Dialect {
            keys,
            zone: self
                .zone
                .map_or_else(Zone::default, |winter_hours| Zone { winter_hours }),
            ignore_checks: false,
        })
    }

    /// The password or token, if there is one.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn secret(&self) -> Result<Option<String>, SettingsError> {
        secret(self.secret_file.as_deref())
    }
}

/// What a `secret_file` holds, without the end of its line.
pub(crate) fn secret(file: Option<&Path>) -> Result<Option<String>, SettingsError> {
    let text = file.map(|f| read("secret_file", f)).transpose()?;
    Ok(text.map(|t| t.trim_end_matches(['\n', '\r']).to_owned()))
}

/// A small text file that a setting names.
fn read(key: &str, file: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(file).map_err(|e| SettingsError {
        key: key.to_owned(),
        expected: "a file that can be read",
        found: format!("{}: {e}", file.display()),
    })
}
