//! What stands in the home: the meter, the gate to the national grid, the journal.

use crate::io::{Gate, JournalEntry, Reading};
use std::future::Future;
use wattpool_schema::Window;

/// Why the meter gave no reading.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeterError {
    /// It does not answer now.
    #[error("the meter does not answer: {0}")]
    Silent(String),
    /// It has no register values for this window and never will.
    #[error("the meter has no registers for window {window}: {why}")]
    NotKept {
        /// Which.
        window: Window,
        /// Why.
        why: String,
    },
}

/// The meter's load profile: cumulative registers at the ends of windows. Import is OBIS 1-0:1.8.0, export
/// 1-0:2.8.0, both in Wh and never falling (but for a roll-over).
pub trait Meter: Send + Sync {
    /// Registers at the end of a window that has passed.
    fn registers(&self, end_of: Window)
        -> impl Future<Output = Result<Reading, MeterError>> + Send;
}

/// Where the agent's output to the grid gate goes. Whatever fails, the gate is open.
pub trait GridGate: Send + Sync {
    /// Sets the gate for the coming window.
    fn set(&self, gate: Gate);
}

/// Why the journal did not take or give an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("journal {file}: {why}")]
pub struct JournalError {
    /// Its file.
    pub file: String,
    /// What went wrong.
    pub why: String,
}

/// What survives a crash. When `append` returns, the entry is durable.
pub trait Journal: Send {
    /// Writes an entry.
    ///
    /// # Errors
    /// It is not durable: what would follow it must not be done.
    fn append(&mut self, entry: &JournalEntry) -> Result<(), JournalError>;

    /// Everything that is kept, oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    fn entries(&self) -> Result<Vec<JournalEntry>, JournalError>;

    /// Drops entries useful only before this window; the last `Metered` and the last `Policy` stay.
    ///
    /// # Errors
    /// It cannot be written.
    fn prune(&mut self, before: Window) -> Result<(), JournalError>;
}
