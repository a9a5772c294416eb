//! `wattpool audit bill`.

use super::chain::Reading;
use super::{export_file, open, Range};
use crate::chain::{block_on, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};
use wattpool_audit::bill::{Bill, Ledger};
use wattpool_audit::export::Header;
use wattpool_audit::opening::Openings;
use wattpool_audit::period::{self, End};
use wattpool_audit::read::follow;
use wattpool_audit::subjects::Subjects;
use wattpool_audit::{Auditor, Findings, Report};
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
    /// From this time on: a day (2026-05-04), a time (2026-05-04T22:00:00Z) or a window's number; without it, the first opened window.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Up to this time: a day (that one is in it), a time (it is not) or a window's number (it is); without it, the last opened window.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Print every window, too.
    #[arg(long)]
    windows: bool,
    #[command(flatten)]
    range: Range,
}

fn window(option: &str, text: &str, seconds: u32, end: End) -> Result<Window, Failure> {
    period::window(text, seconds, end).map_err(|why| Failure::input(anyhow!("{option}: {why}")))
}

fn openings(args: &Args) -> Result<Openings, Failure> {
    let file = match (&args.openings, &args.source) {
        (Some(file), _) => file.clone(),
        (None, Some(folder)) if folder.is_dir() => folder.join(wattpool_report::write::OPENINGS),
        _ => {
            return Err(Failure::input(anyhow!(
                "--openings: expected the file that the meter's owner writes with wattpool-agent meter open"
            )))
        }
    };
    let named = || file.display().to_string();
    let mut text = String::new();
    let opened = std::fs::File::open(&file).with_context(named);
    let mut limited = opened.map_err(Failure::input)?.take(MOST_BYTES);
    let read = limited.read_to_string(&mut text).with_context(named);
    read.map_err(Failure::input)?;
    Openings::parse(&text, args.meter)
        .map_err(|why| Failure::input(anyhow!("{}: {why}", file.display())))
}

/// What the source says of the meter, and whether it keeps the rules.
struct Source {
    ledger: Ledger,
    report: Report,
    header: Header,
}

fn from_file(args: &Args, path: &Path) -> Result<Source, Failure> {
    let file = export_file(path)?;
    let mut ledger = Ledger::new(args.meter);
    let read = follow(open(&file)?, |line, row| ledger.take(Some(line), row));
    let named = read.with_context(|| file.display().to_string());
    let (report, about) = named.map_err(Failure::input)?;
    Ok(Source {
        ledger,
        report,
        header: about.header,
    })
}

async fn from_chain(session: &Session, args: &Args) -> Result<Source, Failure> {
    let market = session.market()?;
    let client = session.client().await?;
    let reading = Reading::new(client, market, args.range).await?;
    let mut auditor = Auditor::new(reading.header.clone());
    let mut subjects = Subjects::default();
    let mut ledger = Ledger::new(args.meter);
    reading
        .blocks(|rows| {
            for row in &rows {
                subjects.see(row);
                auditor.take(None, row);
                ledger.take(None, row);
            }
            Ok(())
        })
        .await?;
    reading
        .state(&subjects, |state| {
            auditor.state(None, &state);
            Ok(())
        })
        .await?;
    Ok(Source {
        ledger,
        report: auditor.finish(Some(reading.to)),
        header: reading.header,
    })
}

/// Rebuilds and prints; exit code 3 if something contradicts the bill, or the source breaks a rule.
///
/// # Errors
/// Source, openings or times are none (exit code 2), or no node answers.
pub fn run(session: &Session, args: &Args) -> Result<u8, Failure> {
    let opened = openings(args)?;
    let source = match &args.source {
        Some(path) => from_file(args, path)?,
        None => block_on(from_chain(session, args))?,
    };
    let seconds = source.header.window_seconds;
    let ends = |window: Option<&wattpool_audit::opening::Opening>| window.map(|o| o.window);
    let from = match &args.since {
        Some(text) => window("--since", text, seconds, End::First)?,
        None => {
            // Without the registers of the installation, the first opening is where the bill begins.
            let skipped = usize::from(opened.installed.is_none());
            ends(opened.openings.get(skipped)).unwrap_or_default()
        }
    };
    let to = match &args.until {
        Some(text) => window("--until", text, seconds, End::Last)?,
        None => ends(opened.openings.last()).unwrap_or_default(),
    };
    if from > to {
        return Err(Failure::input(anyhow!(
            "--since and --until: window {from} is after window {to}"
        )));
    }
    let (mut bill, found) = source.ledger.bill(&opened, from, to);
    let mut findings = Findings::default();
    found.into_iter().for_each(|f| findings.push(f));
    let broken = source.report.findings.total();
    let total = findings.total().saturating_add(broken);
    let items = std::mem::take(&mut bill.items);
    let mut value = json!({
        "bill": bill, "violations": total, "findings": findings.list, "violations_of_the_source": broken,
    });
    if args.windows {
        if let Some(bill) = value.get_mut("bill").and_then(|b| b.as_object_mut()) {
            bill.insert("items".to_owned(), json!(items));
        }
    } else if let Some(bill) = value.get_mut("bill").and_then(|b| b.as_object_mut()) {
        bill.remove("items");
    }
    session.answer(&value, || {
        let mut out = text(&bill, seconds);
        if args.windows {
            for i in &items {
                out.push_str(&format!(
                    "  {} bought {} Wh, sold {} Wh, grid {} Wh in, {} Wh out; spent {}, earned {}, grid {}, feed-in {}\n",
                    i.window, i.bought_wh, i.sold_wh, i.grid_import_wh, i.feed_in_wh, i.spent, i.earned, i.grid_cost, i.feed_in_credit
                ));
            }
        }
        for finding in findings.list.iter().take(20) {
            out.push_str(&format!("VIOLATION {finding}\n"));
        }
        if broken > 0 {
            out.push_str(&format!("VIOLATION {broken} of the source itself: see wattpool audit verify\n"));
        }
        if total == 0 {
            out.push_str("every window is opened, and agrees with the chain\n");
        }
        out
    })?;
    Ok(if total == 0 { 0 } else { 3 })
}

/// For people.
fn text(bill: &Bill, seconds: u32) -> String {
    let t = &bill.total;
    let time = |w: Window| crate::chain::time(w.start(seconds).0);
    let mut out = format!(
        "bill of meter {}\n{} to {}, {} windows\n\
         net import {} Wh: {} bought, {} from the grid\n\
         net export {} Wh: {} sold, {} fed in\n\
         spent on trades {}, earned with trades {}, grid supply {}, feed-in {} (micro-units)\n\
         due {}\n",
        bill.meter,
        time(Window(bill.from)),
        time(Window(bill.to).next()),
        t.windows,
        t.import_wh,
        t.bought_wh,
        t.grid_import_wh,
        t.export_wh,
        t.sold_wh,
        t.feed_in_wh,
        t.spent,
        t.earned,
        t.grid_cost,
        t.feed_in_credit,
        bill.due
    );
    for remark in bill.remarks.iter().take(20) {
        out.push_str(&format!("remark {remark}\n"));
    }
    out
}
