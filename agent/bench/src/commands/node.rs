//! `wattpool-bench node`: what many agents ask of one node of the chain, and how it bears that.
//!
//! Every simulated agent is the adapter that a real one has, with a connection of its own: it follows all blocks and, in
//! each window, reads the terms and proves them.

use super::agent::cpu;
use crate::Failure;
use anyhow::{ensure, Context, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use wattpool_core::ports::ledger::Ledger;
use wattpool_ledger_wasmd::proof::{Prover, Trust};
use wattpool_ledger_wasmd::{ChainSettings, Client, Key, Market, WasmdLedger};
use wattpool_schema::{MeterId, Window};

/// Agents that connect at the same time.
const TOGETHER: usize = 16;
/// How old a block may be that a proof is of.
const NEWEST: Duration = Duration::from_secs(600);
/// How long a block is trusted.
const TRUSTED: Duration = Duration::from_secs(14 * 86_400);

/// Asks a node what agents ask, in their number and at their pace.
#[derive(Clone, clap::Args)]
#[command(
    after_help = "A node takes 900 connections (rpc.max_open_connections of its config.toml) until that is changed, and this \
    program needs an open file for each agent (ulimit -n)."
)]
pub struct Args {
    /// The node's RPC.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:26657")]
    rpc: String,
    /// The market's addresses file, with a trusted block.
    #[arg(long, value_name = "FILE")]
    market: PathBuf,
    /// Agents, 1 to 10,000.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    agents: u32,
    /// Seconds that are measured, once all agents are connected; whole windows are the right measure.
    #[arg(long, value_name = "S", default_value_t = 120, value_parser = clap::value_parser!(u64).range(10..=86_400))]
    seconds: u64,
    /// The node's process, if it is on this machine: its processor time is told.
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// Answers to one method.
#[derive(Serialize)]
struct Method {
    name: &'static str,
    requests: usize,
    unanswered: usize,
    /// Requests of an agent for each block.
    per_block: f64,
    /// Milliseconds until the answer was read.
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
}

/// What was measured.
#[derive(Serialize)]
struct Measured {
    agents: u32,
    seconds: f64,
    /// Blocks that agents heard of, on average.
    blocks: f64,
    /// Windows whose terms an agent read, on average.
    windows: f64,
    /// Requests for proofs of an agent for each window.
    proof_requests_per_window: f64,
    /// Values that were wanted and not proven.
    not_proven: u64,
    /// Calls that failed and were made again.
    failures: u64,
    methods: Vec<Method>,
    /// Milliseconds from the first agent that had a block to each: median, and of all but a hundredth.
    behind_p50_ms: f64,
    behind_p99_ms: f64,
    /// Share of one core, per cent.
    node_cpu_percent: Option<f64>,
    own_cpu_percent: f64,
}

/// What agents have noted.
#[derive(Default)]
struct Notes {
    measuring: bool,
    answers: BTreeMap<&'static str, Vec<(Duration, bool)>>,
    /// When agents had a block.
    blocks: BTreeMap<u64, Vec<Instant>>,
    windows: u64,
    failures: u64,
}

type Shared = Arc<Mutex<Notes>>;

/// Changes the notes, while it is measured.
fn note(notes: &Shared, change: impl FnOnce(&mut Notes)) {
    // The guarded values are plain and always whole.
    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    if notes.measuring {
        change(&mut notes);
    }
}

/// A simulated agent.
struct Agent {
    ledger: WasmdLedger,
    prover: Arc<Prover>,
    window_s: u32,
}

impl Agent {
    /// Connects like a real one; it signs nothing, so that any key does.
    async fn connect(args: Arc<Args>, market: Market, number: u32, notes: Shared) -> Result<Self> {
        let price = wattpool_schema::DEFAULT_GAS_PRICE
            .parse()
            .context("the price of gas")?;
        let prefix = market.address_prefix.clone();
        let mut settings = ChainSettings::new(vec![args.rpc.clone()], &prefix, price);
        settings.chain_id = Some(market.chain_id.clone());
        settings.deadline = Duration::from_secs(30);
        let origin = market.trusted.clone();
        let trust = Trust {
            origin: origin.context("the addresses file names no trusted block")?,
            period: TRUSTED,
            newest: NEWEST,
        };
        let client = Arc::new(Client::connect(settings).await?);
        let told = move |method, took, answered| {
            note(&notes, |n| {
                n.answers.entry(method).or_default().push((took, answered));
            });
        };
        client.rpc().observe(Box::new(told));
        let window_s = market.window_seconds;
        let prover = Arc::new(Prover::new(Arc::clone(&client), trust, window_s, None));
        let mut secret = [1; 32];
        for (to, from) in secret.iter_mut().zip(number.to_be_bytes()) {
            *to = from;
        }
        let key = Key::from_bytes(&secret, &prefix)?;
        let ledger = WasmdLedger::new(client, market, key, None).await?;
        let ledger = ledger.proving(Arc::clone(&prover));
        // It says whose meter it is, as at the start of an agent; nobody's has no zone, and proves all terms.
        ledger.position(MeterId([0; 16])).await.ok();
        Ok(Self {
            ledger,
            prover,
            window_s,
        })
    }

    /// Follows the chain until the task is ended.
    async fn follow(self: Arc<Self>, notes: Shared) {
        let mut at = self.ledger.head().await.map_or(0, |head| head.height);
        let mut window = None;
        loop {
            let Ok(news) = self.ledger.next_block(at).await else {
                note(&notes, |n| n.failures = n.failures.saturating_add(1));
                tokio::time::sleep(Duration::from_millis(500)).await;
                continue;
            };
            at = news.block.height;
            let had = Instant::now();
            note(&notes, |n| n.blocks.entry(at).or_default().push(had));
            let now = Window::at(news.block.time, self.window_s);
            if window.is_some_and(|window| window != now) {
                // As a window is opened: is it still the running one, and on which terms?
                let opened =
                    self.ledger.head().await.is_ok() && self.ledger.terms(now.prev()).await.is_ok();
                note(&notes, |n| {
                    n.windows = n.windows.saturating_add(u64::from(opened));
                    n.failures = n.failures.saturating_add(u64::from(!opened));
                });
            }
            window = Some(now);
        }
    }
}

async fn connect_all(args: &Arc<Args>, market: &Market, notes: &Shared) -> Result<Vec<Arc<Agent>>> {
    let mut agents = Vec::new();
    let mut connecting = JoinSet::new();
    for number in 0..args.agents {
        if connecting.len() >= TOGETHER {
            let done = connecting.join_next().await;
            agents.push(Arc::new(done.context("an agent")???));
        }
        let (args, market, notes) = (Arc::clone(args), market.clone(), Arc::clone(notes));
        connecting.spawn(Agent::connect(args, market, number, notes));
    }
    while let Some(done) = connecting.join_next().await {
        agents.push(Arc::new(done??));
    }
    Ok(agents)
}

/// Requests and values not proven, of all agents since the start.
fn proofs(agents: &[Arc<Agent>]) -> (u64, u64) {
    let counts = agents.iter().map(|a| a.prover.counts());
    counts.fold((0, 0), |(requests, missing), c| {
        (
            requests.saturating_add(c.requests),
            missing.saturating_add(c.missing),
        )
    })
}

async fn measure(args: Arc<Args>, market: Market) -> Result<Measured> {
    let notes = Shared::default();
    let agents = connect_all(&args, &market, &notes).await?;
    eprintln!("{} agents are connected", agents.len());
    let mut following = JoinSet::new();
    for agent in &agents {
        following.spawn(Arc::clone(agent).follow(Arc::clone(&notes)));
    }
    // The pace of the blocks is learned, and the first terms are proven, before it counts.
    let blocks = Duration::from_secs(u64::from(market.window_seconds).min(60));
    tokio::time::sleep(blocks).await;
    let times = || -> Result<(Option<Duration>, Duration)> {
        Ok((args.pid.map(cpu).transpose()?, cpu(std::process::id())?))
    };
    let (before, begun, proven) = (times()?, Instant::now(), proofs(&agents));
    let open = |measuring| {
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.measuring = measuring;
    };
    open(true);
    tokio::time::sleep(Duration::from_secs(args.seconds)).await;
    open(false);
    let (after, seconds) = (times()?, begun.elapsed().as_secs_f64());
    let (requests, missing) = proofs(&agents);
    following.abort_all();
    let notes = std::mem::take(&mut *notes.lock().unwrap_or_else(PoisonError::into_inner));
    ensure!(
        !notes.blocks.is_empty(),
        "no block came within {} s",
        args.seconds
    );
    let of_each = |n: u64| n as f64 / f64::from(args.agents);
    let heard: usize = notes.blocks.values().map(Vec::len).sum();
    let blocks = of_each(heard as u64);
    let methods = notes.answers.iter();
    let methods = methods.map(|(name, answers)| method(name, answers, heard));
    let mut behind: Vec<Duration> = Vec::new();
    for had in notes.blocks.values() {
        let first = had.iter().min().copied();
        behind.extend(
            first
                .iter()
                .flat_map(|f| had.iter().map(|t| t.duration_since(*f))),
        );
    }
    behind.sort_unstable();
    let share = |of: Duration, earlier: Duration| {
        of.saturating_sub(earlier).as_secs_f64() / seconds * 100.0
    };
    Ok(Measured {
        agents: args.agents,
        seconds,
        blocks,
        windows: of_each(notes.windows),
        proof_requests_per_window: requests.saturating_sub(proven.0) as f64
            / (notes.windows.max(1) as f64),
        not_proven: missing.saturating_sub(proven.1),
        failures: notes.failures,
        methods: methods.collect(),
        behind_p50_ms: at(&behind, 50),
        behind_p99_ms: at(&behind, 99),
        node_cpu_percent: after.0.zip(before.0).map(|(a, b)| share(a, b)),
        own_cpu_percent: share(after.1, before.1),
    })
}

/// A percentile of sorted times, milliseconds.
fn at(sorted: &[Duration], percent: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = last.saturating_mul(percent).checked_div(100);
    let found = place.and_then(|place| sorted.get(place));
    found.map_or(0.0, |d| d.as_secs_f64() * 1_000.0)
}

fn method(name: &'static str, answers: &[(Duration, bool)], heard: usize) -> Method {
    let mut times: Vec<Duration> = answers.iter().map(|(took, _)| *took).collect();
    times.sort_unstable();
    Method {
        name,
        requests: times.len(),
        unanswered: answers.iter().filter(|(_, answered)| !answered).count(),
        per_block: times.len() as f64 / heard.max(1) as f64,
        p50_ms: at(&times, 50),
        p95_ms: at(&times, 95),
        p99_ms: at(&times, 99),
        longest_ms: at(&times, 100),
    }
}

fn text(m: &Measured) -> Result<String> {
    let mut text = String::from(
        "| method | requests | a block and agent | p50 ms | p95 ms | p99 ms | longest ms | unanswered |\n|---|---|---|---|---|---|---|---|\n",
    );
    for one in &m.methods {
        writeln!(
            text,
            "| {} | {} | {:.2} | {:.1} | {:.1} | {:.1} | {:.0} | {} |",
            one.name,
            one.requests,
            one.per_block,
            one.p50_ms,
            one.p95_ms,
            one.p99_ms,
            one.longest_ms,
            one.unanswered
        )?;
    }
    writeln!(
        text,
        "\n{} agents, {:.0} s: {:.1} blocks and {:.1} windows each, {:.1} requests for proofs a window, {} values not proven, {} calls made again",
        m.agents, m.seconds, m.blocks, m.windows, m.proof_requests_per_window, m.not_proven, m.failures
    )?;
    let node = m.node_cpu_percent.map_or_else(String::new, |c| {
        format!("; the node took {c:.0} % of a core")
    });
    writeln!(
        text,
        "a block was with the median agent {:.0} ms and with all but a hundredth {:.0} ms after the first{node}, this program {:.0} %",
        m.behind_p50_ms, m.behind_p99_ms, m.own_cpu_percent
    )?;
    Ok(text)
}

/// Prints what was asked and how it was answered.
///
/// # Errors
/// The addresses file cannot be used (exit code 2), the node does not answer or is of another market, or no block comes.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let market = Market::read(&args.market).map_err(Failure::input)?;
    let json = args.json;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("a runtime")?;
    let measured = runtime.block_on(measure(Arc::new(args.clone()), market))?;
    crate::print(&if json {
        format!("{}\n", serde_json::to_string_pretty(&measured)?)
    } else {
        text(&measured)?
    })?;
    Ok(0)
}
