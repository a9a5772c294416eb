//! Where a device is: what `connection` and `line` say, of meters and of the gate alike.

use crate::settings::SettingsError;
use std::fmt;
use std::path::PathBuf;

/// Where a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Something that bytes go over.
    Wire(Wire),
    /// A broker.
    Broker(BrokerAt),
    /// A page.
    Page(String),
}

/// Something that bytes go over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    /// A serial port.
    Serial(PathBuf, LineSettings),
    /// TCP.
    Tcp(String, u16),
}

/// Where a broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerAt {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Encrypted.
    pub tls: bool,
}

impl Wire {
    /// `connection` with the `line` that is set, or the usual one; TCP on the usual port, if there is one.
    pub(crate) fn parse(
        connection: &str,
        line: Option<&str>,
        usual_line: &str,
        usual_port: Option<u16>,
    ) -> Result<Self, SettingsError> {
        let wrong = || {
            let expected = "a serial port such as /dev/ttyUSB0, or tcp://host:port";
            unknown(connection, expected)
        };
        match connection.split_once("://") {
            Some(("tcp", rest)) => {
                let (host, port) = host_port(rest, usual_port).ok_or_else(wrong)?;
                Ok(Self::Tcp(host, port))
            }
            None if connection.starts_with('/') => {
                let text = line.unwrap_or(usual_line);
                let line = text.parse().map_err(|()| SettingsError {
                    key: "line".into(),
                    expected: "such as 115200 8N1",
                    found: format!("{text:?}"),
                })?;
                Ok(Self::Serial(connection.into(), line))
            }
            _ => Err(wrong()),
        }
    }
}

impl BrokerAt {
    pub(crate) fn parse(connection: &str) -> Result<Self, SettingsError> {
        let at = |scheme, tls, usual| {
            let rest = connection.strip_prefix(scheme)?;
            let (host, port) = host_port(rest, Some(usual))?;
            Some(Self { host, port, tls })
        };
        at("mqtt://", false, 1883)
            .or_else(|| at("mqtts://", true, 8883))
            .ok_or_else(|| {
                let expected = "mqtt://host, mqtt://host:port, or mqtts:// for TLS";
                unknown(connection, expected)
            })
    }
}

/// A page that is fetched or told over HTTP.
pub(crate) fn page(connection: &str) -> Result<String, SettingsError> {
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| connection.strip_prefix(scheme));
    match rest {
        Some(rest) if !rest.is_empty() => Ok(connection.to_owned()),
        _ => {
            let expected = "such as http://host/page or https://host/page";
            Err(unknown(connection, expected))
        }
    }
}

fn unknown(connection: &str, expected: &'static str) -> SettingsError {
    SettingsError {
        key: "connection".into(),
        expected,
        found: format!("{connection:?}"),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(wire) => wire.fmt(f),
            Self::Broker(at) => {
                let tls = if at.tls { " with TLS" } else { "" };
                write!(f, "broker {}:{}{tls}", at.host, at.port)
            }
            Self::Page(url) => f.write_str(url),
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(path, line) => write!(f, "{} at {line}", path.display()),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

/// Speed and form of a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSettings {
    /// Baud.
    pub baud: u32,
    /// Data bits, 7 or 8.
    pub bits: u8,
    /// `N`, `E` or `O`.
    pub parity: char,
    /// Stop bits, 1 or 2.
    pub stop: u8,
}

impl fmt::Display for LineSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}{}", self.baud, self.bits, self.parity, self.stop)
    }
}

impl std::str::FromStr for LineSettings {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (baud, form) = text.split_once(' ').unwrap_or((text, "8N1"));
        let baud = baud.parse().map_err(|_| ())?;
        if !(300..=4_000_000).contains(&baud) {
            return Err(());
        }
        match form.as_bytes() {
            [bits @ b'7'..=b'8', parity @ (b'N' | b'E' | b'O'), stop @ b'1'..=b'2'] => Ok(Self {
                baud,
                bits: bits.wrapping_sub(b'0'),
                parity: char::from(*parity),
                stop: stop.wrapping_sub(b'0'),
            }),
            _ => Err(()),
        }
    }
}

fn host_port(rest: &str, usual: Option<u16>) -> Option<(String, u16)> {
    let rest = rest.trim_end_matches('/');
    // An IPv6 address has colons of its own, and brackets.
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (rest, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let bad = host.is_empty() || host.contains(['/', '@', ' ']);
    let port = port.or(usual)?;
    (!bad).then(|| (host.to_owned(), port))
}
