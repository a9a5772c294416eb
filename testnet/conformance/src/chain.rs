//! A wasmd chain that is followed block by block: where each transaction landed, when, and what became of it.

use crate::record::Part;
use anyhow::{bail, Context, Result};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use wattpool_ledger_wasmd::rpc::{BlockTime, TxHash, TxResult};
use wattpool_ledger_wasmd::{
    message, Account, Any, ChainError, ChainSettings, Client, Gas, Key, Pending,
};
use wattpool_schema::{Seconds, ADDRESS_PREFIX, PAYMENT_DENOM, STAKING_DENOM};
use wattpool_testnet::Description;

/// How long a transaction may be on its way, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);
/// Gas to put a contract's code on the chain.
const STORE_GAS: u64 = 10_000_000;
/// Gas of everything else that is done here once.
const GAS: u64 = 2_000_000;

/// A transaction in its place.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Height of its block.
    pub height: u64,
    /// Its block's time, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// Its place among the block's transactions.
    pub index: u32,
    /// When its block was seen here.
    pub seen: Instant,
    /// What became of it.
    pub result: TxResult,
}

impl Placed {
    /// Its block's time in seconds, as contracts see it.
    pub const fn time(&self) -> Seconds {
        Seconds(self.time_ns / 1_000_000_000)
    }

    /// The transaction, if it was executed.
    ///
    /// # Errors
    /// It failed.
    pub fn executed(self, what: &str) -> Result<Self> {
        if self.result.is_ok() {
            return Ok(self);
        }
        bail!(
            "{what}: {}/{}: {}",
            self.result.codespace,
            self.result.code,
            self.result.log
        )
    }
}

#[derive(Default)]
struct Blocks {
    placed: Mutex<HashMap<TxHash, Placed>>,
    /// The newest block whose transactions are known, its time and number of transactions.
    newest: watch::Sender<(u64, u64, u64)>,
    /// Why the next block is not known yet.
    trouble: Mutex<Option<ChainError>>,
}

impl Blocks {
    fn placed(&self) -> std::sync::MutexGuard<'_, HashMap<TxHash, Placed>> {
        self.placed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Option<ChainError>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to say when something did not come in time.
    fn missing(&self, what: &str) -> String {
        let height = self.newest.borrow().0;
        match &*self.trouble() {
            Some(error) => format!("{what} by block {height}: {error}"),
            None => format!("{what} by block {height}"),
        }
    }

    /// Reads block after block until the task is ended.
    async fn follow(&self, client: &Client, mut height: u64) {
        loop {
            match self.read(client, height + 1).await {
                Ok(()) => height += 1,
                // A node tells of a block before it has its results.
                Err(error) => {
                    *self.trouble() = Some(error);
                    tokio::time::sleep(client.settings().poll).await;
                }
            }
        }
    }

    async fn read(&self, client: &Client, height: u64) -> Result<(), ChainError> {
        client.wait_height(height).await?;
        let (block, results) = tokio::try_join!(
            client.rpc().block(height),
            client.rpc().block_results(height)
        )?;
        let (time_ns, seen) = (nanos(block.meta.time), Instant::now());
        let placed = block.transactions.iter().zip(results.transactions);
        self.placed()
            .extend(placed.zip(0..).map(|((bytes, result), index)| {
                let placed = Placed {
                    height,
                    time_ns,
                    index,
                    seen,
                    result,
                };
                (TxHash::of(bytes), placed)
            }));
        *self.trouble() = None;
        self.newest
            .send_replace((height, time_ns, block.meta.transactions));
        Ok(())
    }
}

fn nanos(time: BlockTime) -> u64 {
    time.seconds.0 * 1_000_000_000 + u64::from(time.nanos)
}

/// A chain.
pub struct Chain {
    client: Arc<Client>,
    blocks: Arc<Blocks>,
    follower: AbortHandle,
}

impl Drop for Chain {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Chain {
    /// Follows a chain from its newest block on.
    ///
    /// # Errors
    /// No node answers, or a setting is malformed.
    pub async fn connect(rpc: Vec<String>, gas_price: &str) -> Result<Self> {
        let price = format!("{gas_price}{PAYMENT_DENOM}").parse()?;
        let mut settings = ChainSettings::new(rpc, ADDRESS_PREFIX, price);
        settings.poll = Duration::from_millis(50);
        settings.deadline = Duration::from_secs(30);
        settings.timeout_blocks = 600;
        let client = Arc::new(Client::connect(settings).await?);
        // A node tells of its first block before it can be asked about it.
        let from = client.wait_height(2).await?.height;
        let blocks = Arc::new(Blocks::default());
        let (following, of) = (blocks.clone(), client.clone());
        let task = tokio::spawn(async move { following.follow(&of, from).await });
        Ok(Self {
            client,
            blocks,
            follower: task.abort_handle(),
        })
    }

    /// The chain as accounts use it.
    pub const fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The account of a secret key.
    ///
    /// # Errors
    /// It is none.
    pub fn account(&self, secret: &[u8]) -> Result<Account> {
        let key = Key::from_bytes(secret, ADDRESS_PREFIX)?;
        Ok(Account::new(self.client.clone(), key, None))
    }

    /// The account of a wallet's words.
    ///
    /// # Errors
    /// They are none.
    pub fn wallet(&self, words: &str) -> Result<Account> {
        let key = Key::from_mnemonic(words, ADDRESS_PREFIX)?;
        Ok(Account::new(self.client.clone(), key, None))
    }

    /// Time of the newest block seen.
    pub fn now(&self) -> Seconds {
        Seconds(self.blocks.newest.borrow().1 / 1_000_000_000)
    }

    /// The next block: its height and its number of transactions.
    ///
    /// # Errors
    /// None comes in two minutes.
    pub async fn next_block(&self) -> Result<(u64, u64)> {
        let mut newest = self.blocks.newest.subscribe();
        tokio::time::timeout(PATIENCE, newest.changed())
            .await
            .with_context(|| self.blocks.missing("no further block"))??;
        let (height, _, transactions) = *newest.borrow();
        Ok((height, transactions))
    }

    /// Waits until the chain's time is at least this.
    ///
    /// # Errors
    /// No block comes in two minutes.
    pub async fn wait_until(&self, time: Seconds) -> Result<()> {
        while self.now() < time {
            self.next_block().await?;
        }
        Ok(())
    }

    /// Waits until a transaction is in a block, and forgets it.
    ///
    /// # Errors
    /// It is in none after two minutes.
    pub async fn wait(&self, pending: &Pending) -> Result<Placed> {
        let mut newest = self.blocks.newest.subscribe();
        let looking = async {
            loop {
                newest.borrow_and_update();
                if let Some(placed) = self.blocks.placed().remove(&pending.hash()) {
                    return Ok(placed);
                }
                newest.changed().await?;
            }
        };
        tokio::time::timeout(PATIENCE, looking)
            .await
            .with_context(|| {
                let what = format!("transaction {} is in no block", pending.hash());
                self.blocks.missing(&what)
            })?
    }

    /// Sends messages in one transaction and waits for its block.
    ///
    /// # Errors
    /// A node refused it, or it is in no block; that it failed in its block is no error here.
    pub async fn send(&self, by: &Account, messages: Vec<Any>, gas: u64) -> Result<Placed> {
        let pending = by.submit(messages, Gas::Limit(gas)).await?;
        self.wait(&pending).await
    }

    /// Puts code on the chain and returns its id.
    ///
    /// # Errors
    /// The chain refuses it.
    pub async fn store(&self, by: &Account, wasm: Vec<u8>) -> Result<u64> {
        let store = message::store_code(by.address(), wasm);
        let placed = self.send(by, vec![store], STORE_GAS).await?;
        let placed = placed.executed("storing a contract's code")?;
        value(&placed.result, "store_code", "code_id")?
            .parse()
            .context("the id of stored code")
    }

    /// Puts the market's three contracts on the chain.
    ///
    /// # Errors
    /// One cannot be read, or the chain refuses it.
    pub async fn store_market(&self, by: &Account, folder: &Path) -> Result<BTreeMap<Part, u64>> {
        let mut codes = BTreeMap::new();
        for part in [Part::Token, Part::Pool, Part::Escrow] {
            let path = folder.join(part.file());
            let wasm = std::fs::read(&path).with_context(|| {
                format!(
                    "no contract at {}: scripts/build-contracts makes it",
                    path.display()
                )
            })?;
            codes.insert(part, self.store(by, wasm).await?);
        }
        Ok(codes)
    }

    /// Pins codes by a vote of all validators.
    ///
    /// # Errors
    /// The chain refuses a message, or the proposal does not pass in two minutes.
    pub async fn pin(&self, net: &Description, codes: Vec<u64>) -> Result<()> {
        let pin = message::pin_codes(&net.governance.authority, codes.clone());
        let deposit = vec![message::coin(
            u128::from(net.governance.deposit),
            STAKING_DENOM,
        )];
        let mut proposal = None;
        for node in &net.nodes {
            let voter = self.wallet(&node.validator.mnemonic)?;
            let id = match proposal {
                Some(id) => id,
                None => {
                    let propose = message::propose(
                        voter.address(),
                        vec![pin.clone()],
                        deposit.clone(),
                        "Keep the market's contracts loaded",
                        "Pins their codes.",
                    );
                    let placed = self.send(&voter, vec![propose], GAS).await?;
                    let placed = placed.executed("proposing to pin")?;
                    let id = value(&placed.result, "submit_proposal", "proposal_id")?.parse()?;
                    *proposal.insert(id)
                }
            };
            let vote = message::vote_yes(voter.address(), id);
            self.send(&voter, vec![vote], GAS)
                .await?
                .executed("voting to pin")?;
        }
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let pinned = self.client.rpc().pinned_codes().await?;
            if codes.iter().all(|code| pinned.contains(code)) {
                return Ok(());
            }
            self.next_block().await?;
        }
        bail!("the proposal to pin the codes {codes:?} did not pass in two minutes")
    }
}

impl Part {
    /// Name of its compiled file.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Token => "energy_token.wasm",
            Self::Pool => "energy_pool.wasm",
            Self::Escrow => "trade_escrow.wasm",
        }
    }
}

/// An attribute of the first event of a kind.
///
/// # Errors
/// There is no such event or attribute.
pub fn value(result: &TxResult, kind: &str, key: &str) -> Result<String> {
    result
        .events
        .iter()
        .filter(|event| event.kind == kind)
        .find_map(|event| event.value(key))
        .map(str::to_owned)
        .with_context(|| format!("no {key} in an event {kind}"))
}
