//! Replays a record that differed, without a node: `cargo run -p wattpool-conformance --example replay -- FILE`.

use anyhow::{bail, Context, Result};
use wattpool_conformance::replay::differences;
use wattpool_conformance::Record;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), None) = (arguments.next(), arguments.next()) else {
        bail!("expected the path of one record");
    };
    let text = std::fs::read(&path).with_context(|| format!("reading {path}"))?;
    let record: Record =
        serde_json::from_slice(&text).with_context(|| format!("{path}: record"))?;
    let found = differences(&record);
    for difference in &found {
        println!("{difference}");
    }
    if !found.is_empty() {
        bail!("{} differences", found.len());
    }
    println!("{} transactions, no difference", record.steps.len());
    Ok(())
}
