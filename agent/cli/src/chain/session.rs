//! One command's way to a chain: its keys, its nodes, its market.

use super::options::{Options, SignMode};
use super::profile;
use super::told::{failed, time, unusable, warn};
use crate::{print, Failure};
use anyhow::anyhow;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use wattpool_ledger_wasmd::tx::GasPrice;
use wattpool_ledger_wasmd::{ChainError, ChainSettings, Client, Market};
use wattpool_program::json;
use wattpool_schema::{ADDRESS_PREFIX, DEFAULT_GAS_PRICE, PAYMENT_DENOM};
use wattpool_wallet::address;
use wattpool_wallet::amount::coins;
use wattpool_wallet::key::Secret;
use wattpool_wallet::passphrase::Passphrases;
use wattpool_wallet::send::{Gas, Payment};
use wattpool_wallet::store::{Backend, Info, Store};
use wattpool_wallet::tx::Mode;

/// The node that is asked when none is named.
const NODE: &str = "http://127.0.0.1:26657";
/// Seconds to wait for a block.
const WAIT: u64 = 120;

/// What is asked before a transaction is sent: what it does, in words, to be read after "This will".
pub type Question = String;

/// Who signs.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Its key, if it is in the keystore.
    pub info: Option<Info>,
    /// Its address.
    pub address: String,
}

/// One command's way to a chain.
pub struct Session {
    options: Options,
    passphrases: Passphrases,
    /// That the market's file is not there.
    told: AtomicBool,
}

/// That a file is not there, whatever else may be wrong with it.
fn absent(file: &Path) -> bool {
    std::fs::metadata(file).is_err_and(|e| e.kind() == ErrorKind::NotFound)
}

impl Session {
    /// From a command's options.
    ///
    /// # Errors
    /// The profile cannot be had.
    pub fn new(options: &Options) -> Result<Self, Failure> {
        let options = profile::complete(options)?;
        let passphrases =
            Passphrases::new(options.passphrase_file.clone(), options.passphrase_fd, warn);
        Ok(Self {
            options,
            passphrases,
            told: AtomicBool::new(false),
        })
    }

    /// The options, completed.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The file of the profiles, whether it is there or not.
    pub fn configuration(&self) -> Option<PathBuf> {
        profile::file()
    }

    /// Where passphrases come from.
    pub const fn passphrases(&self) -> &Passphrases {
        &self.passphrases
    }

    /// Whether results are for programs.
    pub fn as_json(&self) -> bool {
        self.options.as_json()
    }

    /// The wallet's folder.
    ///
    /// # Errors
    /// None is named, and there is no home folder.
    pub fn home(&self) -> Result<PathBuf, Failure> {
        if let Some(home) = &self.options.home {
            return Ok(home.clone());
        }
        let home = std::env::var_os("HOME").filter(|h| !h.is_empty());
        let home = home.ok_or_else(|| {
            Failure::input(anyhow!("--home: expected a folder (HOME is not set)"))
        })?;
        Ok(Path::new(&home).join(".wattpool"))
    }

    /// The keys.
    ///
    /// # Errors
    /// As [`Session::home`].
    pub fn store(&self) -> Result<Store, Failure> {
        let backend = self.options.keyring_backend.unwrap_or(Backend::File);
        Ok(Store::new(&self.home()?, backend, warn))
    }

    /// The secret of a key; its passphrase is asked for.
    ///
    /// # Errors
    /// There is no such key, or the passphrase is wrong.
    pub fn secret(&self, name: &str) -> Result<Secret, Failure> {
        let ask = || self.passphrases.get(&format!("Passphrase of key {name}: "));
        self.store()?.secret(name, ask).map_err(unusable)
    }

    /// The key of a name or an address.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, named: &str) -> Result<Info, Failure> {
        let store = self.store()?;
        if store.has(named).unwrap_or(false) {
            return store.info(named).map_err(unusable);
        }
        if let Ok(found) = address::parse("key", named) {
            if let Some(info) = store.by_hash(&found.bytes).map_err(unusable)? {
                return Ok(info);
            }
        }
        let folder = store.folder().display();
        Err(Failure::input(anyhow!(
            "key {named}: no such key in {folder}"
        )))
    }

    /// The address that a name or an address stands for. `what` names it in errors.
    ///
    /// # Errors
    /// It is neither, or of another chain.
    pub fn resolve(&self, what: &str, named: &str) -> Result<String, Failure> {
        let store = self.store()?;
        if store.has(named).unwrap_or(false) {
            let info = store.info(named).map_err(unusable)?;
            return info.public.address(ADDRESS_PREFIX).map_err(unusable);
        }
        address::with_prefix(what, named, ADDRESS_PREFIX).map_err(unusable)?;
        Ok(named.to_owned())
    }

    /// Who signs, by `--from`.
    ///
    /// # Errors
    /// Nobody is named, or no such key.
    pub fn signer(&self) -> Result<Signer, Failure> {
        let Some(from) = &self.options.from else {
            return Err(Failure::input(anyhow!(
                "--from: expected the name or address of the key that signs (also WATTPOOL_FROM, or from = in a profile)"
            )));
        };
        match self.find(from) {
            Ok(info) => {
                let address = info.public.address(ADDRESS_PREFIX).map_err(unusable)?;
                Ok(Signer {
                    info: Some(info),
                    address,
                })
            }
            // Somebody else signs what is only generated.
            Err(error) => match address::with_prefix("--from", from, ADDRESS_PREFIX) {
                Ok(_) if self.options.generate_only => Ok(Signer {
                    info: None,
                    address: from.clone(),
                }),
                _ => Err(error),
            },
        }
    }

    /// The market.
    ///
    /// # Errors
    /// No addresses file is named, or it is malformed.
    pub fn market(&self) -> Result<Market, Failure> {
        let Some(file) = &self.options.market else {
            return Err(Failure::input(anyhow!(
                "--market: expected the market's addresses file (also WATTPOOL_MARKET, or market = in a profile)"
            )));
        };
        if absent(file) {
            return Err(Failure::input(anyhow!(
                "--market {}: there is no such file; `wattpool admin deploy` writes it, or whoever runs the market sends it",
                file.display()
            )));
        }
        Market::read(file).map_err(failed)
    }

    /// The market, if one is named; for what can be done without. A file that does not exist (not yet, where it is to be
    /// deployed) is said so once, and is none.
    ///
    /// # Errors
    /// Its file is malformed.
    pub fn named_market(&self) -> Result<Option<Market>, Failure> {
        let Some(file) = &self.options.market else {
            return Ok(None);
        };
        if !absent(file) {
            return self.market().map(Some);
        }
        if !self.told.swap(true, Ordering::Relaxed) {
            warn(&format!(
                "--market {}: there is no such file; going on without a market",
                file.display()
            ));
        }
        Ok(None)
    }

    /// The price of gas.
    ///
    /// # Errors
    /// It is none.
    pub fn price(&self) -> Result<GasPrice, Failure> {
        let text = self
            .options
            .gas_prices
            .as_deref()
            .unwrap_or(DEFAULT_GAS_PRICE);
        text.parse()
            .map_err(|e: ChainError| Failure::input(anyhow!("--gas-prices: {e}")))
    }

    /// Finds a node that answers, on the right chain and up to date.
    ///
    /// # Errors
    /// None answers, all are on another chain, or the node still replays old blocks.
    pub async fn client(&self) -> Result<Arc<Client>, Failure> {
        if self.options.offline {
            return Err(Failure::input(anyhow!("--offline: this needs a node")));
        }
        let client = self.reach(self.nodes()).await?;
        let sync = client.rpc().status().await.map_err(failed)?.sync_info;
        if sync.catching_up {
            return Err(Failure::from(anyhow!(
                "the node is still syncing: it is at block {} of {}; wait, or name another one with --node",
                sync.latest_block_height,
                time(sync.latest_block_time.seconds.get())
            )));
        }
        Ok(Arc::new(client))
    }

    /// The nodes that are asked.
    pub fn nodes(&self) -> Vec<String> {
        if self.options.node.is_empty() {
            return vec![NODE.to_owned()];
        }
        let plain = |url: &String| {
            url.strip_prefix("tcp://")
                .map_or_else(|| url.clone(), |rest| format!("http://{rest}"))
        };
        self.options.node.iter().map(plain).collect()
    }

    async fn reach(&self, nodes: Vec<String>) -> Result<Client, Failure> {
        let market = self.named_market()?;
        let mut settings = ChainSettings::new(nodes, ADDRESS_PREFIX, self.price()?);
        let wanted = market.map(|m| m.chain_id);
        if let (Some(wanted), Some(given)) = (&wanted, &self.options.chain_id) {
            if wanted != given {
                return Err(Failure::input(anyhow!(
                    "--chain-id {given}: the market of --market is on chain {wanted}"
                )));
            }
        }
        settings.chain_id = self.options.chain_id.clone().or(wanted);
        Client::connect(settings).await.map_err(failed)
    }

    /// Refuses while one of the nodes that are asked has not caught up: it may be the one that a validator signs with. Those
    /// that do not answer are passed over.
    ///
    /// # Errors
    /// One has not caught up; `why` says what would come of it.
    pub async fn caught_up(&self, why: &str) -> Result<(), Failure> {
        if self.options.offline {
            return Ok(());
        }
        for node in self.nodes() {
            let Ok(client) = self.reach(vec![node.clone()]).await else {
                continue;
            };
            let Ok(status) = client.rpc().status().await else {
                continue;
            };
            let sync = status.sync_info;
            if sync.catching_up {
                return Err(Failure::from(anyhow!(
                    "the node {node} has not caught up, it is at block {} of {}: {why}",
                    sync.latest_block_height,
                    time(sync.latest_block_time.seconds.get())
                )));
            }
        }
        Ok(())
    }

    /// What a transaction pays.
    ///
    /// # Errors
    /// One of the options is malformed.
    pub fn payment(&self) -> Result<Payment, Failure> {
        let gas = match self.options.gas.as_deref() {
            None | Some("auto") => Gas::Simulated(self.adjustment()?),
            Some(text) => match text.parse() {
                Ok(limit) if limit > 0 => Gas::Limit(limit),
                _ => {
                    return Err(Failure::input(anyhow!(
                        "--gas: expected auto or a number above 0, found {text:?}"
                    )))
                }
            },
        };
        let fees = self
            .options
            .fees
            .as_deref()
            .map(|text| coins("--fees", text));
        let granter = match &self.options.fee_granter {
            Some(granter) => self.resolve("--fee-granter", granter)?,
            None => String::new(),
        };
        Ok(Payment {
            gas,
            fees: fees.transpose().map_err(unusable)?,
            price: self.price()?,
            granter,
        })
    }

    /// Per cent of what a simulation used.
    fn adjustment(&self) -> Result<u32, Failure> {
        let Some(text) = self.options.gas_adjustment.as_deref() else {
            return Ok(140);
        };
        let bad = || {
            Failure::input(anyhow!(
                "--gas-adjustment: expected 1 to 10 with at most two decimals, found {text:?}"
            ))
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = format!("{fraction:0<2}");
        let percent: u32 = format!("{whole}{digits}").parse().map_err(|_| bad())?;
        if digits.len() != 2 || !(100..=1_000).contains(&percent) {
            return Err(bad());
        }
        Ok(percent)
    }

    /// How the key signs.
    pub fn mode(&self) -> Mode {
        match self.options.sign_mode {
            Some(SignMode::AminoJson) => Mode::Amino,
            Some(SignMode::Direct) | None => Mode::Direct,
        }
    }

    /// Longest to wait for a block.
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.options.wait.unwrap_or(WAIT))
    }

    /// Prints an answer: JSON for programs, or the text for people.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub fn answer(
        &self,
        value: &impl serde::Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<u8, Failure> {
        print(&if self.as_json() { json(value)? } else { text() })?;
        Ok(0)
    }

    /// Denomination of the market, or of the chain's payments where no market is named.
    ///
    /// # Errors
    /// The market's file is malformed.
    pub fn denom(&self) -> Result<String, Failure> {
        let market = self.named_market()?;
        Ok(market.map_or_else(|| PAYMENT_DENOM.to_owned(), |m| m.denom))
    }
}
