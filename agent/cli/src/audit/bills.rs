//! `wattpool audit bills`.

use super::bill::{openings_at, read_openings, window};
use super::source::{read, Expected};
use super::{counted, Range};
use crate::chain::Session;
use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wattpool_audit::bill::{Bill, Ledgers};
use wattpool_audit::opening::Openings;
use wattpool_audit::period::End;
use wattpool_audit::Finding;
use wattpool_schema::{MeterId, Window};

/// Rebuilds the bills of all meters whose readings are opened.
#[derive(clap::Args)]
pub struct Args {
    /// An export, or the folder of a simulation that ran with --record; without it, the chain of --node and --market.
    source: Option<PathBuf>,
    /// Readings as `wattpool-agent meter open` writes them: a file with a meter a line, or a folder of such files; without it, those of the simulation's
    /// folder.
    #[arg(long, value_name = "FILE|FOLDER")]
    openings: Option<PathBuf>,
    /// From this time on: a day (2026-05-04), a time (2026-05-04T22:00:00Z) or a window's number; without it, the first window of each whose beginning is
    /// known.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Up to this time: a day (that one is in it), a time (it is not) or a window's number (it is); without it, the last opened window of each.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    expected: Expected,
    #[command(flatten)]
    range: Range,
}

/// All that is opened, by meter.
fn openings(at: &Path) -> Result<BTreeMap<MeterId, Openings>, Failure> {
    let mut files = vec![at.to_owned()];
    if at.is_dir() {
        let entries = std::fs::read_dir(at).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.with_context(|| at.display().to_string());
        let entries = entries.map_err(Failure::input)?;
        files = entries.into_iter().map(|e| e.path()).collect();
        files.retain(|file| file.is_file());
        files.sort();
    }
    let mut all = BTreeMap::new();
    for file in files {
        for one in read_openings(&file, Openings::parse_all)? {
            let meter = one.meter;
            if all.insert(meter, one).is_some() {
                return Err(Failure::input(anyhow!(
                    "{}: expected each meter in one file, found {meter} in another, too",
                    file.display()
                )));
            }
        }
    }
    if all.is_empty() {
        return Err(Failure::input(anyhow!(
            "{}: no file in this folder",
            at.display()
        )));
    }
    Ok(all)
}

/// A meter's bill and what contradicts it.
struct Made {
    bill: Bill,
    found: Vec<Finding>,
}

/// Rebuilds and prints; exit code 3 if something contradicts a bill, or the source breaks a rule.
///
/// # Errors
/// Source, openings or times are none (exit code 2), or no node answers.
pub fn run(session: &Session, args: &Args) -> Result<u8, Failure> {
    let path = args.source.as_deref();
    let opened = openings(&openings_at(args.openings.as_deref(), path)?)?;
    let mut ledgers = Ledgers::new(opened.keys().copied());
    let source = read(session, path, args.range, &args.expected, |line, row| {
        ledgers.take(line, row);
    })?;
    let (seconds, whole) = (source.header.window_seconds, source.header.whole);
    let at = |option, text: &Option<String>, end| {
        let window = text.as_deref().map(|t| window(option, t, seconds, end));
        window.transpose()
    };
    let since = at("--since", &args.since, End::First)?;
    let until = at("--until", &args.until, End::Last)?;
    if let Some((from, to)) = since.zip(until).filter(|(from, to)| from > to) {
        return Err(Failure::input(anyhow!(
            "--since and --until: window {from} is after window {to}"
        )));
    }
    let mut made = Vec::new();
    let mut without: Vec<MeterId> = Vec::new();
    for (meter, openings) in &opened {
        let Some(ledger) = ledgers.of(*meter) else {
            continue;
        };
        let from = since.unwrap_or_else(|| ledger.first_billed(openings, whole));
        let last = openings.openings.last().map(|o| o.window);
        let to = until.or(last).unwrap_or_default();
        if from > to {
            // Nothing of it is opened from --since on.
            without.push(*meter);
            continue;
        }
        let (mut bill, found) = ledger.bill(openings, from, to, whole);
        bill.items.clear();
        made.push(Made { bill, found });
    }
    if made.is_empty() {
        return Err(Failure::input(anyhow!(
            "--since: nothing is opened from that time on"
        )));
    }
    let broken = source.report.findings.total();
    let contradicted: usize = made.iter().map(|m| m.found.len()).sum();
    let contradicted = u64::try_from(contradicted).unwrap_or(u64::MAX);
    // A bill that was asked for and cannot be made is no bill that is right.
    let missing = u64::try_from(without.len()).unwrap_or(u64::MAX);
    let total = contradicted.saturating_add(broken).saturating_add(missing);
    let value = json!({
        "bills": made.iter().map(value).collect::<Vec<_>>(), "nothing_opened": without,
        "denom": source.header.denom, "signed_by": source.signed_by(),
        "signature": source.word.as_ref().map(|w| w.text.as_str()),
        "violations": total, "violations_of_the_source": broken,
    });
    session.answer(&value, || {
        let denom = &source.header.denom;
        let mut out = table(&made, seconds, denom);
        for meter in &without {
            out.push_str(&format!(
                "VIOLATION {meter}: nothing is opened from --since on\n"
            ));
        }
        out.push_str(&source.signature());
        for (meter, finding) in made
            .iter()
            .flat_map(|m| m.found.iter().map(|f| (m.bill.meter, f)))
            .take(20)
        {
            out.push_str(&format!("VIOLATION {meter}: {finding}\n"));
        }
        if let Some(more) = contradicted.checked_sub(20).filter(|more| *more > 0) {
            out.push_str(&format!(
                "and {more} more of these bills (--json lists them)\n"
            ));
        }
        if broken > 0 {
            let of = counted(broken, "violation", "violations");
            out.push_str(&format!(
                "VIOLATION {of} of the source itself: see wattpool audit verify\n"
            ));
        }
        if total == 0 {
            out.push_str("every opened window agrees with the chain\n");
        }
        out
    })?;
    Ok(if total == 0 { 0 } else { 3 })
}

fn value(made: &Made) -> Value {
    let mut value = json!(made.bill);
    if let Some(bill) = value.as_object_mut() {
        bill.remove("items");
        bill.insert("violations".to_owned(), json!(made.found.len()));
        bill.insert("findings".to_owned(), json!(made.found));
    }
    value
}

/// For people: a line a meter, and sums.
fn table(made: &[Made], seconds: u32, denom: &str) -> String {
    let heads = [
        "bought",
        "grid",
        "sold",
        "fed in",
        "spent",
        "earned",
        "grid cost",
        "feed-in",
        "due",
    ];
    let mut rows: Vec<(String, [i128; 9])> = made
        .iter()
        .map(|Made { bill, .. }| {
            let t = &bill.total;
            let energy = [t.bought_wh, t.grid_import_wh, t.sold_wh, t.feed_in_wh].map(i128::from);
            let money =
                [t.spent, t.earned, t.grid_cost, t.feed_in_credit, bill.due].map(i128::from);
            let mut cells = energy.into_iter().chain(money);
            (
                bill.meter.to_string(),
                std::array::from_fn(|_| cells.next().unwrap_or_default()),
            )
        })
        .collect();
    let sums = rows.iter().fold([0_i128; 9], |sums, (_, cells)| {
        std::array::from_fn(|at| {
            let of = |row: &[i128; 9]| row.get(at).copied().unwrap_or_default();
            of(&sums).saturating_add(of(cells))
        })
    });
    rows.push(("all".to_owned(), sums));
    let mut out = String::new();
    if let Some(first) = made.iter().map(|m| m.bill.from).min() {
        let last = made.iter().map(|m| m.bill.to).max().unwrap_or(first);
        let time = |w: Window| crate::chain::time(w.start(seconds).0);
        out.push_str(&format!(
            "{} to {}; energy in Wh, money in micro-units of the market's currency ({denom}); due = grid cost - feed-in + spent - earned\n",
            time(Window(first)),
            time(Window(last).next()),
        ));
    }
    out.push_str(&format!("{:<32}", "meter"));
    heads
        .iter()
        .for_each(|head| out.push_str(&format!(" {head:>13}")));
    out.push_str("  opened\n");
    for (at, (name, cells)) in rows.iter().enumerate() {
        out.push_str(&format!("{name:<32}"));
        cells
            .iter()
            .for_each(|cell| out.push_str(&format!(" {cell:>13}")));
        let opened = made.get(at).map_or_else(String::new, |m| {
            let c = &m.bill.coverage;
            let wrong = if m.found.is_empty() { "" } else { ", WRONG" };
            format!("  {} of {} stated{wrong}", c.opened, c.stated)
        });
        out.push_str(&opened);
        out.push('\n');
    }
    out
}
