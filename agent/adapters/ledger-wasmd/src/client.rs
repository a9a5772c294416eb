//! One chain: its nodes, how to pay there, and its newest block.

use crate::error::ChainError;
use crate::pace::Pace;
use crate::rpc::{BlockTime, Nodes, Pin, Rpc, Status};
use crate::tx::GasPrice;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex as Plain, PoisonError};
use std::time::Duration;
use tokio::sync::{watch, Mutex};
use wattpool_core::io::BlockRef;
use wattpool_schema::error::Class;

/// How to reach a chain and how to pay there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainSettings {
    /// Addresses of nodes (`https://host:port`), in the order of preference.
    pub rpc: Vec<String>,
    /// Certificates of the nodes; none: those that the system's authorities signed.
    pub certificates: Vec<Pin>,
    /// Take `http://` to other machines, too.
    pub allow_plain_http: bool,
    /// How often several nodes are compared.
    pub look: Duration,
    /// Chain id; none: that of the first node that answers.
    pub chain_id: Option<String>,
    /// Prefix of addresses.
    pub prefix: String,
    /// Price of gas.
    pub gas_price: GasPrice,
    /// Gas limit over what a simulation used, per cent.
    pub gas_margin_percent: u32,
    /// Most gas of one transaction.
    pub gas_ceiling: u64,
    /// Most that an account spends on fees in 24 hours, base units; none: no bound.
    pub max_fees_per_day: Option<u128>,
    /// Blocks in which a transaction may be executed; after them it is certain that it will not.
    pub timeout_blocks: u64,
    /// For one call to one node.
    pub deadline: Duration,
    /// Shortest pause between two looks for a new block; the chain's own pace makes it longer.
    pub poll: Duration,
}

impl ChainSettings {
    /// Settings for these nodes with everything else at its default.
    pub fn new(rpc: Vec<String>, prefix: &str, gas_price: GasPrice) -> Self {
        Self {
            rpc,
            certificates: Vec::new(),
            allow_plain_http: true,
            look: Duration::from_secs(30),
            chain_id: None,
            prefix: prefix.to_owned(),
            gas_price,
            gas_margin_percent: wattpool_schema::GAS_MARGIN_PERCENT,
            gas_ceiling: 20_000_000,
            max_fees_per_day: None,
            timeout_blocks: 12,
            deadline: Duration::from_secs(5),
            poll: Duration::from_millis(400),
        }
    }
}

/// A chain, as any number of accounts use it.
pub struct Client {
    rpc: Rpc,
    settings: ChainSettings,
    chain_id: String,
    head: watch::Sender<BlockRef>,
    looking: Mutex<()>,
    pace: Plain<Pace>,
    /// Lies that the head was set after.
    lies: AtomicU64,
}

impl Client {
    /// Finds a node that answers, on the right chain.
    ///
    /// # Errors
    /// None answers, all are on another chain, or a setting is not usable.
    pub async fn connect(settings: ChainSettings) -> Result<Self, ChainError> {
        if settings.gas_margin_percent < 100 {
            return Err(ChainError::input(
                "gas margin",
                format!(
                    "expected at least 100 per cent, found {}",
                    settings.gas_margin_percent
                ),
            ));
        }
        let rpc = Rpc::new(&Nodes {
            addresses: settings.rpc.clone(),
            certificates: settings.certificates.clone(),
            allow_plain_http: settings.allow_plain_http,
            chain_id: settings.chain_id.clone(),
            deadline: settings.deadline,
        })?;
        rpc.look(false).await;
        rpc.keep_looking(settings.look);
        let status = rpc.status().await?;
        let chain_id = rpc.chain_id().await?;
        let client = Self {
            rpc,
            settings,
            chain_id,
            head: watch::Sender::new(BlockRef::default()),
            looking: Mutex::new(()),
            pace: Plain::default(),
            lies: AtomicU64::new(0),
        };
        client.see(&status);
        Ok(client)
    }

    /// The nodes, for questions.
    pub const fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// Chain id.
    pub fn chain_id(&self) -> &str {
        &self.chain_id
    }

    /// As given.
    pub const fn settings(&self) -> &ChainSettings {
        &self.settings
    }

    /// Asks for the newest block.
    ///
    /// # Errors
    /// No address answers.
    pub async fn head(&self) -> Result<BlockRef, ChainError> {
        let status = self.rpc.status().await?;
        Ok(self.see(&status))
    }

    /// The newest block seen so far, without asking.
    pub fn last_seen(&self) -> BlockRef {
        *self.head.borrow()
    }

    /// Waits for a block of at least this height, however long the chain or its nodes are silent.
    ///
    /// # Errors
    /// All nodes that answer are on another chain.
    pub async fn wait_height(&self, height: u64) -> Result<BlockRef, ChainError> {
        let mut silent = false;
        loop {
            let seen = self.last_seen();
            if seen.height >= height {
                return Ok(seen);
            }
            // One waiting task looks, the others wait for it.
            let looking = self.looking.lock().await;
            if self.last_seen().height >= height {
                continue;
            }
            match self.rpc.status().await {
                Ok(status) => {
                    if silent {
                        tracing::info!("the chain answers again");
                    }
                    silent = false;
                    if self.see(&status).height >= height {
                        continue;
                    }
                }
                Err(error) if error.class() == Class::Fatal => return Err(error),
                Err(error) => {
                    if !silent {
                        tracing::warn!(%error, "waiting for the chain");
                    }
                    silent = true;
                }
            }
            tokio::time::sleep(self.pause()).await;
            drop(looking);
        }
    }

    /// Waits for a block of at least this height, however long the chain halts; silent nodes are an error.
    ///
    /// # Errors
    /// No address answers.
    pub async fn next_height(&self, height: u64) -> Result<BlockRef, ChainError> {
        loop {
            let seen = self.last_seen();
            if seen.height >= height {
                return Ok(seen);
            }
            let looking = self.looking.lock().await;
            if self.last_seen().height < height {
                // Whoever has just read a block would look for the next one in vain.
                tokio::time::sleep(self.pause()).await;
            }
            if self.last_seen().height < height {
                self.head().await?;
            }
            drop(looking);
        }
    }

    /// How long to wait before the next look for a block.
    pub(crate) fn pause(&self) -> Duration {
        let pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.pause(self.settings.poll)
    }

    /// Notes a node's newest block; a node that lags behind what was seen does not turn time back, unless that was seen of a node that was found to lie.
    fn see(&self, status: &Status) -> BlockRef {
        let sync = &status.sync_info;
        let found = block_ref(sync.latest_block_height, sync.latest_block_time);
        let lies = self.rpc.lies();
        let doubted = self.lies.swap(lies, Ordering::Relaxed) != lies;
        let pace = || self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace().looked();
        self.head.send_if_modified(|head| {
            let newer = found.height > head.height || (doubted && found != *head);
            if newer {
                *head = found;
                pace().saw(found.height, sync.latest_block_time);
            }
            newer
        });
        self.last_seen()
    }

    /// Gas limit for what a simulation used.
    ///
    /// # Errors
    /// It is above the ceiling.
    pub fn gas_limit(&self, used: u64, margin_percent: u32) -> Result<u64, ChainError> {
        Self::gas_within(used, margin_percent, self.settings.gas_ceiling)
    }

    /// Gas limit for what a simulation used, at most so much.
    ///
    /// # Errors
    /// It is above that.
    pub fn gas_within(used: u64, margin_percent: u32, most: u64) -> Result<u64, ChainError> {
        let needed = u128::from(used)
            .saturating_mul(u128::from(margin_percent))
            .div_ceil(100);
        let needed = u64::try_from(needed).unwrap_or(u64::MAX);
        // The ceiling may cut the margin, but not what the simulation used.
        if used > most {
            return Err(ChainError::GasCeiling {
                needed,
                ceiling: most,
            });
        }
        Ok(needed.min(most))
    }
}

/// A block as the agent counts time.
pub(crate) const fn block_ref(height: u64, time: BlockTime) -> BlockRef {
    BlockRef {
        height,
        time: time.seconds,
    }
}
