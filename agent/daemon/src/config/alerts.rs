//! `[alerts]`: who is told of what the owner should look at.

use serde::{Deserialize, Serialize};

/// `[alerts]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// An address that gets a POST for each change; "": nobody.
    pub webhook: String,
}

impl AlertsConfig {
    /// `value` makes an error of key, what was expected, and what was found.
    pub(super) fn check<E>(
        &self,
        value: impl Fn(&str, &'static str, String) -> Result<(), E>,
    ) -> Result<(), E> {
        let host = self.webhook.strip_prefix("http://");
        let named = host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
        if self.webhook.is_empty() || named {
            return Ok(());
        }
        value(
            "alerts.webhook",
            "an address on this machine or the home network such as http://homeassistant.local:8123/api/webhook/NAME",
            format!("{:?}", self.webhook),
        )
    }
}
