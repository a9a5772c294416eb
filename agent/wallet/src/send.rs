//! Handing a transaction to a chain, once, and finding out what became of it.

use crate::error::{Result, WalletError};
use crate::key::PublicKey;
use crate::tx::{Document, Fee, SignerData};
use serde_json::Value;
use std::time::Duration;
use wattpool_ledger_wasmd::rpc::{Broadcast, TxHash, TxIn, TxResult};
use wattpool_ledger_wasmd::tx::GasPrice;
use wattpool_ledger_wasmd::{ChainError, Client, Fate, Pending};

/// How much gas a transaction may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gas {
    /// What a simulation used, and so many per cent of it.
    Simulated(u32),
    /// So much.
    Limit(u64),
}

/// What a transaction is to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Gas.
    pub gas: Gas,
    /// The fee itself; without it, gas × price.
    pub fees: Option<Vec<(u128, String)>>,
    /// Price of gas.
    pub price: GasPrice,
    /// Who pays by a fee grant; empty: the signer.
    pub granter: String,
}

impl Payment {
    /// The fee for so much gas.
    pub fn fee(&self, gas_limit: u64) -> Fee {
        let amount = self.fees.clone().unwrap_or_else(|| {
            let amount = self.price.fee(gas_limit);
            let coin = (amount, self.price.denom.clone());
            if amount == 0 {
                Vec::new()
            } else {
                vec![coin]
            }
        });
        Fee {
            amount,
            gas_limit,
            granter: self.granter.clone(),
        }
    }
}

/// A transaction that is ready to be signed.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// It.
    pub document: Document,
    /// What its signature will be valid for.
    pub data: SignerData,
    /// Gas that a simulation used.
    pub simulated: Option<u64>,
    /// The newest block before.
    pub after: u64,
}

/// Where the chain says an account stands.
///
/// # Errors
/// The chain does not know it.
pub async fn signer_data(client: &Client, address: &str) -> Result<SignerData> {
    let state = client.rpc().account(address).await?.ok_or_else(|| {
        WalletError::failed(
            address,
            "the chain does not know this account: nothing was ever sent to it",
        )
    })?;
    Ok(SignerData {
        chain_id: client.chain_id().to_owned(),
        account_number: state.number,
        sequence: state.sequence,
    })
}

/// Makes a transaction of an account: asks where it stands, simulates, adds the fee. `blocks`: in how many it may be
/// executed, so that its fate is certain in the end; none: in any.
///
/// # Errors
/// The chain refuses the simulation, or no node answers.
pub async fn prepare(
    client: &Client,
    public: &PublicKey,
    data: SignerData,
    messages: Vec<Value>,
    memo: &str,
    payment: &Payment,
    blocks: Option<u64>,
) -> Result<Prepared> {
    let after = client.head().await?.height;
    let last = blocks.map_or(0, |blocks| after.saturating_add(blocks));
    let (limit, simulated) = match payment.gas {
        Gas::Limit(limit) => (limit, None),
        Gas::Simulated(percent) => {
            let trial = Document::new(messages.clone(), memo, last, &payment.fee(100_000));
            trial.check_signer(public)?;
            let bytes = trial.for_simulation(public, data.sequence)?;
            let used = client.rpc().simulate(&bytes).await?.gas_used;
            (client.gas_limit(used, percent)?, Some(used))
        }
    };
    let document = Document::new(messages, memo, last, &payment.fee(limit));
    Ok(Prepared {
        document,
        data,
        simulated,
        after,
    })
}

/// A transaction in a block.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its hash.
    pub hash: TxHash,
    /// Block.
    pub height: u64,
    /// What became of it.
    pub result: TxResult,
    /// What it paid.
    pub fee: Vec<(u128, String)>,
}

/// The last block in which a transaction can be executed.
fn last(document: &Document) -> u64 {
    match document.timeout_height() {
        0 => u64::MAX,
        height => height,
    }
}

/// A transaction whose fate is not known, and what to do.
fn unknown(hash: &TxHash, last: u64, why: &str) -> WalletError {
    let until = match last {
        u64::MAX => "at any time".to_owned(),
        height => format!("up to block {height}"),
    };
    WalletError::Unsettled {
        what: format!("transaction {hash}"),
        why: format!("{why}; it may be executed {until}. The same command again finds out before it sends anything, `wattpool wallet tx {hash}` only asks"),
    }
}

/// Hands a signed transaction to a node, and waits until it is in a block or certain that it never will be; `wait` is
/// the longest. What is sent twice by this is executed once.
///
/// # Errors
/// It was refused before a block, is in none, or its fate is not known in time: then the error says how to ask.
pub async fn broadcast(client: &Client, document: &Document, wait: Duration) -> Result<Sent> {
    let bytes = document.bytes()?;
    let after = client.head().await?.height;
    let pending = Pending::new(
        bytes,
        after.saturating_sub(1),
        last(document),
        document.gas_limit(),
    );
    let hash = pending.hash();
    match client.rpc().broadcast(pending.bytes()).await {
        Broadcast::Taken | Broadcast::Unknown(_) => {}
        Broadcast::Refused(error) => {
            // One that is in a block already is refused for its sequence.
            if let Ok(Some(tx)) = client.rpc().tx(&hash).await {
                return Ok(sent(document, &pending, tx));
            }
            return Err(error.into());
        }
    }
    let found = follow(client, document, &pending, wait).await?;
    found.ok_or_else(|| {
        let height = pending.timeout_height();
        WalletError::failed(
            format!("transaction {hash}"),
            format!("it is in no block up to {height}, and cannot be in a later one: it may be repeated"),
        )
    })
}

/// Finds out what became of a transaction that was handed over, or was about to be, when the newest block was `after`;
/// while it can still be executed it is handed over again. None: it is in no block, and never will be.
///
/// # Errors
/// As [`broadcast`].
pub async fn resume(
    client: &Client,
    document: &Document,
    after: u64,
    wait: Duration,
) -> Result<Option<Sent>> {
    let bytes = document.bytes()?;
    let pending = Pending::new(
        bytes,
        after.saturating_sub(1),
        last(document),
        document.gas_limit(),
    );
    follow(client, document, &pending, wait).await
}

fn sent(document: &Document, pending: &Pending, tx: TxIn) -> Sent {
    Sent {
        hash: pending.hash(),
        height: tx.height,
        result: tx.result,
        fee: document.fee(),
    }
}

async fn follow(
    client: &Client,
    document: &Document,
    pending: &Pending,
    wait: Duration,
) -> Result<Option<Sent>> {
    let unknown = |why: &str| unknown(&pending.hash(), last(document), why);
    match tokio::time::timeout(wait, client.fate(pending)).await {
        Ok(Ok(Fate::InBlock(tx))) => Ok(Some(sent(document, pending, *tx))),
        Ok(Ok(Fate::Expired { .. })) => Ok(None),
        Ok(Ok(Fate::Untraceable { why })) => Err(unknown(&why)),
        Ok(Err(error)) => Err(unknown(&error.to_string())),
        Err(_) => {
            let seconds = wait.as_secs();
            Err(unknown(&format!(
                "it was handed over, and no block had it within {seconds} s"
            )))
        }
    }
}

/// A sent transaction, or why it failed in its block.
///
/// # Errors
/// It failed.
pub fn ended_well(sent: Sent) -> Result<Sent> {
    if sent.result.is_ok() {
        return Ok(sent);
    }
    Err(ChainError::Refused {
        codespace: sent.result.codespace,
        code: sent.result.code,
        log: format!(
            "transaction {} failed in block {}: {}",
            sent.hash, sent.height, sent.result.log
        ),
    }
    .into())
}
