//! From a neighbourhood to a running world: chain, keys, registration, network, agents.

use crate::attack::attackers;
use crate::books::Books;
use crate::chain::BLOCK_S;
use crate::chance::{whole_ms, Chance, Stream};
use crate::clock::StopWatch;
use crate::home::Home;
use crate::keys::{meter_id, HomeKeys};
use crate::meters::Meters;
use crate::physics::Physics;
use crate::queue::{Queue, Task};
use crate::registry::Table;
use crate::world::{FaultCounts, RunOptions, Touched, World};
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wattpool_core::context::{Identity, Market};
use wattpool_core::policy::Policy;
use wattpool_core::ports::MeterInfo;
use wattpool_core::timing::Timing;
use wattpool_host::{Host, Options};
use wattpool_ledger_embedded::{ChainSetup, EmbeddedLedger, NewMeter};
use wattpool_network_memory::{Network, NetworkConfig};
use wattpool_optimizer::Workspace;
use wattpool_report::record::Recorded;
use wattpool_rules::order::first_part;
use wattpool_rules::payment::payment;
use wattpool_scenario::model::{HomeKind, Neighbourhood};
use wattpool_schema::escrow::Limits;
use wattpool_schema::peer::Location;
use wattpool_schema::pool::{MeterKind, Tariffs, ZonePairTerms};
use wattpool_schema::{Micro, Price, Wh};

/// Chain id of the simulated chain.
const CHAIN_ID: &str = "wattpool-sim";
/// Locations whose closest nodes an agent remembers: all that its look-ups go through in a window.
const REMEMBERED_LOCATIONS: usize = 256;
/// How long they are remembered: locations do not move, and a node that keeps silent is replaced at once.
const REMEMBER_MS: u64 = 24 * 3_600_000;
/// Windows between the chain's beginning and the first metered one: tariffs are set in them.
const LEAD: u64 = 4;

impl<'n> World<'n> {
    /// Deploys, registers, funds; the first window opens when the first metered one begins.
    pub fn set_up(n: &'n Neighbourhood, options: &RunOptions) -> Result<Self> {
        let genesis_window = wattpool_schema::Window(n.first_window.0.saturating_sub(LEAD));
        let genesis = genesis_window.start(n.window_s);
        let first = Tariffs {
            import: n.import_tariff.first().copied().unwrap_or_default(),
            feed_in: n.feed_in_tariff.first().copied().unwrap_or_default(),
        };
        let zone_pairs = n.zone_pairs.iter().map(|p| ZonePairTerms {
            from: p.from,
            to: p.to,
            loss: p.loss,
            charge: p.charge,
            capacity: p.capacity,
        });
        let mut ledger = EmbeddedLedger::new(ChainSetup {
            chain_id: CHAIN_ID.to_owned(),
            genesis,
            window_s: n.window_s,
            block_s: BLOCK_S,
            tariffs: first,
            zone_pairs: zone_pairs.collect(),
            signatures: options.signatures,
        })?;
        if options.record {
            ledger.keep_history();
        }
        let contracts = ledger.contracts().clone();
        let market = Arc::new(Market::new(
            CHAIN_ID.to_owned(),
            contracts.pool.to_string(),
            contracts.escrow.to_string(),
            n.window_s,
            Timing::for_chain(
                n.window_s,
                u64::from(BLOCK_S).saturating_mul(1000),
                first_part(n.window_s, BLOCK_S),
            ),
        ));
        let mut keys = Chance::new(options.seed, Stream::Keys);
        let secret = keys.bytes();
        let mut sellers = Chance::new(options.seed, Stream::Sellers);
        let mut registered = Vec::with_capacity(n.homes.len());
        let mut books = Books::new(n)?;
        let mut homes = Vec::with_capacity(n.homes.len());
        let mut ids = Vec::with_capacity(n.homes.len());
        let mut zones = BTreeMap::new();
        for (number, home) in n.homes.iter().enumerate() {
            let meter = meter_id(&secret, u32::try_from(number)?);
            let home_keys = HomeKeys::draw(&mut keys, options.signatures);
            let most = |series: &[u32]| {
                Wh(series
                    .iter()
                    .copied()
                    .max()
                    .map_or(1, u64::from)
                    .saturating_add(1))
            };
            let identity = Identity {
                meter,
                zone: home.zone,
                kind: kind_of(home.kind),
                max_export: most(&home.generation_wh),
                max_import: most(&home.demand_wh),
                peer: meter.0.to_vec(),
            };
            let deposit = deposit_for(n, number)?;
            let account = ledger.register(NewMeter {
                meter,
                owner: format!("owner-{number}"),
                device: home_keys.device,
                agent: home_keys.agent,
                zone: home.zone,
                kind: identity.kind,
                max_export: identity.max_export,
                max_import: identity.max_import,
                deposit,
                limits: limits_of(&home.policy),
            })?;
            books.deposits = books.deposits.saturating_add(deposit.0);
            registered.push((
                meter,
                MeterInfo {
                    agent: home_keys.agent,
                    zone: home.zone,
                    kind: identity.kind,
                    max_export: identity.max_export,
                    max_import: identity.max_import,
                },
            ));
            ids.push(Location::of_meter(&market.network, &meter).0);
            let count: &mut u64 = zones.entry(home.zone).or_default();
            *count = count.saturating_add(1);
            let host = Host::new(
                identity.clone(),
                Arc::clone(&market),
                home.policy.clone(),
                Options::default(),
            );
            let silent = sellers.happens(n.faults.silent_sellers);
            homes.push(Home::new(
                host,
                identity,
                home.policy.clone(),
                home_keys,
                account,
                deposit,
                silent,
            ));
        }
        let mut registry = Table::new(registered);
        let network = Network::new(
            options.seed,
            ids,
            NetworkConfig {
                message_loss: n.faults.message_loss,
                extra_delay_mean_ms: n.faults.message_delay_ms,
                remembered_locations: REMEMBERED_LOCATIONS,
                remember_ms: REMEMBER_MS,
                ..NetworkConfig::default()
            },
        )?;
        for number in bad_sellers(n, options.seed) {
            if let Some(home) = homes.get_mut(number) {
                home.bad = true;
            }
        }
        for number in attackers(n, options.seed) {
            if let Some(home) = homes.get_mut(number) {
                home.attack = n.attackers.map(|a| a.attack);
            }
        }
        if let Some(feeders) = &n.feeders {
            registry.publish_lines(feeders, n.first_window);
        }
        let start_ms = n.start().0.saturating_mul(1000);
        let mut world = Self {
            n,
            options: options.clone(),
            market,
            ledger,
            network,
            touched: Touched::new(homes.len()),
            homes,
            registry,
            experiences: None,
            recorded: options.record.then(Recorded::default),
            histories: Vec::new(),
            meters: Meters::new(n, options.seed),
            queue: Queue::default(),
            books,
            physics: Physics::default(),
            terms: None,
            opening: None,
            newest: None,
            zones: zones.into_iter().collect(),
            crashes: Chance::new(options.seed, Stream::Crashes),
            failing: Chance::new(options.seed, Stream::Failing),
            bad: Chance::new(options.seed, Stream::BadFailures),
            faults: FaultCounts::default(),
            largest_journal: 0,
            halted_until: 0,
            skipped_blocks: 0,
            blocks_due: BTreeSet::new(),
            watchers: BTreeMap::new(),
            tickets: 0,
            twice: Chance::new(options.seed, Stream::Duplicates),
            tap: None,
            drains: Vec::new(),
            genesis,
            ledger_clock: StopWatch::default(),
            network_clock: StopWatch::default(),
            choice_clock: StopWatch::default(),
            agent_clock: StopWatch::default(),
            workspace: Workspace::new(),
            tariffs_set: n.first_window.prev(),
            last_tariffs: first,
            closed_to: n.first_window,
        };
        let span = u64::try_from(n.windows)?
            .saturating_mul(u64::from(n.window_s))
            .saturating_mul(1000);
        let quiet = whole_ms(n.faults.quiet_days * 86_400_000.0);
        let troubled_to = start_ms.saturating_add(span).saturating_sub(quiet);
        world.draw_halts(start_ms, troubled_to);
        world.draw_unfunded(start_ms, troubled_to);
        world.publish_first_tariffs()?;
        world.queue.add(start_ms, Task::Window(n.first_window));
        Ok(world)
    }

    /// Before the first window, the tariffs of the second are set: later ones follow two windows ahead.
    fn publish_first_tariffs(&mut self) -> Result<()> {
        self.tariffs_set = self.n.first_window;
        let second = self.n.first_window.next();
        let tariffs = self.tariffs_of(second);
        if tariffs != self.last_tariffs {
            self.ledger
                .set_tariffs(second, tariffs)
                .map_err(|e| anyhow::anyhow!("tariffs of window {second}: {e:?}"))?;
            self.last_tariffs = tariffs;
        }
        self.tariffs_set = second;
        Ok(())
    }
}

/// The scenario's share of the homes with surplus, to the nearest home but at least one: habitually bad sellers.
pub(crate) fn bad_sellers(n: &Neighbourhood, seed: u64) -> Vec<usize> {
    if n.faults.bad_sellers <= 0.0 {
        return Vec::new();
    }
    let mut chance = Chance::new(seed, Stream::BadSellers);
    let sells = |home: &wattpool_scenario::model::Home| {
        let windows = home.generation_wh.iter().zip(&home.demand_wh);
        windows.into_iter().any(|(g, d)| g > d)
    };
    let mut drawn: Vec<(f64, usize)> = n
        .homes
        .iter()
        .enumerate()
        .map(|(number, home)| (chance.unit(), number, sells(home)))
        .filter(|(_, _, sells)| *sells)
        .map(|(lot, number, _)| (lot, number))
        .collect();
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
    let share = n.faults.bad_sellers.min(1.0);
    let kept = drawn.len() as f64 * share;
    let bad = drawn.iter().zip(1u32..);
    bad.take_while(|(_, count)| *count == 1 || f64::from(*count) <= kept + 0.5)
        .map(|((_, number), _)| *number)
        .collect()
}

/// Enough money for everything the home lacks at the grid's price, twice over: the run is about energy, not credit.
fn deposit_for(n: &Neighbourhood, number: usize) -> Result<Micro> {
    let Some(home) = n.homes.get(number) else {
        return Ok(Micro(0));
    };
    let mut sum = 1_000_000u64;
    for ((demand, generation), tariff) in home
        .demand_wh
        .iter()
        .zip(&home.generation_wh)
        .zip(&n.import_tariff)
    {
        let price = Price(tariff.0.max(0).unsigned_abs());
        sum = sum
            .saturating_add(payment(Wh(u64::from(demand.saturating_sub(*generation))), price)?.0);
    }
    Ok(Micro(sum.saturating_mul(2)))
}

const fn kind_of(kind: HomeKind) -> MeterKind {
    match kind {
        HomeKind::Pv => MeterKind::Pv,
        HomeKind::Wind => MeterKind::Wind,
        HomeKind::Battery => MeterKind::Battery,
        HomeKind::Mixed => MeterKind::Mixed,
        HomeKind::Consumer => MeterKind::Consumer,
    }
}

/// The owner's limits as the chain holds them.
fn limits_of(policy: &Policy) -> Limits {
    Limits {
        trading_off: !policy.buy && !policy.sell,
        min_sell_price: policy.min_sell_price,
        max_buy_price: policy.max_buy_price,
        max_spend_per_day: policy.max_spend_per_day,
        max_buy_per_day: policy.max_buy_wh_per_day,
        max_sell_per_day: policy.max_sell_wh_per_day,
    }
}
