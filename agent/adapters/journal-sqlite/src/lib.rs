//! The agent's journal and its owner's history, in one SQLite file.
//!
//! Write-ahead log with `synchronous=FULL`: what was appended survives a power cut. Entries are JSON, so that
//! a person can read what an agent has promised. The file knows its version; another one is refused.

mod history;
mod journal;
mod schema;

pub use history::{EventRow, HistoryReader, NoticeRow, ReadingRow, TradeRow};
pub use journal::SqliteJournal;
pub use schema::VERSION;
