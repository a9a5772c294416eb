//! `wattpool-bench mesh`: what discovery finds and costs, among hostile nodes and with nodes coming and going.

use crate::Failure;
use anyhow::{ensure, Context};
use serde::{Deserialize, Serialize};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use wattpool_discovery_libp2p::{Limits, Mesh};
use wattpool_program::memory::{anonymous_bytes, resident_bytes};
use wattpool_schema::Seconds;
use wattpool_testbed::{self as testbed, Member, Outcome, Percentiles, Register, Scenario};

/// Most links of the node whose memory is measured.
const MOST_LINKS: u32 = 200;
/// How long the links of the footprint may take to come up.
const LINKING: Duration = Duration::from_secs(60);

/// Measures real nodes in one process, over TCP on 127.0.0.1.
#[derive(clap::Args)]
pub struct Args {
    /// Nodes that are up at once.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(4..=1_000))]
    nodes: u32,
    /// Hostile ones in the hostile courses, percent.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=80))]
    hostile: u32,
    /// Honest nodes that leave and join before each window in the restless courses, percent.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=80))]
    churn: u32,
    /// Windows per course.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    windows: u32,
    /// Meters that look for all offers in each window.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    seekers: u32,
    /// Deadline of a look-up, milliseconds.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    within: u64,
    /// Links of the node whose memory is measured.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=200))]
    links: u32,
    /// Print JSON lines instead of tables.
    #[arg(long)]
    json: bool,
    /// Be the node whose memory is measured, linked to these (used by the command itself).
    #[arg(long, hide = true, value_delimiter = ',')]
    linked_to: Vec<String>,
}

/// A course and what it came to.
#[derive(Serialize)]
struct Row {
    nodes: u32,
    hostile_percent: u32,
    churn_percent: u32,
    windows: u32,
    locations: u64,
    offers: u64,
    found_permille: u64,
    forged: u64,
    get_ms: Three,
    get_requests: Three,
    put_ms: Three,
    put_requests: Three,
    put_stored: Three,
    dropped: u64,
    refused: u64,
    limited: u64,
    bans: u64,
    bans_of_honest: u64,
}

/// Median, 95th percentile and largest.
#[derive(Serialize)]
struct Three {
    p50: u64,
    p95: u64,
    max: u64,
}

impl From<Percentiles> for Three {
    fn from(s: Percentiles) -> Self {
        let Percentiles { p50, p95, max } = s;
        Self { p50, p95, max }
    }
}

/// Memory of a node.
#[derive(Serialize, Deserialize)]
struct Footprint {
    links: u64,
    /// Resident before the node was started, KiB.
    before_kib: u64,
    /// Resident with all links, KiB.
    linked_kib: u64,
    /// Of the memory before, data and no code, KiB.
    before_data_kib: u64,
    /// Of the memory with all links, data and no code, KiB.
    linked_data_kib: u64,
}

/// Runs four courses - calm, restless, hostile, both - and measures a node's memory.
///
/// # Errors
/// Nodes cannot be started or do not come to know each other.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let runtime = |mut builder: Builder| builder.enable_all().build().context("the runtime");
    if !args.linked_to.is_empty() {
        // One thread, as on a meter: every further one has memory of its own.
        let runtime = runtime(Builder::new_current_thread())?;
        let footprint = runtime.block_on(linked(args))?;
        crate::print(&format!("{}\n", serde_json::to_string(&footprint)?))?;
        return Ok(0);
    }
    let runtime = runtime(Builder::new_multi_thread())?;
    if !args.json {
        crate::print(
            "| nodes | hostile | churn | offers found | forged | look-up ms p50 / p95 | requests per get p50 / p95 | announcement ms p50 / p95 | requests per put p50 / p95 | stored by p50 |\n\
             |---|---|---|---|---|---|---|---|---|---|\n",
        )?;
    }
    for (hostile, churn) in [
        (0, 0),
        (0, args.churn),
        (args.hostile, 0),
        (args.hostile, args.churn),
    ] {
        let course = Scenario {
            nodes: args.nodes,
            hostile_percent: hostile,
            churn_percent: churn,
            windows: args.windows,
            seekers: args.seekers,
            within_ms: args.within,
            seed: 1,
        };
        let outcome = runtime
            .block_on(testbed::run(course, &mut |line| eprintln!("{line}")))
            .map_err(anyhow::Error::msg)?;
        crate::print(&line(&row(&course, &outcome), args.json)?)?;
    }
    let footprint = footprint(args, &runtime)?;
    crate::print(&if args.json {
        format!("{}\n", serde_json::to_string(&footprint)?)
    } else {
        format!(
            "\nA node with {} links: {:.1} MiB resident in this program, {:.1} MiB before it was started; of that {:.1} and {:.1} MiB are data, the rest is code.\n",
            footprint.links,
            mib(footprint.linked_kib),
            mib(footprint.before_kib),
            mib(footprint.linked_data_kib),
            mib(footprint.before_data_kib),
        )
    })?;
    Ok(0)
}

fn row(course: &Scenario, outcome: &Outcome) -> Row {
    let figures = outcome.figures;
    Row {
        nodes: course.nodes,
        hostile_percent: course.hostile_percent,
        churn_percent: course.churn_percent,
        windows: course.windows,
        locations: outcome.locations,
        offers: outcome.windows.iter().map(|w| w.offers).sum(),
        found_permille: outcome.found_permille(),
        forged: outcome.forged(),
        get_ms: outcome.get_ms.into(),
        get_requests: outcome.get_requests.into(),
        put_ms: outcome.put_ms.into(),
        put_requests: outcome.put_requests.into(),
        put_stored: outcome.put_stored.into(),
        dropped: figures.dropped,
        refused: figures.refused,
        limited: figures.limited,
        bans: figures.bans,
        bans_of_honest: outcome.wrongly_banned,
    }
}

fn line(row: &Row, json: bool) -> anyhow::Result<String> {
    if json {
        return Ok(format!("{}\n", serde_json::to_string(row)?));
    }
    let two = |t: &Three| format!("{} / {}", t.p50, t.p95);
    Ok(format!(
        "| {} | {} % | {} % | {}.{} % | {} | {} | {} | {} | {} | {} |\n",
        row.nodes,
        row.hostile_percent,
        row.churn_percent,
        row.found_permille / 10,
        row.found_permille % 10,
        row.forged,
        two(&row.get_ms),
        two(&row.get_requests),
        two(&row.put_ms),
        two(&row.put_requests),
        row.put_stored.p50,
    ))
}

/// Memory is a process's own: the node gets one, the others stay in this one.
fn footprint(args: &Args, runtime: &Runtime) -> anyhow::Result<Footprint> {
    let mut nodes = Vec::new();
    let mut addresses = Vec::new();
    for number in 1..=args.links {
        let (node, address) = runtime.block_on(start(number, Vec::new(), testbed::limits()))?;
        nodes.push(node);
        addresses.push(address);
    }
    let program = std::env::current_exe().context("the program's own path")?;
    let output = Command::new(program)
        .args(["bench", "mesh", "--linked-to", &addresses.join(",")])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "the linked node: {}",
        output.status
    );
    drop(nodes);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Starts a node and waits until it listens.
async fn start(
    number: u32,
    bootstrap: Vec<String>,
    limits: Limits,
) -> anyhow::Result<(Mesh, String)> {
    // As many as there may be links: everybody knows everybody's meter.
    let members: Vec<_> = (0..=MOST_LINKS)
        .map(Member::new)
        .collect::<Result<_, _>>()
        .map_err(anyhow::Error::msg)?;
    let register = Register::new(&members, Seconds(1_000_000));
    let member = Member::new(number).map_err(anyhow::Error::msg)?;
    let config = member.config(bootstrap, limits);
    let node = Mesh::start(&config, Arc::clone(&register) as _, register.clock())?;
    let started = Instant::now();
    loop {
        if let Some(address) = node.addresses().await.into_iter().next() {
            return Ok((node, address));
        }
        ensure!(started.elapsed() < LINKING, "a node does not listen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A node with all these links, and its memory.
async fn linked(args: &Args) -> anyhow::Result<Footprint> {
    let status = "/proc/self/status";
    let before = resident_bytes().context(status)?;
    let before_data = anonymous_bytes().context(status)?;
    let (node, _) = start(0, args.linked_to.clone(), Limits::default()).await?;
    let wanted = u64::try_from(args.linked_to.len())?;
    let started = Instant::now();
    while node.figures().linked < wanted || node.figures().known < wanted {
        ensure!(
            started.elapsed() < LINKING,
            "{} of {wanted} links",
            node.figures().linked
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(Footprint {
        links: node.figures().linked,
        before_kib: before >> 10,
        linked_kib: resident_bytes().context(status)? >> 10,
        before_data_kib: before_data >> 10,
        linked_data_kib: anonymous_bytes().context(status)? >> 10,
    })
}

/// KiB as MiB, for people.
fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1_024.0
}
