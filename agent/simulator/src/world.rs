//! The run: virtual time goes from tick to tick; what is due in one tick is handled by all agents side by
//! side, and its effects are carried out in the order of their numbers.

use crate::books::Books;
use crate::chance::Chance;
use crate::clock::StopWatch;
use crate::home::Home;
use crate::meters::Meters;
use crate::physics::Physics;
use crate::queue::{Queue, Task};
use crate::registry::Table;
use anyhow::Result;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Instant;
use wattpool_core::context::{Identity, Market};
use wattpool_core::io::{Experience, Millis, WindowTerms};
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::History;
use wattpool_core::ports::ledger::BlockNews;
use wattpool_core::ports::{MeterInfo, Signer};
use wattpool_host::{Counters, Effect, Host, Input, Meters as Registered, Options, Tools};
use wattpool_ledger_embedded::{EmbeddedLedger, Signatures};
use wattpool_network_memory::Network;
use wattpool_optimizer::Workspace;
use wattpool_report::record::Recorded;
use wattpool_report::Outcome;
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::pool::Tariffs;
use wattpool_schema::{MeterId, Seconds, Window};

/// Agents handled in one tick from which on threads pay.
const PARALLEL_FROM: usize = 128;

/// How to run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Everything random comes from it.
    pub seed: u64,
    /// Threads for the agents.
    pub threads: usize,
    /// How signatures are checked.
    pub signatures: Signatures,
    /// Whether offers, requests and events are kept, in memory until the end.
    pub record: bool,
}

/// Told after every window.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Windows settled.
    pub done: usize,
    /// Windows to settle.
    pub of: usize,
    /// Trades closed so far.
    pub trades: u64,
}

pub(crate) struct World<'n> {
    pub n: &'n Neighbourhood,
    pub options: RunOptions,
    pub market: Arc<Market>,
    pub ledger: EmbeddedLedger,
    pub network: Network,
    pub homes: Vec<Home>,
    pub registry: Table,
    /// What agents learned from, where somebody wants to see it.
    pub experiences: Option<Vec<(u32, Experience)>>,
    /// Offers, requests and events, where they are asked for.
    pub recorded: Option<Recorded>,
    /// The owners' histories by home; empty: none are kept.
    pub histories: Vec<Box<dyn History>>,
    pub meters: Meters,
    pub queue: Queue,
    pub books: Books,
    pub physics: Physics,
    /// Terms that the agents know, and those that they hear of with the next block.
    pub terms: Option<Arc<WindowTerms>>,
    pub opening: Option<Arc<WindowTerms>>,
    /// Terms of the window that runs on the chain.
    pub newest: Option<Arc<WindowTerms>>,
    pub zones: Vec<(wattpool_schema::Zone, u64)>,
    pub crashes: Chance,
    pub failing: Chance,
    /// How bad sellers fail.
    pub bad: Chance,
    pub faults: FaultCounts,
    /// Bytes of the longest journal that an agent started from.
    pub largest_journal: u64,
    /// No blocks before this time, milliseconds.
    pub halted_until: u64,
    /// Blocks left out by halts: heights do not count them.
    pub skipped_blocks: u64,
    pub blocks_due: BTreeSet<u64>,
    /// Homes that wait for the first block with a later time.
    pub watchers: BTreeMap<Seconds, Vec<u32>>,
    /// Askers so far.
    pub tickets: u64,
    /// What is heard twice.
    pub twice: Chance,
    /// Somebody listens to one home.
    pub tap: Option<Tap>,
    /// Owners who send their tokens away before the next block (a fault).
    pub drains: Vec<u32>,
    pub genesis: Seconds,
    pub ledger_clock: StopWatch,
    pub network_clock: StopWatch,
    pub choice_clock: StopWatch,
    pub agent_clock: StopWatch,
    pub workspace: Workspace,
    pub touched: Touched,
    /// Tariffs are published up to this window, and the last ones.
    pub tariffs_set: Window,
    pub last_tariffs: Tariffs,
    /// Metered windows before this are closed.
    pub closed_to: Window,
}

/// Homes that have something to do in the present tick, each once.
#[derive(Default)]
pub(crate) struct Touched {
    list: Vec<u32>,
    marked: Vec<bool>,
}

impl Touched {
    pub fn new(homes: usize) -> Self {
        Self {
            list: Vec::with_capacity(homes),
            marked: vec![false; homes],
        }
    }

    /// Marks a home.
    pub fn touch(&mut self, number: u32) {
        if let Some(mark) = usize::try_from(number)
            .ok()
            .and_then(|i| self.marked.get_mut(i))
            .filter(|m| !**m)
        {
            *mark = true;
            self.list.push(number);
        }
    }

    /// All marked homes, ascending.
    fn take(&mut self) -> Vec<u32> {
        let mut list = std::mem::take(&mut self.list);
        list.sort_unstable();
        for number in &list {
            if let Some(mark) = usize::try_from(*number)
                .ok()
                .and_then(|i| self.marked.get_mut(i))
            {
                *mark = false;
            }
        }
        list
    }

    fn recycle(&mut self, mut list: Vec<u32>) {
        list.clear();
        self.list = list;
    }
}

/// Faults injected.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FaultCounts {
    pub crashes: u64,
    pub late_restarts: u64,
    pub drains: u64,
    pub halts: u64,
    pub silences: u64,
    pub duplicates: u64,
    /// Times that an account was empty, and what could not be sent for it.
    pub unfunded: u64,
    pub unsent: u64,
    /// Requests that attackers made up, and transactions that they did not send.
    pub forged_requests: u64,
    pub swallowed: u64,
}

/// Runs a neighbourhood. `progress` is told after every window; when `stop` becomes true the run ends with
/// what is settled so far.
///
/// # Errors
/// The set-up is refused by the contracts or the network, or a query fails. What goes wrong while trading is
/// no error but shows in the outcome.
pub fn run(
    n: &Neighbourhood,
    options: &RunOptions,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome> {
    simulate(n, options, stop, progress, Watch::default()).map(|(outcome, _)| outcome)
}

/// A run, and what its agents learned from.
pub struct Observed {
    /// The run.
    pub outcome: Outcome,
    /// By the number of the home that learned, in its order.
    pub experiences: Vec<(u32, Experience)>,
    /// The homes' meters.
    pub meters: Vec<MeterId>,
}

/// Runs a neighbourhood and hands over what its agents learned from.
///
/// # Errors
/// Those of [`run`].
pub fn run_observed(n: &Neighbourhood, options: &RunOptions) -> Result<Observed> {
    let watch = Watch {
        experiences: Some(Vec::new()),
        ..Watch::default()
    };
    let (outcome, watch) = simulate(n, options, &AtomicBool::new(false), &mut |_| {}, watch)?;
    Ok(Observed {
        outcome,
        experiences: watch.experiences.unwrap_or_default(),
        meters: watch.meters,
    })
}

/// Runs a neighbourhood and keeps each home's history as its device does; without crashes, since what a block did while an
/// agent was away is not read up. Hands over the homes' meters, too.
///
/// # Errors
/// Those of [`run`]; and there is not one history a home, or one cannot be written.
pub fn run_keeping(
    n: &Neighbourhood,
    options: &RunOptions,
    histories: Vec<Box<dyn History>>,
) -> Result<(Outcome, Vec<MeterId>)> {
    anyhow::ensure!(
        histories.len() == n.homes.len() && n.faults.crashes_per_day <= 0.0,
        "expected a history for each of {} homes, which do not crash",
        n.homes.len()
    );
    let watch = Watch {
        histories,
        ..Watch::default()
    };
    simulate(n, options, &AtomicBool::new(false), &mut |_| {}, watch)
        .map(|(outcome, watch)| (outcome, watch.meters))
}

/// Runs a neighbourhood and hands over everything that one home's host was brought, and what it wanted.
///
/// # Errors
/// Those of [`run`].
pub fn run_tapped(n: &Neighbourhood, options: &RunOptions, home: u32) -> Result<(Outcome, Tap)> {
    let watch = Watch {
        tap: Some(Tap {
            home,
            ..Tap::default()
        }),
        ..Watch::default()
    };
    let (outcome, watch) = simulate(n, options, &AtomicBool::new(false), &mut |_| {}, watch)?;
    Ok((outcome, watch.tap.unwrap_or_default()))
}

/// What somebody wants to see of a run beside its outcome.
#[derive(Default)]
struct Watch {
    experiences: Option<Vec<(u32, Experience)>>,
    tap: Option<Tap>,
    meters: Vec<MeterId>,
    histories: Vec<Box<dyn History>>,
}

/// One home's host at its shell: times are local, milliseconds.
#[derive(Default)]
pub struct Tap {
    /// Its number.
    pub home: u32,
    /// Who it is, in which market, under which policy, and what it signs with.
    pub who: Option<TapIdentity>,
    /// All meters of the market.
    pub meters: Vec<(MeterId, MeterInfo)>,
    /// Crashes: how many effects had been wanted, and whether the last of them, a journal entry, is durable.
    pub crashes: Vec<(usize, bool)>,
    /// What it was brought.
    pub inputs: Vec<(u64, Input)>,
    /// What it wanted; after one that it crashed on the rest was not done.
    pub effects: Vec<(u64, Effect)>,
    /// Blocks as the chain made them, with all events of the market, by the time at which agents heard of them.
    pub blocks: Vec<(u64, BlockNews)>,
    /// What it had counted at the end, since its last start.
    pub counted: Counters,
    /// Windows, by the time at which agents heard of them.
    pub windows: Vec<(u64, Arc<WindowTerms>)>,
}

/// Who the tapped home is.
pub struct TapIdentity {
    /// As registered.
    pub identity: Identity,
    /// The market.
    pub market: Arc<Market>,
    /// The owner's policy.
    pub policy: Policy,
    /// Its keys.
    pub signer: Arc<dyn Signer + Send + Sync>,
}

fn simulate(
    n: &Neighbourhood,
    options: &RunOptions,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
    watch: Watch,
) -> Result<(Outcome, Watch)> {
    let begun = Instant::now();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads.max(1))
        .build()?;
    let mut world = World::set_up(n, options)?;
    world.experiences = watch.experiences;
    world.tap = watch.tap;
    world.introduce_tap();
    world.keep(watch.histories);
    let last = world.last_window();
    while let Some((now, mut tasks)) = world.queue.next() {
        // A window opens before what happens in its first block.
        let mut over = false;
        for task in &tasks {
            match task {
                Task::Window(window) => {
                    world.open_window(now, *window)?;
                    progress(Progress {
                        done: world.books.finished,
                        of: n.windows,
                        trades: world.books.trades(),
                    });
                    over |= *window > last || stop.load(Ordering::Relaxed);
                }
                Task::Late(window) => world.tell_window(now, *window)?,
                _ => {}
            }
        }
        for task in tasks.drain(..).filter(|_| !over) {
            match task {
                Task::Deliver {
                    home,
                    incarnation,
                    input,
                } => world.deliver(home, incarnation, input),
                Task::Wake { home, incarnation } => world.wake(now, home, incarnation),
                Task::Restart { home } => world.restart(now, home)?,
                Task::Halt { until } => world.halt(now, until),
                Task::Block => world.block(now),
                Task::News(block, executed, opening) => {
                    world.tell_block(now, block, executed, opening);
                }
                Task::Window(_) | Task::Late(_) => {}
            }
        }
        world.queue.recycle(tasks);
        if over {
            break;
        }
        world.tick(now, &pool);
    }
    let counted = world.tap.as_ref().map(|tap| tap.home);
    let counted = counted.and_then(|home| world.home_mut(home).map(|h| *h.host.counters()));
    if let (Some(tap), Some(counted)) = (&mut world.tap, counted) {
        tap.counted = counted;
    }
    let watch = Watch {
        experiences: world.experiences.take(),
        tap: world.tap.take(),
        meters: world.homes.iter().map(|h| h.identity.meter).collect(),
        histories: std::mem::take(&mut world.histories),
    };
    let mut outcome = world.finish()?;
    outcome.elapsed_s = begun.elapsed().as_secs_f64();
    outcome.timings.rest_s = (outcome.elapsed_s
        - outcome.timings.ledger_s
        - outcome.timings.network_s
        - outcome.timings.choice_s
        - outcome.timings.agent_s)
        .max(0.0);
    Ok((outcome, watch))
}

impl World<'_> {
    /// The last window to open: orders of the last metered window have been settled and can be closed by then.
    fn last_window(&self) -> Window {
        self.n
            .first_window
            .plus(u64::try_from(self.n.windows).unwrap_or(u64::MAX))
            .plus(7)
    }

    pub fn home_mut(&mut self, home: u32) -> Option<&mut Home> {
        usize::try_from(home)
            .ok()
            .and_then(|h| self.homes.get_mut(h))
    }

    pub fn deliver(&mut self, number: u32, incarnation: u32, input: Input) {
        if let Some(home) = self
            .home_mut(number)
            .filter(|h| h.online && h.incarnation == incarnation)
        {
            home.inbox.push(input);
            self.touched.touch(number);
        }
    }

    /// A host is due. What its agent's clock brings comes before what else happens in this tick.
    fn wake(&mut self, now: u64, home: u32, incarnation: u32) {
        if let Some(h) = self
            .home_mut(home)
            .filter(|h| h.online && h.incarnation == incarnation && h.wake == Some(now))
        {
            h.wake = None;
            h.inbox.insert(0, Input::Tick);
            self.touched.touch(home);
        }
    }

    /// All agents with something in their inbox handle it; then what they want is carried out.
    fn tick(&mut self, now: u64, pool: &rayon::ThreadPool) {
        let touched = self.touched.take();
        if touched.is_empty() {
            return;
        }
        self.agent_clock.start();
        self.listen(now);
        let registry = &self.registry.meters;
        if touched.len() >= PARALLEL_FROM && pool.current_num_threads() > 1 {
            let mut due: Vec<&mut Home> = Vec::with_capacity(touched.len());
            let mut rest = self.homes.as_mut_slice();
            let mut passed = 0usize;
            for number in &touched {
                // `touched` ascends: cut the slice at each of them.
                let at = usize::try_from(*number)
                    .unwrap_or(usize::MAX)
                    .saturating_sub(passed);
                let Some((_, tail)) = rest.split_at_mut_checked(at) else {
                    break;
                };
                let Some((home, tail)) = tail.split_first_mut() else {
                    break;
                };
                due.push(home);
                passed = passed.saturating_add(at).saturating_add(1);
                rest = tail;
            }
            pool.install(|| {
                due.par_iter_mut().with_min_len(16).for_each_init(
                    Workspace::new,
                    |workspace, home| {
                        home.think(now, registry, workspace, None);
                    },
                );
            });
        } else {
            let workspace = &mut self.workspace;
            for number in &touched {
                if let Some(home) = usize::try_from(*number)
                    .ok()
                    .and_then(|i| self.homes.get_mut(i))
                {
                    home.think(now, registry, workspace, Some(&mut self.choice_clock));
                }
            }
        }
        self.agent_clock.stop();
        for number in &touched {
            self.execute_all(now, *number);
        }
        self.touched.recycle(touched);
    }
}

impl World<'_> {
    /// Before the start: hosts want their histories kept.
    fn keep(&mut self, histories: Vec<Box<dyn History>>) {
        if histories.is_empty() {
            return;
        }
        for home in &mut self.homes {
            let options = Options {
                history: true,
                ..Options::default()
            };
            let market = Arc::clone(&self.market);
            home.host = Host::new(home.identity.clone(), market, home.policy.clone(), options);
        }
        self.histories = histories;
    }

    fn introduce_tap(&mut self) {
        let Some(tap) = &mut self.tap else { return };
        let home = usize::try_from(tap.home).ok();
        tap.who = home.and_then(|h| self.homes.get(h)).map(|h| TapIdentity {
            identity: h.identity.clone(),
            market: Arc::clone(&self.market),
            policy: h.policy.clone(),
            signer: Arc::new(h.keys.clone()),
        });
        tap.meters = self.registry.all().collect();
    }

    /// Notes what the tapped home is brought.
    fn listen(&mut self, now: u64) {
        let Some(tap) = &mut self.tap else { return };
        let home = usize::try_from(tap.home).ok();
        if let Some(home) = home.and_then(|h| self.homes.get(h)) {
            let inputs = home.inbox.iter().map(|input| (now, input.clone()));
            tap.inputs.extend(inputs);
        }
    }
}

impl Home {
    /// Handles the inbox; what is to be done stands in the outbox.
    fn think(
        &mut self,
        now: u64,
        meters: &Registered,
        workspace: &mut Workspace,
        choice: Option<&mut StopWatch>,
    ) {
        let mut tools = Tools {
            signer: &self.keys,
            meters,
            workspace,
            choice_clock: choice.map(|c| c as &mut dyn wattpool_core::context::ChoiceClock),
        };
        let mut inbox = std::mem::take(&mut self.inbox);
        for input in inbox.drain(..) {
            self.host
                .take(Millis(now), input, &mut tools, &mut self.outbox);
        }
        self.inbox = inbox;
    }
}
