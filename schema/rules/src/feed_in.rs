//! Feed-in credit: what the national grid pays for what nobody bought.

use crate::{to_u64, OutOfRange};
use wattpool_schema::error::MarketError;
use wattpool_schema::packed::packed;
use wattpool_schema::{Micro, Tariff, Wh, Window, WH_PER_KWH};

/// `floor(wh · max(tariff, 0) / 1000)`. The negative part of a feed-in tariff belongs to the grid bill.
///
/// # Errors
/// The result does not fit.
pub fn credit(wh: Wh, tariff: Tariff) -> Result<Micro, OutOfRange> {
    let rate = u128::from(tariff.0.max(0).unsigned_abs());
    let micro = u128::from(wh.0)
        .saturating_mul(rate)
        .checked_div(u128::from(WH_PER_KWH))
        .unwrap_or(0);
    to_u64(micro, "feed-in credit").map(Micro)
}

/// What is covered of a window's credit by `funded`, when the windows before it take `before` of that: the oldest go first.
pub fn covered(funded: Micro, before: Micro, window: Micro) -> Micro {
    funded.saturating_sub(before).min(window)
}

/// An owner's share of what is covered of a window's credit: pro rata, rounded down, so that all shares together are at most what is covered.
pub fn share(amount: Micro, covered: Micro, window: Micro) -> Micro {
    if covered >= window {
        return amount;
    }
    let part = u128::from(amount.0)
        .saturating_mul(u128::from(covered.0))
        .checked_div(u128::from(window.0))
        .unwrap_or(0);
    Micro(u64::try_from(part).unwrap_or(u64::MAX)).min(amount)
}

/// Windows whose struck credit is kept together.
const BLOCK: u64 = 64;

/// What was struck out of a block of 64 windows' credit, and of all windows before them. Blocks in which nothing was struck need not exist: what is struck before
/// a window is told by the last block at or before its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Struck {
    /// Struck in all windows before the block.
    pub before: Micro,
    /// Struck in windows of the block, ascending.
    pub windows: Vec<(Window, Micro)>,
}

packed!(Struck { before, windows });

impl Struck {
    /// The block of a window.
    pub const fn block(window: Window) -> u64 {
        window.0 / BLOCK
    }

    /// Struck in this block and before it.
    ///
    /// # Errors
    /// The sum does not fit.
    pub fn through(&self) -> Result<Micro, MarketError> {
        let mut amounts = self.windows.iter().map(|(_, amount)| *amount);
        amounts.try_fold(self.before, Micro::try_add)
    }

    /// Strikes an amount out of a window of this block.
    ///
    /// # Errors
    /// The sum does not fit.
    pub fn strike(&mut self, window: Window, amount: Micro) -> Result<(), MarketError> {
        let at = self.windows.partition_point(|(of, _)| *of < window);
        match self.windows.get_mut(at).filter(|(of, _)| *of == window) {
            Some((_, sum)) => *sum = sum.try_add(amount)?,
            None => self.windows.insert(at, (window, amount)),
        }
        Ok(())
    }

    /// A window's credit as if what is struck had never accrued: from what accrued before it and of it. `self` is the last block at or before the window's.
    pub fn without(&self, window: Window, (before, of): (Micro, Micro)) -> (Micro, Micro) {
        let mut struck = (self.before, Micro::ZERO);
        for (other, amount) in &self.windows {
            if *other < window {
                struck.0 = struck.0.saturating_add(*amount);
            } else if *other == window {
                struck.1 = *amount;
            }
        }
        (before.saturating_sub(struck.0), of.saturating_sub(struck.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_schema::packed;

    #[test]
    fn the_oldest_window_goes_first_and_shares_are_pro_rata() {
        assert_eq!(covered(Micro(100), Micro(30), Micro(50)), Micro(50));
        assert_eq!(covered(Micro(100), Micro(70), Micro(50)), Micro(30));
        assert_eq!(covered(Micro(100), Micro(100), Micro(50)), Micro(0));
        assert_eq!(covered(Micro(100), Micro(200), Micro(50)), Micro(0));
        let shares = [7, 13, 30].map(|a| share(Micro(a), Micro(20), Micro(50)).0);
        assert_eq!(shares, [2, 5, 12]);
        assert_eq!(share(Micro(7), Micro(50), Micro(50)), Micro(7));
        assert_eq!(share(Micro(7), Micro(0), Micro(0)), Micro(7));
        let most = Micro(u64::MAX);
        assert_eq!(share(most, Micro(u64::MAX - 1), most), Micro(u64::MAX - 1));
    }

    #[test]
    fn what_is_struck_counts_as_if_it_had_never_accrued() {
        let mut struck = Struck {
            before: Micro(5),
            windows: Vec::new(),
        };
        for (window, amount) in [(70, 7), (66, 1), (70, 3)] {
            struck.strike(Window(window), Micro(amount)).unwrap();
        }
        assert_eq!(
            struck.windows,
            [(Window(66), Micro(1)), (Window(70), Micro(10))]
        );
        assert_eq!(struck.through(), Ok(Micro(16)));
        let accrued = (Micro(100), Micro(40));
        for (window, expected) in [
            (65, (95, 40)),
            (66, (95, 39)),
            (70, (94, 30)),
            (200, (84, 40)),
        ] {
            let (before, of) = struck.without(Window(window), accrued);
            assert_eq!((before.0, of.0), expected, "window {window}");
        }
        assert_eq!(Struck::block(Window(63)) + 1, Struck::block(Window(64)));
        assert_eq!(
            packed::read(&packed::bytes(&struck)),
            Some(struck),
            "there and back"
        );
    }

    #[test]
    fn rounds_down_and_is_never_negative() {
        assert_eq!(credit(Wh(999), Tariff(1)), Ok(Micro(0)));
        assert_eq!(credit(Wh(1500), Tariff(80_001)), Ok(Micro(120_001)));
        assert_eq!(credit(Wh(1500), Tariff(-5)), Ok(Micro(0)));
    }
}
