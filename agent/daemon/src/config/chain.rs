//! `[chain]`: nodes, what is trusted, and what may be spent on fees.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use wattpool_ledger_wasmd::invitation::BLOCK_MS;
use wattpool_ledger_wasmd::proof::{Trust, TrustedBlock};
use wattpool_ledger_wasmd::rpc::{address, Pin};
use wattpool_ledger_wasmd::tx::GasPrice;
use wattpool_ledger_wasmd::{ChainError, ChainSettings, Market};

/// Longest trusting period: stake is bound for 21 days.
const MOST_DAYS: u64 = 20;
/// Gas that a window may cost, where the owner bounds nothing: a batch of statements and some trades.
const GAS_PER_WINDOW: u64 = 4_000_000;
/// How often nodes are compared: a quarter of a window, within these.
const LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// `[chain]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainConfig {
    /// RPC addresses.
    pub rpc: Vec<String>,
    /// Certificates of the nodes, by their SHA-256 or as PEM files.
    #[serde(default)]
    pub certificates: Vec<String>,
    /// Take `http://` to other machines, too.
    #[serde(default)]
    pub allow_plain_http: bool,
    /// Addresses file of the deployment.
    pub market: PathBuf,
    /// A block that is trusted, or 0: that of the addresses file.
    #[serde(default)]
    pub trusted_height: u64,
    /// Its hash, or nothing.
    #[serde(default)]
    pub trusted_hash: String,
    /// How long a verified block is trusted, days.
    #[serde(default = "trusting_days")]
    pub trusting_days: u64,
    /// Price of gas.
    #[serde(default = "gas_price")]
    pub gas_price: String,
    /// Most that one transaction costs, micro-units, or 0.
    #[serde(default)]
    pub max_fee: u64,
    /// Most that is spent on fees in 24 hours, micro-units, or 0.
    #[serde(default)]
    pub max_fees_per_day: u64,
    /// Whose fee grant pays, or nothing.
    #[serde(default)]
    pub fee_granter: String,
    /// Claim the owner's feed-in credit once a day, when it is worth the fee.
    #[serde(default = "claims")]
    pub claim_feed_in: bool,
    /// Expected block interval, milliseconds.
    #[serde(default = "block_ms")]
    pub block_ms: u64,
}

const fn trusting_days() -> u64 {
    14
}
fn gas_price() -> String {
    wattpool_schema::DEFAULT_GAS_PRICE.into()
}
const fn claims() -> bool {
    true
}
const fn block_ms() -> u64 {
    5_000
}

impl ChainConfig {
    /// `value` makes an error of key, what was expected, and what was found.
    pub(super) fn check<E>(
        &self,
        value: impl Fn(&str, &'static str, String) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.rpc.is_empty() {
            value("chain.rpc", "at least one address", "none".into())?;
        }
        for url in &self.rpc {
            if let Err(error) = address(url, self.allow_plain_http) {
                let plain = url.starts_with("http://");
                let expected = if plain {
                    "https://host:port: over http:// to another machine whoever is between reads and changes everything (allow_plain_http takes it all the same)"
                } else {
                    "https://host:port, or http://127.0.0.1:26657 on this machine"
                };
                let why = match error {
                    ChainError::Input { why, .. } if !plain => format!("{url:?} ({why})"),
                    _ => format!("{url:?}"),
                };
                value("chain.rpc", expected, why)?;
            }
        }
        let trusted = TrustedBlock {
            height: self.trusted_height,
            hash: self.trusted_hash.clone(),
        };
        let named = self.trusted_height != 0 || !self.trusted_hash.is_empty();
        if named && trusted.check().is_err() {
            let expected = "a height from 1 and its block's hash of 64 hexadecimal digits, both";
            let found = format!("{} and {:?}", trusted.height, trusted.hash);
            value("chain.trusted_height, chain.trusted_hash", expected, found)?;
        }
        if !(1..=MOST_DAYS).contains(&self.trusting_days) {
            let found = self.trusting_days.to_string();
            value(
                "chain.trusting_days",
                "1 to 20: less than stake is bound for",
                found,
            )?;
        }
        if GasPrice::from_str(&self.gas_price).is_err() {
            let found = format!("{:?}", self.gas_price);
            value("chain.gas_price", "such as 0.0025uwatt", found)?;
        }
        if !BLOCK_MS.contains(&self.block_ms) {
            let found = self.block_ms.to_string();
            value("chain.block_ms", "100 to 600000", found)?;
        }
        Ok(())
    }

    /// Files are found from the configuration's folder on.
    pub(super) fn start_at(&mut self, folder: &Path) {
        self.market = folder.join(&self.market);
        for certificate in &mut self.certificates {
            if Pin::parse(certificate).is_err() {
                *certificate = folder.join(&*certificate).display().to_string();
            }
        }
    }

    /// The certificates that were named.
    ///
    /// # Errors
    /// One is neither a SHA-256 nor a file with one in PEM.
    pub fn pins(&self) -> Result<Vec<Pin>, String> {
        let mut pins = Vec::new();
        for certificate in &self.certificates {
            match Pin::parse(certificate) {
                Ok(pin) => pins.push(pin),
                Err(_) => {
                    let found = Pin::read(Path::new(certificate));
                    pins.extend(found.map_err(|e| format!("chain.certificates: {e}"))?);
                }
            }
        }
        Ok(pins)
    }

    /// How the chain of a market is reached and paid.
    ///
    /// # Errors
    /// A certificate cannot be read, or the price of gas is none.
    pub fn settings(&self, market: &Market) -> Result<ChainSettings, String> {
        let price: GasPrice = self
            .gas_price
            .parse()
            .map_err(|e: ChainError| e.to_string())?;
        let mut settings = ChainSettings::new(self.rpc.clone(), &market.address_prefix, price);
        settings.certificates = self.pins()?;
        settings.allow_plain_http = self.allow_plain_http;
        settings.chain_id = Some(market.chain_id.clone());
        let window = u64::from(market.window_seconds.max(1));
        settings.look = Duration::from_secs(window / 4).clamp(LOOKS.0, LOOKS.1);
        let price = &settings.gas_price;
        if self.max_fee != 0 && price.nanos != 0 {
            let gas = u128::from(self.max_fee).saturating_mul(1_000_000_000);
            let gas = gas.checked_div(u128::from(price.nanos)).unwrap_or(0);
            let gas = u64::try_from(gas).unwrap_or(u64::MAX);
            settings.gas_ceiling = settings.gas_ceiling.min(gas);
        }
        let windows = 86_400_u64.div_ceil(window);
        let usual = price
            .fee(GAS_PER_WINDOW)
            .saturating_mul(u128::from(windows));
        settings.max_fees_per_day = Some(match self.max_fees_per_day {
            0 => usual,
            most => u128::from(most),
        });
        Ok(settings)
    }

    /// Whom to trust: the block that is named here, else that of the addresses file; none: nothing can be proven.
    pub fn trust(&self, market: &Market) -> Option<Trust> {
        let named = (self.trusted_height != 0).then(|| TrustedBlock {
            height: self.trusted_height,
            hash: self.trusted_hash.clone(),
        });
        let origin = named.or_else(|| market.trusted.clone())?;
        let blocks = Duration::from_millis(self.block_ms.saturating_mul(12));
        Some(Trust {
            origin,
            period: Duration::from_secs(self.trusting_days.saturating_mul(86_400)),
            newest: blocks.max(Duration::from_secs(60)),
        })
    }
}
