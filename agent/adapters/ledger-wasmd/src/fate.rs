//! Finding out what became of a transaction that was sent.

use crate::client::Client;
use crate::error::ChainError;
use crate::rpc::{Broadcast, TxHash, TxIn};
use wattpool_schema::error::Class;

/// A transaction on its way.
#[derive(Clone, Debug)]
pub struct Pending {
    hash: TxHash,
    bytes: Vec<u8>,
    /// The newest block before it was sent.
    after: u64,
    timeout_height: u64,
    gas_limit: u64,
}

impl Pending {
    /// A signed transaction. `after`: the newest block before it is sent; `timeout_height`: the last one in which it can
    /// be; `gas_limit`: as it is signed.
    pub fn new(bytes: Vec<u8>, after: u64, timeout_height: u64, gas_limit: u64) -> Self {
        Self {
            hash: TxHash::of(&bytes),
            bytes,
            after,
            timeout_height,
            gas_limit,
        }
    }

    /// The transaction itself.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its hash.
    pub const fn hash(&self) -> TxHash {
        self.hash
    }

    /// Its gas limit.
    pub const fn gas_limit(&self) -> u64 {
        self.gas_limit
    }

    /// The last height at which it may be executed.
    pub const fn timeout_height(&self) -> u64 {
        self.timeout_height
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is in a block, executed or failed.
    InBlock(Box<TxIn>),
    /// It is in no block and never will be.
    Expired {
        /// The last height at which it could have been executed.
        height: u64,
    },
    /// Its last height has passed, but no node has the blocks any more in which it may be.
    Untraceable {
        /// Why they cannot be had.
        why: String,
    },
}

impl Client {
    /// Waits until it is certain what became of a transaction. While the chain or all its nodes are silent it waits
    /// on.
    ///
    /// # Errors
    /// All nodes that answer are on another chain.
    pub async fn fate(&self, pending: &Pending) -> Result<Fate, ChainError> {
        let mut handed_over = pending.after.saturating_add(1);
        let mut silent = false;
        loop {
            match self.rpc().tx(&pending.hash).await {
                Ok(Some(tx)) => return Ok(Fate::InBlock(Box::new(tx))),
                Ok(None) => {}
                // Asked again soon; in the end the blocks themselves are searched.
                Err(error) => tracing::debug!(%error, tx = %pending.hash, "not found by hash"),
            }
            match self.head().await {
                Ok(head) if head.height >= pending.timeout_height => {
                    return self.search(pending).await
                }
                Ok(head) => {
                    silent = false;
                    if head.height > handed_over {
                        self.hand_over_again(pending).await;
                        handed_over = head.height;
                    }
                }
                Err(error) if error.class() == Class::Fatal => return Err(error),
                Err(error) => {
                    if !silent {
                        tracing::warn!(%error, tx = %pending.hash, "waiting for the chain");
                    }
                    silent = true;
                }
            }
            tokio::time::sleep(self.pause()).await;
        }
    }

    async fn hand_over_again(&self, pending: &Pending) {
        match self.rpc().broadcast(&pending.bytes).await {
            Broadcast::Taken => {}
            Broadcast::Refused(error) | Broadcast::Unknown(error) => {
                tracing::debug!(%error, tx = %pending.hash, "handed over again");
            }
        }
    }

    /// Looks for a transaction in all the blocks in which it can be, as an index of hashes may lag or be switched off.
    async fn search(&self, pending: &Pending) -> Result<Fate, ChainError> {
        let mut height = pending.after.saturating_add(1);
        while height <= pending.timeout_height {
            match self.find_in(height, pending.hash).await {
                Ok(Some(tx)) => return Ok(Fate::InBlock(Box::new(tx))),
                Ok(None) => height = height.saturating_add(1),
                Err(error) => match error.class() {
                    Class::Retry => tokio::time::sleep(self.settings().poll).await,
                    Class::Fatal => return Err(error),
                    Class::Refuse => {
                        return Ok(Fate::Untraceable {
                            why: error.to_string(),
                        })
                    }
                },
            }
        }
        Ok(Fate::Expired {
            height: pending.timeout_height,
        })
    }

    async fn find_in(&self, height: u64, hash: TxHash) -> Result<Option<TxIn>, ChainError> {
        let block = self.rpc().block(height).await?;
        let place = block
            .transactions
            .iter()
            .position(|bytes| TxHash::of(bytes) == hash);
        let Some(place) = place else {
            return Ok(None);
        };
        let results = self.rpc().block_results(height).await?;
        let result = results.transactions.into_iter().nth(place);
        Ok(result.map(|result| TxIn {
            height,
            index: u32::try_from(place).unwrap_or(u32::MAX),
            result,
        }))
    }
}
