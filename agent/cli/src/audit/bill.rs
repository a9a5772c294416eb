//! `wattpool audit bill`.

use super::source::{read, Expected};
use super::{counted, Range};
use crate::chain::Session;
use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};
use wattpool_audit::bill::{Bill, Ledger};
use wattpool_audit::export::Header;
use wattpool_audit::opening::Openings;
use wattpool_audit::period::{self, End};
use wattpool_audit::Findings;
use wattpool_schema::{MeterId, Window};

/// An openings file of a meter's life is far smaller.
const MOST_BYTES: u64 = 256 << 20;

/// Rebuilds a bill.
#[derive(clap::Args)]
pub struct Args {
    /// An export, or the folder of a simulation that ran with --record; without it, the chain of --node and --market.
    source: Option<PathBuf>,
    /// The meter's pseudonym, 32 hex digits.
    #[arg(long, value_name = "ID")]
    meter: MeterId,
    /// Its readings, as `wattpool-agent meter open` writes them; without it, those of the simulation's folder.
    #[arg(long, value_name = "FILE")]
    openings: Option<PathBuf>,
    /// From this time on: a day (2026-05-04), a time (2026-05-04T22:00:00Z) or a window's number; without it, the first window whose beginning is known.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Up to this time: a day (that one is in it), a time (it is not) or a window's number (it is); without it, the last opened window.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Print every window, too.
    #[arg(long)]
    windows: bool,
    #[command(flatten)]
    expected: Expected,
    #[command(flatten)]
    range: Range,
}

/// A window that an option names.
///
/// # Errors
/// It is none (exit code 2).
pub fn window(option: &str, text: &str, seconds: u32, end: End) -> Result<Window, Failure> {
    period::window(text, seconds, end).map_err(|why| Failure::input(anyhow!("{option}: {why}")))
}

/// Where openings are: what is named, or what lies in a simulation's folder.
///
/// # Errors
/// Nothing is named, and the source has none (exit code 2).
pub fn openings_at(named: Option<&Path>, source: Option<&Path>) -> Result<PathBuf, Failure> {
    match (named, source) {
        (Some(named), _) => Ok(named.to_owned()),
        (None, Some(folder)) if folder.is_dir() => {
            Ok(folder.join(wattpool_report::write::OPENINGS))
        }
        _ => Err(Failure::input(anyhow!(
            "--openings: expected the file that the meter's owner writes with wattpool-agent meter open"
        ))),
    }
}

/// A file of openings as `parse` reads it.
///
/// # Errors
/// It cannot be read, or has none (exit code 2).
pub fn read_openings<T>(
    file: &Path,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    let named = || file.display().to_string();
    let mut text = String::new();
    let opened = std::fs::File::open(file).with_context(named);
    let mut limited = opened.map_err(Failure::input)?.take(MOST_BYTES);
    let read = limited.read_to_string(&mut text).with_context(named);
    read.map_err(Failure::input)?;
    parse(&text).map_err(|why| Failure::input(anyhow!("{}: {why}", file.display())))
}

/// Rebuilds and prints; exit code 3 if something contradicts the bill, or the source breaks a rule.
///
/// # Errors
/// Source, openings or times are none (exit code 2), or no node answers.
pub fn run(session: &Session, args: &Args) -> Result<u8, Failure> {
    let file = openings_at(args.openings.as_deref(), args.source.as_deref())?;
    let opened = read_openings(&file, |text| Openings::parse(text, args.meter))?;
    let mut ledger = Ledger::new(args.meter);
    let path = args.source.as_deref();
    let source = read(session, path, args.range, &args.expected, |line, row| {
        ledger.take(line, row);
    })?;
    let (seconds, whole) = (source.header.window_seconds, source.header.whole);
    let from = match &args.since {
        Some(text) => window("--since", text, seconds, End::First)?,
        None => ledger.first_billed(&opened, whole),
    };
    let to = match &args.until {
        Some(text) => window("--until", text, seconds, End::Last)?,
        None => opened.openings.last().map(|o| o.window).unwrap_or_default(),
    };
    if from > to {
        return Err(Failure::input(anyhow!(
            "--since and --until: window {from} is after window {to}"
        )));
    }
    let (mut bill, found) = ledger.bill(&opened, from, to, whole);
    let mut findings = Findings::default();
    found.into_iter().for_each(|f| findings.push(f));
    let broken = source.report.findings.total();
    let total = findings.total().saturating_add(broken);
    let items = std::mem::take(&mut bill.items);
    let mut value = json!({
        "bill": bill, "denom": source.header.denom, "signed_by": source.signed_by(),
        "signature": source.word.as_ref().map(|w| w.text.as_str()),
        "violations": total, "findings": findings.list, "violations_of_the_source": broken,
    });
    if args.windows {
        if let Some(bill) = value.get_mut("bill").and_then(|b| b.as_object_mut()) {
            bill.insert("items".to_owned(), json!(items));
        }
    } else if let Some(bill) = value.get_mut("bill").and_then(|b| b.as_object_mut()) {
        bill.remove("items");
    }
    session.answer(&value, || {
        let mut out = text(&bill, &source.header);
        if args.windows {
            for i in &items {
                out.push_str(&format!(
                    "  {} bought {} Wh, sold {} Wh, grid {} Wh in, {} Wh out; spent {}, earned {}, grid {}, feed-in {}\n",
                    i.window, i.bought_wh, i.sold_wh, i.grid_import_wh, i.feed_in_wh, i.spent, i.earned, i.grid_cost, i.feed_in_credit
                ));
            }
        }
        out.push_str(&source.signature());
        for finding in findings.list.iter().take(20) {
            out.push_str(&format!("VIOLATION {finding}\n"));
        }
        if findings.total() > 20 {
            let more = findings.total().saturating_sub(20);
            out.push_str(&format!("and {more} more of this bill (--json lists them)\n"));
        }
        if broken > 0 {
            let of = counted(broken, "violation", "violations");
            out.push_str(&format!("VIOLATION {of} of the source itself: see wattpool audit verify\n"));
        }
        if total == 0 && bill.coverage.complete() {
            out.push_str("every window is opened, and agrees with the chain\n");
        } else if total == 0 {
            out.push_str("every window that was stated is opened, and agrees with the chain; the others were not stated\n");
        }
        out
    })?;
    Ok(if total == 0 { 0 } else { 3 })
}

/// For people.
fn text(bill: &Bill, header: &Header) -> String {
    let (t, seconds, c) = (&bill.total, header.window_seconds, &bill.coverage);
    let time = |w: Window| crate::chain::time(w.start(seconds).0);
    let mut out = format!(
        "bill of meter {}\n{} to {} (windows {} to {})\n\
         {} of {} of the period stated, {} opened\n",
        bill.meter,
        time(Window(bill.from)),
        time(Window(bill.to).next()),
        bill.from,
        bill.to,
        c.stated,
        counted(c.windows, "window", "windows"),
        c.opened,
    );
    for (spans, what) in [(&c.not_stated, "not stated"), (&c.not_opened, "not opened")] {
        for span in spans.iter().take(20) {
            out.push_str(&format!("  {span}: {what}\n"));
        }
        if let Some(more) = spans.len().checked_sub(20).filter(|more| *more > 0) {
            out.push_str(&format!("  and {more} more ranges {what}\n"));
        }
    }
    out.push_str(&format!(
        "net import {} Wh: {} bought, {} from the grid\n\
         net export {} Wh: {} sold, {} fed in\n\
         money in micro-units of the market's currency ({})\n\
         spent on trades {} (network charges {} of it), earned with trades {}, grid supply {}, feed-in {}\n\
         due {} {} = grid supply - feed-in + spent - earned; negative is income\n",
        t.import_wh,
        t.bought_wh,
        t.grid_import_wh,
        t.export_wh,
        t.sold_wh,
        t.feed_in_wh,
        header.denom,
        t.spent,
        t.charges,
        t.earned,
        t.grid_cost,
        t.feed_in_credit,
        bill.due,
        header.denom,
    ));
    for remark in bill.remarks.iter().take(20) {
        out.push_str(&format!("remark {remark}\n"));
    }
    if let Some(more) = bill.remarks.len().checked_sub(20).filter(|more| *more > 0) {
        out.push_str(&format!("and {more} more remarks (--json lists them)\n"));
    }
    out
}
