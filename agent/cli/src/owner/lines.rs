//! What an owner writes into files after joining: lines of the agent's configuration, and of the wallet's profile.

use crate::chain::{warn, Session};
use crate::Failure;
use serde_json::Value;
use std::path::PathBuf;
use toml::{Table, Value as Toml};
use wattpool_ledger_wasmd::rpc::address;
use wattpool_ledger_wasmd::Invitation;
use wattpool_schema::MeterId;

/// The market's addresses file beside the agent's configuration.
const BESIDE: &str = "market.json";

/// Lines of both files, as far as they are known.
pub struct Lines {
    /// Of `agent.toml`, by sections.
    agent: Table,
    /// Of the wallet's profile; empty where it was not an invitation that led here.
    profile: Table,
    /// The profile's name, and its file.
    name: String,
    file: Option<PathBuf>,
    /// The market's addresses file here.
    market: String,
}

fn texts(list: &[String]) -> Toml {
    Toml::Array(list.iter().cloned().map(Toml::String).collect())
}

impl Lines {
    /// Of a session, after what an invitation says was put into it.
    pub fn new(session: &Session, invitation: Option<&Invitation>) -> Self {
        let options = session.options();
        let market = options.market.as_ref();
        let mut lines = Self {
            agent: Table::new(),
            profile: Table::new(),
            name: options.profile.clone().unwrap_or_else(|| "default".into()),
            file: session.configuration(),
            market: market.map(|m| m.display().to_string()).unwrap_or_default(),
        };
        let nodes = session.nodes();
        lines.set("chain", "rpc", texts(&nodes));
        lines.set("chain", "market", BESIDE.into());
        for node in nodes.iter().filter(|node| address(node, false).is_err()) {
            warn(&format!(
                "{node}: over http:// to another machine whoever is between reads and changes everything; an agent takes it only with chain.allow_plain_http = true"
            ));
        }
        if let Some(invitation) = invitation {
            if let Some(ms) = invitation.block_ms.and_then(|ms| i64::try_from(ms).ok()) {
                lines.set("chain", "block_ms", ms.into());
            }
            if !invitation.bootstrap.is_empty() {
                lines.set("network", "bootstrap", texts(&invitation.bootstrap));
            }
            let profile = &mut lines.profile;
            profile.insert("market".into(), lines.market.clone().into());
            profile.insert("node".into(), texts(&nodes));
            if let Some(from) = &options.from {
                profile.insert("from".into(), from.clone().into());
            }
        }
        lines
    }

    fn set(&mut self, section: &str, key: &str, value: Toml) {
        let section = self
            .agent
            .entry(section)
            .or_insert_with(|| Table::new().into());
        if let Toml::Table(section) = section {
            section.insert(key.to_owned(), value);
        }
    }

    /// The meter's pseudonym is known.
    pub fn meter(&mut self, id: MeterId) {
        self.set("meter", "id", id.to_string().into());
    }

    /// Somebody pays the agent's fees.
    pub fn fee_granter(&mut self, address: &str) {
        self.set("chain", "fee_granter", address.into());
    }

    /// Puts them beside a command's other results.
    ///
    /// # Errors
    /// They are none that JSON can hold.
    pub fn add_to(&self, value: &mut Value) -> Result<(), Failure> {
        if let Value::Object(value) = value {
            value.insert("agent_toml".into(), serde_json::to_value(&self.agent)?);
            if !self.profile.is_empty() {
                value.insert("profile".into(), serde_json::to_value(&self.profile)?);
            }
        }
        Ok(())
    }

    /// The lines under a heading each, as the files hold them.
    ///
    /// # Errors
    /// They are none that TOML can hold.
    pub fn text(&self) -> Result<String, Failure> {
        let mut text = String::new();
        if !self.profile.is_empty() {
            let file = self.file.as_ref().map(|f| f.display().to_string());
            let named = Table::from_iter([(self.name.clone(), Toml::Table(self.profile.clone()))]);
            let profile = Table::from_iter([("profile".to_owned(), Toml::Table(named))]);
            text.push_str(&format!(
                "\n# into {}\n{}",
                file.as_deref().unwrap_or("the wallet's profiles"),
                toml::to_string(&profile)?
            ));
        }
        text.push_str(&format!(
            "\n# into agent.toml on the device, in place of the lines of the same names; {BESIDE} is a copy of {}\n{}",
            self.market,
            toml::to_string(&self.agent)?
        ));
        Ok(text)
    }
}
