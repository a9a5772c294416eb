//! One generated day on one thread with trusted signatures: for profilers and for comparing two builds.
//!
//!     cargo run --release -p wattpool-simulator --example speed -- 1000

use std::sync::atomic::AtomicBool;
use wattpool_scenario::{neighbourhood, GenerateOptions};
use wattpool_simulator::{run, RunOptions, Signatures};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let number = |n: usize, default: u32| match std::env::args().nth(n) {
        Some(text) => text.parse::<u32>(),
        None => Ok(default),
    };
    let (homes, days) = (number(1, 1_000)?, number(2, 1)?);
    let n = neighbourhood(&GenerateOptions {
        homes,
        days,
        ..GenerateOptions::default()
    })?;
    let options = RunOptions {
        seed: 1,
        threads: 1,
        signatures: Signatures::Trusted,
        record: false,
    };
    let o = run(&n, &options, &AtomicBool::new(false), &mut |_| {})?;
    let t = o.timings;
    println!(
        "{homes} meters, {} windows, {:.3} s: ledger {:.3}, network {:.3}, choice {:.3}, agent {:.3}, rest {:.3}",
        n.windows, o.elapsed_s, t.ledger_s, t.network_s, t.choice_s, t.agent_s, t.rest_s
    );
    println!(
        "{} trades, {} transactions, {} refused, {} messages, {} look-ups, {} violations, state {}",
        o.trades.len(),
        o.transactions,
        o.refused_transactions,
        o.messages,
        o.lookups,
        o.invariant_violations.len(),
        o.state_hash
    );
    Ok(())
}
