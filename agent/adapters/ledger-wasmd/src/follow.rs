//! Following the chain: every block once, in order, with the market's events.

use crate::client::Client;
use crate::error::ChainError;
use crate::events::market_events;
use crate::market::Market;
use crate::rpc::BlockMeta;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use wattpool_core::io::BlockRef;
use wattpool_core::ports::ledger::{BlockNews, LedgerError};
use wattpool_schema::error::{Class, Code};

/// Headers asked for at once, as many as a node gives.
const HEADERS: u64 = 20;

/// Reads blocks by height.
pub struct Follower {
    client: Arc<Client>,
    market: Arc<Market>,
    ahead: Mutex<BTreeMap<u64, BlockMeta>>,
}

impl Follower {
    /// Follows this market.
    pub fn new(client: Arc<Client>, market: Arc<Market>) -> Self {
        Self {
            client,
            market,
            ahead: Mutex::default(),
        }
    }

    /// The block after this height; waits until there is one. Events of transactions that failed are none.
    ///
    /// # Errors
    /// No node answers, the node does not keep the block any more, or one of the market's contracts reports what
    /// this version cannot read.
    pub async fn next_block(&self, after: u64) -> Result<BlockNews, LedgerError> {
        let height = after.saturating_add(1);
        let head = self.client.next_height(height).await?;
        let time = if head.height == height {
            // What told of the block told its time.
            head.time
        } else {
            self.header(height, head.height).await?.time.seconds
        };
        let results = loop {
            match self.client.rpc().block_results(height).await {
                // A block is shown a moment before its results are, and by one node before the others.
                Err(error) if error.is_early() => {
                    tokio::time::sleep(self.client.settings().poll).await;
                }
                other => break other?,
            }
        };
        let mut events = Vec::new();
        let done = results.transactions.iter().filter(|tx| tx.is_ok());
        for part in done.map(|tx| &tx.events).chain([&results.block_events]) {
            let found = market_events(part, &self.market);
            events.extend(found.map_err(|bad| LedgerError::Foreign(bad.to_string()))?);
        }
        Ok(BlockNews {
            block: BlockRef { height, time },
            events,
        })
    }

    /// A block's header; the next ones are asked for with it and kept.
    async fn header(&self, height: u64, head: u64) -> Result<BlockMeta, ChainError> {
        let ahead = || self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = ahead().remove(&height) {
            return Ok(known);
        }
        let last = head.min(height.saturating_add(HEADERS.saturating_sub(1)));
        let metas = self.client.rpc().headers(height, last).await?;
        let mut kept: BTreeMap<u64, BlockMeta> = metas.into_iter().map(|m| (m.height, m)).collect();
        let wanted = kept.remove(&height).ok_or_else(|| ChainError::Node {
            method: "blockchain",
            message: format!("block {height} is not kept any more"),
        })?;
        *ahead() = kept;
        Ok(wanted)
    }
}

/// A failed question, as the port tells it.
impl From<ChainError> for LedgerError {
    fn from(error: ChainError) -> Self {
        let text = error.to_string();
        match &error {
            ChainError::WrongChain { .. } => Self::Foreign(text),
            ChainError::Refused { log, .. } if log.contains("no such contract") => {
                Self::Foreign(text)
            }
            ChainError::Refused { log, .. } => match Code::in_text(log) {
                Some(code) => Self::Refused(code.to_string()),
                None => Self::Refused(text),
            },
            // A contract whose answer cannot be read is of another version; a node's answer may be better next time.
            ChainError::Malformed { method, .. } if method == crate::query::SMART => {
                Self::Foreign(text)
            }
            _ if error.class() == Class::Retry => Self::Unreachable(text),
            _ => Self::Refused(text),
        }
    }
}
