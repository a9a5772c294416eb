//! How many settles a chain takes, and how long one takes: a load of bounded length.

use crate::chain::Chain;
use crate::course::{binary, Course};
use crate::gas::{people, OnWasmd, Script, Stage, WINDOW_S};
use crate::people::{People, Person, STRANGER};
use anyhow::{ensure, Context, Result};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use wattpool_ledger_wasmd::{message, Account, Gas};
use wattpool_schema::escrow::ExecuteMsg as Escrow;
use wattpool_schema::pool::ExecuteMsg as Pool;

/// Gas limit of a settle.
const GAS: u64 = 400_000;
/// Settles of one buyer that are on their way together.
const TOGETHER: usize = 3;
/// Longest load: the rest of a window is for the statements before it and the last blocks after it.
pub const LONGEST_S: u32 = WINDOW_S - 5;

/// What to load a chain with.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Validators.
    pub validators: u16,
    /// Pairs of meters that trade, 1 to 100.
    pub pairs: usize,
    /// Seconds, 1 to [`LONGEST_S`].
    pub seconds: u32,
}

impl Load {
    /// Refuses what cannot be carried out.
    ///
    /// # Errors
    /// A figure is out of range.
    pub fn check(&self) -> Result<()> {
        let figure = |name: &str, found: u64, most: u64| {
            ensure!(
                (1..=most).contains(&found),
                "{name} {found}: 1 to {most} were expected"
            );
            Ok(())
        };
        figure("validators", u64::from(self.validators), 16)?;
        figure("pairs", self.pairs as u64, 100)?;
        figure("seconds", u64::from(self.seconds), u64::from(LONGEST_S))
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Loaded {
    /// Validators.
    pub validators: u16,
    /// Pairs of meters that traded.
    pub pairs: usize,
    /// Settles that were closed.
    pub settles: usize,
    /// Settles that were refused, those after the window's end for instance.
    pub refused: usize,
    /// From the first broadcast to the last block, seconds.
    pub seconds: f64,
    /// Closed settles per second.
    pub settles_per_second: f64,
    /// Milliseconds from broadcast to the block's arrival here: median.
    pub p50_ms: u128,
    /// And of all but a twentieth.
    pub p95_ms: u128,
    /// Blocks that held settles.
    pub blocks: usize,
}

/// Loads a network of its own, with pinned contracts.
///
/// # Errors
/// A figure is out of range, there is no wasmd, a contract is missing, or the set-up fails.
pub fn run(load: Load, contracts: &Path) -> Result<Loaded> {
    load.check()?;
    let Load { pairs, seconds, .. } = load;
    let people = people(4, 2 * pairs);
    let mut stage = OnWasmd::start(&people.all, load.validators, contracts)?;
    stage.pin()?;
    let market = prepare(&mut stage, people, pairs)?;
    let length = Duration::from_secs(u64::from(seconds));
    let chain = stage.chain.clone();
    let landed = stage
        .runtime
        .block_on(settle_all(chain, market, pairs, length))?;
    summary(load, &landed)
}

/// A market whose sellers have stated their surplus of the live window.
fn prepare(stage: &mut OnWasmd, people: People, pairs: usize) -> Result<Course> {
    let mut script = Script::begin(stage, people)?;
    let meters: Vec<usize> = (0..2 * pairs).collect();
    for some in meters.chunks(25) {
        script.register(some.iter().copied())?;
    }
    for buyer in pairs..2 * pairs {
        script.deposit(buyer, 100_000_000)?;
    }
    let live = script.next_window()?;
    for some in meters[..pairs].chunks(50) {
        let statements = some.iter();
        let statements = statements.map(|i| script.market.statement(*i, live, 90_000));
        let state = Pool::State {
            statements: statements.collect(),
        };
        let pool = script.market.contracts.pool.clone();
        script.quietly(STRANGER, vec![(pool, binary(&state), vec![])])?;
    }
    let mut market = script.market;
    market.now = stage.now();
    Ok(market)
}

/// A settle that is in a block.
struct Landed {
    sent: Instant,
    seen: Instant,
    height: u64,
    closed: bool,
}

async fn settle_all(
    chain: Arc<Chain>,
    mut market: Course,
    pairs: usize,
    length: Duration,
) -> Result<Vec<Landed>> {
    // Signed beforehand: the approvals come from other meters, at other times.
    let each = usize::try_from(length.as_secs())? * 8;
    let mut ready = Vec::new();
    for pair in 0..pairs {
        let buyer = pairs + pair;
        let trades: Vec<_> = (0..each)
            .map(|_| market.spot(pair, buyer, 100, 80_000))
            .map(|trade| binary(&Escrow::Settle { trade }).to_vec())
            .collect();
        let agent: Person = market.people.all[market.of(buyer).agent].clone();
        let account = chain.account(&agent.key.secret())?;
        ready.push((account, trades));
    }
    let until = Instant::now() + length;
    let mut buyers = JoinSet::new();
    for (account, trades) in ready {
        let escrow = market.contracts.escrow.clone();
        buyers.spawn(buy(chain.clone(), account, escrow, trades, until));
    }
    let mut landed = Vec::new();
    while let Some(some) = buyers.join_next().await {
        landed.extend(some??);
    }
    Ok(landed)
}

/// One buyer: a few settles on their way, the next one when the first of them is in a block.
async fn buy(
    chain: Arc<Chain>,
    account: Account,
    escrow: String,
    trades: Vec<Vec<u8>>,
    until: Instant,
) -> Result<Vec<Landed>> {
    let mut waiting = std::collections::VecDeque::new();
    let mut landed = Vec::new();
    let mut trades = trades.into_iter();
    loop {
        let next = (Instant::now() < until).then(|| trades.next()).flatten();
        let more = next.is_some();
        if let Some(msg) = next {
            let settle = message::execute(account.address(), &escrow, msg, vec![]);
            let sent = Instant::now();
            let pending = account.submit(vec![settle], Gas::Limit(GAS)).await?;
            waiting.push_back((sent, pending));
        }
        while waiting.len() >= if more { TOGETHER } else { 1 } {
            let Some((sent, pending)) = waiting.pop_front() else {
                break;
            };
            let placed = chain.wait(&pending).await?;
            landed.push(Landed {
                sent,
                seen: placed.seen,
                height: placed.height,
                closed: placed.result.is_ok(),
            });
        }
        if !more {
            return Ok(landed);
        }
    }
}

fn summary(load: Load, landed: &[Landed]) -> Result<Loaded> {
    let closed: Vec<&Landed> = landed.iter().filter(|one| one.closed).collect();
    let first = landed.iter().map(|one| one.sent).min();
    let last = closed.iter().map(|one| one.seen).max();
    let (first, last) = first.zip(last).context("no settle was closed")?;
    let seconds = last.duration_since(first).as_secs_f64();
    let mut waits: Vec<u128> = closed
        .iter()
        .map(|one| one.seen.duration_since(one.sent).as_millis())
        .collect();
    waits.sort_unstable();
    let share = |percent: usize| waits[(waits.len() - 1) * percent / 100];
    let mut blocks: Vec<u64> = closed.iter().map(|one| one.height).collect();
    blocks.sort_unstable();
    blocks.dedup();
    Ok(Loaded {
        validators: load.validators,
        pairs: load.pairs,
        settles: closed.len(),
        refused: landed.len() - closed.len(),
        seconds,
        settles_per_second: closed.len() as f64 / seconds.max(1e-9),
        p50_ms: share(50),
        p95_ms: share(95),
        blocks: blocks.len(),
    })
}
