//! Single messages to a topic of a broker, each over a connection of its own: what is said once a day holds nothing in
//! between, and has been said only when the broker says so.

use crate::address::BrokerAt;
use crate::broker::{Broker, Heard, Version};
use crate::settings::{secret, SettingsError};
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

/// The broker takes a message within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// A topic of a broker, as the owner names it.
#[derive(Clone, Copy, Debug)]
pub struct TopicAt<'a> {
    /// Where the broker is: `mqtt://host`, `mqtts://host`.
    pub broker: &'a str,
    /// The topic.
    pub topic: &'a str,
    /// User at the broker, if it asks for one.
    pub user: Option<&'a str>,
    /// File with the user's password.
    pub secret_file: Option<&'a Path>,
    /// Certificates that the broker is known by; without it those of the system.
    pub ca_file: Option<&'a Path>,
}

/// A topic that messages are sent to.
#[derive(Clone, Debug)]
pub struct Topic {
    broker: Broker,
    topic: String,
}

impl TopicAt<'_> {
    /// Checks what can be checked without files and the broker.
    ///
    /// # Errors
    /// The first setting that cannot be meant.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.parse().map(drop)
    }

    fn parse(&self) -> Result<BrokerAt, SettingsError> {
        let at = BrokerAt::parse(self.broker).map_err(|error| SettingsError {
            key: "broker".to_owned(),
            ..error
        })?;
        if self.topic.is_empty() || self.topic.contains(['+', '#', '\0']) {
            return Err(SettingsError {
                key: "topic".to_owned(),
                expected: "a topic without + and #",
                found: format!("{:?}", self.topic),
            });
        }
        Ok(at)
    }

    /// Reads what else is needed. `client`: what this one is called at the broker.
    ///
    /// # Errors
    /// A setting that cannot be meant, or a file that cannot be read.
    pub fn open(&self, client: &str) -> Result<Topic, SettingsError> {
        let broker = Broker {
            at: self.parse()?,
            version: Version::V3,
            user: self.user.map(str::to_owned),
            password: secret(self.secret_file)?,
            ca_file: self.ca_file.map(Path::to_owned),
            client: format!("wattpool-{}-{client}", std::process::id()),
            will: None,
        };
        // Files that cannot be read are said now.
        broker.options()?;
        Ok(Topic {
            broker,
            topic: self.topic.to_owned(),
        })
    }
}

impl Topic {
    /// Says something; whoever subscribes later hears the last of it.
    ///
    /// # Errors
    /// The broker has not taken it within ten seconds; it may still have.
    pub async fn say(&self, text: String) -> Result<(), String> {
        let options = self.broker.options().map_err(|e| e.to_string())?;
        let (client, mut events) = options.open();
        client.publish_retained(&self.topic, text)?;
        let taken = async {
            loop {
                if let Heard::Taken = events.next().await? {
                    return Ok(());
                }
            }
        };
        let said = match timeout(PATIENCE, taken).await {
            Ok(said) => said,
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        if said.is_ok() && client.disconnect().is_ok() {
            // The broker need not wonder where the client is. That it has gone is seen by an error.
            let gone = async { while events.next().await.is_ok() {} };
            let _ = timeout(PATIENCE, gone).await;
        }
        said
    }
}
