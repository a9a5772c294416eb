//! SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014): numbers that look drawn and follow from a seed, the same on
//! every machine. For ties, jitter, tests and prepared data; nothing that has to be secret comes from here.

/// What a step adds: 2⁶⁴ divided by the golden ratio, odd.
pub const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser: each bit of the word changes half of the result's.
pub const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The first number that is drawn from a seed: [`mix`] alone leaves zero where it is.
pub const fn spread(seed: u64) -> u64 {
    mix(seed.wrapping_add(STEP))
}

/// Draws numbers.
#[derive(Clone, Copy, Debug)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub const fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// From 0 to `below - 1`; 0 where nothing is below.
    pub const fn below(&mut self, below: u64) -> u64 {
        match self.word().checked_rem(below) {
            Some(drawn) => drawn,
            None => 0,
        }
    }

    /// From 0 to `below - 1`, for indices.
    pub fn index(&mut self, below: usize) -> usize {
        let below = u64::try_from(below).unwrap_or(u64::MAX);
        usize::try_from(self.below(below)).unwrap_or_default()
    }

    /// From `from` to `to`, both included.
    pub const fn between(&mut self, from: u64, to: u64) -> u64 {
        let span = to.saturating_sub(from).saturating_add(1);
        from.saturating_add(self.below(span))
    }

    /// True once in `n` times.
    pub const fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the paper's own code for seed 1234567, as other libraries print them.
    #[test]
    fn numbers_are_those_of_the_paper() {
        let mut chance = Chance::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expected.map(|_| chance.word()), expected);
        assert_eq!(spread(1_234_567), 6_457_827_717_110_365_317);
    }

    #[test]
    fn numbers_stay_where_they_are_asked_for() {
        let mut chance = Chance::new(1);
        assert_eq!((chance.below(0), chance.index(0)), (0, 0));
        for _ in 0..1_000 {
            assert!(chance.below(3) < 3 && chance.index(7) < 7);
            assert!((5..=9).contains(&chance.between(5, 9)));
        }
        let once = (0..10_000).filter(|_| chance.once_in(10)).count();
        assert!((900..1_100).contains(&once), "{once}");
    }
}
