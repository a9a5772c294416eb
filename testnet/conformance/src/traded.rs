//! A market on a wasmd that has traded so many times: what a site or an audit is tried on.

use crate::chain::Chain;
use crate::course::{binary, Course};
use crate::gas::{people, OnWasmd, Script, Stage, WINDOW_S};
use crate::people::{Person, REGISTRAR, STRANGER};
use crate::record::Part;
use anyhow::{ensure, Context, Result};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;
use wattpool_ledger_wasmd::market::MARKET_VERSION;
use wattpool_ledger_wasmd::{message, Account, Deployed, Gas, Market};
use wattpool_schema::escrow::{ExecuteMsg as Escrow, SettleTrade, MAX_BATCH};
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::{Window, ADDRESS_PREFIX, PAYMENT_DENOM};

/// Pairs of meters that trade.
const PAIRS: usize = 20;
/// Trades of a batch.
const BATCH: usize = MAX_BATCH as usize;
/// Batches of one pair in a window, at most.
const BATCHES: usize = 3;
/// Gas limit of a batch: eight of them fit into a block.
const GAS: u64 = 12_000_000;
/// What a buyer has, micro-units.
const PURSE: u128 = 5_000_000_000;
/// What a seller states of each window, Wh.
const SURPLUS: u64 = 60_000;
/// Windows in a row in which nothing was closed, after which it is given up.
const EMPTY: u32 = 4;

/// A market that has traded, on a network of its own that ends with it.
pub struct Traded {
    stage: OnWasmd,
    /// Its addresses.
    pub market: Market,
    /// Trades that were closed.
    pub trades: usize,
    /// Windows in which they were.
    pub windows: u32,
    /// Seconds from the first to the last of them.
    pub seconds: f64,
}

impl Traded {
    /// Where the network's nodes answer.
    pub fn rpc_addresses(&self) -> Vec<String> {
        self.stage.rpc_addresses()
    }

    /// Closes so many trades, in full batches, on a network of one validator. `told` hears after each window how many there are.
    ///
    /// # Errors
    /// There is no wasmd, a contract is missing, the chain refuses what it should not, or four windows in a row close nothing.
    pub fn make(trades: usize, contracts: &Path, mut told: impl FnMut(usize)) -> Result<Self> {
        let people = people(7, 2 * PAIRS + 1);
        let mut stage = OnWasmd::start(&people.all, 1, contracts)?;
        stage.pin()?;
        let mut script = Script::begin(&mut stage, people)?;
        let trusted = script.stage.newest()?;
        let meters: Vec<usize> = (0..=2 * PAIRS).collect();
        for some in meters.chunks(21) {
            script.register(some.iter().copied())?;
        }
        let chain = script.stage.chain.clone();
        let entering = enter(&chain, &script.market)?;
        script.stage.runtime.block_on(entering)?;
        dispute(&mut script)?;
        let (mut closed, mut windows, mut empty, begun) = (0, 0, 0, Instant::now());
        while closed < trades {
            let live = script.next_window()?;
            state(&mut script, live)?;
            script.market.now = script.stage.now();
            let batches = batches(&mut script.market, trades - closed);
            let end = script.market.running().end(WINDOW_S);
            let settling = settle(&chain, &script.market, batches, end.0)?;
            let more = script.stage.runtime.block_on(settling)?;
            closed += more;
            windows += u32::from(more > 0);
            empty = if more > 0 { 0 } else { empty + 1 };
            ensure!(
                empty < EMPTY,
                "{EMPTY} windows in a row closed no trade: {closed} of {trades}"
            );
            told(closed);
        }
        let contracts_of = script.market.contracts.clone();
        let deployed = |part: Part| -> Result<Deployed> {
            let wasm = std::fs::read(contracts.join(part.file())).context(part.file())?;
            Ok(Deployed {
                address: contracts_of.of(part).to_owned(),
                code_id: script.stage.code(part)?,
                checksum: hex::encode(Sha256::digest(&wasm)),
                pinned: true,
            })
        };
        let market = Market {
            version: MARKET_VERSION,
            chain_id: chain.client().chain_id().to_owned(),
            address_prefix: ADDRESS_PREFIX.to_owned(),
            denom: PAYMENT_DENOM.to_owned(),
            window_seconds: WINDOW_S,
            first_part_seconds: 0,
            code_administrator: None,
            trusted: Some(trusted),
            token: deployed(Part::Token)?,
            pool: deployed(Part::Pool)?,
            escrow: deployed(Part::Escrow)?,
        };
        let seconds = begun.elapsed().as_secs_f64();
        Ok(Self {
            stage,
            market,
            trades: closed,
            windows,
            seconds,
        })
    }
}

/// Every owner names its agent, and deposits; all at once.
fn enter(
    chain: &Arc<Chain>,
    market: &Course,
) -> Result<impl std::future::Future<Output = Result<()>>> {
    let mut entering = Vec::new();
    for home in 0..=2 * PAIRS {
        let operations = [
            market.entering(home),
            market.deposit(market.of(home).owner, u64::try_from(PURSE)?),
        ];
        let owner: &Person = &market.people.all[market.of(home).owner];
        let account = chain.account(&owner.key.secret())?;
        let calls = operations.into_iter().flat_map(|o| o.calls);
        let messages = calls.map(|(part, msg, funds)| {
            let to = market.contracts.of(part);
            let funds = message::coins(&funds);
            message::execute(account.address(), to, msg.to_vec(), funds)
        });
        entering.push((messages.collect(), account));
    }
    let chain = chain.clone();
    Ok(async move {
        let mut running = JoinSet::new();
        for (messages, account) in entering {
            let chain = chain.clone();
            running.spawn(async move {
                let placed = chain.send(&account, messages, GAS).await?;
                placed.executed("entering the market").map(drop)
            });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        Ok(())
    })
}

/// The last meter is to be retired, and its owner objects.
fn dispute(script: &mut Script<'_, OnWasmd>) -> Result<()> {
    let (meter, owner) = {
        let home = script.market.of(2 * PAIRS);
        (home.meter, home.owner)
    };
    let pool = script.market.contracts.pool.clone();
    for (by, message) in [
        (REGISTRAR, Pool::RetireMeter { meter }),
        (owner, Pool::Object { meter }),
    ] {
        script.quietly(by, vec![(pool.clone(), binary(&message), vec![])])?;
    }
    Ok(())
}

/// The sellers state what they had in a window.
fn state(script: &mut Script<'_, OnWasmd>, live: Window) -> Result<()> {
    let sellers = 0..PAIRS;
    let statements = sellers.map(|i| script.market.statement(i, live, SURPLUS));
    let statements = statements.collect();
    let pool = script.market.contracts.pool.clone();
    let message = binary(&Pool::State { statements });
    script.quietly(STRANGER, vec![(pool, message, vec![])])?;
    Ok(())
}

/// What the pairs settle in this window, by pair, signed beforehand: of many prices and sizes.
fn batches(market: &mut Course, most: usize) -> Vec<Vec<Vec<SettleTrade>>> {
    let mut left = most;
    let mut all = vec![Vec::new(); PAIRS];
    for round in 0..BATCHES {
        for (pair, of_it) in all.iter_mut().enumerate() {
            let count = BATCH.min(left);
            left -= count;
            if count == 0 {
                break;
            }
            let batch = (0..count).map(|n| {
                let drawn = (market.now.0 as usize).wrapping_mul(31) + round * 97 + pair * 13 + n;
                let (wh, price) = (100 + drawn % 250, 120_000 + (drawn * 7_919) % 90_000);
                let buyer = PAIRS + pair;
                let approval = market.approval(pair, buyer, wh as u64, price as u64);
                SettleTrade {
                    trade_id: market.people.homes[buyer].next(1),
                    wh: approval.wh,
                    approval: market.sign(pair, approval),
                    cover: Some(market.cover(buyer, market.live(), SURPLUS)),
                }
            });
            of_it.push(batch.collect());
        }
    }
    all
}

/// The buyers settle, all at once, each one batch after the other; nothing is begun after the window's end. Tells how many trades were closed.
fn settle(
    chain: &Arc<Chain>,
    market: &Course,
    batches: Vec<Vec<Vec<SettleTrade>>>,
    end: u64,
) -> Result<impl std::future::Future<Output = Result<usize>>> {
    let mut ready = Vec::new();
    for (pair, of_it) in batches.into_iter().enumerate() {
        let agent: &Person = &market.people.all[market.of(PAIRS + pair).agent];
        ready.push((chain.account(&agent.key.secret())?, of_it));
    }
    let (chain, escrow) = (chain.clone(), market.contracts.escrow.clone());
    Ok(async move {
        let mut running = JoinSet::new();
        for (account, of_it) in ready {
            running.spawn(buy(chain.clone(), account, escrow.clone(), of_it, end));
        }
        let mut closed = 0;
        while let Some(done) = running.join_next().await {
            closed += done??;
        }
        Ok(closed)
    })
}

async fn buy(
    chain: Arc<Chain>,
    account: Account,
    escrow: String,
    batches: Vec<Vec<SettleTrade>>,
    end: u64,
) -> Result<usize> {
    let mut closed = 0;
    for trades in batches {
        if chain.now().0 + 2 >= end {
            break;
        }
        let count = trades.len();
        let msg = binary(&Escrow::SettleBatch { trades }).to_vec();
        let settle = message::execute(account.address(), &escrow, msg, vec![]);
        let pending = account.submit(vec![settle], Gas::Limit(GAS)).await?;
        let placed = chain.wait(&pending).await?;
        if placed.result.is_ok() {
            closed += count.saturating_sub(crate::gas::refused(&placed.result));
        }
    }
    Ok(closed)
}
