//! Local time: what the host goes by, and how far the chain is behind it.

use std::time::Duration;
use tokio::time::Instant;
use wattpool_core::io::Millis;
use wattpool_schema::Seconds;

/// A local clock before this has not been set: 2024-01-01, as in [`wattpool_core::clock`].
const SET_MS: u64 = 1_704_067_200_000;

/// Local time since the start. It may be wrong: then only differences count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalClock {
    pub begun: Instant,
    pub started_at: Millis,
}

impl LocalClock {
    pub fn now(&self) -> Millis {
        let passed = self.begun.elapsed().as_millis();
        self.started_at
            .plus(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// How far a block time lies behind; none while the clock has not been set.
    pub fn behind(&self, time: Seconds) -> Option<Duration> {
        let now = Some(self.now().0).filter(|now| *now >= SET_MS)?;
        Some(Duration::from_millis(
            now.saturating_sub(time.0.saturating_mul(1000)),
        ))
    }
}
