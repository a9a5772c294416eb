//! `wattpool audit diff`.

use super::chain::Reading;
use super::source::{Expected, Word};
use super::{counted, export_file, open, Range};
use crate::chain::{block_on, failed, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::{json, Value};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use wattpool_audit::export::{name, Header, Line, Row, Said, State};
use wattpool_audit::read::{About, Parsed, Reader};
use wattpool_audit::subjects::Subjects;
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
    expected: Expected,
    #[command(flatten)]
    range: Range,
    /// Print at most so many differences.
    #[arg(long, value_name = "N", default_value_t = 50)]
    show: usize,
}

/// What is stored at the end, by what it is of.
type Stored = BTreeMap<String, (Option<u64>, Value)>;

/// Where events come from, in the chain's order.
enum Side {
    File(Box<FileSide>),
    Chain(Box<ChainSide>),
}

/// An export.
struct FileSide {
    name: String,
    reader: Reader<std::io::BufReader<std::fs::File>>,
    about: About,
    /// Lines whose hashes are wrong.
    broken: Vec<Finding>,
    stored: Stored,
}

/// A node.
struct ChainSide {
    reading: Reading,
    next: u64,
    ready: VecDeque<Row>,
    subjects: Subjects,
}

/// What a side says beside its events.
struct Ended {
    /// For people: whose word it is, or what is not known.
    word: Option<String>,
    /// What is wrong with the side itself.
    wrong: Vec<Finding>,
    /// The last block that it covers.
    to: Option<u64>,
    stored: Stored,
}

/// What a state is of: `account watt1…`, `window 7`.
fn key_of(state: &State) -> (String, Value) {
    let key = match state {
        State::Book(_) => "book".to_owned(),
        State::Held(_) => "held".to_owned(),
        State::Reserve(_) => "reserve".to_owned(),
        State::Account(a) => format!("account {}", a.owner),
        State::FeedIn(f) => format!("feed_in {}", f.owner),
        State::Window(w) => format!("window {}", w.window),
        State::Meter(m) => format!("meter {}", m.meter),
        State::Roles(_) => "roles".to_owned(),
    };
    (key, serde_json::to_value(state).unwrap_or_default())
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
            return Ok(Self::Chain(Box::new(ChainSide {
                next: reading.header.from_height,
                reading,
                ready: VecDeque::new(),
                subjects: Subjects::default(),
            })));
        }
        let file = export_file(Path::new(text))?;
        let name = file.display().to_string();
        let reader = Reader::new(open(&file)?);
        let mut reader = reader
            .with_context(|| name.clone())
            .map_err(Failure::input)?;
        let broken = reader.broken().into_iter().collect();
        Ok(Self::File(Box::new(FileSide {
            name,
            about: About::new(reader.header().clone()),
            reader,
            broken,
            stored: Stored::new(),
        })))
    }

    fn header(&self) -> &Header {
        match self {
            Self::File(side) => side.reader.header(),
            Self::Chain(side) => &side.reading.header,
        }
    }

    async fn next(&mut self) -> Result<Option<(Option<u64>, Row)>, Failure> {
        match self {
            Self::File(side) => side.next(),
            Self::Chain(side) => Ok(side.next().await?.map(|row| (None, row))),
        }
    }

    /// What there is to say when its events have been read.
    async fn end(self, wanted: Option<&str>) -> Result<Ended, Failure> {
        match self {
            Self::File(side) => Ok(side.end(wanted)),
            Self::Chain(side) => {
                let mut stored = Stored::new();
                let each = |state| {
                    let (key, value) = key_of(&state);
                    stored.insert(key, (None, value));
                    Ok(())
                };
                // A node need not keep the state of older blocks; the events are compared all the same.
                let read = side.reading.state(&side.subjects, each).await;
                let word = read.err().map(|failure| {
                    let why = wattpool_program::line(&failure.error);
                    let at = side.reading.to;
                    format!("a node does not tell its state after block {at}: {why}")
                });
                if word.is_some() {
                    stored.clear();
                }
                Ok(Ended {
                    word,
                    wrong: Vec::new(),
                    to: Some(side.reading.to),
                    stored,
                })
            }
        }
    }
}

impl FileSide {
    fn next(&mut self) -> Result<Option<(Option<u64>, Row)>, Failure> {
        loop {
            let line = self.reader.next_line().with_context(|| self.name.clone())?;
            let Some(line) = line else {
                return Ok(None);
            };
            let number = Some(self.reader.number());
            self.broken.extend(self.reader.broken());
            match line {
                Parsed::Bad(finding) => {
                    return Err(Failure::input(anyhow!("{}: {finding}", self.name)))
                }
                Parsed::Line(line) => match *line {
                    Line::Event(row) => return Ok(Some((number, *row))),
                    Line::State(state) => {
                        let (key, value) = key_of(&state);
                        self.stored.insert(key, (number, value));
                    }
                    Line::End(end) => {
                        self.about.end = Some(end);
                        self.reader.head().clone_into(&mut self.about.head);
                    }
                    Line::Signed(signed) => self.about.signed = Some(signed),
                    Line::Export(_) => {}
                },
            }
        }
    }

    fn end(mut self, wanted: Option<&str>) -> Ended {
        self.about.broken = !self.broken.is_empty();
        let word = Word::of(&self.about, wanted);
        let mut wrong = self.broken;
        wrong.extend(word.finding(&self.about));
        if self.about.end.is_none() {
            wrong.push(Finding {
                rule: Rule::Form,
                at: Place {
                    line: Some(self.reader.number()),
                    ..Place::default()
                },
                event: "end".to_owned(),
                field: String::new(),
                what: "the file ends without its end line: it was cut off".to_owned(),
            });
        }
        for finding in &mut wrong {
            finding.what = format!("{}: {}", self.name, finding.what);
        }
        Ended {
            word: Some(format!("{}: {}", self.name, word.text)),
            wrong,
            to: self.about.end.map(|e| e.to_height),
            stored: self.stored,
        }
    }
}

impl ChainSide {
    async fn next(&mut self) -> Result<Option<Row>, Failure> {
        loop {
            if let Some(row) = self.ready.pop_front() {
                self.subjects.see(&row);
                return Ok(Some(row));
            }
            if self.next > self.reading.to {
                return Ok(None);
            }
            let last = self.reading.to.min(self.next.saturating_add(19));
            for rows in self.reading.some_blocks(self.next, last).await? {
                self.ready.extend(rows.rows);
            }
            self.next = last.saturating_add(1);
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

/// Fields in which two values differ, with both values.
fn differing(a: Value, b: Value) -> Vec<(String, Value, Value)> {
    let mut found = Vec::new();
    let mut todo = vec![(String::new(), a, b)];
    while let Some((path, a, b)) = todo.pop() {
        if a == b {
            continue;
        }
        match (a, b) {
            (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
                for ((key, a), (_, b)) in a.into_iter().zip(b) {
                    let path = if path.is_empty() {
                        key
                    } else {
                        format!("{path}.{key}")
                    };
                    todo.push((path, a, b));
                }
            }
            (a, b) => found.push((path, a, b)),
        }
    }
    found
}

/// What was compared.
#[derive(Default)]
struct Compared {
    /// Events that both have.
    events: u64,
    /// Those of them that differ.
    differ: u64,
    /// Entries of the contracts' state that both have.
    states: u64,
    found: Findings,
    /// For people.
    notes: Vec<String>,
}

/// Compares what two sides say.
struct Comparison<'a> {
    args: &'a Args,
    done: Compared,
}

impl Comparison<'_> {
    /// Two events in the same place.
    fn events(&mut self, at: Place, left: &Row, right: &Row) {
        self.done.events = self.done.events.saturating_add(1);
        let (Ok(a), Ok(b)) = (serde_json::to_value(left), serde_json::to_value(right)) else {
            return;
        };
        let found = differing(a, b);
        self.done.differ = self
            .done
            .differ
            .saturating_add(u64::from(!found.is_empty()));
        for (path, a, b) in found {
            let what = self.both(&a, &b);
            self.done.found.push(finding(at, left, &path, what));
        }
    }

    fn both(&self, a: &Value, b: &Value) -> String {
        format!("{a} in {}, {b} in {}", self.args.left, self.args.right)
    }

    /// What is stored at the end, where both end with the same block.
    fn states(&mut self, left: &Ended, right: &Ended) {
        if left.to != right.to {
            let shown = |to: Option<u64>| to.map_or("none".to_owned(), |to| to.to_string());
            self.done.notes.push(format!(
                "the contracts' state is not compared: {} ends with block {}, {} with {}",
                self.args.left,
                shown(left.to),
                self.args.right,
                shown(right.to)
            ));
            return;
        }
        for (name, side) in [(&self.args.left, left), (&self.args.right, right)] {
            if side.stored.is_empty() {
                let note = format!("the contracts' state is not compared: {name} has none");
                self.done.notes.push(note);
                return;
            }
        }
        let stored = |line: Option<u64>, key: &str, field: &str, what: String| Finding {
            rule: Rule::Difference,
            at: Place {
                line,
                ..Place::default()
            },
            event: format!("state of {key}"),
            field: field.to_owned(),
            what,
        };
        for (key, (line, a)) in &left.stored {
            let Some((_, b)) = right.stored.get(key) else {
                let what = format!("is in {} alone", self.args.left);
                self.done.found.push(stored(*line, key, "", what));
                continue;
            };
            self.done.states = self.done.states.saturating_add(1);
            for (path, a, b) in differing(a.clone(), b.clone()) {
                let what = self.both(&a, &b);
                self.done.found.push(stored(*line, key, &path, what));
            }
        }
        for (key, (line, _)) in &right.stored {
            if !left.stored.contains_key(key) {
                let what = format!("is in {} alone", self.args.right);
                self.done.found.push(stored(*line, key, "", what));
            }
        }
    }
}

async fn compare(
    session: &Session,
    args: &Args,
    wanted: Option<&str>,
) -> Result<Compared, Failure> {
    let mut left = Side::new(session, &args.left, args.range).await?;
    let mut right = Side::new(session, &args.right, args.range).await?;
    let (l, r) = (left.header(), right.header());
    for (what, a, b) in [
        ("chain", &l.chain_id, &r.chain_id),
        ("token", &l.token, &r.token),
        ("pool", &l.pool, &r.pool),
        ("escrow", &l.escrow, &r.escrow),
        ("currency", &l.denom, &r.denom),
        (
            "window_seconds",
            &l.window_seconds.to_string(),
            &r.window_seconds.to_string(),
        ),
    ] {
        if a != b {
            return Err(Failure::input(anyhow!(
                "{} and {} are of different markets: {what} {a} and {b}; nothing was compared",
                args.left,
                args.right
            )));
        }
    }
    let key = |row: &Row| (row.height, row.tx, row.index);
    let mut comparison = Comparison {
        args,
        done: Compared::default(),
    };
    let (mut a, mut b) = (left.next().await?, right.next().await?);
    loop {
        match (&a, &b) {
            (None, None) => break,
            (Some((line, l)), Some((_, r))) if key(l) == key(r) => {
                comparison.events(place(*line, l), l, r);
                a = left.next().await?;
                b = right.next().await?;
            }
            (Some((line, l)), other) if other.as_ref().is_none_or(|(_, r)| key(l) < key(r)) => {
                let what = format!("is in {} alone", args.left);
                comparison
                    .done
                    .found
                    .push(finding(place(*line, l), l, "", what));
                a = left.next().await?;
            }
            (_, Some((line, r))) => {
                let what = format!("is in {} alone", args.right);
                comparison
                    .done
                    .found
                    .push(finding(place(*line, r), r, "", what));
                b = right.next().await?;
            }
            (Some(_), None) => a = left.next().await?,
        }
    }
    let (left, right) = (left.end(wanted).await?, right.end(wanted).await?);
    comparison.states(&left, &right);
    let mut done = comparison.done;
    for side in [left, right] {
        done.notes.extend(side.word);
        side.wrong.into_iter().for_each(|f| done.found.push(f));
    }
    Ok(done)
}

/// An event as text, to be found among others.
fn text(event: &MarketEvent) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

/// Every event of an agent's history has to be in the source.
async fn compare_journal(
    session: &Session,
    args: &Args,
    wanted: Option<&str>,
) -> Result<Compared, Failure> {
    let journal = HistoryReader::open(Path::new(&args.right)).map_err(Failure::input)?;
    let mut left = Side::new(session, &args.left, args.range).await?;
    // A home's history is small: some ten thousand trades.
    let mut noted = BTreeMap::<(u64, String), u64>::new();
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
    // A journal has no state to compare a chain's with.
    let end = match left {
        Side::File(side) => Some(side.end(wanted)),
        Side::Chain(_) => None,
    };
    let (word, wrong) = end.map(|e| (e.word, e.wrong)).unwrap_or_default();
    wrong.into_iter().for_each(|f| found.push(f));
    Ok(Compared {
        events: count,
        found,
        notes: word.into_iter().collect(),
        ..Compared::default()
    })
}

/// Compares and prints; exit code 3 if they differ.
///
/// # Errors
/// A source cannot be read, or they are of different markets (exit code 2); no node answers.
pub fn run(session: &Session, args: &Args) -> Result<u8, Failure> {
    let journal = !is_url(&args.right) && is_journal(Path::new(&args.right));
    let files = [!is_url(&args.left), !is_url(&args.right) && !journal];
    let wanted = args.expected.of(files.contains(&true))?;
    if !is_url(&args.left) && !is_url(&args.right) {
        args.range.none_for_a_file()?;
    }
    let done = if journal {
        block_on(compare_journal(session, args, wanted))?
    } else {
        block_on(compare(session, args, wanted))?
    };
    let total = done.found.total();
    let value = json!({
        "events": done.events, "events_that_differ": done.differ, "states": done.states, "differences": total, "notes": done.notes,
        "findings": done.found.list,
    });
    session.answer(&value, || {
        let mut text = format!(
            "{} and {} of the contracts' state compared, {}\n",
            counted(done.events, "event", "events"),
            counted(done.states, "entry", "entries"),
            counted(total, "difference", "differences")
        );
        for note in &done.notes {
            text.push_str(&format!("{note}\n"));
        }
        for one in done.found.list.iter().take(args.show) {
            text.push_str(&format!("DIFFERENT {one}\n"));
        }
        let shown = args.show.min(done.found.list.len());
        let more = total.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
        if more > 0 {
            text.push_str(&format!("and {more} more (--show N)\n"));
        }
        text
    })?;
    Ok(if total == 0 { 0 } else { 3 })
}
