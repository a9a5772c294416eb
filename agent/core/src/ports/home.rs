//! What stands in the home: the meter, the gate to the national grid, the journal.

use crate::io::{BlockRef, Gate, JournalEntry, Notice, Reading};
use std::future::Future;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::Tariffs;
use wattpool_schema::{Seconds, Window};

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

/// What the owner may look up later. The agent does not need it to go on.
pub trait History: Send {
    /// The block up to which everything is noted, if anything is.
    ///
    /// # Errors
    /// It cannot be read.
    fn noted_to(&self) -> Result<Option<u64>, JournalError>;

    /// Everything up to this block is noted.
    ///
    /// # Errors
    /// It cannot be written.
    fn set_noted_to(&mut self, height: u64) -> Result<(), JournalError>;

    /// Notes what a block did to this meter; the same block again changes nothing.
    ///
    /// # Errors
    /// It cannot be written.
    fn note_events(&mut self, block: BlockRef, events: &[MarketEvent]) -> Result<(), JournalError>;

    /// Notes the grid's tariffs of a metered window: what its energy would have cost without trading.
    ///
    /// # Errors
    /// It cannot be written.
    fn note_tariffs(&mut self, window: Window, tariffs: Tariffs) -> Result<(), JournalError>;

    /// Notes what the agent told its owner.
    ///
    /// # Errors
    /// It cannot be written.
    fn note(&mut self, at: Seconds, notice: &Notice) -> Result<(), JournalError>;
}
