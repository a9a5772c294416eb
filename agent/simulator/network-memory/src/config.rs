//! How the network behaves, and what is refused.

use serde::{Deserialize, Serialize};

/// Most nodes around a location that are told apart: one bit each in a replica set.
pub(crate) const NEAR: usize = 64;
/// Highest replication: half of [`NEAR`], so that live nodes are still among them when many are down.
const MAX_K: usize = 32;
/// Longest accepted time setting, milliseconds: an hour.
const MAX_MS: u64 = 3_600_000;

/// Size of the tables, delays and faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// Replicas of a record, and contacts per bucket: 1 to 32.
    pub k: usize,
    /// Nodes asked at a time: 1 to `k`.
    pub alpha: usize,
    /// One-way delay of a message, uniform, milliseconds: (least, most).
    pub latency_ms: (u64, u64),
    /// Share of messages that never arrive: 0 to 1.
    pub message_loss: f64,
    /// Mean of a further exponential one-way delay, milliseconds; 0 for none.
    pub extra_delay_mean_ms: f64,
    /// How often an unanswered request is sent again.
    pub retries: u32,
    /// Wait for an answer, milliseconds; a later one counts as none.
    pub timeout_ms: u64,
    /// Locations whose closest nodes a node remembers; the longest unused goes first.
    pub remembered_locations: usize,
    /// How long they are remembered (± a quarter, so that not all are renewed at once), milliseconds.
    pub remember_ms: u64,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            k: 20,
            alpha: 3,
            latency_ms: (10, 60),
            message_loss: 0.0,
            extra_delay_mean_ms: 0.0,
            retries: 2,
            timeout_ms: 1_000,
            remembered_locations: 32,
            remember_ms: 6 * 3_600_000,
        }
    }
}

/// Why a network could not be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// A setting is out of range.
    #[error("network.{field}: expected {expected}, found {found}")]
    Setting {
        /// The field.
        field: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it was.
        found: String,
    },
    /// Two ids share the 128 bits that routing looks at.
    #[error("nodes {first} and {second}: expected ids that differ in their first 16 bytes")]
    DuplicateId {
        /// One of them.
        first: u32,
        /// The other.
        second: u32,
    },
    /// More nodes than an index can name.
    #[error("nodes: expected fewer than 2^31, found {0}")]
    TooMany(usize),
}

impl NetworkConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`NetworkError::Setting`] with the first field out of range.
    pub fn check(&self) -> Result<(), NetworkError> {
        let refuse = |ok: bool, field, expected, found: String| {
            if ok {
                Ok(())
            } else {
                Err(NetworkError::Setting {
                    field,
                    expected,
                    found,
                })
            }
        };
        let (least, most) = self.latency_ms;
        refuse(
            (1..=MAX_K).contains(&self.k),
            "k",
            "1 to 32",
            self.k.to_string(),
        )?;
        refuse(
            (1..=self.k).contains(&self.alpha),
            "alpha",
            "1 to k",
            self.alpha.to_string(),
        )?;
        refuse(
            least <= most && most <= MAX_MS,
            "latency_ms",
            "least ≤ most ≤ 3600000",
            format!("({least}, {most})"),
        )?;
        refuse(
            (0.0..=1.0).contains(&self.message_loss),
            "message_loss",
            "a share from 0 to 1",
            self.message_loss.to_string(),
        )?;
        refuse(
            self.extra_delay_mean_ms >= 0.0 && self.extra_delay_mean_ms <= 3_600_000.0,
            "extra_delay_mean_ms",
            "0 to 3600000",
            self.extra_delay_mean_ms.to_string(),
        )?;
        refuse(
            self.retries <= 16,
            "retries",
            "0 to 16",
            self.retries.to_string(),
        )?;
        refuse(
            (1..=MAX_MS).contains(&self.timeout_ms),
            "timeout_ms",
            "1 to 3600000",
            self.timeout_ms.to_string(),
        )?;
        refuse(
            (1..=4096).contains(&self.remembered_locations),
            "remembered_locations",
            "1 to 4096",
            self.remembered_locations.to_string(),
        )
    }
}
