//! `[alerts]`: who is told of what the owner should look at.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use wattpool_home_devices::TopicAt;

/// `[alerts]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// An address that gets a POST for each change; "": nobody.
    pub webhook: String,
    /// A broker that gets a message for each change; "": none.
    pub broker: String,
    /// The topic of these messages.
    pub topic: String,
    /// User at the broker; "": it asks for none.
    pub user: String,
    /// File with the user's password; "": none.
    pub secret_file: PathBuf,
    /// Certificates that the broker is known by; "": those of the system.
    pub ca_file: PathBuf,
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            webhook: String::new(),
            broker: String::new(),
            topic: "wattpool/alerts".to_owned(),
            user: String::new(),
            secret_file: PathBuf::new(),
            ca_file: PathBuf::new(),
        }
    }
}

fn named(path: &Path) -> Option<&Path> {
    Some(path).filter(|path| !path.as_os_str().is_empty())
}

impl AlertsConfig {
    /// Where the messages go, if a broker is named.
    pub fn topic(&self) -> Option<TopicAt<'_>> {
        (!self.broker.is_empty()).then(|| TopicAt {
            broker: &self.broker,
            topic: &self.topic,
            user: Some(self.user.as_str()).filter(|user| !user.is_empty()),
            secret_file: named(&self.secret_file),
            ca_file: named(&self.ca_file),
        })
    }

    /// Relative paths start at this folder.
    pub(super) fn start_at(&mut self, folder: &Path) {
        for path in [&mut self.secret_file, &mut self.ca_file] {
            if named(path).is_some() {
                *path = folder.join(&path);
            }
        }
    }

    /// `value` makes an error of key, what was expected, and what was found.
    pub(super) fn check<E>(
        &self,
        value: impl Fn(&str, &'static str, String) -> Result<(), E>,
    ) -> Result<(), E> {
        let host = self.webhook.strip_prefix("http://");
        let named = host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
        if !self.webhook.is_empty() && !named {
            value(
                "alerts.webhook",
                "an address on this machine or the home network such as http://homeassistant.local:8123/api/webhook/NAME",
                format!("{:?}", self.webhook),
            )?;
        }
        match self.topic().map(|topic| topic.check()) {
            Some(Err(wrong)) => value(
                &format!("alerts.{}", wrong.key),
                wrong.expected,
                wrong.found,
            ),
            _ => Ok(()),
        }
    }
}
