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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_down_and_is_never_negative() {
        assert_eq!(credit(Wh(999), Tariff(1)), Ok(Micro(0)));
        assert_eq!(credit(Wh(1500), Tariff(80_001)), Ok(Micro(120_001)));
        assert_eq!(credit(Wh(1500), Tariff(-5)), Ok(Micro(0)));
    }
}
