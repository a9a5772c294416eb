//! A market on a wasmd of its own that has closed so many trades: `traded-market FOLDER TRADES`. Writes its addresses to FOLDER/market.json, tells
//! where it answers in a line of JSON, and ends with its input. Needs wasmd (`testnet/build`) and the contracts (`scripts/build-contracts`).

use anyhow::{bail, Context, Result};
use std::io::Read;
use std::path::Path;
use wattpool_conformance::traded::Traded;
use wattpool_testnet::built;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(trades), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        bail!("expected FOLDER TRADES");
    };
    let trades = trades.parse().context("TRADES: expected a number")?;
    let told = |closed| eprintln!("{closed} of {trades} trades");
    let traded = Traded::make(trades, &built::contracts(), told)?;
    traded
        .market
        .write(&Path::new(&folder).join("market.json"))?;
    let answer = serde_json::json!({
        "rpc": traded.rpc_addresses(),
        "trades": traded.trades,
        "windows": traded.windows,
        "seconds": traded.seconds,
    });
    println!("{answer}");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
