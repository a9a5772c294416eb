//! The run: one runtime per home, the chain followed block by block, from before the first window to after the last.

use anyhow::{bail, ensure, Context, Result};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::task::JoinHandle;
use wattpool_core::context::{Identity, Market as CoreMarket};
use wattpool_core::io::{BlockRef, Gate, Millis};
use wattpool_core::ports::home::GridGate;
use wattpool_core::ports::Signer;
use wattpool_core::timing::Timing;
use wattpool_journal_sqlite::SqliteJournal;
use wattpool_ledger_wasmd::{Follower, Market, WasmdLedger};
use wattpool_runtime::{Counters, Ended, Handle, Ports, Registry, RunError, Runtime, Settings};
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{MeterId, Window, Zone};

use crate::chain::{Chain, PATIENCE};
use crate::household::Household;
use crate::lines::{zones, Requests};
use crate::loopback::LoopbackNetwork;
use crate::meter::{Beginning, ProfileMeter};
use crate::street::at_times;

/// The gate of a home without one.
struct NoGate;

impl GridGate for NoGate {
    fn set(&self, _gate: Gate) {}
}

struct Home {
    handle: Handle,
    running: JoinHandle<Result<Ended, RunError>>,
}

/// Reads blocks from a height on and keeps their events.
pub struct Recorder {
    follower: Follower,
    end: BlockRef,
    events: Vec<(BlockRef, MarketEvent)>,
}

impl Recorder {
    /// Follows a market from the block after `from`.
    pub fn new(chain: &Chain, market: &Market, from: BlockRef) -> Self {
        Self {
            follower: Follower::new(Arc::clone(chain.client()), Arc::new(market.clone())),
            end: from,
            events: Vec::new(),
        }
    }

    /// The next block; answers the seconds since the one before.
    async fn next(&mut self) -> Result<u64> {
        let next = self.follower.next_block(self.end.height);
        let news = tokio::time::timeout(PATIENCE, next).await;
        let after = self.end.height;
        let news = news.with_context(|| format!("no block after {after} in {PATIENCE:?}"))??;
        let passed = news.block.time.0.saturating_sub(self.end.time.0);
        self.end = news.block;
        let block = news.block;
        let events = news.events.into_iter().map(|event| (block, event));
        self.events.extend(events);
        Ok(passed)
    }

    /// Reads on up to a height.
    ///
    /// # Errors
    /// No block comes, or its events cannot be read.
    pub async fn up_to(&mut self, height: u64) -> Result<()> {
        while self.end.height < height {
            self.next().await?;
        }
        Ok(())
    }

    /// What was recorded.
    pub fn events(&self) -> &[(BlockRef, MarketEvent)] {
        &self.events
    }
}

/// Starts every home's agent, lets the neighbourhood's windows pass, and stops the agents.
/// Answers the neighbourhood at the times of the chain, and what the runtimes counted.
///
/// # Errors
/// A runtime cannot be started or ends by itself; or blocks come so late that nothing can be said of the market.
pub async fn trade(
    chain: &Chain,
    market: &Market,
    n: &Neighbourhood,
    households: &[Household],
    pace: Duration,
    recorder: &mut Recorder,
    requests: &Requests,
) -> Result<(Neighbourhood, Vec<Counters>)> {
    let window_s = market.window_seconds;
    let folder = tempfile::tempdir()?;
    let loopback = LoopbackNetwork::default();
    let beginning = Beginning::default();
    let mut homes = Vec::new();
    for household in households {
        let (number, clock) = (household.number, Arc::clone(&beginning));
        let street = Street {
            chain,
            market,
            n,
            pace,
            loopback: &loopback,
            folder: folder.path(),
            requests,
            zones: zones(n, households),
        };
        let home = street.start(household, clock).await;
        homes.push(home.with_context(|| format!("starting home {number}"))?);
    }
    let first = begin(chain, window_s, &beginning, &homes, recorder).await?;
    let over = first.plus(n.windows as u64).next();
    println!(
        "windows {first} to {}, {window_s} s each, a block in {pace:?}",
        over.prev().prev()
    );
    // Window w is traded while w + 1 runs.
    while Window::at(recorder.end.time, window_s) < over {
        let passed = recorder.next().await?;
        ensure!(
            passed * 2 <= u64::from(window_s),
            "block {} came {passed} s after the one before, in windows of {window_s} s: this machine is too busy",
            recorder.end.height
        );
        for (number, home) in homes.iter().enumerate() {
            ensure!(
                !home.running.is_finished(),
                "the agent of home {number} ended by itself"
            );
        }
    }
    let mut counters = Vec::new();
    for (number, home) in homes.into_iter().enumerate() {
        let status = home.handle.status().await;
        counters.push(status.with_context(|| format!("home {number}"))?.counters);
        home.handle.stop();
        match home.running.await? {
            Ok(Ended::Stopped) => {}
            other => bail!("the agent of home {number} ended with {other:?}"),
        }
    }
    Ok((at_times(n, window_s, first), counters))
}

/// Waits until all agents have seen a window, then lets the profiles begin with the next one.
async fn begin(
    chain: &Chain,
    window_s: u32,
    beginning: &OnceLock<Window>,
    homes: &[Home],
    recorder: &mut Recorder,
) -> Result<Window> {
    let mut blocks = 0u32;
    loop {
        recorder.next().await?;
        if homes.iter().all(|home| home.handle.health().started) {
            break;
        }
        blocks += 1;
        if blocks > 200 {
            let troubles: Vec<_> = homes.iter().map(|h| h.handle.health()).collect();
            bail!("after {blocks} blocks not all agents have started: {troubles:?}");
        }
    }
    // No meter has been read for this window: it has not begun.
    let next = Window::at(chain.head().await?.time, window_s).next();
    beginning
        .set(next)
        .map_err(|set| anyhow::anyhow!("the profiles begin with window {set} already"))?;
    Ok(next)
}

/// What all homes share.
struct Street<'a> {
    chain: &'a Chain,
    market: &'a Market,
    n: &'a Neighbourhood,
    pace: Duration,
    loopback: &'a LoopbackNetwork,
    folder: &'a Path,
    requests: &'a Requests,
    zones: BTreeMap<MeterId, Zone>,
}

impl Street<'_> {
    async fn start(&self, household: &Household, beginning: Beginning) -> Result<Home> {
        let number = household.number;
        let home = &self.n.homes[number];
        let market = self.market;
        let window_s = market.window_seconds;
        // Each home has its own connections, and another node it likes best.
        let ledger = WasmdLedger::connect(
            self.chain.settings(number)?,
            market.clone(),
            household.agent(&market.address_prefix)?,
            None,
        );
        let ledger = ledger.await?;
        let block_ms = u64::try_from(self.pace.as_millis())?;
        let core = Arc::new(CoreMarket::new(
            market.chain_id.clone(),
            market.pool.address.clone(),
            market.escrow.address.clone(),
            window_s,
            Timing::for_chain(window_s, block_ms, market.first_part_seconds),
        ));
        let signer: Arc<dyn Signer + Send + Sync> = household.keys.clone();
        let registry = Arc::new(Registry::new(Arc::clone(&signer)));
        let peer = household.meter.0.to_vec();
        let network = self
            .loopback
            .join(household.meter, peer.clone(), Arc::clone(&registry));
        let file = self.folder.join(format!("home-{number}.db"));
        let settings = Settings {
            identity: Identity {
                meter: household.meter,
                zone: home.zone,
                kind: household.kind,
                max_import: household.most.0,
                max_export: household.most.1,
                peer,
            },
            market: core,
            policy: home.policy.clone(),
            // Every home's clock is wrong in its own way.
            started_at: Millis(1_000_000 * number as u64),
        };
        let ports = Ports {
            ledger: Arc::new(ledger),
            network: Arc::new(network),
            meter: Arc::new(ProfileMeter::new(home, self.n.windows, window_s, beginning)),
            gate: Arc::new(NoGate),
            journal: Box::new(SqliteJournal::open(&file)?),
            history: Box::new(SqliteJournal::open_for_history(&file)?),
            signer,
        };
        let observer = self
            .requests
            .observer(self.zones.clone(), Arc::clone(&registry));
        let (runtime, handle) = Runtime::new(settings, ports, registry);
        let runtime = runtime.observed(observer);
        Ok(Home {
            handle,
            running: tokio::spawn(runtime.run()),
        })
    }
}
