//! A client of an MQTT broker, plain or with TLS, in either version: 3.1.1, which every broker speaks, or 5.

use crate::address::BrokerAt;
use crate::settings::SettingsError;
use crate::source::one_line;
use crate::tls;
use rumqttc::TlsConfiguration;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use wattpool_meter_codec::json;

/// A broker that is gone without a word is noticed after one and a half of these, seconds.
const KEEP_ALIVE_S: u16 = 15;
/// Messages that wait to be sent.
const WAITING: usize = 32;
/// Between two tries to reach a broker that something is told to.
const PAUSE: Duration = Duration::from_secs(5);

/// Which version of MQTT is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Version {
    /// 3.1.1.
    #[default]
    V3,
    /// 5.
    V5,
}

impl TryFrom<u8> for Version {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            3 => Ok(Self::V3),
            5 => Ok(Self::V5),
            other => Err(format!("expected 3 (for 3.1.1) or 5, found {other}")),
        }
    }
}

impl From<Version> for u8 {
    fn from(version: Version) -> Self {
        match version {
            Version::V3 => 3,
            Version::V5 => 5,
        }
    }
}

/// A broker and how it is reached.
#[derive(Clone, Debug)]
pub(crate) struct Broker {
    /// Where it is.
    pub at: BrokerAt,
    /// Version that is spoken.
    pub version: Version,
    /// User, if it asks for one.
    pub user: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// Certificates that it is known by; without it those of the system.
    pub ca_file: Option<PathBuf>,
    /// What this client is called: one client of a name at a time.
    pub client: String,
    /// Topic, and what the broker says there, retained, when this client is gone.
    pub will: Option<(String, String)>,
}

/// How to connect, with all files read.
pub(crate) enum Options {
    V3(Box<rumqttc::MqttOptions>),
    V5(Box<rumqttc_v5::MqttOptions>),
}

impl Broker {
    /// How to connect.
    ///
    /// # Errors
    /// The certificates cannot be read.
    pub(crate) fn options(&self) -> Result<Options, SettingsError> {
        let broker = (self.at.host.as_str(), self.at.port);
        let (name, password) = (self.client.clone(), self.password.clone());
        let tls = self
            .at
            .tls
            .then(|| tls::config(None, self.ca_file.as_deref()))
            .transpose()?
            .map(|config| TlsConfiguration::Rustls(Arc::new(config)));
        Ok(match self.version {
            Version::V3 => {
                let mut options = rumqttc::MqttOptions::new(name, broker);
                options.set_keep_alive(KEEP_ALIVE_S);
                options.set_max_packet_size(json::LONGEST, json::LONGEST);
                if let Some(user) = &self.user {
                    options.set_credentials(user.clone(), password.unwrap_or_default());
                }
                if let Some(tls) = tls {
                    options.set_transport(rumqttc::Transport::tls_with_config(tls));
                }
                if let Some((topic, text)) = &self.will {
                    let qos = rumqttc::QoS::AtLeastOnce;
                    let will = rumqttc::LastWill::new(topic.clone(), text.clone(), qos, true);
                    options.set_last_will(will);
                }
                Options::V3(Box::new(options))
            }
            Version::V5 => {
                let mut options = rumqttc_v5::MqttOptions::new(name, broker);
                options.set_keep_alive(KEEP_ALIVE_S);
                options.set_max_packet_size(u32::try_from(json::LONGEST).ok());
                if let Some(user) = &self.user {
                    options.set_credentials(user.clone(), password.unwrap_or_default());
                }
                if let Some(tls) = tls {
                    options.set_transport(rumqttc_v5::Transport::tls_with_config(tls));
                }
                if let Some((topic, text)) = &self.will {
                    let qos = rumqttc_v5::QoS::AtLeastOnce;
                    let will =
                        rumqttc_v5::LastWill::new(topic.clone(), text.clone(), qos, true, None);
                    options.set_last_will(will);
                }
                Options::V5(Box::new(options))
            }
        })
    }
}

/// A message of a broker.
pub(crate) struct Message {
    pub(crate) topic: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    /// The broker had it before this client asked.
    pub(crate) retain: bool,
}

/// What comes over a connection.
pub(crate) enum Heard {
    /// It stands: topics have to be asked for.
    Connected,
    Message(Message),
    /// The broker has what was said.
    Taken,
    /// Nothing that matters.
    Other,
}

/// What says something to a broker.
pub(crate) enum Client {
    V3(rumqttc::AsyncClient),
    V5(rumqttc_v5::AsyncClient),
}

/// What a broker says.
pub(crate) enum Events {
    V3(Box<rumqttc::EventLoop>),
    V5(Box<rumqttc_v5::EventLoop>),
}

impl Options {
    /// Both ends; nothing is connected before the first event is asked for.
    pub(crate) fn open(self) -> (Client, Events) {
        match self {
            Self::V3(options) => {
                let builder = rumqttc::AsyncClient::builder(*options);
                let (client, events) = builder.capacity(WAITING).build();
                (Client::V3(client), Events::V3(Box::new(events)))
            }
            Self::V5(options) => {
                let builder = rumqttc_v5::AsyncClient::builder(*options);
                let (client, events) = builder.capacity(WAITING).build();
                (Client::V5(client), Events::V5(Box::new(events)))
            }
        }
    }
}

impl Client {
    /// Asks for a topic's messages.
    pub(crate) fn subscribe(&self, topic: &str) -> Result<(), String> {
        match self {
            Self::V3(client) => client
                .try_subscribe(topic, rumqttc::QoS::AtMostOnce)
                .map_err(|e| e.to_string()),
            Self::V5(client) => client
                .try_subscribe(topic, rumqttc_v5::QoS::AtMostOnce)
                .map_err(|e| e.to_string()),
        }
    }

    /// Says something that the broker keeps.
    pub(crate) fn publish_retained(&self, topic: &str, text: String) -> Result<(), String> {
        match self {
            Self::V3(client) => {
                let options = rumqttc::PublishOptions::new(rumqttc::QoS::AtLeastOnce).retained();
                let said = client.try_publish(topic, text, options);
                said.map_err(|e| e.to_string())
            }
            Self::V5(client) => {
                let qos = rumqttc_v5::QoS::AtLeastOnce;
                let options = rumqttc_v5::PublishOptions::new(qos).retained();
                let said = client.try_publish(topic, text, options);
                said.map_err(|e| e.to_string())
            }
        }
    }

    /// Takes leave of the broker.
    pub(crate) fn disconnect(&self) -> Result<(), String> {
        match self {
            Self::V3(client) => client.try_disconnect().map_err(|e| e.to_string()),
            Self::V5(client) => client.try_disconnect().map_err(|e| e.to_string()),
        }
    }
}

impl Events {
    /// The next event; an error ends a connection, and the event after it begins another.
    pub(crate) async fn next(&mut self) -> Result<Heard, String> {
        match self {
            Self::V3(events) => {
                use rumqttc::{Event, Incoming};
                match events.poll().await {
                    Ok(Event::Incoming(Incoming::ConnAck(_))) => Ok(Heard::Connected),
                    Ok(Event::Incoming(Incoming::PubAck(_))) => Ok(Heard::Taken),
                    Ok(Event::Incoming(Incoming::Publish(p))) => Ok(Heard::Message(Message {
                        topic: p.topic.to_vec(),
                        payload: p.payload.to_vec(),
                        retain: p.retain,
                    })),
                    Ok(_) => Ok(Heard::Other),
                    Err(why) => Err(one_line(&why.to_string())),
                }
            }
            Self::V5(events) => {
                use rumqttc_v5::{Event, Incoming};
                match events.poll().await {
                    Ok(Event::Incoming(Incoming::ConnAck(_))) => Ok(Heard::Connected),
                    Ok(Event::Incoming(Incoming::PubAck(_))) => Ok(Heard::Taken),
                    Ok(Event::Incoming(Incoming::Publish(p))) => Ok(Heard::Message(Message {
                        topic: p.topic.to_vec(),
                        payload: p.payload.to_vec(),
                        retain: p.retain,
                    })),
                    Ok(_) => Ok(Heard::Other),
                    Err(why) => Err(one_line(&why.to_string())),
                }
            }
        }
    }
}

/// A connection that is kept up for as long as this lives, for something that is only told.
pub(crate) struct Kept(JoinHandle<()>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Keeps a connection up, and calls `stands` each time that it stands anew (true) or is gone (false).
pub(crate) fn keep(
    mut events: Events,
    whose: &'static str,
    mut stands: impl FnMut(bool) + Send + 'static,
) -> Kept {
    Kept(tokio::spawn(async move {
        let mut said = String::new();
        loop {
            match events.next().await {
                Ok(Heard::Connected) => {
                    said.clear();
                    stands(true);
                }
                Ok(_) => {}
                Err(why) => {
                    stands(false);
                    if why != said {
                        tracing::warn!("the {whose}'s broker: {why}");
                    }
                    said = why;
                    sleep(PAUSE).await;
                }
            }
        }
    }))
}
