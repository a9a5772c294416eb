//! The journal, and the writing side of the history.

use crate::figures::{self, signed};
use crate::policies;
use crate::schema::{failed, lock, open, Synchronous};
use rusqlite::{params, Connection, OptionalExtension, Transaction};
use std::fs::File;
use std::path::{Path, PathBuf};
use wattpool_core::io::{of_use, BlockRef, JournalEntry, Notice};
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::{History, Journal, JournalError};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::Tariffs;
use wattpool_schema::{Seconds, Window};

/// Events kept, bytes: the newest; a trade takes about one and a half thousand.
const EVENTS: i64 = 10 << 20;
/// Things told that are kept, bytes: the newest.
const NOTICES: i64 = 2 << 20;
/// Oldest rows dropped for each new one, at most.
const DROPPED: i64 = 4;

/// One connection to the file. An agent opens two: one as its [`Journal`], one as its [`History`].
pub struct SqliteJournal {
    pub(crate) file: PathBuf,
    pub(crate) db: Connection,
    /// Windows whose readings are kept; none: all.
    keep: Option<u64>,
    /// Held as long as this is the journal of an agent.
    _lock: Option<File>,
}

impl SqliteJournal {
    /// Opens the file, or creates it, and locks it. A file of an older version is brought up to date.
    ///
    /// # Errors
    /// Another agent uses it, it is damaged, of a newer version, not a journal, or cannot be written.
    pub fn open(file: &Path) -> Result<Self, JournalError> {
        let lock = lock(file)?;
        Self::with(file, Synchronous::Full, Some(lock))
    }

    /// Opens the file to write history: a power cut may take the last notes, which then are read from the chain
    /// again, and the medium is spared.
    ///
    /// # Errors
    /// As for [`Self::open`]; the lock is the journal's.
    pub fn open_for_history(file: &Path) -> Result<Self, JournalError> {
        Self::with(file, Synchronous::Normal, None)
    }

    /// Keeps what stands behind statements for so many windows; otherwise for ever. A window is some sixty bytes.
    #[must_use]
    pub const fn keeping_readings(mut self, windows: u64) -> Self {
        self.keep = Some(windows);
        self
    }

    fn with(
        file: &Path,
        synchronous: Synchronous,
        lock: Option<File>,
    ) -> Result<Self, JournalError> {
        Ok(Self {
            _lock: lock,
            db: open(file, synchronous)?,
            keep: None,
            file: file.to_owned(),
        })
    }

    fn fail(&self, error: impl std::fmt::Display) -> JournalError {
        failed(&self.file, error)
    }

    /// A policy, and that it came into force, together or not at all.
    fn append_policy(&mut self, policy: &Policy, entry: &str) -> Result<(), JournalError> {
        let policy = serde_json::to_string(policy).map_err(|e| self.fail(e))?;
        let file = self.file.clone();
        let fail = |error: rusqlite::Error| failed(&file, error);
        let change = self.db.transaction().map_err(fail)?;
        policies::in_force(&change, &policy).map_err(fail)?;
        change
            .execute("INSERT INTO journal (entry) VALUES (?1)", [entry])
            .and_then(|_| change.commit())
            .map_err(fail)
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
            let entry = serde_json::from_str(&text).map_err(|e| {
                self.fail(format!("entry {number} cannot be read: {e}; {UNREADABLE}"))
            })?;
            Ok((number, entry))
        };
        rows.map(read).collect()
    }
}

impl Journal for SqliteJournal {
    fn append(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        let text = serde_json::to_string(entry).map_err(|e| self.fail(e))?;
        if let JournalEntry::Policy(policy) = entry {
            return self.append_policy(policy, &text);
        }
        let JournalEntry::Metered {
            reading, statement, ..
        } = entry
        else {
            return self
                .db
                .execute("INSERT INTO journal (entry) VALUES (?1)", [text])
                .map(|_| ())
                .map_err(|e| self.fail(e));
        };
        let file = self.file.clone();
        let fail = |error: rusqlite::Error| failed(&file, error);
        let change = self.db.transaction().map_err(fail)?;
        change
            .execute("INSERT INTO journal (entry) VALUES (?1)", [text])
            .map_err(fail)?;
        let stated = &statement.statement;
        change
            .execute(
                "INSERT OR REPLACE INTO readings (window, sequence, import, export, commitment)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    signed(reading.window.0),
                    signed(stated.sequence),
                    signed(reading.import_register.0),
                    signed(reading.export_register.0),
                    stated.commitment.to_string(),
                ],
            )
            .and_then(|_| change.commit())
            .map_err(fail)
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
        if let Some(oldest) = self.keep.and_then(|keep| before.0.checked_sub(keep)) {
            self.db
                .execute("DELETE FROM readings WHERE window < ?1", [signed(oldest)])
                .map_err(|e| self.fail(e))?;
        }
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
        let mut added = 0i64;
        for (place, event) in events.iter().enumerate() {
            let text = serde_json::to_string(event).map_err(|e| failed(&file, e))?;
            let place = i64::try_from(place).unwrap_or(i64::MAX);
            let new = change
                .execute(
                    "INSERT OR IGNORE INTO events (height, place, time, kind, event)
                     VALUES (?1, ?2, ?3, (SELECT key FROM json_each(?4)), ?4)",
                    params![signed(block.height), place, signed(block.time.0), text],
                )
                .map_err(fail)?;
            if new > 0 {
                added = added.saturating_add(length(&text));
                figures::happened(&change, block, place, event).map_err(fail)?;
            }
        }
        let rows = i64::try_from(events.len()).unwrap_or(i64::MAX);
        grow(&change, "events", added)
            .and_then(|()| make_room(&change, &EVENT_ROWS, rows.saturating_mul(DROPPED)))
            .and_then(|()| change.commit())
            .map_err(fail)
    }

    fn note_tariffs(&mut self, window: Window, tariffs: Tariffs) -> Result<(), JournalError> {
        let file = self.file.clone();
        let fail = |error: rusqlite::Error| failed(&file, error);
        let change = self.db.transaction().map_err(fail)?;
        figures::tariffs(&change, window, tariffs)
            .and_then(|()| change.commit())
            .map_err(fail)
    }

    fn note(&mut self, at: Seconds, notice: &Notice) -> Result<(), JournalError> {
        let text = serde_json::to_string(notice).map_err(|e| self.fail(e))?;
        let file = self.file.clone();
        let fail = |error: rusqlite::Error| failed(&file, error);
        let change = self.db.transaction().map_err(fail)?;
        change
            .execute(
                "INSERT INTO notices (time, notice) VALUES (?1, ?2)",
                params![signed(at.0), text],
            )
            .map_err(fail)?;
        figures::note(&change, notice).map_err(fail)?;
        grow(&change, "notices", length(&text))
            .and_then(|()| make_room(&change, &NOTICE_ROWS, DROPPED))
            .and_then(|()| change.commit())
            .map_err(fail)
    }
}

/// What to do about an entry that this program cannot read.
const UNREADABLE: &str = "a newer wattpool-agent may have written it: install that one again, and do not delete the file, \
                          it holds what the agent has promised";

/// A table of the history, and how its oldest rows are found and dropped.
struct Rows {
    of: &'static str,
    most: i64,
    oldest: &'static str,
    drop: &'static str,
}

const EVENT_ROWS: Rows = Rows {
    of: "events",
    most: EVENTS,
    oldest: "SELECT height, place, length(event) FROM events ORDER BY height, place LIMIT 1",
    drop: "DELETE FROM events WHERE height = ?1 AND place = ?2",
};
const NOTICE_ROWS: Rows = Rows {
    of: "notices",
    most: NOTICES,
    oldest: "SELECT number, 0, length(notice) FROM notices ORDER BY number LIMIT 1",
    drop: "DELETE FROM notices WHERE number = ?1 AND ?2 = 0",
};

/// A table holds so many bytes more (or less).
fn grow(change: &Transaction<'_>, of: &str, bytes: i64) -> rusqlite::Result<()> {
    change
        .execute(
            "UPDATE sizes SET bytes = bytes + ?2 WHERE of = ?1",
            params![of, bytes],
        )
        .map(|_| ())
}

/// Drops the oldest rows, few at a time, while the table holds too much: each note costs the same.
fn make_room(change: &Transaction<'_>, rows: &Rows, most: i64) -> rusqlite::Result<()> {
    for _ in 0..most {
        let held: i64 =
            change.query_row("SELECT bytes FROM sizes WHERE of = ?1", [rows.of], |row| {
                row.get(0)
            })?;
        if held <= rows.most {
            break;
        }
        let oldest: Option<(i64, i64, i64)> = change
            .query_row(rows.oldest, [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((one, other, bytes)) = oldest else {
            break;
        };
        change.execute(rows.drop, [one, other])?;
        grow(change, rows.of, bytes.saturating_neg())?;
    }
    Ok(())
}

/// As SQLite counts: characters, which for what is written here are bytes.
fn length(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}
