//! What a network is, for those who use it: `testnet.json` in its folder.

use crate::account::Account;
use crate::files::write_private;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Name of the description in a network's folder.
pub const FILE: &str = "testnet.json";

/// The accounts every network has: who deploys, who registers meters, the grid's operator, the regulator, and
/// the one that others get their coins from.
pub const ROLES: [&str; 5] = ["admin", "registrar", "operator", "regulator", "faucet"];

/// A network as a whole. The file is for its owner alone: it holds the keys of a chain that is thrown away.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Version of this record: 1.
    pub version: u32,
    /// Chain id.
    pub chain_id: String,
    /// Prefix of addresses.
    pub address_prefix: String,
    /// Denomination of payments and fees, in micro-units.
    pub payment_denom: String,
    /// Denomination of stakes and deposits, in micro-units.
    pub staking_denom: String,
    /// Least price of a unit of gas, in micro-units of the payment denomination, as a decimal.
    pub gas_price: String,
    /// Largest sum of gas in a block.
    pub block_gas: u64,
    /// Milliseconds between blocks, at least.
    pub block_ms: u32,
    /// Seconds of a market window.
    pub window_s: u32,
    /// Governance.
    pub governance: Governance,
    /// The nodes; every one is a validator with an equal stake.
    pub nodes: Vec<NodeDescription>,
    /// Accounts by name: [`ROLES`] and those asked for.
    pub accounts: BTreeMap<String, Account>,
}

/// How this chain is governed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Governance {
    /// Address in whose name a proposal's messages are executed.
    pub authority: String,
    /// Seconds that a proposal can be voted on.
    pub voting_s: u32,
    /// Seconds that an expedited proposal can be voted on.
    pub expedited_voting_s: u32,
    /// Deposit for a proposal, in micro-units of the staking denomination.
    pub deposit: u64,
    /// Deposit for an expedited proposal.
    pub expedited_deposit: u64,
}

/// A node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeDescription {
    /// Name, and name of its folder.
    pub name: String,
    /// The address of its peer key.
    pub id: String,
    /// Address of its RPC, such as `http://127.0.0.1:26657`.
    pub rpc: String,
    /// Where its peers reach it.
    pub peer_port: u16,
    /// The operator's account: it votes and stakes.
    pub validator: Account,
}

impl NodeDescription {
    /// The port of [`NodeDescription::rpc`].
    pub(crate) fn rpc_port(&self) -> Result<u16> {
        let (_, port) = self
            .rpc
            .rsplit_once(':')
            .context("no port in an RPC address")?;
        port.parse()
            .with_context(|| format!("port of {}", self.rpc))
    }
}

impl Description {
    /// The least price of a unit of gas, with its denomination.
    pub(crate) fn price_of_gas(&self) -> String {
        format!("{}{}", self.gas_price, self.payment_denom)
    }

    /// The account of a name, such as one of [`ROLES`].
    ///
    /// # Errors
    /// When there is none.
    pub fn account(&self, name: &str) -> Result<&Account> {
        let known = || {
            self.accounts
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        };
        self.accounts
            .get(name)
            .with_context(|| format!("no account {name:?}; there are {}", known()))
    }

    /// Reads the description of the network in a folder; none when there is no network.
    ///
    /// # Errors
    /// When the file cannot be read or is not one of this version.
    pub fn read(home: &Path) -> Result<Option<Self>> {
        let path = home.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let description: Self = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is no network of this version; testnet/reset removes it",
                path.display()
            )
        })?;
        Ok(Some(description))
    }

    /// Writes the description, for its owner alone.
    pub(crate) fn write(&self, home: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        write_private(&home.join(FILE), text.as_bytes())
    }
}
