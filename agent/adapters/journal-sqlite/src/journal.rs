//! The journal, and the writing side of the history.

use crate::schema::{failed, open, Synchronous};
use rusqlite::{params, Connection, OptionalExtension};
use std::path::{Path, PathBuf};
use wattpool_core::io::{of_use, BlockRef, JournalEntry, Notice};
use wattpool_core::ports::home::{History, Journal, JournalError};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{Seconds, Window};

/// Notices kept.
const NOTICES: i64 = 10_000;
/// Events kept: years of a home that trades in every window.
const EVENTS: u32 = 500_000;

/// One connection to the file. An agent opens two: one as its [`Journal`], one as its [`History`].
pub struct SqliteJournal {
    file: PathBuf,
    db: Connection,
}

impl SqliteJournal {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    /// It is damaged, of another version, not a journal, or cannot be written.
    pub fn open(file: &Path) -> Result<Self, JournalError> {
        Self::with(file, Synchronous::Full)
    }

    /// Opens the file to write history: a power cut may take the last notes, which then are read from the chain
    /// again, and the medium is spared.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_for_history(file: &Path) -> Result<Self, JournalError> {
        Self::with(file, Synchronous::Normal)
    }

    fn with(file: &Path, synchronous: Synchronous) -> Result<Self, JournalError> {
        Ok(Self {
            db: open(file, synchronous)?,
            file: file.to_owned(),
        })
    }

    fn fail(&self, error: impl std::fmt::Display) -> JournalError {
        failed(&self.file, error)
    }

    fn numbered(&self) -> Result<Vec<(i64, JournalEntry)>, JournalError> {
        let fail = |error: rusqlite::Error| self.fail(error);
        let mut select = self
            .db
            .prepare("SELECT number, entry FROM journal ORDER BY number")
            .map_err(fail)?;
        let rows = select
            .query_map([], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })
            .map_err(fail)?;
        let read = |row: rusqlite::Result<(i64, String)>| {
            let (number, text) = row.map_err(fail)?;
            let entry = serde_json::from_str(&text)
                .map_err(|e| self.fail(format!("entry {number} cannot be read: {e}")))?;
            Ok((number, entry))
        };
        rows.map(read).collect()
    }
}

impl Journal for SqliteJournal {
    fn append(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        let text = serde_json::to_string(entry).map_err(|e| self.fail(e))?;
        self.db
            .execute("INSERT INTO journal (entry) VALUES (?1)", [text])
            .map(|_| ())
            .map_err(|e| self.fail(e))
    }

    fn entries(&self) -> Result<Vec<JournalEntry>, JournalError> {
        Ok(self
            .numbered()?
            .into_iter()
            .map(|(_, entry)| entry)
            .collect())
    }

    fn prune(&mut self, before: Window) -> Result<(), JournalError> {
        let (numbers, entries): (Vec<i64>, Vec<JournalEntry>) =
            self.numbered()?.into_iter().unzip();
        let keep = of_use(&entries, before);
        let useless = numbers.into_iter().zip(keep).filter(|(_, keep)| !keep);
        let useless: Vec<i64> = useless.map(|(number, _)| number).collect();
        if useless.is_empty() {
            return Ok(());
        }
        let file = self.file.clone();
        let fail = |error: rusqlite::Error| failed(&file, error);
        let change = self.db.transaction().map_err(fail)?;
        for number in useless {
            change
                .execute("DELETE FROM journal WHERE number = ?1", [number])
                .map_err(fail)?;
        }
        change.commit().map_err(fail)
    }
}

impl History for SqliteJournal {
    fn noted_to(&self) -> Result<Option<u64>, JournalError> {
        let height: Option<i64> = self
            .db
            .query_row("SELECT height FROM noted", [], |row| row.get(0))
            .optional()
            .map_err(|e| self.fail(e))?;
        height
            .map(|h| u64::try_from(h).map_err(|_| self.fail(format!("height {h} is negative"))))
            .transpose()
    }

    fn set_noted_to(&mut self, height: u64) -> Result<(), JournalError> {
        self.db
            .execute(
                "INSERT INTO noted (only, height) VALUES (1, ?1)
                 ON CONFLICT (only) DO UPDATE SET height = excluded.height",
                [signed(height)],
            )
            .map(|_| ())
            .map_err(|e| self.fail(e))
    }

    fn note_events(&mut self, block: BlockRef, events: &[MarketEvent]) -> Result<(), JournalError> {
        let file = self.file.clone();
        let fail = |error: rusqlite::Error| failed(&file, error);
        let change = self.db.transaction().map_err(fail)?;
        for (place, event) in events.iter().enumerate() {
            let text = serde_json::to_string(event).map_err(|e| failed(&file, e))?;
            let place = i64::try_from(place).unwrap_or(i64::MAX);
            change
                .execute(
                    "INSERT OR IGNORE INTO events (height, place, time, kind, event)
                     VALUES (?1, ?2, ?3, (SELECT key FROM json_each(?4)), ?4)",
                    params![signed(block.height), place, signed(block.time.0), text],
                )
                .map_err(fail)?;
        }
        change
            .execute(
                "DELETE FROM events WHERE height <
                 (SELECT height FROM events ORDER BY height DESC LIMIT 1 OFFSET ?1)",
                [EVENTS],
            )
            .map_err(fail)?;
        change.commit().map_err(fail)
    }

    fn note(&mut self, at: Seconds, notice: &Notice) -> Result<(), JournalError> {
        let text = serde_json::to_string(notice).map_err(|e| self.fail(e))?;
        let written = self.db.execute(
            "INSERT INTO notices (time, notice) VALUES (?1, ?2)",
            params![signed(at.0), text],
        );
        written.map_err(|e| self.fail(e))?;
        let oldest = self.db.last_insert_rowid().saturating_sub(NOTICES);
        self.db
            .execute("DELETE FROM notices WHERE number <= ?1", [oldest])
            .map(|_| ())
            .map_err(|e| self.fail(e))
    }
}

/// SQLite's integers are signed; heights and seconds do not come near the limit.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
