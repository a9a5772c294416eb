//! Networks of real nodes. They run wasmd as `testnet/build` leaves it, or as `WATTPOOL_WASMD` names it.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod command;
mod four;
mod one;
mod refusals;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use wattpool_testnet::Options;

/// Blocks as fast as a busy machine makes them.
fn fast() -> Options {
    Options {
        block_ms: 100,
        ..Options::default()
    }
}

/// Numbers of the processes in whose line the folder stands: nodes and their guards.
fn processes(home: &Path) -> Vec<i32> {
    let mark = home.to_str().unwrap();
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        let line = fs::read(process.path().join("cmdline")).ok()?;
        // The command under test names its folder too.
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        (line.contains(mark) && !line.contains("wattpool-testnet ")).then_some(pid)
    })
    .collect()
}

/// Waits until it holds; fails after two minutes.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "{what}: not within two minutes"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}
