//! CometBFT's JSON-RPC over HTTP, with fail-over between several addresses.
//!
//! A call goes to the address that answered last. An address that is dead, hangs or answers nonsense is left
//! alone for a while (doubling from [`BACK_OFF`] to [`LONGEST_BACK_OFF`]), and the call goes on to the next one. An
//! address is asked for its chain id before it is used.
//!
//! Where there are several, they are compared ([`Rpc::look`]): a node that lags, stands, catches up, is of another chain or has another block than the
//! others is left, said so once, and taken back when it is well ([`Fault`]). What a node does not keep any more is asked of the others.

mod answers;
mod ask;
mod compare;
mod fail_over;
mod look;
mod proofs;
pub mod read;
mod tls;

pub use answers::{
    AbciResponse, Block, BlockMeta, BlockResults, BlockTime, ChainEvent, Checked, EventAttribute,
    FoundTxs, NodeInfo, Status, SyncInfo, TxResult,
};
pub use ask::Observer;
pub use compare::{Dispute, Fault};
pub use fail_over::{NodeReport, Nodes, BACK_OFF, LONGEST_BACK_OFF};
pub(crate) use tls::is_loopback;
pub use tls::{address, Pin};

use crate::error::ChainError;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use cosmrs::proto::prost::Message;
use fail_over::Addresses;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// A transaction's hash, SHA-256 over its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TxHash(pub [u8; 32]);

impl TxHash {
    /// Hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for TxHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl std::fmt::Debug for TxHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TxHash({self})")
    }
}

/// Where a transaction is, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxIn {
    /// Block.
    pub height: u64,
    /// Place in the block, from 0.
    pub index: u32,
    /// What became of it.
    pub result: TxResult,
}

/// What became of handing a transaction to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broadcast {
    /// It is in the mempool, now or since earlier.
    Taken,
    /// The node's check refused it: it is nowhere.
    Refused(ChainError),
    /// The answer was lost: it may be in the mempool, or even in a block.
    Unknown(ChainError),
}

/// The chain's nodes.
pub struct Rpc {
    addresses: Arc<Addresses>,
}

impl Rpc {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// No address, or one that is none or may not be used.
    pub fn new(nodes: &Nodes) -> Result<Self, ChainError> {
        Ok(Self {
            addresses: Arc::new(Addresses::new(nodes)?),
        })
    }

    /// From now on this hears of every question that is put to a node; only the first one that is named does.
    pub fn observe(&self, observer: Observer) {
        // Set before: it stays.
        let _ = self.addresses.asking.observer.set(observer);
    }

    /// Compares the nodes, where there are several. `patient`: those that hang are waited for.
    pub async fn look(&self, patient: bool) {
        if self.addresses.several() {
            self.addresses.look(patient).await;
        }
    }

    /// Compares the nodes again and again, on the current runtime, until this is dropped.
    pub fn keep_looking(&self, every: Duration) {
        if !self.addresses.several() {
            return;
        }
        let addresses = Arc::downgrade(&self.addresses);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(addresses) = addresses.upgrade() else {
                    return;
                };
                addresses.look(true).await;
            }
        });
    }

    /// Every node as it was found, and whether they contradict each other without anything that says which are right.
    pub fn nodes(&self) -> (Vec<NodeReport>, Option<Dispute>) {
        self.addresses.report()
    }

    /// Counts nodes that were found to lie: what was believed of them is to be asked again.
    pub(crate) fn lies(&self) -> u64 {
        self.addresses.lies()
    }

    /// Chain id: as configured, or of the first address that answers.
    ///
    /// # Errors
    /// No address answers.
    pub async fn chain_id(&self) -> Result<String, ChainError> {
        if let Some(known) = self.addresses.chain_id() {
            return Ok(known);
        }
        let status = self.status().await?;
        Ok(status.node_info.network)
    }

    /// The node's state.
    ///
    /// # Errors
    /// No address answers.
    pub async fn status(&self) -> Result<Status, ChainError> {
        self.addresses.status().await
    }

    /// Headers of at most 20 blocks, ascending.
    ///
    /// # Errors
    /// No address answers, or the node has none of these blocks any more.
    pub async fn headers(&self, from: u64, to: u64) -> Result<Vec<BlockMeta>, ChainError> {
        let params = json!({"minHeight": from.to_string(), "maxHeight": to.to_string()});
        let whole = |metas: &Vec<BlockMeta>| metas.iter().any(|m| m.height == from);
        let method = &read::BLOCKCHAIN;
        let call = self.addresses.call_for_block(method, params, from, whole);
        call.await
    }

    /// A block with its transactions.
    ///
    /// # Errors
    /// No address answers, or the node does not have the block.
    pub async fn block(&self, height: u64) -> Result<Block, ChainError> {
        let params = json!({"height": height.to_string()});
        let call = self
            .addresses
            .call_for_block(&read::BLOCK_AT, params, height, |_| true);
        call.await
    }

    /// What became of a block's transactions.
    ///
    /// # Errors
    /// No address answers, or the node does not have the block.
    pub async fn block_results(&self, height: u64) -> Result<BlockResults, ChainError> {
        let params = json!({"height": height.to_string()});
        let call = self
            .addresses
            .call_for_block(&read::BLOCK_RESULTS, params, height, |_| true);
        call.await
    }

    /// A transaction by its hash; `None` if the node's index does not know it. The index is written a moment after
    /// the block.
    ///
    /// # Errors
    /// No address answers, or the node keeps no index.
    pub async fn tx(&self, hash: &TxHash) -> Result<Option<TxIn>, ChainError> {
        let params = json!({"hash": STANDARD.encode(hash.0), "prove": false});
        match self.addresses.call(&read::TX, params).await {
            Ok(tx) => Ok(Some(tx)),
            Err(ChainError::Node { message, .. }) if message.contains("not found") => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Transactions by an event of theirs, such as `message.sender='ADDRESS'`; newest first, `page` from 1.
    ///
    /// # Errors
    /// No address answers, the node keeps no index, or there is no such page.
    pub async fn search(
        &self,
        query: &str,
        page: u32,
        per_page: u32,
    ) -> Result<FoundTxs, ChainError> {
        let params = json!({
            "query": query,
            "prove": false,
            "page": page.to_string(),
            "per_page": per_page.to_string(),
            "order_by": "desc",
        });
        self.addresses.call(&read::TX_SEARCH, params).await
    }

    /// Hands a transaction to a node and waits for its check. If an answer is lost the same bytes go to the next
    /// address: they can be executed only once.
    pub async fn broadcast(&self, bytes: &[u8]) -> Broadcast {
        let params = json!({"tx": STANDARD.encode(bytes)});
        let (answer, lost) = self.addresses.call_counting(&read::BROADCAST, params).await;
        let refused = match answer {
            Ok(checked) if checked.code == 0 => return Broadcast::Taken,
            Ok(checked) => ChainError::Refused {
                codespace: checked.codespace,
                code: checked.code,
                log: checked.log,
            },
            Err(ChainError::Node { message, .. })
                if message.contains("already exists in cache") =>
            {
                return Broadcast::Taken
            }
            Err(error) => error,
        };
        if refused.is_sdk(crate::error::sdk::IN_MEMPOOL) {
            Broadcast::Taken
        } else if lost || matches!(refused, ChainError::Unreachable(_)) {
            // Refused now, perhaps because it landed before: an address may have taken it without answering.
            Broadcast::Unknown(refused)
        } else {
            Broadcast::Refused(refused)
        }
    }

    /// A protobuf query, and the height it was answered at.
    ///
    /// # Errors
    /// No address answers, or the chain refuses the query.
    pub async fn query<A: Message + Default>(
        &self,
        path: &str,
        question: &impl Message,
    ) -> Result<(A, u64), ChainError> {
        let (value, height) = self.query_bytes(path, &question.encode_to_vec()).await?;
        let decoded = read::protobuf(&value).map_err(|e| self.malformed(path, e))?;
        Ok((decoded, height))
    }

    /// A protobuf query of the state after a block (0: the newest).
    ///
    /// # Errors
    /// No address answers, the chain refuses the query, or keeps that state no more.
    pub async fn query_at<A: Message + Default>(
        &self,
        path: &str,
        question: &impl Message,
        height: u64,
    ) -> Result<A, ChainError> {
        let asked = question.encode_to_vec();
        let (value, _) = self.query_bytes_at(path, &asked, height).await?;
        read::protobuf(&value).map_err(|e| self.malformed(path, e))
    }

    /// A query by bytes, and the height it was answered at.
    ///
    /// # Errors
    /// No address answers, or the chain refuses the query.
    pub async fn query_bytes(
        &self,
        path: &str,
        question: &[u8],
    ) -> Result<(Vec<u8>, u64), ChainError> {
        self.query_bytes_at(path, question, 0).await
    }

    /// A query by bytes of the state after a block (0: the newest), and the height it was answered at.
    ///
    /// # Errors
    /// No address answers, the chain refuses the query, or keeps that state no more.
    pub async fn query_bytes_at(
        &self,
        path: &str,
        question: &[u8],
        height: u64,
    ) -> Result<(Vec<u8>, u64), ChainError> {
        let params = json!({
            "path": path,
            "data": hex::encode(question),
            "height": height.to_string(),
            "prove": false,
        });
        let response = self.addresses.call(&read::QUERY, params).await?;
        if response.code != 0 {
            return Err(ChainError::Refused {
                codespace: response.codespace,
                code: response.code,
                log: response.log,
            });
        }
        Ok((response.value, response.height))
    }

    pub(crate) fn malformed(&self, method: &str, why: impl ToString) -> ChainError {
        ChainError::Malformed {
            address: self.addresses.current(),
            method: method.to_owned(),
            why: why.to_string(),
        }
    }
}
