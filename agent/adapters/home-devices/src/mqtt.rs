//! Messages of an MQTT broker (3.1.1, which every broker speaks), plain or with TLS.

use crate::address::BrokerAt;
use crate::settings::{Quantity, SettingsError, Value};
use crate::source::{code, now, one_line, Pauses, Source, Told};
use rumqttc::tokio_rustls::rustls::crypto::ring;
use rumqttc::tokio_rustls::rustls::pki_types::pem::PemObject;
use rumqttc::tokio_rustls::rustls::pki_types::CertificateDer;
use rumqttc::tokio_rustls::rustls::{ClientConfig, RootCertStore};
use rumqttc::{
    AsyncClient, Event, EventLoop, Incoming, MqttOptions, Publish, QoS, TlsConfiguration, Transport,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{interval, MissedTickBehavior};
use wattpool_meter_codec::json;
use wattpool_schema::Seconds;

/// The system's certificates, as Debian has them.
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// A broker that is gone without a word is noticed after one and a half of these, seconds.
const KEEP_ALIVE_S: u16 = 15;
/// How often a value that has not changed is told again, seconds.
const STILL_S: u64 = 20;
/// A power older than this is none.
const POWER_S: u64 = 60;

/// A broker and how it is reached.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Where it is.
    pub at: BrokerAt,
    /// User, if it asks for one.
    pub user: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// Certificates that it is known by; without it those of the system.
    pub ca_file: Option<PathBuf>,
    /// What this client is called: one client of a name at a time.
    pub client: String,
}

impl Broker {
    /// How to connect.
    ///
    /// # Errors
    /// The certificates cannot be read.
    pub fn options(&self) -> Result<MqttOptions, SettingsError> {
        let broker = (self.at.host.as_str(), self.at.port);
        let mut options = MqttOptions::new(self.client.clone(), broker);
        options.set_keep_alive(KEEP_ALIVE_S);
        options.set_max_packet_size(json::LONGEST, json::LONGEST);
        if let Some(user) = &self.user {
            options.set_credentials(user.clone(), self.password.clone().unwrap_or_default());
        }
        if self.at.tls {
            let file = self.ca_file.as_deref();
            let config = tls(file.unwrap_or_else(|| Path::new(SYSTEM_CERTIFICATES)))?;
            let config = TlsConfiguration::Rustls(Arc::new(config));
            options.set_transport(Transport::tls_with_config(config));
        }
        Ok(options)
    }
}

fn tls(file: &Path) -> Result<ClientConfig, SettingsError> {
    let wrong = |why: String| SettingsError {
        key: "ca_file".into(),
        expected: "a file with certificates (PEM)",
        found: format!("{}: {why}", file.display()),
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|e| wrong(e.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
        roots.add_parsable_certificates([certificate]);
    }
    if roots.is_empty() {
        return Err(wrong("there is none in it".into()));
    }
    // Named, so that another crate's provider of cryptography does not come in.
    let provider = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

pub(crate) fn options(source: &Source) -> Result<MqttOptions, SettingsError> {
    let device = &source.device;
    Broker {
        at: device.broker()?,
        user: device.user.clone(),
        password: device.secret()?,
        ca_file: device.ca_file.clone(),
        client: format!("wattpool-{}-{}", std::process::id(), source.number),
    }
    .options()
}

/// The last that was told of each value.
struct Latest {
    registers: Vec<Option<(usize, wattpool_meter_codec::Value)>>,
    power: Vec<Option<(Seconds, i64)>>,
}

/// Listens for ever.
pub(crate) async fn run(source: Source, options: MqttOptions) {
    let topics: BTreeSet<String> = source
        .device
        .value
        .iter()
        .filter_map(|v| v.topic.clone())
        .collect();
    let (client, mut events) = AsyncClient::builder(options).capacity(10).build();
    let mut pauses = Pauses::default();
    let count = source.device.value.len();
    let mut latest = Latest {
        registers: vec![None; count],
        power: vec![None; count],
    };
    let mut still = interval(Duration::from_secs(STILL_S));
    still.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connected = false;
    loop {
        let event = tokio::select! {
            event = next(&mut events) => event,
            _ = still.tick(), if source.device.on_change && connected => {
                for number in 0..count {
                    latest.tell(&source, number);
                }
                continue;
            }
        };
        match event {
            Ok(Event::Incoming(Incoming::ConnAck(_))) => {
                connected = true;
                for topic in &topics {
                    if let Err(why) = client.try_subscribe(topic.as_str(), QoS::AtMostOnce) {
                        source.trouble(&format!("topic {topic}: {why}"));
                    }
                }
            }
            Ok(Event::Incoming(Incoming::Publish(message))) => {
                if latest.take(&source, &message) {
                    pauses.well();
                }
            }
            Ok(_) => {}
            Err(why) => {
                connected = false;
                // What it said before may have changed meanwhile.
                latest.registers.fill(None);
                source.trouble(&format!("{}: {why}", source.device.connection));
                pauses.wait().await;
            }
        }
    }
}

/// The next event; an error ends a connection, and the event after it begins another.
pub(crate) async fn next(events: &mut EventLoop) -> Result<Event, String> {
    events.poll().await.map_err(|e| one_line(&e.to_string()))
}

impl Latest {
    /// Whether something of the message is read.
    fn take(&mut self, source: &Source, message: &Publish) -> bool {
        let mut read = false;
        // Powers first: they go with the registers of the same message.
        let numbers = |power: bool| {
            let values = source.device.value.iter().enumerate();
            values
                .filter(move |(_, v)| (v.quantity == Quantity::Power) == power)
                .filter(|(_, v)| v.topic.as_deref().map(str::as_bytes) == Some(&message.topic))
                .map(|(number, _)| number)
                .collect::<Vec<_>>()
        };
        for number in numbers(true).into_iter().chain(numbers(false)) {
            let Some(value) = source.device.value.get(number) else {
                continue;
            };
            match self.take_value(source, number, value, message) {
                Ok(taken) => read |= taken,
                Err(why) => source.refused(&why),
            }
        }
        read
    }

    fn take_value(
        &mut self,
        source: &Source,
        number: usize,
        value: &Value,
        message: &Publish,
    ) -> Result<bool, String> {
        let topic = value.topic.as_deref().unwrap_or("");
        // When a retained message was said, nobody knows; of a device that tells changes alone it still holds.
        if message.retain && !source.device.on_change {
            return Err(format!(
                "topic {topic}: a retained message, of whenever, is left out"
            ));
        }
        let path = value.path.as_deref().unwrap_or("");
        let found = json::value(&message.payload, path, value.unit, code(value.quantity))
            .map_err(|problem| format!("topic {topic}: {problem}"))?;
        if value.quantity == Quantity::Power {
            let watts = found.whole().unwrap_or(0);
            if let Some(power) = self.power.get_mut(number) {
                *power = Some((now(), watts));
            }
            return Ok(true);
        }
        let Some(line) = source.line_of(number) else {
            return Ok(false);
        };
        if let Some(register) = self.registers.get_mut(number) {
            *register = Some((line, found));
        }
        self.tell(source, number);
        Ok(true)
    }

    /// Tells a value at this moment.
    fn tell(&self, source: &Source, number: usize) {
        let Some(Some(register)) = self.registers.get(number) else {
            return;
        };
        let at = now();
        let told = |(said, watts): &(Seconds, i64)| {
            let fresh = at.0.saturating_sub(said.0) <= POWER_S || source.device.on_change;
            fresh.then_some(*watts)
        };
        let mut powers = self.power.iter().flatten().filter_map(told);
        let first = powers.next();
        let told = Told {
            registers: vec![*register],
            power_w: first.map(|p| powers.fold(p, i64::saturating_add)),
        };
        source.values(at, &told);
    }
}
