//! Which market: the addresses file that a deployment writes.

use crate::error::ChainError;
use crate::key::check_address;
use crate::message;
use crate::proof::TrustedBlock;
use crate::proto::cosmos::base::v1beta1::Coin;
use cosmrs::Any;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;
use wattpool_schema::{escrow, pool, AgentKey, MeterId};

/// Version of the addresses file.
pub const MARKET_VERSION: u32 = 1;

/// A market on a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// Version of this record, [`MARKET_VERSION`].
    pub version: u32,
    /// Chain id.
    pub chain_id: String,
    /// Prefix of the chain's addresses.
    pub address_prefix: String,
    /// Denomination of payments.
    pub denom: String,
    /// Window length, seconds.
    pub window_seconds: u32,
    /// First part of each window, for standing orders; zero: there are none. Seconds.
    pub first_part_seconds: u32,
    /// May migrate the contracts; none: nobody.
    pub code_administrator: Option<String>,
    /// A block from which the chain's headers are verified: the deployment's last one. Owners who were given a newer one name it in their configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted: Option<TrustedBlock>,
    /// The energy token.
    pub token: Deployed,
    /// The energy pool.
    pub pool: Deployed,
    /// The trade escrow.
    pub escrow: Deployed,
}

/// A contract on the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployed {
    /// Its address.
    pub address: String,
    /// Its code.
    pub code_id: u64,
    /// SHA-256 of the code, hexadecimal.
    pub checksum: String,
    /// Whether every node keeps it loaded.
    pub pinned: bool,
}

impl Market {
    /// What an owner sends, in one transaction, so that a registered meter trades: names its agent, says that the meter may buy within the limits that bind
    /// by default, and deposits coins.
    ///
    /// # Errors
    /// A message does not serialise.
    pub fn entering(
        &self,
        owner: &str,
        meter: MeterId,
        agent: AgentKey,
        deposit: Vec<Coin>,
    ) -> serde_json::Result<Vec<Any>> {
        let agent = Some(agent);
        let named = serde_json::to_vec(&pool::ExecuteMsg::SetAgent { meter, agent })?;
        let limited = serde_json::to_vec(&escrow::ExecuteMsg::SetLimits {
            meter,
            set: escrow::LimitsChange::default(),
            remove: Vec::new(),
        })?;
        let deposited = serde_json::to_vec(&escrow::ExecuteMsg::Deposit {})?;
        let (pool, escrow) = (&self.pool.address, &self.escrow.address);
        Ok(vec![
            message::execute(owner, pool, named, Vec::new()),
            message::execute(owner, escrow, limited, Vec::new()),
            message::execute(owner, escrow, deposited, deposit),
        ])
    }

    /// Reads an addresses file.
    ///
    /// # Errors
    /// It cannot be read, is of another version, or an address is none.
    pub fn read(path: &Path) -> Result<Self, ChainError> {
        let file = path.display();
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|e| ChainError::input(file.to_string(), e))?;
        Self::parse(&text).map_err(|e| ChainError::input(file.to_string(), e))
    }

    /// Reads the text of an addresses file.
    ///
    /// # Errors
    /// In one line: it is of another form or version, or an address is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let version = serde_json::from_str::<serde_json::Value>(text)
            .ok()
            .and_then(|v| v.get("version")?.as_u64());
        if version.is_some_and(|v| v != u64::from(MARKET_VERSION)) {
            return Err(format!(
                "expected version {MARKET_VERSION}, found {}",
                version.unwrap_or_default()
            ));
        }
        // An unknown key is quoted as it is.
        let line = |e: serde_json::Error| e.to_string().replace(['\n', '\r'], " ");
        let market: Self = serde_json::from_str(text).map_err(line)?;
        for (name, contract) in [
            ("token", &market.token),
            ("pool", &market.pool),
            ("escrow", &market.escrow),
        ] {
            check_address(name, &contract.address, &market.address_prefix)
                .map_err(|e| e.to_string())?;
        }
        if let Some(trusted) = &market.trusted {
            trusted.check().map_err(|e| format!("trusted: {e}"))?;
        }
        Ok(market)
    }

    /// Writes the addresses file; whoever reads it finds the old one or the new one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ChainError> {
        let named = |e: std::io::Error| ChainError::input(path.display().to_string(), e);
        let mut text =
            serde_json::to_string_pretty(self).map_err(|e| ChainError::input("market", e))?;
        text.push('\n');
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let fresh = path.with_file_name(name);
        let mut file = std::fs::File::create(&fresh).map_err(named)?;
        file.write_all(text.as_bytes()).map_err(named)?;
        file.sync_all().map_err(named)?;
        std::fs::rename(&fresh, path).map_err(named)
    }

    /// Whether an address is one of the three contracts.
    pub fn is_ours(&self, address: &str) -> bool {
        [&self.token, &self.pool, &self.escrow]
            .iter()
            .any(|c| c.address == address)
    }
}
