//! What can go wrong between a run and its report. Every message is one line.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::ceiling::CeilingError;

/// Why a run could not be measured: its columns do not fit the neighbourhood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MeasureError {
    /// A matrix of the outcome is too short.
    #[error("outcome: column {name} has {found} entries, expected at least {expected} (windows × homes)")]
    Column {
        /// Field of the outcome.
        name: &'static str,
        /// Entries needed.
        expected: usize,
        /// Entries there.
        found: usize,
    },
    /// A series of the neighbourhood is too short.
    #[error("neighbourhood: series {name} has {found} windows, expected at least {expected}")]
    Series {
        /// Field of the neighbourhood or of a home.
        name: &'static str,
        /// Windows needed.
        expected: usize,
        /// Windows there.
        found: usize,
    },
    /// More windows finished than there are.
    #[error(
        "outcome: {finished} windows finished, expected at most the neighbourhood's {planned}"
    )]
    Windows {
        /// Finished windows.
        finished: usize,
        /// The neighbourhood's windows.
        planned: usize,
    },
    /// A trade names a home that does not exist.
    #[error("outcome: trade {sequence} names home {home}, expected less than {homes}")]
    Home {
        /// The trade's position in the log.
        sequence: u64,
        /// The index.
        home: u32,
        /// Number of homes.
        homes: usize,
    },
    /// What messages cost cannot be read.
    #[error("measured gas: {0}")]
    Gas(String),
    /// Messages are counted for too few windows.
    #[error("outcome: {found} windows of {message} are counted, expected at least {expected}")]
    Sent {
        /// The message.
        message: String,
        /// Windows needed.
        expected: usize,
        /// Windows there.
        found: usize,
    },
    /// The ceiling could not be computed.
    #[error(transparent)]
    Ceiling(#[from] CeilingError),
}

/// Why a finished run could not be read.
#[derive(Debug, Error)]
pub enum RunError {
    /// The file of figures is not there or cannot be read.
    #[error("{}: {source}; expected the folder of a finished run, with summary.json in it", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// It is something else, or of another version.
    #[error("{}: line {}: {source}; expected what this version of simulate writes: run the scenario again", path.display(), source.line())]
    Summary {
        /// The file.
        path: PathBuf,
        /// The reader's word.
        source: serde_json::Error,
    },
    /// One run has nothing beside it.
    #[error("compare: found {found} run, expected two or more folders")]
    Few {
        /// Runs given.
        found: usize,
    },
}

/// Why results could not be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The output path exists and is not a directory.
    #[error("{}: exists and is not a directory, expected a directory for the results", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// A file or directory could not be created, written or renamed.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's word.
        source: io::Error,
    },
    /// A table row could not be written.
    #[error("{}: cannot write the table: {source}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The writer's word.
        source: csv::Error,
    },
    /// The summary could not be serialised.
    #[error("{}: cannot write the summary: {source}", path.display())]
    Summary {
        /// The file.
        path: PathBuf,
        /// The serialiser's word.
        source: serde_json::Error,
    },
    /// The page could not be drawn.
    #[error("{}: cannot draw the page: {reason}", path.display())]
    Page {
        /// The file.
        path: PathBuf,
        /// What failed.
        reason: String,
    },
    /// The run does not fit the neighbourhood.
    #[error(transparent)]
    Measure(#[from] MeasureError),
}
