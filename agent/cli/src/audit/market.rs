//! `wattpool audit trades` and `wattpool audit market`.

use super::source::{read, Expected, Source};
use super::{counted, Range};
use crate::chain::{time, Session};
use crate::Failure;
use serde_json::json;
use std::path::PathBuf;
use wattpool_audit::market::{Figures, Market, Report, WHOLE};
use wattpool_audit::trades::{Sort, Trade, Trades};
use wattpool_schema::MeterId;

/// What a list begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum By {
    /// The first that was closed.
    Time,
    /// The dearest.
    Price,
    /// The one with most energy arrived.
    Energy,
}

/// Form of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people, or JSON with --json.
    Text,
    /// A table.
    Csv,
}

/// Lists trades.
#[derive(clap::Args)]
pub struct TradesArgs {
    /// An export, or the folder of a simulation that ran with --record; without it, the chain of --node and --market.
    source: Option<PathBuf>,
    /// Only trades that this meter sold or bought in.
    #[arg(long, value_name = "ID")]
    meter: Option<MeterId>,
    /// What the list begins with.
    #[arg(long, value_name = "BY", default_value = "time")]
    sort: By,
    /// At most so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Its form.
    #[arg(long, value_name = "FORM", default_value = "text")]
    format: Format,
    #[command(flatten)]
    expected: Expected,
    #[command(flatten)]
    range: Range,
}

/// Reports a market's figures.
#[derive(clap::Args)]
pub struct MarketArgs {
    /// An export, or the folder of a simulation that ran with --record; without it, the chain of --node and --market.
    source: Option<PathBuf>,
    /// Print at most so many sellers and pairs.
    #[arg(long, value_name = "N", default_value_t = 10)]
    show: usize,
    #[command(flatten)]
    expected: Expected,
    #[command(flatten)]
    range: Range,
}

/// Exit code of a list: its source keeps the rules, or it does not.
fn code(source: &Source) -> u8 {
    if source.report.findings.total() == 0 {
        0
    } else {
        3
    }
}

/// Lines about the source.
fn about(source: &Source) -> String {
    let mut out = source.signature();
    let broken = source.report.findings.total();
    if broken > 0 {
        let of = counted(broken, "violation", "violations");
        out.push_str(&format!(
            "VIOLATION {of} of the source itself: see wattpool audit verify\n"
        ));
    }
    out
}

/// Lists; exit code 3 if the source breaks a rule.
///
/// # Errors
/// The source is no export (exit code 2), or no node answers.
pub fn trades(session: &Session, args: &TradesArgs) -> Result<u8, Failure> {
    let mut found = Trades::new(args.meter);
    let path = args.source.as_deref();
    let source = read(session, path, args.range, &args.expected, |_, row| {
        found.take(row);
    })?;
    let mut list = found.sorted(match args.sort {
        By::Time => Sort::Time,
        By::Price => Sort::Price,
        By::Energy => Sort::Energy,
    });
    let all = list.len();
    list.truncate(args.limit.unwrap_or(usize::MAX));
    let seconds = source.header.window_seconds;
    if args.format == Format::Csv {
        crate::print(&csv(&list, seconds)?)?;
        // A table has no room for it.
        eprint!("{}", about(&source));
        return Ok(code(&source));
    }
    let value = json!({
        "trades": list, "of": all, "denom": source.header.denom, "signed_by": source.signed_by(),
        "violations_of_the_source": source.report.findings.total(),
    });
    session.answer(&value, || {
        let mut out = format!(
            "{} of {}; prices in micro-units per arriving kWh, money in micro-units ({})\n",
            list.len(),
            counted(u64::try_from(all).unwrap_or(u64::MAX), "trade", "trades"),
            source.header.denom
        );
        for t in &list {
            out.push_str(&format!(
                "{} trade {} ({}), window {} ({}), {} to {}: {} Wh at {}, paid {}, charge {}; block {}, transaction {}\n",
                time(t.time), t.sequence, word(t), t.window, time(t.window.start(seconds).0),
                t.seller, t.buyer, t.arrived, t.price, t.paid, t.charge, t.height, t.tx
            ));
        }
        out.push_str(&about(&source));
        out
    })?;
    Ok(code(&source))
}

/// Spot, or a standing order with its windows.
fn word(trade: &Trade) -> String {
    match trade.kind {
        wattpool_schema::TradeKind::Spot => "spot".to_owned(),
        wattpool_schema::TradeKind::Forward => format!("standing order of {}", trade.count),
    }
}

fn csv(list: &[Trade], seconds: u32) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "sequence",
        "closed",
        "height",
        "tx",
        "kind",
        "trade_id",
        "window",
        "window_start",
        "windows",
        "seller",
        "buyer",
        "asked_wh",
        "arrived_wh",
        "lost_wh",
        "price_micro_per_kwh",
        "paid_micro",
        "charge_micro",
    ])?;
    for t in list {
        let kind = match t.kind {
            wattpool_schema::TradeKind::Spot => "spot",
            wattpool_schema::TradeKind::Forward => "forward",
        };
        writer.write_record([
            t.sequence.to_string(),
            super::table::rfc3339(t.time),
            t.height.to_string(),
            t.tx.to_string(),
            kind.to_owned(),
            t.trade_id.to_string(),
            t.window.to_string(),
            super::table::rfc3339(t.window.start(seconds).0),
            t.count.to_string(),
            t.seller.to_string(),
            t.buyer.to_string(),
            t.asked.to_string(),
            t.arrived.to_string(),
            t.lost.to_string(),
            t.price.to_string(),
            t.paid.to_string(),
            t.charge.to_string(),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(String::from_utf8(bytes)?)
}

/// Reports; exit code 3 if the source breaks a rule.
///
/// # Errors
/// The source is no export (exit code 2), or no node answers.
pub fn market(session: &Session, args: &MarketArgs) -> Result<u8, Failure> {
    let mut rows = Vec::new();
    let path = args.source.as_deref();
    // The length of a window is known when the source has been read.
    let source = read(session, path, args.range, &args.expected, |_, row| {
        if Market::counts(row) {
            rows.push(row.clone());
        }
    })?;
    let mut found = Market::new(source.header.window_seconds);
    rows.iter().for_each(|row| found.take(row));
    let report = found.report();
    let value = json!({
        "market": report, "denom": source.header.denom, "signed_by": source.signed_by(),
        "violations_of_the_source": source.report.findings.total(),
    });
    session.answer(&value, || {
        let mut out = text(&report, &source.header.denom, args.show);
        out.push_str(&about(&source));
        out
    })?;
    Ok(code(&source))
}

/// Millionths as a percentage with one digit.
fn percent(share: Option<u64>) -> String {
    share.map_or_else(
        || "-".to_owned(),
        |share| {
            let tenths = share.saturating_mul(1_000) / WHOLE;
            format!("{}.{} %", tenths / 10, tenths % 10)
        },
    )
}

fn figure(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| v.to_string())
}

fn line(name: &str, f: &Figures) -> String {
    format!(
        "{name}: {}, {} Wh of {} Wh surplus arrived, {} unsold; {}, HHI {}, largest share {}; price mean {}, {} to {}; network charges {}\n",
        counted(f.trades, "trade", "trades"),
        f.arrived_wh,
        f.offered_wh,
        percent(f.unsold),
        counted(f.sellers, "seller", "sellers"),
        figure(f.hhi),
        percent(f.largest_share),
        figure(f.mean_price),
        figure(f.min_price),
        figure(f.max_price),
        f.charges
    )
}

/// For people.
fn text(report: &Report, denom: &str, show: usize) -> String {
    let mut out = format!(
        "prices in micro-units ({denom}) per arriving kWh; HHI: 10000 is one seller alone; unsold: withheld or expired, events do not say which\n"
    );
    for day in &report.days {
        let name = time(day.day.unwrap_or_default());
        let name = name.split(' ').next().unwrap_or_default();
        out.push_str(&line(name, day));
    }
    out.push_str(&line("all", &report.total));
    for s in report.sellers.iter().take(show) {
        out.push_str(&format!(
            "seller {}: {} of all, {} Wh arrived of {} Wh surplus, {} unsold, mean price {}\n",
            s.meter,
            percent(Some(s.share)),
            s.arrived_wh,
            s.offered_wh,
            percent(s.unsold),
            figure(s.mean_price)
        ));
    }
    for p in report.pairs.iter().take(show) {
        out.push_str(&format!(
            "pair {} to {}: {} of all, {} Wh\n",
            p.seller,
            p.buyer,
            percent(Some(p.share)),
            p.arrived_wh
        ));
    }
    for (what, all) in [
        ("sellers", report.sellers.len()),
        ("pairs", report.pairs.len()),
    ] {
        if let Some(more) = all.checked_sub(show).filter(|more| *more > 0) {
            out.push_str(&format!("and {more} more {what} (--show N)\n"));
        }
    }
    out
}
