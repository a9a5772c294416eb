//! `[http]`: where the page and the interface are to be had.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Names under which the page answers, at most.
const NAMES: usize = 8;
/// Letters of the home's name, at most.
const NAME: usize = 60;

/// `[http]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// A loopback address.
    pub listen: SocketAddr,
    /// Holds the token.
    pub token_file: PathBuf,
    /// An address on the home network, over TLS; none: this machine alone.
    #[serde(with = "address")]
    pub home: Option<SocketAddr>,
    /// Names under which browsers find it, beside its addresses.
    pub names: Vec<String>,
    /// Holds key and certificate for the home network.
    pub tls_file: PathBuf,
    /// Holds passwords and sessions, hashed.
    pub access_file: PathBuf,
    /// What the page and its statements call this home; "": its meter's pseudonym.
    pub home_name: String,
    /// What one coin, 1,000,000 micro-units, is called.
    pub currency: String,
    /// What a kWh from the grid emits, g CO2; none: not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid_co2: Option<u32>,
}

/// An address as text; "" is none.
mod address {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::net::SocketAddr;

    pub fn serialize<S: Serializer>(it: &Option<SocketAddr>, to: S) -> Result<S::Ok, S::Error> {
        match it {
            Some(address) => to.collect_str(address),
            None => to.serialize_str(""),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
        let text = String::deserialize(from)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| {
            serde::de::Error::custom(format!(
                "http.home: expected an address and port such as 0.0.0.0:8651, found {text:?}"
            ))
        })
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8650)),
            token_file: "token".into(),
            home: None,
            names: Vec::new(),
            tls_file: "tls.pem".into(),
            access_file: "access.json".into(),
            home_name: String::new(),
            currency: "WATT".into(),
            grid_co2: None,
        }
    }
}

/// Whether a name is one that a browser can ask for.
pub fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

impl HttpConfig {
    /// What the agent writes for its page lies beside the token: where the configuration is, it may not be allowed to write.
    pub(super) fn beside_the_token(&mut self) {
        let folder = self.token_file.parent().unwrap_or_else(|| Path::new(""));
        self.tls_file = folder.join(&self.tls_file);
        self.access_file = folder.join(&self.access_file);
    }

    /// `value` makes an error of key, what was expected, and what was found.
    pub(super) fn check<E>(
        &self,
        value: impl Fn(&str, &'static str, String) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.listen.ip().is_loopback() {
            value(
                "http.listen",
                "a loopback address such as 127.0.0.1:8650 (for the home network there is http.home)",
                self.listen.to_string(),
            )?;
        }
        if self.names.len() > NAMES {
            let found = self.names.len().to_string();
            value("http.names", "at most 8 names", found)?;
        }
        if let Some(bad) = self.names.iter().find(|name| !is_name(name)) {
            let found = format!("{bad:?}");
            value("http.names", "host names such as meter.local", found)?;
        }
        if self.home_name.chars().count() > NAME || self.home_name.chars().any(char::is_control) {
            let found = format!("{:?}", self.home_name);
            value("http.home_name", "one line of at most 60 letters", found)?;
        }
        let letters = self.currency.chars().count();
        let plain = self.currency.chars().all(char::is_alphanumeric);
        if !(1..=8).contains(&letters) || !plain {
            let found = format!("{:?}", self.currency);
            value("http.currency", "1 to 8 letters such as EUR", found)?;
        }
        if let Some(grams) = self.grid_co2.filter(|grams| *grams > 5_000) {
            value(
                "http.grid_co2",
                "g CO2 per kWh, at most 5000",
                grams.to_string(),
            )?;
        }
        Ok(())
    }
}
