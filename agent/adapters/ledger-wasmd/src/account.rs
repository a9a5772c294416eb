//! One key on one chain: it owns the sequence, signs, sends, and finds out what became of it.
//!
//! A transaction is checked by a node (sync broadcast), and only then the sequence counts up. It carries a last height, so
//! that its fate is certain in the end: in a block, or in none. Until it is seen in a block its bytes are handed
//! over again with every block; a node that was restarted may have forgotten them, and they can be executed
//! only once.

use crate::client::Client;
use crate::error::{sdk, ChainError};
use crate::key::Key;
use crate::message;
use crate::query::AccountState;
use crate::rpc::{Broadcast, TxHash, TxIn};
use crate::tx::{sign, Signing};
use cosmrs::Any;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::Mutex;
use wattpool_schema::error::Class;

/// Gas limit that a simulation's fee is reckoned with: paying a fee costs gas, whatever its height.
const SIMULATED_LIMIT: u64 = 100_000;

/// How much gas a transaction may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gas {
    /// What a simulation used, with the configured margin, up to the configured ceiling. What the simulation
    /// refuses is not sent.
    Simulated,
    /// So much, without asking.
    Limit(u64),
}

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

/// A key that sends transactions.
pub struct Account {
    client: Arc<Client>,
    key: Key,
    granter: Option<String>,
    state: Mutex<Option<AccountState>>,
}

impl Account {
    /// `granter`: who pays the fees by a fee grant; none: the account itself.
    pub fn new(client: Arc<Client>, key: Key, granter: Option<String>) -> Self {
        Self {
            client,
            key,
            granter,
            state: Mutex::new(None),
        }
    }

    /// Its address.
    pub fn address(&self) -> &str {
        self.key.address()
    }

    /// The chain.
    pub const fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Sends messages in one transaction and waits until it is in a block.
    ///
    /// # Errors
    /// It was refused before a block, or is in none.
    pub async fn send(&self, messages: Vec<Any>, gas: Gas) -> Result<TxIn, ChainError> {
        let pending = self.submit(messages, gas).await?;
        match self.confirm(&pending).await? {
            Fate::InBlock(tx) => Ok(*tx),
            Fate::Expired { height } => Err(ChainError::Refused {
                codespace: sdk::CODESPACE.to_owned(),
                code: sdk::TIMEOUT_HEIGHT,
                log: format!("transaction {} is in no block up to {height}", pending.hash),
            }),
            Fate::Untraceable { why } => Err(ChainError::Unreachable(format!(
                "transaction {}: {why}",
                pending.hash
            ))),
        }
    }

    /// Signs and hands a transaction to a node. Several may be on their way: call it again before the first one is
    /// confirmed, and they are executed in this order.
    ///
    /// # Errors
    /// It was refused, and is nowhere.
    pub async fn submit(&self, messages: Vec<Any>, gas: Gas) -> Result<Pending, ChainError> {
        self.submit_with_margin(messages, gas, self.client.settings().gas_margin_percent)
            .await
    }

    pub(crate) async fn submit_with_margin(
        &self,
        messages: Vec<Any>,
        gas: Gas,
        margin_percent: u32,
    ) -> Result<Pending, ChainError> {
        let mut state = self.state.lock().await;
        match self
            .try_submit(&mut state, &messages, gas, margin_percent)
            .await
        {
            Err(error) if error.is_sdk(sdk::WRONG_SEQUENCE) => {
                tracing::warn!(account = %self.key, %error, "sequence mismatch: asking again");
                // Another client of this key, or transactions of an earlier run: let their block come.
                let head = self.client.last_seen().height;
                self.client.wait_height(head.saturating_add(1)).await?;
                *state = self.expected_sequence(&error).await?;
                self.try_submit(&mut state, &messages, gas, margin_percent)
                    .await
            }
            other => other,
        }
    }

    async fn try_submit(
        &self,
        state: &mut Option<AccountState>,
        messages: &[Any],
        gas: Gas,
        margin_percent: u32,
    ) -> Result<Pending, ChainError> {
        let at = match *state {
            Some(known) => known,
            None => self.account_state().await?,
        };
        *state = Some(at);
        let head = self.client.head().await?;
        let timeout_height = head
            .height
            .saturating_add(self.client.settings().timeout_blocks);
        let with = |gas| Signing {
            chain_id: self.client.chain_id(),
            account_number: at.number,
            sequence: at.sequence,
            gas,
            price: &self.client.settings().gas_price,
            granter: self.granter.as_deref(),
            timeout_height,
        };
        let gas_limit = match gas {
            Gas::Limit(limit) => limit,
            Gas::Simulated => {
                let bytes = sign(messages.to_vec(), &self.key, &with(SIMULATED_LIMIT))?;
                let simulated = self.client.rpc().simulate(&bytes).await;
                if simulated
                    .as_ref()
                    .is_err_and(|e| e.is_sdk(sdk::WRONG_SEQUENCE))
                {
                    *state = None;
                }
                self.client.gas_limit(simulated?.gas_used, margin_percent)?
            }
        };
        let bytes = sign(messages.to_vec(), &self.key, &with(gas_limit))?;
        let pending = Pending {
            hash: TxHash::of(&bytes),
            bytes,
            after: head.height,
            timeout_height,
            gas_limit,
        };
        match self.client.rpc().broadcast(&pending.bytes).await {
            Broadcast::Taken => {
                *state = Some(AccountState {
                    sequence: at.sequence.saturating_add(1),
                    ..at
                });
                Ok(pending)
            }
            Broadcast::Refused(error) => {
                *state = None;
                Err(error)
            }
            Broadcast::Unknown(error) => {
                tracing::warn!(account = %self.key, tx = %pending.hash, %error, "the answer was lost");
                *state = None;
                Ok(pending)
            }
        }
    }

    async fn account_state(&self) -> Result<AccountState, ChainError> {
        let found = self.client.rpc().account(self.address()).await?;
        found.ok_or_else(|| {
            ChainError::input(
                self.address(),
                "the chain does not know this account: send it some coins first",
            )
        })
    }

    /// Where the account stands after a mismatch: the chain's state, or further if the node says that transactions wait
    /// in its mempool.
    async fn expected_sequence(
        &self,
        mismatch: &ChainError,
    ) -> Result<Option<AccountState>, ChainError> {
        let stored = self.account_state().await?;
        let hinted = hinted_sequence(mismatch).unwrap_or(0);
        // Many transactions of one account do not wait at once: a far-off hint is none.
        let near = stored.sequence.saturating_add(64);
        let sequence = if hinted <= near {
            stored.sequence.max(hinted)
        } else {
            stored.sequence
        };
        Ok(Some(AccountState { sequence, ..stored }))
    }

    /// Waits until it is certain what became of a transaction. While the chain or all its nodes are silent it waits
    /// on.
    ///
    /// # Errors
    /// All nodes that answer are on another chain.
    pub async fn confirm(&self, pending: &Pending) -> Result<Fate, ChainError> {
        let mut handed_over = pending.after.saturating_add(1);
        let mut silent = false;
        loop {
            match self.client.rpc().tx(&pending.hash).await {
                Ok(Some(tx)) => return Ok(Fate::InBlock(Box::new(tx))),
                Ok(None) => {}
                // Asked again soon; in the end the blocks themselves are searched.
                Err(error) => tracing::debug!(%error, tx = %pending.hash, "not found by hash"),
            }
            match self.client.head().await {
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
            tokio::time::sleep(self.client.settings().poll).await;
        }
    }

    async fn hand_over_again(&self, pending: &Pending) {
        match self.client.rpc().broadcast(&pending.bytes).await {
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
                    Class::Retry => tokio::time::sleep(self.client.settings().poll).await,
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
        let block = self.client.rpc().block(height).await?;
        let place = block
            .transactions
            .iter()
            .position(|bytes| TxHash::of(bytes) == hash);
        let Some(place) = place else {
            return Ok(None);
        };
        let results = self.client.rpc().block_results(height).await?;
        let result = results.transactions.into_iter().nth(place);
        Ok(result.map(|result| TxIn {
            height,
            index: u32::try_from(place).unwrap_or(u32::MAX),
            result,
        }))
    }
}

/// The sequence that a node says is due: `account sequence mismatch, expected 7, got 5`.
fn hinted_sequence(error: &ChainError) -> Option<u64> {
    let ChainError::Refused { log, .. } = error else {
        return None;
    };
    let (_, after) = log.split_once("expected ")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Sends JSON to a contract and waits until it is executed.
///
/// # Errors
/// It was refused, or is in no block.
pub async fn call(
    account: &Account,
    contract: &str,
    msg: &impl Serialize,
    funds: Vec<cosmrs::proto::cosmos::base::v1beta1::Coin>,
) -> Result<TxIn, ChainError> {
    let msg = serde_json::to_vec(msg).map_err(|e| ChainError::input("message", e))?;
    let message = message::execute(account.address(), contract, msg, funds);
    ended_well(account.send(vec![message], Gas::Simulated).await?)
}

/// A transaction that failed in its block is an error here.
///
/// # Errors
/// It failed.
pub fn ended_well(tx: TxIn) -> Result<TxIn, ChainError> {
    if tx.result.is_ok() {
        return Ok(tx);
    }
    Err(ChainError::Refused {
        codespace: tx.result.codespace,
        code: tx.result.code,
        log: tx.result.log,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_due_sequence_is_read_from_the_text() {
        let error = |log: &str| ChainError::Refused {
            codespace: "sdk".into(),
            code: 32,
            log: log.into(),
        };
        let text = "account sequence mismatch, expected 7, got 5: incorrect account sequence";
        assert_eq!(hinted_sequence(&error(text)), Some(7));
        assert_eq!(hinted_sequence(&error("incorrect account sequence")), None);
        assert_eq!(hinted_sequence(&error("expected x")), None);
    }
}
