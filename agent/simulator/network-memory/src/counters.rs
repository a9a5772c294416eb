//! What the network counts.

use serde::Serialize;

/// Values told apart exactly; above, a bucket is at most 1/32 wide.
const EXACT: u32 = 64;
/// Buckets per doubling above [`EXACT`].
const PER_DOUBLING: u32 = 32;

/// Totals since the start. Every message is counted where it is sent, whether it arrives or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Messages sent: requests, answers, direct ones.
    pub messages: u64,
    /// Messages that never arrived: lost on the way, or sent to a node that was offline.
    pub lost: u64,
    /// Requests given up after all retries.
    pub timeouts: u64,
    /// Bytes sent, estimated from the sizes of ids, addresses and records.
    pub bytes: u64,
    /// Direct messages between two meters.
    pub direct: u64,
    /// Announcements.
    pub announcements: u64,
    /// Withdrawals.
    pub withdrawals: u64,
    /// Look-ups, each over one or more locations.
    pub lookups: u64,
    /// Look-ups in which at least one location's closest nodes were not remembered.
    pub cold_lookups: u64,
    /// Searches for the closest nodes of a location, by look-ups, announcements and withdrawals.
    pub searches: u64,
    /// Rounds of those searches.
    pub search_rounds: u64,
    /// Rounds of look-ups, one after another: the longest location's count of each.
    pub rounds: u64,
    /// Messages of one look-up.
    pub messages_per_lookup: Distribution,
    /// Duration of one look-up, milliseconds.
    pub lookup_ms: Distribution,
}

/// How often which value occurred: exact below 64, within 1/32 above.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Distribution {
    count: u64,
    sum: u64,
    most: u64,
    buckets: Vec<u64>,
}

impl Distribution {
    /// Adds a value; values above 2³² − 1 count as that.
    pub fn add(&mut self, value: u64) {
        let slot = slot(value);
        if self.buckets.len() <= slot {
            self.buckets.resize(slot.saturating_add(1), 0);
        }
        if let Some(n) = self.buckets.get_mut(slot) {
            *n = n.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(value);
        self.most = self.most.max(value);
    }

    /// Number of values.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Mean; `None` without values.
    #[allow(clippy::cast_precision_loss, reason = "a reported mean")]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// Largest value; 0 without values.
    pub const fn most(&self) -> u64 {
        self.most
    }

    /// The value that `percent` per cent do not exceed (nearest rank, upper end of its bucket); `None` without values.
    pub fn percentile(&self, percent: u8) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let rank = self
            .count
            .saturating_mul(u64::from(percent.min(100)))
            .div_ceil(100)
            .max(1);
        let mut seen = 0u64;
        for (slot, n) in (0u32..).zip(&self.buckets) {
            seen = seen.saturating_add(*n);
            if seen >= rank {
                return Some(upper(slot).min(self.most));
            }
        }
        Some(self.most)
    }
}

/// The bucket of a value.
fn slot(value: u64) -> usize {
    let value = u32::try_from(value).unwrap_or(u32::MAX);
    let slot = if value < EXACT {
        value
    } else {
        // The five bits after the leading one choose among the doubling's buckets.
        let doubling = value.ilog2();
        let within = (value >> doubling.saturating_sub(5)) & 31;
        doubling
            .saturating_sub(6)
            .saturating_mul(PER_DOUBLING)
            .saturating_add(EXACT)
            .saturating_add(within)
    };
    usize::try_from(slot).unwrap_or(usize::MAX)
}

/// The largest value of a bucket.
fn upper(slot: u32) -> u64 {
    let Some(above) = slot.checked_sub(EXACT) else {
        return u64::from(slot);
    };
    let width_bits = above.wrapping_div(PER_DOUBLING).saturating_add(1);
    let lead = u64::from(above % PER_DOUBLING).saturating_add(33);
    (lead << width_bits.min(58)).saturating_sub(1)
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers of a test"
)]
mod tests {
    use super::*;

    #[test]
    fn buckets_tile_the_range() {
        let mut last = 0;
        for value in (0..5_000u64).chain([65_535, 65_536, 1 << 20, u64::from(u32::MAX)]) {
            let at = slot(value);
            assert!(at >= last, "{value}");
            last = at;
            let top = upper(u32::try_from(at).unwrap());
            assert!(
                top >= value && top <= value + value / 32,
                "{value} in a bucket up to {top}"
            );
        }
        assert!(last < 1_000);
    }

    #[test]
    fn percentiles_by_nearest_rank() {
        let mut d = Distribution::default();
        assert_eq!((d.percentile(50), d.mean()), (None, None));
        for v in 1..=100 {
            d.add(v);
        }
        assert_eq!(d.percentile(0), Some(1));
        assert_eq!(d.percentile(50), Some(50));
        assert_eq!(d.percentile(95), Some(95));
        assert_eq!(d.percentile(100), Some(100));
        assert_eq!(d.mean(), Some(50.5));
        d.add(1_000_000);
        assert_eq!((d.most(), d.percentile(100)), (1_000_000, Some(1_000_000)));
    }
}
