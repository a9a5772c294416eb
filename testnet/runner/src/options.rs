//! What a network is made with.

use crate::account::{Account, Coin};
use anyhow::{bail, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;
use wattpool_schema::{DEFAULT_GAS_PRICE, PAYMENT_DENOM, STAKING_DENOM};

/// Which ports the nodes listen on, all of 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Any that are free, kept from other networks made so while this one lives.
    Free,
    /// Node `i` answers RPC on this port + 10·i, and its peers on the port before that.
    From(u16),
}

/// Who may upload code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uploads {
    /// Everybody.
    Everybody,
    /// The account `admin`; everybody else needs a vote.
    Admin,
}

/// What a network is made with; [`Options::default`] is one validator on free ports in a temporary folder.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of state and logs; none: a temporary one, removed at the end.
    pub home: Option<PathBuf>,
    /// The wasmd to run; none: `$WATTPOOL_WASMD`, or what `testnet/build` built.
    pub wasmd: Option<PathBuf>,
    /// Chain id.
    pub chain_id: String,
    /// Validators with equal stakes, 1 to 16.
    pub validators: u16,
    /// Ports.
    pub ports: Ports,
    /// Milliseconds from one block's commit to the next proposal, 50 to 60,000.
    pub block_ms: u32,
    /// Seconds of a market window, for the deployment, at least 1.
    pub window_s: u32,
    /// Seconds that a proposal to governance can be voted on, at least 2; an expedited one half as long.
    pub voting_s: u32,
    /// Blocks a validator may miss before it is jailed.
    pub jail_after: u32,
    /// Largest sum of gas in a block.
    pub block_gas: u64,
    /// Least price of a unit of gas that nodes take, in micro-units of the payment denomination, as a decimal.
    pub gas_price: String,
    /// Who may upload code.
    pub uploads: Uploads,
    /// Further accounts whose keys stand in the description, with what they begin with.
    pub named: BTreeMap<String, (Account, Vec<Coin>)>,
    /// Further addresses and what they begin with.
    pub accounts: Vec<(String, Vec<Coin>)>,
    /// Log level of the nodes, such as `info` or `warn`.
    pub log_level: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            home: None,
            wasmd: None,
            chain_id: "wattpool-local-1".into(),
            validators: 1,
            ports: Ports::Free,
            block_ms: 1_000,
            window_s: 900,
            voting_s: 10,
            jail_after: 10_000,
            block_gas: 100_000_000,
            gas_price: DEFAULT_GAS_PRICE.trim_end_matches(PAYMENT_DENOM).into(),
            uploads: Uploads::Everybody,
            named: BTreeMap::new(),
            accounts: Vec::new(),
            log_level: "warn".into(),
        }
    }
}

impl Options {
    /// Refuses what no network can be made of.
    pub(crate) fn check(&self) -> Result<()> {
        if !(1..=16).contains(&self.validators) {
            bail!("validators {}: 1 to 16 were expected", self.validators);
        }
        if !(50..=60_000).contains(&self.block_ms) {
            bail!(
                "block_ms {}: 50 to 60000 milliseconds were expected",
                self.block_ms
            );
        }
        if self.window_s == 0 {
            bail!("window_s 0: at least 1 second was expected");
        }
        if !(2..=86_400).contains(&self.voting_s) {
            bail!(
                "voting_s {}: 2 to 86400 seconds were expected",
                self.voting_s
            );
        }
        if self.jail_after == 0 {
            bail!("jail_after 0: at least 1 block was expected");
        }
        if self.block_gas < 10_000_000 {
            bail!(
                "block_gas {}: at least 10000000 was expected, for an upload of code",
                self.block_gas
            );
        }
        let id = self.chain_id.as_bytes();
        let plain = |c: &u8| c.is_ascii_alphanumeric() || *c == b'-';
        if id.is_empty() || id.len() > 48 || !id.iter().all(plain) {
            bail!(
                "chain_id {:?}: up to 48 letters, digits and hyphens were expected",
                self.chain_id
            );
        }
        // The nodes read more; a decimal is all that is needed.
        let (whole, part) = self
            .gas_price
            .split_once('.')
            .unwrap_or((&self.gas_price, "0"));
        let digits =
            |s: &str| !s.is_empty() && s.len() <= 18 && s.bytes().all(|c| c.is_ascii_digit());
        if !digits(whole) || !digits(part) {
            bail!(
                "gas_price {:?}: a decimal such as 0.0025 was expected",
                self.gas_price
            );
        }
        if let Ports::From(port) = self.ports {
            let last = self.validators.saturating_sub(1).saturating_mul(10);
            if port < 1_025 || last.checked_add(port).is_none() {
                bail!("RPC port {port}: 1025 to 65535 were expected, for every node");
            }
        }
        Ok(())
    }
}

/// What every role's account begins with: a million coins of either kind.
pub(crate) fn endowment() -> Vec<Coin> {
    vec![
        Coin::new(1_000_000_000_000, STAKING_DENOM),
        Coin::new(1_000_000_000_000, PAYMENT_DENOM),
    ]
}
