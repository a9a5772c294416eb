//! What an audit reads of a chain: every block's events of the market, and what its contracts store.

use crate::audit::Range;
use crate::chain::failed;
use crate::Failure;
use anyhow::anyhow;
use cosmwasm_std::Attribute;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use wattpool_audit::export::{Account, FeedIn, Header, Held, Reserve, Row, State, WindowBooks};
use wattpool_audit::source::{rows, InBlock, Raw};
use wattpool_audit::subjects::Subjects;
use wattpool_explorer::Block;
use wattpool_ledger_wasmd::rpc::{BlockResults, ChainEvent};
use wattpool_ledger_wasmd::{ChainError, Client, Market};
use wattpool_schema::{escrow, pool, token, Micro};

/// Blocks that are asked for at once, as many as a node gives headers.
const AT_ONCE: u64 = 20;
/// Attribute under which a chain names the contract that an event is from. No contract can write it itself.
const CONTRACT: &str = "_contract_address";

/// A market on a chain, to be read from one block to another.
pub struct Reading {
    pub client: Arc<Client>,
    pub market: Market,
    pub header: Header,
    pub to: u64,
}

impl Reading {
    /// Finds out where the market begins, and what the node still has.
    ///
    /// # Errors
    /// No node answers, the range is none (exit code 2), or the node does not keep its blocks any more.
    pub async fn new(client: Arc<Client>, market: Market, range: Range) -> Result<Self, Failure> {
        let begins = begins(&client, &market).await?;
        let sync = client.rpc().status().await.map_err(failed)?.sync_info;
        let (newest, oldest) = (sync.latest_block_height, sync.earliest_block_height);
        let from = range.from_height.unwrap_or(begins).max(1);
        let to = range.to_height.unwrap_or(newest);
        if from > to || to > newest {
            return Err(Failure::input(anyhow!(
                "blocks {from} to {to}: expected a range up to {newest}, the node's newest block"
            )));
        }
        if from < oldest {
            return Err(Failure::from(anyhow!(
                "block {from} is not kept any more: this node has blocks from {oldest} on; name an archive node with --node, or begin there with --from-height"
            )));
        }
        Ok(Self::between(client, market, from, to, begins))
    }

    /// Of a range that is known to be there. `begins`: the market's first block.
    pub fn between(client: Arc<Client>, market: Market, from: u64, to: u64, begins: u64) -> Self {
        let contracts = [&market.token, &market.pool, &market.escrow].map(|c| c.address.as_str());
        let (denom, seconds) = (&market.denom, market.window_seconds);
        let mut header = Header::new(&market.chain_id, contracts, denom, seconds, from);
        header.whole = from <= begins;
        Self {
            client,
            market,
            header,
            to,
        }
    }

    /// Reads the blocks; `each` gets the rows of every block that has any.
    ///
    /// # Errors
    /// No node answers, a contract reports what this version cannot read, or `each` fails.
    pub async fn blocks(
        &self,
        mut each: impl FnMut(Vec<Row>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut from = self.header.from_height;
        while from <= self.to {
            let last = self.to.min(from.saturating_add(AT_ONCE.saturating_sub(1)));
            for found in self.some_blocks(from, last).await? {
                if !found.rows.is_empty() {
                    each(found.rows)?;
                }
            }
            from = last.saturating_add(1);
        }
        Ok(())
    }

    /// Blocks with their rows, in their order.
    ///
    /// # Errors
    /// As [`Self::blocks`].
    pub async fn some_blocks(&self, from: u64, to: u64) -> Result<Vec<Block>, Failure> {
        let metas = self.client.rpc().headers(from, to).await.map_err(failed)?;
        let mut asked = JoinSet::new();
        for height in from..=to {
            let client = Arc::clone(&self.client);
            asked.spawn(async move { (height, results(&client, height).await) });
        }
        let mut found = Vec::new();
        while let Some(done) = asked.join_next().await {
            let (height, results) = done.map_err(|e| anyhow!("block: {e}"))?;
            let meta = metas.iter().find(|m| m.height == height);
            let meta = meta.ok_or_else(|| anyhow!("block {height} is not kept any more"))?;
            let time = meta.time.seconds.get();
            let results = results.map_err(failed)?;
            found.push(Block {
                height,
                time,
                hash: meta.hash.clone(),
                rows: self.rows(height, time, &results)?,
                ..self.counted(&results)
            });
        }
        found.sort_by_key(|block| block.height);
        Ok(found)
    }

    /// Transactions of a block, gas and fees in the market's money.
    fn counted(&self, results: &BlockResults) -> Block {
        let all = &results.transactions;
        let fees = all.iter().flat_map(|tx| &tx.events);
        let fees = fees
            .filter(|event| event.kind == "tx")
            .filter_map(|event| event.value("fee"));
        let in_denom = |coin: &str| -> Option<u64> {
            coin.strip_suffix(self.market.denom.as_str())?.parse().ok()
        };
        let fees = fees.flat_map(|coins| coins.split(',')).filter_map(in_denom);
        Block {
            transactions: u64::try_from(all.len()).unwrap_or(u64::MAX),
            failed: u64::try_from(all.iter().filter(|tx| !tx.is_ok()).count()).unwrap_or(u64::MAX),
            gas: all
                .iter()
                .map(|tx| tx.gas_used)
                .fold(0, u64::saturating_add),
            fees: fees.fold(0, u64::saturating_add),
            ..Block::default()
        }
    }

    fn rows(&self, height: u64, time: u64, results: &BlockResults) -> Result<Vec<Row>, Failure> {
        let mut all = Vec::new();
        let done = results.transactions.iter().enumerate();
        let done = done.filter(|(_, tx)| tx.is_ok());
        let parts = done.map(|(tx, result)| (tx, &result.events));
        // What governance carries out stands at the block's end.
        let last = results.transactions.len();
        for (tx, events) in parts.chain([(last, &results.block_events)]) {
            let ours = self.ours(events);
            let raw = ours.iter().map(|(contract, name, attributes)| Raw {
                contract,
                name,
                attributes,
            });
            let at = InBlock {
                height,
                time,
                tx: u32::try_from(tx).unwrap_or(u32::MAX),
            };
            let found = rows(at, &self.market.token.address, raw);
            let found = found.map_err(|bad| anyhow!("block {height}, transaction {tx}: {bad}; this version of wattpool cannot read it"))?;
            all.extend(found);
        }
        Ok(all)
    }

    /// Events of the market's own contracts, whatever those of others look like.
    fn ours<'a>(&self, events: &'a [ChainEvent]) -> Vec<(&'a str, &'a str, Vec<Attribute>)> {
        let mut found = Vec::new();
        for event in events {
            let named = event.kind == "wasm" || event.kind.starts_with("wasm-");
            let from = event.value(CONTRACT);
            let Some(from) = from.filter(|from| named && self.market.is_ours(from)) else {
                continue;
            };
            let attributes = event.attributes.iter().map(|a| Attribute {
                key: a.key.clone(),
                value: a.value.clone(),
            });
            found.push((from, event.kind.as_str(), attributes.collect()));
        }
        found
    }

    /// What escrow and pool owe and hold after the last block.
    ///
    /// # Errors
    /// No node answers, or it does not keep the state any more.
    pub async fn books(&self) -> Result<Vec<State>, Failure> {
        let rpc = self.client.rpc();
        let (m, at) = (&self.market, self.to);
        let (pool, escrow) = (&m.pool.address, &m.escrow.address);
        let book = rpc.smart_at(escrow, &escrow::QueryMsg::Book {}, at).await;
        let book = State::Book(book.map_err(failed)?);
        let held = |of: &'static str, amount: u128| {
            let amount = u64::try_from(amount).map(Micro);
            amount.map_err(|_| anyhow!("the {of} holds more than any market"))
        };
        let there = rpc.balance_at(escrow, &m.denom, at).await.map_err(failed)?;
        let in_escrow = held("escrow", there)?;
        let there = rpc.balance_at(pool, &m.denom, at).await.map_err(failed)?;
        let in_pool = held("pool", there)?;
        let held = State::Held(Held {
            escrow: in_escrow,
            pool: in_pool,
        });
        let reserve: pool::ReserveResponse = rpc
            .smart_at(pool, &pool::QueryMsg::Reserve {}, at)
            .await
            .map_err(failed)?;
        let reserve = State::Reserve(Reserve {
            funded: reserve.funded,
            paid: reserve.paid,
        });
        Ok(vec![book, held, reserve])
    }

    /// What the contracts store after the last block.
    ///
    /// # Errors
    /// No node answers, or it does not keep the state any more.
    pub async fn state(
        &self,
        subjects: &Subjects,
        mut each: impl FnMut(State) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for state in self.books().await? {
            each(state)?;
        }
        let rpc = self.client.rpc();
        let (m, at) = (&self.market, self.to);
        let (token, pool, escrow) = (&m.token.address, &m.pool.address, &m.escrow.address);
        for owner in &subjects.accounts {
            let owner = owner.clone();
            let question = escrow::QueryMsg::Account {
                owner: owner.clone(),
            };
            let there: escrow::AccountResponse =
                rpc.smart_at(escrow, &question, at).await.map_err(failed)?;
            each(State::Account(Account {
                owner,
                free: there.free,
                locked: there.locked,
            }))?;
        }
        for owner in &subjects.fed_in {
            let owner = owner.clone();
            let question = pool::QueryMsg::FeedIn {
                owner: owner.clone(),
                start_after: None,
                limit: Some(1),
            };
            let there: pool::FeedInResponse =
                rpc.smart_at(pool, &question, at).await.map_err(failed)?;
            each(State::FeedIn(FeedIn {
                owner,
                owed: there.owed,
                held: there.held,
                paid: there.paid,
            }))?;
        }
        for window in &subjects.windows {
            let window = *window;
            let question = token::QueryMsg::Window { window };
            let at_token = rpc.smart_at(token, &question, at).await.map_err(failed)?;
            let question = pool::QueryMsg::Window { window };
            let at_pool = rpc.smart_at(pool, &question, at).await.map_err(failed)?;
            let question = pool::QueryMsg::Tariffs { window };
            let tariffs = rpc.smart_at(pool, &question, at).await.map_err(failed)?;
            each(State::Window(Box::new(WindowBooks {
                window,
                token: at_token,
                pool: at_pool,
                tariffs: Some(tariffs),
            })))?;
        }
        for meter in &subjects.meters {
            let question = pool::QueryMsg::Meter { meter: *meter };
            let there: pool::MeterResponse =
                rpc.smart_at(pool, &question, at).await.map_err(failed)?;
            each(State::Meter(there.into()))?;
        }
        let config: pool::PoolConfig = rpc
            .smart_at(pool, &pool::QueryMsg::Config {}, at)
            .await
            .map_err(failed)?;
        each(State::Roles(config.into()))?;
        Ok(())
    }
}

/// The block that the first of a market's contracts was made in.
///
/// # Errors
/// No node answers, or there is no such contract.
pub async fn begins(client: &Client, market: &Market) -> Result<u64, Failure> {
    let mut begins = u64::MAX;
    for contract in [&market.token, &market.pool, &market.escrow] {
        let address = &contract.address;
        let info = client.rpc().contract_info(address).await.map_err(failed)?;
        let info = info.ok_or_else(|| anyhow!("there is no contract at {address}"))?;
        let made = info.created.map_or(0, |at| at.block_height);
        begins = begins.min(made);
    }
    Ok(begins.max(1))
}

/// A block's results; they come a moment after the block.
async fn results(client: &Client, height: u64) -> Result<BlockResults, ChainError> {
    let mut tries = 0_u8;
    loop {
        match client.rpc().block_results(height).await {
            Err(ChainError::Node { message, .. })
                if tries < 10 && message.contains("could not find results") =>
            {
                tries = tries.saturating_add(1);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            other => return other,
        }
    }
}
