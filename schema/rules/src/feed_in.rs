//! Feed-in credit: what the national grid pays for what nobody bought.

use crate::{to_u64, OutOfRange};
use wattpool_schema::{Micro, Tariff, Wh, WH_PER_KWH};

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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn rounds_down_and_is_never_negative() {
        assert_eq!(credit(Wh(999), Tariff(1)), Ok(Micro(0)));
        assert_eq!(credit(Wh(1500), Tariff(80_001)), Ok(Micro(120_001)));
        assert_eq!(credit(Wh(1500), Tariff(-5)), Ok(Micro(0)));
    }
}
