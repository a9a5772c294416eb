//! `wattpool audit diff`.

use super::chain::Reading;
use super::{export_file, open, Range};
use crate::chain::{block_on, failed, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::json;
use std::collections::VecDeque;
use std::path::Path;
use wattpool_audit::export::{name, Header, Line, Row, Said};
use wattpool_audit::read::{Parsed, Reader};
use wattpool_audit::{Finding, Findings, Place, Rule};
use wattpool_journal_sqlite::HistoryReader;
use wattpool_ledger_wasmd::tx::GasPrice;
use wattpool_ledger_wasmd::{ChainSettings, Client};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{ADDRESS_PREFIX, DEFAULT_GAS_PRICE};

/// Compares.
#[derive(clap::Args)]
pub struct Args {
    /// An export, the folder of a simulation, or a node's URL (with --market).
    left: String,
    /// Another one, or an agent's journal (a SQLite file): every event in it has to be in the other source.
    right: String,
    #[command(flatten)]
    range: Range,
}

/// Where events come from, in the chain's order.
enum Side {
    File(Box<Reader<std::io::BufReader<std::fs::File>>>, String),
    Chain(Box<Reading>, u64, VecDeque<Row>),
}

fn is_url(text: &str) -> bool {
    ["http://", "https://", "tcp://"]
        .iter()
        .any(|p| text.starts_with(p))
}

/// SQLite's first bytes.
fn is_journal(path: &Path) -> bool {
    use std::io::Read;
    let mut first = [0_u8; 16];
    let read = std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut first));
    read.is_ok() && &first == b"SQLite format 3\0"
}

impl Side {
    async fn new(session: &Session, text: &str, range: Range) -> Result<Self, Failure> {
        if is_url(text) {
            let market = session.market()?;
            let price: GasPrice = DEFAULT_GAS_PRICE.parse().map_err(failed)?;
            let url = match text.strip_prefix("tcp://") {
                Some(rest) => format!("http://{rest}"),
                None => text.to_owned(),
            };
            let mut settings = ChainSettings::new(vec![url], ADDRESS_PREFIX, price);
            settings.chain_id = Some(market.chain_id.clone());
            let client = Client::connect(settings).await.map_err(failed)?;
            let reading = Reading::new(std::sync::Arc::new(client), market, range).await?;
            let from = reading.header.from_height;
            return Ok(Self::Chain(Box::new(reading), from, VecDeque::new()));
        }
        let file = export_file(Path::new(text))?;
        let name = file.display().to_string();
        let reader = Reader::new(open(&file)?);
        let reader = reader
            .with_context(|| name.clone())
            .map_err(Failure::input)?;
        Ok(Self::File(Box::new(reader), name))
    }

    fn header(&self) -> &Header {
        match self {
            Self::File(reader, _) => reader.header(),
            Self::Chain(reading, ..) => &reading.header,
        }
    }

    async fn next(&mut self) -> Result<Option<(Option<u64>, Row)>, Failure> {
        match self {
            Self::File(reader, name) => loop {
                let Some(line) = reader.next_line().with_context(|| name.clone())? else {
                    return Ok(None);
                };
                match line {
                    Parsed::Bad(finding) => {
                        return Err(Failure::input(anyhow!("{name}: {finding}")))
                    }
                    Parsed::Line(line) => {
                        if let Line::Event(row) = *line {
                            return Ok(Some((Some(reader.number()), *row)));
                        }
                    }
                }
            },
            Self::Chain(reading, next, ready) => loop {
                if let Some(row) = ready.pop_front() {
                    return Ok(Some((None, row)));
                }
                if *next > reading.to {
                    return Ok(None);
                }
                let last = reading.to.min(next.saturating_add(19));
                for rows in reading.some_blocks(*next, last).await? {
                    ready.extend(rows);
                }
                *next = last.saturating_add(1);
            },
        }
    }
}

fn place(line: Option<u64>, row: &Row) -> Place {
    Place {
        line,
        height: row.height,
        time: row.time,
        tx: row.tx,
        index: row.index,
    }
}

fn finding(at: Place, row: &Row, field: &str, what: String) -> Finding {
    Finding {
        rule: Rule::Difference,
        at,
        event: name(&row.said),
        field: field.to_owned(),
        what,
    }
}

/// What differs between two events in the same place.
fn differences(at: Place, left: &Row, right: &Row, found: &mut Findings) {
    let (Ok(a), Ok(b)) = (serde_json::to_value(left), serde_json::to_value(right)) else {
        return;
    };
    let mut todo = vec![(String::new(), a, b)];
    while let Some((path, a, b)) = todo.pop() {
        if a == b {
            continue;
        }
        match (a, b) {
            (serde_json::Value::Object(a), serde_json::Value::Object(b))
                if a.keys().eq(b.keys()) =>
            {
                for ((key, a), (_, b)) in a.into_iter().zip(b) {
                    let path = if path.is_empty() {
                        key
                    } else {
                        format!("{path}.{key}")
                    };
                    todo.push((path, a, b));
                }
            }
            (a, b) => found.push(finding(at, left, &path, format!("{a} here, {b} there"))),
        }
    }
}

async fn compare(session: &Session, args: &Args) -> Result<(u64, Findings), Failure> {
    let mut left = Side::new(session, &args.left, args.range).await?;
    let mut right = Side::new(session, &args.right, args.range).await?;
    let of = |h: &Header| {
        (
            h.chain_id.clone(),
            h.token.clone(),
            h.pool.clone(),
            h.escrow.clone(),
        )
    };
    if of(left.header()) != of(right.header()) {
        return Err(Failure::input(anyhow!(
            "{} and {}: expected the same market; one is on chain {}, the other on {}, or their contracts differ",
            args.left, args.right, left.header().chain_id, right.header().chain_id
        )));
    }
    let key = |row: &Row| (row.height, row.tx, row.index);
    let (mut count, mut found) = (0_u64, Findings::default());
    let (mut a, mut b) = (left.next().await?, right.next().await?);
    loop {
        match (&a, &b) {
            (None, None) => return Ok((count, found)),
            (Some((line, l)), Some((_, r))) if key(l) == key(r) => {
                count = count.saturating_add(1);
                differences(place(*line, l), l, r, &mut found);
                a = left.next().await?;
                b = right.next().await?;
            }
            (Some((line, l)), other) if other.as_ref().is_none_or(|(_, r)| key(l) < key(r)) => {
                let what = format!("is in {} alone", args.left);
                found.push(finding(place(*line, l), l, "", what));
                a = left.next().await?;
            }
            (_, Some((line, r))) => {
                let what = format!("is in {} alone", args.right);
                found.push(finding(place(*line, r), r, "", what));
                b = right.next().await?;
            }
            (Some(_), None) => a = left.next().await?,
        }
    }
}

/// An event as text, to be found among others.
fn text(event: &MarketEvent) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

/// Every event of an agent's history has to be in the source.
async fn compare_journal(session: &Session, args: &Args) -> Result<(u64, Findings), Failure> {
    let journal = HistoryReader::open(Path::new(&args.right)).map_err(Failure::input)?;
    let mut left = Side::new(session, &args.left, args.range).await?;
    // A home's history is small: some ten thousand trades.
    let mut noted = std::collections::BTreeMap::<(u64, String), u64>::new();
    let mut count = 0_u64;
    for row in journal.events().map_err(Failure::input)? {
        count = count.saturating_add(1);
        let same = noted.entry((row.height, text(&row.event))).or_default();
        *same = same.saturating_add(1);
    }
    let mut last = None;
    while let Some((_, row)) = left.next().await? {
        last = Some(row.height);
        if let Said::Event(event) = &row.said {
            if let Some(same) = noted.get_mut(&(row.height, text(event))) {
                *same = same.saturating_sub(1);
            }
        }
    }
    let mut found = Findings::default();
    let from = left.header().from_height;
    for ((height, event), left) in noted {
        // What the source does not cover is no difference.
        let covered = height >= from && last.is_some_and(|last| height <= last);
        if left > 0 && covered {
            found.push(Finding {
                rule: Rule::Difference,
                at: Place {
                    height,
                    ..Place::default()
                },
                event: "journal".to_owned(),
                field: String::new(),
                what: format!("the agent noted {event}, which is not in {}", args.left),
            });
        }
    }
    Ok((count, found))
}

/// Compares and prints; exit code 3 if they differ.
///
/// # Errors
/// A source cannot be read, or they are of different markets (exit code 2); no node answers.
pub fn run(session: &Session, args: &Args) -> Result<u8, Failure> {
    let journal = !is_url(&args.right) && is_journal(Path::new(&args.right));
    let (count, found) = if journal {
        block_on(compare_journal(session, args))?
    } else {
        block_on(compare(session, args))?
    };
    let total = found.total();
    let value = json!({"events": count, "differences": total, "findings": found.list});
    session.answer(&value, || {
        let mut text = format!("{count} events compared, {total} differences\n");
        for one in found.list.iter().take(50) {
            text.push_str(&format!("DIFFERENT {one}\n"));
        }
        text
    })?;
    Ok(if total == 0 { 0 } else { 3 })
}
