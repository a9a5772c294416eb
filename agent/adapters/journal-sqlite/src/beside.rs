//! What is noted beside the agent, for its owner alone: fees of its transactions, and what is generated behind the meter.

use crate::figures::signed;
use crate::history::HistoryReader;
use crate::journal::SqliteJournal;
use crate::schema::failed;
use rusqlite::{params, OptionalExtension};
use std::collections::BTreeMap;
use wattpool_core::ports::home::JournalError;
use wattpool_schema::{MeterId, Micro, Seconds, Wh, Window};

/// What makes version 5 of version 4.
pub(crate) const TABLES: &str = "
    CREATE TABLE fees (
        window INTEGER PRIMARY KEY,
        micro INTEGER NOT NULL
    );
    CREATE TABLE generated (
        window INTEGER PRIMARY KEY,
        register INTEGER NOT NULL
    );
";

/// Windows whose registers are held at once: a month of quarters of an hour.
const WINDOWS_AT_ONCE: u64 = 3_000;

/// Where the registers of what is generated are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    /// They are the export registers behind the statements: one meter measures all that is made, another all that is used.
    Stated,
    /// They are noted beside them.
    Beside,
}

/// What was generated and used in a span of time, over the windows of which both are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Windows.
    pub windows: u64,
    /// Generated, Wh.
    pub generated: Wh,
    /// Used: generated less what was given, and what was taken, Wh.
    pub used: Wh,
}

impl SqliteJournal {
    /// Adds fees to those of the window in which they were spent.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note_fees(&mut self, window: Window, spent: Micro) -> Result<(), JournalError> {
        self.note_beside(
            "INSERT INTO fees (window, micro) VALUES (?1, ?2)
             ON CONFLICT (window) DO UPDATE SET micro = micro + excluded.micro",
            window,
            spent.0,
        )
    }

    /// Notes the register of what is generated at the end of a window.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note_generated(&mut self, window: Window, register: Wh) -> Result<(), JournalError> {
        self.note_beside(
            "INSERT OR REPLACE INTO generated (window, register) VALUES (?1, ?2)",
            window,
            register.0,
        )
    }

    fn note_beside(
        &mut self,
        insert: &str,
        window: Window,
        value: u64,
    ) -> Result<(), JournalError> {
        let file = self.file.clone();
        self.db
            .execute(insert, params![signed(window.0), signed(value)])
            .map(drop)
            .map_err(|e| failed(&file, e))
    }
}

impl HistoryReader {
    /// Fees by window, of windows that begin in a span of time and last `len` seconds.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn fees(
        &self,
        len: u32,
        from: Seconds,
        to: Seconds,
    ) -> Result<BTreeMap<Window, Micro>, JournalError> {
        let mut all = BTreeMap::new();
        let query = "SELECT window, micro FROM fees WHERE window >= ?1 AND window < ?2";
        self.each_beside(query, len, from, to, |window, micro| {
            all.insert(window, Micro(micro));
        })?;
        Ok(all)
    }

    /// Fees of the windows that begin in each of the spans between ascending times.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn spent(&self, len: u32, edges: &[Seconds]) -> Result<Vec<Micro>, JournalError> {
        let fail = |e: rusqlite::Error| failed(&self.file, e);
        let query = "SELECT coalesce(sum(micro), 0) FROM fees WHERE window >= ?1 AND window < ?2";
        let mut select = self.db.prepare(query).map_err(fail)?;
        let edge = |time| signed(first_from(time, len).0);
        let mut all = Vec::new();
        for (from, to) in edges.iter().zip(edges.iter().skip(1)) {
            let sum = select.query_row(params![edge(*from), edge(*to)], |row| row.get::<_, i64>(0));
            all.push(Micro(sum.map_err(fail)?.max(0).unsigned_abs()));
        }
        Ok(all)
    }

    /// What was generated, by window: the difference of a register to the one before it. A register that fell is another
    /// meter's, and begins anew.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn generated(
        &self,
        len: u32,
        from: Seconds,
        to: Seconds,
        kept: Generated,
    ) -> Result<BTreeMap<Window, Wh>, JournalError> {
        let (table, register) = match kept {
            Generated::Stated => ("readings", "export"),
            Generated::Beside => ("generated", "register"),
        };
        let query = format!(
            "SELECT window, {register} FROM {table} WHERE window < ?2 AND window >=
             coalesce((SELECT max(window) FROM {table} WHERE window < ?1), ?1) ORDER BY window"
        );
        let mut all = BTreeMap::new();
        let mut last = None;
        let first = first_from(from, len);
        self.each_beside(&query, len, from, to, |window, register| {
            let before = last.replace(register);
            if let Some(wh) = before.and_then(|before| register.checked_sub(before)) {
                if window >= first {
                    all.insert(window, Wh(wh));
                }
            }
        })?;
        Ok(all)
    }

    /// The last window whose register of what is generated is noted beside.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn last_generated(&self) -> Result<Option<Window>, JournalError> {
        let query = "SELECT max(window) FROM generated";
        let found = self.db.query_row(query, [], |row| row.get(0)).optional();
        let found: Option<Option<i64>> = found.map_err(|e| failed(&self.file, e))?;
        Ok(found
            .flatten()
            .map(|window| Window(window.max(0).unsigned_abs())))
    }

    /// What was generated and used in the spans between ascending times.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn uses(
        &self,
        me: MeterId,
        len: u32,
        edges: &[Seconds],
        kept: Generated,
    ) -> Result<Vec<Use>, JournalError> {
        // A year at once would hold a register for each of its windows.
        let piece = u64::from(len).saturating_mul(WINDOWS_AT_ONCE);
        // Whoever asks may ask for all of time: nothing is known outside the windows that are kept.
        let kept_windows = self.kept_windows()?;
        let mut all = Vec::new();
        for (first, last) in edges.iter().zip(edges.iter().skip(1)) {
            let mut sum = Use::default();
            let (mut from, last) = match kept_windows {
                Some((oldest, newest)) => (
                    (*first).max(oldest.start(len)),
                    (*last).min(newest.end(len)),
                ),
                None => (*last, *last),
            };
            while from < last {
                let to = Seconds(from.0.saturating_add(piece.max(1))).min(last);
                self.add_uses(&mut sum, me, len, (from, to), kept)?;
                from = to;
            }
            all.push(sum);
        }
        Ok(all)
    }

    /// The oldest and the newest window whose figures are kept.
    fn kept_windows(&self) -> Result<Option<(Window, Window)>, JournalError> {
        let ends = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let query = "SELECT min(window), max(window) FROM windows";
        let found: (Option<i64>, Option<i64>) = self
            .db
            .query_row(query, [], ends)
            .map_err(|e| failed(&self.file, e))?;
        let window = |number: i64| Window(number.max(0).unsigned_abs());
        Ok(found.0.map(window).zip(found.1.map(window)))
    }

    fn add_uses(
        &self,
        sum: &mut Use,
        me: MeterId,
        len: u32,
        (from, to): (Seconds, Seconds),
        kept: Generated,
    ) -> Result<(), JournalError> {
        let generated = self.generated(len, from, to, kept)?;
        self.each_window(me, len, from, to, |row| {
            let (Some(made), Some(surplus), Some(deficit)) =
                (generated.get(&row.window), row.surplus, row.deficit)
            else {
                return;
            };
            let used = made.saturating_add(deficit).saturating_sub(surplus);
            sum.windows = sum.windows.saturating_add(1);
            sum.generated = sum.generated.saturating_add(*made);
            sum.used = sum.used.saturating_add(used);
        })
    }

    fn each_beside(
        &self,
        query: &str,
        len: u32,
        from: Seconds,
        to: Seconds,
        mut each: impl FnMut(Window, u64),
    ) -> Result<(), JournalError> {
        let fail = |e: rusqlite::Error| failed(&self.file, e);
        let mut select = self.db.prepare(query).map_err(fail)?;
        let edge = |time| signed(first_from(time, len).0);
        let mut rows = select.query(params![edge(from), edge(to)]).map_err(fail)?;
        while let Some(row) = rows.next().map_err(fail)? {
            let number = |at: usize| row.get::<_, i64>(at).map_err(fail);
            each(
                Window(number(0)?.max(0).unsigned_abs()),
                number(1)?.max(0).unsigned_abs(),
            );
        }
        Ok(())
    }
}

/// The first window that begins at or after a time.
pub(crate) fn first_from(time: Seconds, len: u32) -> Window {
    let begun = Window::at(time, len);
    if begun.start(len) == time {
        begun
    } else {
        begun.next()
    }
}
