//! What trading brings the homes, for those with and without generation of their own.

use serde::{Deserialize, Serialize};

use crate::accounts::HomeAccount;
use crate::dictionary::described;
use crate::money::to_i64;

described! {
/// Homes with something in common, over the finished windows. Money in micro-units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// How many.
    pub homes: u64,
    /// Their bills together, fees included.
    pub bill: i64,
    /// The same without trading.
    pub bill_without_trading: i64,
    /// What trading brings them after fees: the difference.
    pub gain: i64,
    /// Of it, before fees, what selling brought over the feed-in credit.
    pub from_selling: i64,
    /// Of it, before fees, what buying saved against the grid.
    pub from_buying: i64,
    /// Their fees.
    pub fees: i64,
    /// Gain of the home in the middle: as many gain more as gain less.
    pub gain_median: i64,
    /// The least gain of a home; negative is a loss.
    pub gain_least: i64,
    /// The largest.
    pub gain_most: i64,
    /// Homes that lose by trading, fees included.
    pub losers: u64,
}
}

/// The middle of ascending values; of two, the lower one and half the way between them. None: zero.
fn median(sorted: &[i128]) -> i128 {
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0);
    if sorted.len() % 2 == 1 {
        return at(middle);
    }
    let (low, high) = (at(middle.saturating_sub(1)), at(middle));
    low.saturating_add(high.saturating_sub(low) / 2)
}

impl Group {
    /// Sums over homes.
    pub fn of<'a>(homes: impl Iterator<Item = &'a HomeAccount>) -> Self {
        let mut gains = Vec::new();
        let [mut bill, mut without, mut selling, mut buying, mut fees] = [0i128; 5];
        for home in homes {
            let money = &home.money;
            gains.push(money.gain());
            for (sum, term) in [
                (&mut bill, money.bill()),
                (&mut without, money.bill_without_trading()),
                (&mut selling, money.prosumer_gain()),
                (&mut buying, money.consumer_savings()),
                (&mut fees, money.fees),
            ] {
                *sum = sum.saturating_add(term);
            }
        }
        gains.sort_unstable();
        let end = |value: Option<&i128>| to_i64(value.copied().unwrap_or(0));
        Self {
            homes: gains.len() as u64,
            bill: to_i64(bill),
            bill_without_trading: to_i64(without),
            gain: to_i64(without.saturating_sub(bill)),
            from_selling: to_i64(selling),
            from_buying: to_i64(buying),
            fees: to_i64(fees),
            gain_median: to_i64(median(&gains)),
            gain_least: end(gains.first()),
            gain_most: end(gains.last()),
            losers: gains.iter().filter(|gain| **gain < 0).count() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_gains() {
        assert_eq!(median(&[]), 0);
        assert_eq!(median(&[7]), 7);
        assert_eq!(median(&[-4, 1]), -2);
        assert_eq!(median(&[1, 2, 900]), 2);
        assert_eq!(Group::of(std::iter::empty()), Group::default());
    }
}
