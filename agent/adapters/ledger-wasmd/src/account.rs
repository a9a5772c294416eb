//! One key on one chain: it owns the sequence, signs, sends, and finds out what became of it.
//!
//! A transaction is checked by a node (sync broadcast), and only then the sequence counts up. It carries a last height, so
//! that its fate is certain in the end: in a block, or in none. Until it is seen in a block its bytes are handed
//! over again with every block; a node that was restarted may have forgotten them, and they can be executed
//! only once.

use crate::client::Client;
use crate::error::{sdk, ChainError};
pub use crate::fate::{Fate, Pending};
use crate::fee_grant::allowance;
use crate::key::Key;
use crate::message;
use crate::query::{AccountState, Simulated};
use crate::rpc::{Broadcast, TxIn};
use crate::tx::{sign, Signing};
use cosmrs::Any;
use serde::Serialize;
use std::sync::{Arc, Mutex as Plain, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Gas limit that a simulation's fee is reckoned with: paying a fee costs gas, whatever its height.
const SIMULATED_LIMIT: u64 = 100_000;

/// What fees are counted over.
const DAY: Duration = Duration::from_secs(86_400);

/// How much gas a transaction may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gas {
    /// What a simulation used, with the configured margin, up to the configured ceiling. What the simulation
    /// refuses is not sent.
    Simulated,
    /// The same, and never more than so much: what the simulation says beyond it is not believed, and not sent.
    AtMost(u64),
    /// So much, without asking.
    Limit(u64),
}

/// A key that sends transactions.
pub struct Account {
    client: Arc<Client>,
    key: Key,
    granter: Option<String>,
    state: Mutex<Option<AccountState>>,
    /// When the running day of fees began, and what was spent in it.
    day: Plain<(Option<Instant>, u128)>,
    /// What was spent since the start.
    all_spent: Plain<u128>,
}

impl Account {
    /// `granter`: who pays the fees by a fee grant; none: the account itself.
    pub fn new(client: Arc<Client>, key: Key, granter: Option<String>) -> Self {
        Self {
            client,
            key,
            granter,
            state: Mutex::new(None),
            day: Plain::default(),
            all_spent: Plain::default(),
        }
    }

    /// Its address.
    pub fn address(&self) -> &str {
        self.key.address()
    }

    /// What is left to pay fees from, base units: the account's coins, or what its granter still allows. None: a grant
    /// without a limit, or of a kind that is not known here.
    ///
    /// # Errors
    /// No answer.
    pub async fn fees_left(&self) -> Result<Option<u128>, ChainError> {
        let denom = &self.client.settings().gas_price.denom;
        let rpc = self.client.rpc();
        let Some(granter) = &self.granter else {
            return rpc.balance(self.address(), denom).await.map(Some);
        };
        let granted = rpc.fee_grant(granter, self.address()).await?;
        // No grant: nothing is paid.
        let Some(grant) = granted else {
            return Ok(Some(0));
        };
        let (limit, ends) = allowance(&grant);
        if ends.is_some_and(|at| at <= self.client.last_seen().time.0) {
            return Ok(Some(0));
        }
        let of_denom = |coins: Vec<(u128, String)>| {
            let found = coins.into_iter().find(|(_, d)| d == denom);
            found.map(|(amount, _)| amount)
        };
        match limit {
            Some(coins) if coins.is_empty() => Ok(None),
            Some(coins) => Ok(Some(of_denom(coins).unwrap_or(0))),
            None => Ok(None),
        }
    }

    /// When the grant ends that pays the fees, Unix time; none: there is none, or it has no end.
    ///
    /// # Errors
    /// No answer.
    pub async fn fee_grant_ends(&self) -> Result<Option<u64>, ChainError> {
        let Some(granter) = &self.granter else {
            return Ok(None);
        };
        let granted = self.client.rpc().fee_grant(granter, self.address()).await?;
        Ok(granted.and_then(|grant| allowance(&grant).1))
    }

    /// The chain.
    pub const fn client(&self) -> &Arc<Client> {
        &self.client
    }

    fn signing(&self, at: AccountState, gas: u64, timeout_height: u64) -> Signing<'_> {
        Signing {
            chain_id: self.client.chain_id(),
            account_number: at.number,
            sequence: at.sequence,
            gas,
            price: &self.client.settings().gas_price,
            granter: self.granter.as_deref(),
            timeout_height,
        }
    }

    /// Runs messages on the newest state without sending them.
    ///
    /// # Errors
    /// No answer, or why they would be refused.
    pub async fn simulate(&self, messages: Vec<Any>) -> Result<Simulated, ChainError> {
        let at = self.account_state().await?;
        let signing = self.signing(at, SIMULATED_LIMIT, 0);
        let bytes = sign(messages, &self.key, &signing)?;
        self.client.rpc().simulate(&bytes).await
    }

    /// Sends messages in one transaction and waits until it is in a block.
    ///
    /// # Errors
    /// It was refused before a block, or is in none.
    pub async fn send(&self, messages: Vec<Any>, gas: Gas) -> Result<TxIn, ChainError> {
        let pending = self.submit(messages, gas).await?;
        self.landed(&pending).await
    }

    /// Sends messages unless what they do is `done` already, and gives what `done` then finds.
    ///
    /// A transaction of an earlier run may still be on its way, where `done` does not see it yet: whenever the chain
    /// refuses the messages, for whatever reason, it is looked at again, and nothing is sent behind such a transaction.
    ///
    /// # Errors
    /// They were refused and are not done; or the answer of `done` itself.
    pub async fn ensure<T>(
        &self,
        done: impl AsyncFn() -> Result<Option<T>, ChainError>,
        messages: Vec<Any>,
    ) -> Result<T, ChainError> {
        let last = self
            .client
            .head()
            .await?
            .height
            .saturating_add(self.client.settings().timeout_blocks);
        loop {
            if let Some(found) = done().await? {
                return Ok(found);
            }
            let refusal = match self.send_first(&messages).await {
                Err(refusal) => refusal,
                Ok(()) => ChainError::input(
                    self.address(),
                    "the transaction is in a block, but what it was to do is not there",
                ),
            };
            let head = self.client.last_seen().height;
            if refusal.is_sdk(sdk::WRONG_SEQUENCE) && head <= last {
                // Another transaction comes first: what it does is seen when it is in a block, or its time is over.
                self.client.wait_height(head.saturating_add(1)).await?;
                continue;
            }
            return done().await?.ok_or(refusal);
        }
    }

    /// Sends messages, but not behind another transaction of this account.
    async fn send_first(&self, messages: &[Any]) -> Result<(), ChainError> {
        let margin = self.client.settings().gas_margin_percent;
        let mut state = self.state.lock().await;
        let pending = self
            .try_submit(&mut state, messages, Gas::Simulated, margin)
            .await?;
        drop(state);
        ended_well(self.landed(&pending).await?)?;
        Ok(())
    }

    async fn landed(&self, pending: &Pending) -> Result<TxIn, ChainError> {
        match self.confirm(pending).await? {
            Fate::InBlock(tx) => Ok(*tx),
            Fate::Expired { height } => Err(ChainError::Refused {
                codespace: sdk::CODESPACE.to_owned(),
                code: sdk::TIMEOUT_HEIGHT,
                log: format!(
                    "transaction {} is in no block up to {height}",
                    pending.hash()
                ),
            }),
            Fate::Untraceable { why } => Err(ChainError::Unreachable(format!(
                "transaction {}: {why}",
                pending.hash()
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
        let with = |gas| self.signing(at, gas, timeout_height);
        let gas_limit = match gas {
            Gas::Limit(limit) => limit,
            Gas::Simulated | Gas::AtMost(_) => {
                let bytes = sign(messages.to_vec(), &self.key, &with(SIMULATED_LIMIT))?;
                let simulated = self.client.rpc().simulate(&bytes).await;
                if simulated
                    .as_ref()
                    .is_err_and(|e| e.is_sdk(sdk::WRONG_SEQUENCE))
                {
                    *state = None;
                }
                let most = match gas {
                    Gas::AtMost(most) => most.min(self.client.settings().gas_ceiling),
                    _ => self.client.settings().gas_ceiling,
                };
                Client::gas_within(simulated?.gas_used, margin_percent, most)?
            }
        };
        let fee = self.client.settings().gas_price.fee(gas_limit);
        self.affords(fee)?;
        let bytes = sign(messages.to_vec(), &self.key, &with(gas_limit))?;
        let pending = Pending::new(bytes, head.height, timeout_height, gas_limit);
        match self.client.rpc().broadcast(pending.bytes()).await {
            Broadcast::Taken => {
                self.spent(fee);
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
                tracing::warn!(account = %self.key, tx = %pending.hash(), %error, "the answer was lost");
                self.spent(fee);
                *state = None;
                Ok(pending)
            }
        }
    }

    /// Whether a fee is within what may be spent in a day.
    fn affords(&self, fee: u128) -> Result<(), ChainError> {
        let Some(most) = self.client.settings().max_fees_per_day else {
            return Ok(());
        };
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        // By this machine's own running time: no node and no clock ends the day.
        if day.0.is_none_or(|begun| begun.elapsed() >= DAY) {
            *day = (Some(Instant::now()), 0);
        }
        if day.1.saturating_add(fee) > most {
            return Err(ChainError::FeesSpent {
                fee,
                spent: day.1,
                most,
            });
        }
        Ok(())
    }

    fn spent(&self, fee: u128) {
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        day.1 = day.1.saturating_add(fee);
        drop(day);
        let mut all = self
            .all_spent
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *all = all.saturating_add(fee);
    }

    /// Spent on fees since the start, base units of the gas price's denomination: of all transactions that were handed over,
    /// those included that no block took.
    pub fn fees_spent(&self) -> u128 {
        *self
            .all_spent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Spent on fees since the running day of 24 hours began, base units of the gas price's denomination.
    pub fn fees_today(&self) -> u128 {
        self.day.lock().unwrap_or_else(PoisonError::into_inner).1
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
        self.client.fate(pending).await
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
