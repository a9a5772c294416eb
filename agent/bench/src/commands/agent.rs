//! `wattpool-bench agent`: what a running agent takes of its machine.

use crate::Failure;
use anyhow::{Context, Result};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Measures a running agent.
#[derive(clap::Args)]
#[command(after_help = "The process's id: systemctl show --property MainPID wattpool-agent")]
pub struct Args {
    /// Process of the agent (wattpool-agent run).
    #[arg(long, value_name = "PID")]
    pid: u32,
    /// Length of a market window, seconds.
    #[arg(long, value_name = "S", default_value_t = 900, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    window_s: u64,
    /// Windows to watch.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=96))]
    windows: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Serialize)]
struct Footprint {
    /// Size of the binary, bytes.
    binary_bytes: u64,
    /// Resident memory at the end, bytes.
    resident_bytes: u64,
    /// The most it ever was, bytes; opening the keys takes 32 MiB for a moment.
    peak_resident_bytes: u64,
    /// Threads.
    threads: u64,
    /// Open files and sockets.
    files: u64,
    /// Ends of established TCP connections: other meters, and the chain's node.
    connected: u64,
    /// Windows watched.
    windows: u32,
    /// Processor time per window, milliseconds.
    cpu_ms_per_window: f64,
}

/// A field of `/proc/PID/status`.
fn field(pid: u32, name: &str) -> Result<u64> {
    let file = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&file).with_context(|| file.clone())?;
    let line = status.lines().find_map(|l| l.strip_prefix(name));
    let value = line.and_then(|l| l.trim_start_matches(':').split_whitespace().next());
    value
        .and_then(|v| v.parse().ok())
        .with_context(|| format!("{file}: no number {name}"))
}

/// Processor time of all its threads so far.
pub(super) fn cpu(pid: u32) -> Result<Duration> {
    let folder = format!("/proc/{pid}/task");
    let mut nanos = 0u64;
    for task in std::fs::read_dir(&folder).with_context(|| folder.clone())? {
        let file = task?.path().join("schedstat");
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let ran = text
            .split_whitespace()
            .next()
            .and_then(|n| n.parse::<u64>().ok());
        nanos = nanos.saturating_add(ran.with_context(|| format!("{}: no time", file.display()))?);
    }
    Ok(Duration::from_nanos(nanos))
}

/// What its open files are, such as `socket:[12345]`.
fn files(pid: u32) -> Result<Vec<String>> {
    let folder = format!("/proc/{pid}/fd");
    let opened = std::fs::read_dir(&folder).with_context(|| folder.clone())?;
    let named = opened.filter_map(|file| {
        // One that was closed meanwhile is none.
        let link = std::fs::read_link(file.ok()?.path()).ok()?;
        Some(link.to_string_lossy().into_owned())
    });
    Ok(named.collect())
}

/// With how many other ends a process with these files has established TCP connections.
fn connected(pid: u32, files: &[String]) -> u64 {
    let mut ends = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let file = format!("/proc/{pid}/net/{table}");
        // A system without IPv6 has no second table.
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        for line in text.lines().skip(1) {
            let mut fields = line.split_whitespace();
            // Its columns: number, local and remote end, state, five others, inode.
            let end = fields.nth(2).unwrap_or_default();
            let established = fields.next() == Some("01");
            let inode = fields.nth(5).unwrap_or_default();
            if established && files.contains(&format!("socket:[{inode}]")) {
                ends.insert(end.to_owned());
            }
        }
    }
    count(ends.len())
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Watches the process and prints its footprint.
///
/// # Errors
/// There is no such process, or it ends meanwhile.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let begun = (Instant::now(), cpu(args.pid)?);
    std::thread::sleep(Duration::from_secs(
        args.window_s.saturating_mul(u64::from(args.windows)),
    ));
    let used = cpu(args.pid)?.saturating_sub(begun.1);
    let passed = begun.0.elapsed().as_secs_f64();
    let windows = passed / Duration::from_secs(args.window_s).as_secs_f64();
    let kib = |name| field(args.pid, name).map(|kib| kib.saturating_mul(1024));
    let files = files(args.pid)?;
    let binary = std::fs::metadata(format!("/proc/{}/exe", args.pid)).context("its binary")?;
    let footprint = Footprint {
        binary_bytes: binary.len(),
        resident_bytes: kib("VmRSS")?,
        peak_resident_bytes: kib("VmHWM")?,
        threads: field(args.pid, "Threads")?,
        files: count(files.len()),
        connected: connected(args.pid, &files),
        windows: args.windows,
        cpu_ms_per_window: used.as_secs_f64() * 1_000.0 / windows,
    };
    crate::print(&if args.json {
        format!("{}\n", serde_json::to_string_pretty(&footprint)?)
    } else {
        text(&footprint)?
    })?;
    Ok(0)
}

fn text(f: &Footprint) -> Result<String> {
    let mut text = String::new();
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / 1_048_576.0);
    writeln!(text, "binary      {}", mib(f.binary_bytes))?;
    writeln!(text, "resident    {}", mib(f.resident_bytes))?;
    writeln!(
        text,
        "peak        {} (opening the keys takes 32 MiB for a moment)",
        mib(f.peak_resident_bytes)
    )?;
    writeln!(text, "threads     {}", f.threads)?;
    writeln!(text, "files       {}", f.files)?;
    writeln!(
        text,
        "connected   {}: other meters, and the chain's node",
        f.connected
    )?;
    writeln!(
        text,
        "processor   {:.0} ms per window, over {}",
        f.cpu_ms_per_window, f.windows
    )?;
    Ok(text)
}
