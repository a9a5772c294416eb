//! The explorer's own index: every event of the market, and tables that follow from them.
//!
//! [`Index::take`] writes blocks and how far the index is in one transaction: whoever is killed at any step finds all of a block or nothing of it, and
//! goes on with the next one.

mod read;
mod rows;
mod schema;
mod write;

pub use read::{Reader, PAGE, POINTS};
pub use rows::{
    Cursor, DayFees, Entry, Every, HoldRow, MeterRow, OrderRow, Prefix, Setter, Sort, TradeFilter,
    TradePage, WindowRow,
};

use rusqlite::{Connection, OptionalExtension};
use std::path::{Path, PathBuf};
use wattpool_audit::export::{Header, Row, State};

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The database says no.
    #[error("index: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file is something else.
    #[error("{0}: expected an explorer's index or no file: name another one with --index")]
    Foreign(String),
    /// It is of another market.
    #[error("{file}: it is the index of {found}, not of {expected}: remove it, or name another one with --index")]
    Other {
        /// The file.
        file: String,
        /// What it is of.
        found: String,
        /// What is wanted.
        expected: String,
    },
    /// A block is missing.
    #[error("expected block {expected}, found {found}: the index would have a gap")]
    Gap {
        /// The next one.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// What is to be indexed contradicts what was before it.
    #[error(
        "block {height}: {what}: the source says something twice; wattpool audit verify says where"
    )]
    Twice {
        /// Where.
        height: u64,
        /// What the tables say.
        what: String,
    },
    /// What stands in it cannot be read.
    #[error("index: {0}")]
    Broken(String),
}

impl From<serde_json::Error> for IndexError {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl IndexError {
    /// A contradiction names its block.
    fn at(self, height: u64) -> Self {
        match self {
            Self::Sqlite(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
            {
                Self::Twice {
                    height,
                    what: error.to_string(),
                }
            }
            other => other,
        }
    }
}

/// A block as it is indexed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Height.
    pub height: u64,
    /// Time, Unix seconds.
    pub time: u64,
    /// Hash, as the node gives it; empty: a file has none.
    pub hash: String,
    /// Transactions in it, of the market and others,
    pub transactions: u64,
    /// those that failed,
    pub failed: u64,
    /// gas that they used
    pub gas: u64,
    /// and fees that they paid in the market's money, micro-units.
    pub fees: u64,
    /// The market's events.
    pub rows: Vec<Row>,
}

/// How far an index is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last block that is in it; none: nothing yet.
    pub height: Option<u64>,
    /// Its time, Unix seconds.
    pub time: u64,
    /// Its hash.
    pub hash: String,
    /// A file was read to its end.
    pub complete: bool,
}

/// Called at every step with its name: what a test looks at.
type Watch = Box<dyn FnMut(&'static str) + Send>;

/// An index that is written. One process writes at a time.
pub struct Index {
    db: Connection,
    file: PathBuf,
    header: Header,
    progress: Progress,
    watch: Option<Watch>,
}

fn meta(db: &Connection, key: &str) -> Result<Option<String>, IndexError> {
    let found = db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
        row.get(0)
    });
    Ok(found.optional()?)
}

fn progress(db: &Connection) -> Result<Progress, IndexError> {
    let number = |key| -> Result<Option<u64>, IndexError> {
        Ok(meta(db, key)?.and_then(|text| text.parse().ok()))
    };
    Ok(Progress {
        height: number("to_height")?,
        time: number("to_time")?.unwrap_or_default(),
        hash: meta(db, "to_hash")?.unwrap_or_default(),
        complete: meta(db, "complete")?.is_some(),
    })
}

/// What an index has to be of.
#[derive(Clone, Debug)]
pub struct Of {
    /// The market, and the first block.
    pub header: Header,
    /// What the blocks are read from: a file's last hash. An index of another file is made anew. None: a chain, which does not change.
    pub print: Option<String>,
}

/// Whether two headers are of one market: the first block may be another one.
fn same_market(a: &Header, b: &Header) -> bool {
    let of = |h: &Header| {
        let words = [&h.chain_id, &h.token, &h.pool, &h.escrow, &h.denom].map(Clone::clone);
        (words, h.window_seconds)
    };
    of(a) == of(b)
}

impl Index {
    /// Opens an index, or makes one.
    ///
    /// # Errors
    /// The file is something else, of another market, or cannot be written.
    pub fn open(file: &Path, of: Of) -> Result<Self, IndexError> {
        let named = || file.display().to_string();
        let mut db = open_existing(file)?;
        if let Some(open) = &db {
            let kept: Option<Header> = meta(open, "header")?
                .map(|t| serde_json::from_str(&t))
                .transpose()?;
            let print = meta(open, "print")?;
            match kept {
                Some(kept) if !same_market(&kept, &of.header) && of.print.is_none() => {
                    let shown =
                        |h: &Header| format!("chain {} with the escrow {}", h.chain_id, h.escrow);
                    return Err(IndexError::Other {
                        file: named(),
                        found: shown(&kept),
                        expected: shown(&of.header),
                    });
                }
                Some(_) if print == of.print => {}
                // Of another run in the same folder, or of older tables: what it says is in the file.
                _ => db = None,
            }
        }
        let db = match db {
            Some(db) => db,
            None => make(file, &of)?,
        };
        let header = meta(&db, "header")?.ok_or_else(|| IndexError::Foreign(named()))?;
        Ok(Self {
            file: file.to_owned(),
            header: serde_json::from_str(&header)?,
            progress: progress(&db)?,
            db,
            watch: None,
        })
    }

    /// What it is of. Its first block is the first that was ever read.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// How far it is.
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The next block that it needs.
    pub fn next(&self) -> u64 {
        let after = self.progress.height.map(|h| h.saturating_add(1));
        after.unwrap_or(self.header.from_height)
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Calls this at every step of the writing, with the file as a kill would leave it.
    pub fn watch(&mut self, watch: impl FnMut(&'static str) + Send + 'static) {
        self.watch = Some(Box::new(watch));
    }

    /// Takes the next blocks, all of them or none. Where nothing was in a block it may be left out of a file's (`gaps`), not of a chain's.
    ///
    /// # Errors
    /// A block is missing or out of order, or the database says no: nothing of them is in it.
    pub fn take(&mut self, blocks: &[Block], gaps: bool) -> Result<(), IndexError> {
        let mut next = self.next();
        for block in blocks {
            let follows = if gaps {
                block.height >= next
            } else {
                block.height == next
            };
            if !follows {
                return Err(IndexError::Gap {
                    expected: next,
                    found: block.height,
                });
            }
            next = block.height.saturating_add(1);
        }
        let Some(last) = blocks.last() else {
            return Ok(());
        };
        let mut nobody: Watch = Box::new(|_| {});
        let watch = self.watch.as_mut().unwrap_or(&mut nobody);
        let tx = self
            .db
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        watch("begun");
        for block in blocks {
            write::block(&tx, block, watch).map_err(|e| e.at(block.height))?;
        }
        let progress = Progress {
            height: Some(last.height),
            time: last.time,
            hash: last.hash.clone(),
            complete: false,
        };
        write::progress(&tx, &progress)?;
        watch("before the commit");
        tx.commit()?;
        watch("committed");
        self.progress = progress;
        Ok(())
    }

    /// A file ends: what the contracts stored then, and the last block that was read.
    ///
    /// # Errors
    /// The database says no.
    pub fn finish(&mut self, states: &[State], to_height: u64) -> Result<(), IndexError> {
        let mut nobody: Watch = Box::new(|_| {});
        let watch = self.watch.as_mut().unwrap_or(&mut nobody);
        let tx = self
            .db
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        write::states(&tx, states, watch)?;
        let mut progress = self.progress.clone();
        progress.height = Some(to_height.max(progress.height.unwrap_or_default()));
        progress.complete = true;
        write::progress(&tx, &progress)?;
        watch("before the last commit");
        tx.commit()?;
        watch("finished");
        self.progress = progress;
        Ok(())
    }
}

/// An index of these tables; none: no file, or one of other tables. Anything else is left alone.
fn open_existing(file: &Path) -> Result<Option<Connection>, IndexError> {
    let there = std::fs::metadata(file).is_ok_and(|m| m.len() > 0);
    if !there {
        return Ok(None);
    }
    let foreign = || IndexError::Foreign(file.display().to_string());
    let db = connection(file).map_err(|_| foreign())?;
    let number = |pragma: &str| db.query_row(pragma, [], |row| row.get::<_, i32>(0));
    let (application, version) = match (
        number("PRAGMA application_id"),
        number("PRAGMA user_version"),
    ) {
        (Ok(application), Ok(version)) => (application, version),
        _ => return Err(foreign()),
    };
    if application != schema::APPLICATION {
        return Err(foreign());
    }
    Ok((version == schema::VERSION).then_some(db))
}

fn connection(file: &Path) -> Result<Connection, rusqlite::Error> {
    let db = Connection::open(file)?;
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    // A commit is whole or not there; the last ones may be lost with the power, and are read again.
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
    Ok(db)
}

/// An empty index, whole when it is there.
fn make(file: &Path, of: &Of) -> Result<Connection, IndexError> {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        // What is not there need not go.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
    let mut db = connection(file)?;
    let header = serde_json::to_string(&of.header)?;
    let tx = db.transaction()?;
    tx.execute_batch(schema::TABLES)?;
    tx.execute("INSERT INTO meta VALUES ('header', ?1)", [header])?;
    if let Some(print) = &of.print {
        tx.execute("INSERT INTO meta VALUES ('print', ?1)", [print])?;
    }
    tx.pragma_update(None, "application_id", schema::APPLICATION)?;
    tx.pragma_update(None, "user_version", schema::VERSION)?;
    tx.commit()?;
    Ok(db)
}
