//! Random numbers of the generator: one numbered ChaCha stream per purpose, so that more homes or more
//! days never change the draws of the others.

use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Words reserved for one day of a stream: far more than a day of one-minute steps draws.
const DAY_WORDS: u128 = 1 << 24;

/// What a stream is drawn for; the home's index is added where it is one home's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Weather that all homes share.
    Weather,
    /// What a home is: size, roof, habits.
    Traits,
    /// The sky above one home.
    Sky,
    /// What the people in one home do.
    Demand,
}

impl Purpose {
    /// Number of the stream: purposes in the low bits, homes above.
    const fn stream(self, home: u32) -> u64 {
        (home as u64) << 2 | self as u64
    }
}

/// A seeded stream of draws.
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream of a purpose for a home (0 for what is shared).
    pub(crate) fn new(seed: u64, purpose: Purpose, home: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose.stream(home));
        Self(rng)
    }

    /// Moves to the start of a day's own section of the stream.
    pub(crate) fn seek_day(&mut self, day: u32) {
        self.0
            .set_word_pos(DAY_WORDS.saturating_mul(u128::from(day)));
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub(crate) fn unit(&mut self) -> f64 {
        let bits = self.0.next_u64() >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }

    /// Uniform among `0..n` (multiply and shift; the bias of at most n/2³² does not matter here).
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        let product = u64::from(self.0.next_u32()).saturating_mul(u64::from(n));
        u32::try_from(product >> 32).unwrap_or(0)
    }

    /// Uniform in `[low, high)`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Close to normal with mean 0 and variance 1, within ±3.47: the sum of four uniform draws
    /// (Irwin–Hall, variance 4/12) taken from one 64-bit word. Needs no logarithm, so it is the same
    /// everywhere.
    pub(crate) fn normal(&mut self) -> f64 {
        let word = self.0.next_u64();
        let sum: f64 = [0_u32, 16, 32, 48]
            .iter()
            .map(|shift| f64::from((word >> shift & 0xFFFF) as u16))
            .sum();
        // Four 16-bit draws have mean 4·32767.5 and, scaled to [0, 1], variance 1/3.
        (sum - 131_070.0) / 65_536.0 * 3.0_f64.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_starts_with_the_same_numbers_everywhere() {
        let mut draws = Draws::new(1, Purpose::Demand, 3);
        let first = draws.unit();
        draws.seek_day(2);
        let later = draws.unit();
        let mut again = Draws::new(1, Purpose::Demand, 3);
        again.seek_day(2);
        assert_eq!(again.unit().to_bits(), later.to_bits());
        again.seek_day(0);
        assert_eq!(again.unit().to_bits(), first.to_bits());
        assert_ne!(first.to_bits(), later.to_bits());
    }

    #[test]
    fn streams_differ_by_seed_purpose_and_home() {
        let first = |seed, purpose, home| Draws::new(seed, purpose, home).unit().to_bits();
        let all = [
            first(1, Purpose::Demand, 0),
            first(2, Purpose::Demand, 0),
            first(1, Purpose::Sky, 0),
            first(1, Purpose::Demand, 1),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(
                all.iter().skip(i + 1).all(|b| a != b),
                "streams coincide: {all:?}"
            );
        }
    }

    #[test]
    fn normal_draws_have_mean_zero_and_variance_one() {
        let mut draws = Draws::new(7, Purpose::Weather, 0);
        let n = 50_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let x = draws.normal();
            sum += x;
            squares += x * x;
        }
        let mean = sum / f64::from(n);
        let variance = squares / f64::from(n) - mean * mean;
        assert!(mean.abs() < 0.02, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.03, "variance {variance}");
    }
}
