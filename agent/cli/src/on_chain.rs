//! What the commands that act on a chain share: where it is, how to pay, who signs, and what came of it.

use crate::{print, Failure};
use anyhow::Context;
use serde::Serialize;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wattpool_ledger_wasmd::call;
use wattpool_ledger_wasmd::message::coin;
use wattpool_ledger_wasmd::rpc::TxIn;
use wattpool_ledger_wasmd::tx::GasPrice;
use wattpool_ledger_wasmd::{Account, ChainError, ChainSettings, Client, Deployed, Key, Market};
use wattpool_schema::error::{Class, Code};
use wattpool_schema::{ADDRESS_PREFIX, DEFAULT_GAS_PRICE};

/// The chain and the account that signs.
#[derive(clap::Args)]
pub struct ChainArgs {
    /// Addresses of the chain's nodes, in the order of preference (repeat it, or separate by commas).
    #[arg(long, value_name = "URL", required = true, value_delimiter = ',')]
    pub rpc: Vec<String>,
    /// Price of gas, such as 0.0025uwatt.
    #[arg(long, value_name = "PRICE", default_value = DEFAULT_GAS_PRICE)]
    gas_price: GasPrice,
    /// File with the signing key: 64 hexadecimal digits or 24 words.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// A market on the chain, and the account that signs.
#[derive(clap::Args)]
pub struct MarketArgs {
    #[command(flatten)]
    chain: ChainArgs,
    /// Addresses file that `wattpool admin deploy` wrote.
    #[arg(long, value_name = "FILE")]
    market: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl ChainArgs {
    /// Connects; `chain_id`: what it must be.
    pub async fn connect(&self, chain_id: Option<String>) -> Result<Arc<Client>, ChainError> {
        let price = self.gas_price.clone();
        let mut settings = ChainSettings::new(self.rpc.clone(), ADDRESS_PREFIX, price);
        settings.chain_id = chain_id;
        Ok(Arc::new(Client::connect(settings).await?))
    }

    /// The signing key.
    pub fn key(&self) -> Result<Key, Failure> {
        read_key(&self.key)
    }
}

/// Reads a key file.
pub fn read_key(path: &Path) -> Result<Key, Failure> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{}: cannot be read", path.display()))
        .map_err(Failure::input)?;
    Key::from_text(&text, ADDRESS_PREFIX)
        .with_context(|| path.display().to_string())
        .map_err(Failure::input)
}

impl MarketArgs {
    /// The addresses file, and the account on its chain.
    pub async fn open(&self) -> Result<(Market, Account), Failure> {
        let market = Market::read(&self.market).map_err(failed)?;
        let key = self.chain.key()?;
        let chain_id = Some(market.chain_id.clone());
        let client = self.chain.connect(chain_id).await.map_err(failed)?;
        Ok((market, Account::new(client, key, None)))
    }

    /// Prints where a transaction is.
    pub fn print(&self, doing: &str, tx: &TxIn) -> Result<u8, Failure> {
        print(&if self.json {
            let gas = tx.result.gas_used;
            format!("{{\"height\":{},\"gas_used\":{gas}}}\n", tx.height)
        } else {
            format!("{doing}: done in block {}\n", tx.height)
        })?;
        Ok(0)
    }
}

/// Sends a message to one of the market's contracts, with so many micro-units, and prints where it is.
///
/// # Errors
/// The input is wrong (exit code 2), or the contract refuses.
pub fn to_contract(
    market: &MarketArgs,
    contract: fn(&Market) -> &Deployed,
    doing: &str,
    msg: &impl Serialize,
    amount: u64,
) -> Result<u8, Failure> {
    block_on(async {
        let (found, account) = market.open().await?;
        let funds = match amount {
            0 => Vec::new(),
            amount => vec![coin(amount.into(), &found.denom)],
        };
        let tx = call(&account, &contract(&found).address, msg, funds).await;
        market.print(doing, &tx.map_err(failed)?)
    })
}

/// Sends a message to the pool and prints where it is.
///
/// # Errors
/// As [`to_contract`].
pub fn to_pool(market: &MarketArgs, doing: &str, msg: &impl Serialize) -> Result<u8, Failure> {
    to_contract(market, |found| &found.pool, doing, msg, 0)
}

/// Runs a command's future on a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("runtime")?
        .block_on(future)
}

/// What the chain or its adapter refused, with the exit code: 2 where the input is to be changed.
pub fn failed(error: ChainError) -> Failure {
    let input = matches!(error, ChainError::Input { .. });
    let code = match &error {
        ChainError::Refused { log, .. } => Code::in_text(log),
        _ => None,
    };
    let hint = match error.class() {
        Class::Retry => " (it may succeed later)",
        Class::Refuse | Class::Fatal => "",
    };
    let text = match code {
        Some(code) => format!("the market refuses with {code}: {error}"),
        None => format!("{error}{hint}"),
    };
    let error = anyhow::anyhow!(text);
    if input {
        Failure::input(error)
    } else {
        Failure::from(error)
    }
}
