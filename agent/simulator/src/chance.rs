//! Draws from the run's seed: one numbered stream per purpose, so that one fault does not move another.

use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Keys = 1,
    Sellers = 2,
    Failing = 3,
    Crashes = 4,
    Readings = 5,
    Halts = 6,
    BadSellers = 7,
    BadFailures = 8,
    Duplicates = 9,
    Fees = 10,
    Attackers = 11,
}

/// Whole milliseconds, within 0 and 10^15, where every whole number is exact.
pub(crate) fn whole_ms(ms: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = ms.clamp(0.0, 1e15) as u64;
    whole
}

/// A stream of draws.
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    pub fn new(seed: u64, stream: Stream) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64);
        Self(rng)
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        // 53 bits fill a double's mantissa exactly.
        let bits = self.0.next_u64() >> 11;
        bits as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub fn happens(&mut self, p: f64) -> bool {
        p > 0.0 && self.unit() < p
    }

    /// Uniform in `[from, to)`; `from` when that is empty.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        let span = to.saturating_sub(from);
        from.saturating_add(self.0.next_u64().checked_rem(span).unwrap_or(0))
    }

    /// Exponential with this mean, in whole milliseconds, by inversion with a fixed logarithm.
    pub fn exponential_ms(&mut self, mean: f64) -> u64 {
        whole_ms(-libm::log(1.0 - self.unit()) * mean)
    }

    /// Fills bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.0.fill_bytes(&mut out);
        out
    }
}
