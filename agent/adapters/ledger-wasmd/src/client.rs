//! One chain: its nodes, how to pay there, and its newest block.

use crate::error::ChainError;
use crate::rpc::{BlockTime, Rpc, Status};
use crate::tx::GasPrice;
use std::time::Duration;
use tokio::sync::{watch, Mutex};
use wattpool_core::io::BlockRef;
use wattpool_schema::error::Class;

/// How to reach a chain and how to pay there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainSettings {
    /// Addresses of nodes (`http://host:port`), in the order of preference.
    pub rpc: Vec<String>,
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
    /// Blocks in which a transaction may be executed; after them it is certain that it will not.
    pub timeout_blocks: u64,
    /// For one call to one node.
    pub deadline: Duration,
    /// Pause between two looks for a new block.
    pub poll: Duration,
}

impl ChainSettings {
    /// Settings for these nodes with everything else at its default.
    pub fn new(rpc: Vec<String>, prefix: &str, gas_price: GasPrice) -> Self {
        Self {
            rpc,
            chain_id: None,
            prefix: prefix.to_owned(),
            gas_price,
            gas_margin_percent: wattpool_schema::GAS_MARGIN_PERCENT,
            gas_ceiling: 20_000_000,
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
        let rpc = Rpc::new(&settings.rpc, settings.chain_id.clone(), settings.deadline)?;
        let status = rpc.status().await?;
        let chain_id = rpc.chain_id().await?;
        let client = Self {
            rpc,
            settings,
            chain_id,
            head: watch::Sender::new(BlockRef::default()),
            looking: Mutex::new(()),
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
            tokio::time::sleep(self.settings.poll).await;
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
            if self.last_seen().height < height && self.head().await?.height < height {
                tokio::time::sleep(self.settings.poll).await;
            }
            drop(looking);
        }
    }

    /// Notes a node's newest block; a node that lags behind what was seen does not turn time back.
    fn see(&self, status: &Status) -> BlockRef {
        let sync = &status.sync_info;
        let found = block_ref(sync.latest_block_height, sync.latest_block_time);
        self.head.send_if_modified(|head| {
            let newer = found.height > head.height;
            if newer {
                *head = found;
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
        let needed = u128::from(used)
            .saturating_mul(u128::from(margin_percent))
            .div_ceil(100);
        let needed = u64::try_from(needed).unwrap_or(u64::MAX);
        // The ceiling may cut the margin, but not what the simulation used.
        if used > self.settings.gas_ceiling {
            return Err(ChainError::GasCeiling {
                needed,
                ceiling: self.settings.gas_ceiling,
            });
        }
        Ok(needed.min(self.settings.gas_ceiling))
    }
}

/// A block as the agent counts time.
pub(crate) const fn block_ref(height: u64, time: BlockTime) -> BlockRef {
    BlockRef {
        height,
        time: time.seconds,
    }
}
