//! `wattpool audit verify`.

use super::source::{read, Expected, Source};
use super::{counted, Range};
use crate::chain::Session;
use crate::Failure;
use serde_json::json;
use std::path::PathBuf;
use wattpool_audit::{Finding, Rule};

/// Checks.
#[derive(clap::Args)]
pub struct Args {
    /// An export, or the folder of a simulation that ran with --record; without it, the chain of --node and --market.
    source: Option<PathBuf>,
    #[command(flatten)]
    expected: Expected,
    #[command(flatten)]
    range: Range,
    /// Print at most so many violations.
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: usize,
}

/// Checks and prints; exit code 3 if a rule is broken.
///
/// # Errors
/// The source is no export (exit code 2), or no node answers.
pub fn run(session: &Session, args: &Args) -> Result<u8, Failure> {
    let path = args.source.as_deref();
    let source = read(session, path, args.range, &args.expected, |_, _| {})?;
    let report = &source.report;
    let header = &source.header;
    let value = json!({
        "of": {
            "chain_id": header.chain_id,
            "token": header.token,
            "pool": header.pool,
            "escrow": header.escrow,
            "from_height": header.from_height,
            "whole": header.whole,
        },
        "totals": report.totals,
        "violations": report.findings.total(),
        "signed_by": source.signed_by(),
        "signature": source.word.as_ref().map(|w| w.text.as_str()),
        "findings": report.findings.list,
    });
    session.answer(&value, || text(&source, args.show))?;
    Ok(if report.findings.total() == 0 { 0 } else { 3 })
}

/// For people.
fn text(source: &Source, show: usize) -> String {
    let report = &source.report;
    let t = &report.totals;
    let mut out = format!(
        "blocks {} to {}: {}, {} of the contracts' state\n\
         energy {} Wh minted = {} arrived + {} lost + {} not sold, in {}; {} Wh stated late\n\
         money  {} paid to sellers, {} network charges, {} for feed-in (micro-units)\n\
         trades {}\n",
        t.first_height,
        t.last_height,
        counted(t.events, "event", "events"),
        counted(t.states, "entry", "entries"),
        t.minted,
        t.redeemed,
        t.lost,
        t.expired,
        counted(t.windows, "window", "windows"),
        t.late,
        t.paid,
        t.charges,
        t.feed_in,
        t.trades
    );
    out.push_str(&source.signature());
    // A line that was changed comes before what follows from it.
    let is_cause = |f: &&Finding| matches!(f.rule, Rule::Form | Rule::HashChain | Rule::Signature);
    let list = &report.findings.list;
    let causes: Vec<&Finding> = list.iter().filter(is_cause).collect();
    let others = list.iter().filter(|f| !is_cause(f));
    let follows = if causes.is_empty() {
        "VIOLATION"
    } else {
        "  with it"
    };
    let lines = causes.iter().map(|f| format!("VIOLATION {f}\n"));
    let lines = lines.chain(others.map(|f| format!("{follows} {f}\n")));
    out.extend(lines.take(show));
    let total = report.findings.total();
    let shown = u64::try_from(show.min(list.len())).unwrap_or(u64::MAX);
    if total > shown {
        let more = counted(
            total.saturating_sub(shown),
            "more violation",
            "more violations",
        );
        out.push_str(&format!("and {more} (--show N)\n"));
    }
    if total == 0 {
        out.push_str("every rule holds\n");
    }
    out
}
