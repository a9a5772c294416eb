//! Events as a table and as text.

use chrono::DateTime;
use serde_json::Value;
use std::io::{self, Write};
use wattpool_audit::export::{name, Header, Row, Said, State};
use wattpool_schema::Window;

/// Fields of events with a column of their own; the others stand in the last one.
const FIELDS: [&str; 28] = [
    "kind",
    "window",
    "trade_id",
    "seller",
    "buyer",
    "meter",
    "owner",
    "account",
    "from",
    "to",
    "wh",
    "asked",
    "arrived",
    "net",
    "gross",
    "lost",
    "sold",
    "redeemed",
    "covered",
    "price",
    "paid",
    "charge",
    "amount",
    "free",
    "locked",
    "refunded",
    "sequence",
    "commitment",
];

/// Unix time, RFC 3339.
pub fn rfc3339(seconds: u64) -> String {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|s| DateTime::from_timestamp(s, 0));
    time.map_or_else(
        || seconds.to_string(),
        |t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    )
}

/// What an event says, as an object.
fn fields(said: &Said) -> serde_json::Map<String, Value> {
    let value = match said {
        Said::Transfer(t) => serde_json::to_value(t).ok(),
        Said::Event(event) => {
            let outer = serde_json::to_value(event).ok();
            outer.and_then(|v| v.as_object()?.values().next().cloned())
        }
    };
    match value {
        Some(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    }
}

/// A value without quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Which of the three contracts.
fn contract(header: &Header, address: &str) -> String {
    let known = [
        (&header.token, "token"),
        (&header.pool, "pool"),
        (&header.escrow, "escrow"),
    ];
    let found = known.iter().find(|(a, _)| *a == address);
    found.map_or_else(|| address.to_owned(), |(_, name)| (*name).to_owned())
}

/// A table of events.
pub struct Csv<W: Write> {
    writer: csv::Writer<W>,
    header: Header,
}

impl<W: Write> Csv<W> {
    pub fn new(out: W, header: &Header) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        let first = [
            "height",
            "time",
            "tx",
            "index",
            "contract",
            "event",
            "window_start",
        ];
        let columns = first.iter().chain(&FIELDS).chain(&["other"]);
        writer.write_record(columns).map_err(io::Error::other)?;
        Ok(Self {
            writer,
            header: header.clone(),
        })
    }

    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        let mut said = fields(&row.said);
        let seconds = self.header.window_seconds;
        let window = said.get("window").and_then(Value::as_u64).map(Window);
        let mut cells = vec![
            row.height.to_string(),
            rfc3339(row.time),
            row.tx.to_string(),
            row.index.to_string(),
            contract(&self.header, &row.contract),
            name(&row.said),
            // Of the metered window: energy is traded in the one after it.
            window
                .map(|w| rfc3339(w.start(seconds).0))
                .unwrap_or_default(),
        ];
        for field in FIELDS {
            let value = said.remove(field);
            cells.push(value.as_ref().map(plain).unwrap_or_default());
        }
        let rest: Vec<String> = said
            .iter()
            .map(|(k, v)| format!("{k}={}", plain(v)))
            .collect();
        cells.push(rest.join(" "));
        self.writer.write_record(cells).map_err(io::Error::other)
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A line per event.
pub struct Text<W> {
    out: W,
    header: Header,
}

impl<W: Write> Text<W> {
    pub fn new(mut out: W, header: &Header) -> io::Result<Self> {
        writeln!(
            out,
            "chain {}, windows of {} s, from block {}\ntoken {}\npool {}\nescrow {}",
            header.chain_id,
            header.window_seconds,
            header.from_height,
            header.token,
            header.pool,
            header.escrow
        )?;
        Ok(Self {
            out,
            header: header.clone(),
        })
    }

    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        let said: Vec<String> = fields(&row.said)
            .iter()
            .map(|(k, v)| format!("{k}={}", plain(v)))
            .collect();
        writeln!(
            self.out,
            "{} block {} transaction {} {} {} {}",
            rfc3339(row.time),
            row.height,
            row.tx,
            contract(&self.header, &row.contract),
            name(&row.said),
            said.join(" ")
        )
    }

    pub fn state(&mut self, state: &State) -> io::Result<()> {
        let text = serde_json::to_string(state).map_err(io::Error::other)?;
        writeln!(self.out, "at the end {text}")
    }

    pub fn finish(self) -> io::Result<W> {
        Ok(self.out)
    }
}
