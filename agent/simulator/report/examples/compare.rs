//! Writes the page that puts runs side by side: `cargo run -p wattpool-report --example compare -- <page> <run> <run> …`.

use std::path::PathBuf;
use wattpool_report::compare::{page, read_runs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let file = arguments.next().ok_or("expected: <page> <run> <run> …")?;
    let runs: Vec<PathBuf> = arguments.collect();
    std::fs::write(file, page(&read_runs(&runs)?)?)?;
    Ok(())
}
