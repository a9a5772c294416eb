//! Writes the report of a made-up neighbourhood in which neighbours are matched greedily, to see what
//! the page looks like: `cargo run -p wattpool-report --example sample_report -- <directory> [days] [homes]`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(
        arguments
            .next()
            .ok_or("expected: <directory> [days] [homes]")?,
    );
    let days = arguments.next().map_or(Ok(7), |days| days.parse())?;
    let homes = arguments.next().map_or(Ok(17), |homes| homes.parse())?;
    let (neighbourhood, outcome) = common::sample(days, homes);
    let measures = wattpool_report::measure(&neighbourhood, &outcome)?;
    wattpool_report::write_all(&out, &neighbourhood, &outcome, &measures)?;
    print!("{}", wattpool_report::human(&measures.summary));
    Ok(())
}
