//! Reading the history, beside a running agent or without one.

use crate::figures::signed;
use crate::schema::{failed, open_to_read};
use rusqlite::{params, Connection};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use wattpool_core::ports::home::JournalError;
use wattpool_schema::event::{MarketEvent, TradeClosed};
use wattpool_schema::{Commitment, MeterId, Seconds, Wh, Window};

/// A closed trade of this meter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TradeRow {
    /// The block it was closed in.
    pub height: u64,
    /// As the chain logged it.
    #[serde(flatten)]
    pub trade: TradeClosed,
}

/// An event that concerned this meter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventRow {
    /// The block it was in.
    pub height: u64,
    /// What the chain reported.
    pub event: MarketEvent,
}

/// What stands behind a statement: the registers that its device committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReadingRow {
    /// The metered window.
    pub window: Window,
    /// The statement's sequence.
    pub sequence: u64,
    /// Import register at the window's end, continued over roll-overs.
    pub import: Wh,
    /// Export register, likewise.
    pub export: Wh,
    /// The commitment that was stated.
    pub commitment: Commitment,
}

/// Something the agent told its owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct NoticeRow {
    /// Its number: later ones have larger numbers.
    pub number: u64,
    /// Block time, as well as it was known.
    pub at: Seconds,
    /// What, as [`wattpool_core::io::Notice`] is written.
    pub notice: serde_json::Value,
}

/// Which trades are asked for; what is absent does not bind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TradeFilter {
    /// Closed at this time or later.
    pub from: Option<Seconds>,
    /// Closed before this time.
    pub to: Option<Seconds>,
    /// One of both sides.
    pub partner: Option<MeterId>,
    /// The buying meter.
    pub buyer: Option<MeterId>,
    /// The selling meter.
    pub seller: Option<MeterId>,
    /// Of a lower number in the chain's log: the page after one that ended with it.
    pub before: Option<u64>,
}

/// Reads an agent's history.
pub struct HistoryReader {
    pub(crate) file: PathBuf,
    pub(crate) db: Connection,
}

impl HistoryReader {
    /// Opens the file.
    ///
    /// # Errors
    /// There is none, or it is of another version.
    pub fn open(file: &Path) -> Result<Self, JournalError> {
        Ok(Self {
            db: open_to_read(file)?,
            file: file.to_owned(),
        })
    }

    /// Closed trades, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn trades(&self, filter: &TradeFilter, limit: u32) -> Result<Vec<TradeRow>, JournalError> {
        let fail = |e: rusqlite::Error| failed(&self.file, e);
        let time = |t: Option<Seconds>| t.map(|t| signed(t.0));
        let meter = |m: &Option<MeterId>| m.map(|m| m.to_string());
        let query = "SELECT height, trade FROM trades
                     WHERE (?1 IS NULL OR closed_at >= ?1) AND (?2 IS NULL OR closed_at < ?2)
                       AND (?3 IS NULL OR seller = ?3 OR buyer = ?3) AND (?4 IS NULL OR buyer = ?4)
                       AND (?5 IS NULL OR seller = ?5) AND (?6 IS NULL OR sequence < ?6)
                     ORDER BY sequence DESC LIMIT ?7";
        let mut select = self.db.prepare(query).map_err(fail)?;
        let asked = params![
            time(filter.from),
            time(filter.to),
            meter(&filter.partner),
            meter(&filter.buyer),
            meter(&filter.seller),
            filter.before.map(signed),
            limit
        ];
        let rows = select
            .query_map(asked, |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })
            .map_err(fail)?;
        rows.map(|row| {
            let (height, text) = row.map_err(fail)?;
            let trade = serde_json::from_str(&text)
                .map_err(|e| failed(&self.file, format!("a trade of block {height}: {e}")))?;
            Ok(TradeRow {
                height: u64::try_from(height).unwrap_or(0),
                trade,
            })
        })
        .collect()
    }

    /// Things told, newest first; `before`: of a lower number alone.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn notices(&self, before: Option<u64>, limit: u32) -> Result<Vec<NoticeRow>, JournalError> {
        let fail = |e: rusqlite::Error| failed(&self.file, e);
        let query = "SELECT number, time, notice FROM notices WHERE ?1 IS NULL OR number < ?1
                     ORDER BY number DESC LIMIT ?2";
        let mut select = self.db.prepare(query).map_err(fail)?;
        let rows = select
            .query_map(params![before.map(signed), limit], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, String>(2)?,
                ))
            })
            .map_err(fail)?;
        rows.map(|row| {
            let (number, time, text) = row.map_err(fail)?;
            Ok(NoticeRow {
                number: u64::try_from(number).unwrap_or(0),
                at: Seconds(u64::try_from(time).unwrap_or(0)),
                notice: serde_json::from_str(&text)
                    .map_err(|e| failed(&self.file, format!("notice {number}: {e}")))?,
            })
        })
        .collect()
    }

    /// All events that are kept, in the chain's order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn events(&self) -> Result<Vec<EventRow>, JournalError> {
        let fail = |e: rusqlite::Error| failed(&self.file, e);
        let query = "SELECT height, event FROM events ORDER BY height, place";
        let mut select = self.db.prepare(query).map_err(fail)?;
        let rows = select
            .query_map([], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })
            .map_err(fail)?;
        rows.map(|row| {
            let (height, text) = row.map_err(fail)?;
            Ok(EventRow {
                height: u64::try_from(height).unwrap_or(0),
                event: serde_json::from_str(&text)
                    .map_err(|e| failed(&self.file, format!("an event of block {height}: {e}")))?,
            })
        })
        .collect()
    }

    /// What stands behind the statements of some windows, ascending, with the last one before them.
    ///
    /// # Errors
    /// The file cannot be read, or was last written by a version that kept no readings.
    pub fn readings(&self, from: Window, to: Window) -> Result<Vec<ReadingRow>, JournalError> {
        let fail = |error: rusqlite::Error| failed(&self.file, error);
        let signed = |w: Window| i64::try_from(w.0).unwrap_or(i64::MAX);
        let query = "SELECT window, sequence, import, export, commitment FROM readings
                     WHERE window <= ?2 AND window >= coalesce((SELECT max(window) FROM readings WHERE window < ?1), ?1)
                     ORDER BY window";
        let mut select = self.db.prepare(query).map_err(fail)?;
        let rows = select
            .query_map(params![signed(from), signed(to)], |row| {
                let numbers: [i64; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
                Ok((numbers, row.get::<_, String>(4)?))
            })
            .map_err(fail)?;
        rows.map(|row| {
            let (numbers, commitment) = row.map_err(fail)?;
            let bad = || failed(&self.file, "a reading is damaged");
            let [window, sequence, import, export] = numbers.map(u64::try_from);
            Ok(ReadingRow {
                window: Window(window.map_err(|_| bad())?),
                sequence: sequence.map_err(|_| bad())?,
                import: Wh(import.map_err(|_| bad())?),
                export: Wh(export.map_err(|_| bad())?),
                commitment: commitment.parse().map_err(|_| bad())?,
            })
        })
        .collect()
    }
}
