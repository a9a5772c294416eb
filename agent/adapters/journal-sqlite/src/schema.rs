//! Opening the file: its tables, its version, how it is written.

use rusqlite::{Connection, OpenFlags, Transaction};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;
use wattpool_core::ports::home::JournalError;

/// Version of the tables, kept in SQLite's `user_version`.
pub const VERSION: i64 = 6;

/// Marks a database as this program's, in SQLite's `application_id`: "watt".
const APPLICATION: i64 = 0x7761_7474;

/// A reader waits so long for a writer.
const BUSY: Duration = Duration::from_secs(5);

/// The log beside the file is cut back to this, bytes.
const LOG: i64 = 1 << 20;

/// What a reader keeps of the file in memory: half a MiB, in SQLite's negative KiB.
const READER_CACHE: i64 = -512;

/// The tables of version 1; [`MIGRATIONS`] make them what they are now.
const TABLES: &str = "
    CREATE TABLE journal (
        number INTEGER PRIMARY KEY,
        entry TEXT NOT NULL
    );
    CREATE TABLE noted (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        height INTEGER NOT NULL
    );
    CREATE TABLE events (
        height INTEGER NOT NULL,
        place INTEGER NOT NULL,
        time INTEGER NOT NULL,
        kind TEXT NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (height, place)
    ) WITHOUT ROWID;
    CREATE INDEX events_by_kind ON events (kind, height);
    CREATE TABLE notices (
        number INTEGER PRIMARY KEY,
        time INTEGER NOT NULL,
        notice TEXT NOT NULL
    );
";

/// What makes the tables of each version those of the next, the first from version 1.
const MIGRATIONS: [&str; 5] = [
    // What the history holds is kept beside it: noting something costs the same however much is noted.
    "CREATE TABLE sizes (
        of TEXT PRIMARY KEY,
        bytes INTEGER NOT NULL
    ) WITHOUT ROWID;
    INSERT INTO sizes SELECT 'events', coalesce(sum(length(event)), 0) FROM events;
    INSERT INTO sizes SELECT 'notices', coalesce(sum(length(notice)), 0) FROM notices;",
    // What stands behind each statement stays for years: without it no bill can be shown to be right.
    "CREATE TABLE readings (
        window INTEGER PRIMARY KEY,
        sequence INTEGER NOT NULL,
        import INTEGER NOT NULL,
        export INTEGER NOT NULL,
        commitment TEXT NOT NULL
    );
    INSERT OR REPLACE INTO readings
        SELECT json_extract(entry, '$.metered.reading.window'),
               json_extract(entry, '$.metered.statement.statement.sequence'),
               json_extract(entry, '$.metered.reading.import_register'),
               json_extract(entry, '$.metered.reading.export_register'),
               json_extract(entry, '$.metered.statement.statement.commitment')
        FROM journal WHERE json_extract(entry, '$.metered.reading.window') IS NOT NULL
        ORDER BY number;",
    // Figures by window and delivery, which outlive the texts they are of.
    crate::figures::TABLES,
    // What is noted beside the agent.
    crate::beside::TABLES,
    // Who changed the policy, when, and what.
    crate::policies::TABLES,
];

/// An error that names the file.
pub(crate) fn failed(file: &Path, why: impl std::fmt::Display) -> JournalError {
    JournalError {
        file: file.display().to_string(),
        why: why.to_string(),
    }
}

/// What a commit waits for.
#[derive(Clone, Copy)]
pub(crate) enum Synchronous {
    /// Until it is on the disk.
    Full,
    /// Not for the disk: a power cut may take the last commits, nothing else.
    Normal,
}

impl Synchronous {
    const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Normal => "normal",
        }
    }
}

/// Opens for writing; a new file gets its tables.
pub(crate) fn open(file: &Path, synchronous: Synchronous) -> Result<Connection, JournalError> {
    let fail = |error: rusqlite::Error| failed(file, error);
    // What an agent has promised, and when its home is empty, is for its owner alone.
    private(file).map_err(|e| failed(file, e))?;
    let mut db = Connection::open(file).map_err(fail)?;
    settle(&db).map_err(fail)?;
    db.pragma_update(None, "journal_mode", "wal")
        .map_err(fail)?;
    db.pragma_update(None, "journal_size_limit", LOG)
        .map_err(fail)?;
    db.pragma_update(None, "synchronous", synchronous.name())
        .map_err(fail)?;
    let (application, version) = marks(&db).map_err(fail)?;
    if (application, version) == (0, 0) && is_empty(&db).map_err(fail)? {
        let create = db.transaction().map_err(fail)?;
        create.execute_batch(TABLES).map_err(fail)?;
        create
            .pragma_update(None, "application_id", APPLICATION)
            .and_then(|()| migrate(&create, 1))
            .and_then(|()| create.commit())
            .map_err(fail)?;
    } else {
        check(file, application, version)?;
        if version < VERSION {
            let change = db.transaction().map_err(fail)?;
            migrate(&change, version)
                .and_then(|()| change.commit())
                .map_err(fail)?;
        }
    }
    sound(file, &db)?;
    Ok(db)
}

/// Takes the tables from a version to the present one.
fn migrate(change: &Transaction<'_>, from: i64) -> rusqlite::Result<()> {
    for (migration, version) in MIGRATIONS.iter().zip(1..) {
        if version >= from {
            change.execute_batch(migration)?;
        }
    }
    change.pragma_update(None, "user_version", VERSION)
}

/// Creates the file, readable by its owner alone, if it is not there.
fn private(file: &Path) -> std::io::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(file)
        .map(|_| ())
}

/// Takes the lock beside a journal: two agents that promise from one journal promise the same Wh twice. It ends with
/// the value, and with the process.
pub(crate) fn lock(file: &Path) -> Result<File, JournalError> {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&name)
        .map_err(|e| failed(file, format!("its lock: {e}")))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(failed(
            file,
            "another agent uses it: stop that one first, or give this one a file of its own",
        )),
        Err(TryLockError::Error(error)) => Err(failed(file, format!("its lock: {error}"))),
    }
}

/// Opens for reading beside a running agent.
pub(crate) fn open_to_read(file: &Path) -> Result<Connection, JournalError> {
    let fail = |error: rusqlite::Error| failed(file, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags).map_err(fail)?;
    settle(&db).map_err(fail)?;
    db.pragma_update(None, "cache_size", READER_CACHE)
        .map_err(fail)?;
    let (application, version) = marks(&db).map_err(fail)?;
    check(file, application, version)?;
    Ok(db)
}

fn settle(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)
}

fn marks(db: &Connection) -> rusqlite::Result<(i64, i64)> {
    let mark = |name| db.pragma_query_value(None, name, |row| row.get(0));
    Ok((mark("application_id")?, mark("user_version")?))
}

fn is_empty(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
        row.get(0)
    })
}

fn check(file: &Path, application: i64, version: i64) -> Result<(), JournalError> {
    if application != APPLICATION {
        return Err(failed(file, "not a journal of wattpool"));
    }
    match version {
        1..=VERSION => Ok(()),
        newer if newer > VERSION => Err(failed(
            file,
            format!(
                "version {newer}, this program knows up to {VERSION}: install a newer wattpool"
            ),
        )),
        other => Err(failed(
            file,
            format!("version {other} is unknown, expected 1 to {VERSION}"),
        )),
    }
}

/// A damaged file is refused before an agent trusts it.
fn sound(file: &Path, db: &Connection) -> Result<(), JournalError> {
    let verdict: String = db
        .pragma_query_value(None, "quick_check", |row| row.get(0))
        .map_err(|e| failed(file, e))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(failed(
            file,
            format!("damaged: {}", verdict.replace('\n', " ")),
        ))
    }
}
