//! What an operation came to.

use std::sync::Arc;
use wattpool_schema::peer::SignedRecord;

/// What became of an announcement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnounceOutcome {
    /// Replicas that now hold the record.
    pub stored: u32,
    /// Replicas that said so in time; the announcer knows of these only.
    pub acknowledged: u32,
    /// Replicas that were reached and refused: forged, expired, or they hold a higher sequence.
    pub refused: u32,
    /// When the last answer came or was given up, milliseconds.
    pub completed_at: u64,
}

/// What became of a withdrawal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WithdrawOutcome {
    /// Replicas that listed the meter and no longer do.
    pub removed: u32,
    /// When the last answer came or was given up, milliseconds.
    pub completed_at: u64,
}

/// What a look-up found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookupOutcome {
    /// When the last location was answered, at most the deadline; milliseconds.
    pub completed_at: u64,
    /// True if every location was answered by `alpha` replicas (by all, where there are fewer) before the deadline.
    pub complete: bool,
    /// One record per meter and kind, the highest sequence seen, in the order in which locations were named.
    pub records: Vec<Arc<SignedRecord>>,
}
