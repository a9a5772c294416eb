//! What the national grid bills and credits, in whole micro-units. Money is never a float here.
//!
//! One rounding rule per direction: what a home pays is rounded up, what it is credited is rounded
//! down, per home and window. A negative import tariff is a credit (and so rounded down), a negative
//! feed-in tariff is a bill (and so rounded up).

use wattpool_schema::units::WH_PER_KWH;
use wattpool_schema::Tariff;

/// `wh · tariff`, in micro-units per thousand; always within `i128`.
fn product(wh: u64, tariff: Tariff) -> i128 {
    i128::from(wh).saturating_mul(i128::from(tariff.get()))
}

/// What `wh` from the national grid cost, micro-units: `ceil(wh · tariff / 1000)`.
pub fn grid_cost(wh: u64, import: Tariff) -> i128 {
    product(wh, import)
        .saturating_neg()
        .div_euclid(i128::from(WH_PER_KWH))
        .saturating_neg()
}

/// What `wh` fed in earn, micro-units: `floor(wh · tariff / 1000)`. Negative for a negative tariff:
/// the operator pays no less than nothing, and the negative part is on the home's grid bill.
pub fn feed_in_credit(wh: u64, feed_in: Tariff) -> i128 {
    product(wh, feed_in).div_euclid(i128::from(WH_PER_KWH))
}

/// Micro-units held to the range of a JSON-friendly integer.
pub fn to_i64(micro: i128) -> i64 {
    i64::try_from(micro).unwrap_or(if micro < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payments_round_up_and_credits_round_down() {
        assert_eq!(grid_cost(1, Tariff(1)), 1);
        assert_eq!(grid_cost(1_500, Tariff(300_001)), 450_002);
        assert_eq!(grid_cost(0, Tariff(300_000)), 0);
        assert_eq!(feed_in_credit(1, Tariff(999)), 0);
        assert_eq!(feed_in_credit(1_500, Tariff(80_001)), 120_001);
    }

    #[test]
    fn a_negative_tariff_swaps_the_direction_but_never_favours_the_home() {
        assert_eq!(grid_cost(1_500, Tariff(-1)), -1);
        assert_eq!(feed_in_credit(1_500, Tariff(-1)), -2);
    }

    #[test]
    fn the_largest_values_do_not_wrap() {
        let most = i128::from(u64::MAX) * i128::from(i64::MAX);
        assert_eq!(feed_in_credit(u64::MAX, Tariff(i64::MAX)), most / 1_000);
        assert_eq!(to_i64(most), i64::MAX);
        assert_eq!(to_i64(-most), i64::MIN);
        assert_eq!(to_i64(-5), -5);
    }
}
