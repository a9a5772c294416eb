//! Reading the history, beside a running agent or without one.

use crate::schema::{failed, open_to_read};
use rusqlite::{params, Connection};
use serde::Serialize;
use std::path::{Path, PathBuf};
use wattpool_core::ports::home::JournalError;
use wattpool_schema::event::{MarketEvent, TradeClosed};
use wattpool_schema::{Commitment, Seconds, Wh, Window};

/// A closed trade of this meter.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoticeRow {
    /// Block time, as well as it was known.
    pub at: Seconds,
    /// What, as [`wattpool_core::io::Notice`] is written.
    pub notice: serde_json::Value,
}

/// Reads an agent's history.
pub struct HistoryReader {
    file: PathBuf,
    db: Connection,
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

    fn rows<T>(
        &self,
        query: &str,
        limit: u32,
        read: impl Fn(i64, &str) -> Result<T, String>,
    ) -> Result<Vec<T>, JournalError> {
        let fail = |error: rusqlite::Error| failed(&self.file, error);
        let mut select = self.db.prepare(query).map_err(fail)?;
        let rows = select
            .query_map(params![limit], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })
            .map_err(fail)?;
        rows.map(|row| {
            let (number, text) = row.map_err(fail)?;
            read(number, &text).map_err(|e| failed(&self.file, format!("at {number}: {e}")))
        })
        .collect()
    }

    /// The newest closed trades, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn trades(&self, limit: u32) -> Result<Vec<TradeRow>, JournalError> {
        let query = "SELECT height, event FROM events WHERE kind = 'trade_closed'
                     ORDER BY height DESC, place DESC LIMIT ?1";
        self.rows(query, limit, |height, text| {
            match serde_json::from_str(text).map_err(|e| e.to_string())? {
                MarketEvent::TradeClosed(trade) => Ok(TradeRow {
                    height: u64::try_from(height).map_err(|e| e.to_string())?,
                    trade,
                }),
                other => Err(format!("not a closed trade: {other:?}")),
            }
        })
    }

    /// All events that are kept, in the chain's order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn events(&self) -> Result<Vec<EventRow>, JournalError> {
        let query = "SELECT height, event FROM events ORDER BY height, place LIMIT ?1";
        self.rows(query, u32::MAX, |height, text| {
            Ok(EventRow {
                height: u64::try_from(height).map_err(|e| e.to_string())?,
                event: serde_json::from_str(text).map_err(|e| e.to_string())?,
            })
        })
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

    /// The newest notices, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn notices(&self, limit: u32) -> Result<Vec<NoticeRow>, JournalError> {
        let query = "SELECT time, notice FROM notices ORDER BY number DESC LIMIT ?1";
        self.rows(query, limit, |time, text| {
            Ok(NoticeRow {
                at: Seconds(u64::try_from(time).map_err(|e| e.to_string())?),
                notice: serde_json::from_str(text).map_err(|e| e.to_string())?,
            })
        })
    }
}
