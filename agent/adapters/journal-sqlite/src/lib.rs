//! The agent's journal and its owner's history, in one SQLite file.
//!
//! Write-ahead log with `synchronous=FULL`: what was appended survives a power cut. Entries are JSON, so that
//! a person can read what an agent has promised. The file knows its version; another one is refused.

mod approvals;
mod beside;
mod figures;
mod history;
mod journal;
mod policies;
mod schema;
mod sums;

pub use approvals::{ApprovalRow, Fate};
pub use beside::{Generated, Use};
pub use history::{EventRow, HistoryReader, NoticeRow, ReadingRow, TradeFilter, TradeRow};
pub use journal::SqliteJournal;
pub use policies::PolicyRow;
pub use schema::VERSION;
pub use sums::{Sums, WindowRow, MOST_SPANS};
