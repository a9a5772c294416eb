//! `wattpool audit`: proof for those who trust nobody.

mod bill;
mod bills;
pub mod chain;
mod diff;
mod export;
mod market;
mod source;
mod table;
pub mod trade;
mod verify;
mod watch;

use crate::chain::{Options, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Checks a market from what its contracts said; its exports; its bills.
#[derive(clap::Args)]
pub struct Audit {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Check every rule of the market that events and state can show, on a chain, an export or a simulation's folder; exit code 3 on a violation.
    Verify(verify::Args),
    /// Write what the market's contracts said into a file: JSON lines with a chain of hashes, signed with the key of --from; or CSV, or text.
    Export(export::Args),
    /// Rebuild a meter's bill: what it traded from the chain, what was the grid's from readings that its owner opens; exit code 3 where they contradict each
    /// other or the chain breaks a rule.
    Bill(bill::Args),
    /// Rebuild the bills of all meters whose owners opened their readings, a line each; exit code 3 where one is contradicted or the source breaks a rule.
    Bills(bills::Args),
    /// Prove one closed trade: its stored record against a header that the validators signed, from a block that you trust on; exit code 3 if it is not proven. It takes a
    /// chain: a simulation and an export prove no trade.
    Trade(trade::Args),
    /// Follow a chain and check every block; ends with exit code 3 at the first violation.
    Watch(watch::Args),
    /// Compare two exports, chains or simulations, or one with an agent's journal, event by event; exit code 3 where they differ.
    Diff(diff::Args),
    /// List trades: when, which window, between whom, how much arrived, price, what was paid and charged; exit code 3 if the source breaks a rule.
    Trades(market::TradesArgs),
    /// Show who sells how much of the energy, how concentrated that is, prices and what was left unsold, by day; exit code 3 if the source breaks a rule.
    Market(market::MarketArgs),
}

/// Which blocks of a chain.
#[derive(clap::Args, Clone, Copy)]
pub struct Range {
    /// First block; without it, the one that the market was made in. From a later one, what was before is not known, and less can be checked.
    #[arg(long, value_name = "HEIGHT")]
    pub from_height: Option<u64>,
    /// Last block; without it, the newest.
    #[arg(long, value_name = "HEIGHT")]
    pub to_height: Option<u64>,
}

impl Range {
    /// Refuses a range where there is no chain.
    ///
    /// # Errors
    /// One is given (exit code 2).
    fn none_for_a_file(&self) -> Result<(), Failure> {
        if self.from_height.is_none() && self.to_height.is_none() {
            return Ok(());
        }
        Err(Failure::input(anyhow!(
            "--from-height and --to-height: only for a chain; an export is read whole"
        )))
    }
}

/// A number with its noun.
fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Runs one of them.
///
/// # Errors
/// The input is wrong (exit code 2), or no node answers.
pub fn run(audit: &Audit) -> Result<u8, Failure> {
    let session = &Session::new(&audit.options)?;
    match &audit.command {
        Command::Verify(args) => verify::run(session, args),
        Command::Export(args) => export::run(session, args),
        Command::Bill(args) => bill::run(session, args),
        Command::Bills(args) => bills::run(session, args),
        Command::Trade(args) => trade::run(session, args),
        Command::Watch(args) => watch::run(session, args),
        Command::Diff(args) => diff::run(session, args),
        Command::Trades(args) => market::trades(session, args),
        Command::Market(args) => market::market(session, args),
    }
}

/// The export that a path stands for: itself, or that of a finished simulation's folder.
///
/// # Errors
/// There is none (exit code 2).
pub fn export_file(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let file = path.join(wattpool_report::write::CHAIN);
    if file.is_file() {
        return Ok(file);
    }
    Err(Failure::input(anyhow!(
        "{}: no {} in this folder; expected that of a simulation that ran with --record",
        path.display(),
        wattpool_report::write::CHAIN
    )))
}

/// Opens a file; errors name it.
pub fn open(file: &Path) -> Result<BufReader<File>, Failure> {
    let opened = File::open(file).with_context(|| file.display().to_string());
    opened.map(BufReader::new).map_err(Failure::input)
}
