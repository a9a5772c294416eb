//! The price of surplus from supply and demand (FR-07): the supply-demand-ratio formula of Liu et al.,
//! "Energy-sharing model with price-based demand response for microgrids of peer-to-peer prosumers",
//! IEEE Transactions on Power Systems 32(5), 2017, eq. (5).

use wattpool_schema::{Ppm, Price, Tariff, Wh, PPM};

/// Highest and lowest sensible price between two zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corridor {
    /// `U`: the grid's price less the network charge. Above it the buyer takes the grid.
    pub upper: Price,
    /// `max(L, U/10)` with `L = max(feed-in, 0) / e`. Below `L` the seller feeds in.
    pub lower: Price,
}

/// The corridor of a zone pair; `None` when trading between them gains nobody anything (`U < L`, or
/// `U` is negative, or everything is lost on the way). Ties trade.
pub fn corridor(import: Tariff, feed_in: Tariff, charge: Price, loss: Ppm) -> Option<Corridor> {
    let upper = i128::from(import.0).checked_sub(i128::from(charge.0))?;
    let upper = u64::try_from(upper).ok()?;
    let floor = sale_floor(feed_in, loss)?.0;
    if upper < floor {
        return None;
    }
    Some(Corridor {
        upper: Price(upper),
        lower: Price(floor.max(upper / 10)),
    })
}

/// Price per kWh that arrives at which every kWh that is sent brings the feed-in tariff: `max(feed-in, 0) / (1 − loss)`, rounded up; `None` when everything
/// is lost on the way.
pub fn sale_floor(feed_in: Tariff, loss: Ppm) -> Option<Price> {
    let kept = u128::from(PPM.saturating_sub(loss.0));
    let feed_in = u128::from(feed_in.0.max(0).unsigned_abs());
    let floor = feed_in.saturating_mul(u128::from(PPM));
    let floor = (kept != 0).then(|| floor.div_ceil(kept))?;
    u64::try_from(floor).ok().map(Price)
}

/// Liu's selling price with the ratio `r = supply/demand` capped at 1:
/// `U·L / ((U − L)·r + L)`, rounded down; `U` when nothing is supplied, `L` when supply reaches demand.
pub fn selling_price(corridor: Corridor, supply: Wh, demand: Wh) -> Price {
    let (u, l) = (u128::from(corridor.upper.0), u128::from(corridor.lower.0));
    if demand.0 <= supply.0 {
        return corridor.lower;
    }
    // Energies beyond 2^60 Wh would overflow the products; scaling both keeps the ratio.
    let shift = 64u32
        .saturating_sub(demand.0.leading_zeros())
        .saturating_sub(56);
    let (s, d) = (u128::from(supply.0 >> shift), u128::from(demand.0 >> shift));
    let below = u
        .saturating_sub(l)
        .saturating_mul(s)
        .saturating_add(l.saturating_mul(d));
    let above = u.checked_mul(l).and_then(|ul| ul.checked_mul(d));
    let price = above.and_then(|a| a.checked_div(below)).unwrap_or(u);
    Price(u64::try_from(price).unwrap_or(u64::MAX)).clamp(corridor.lower, corridor.upper)
}

/// The most that an announced price comes to per kWh that arrives over a pair: `price / (1 − loss)`, rounded up like [`sale_floor`], so that
/// who announces the feed-in tariff may ask for it; `None` when everything is lost on the way.
pub fn announced_most(price: Price, loss: Ppm) -> Option<Price> {
    let kept = u128::from(PPM.saturating_sub(loss.0));
    let all = u128::from(price.0).saturating_mul(u128::from(PPM));
    let most = (kept != 0).then(|| all.div_ceil(kept))?;
    Some(Price(u64::try_from(most).unwrap_or(u64::MAX)))
}

/// What deficits that anybody may announce come to: each counts for at most four times their (lower) median, so that a few that exaggerate move the sum
/// by little. Sorts them.
pub fn robust_demand(deficits: &mut [Wh]) -> Wh {
    deficits.sort_unstable();
    let middle = deficits.len().saturating_sub(1) / 2;
    let most = deficits
        .get(middle)
        .map_or(Wh::ZERO, |m| Wh(m.0.saturating_mul(4)));
    deficits
        .iter()
        .fold(Wh::ZERO, |sum, wh| sum.saturating_add((*wh).min(most)))
}

/// The owner's margin, floor and ceiling on top of a computed price. A floor above the ceiling wins: the owner's least is the least.
pub fn with_owner_limits(
    price: Price,
    margin_permille: u32,
    floor: Option<Price>,
    ceiling: Option<Price>,
) -> Price {
    let raised = u128::from(price.0)
        .saturating_mul(1000u128.saturating_add(u128::from(margin_permille)))
        .checked_div(1000)
        .unwrap_or(0);
    let raised = Price(u64::try_from(raised).unwrap_or(u64::MAX));
    let capped = ceiling.map_or(raised, |c| raised.min(c));
    floor.map_or(capped, |f| capped.max(f))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn liu_at_the_ends_and_between() {
        let c = corridor(Tariff(300_000), Tariff(100_000), Price(0), Ppm(0)).unwrap();
        assert_eq!(
            c,
            Corridor {
                upper: Price(300_000),
                lower: Price(100_000)
            }
        );
        assert_eq!(selling_price(c, Wh(0), Wh(100)), Price(300_000));
        assert_eq!(selling_price(c, Wh(100), Wh(100)), Price(100_000));
        assert_eq!(selling_price(c, Wh(500), Wh(100)), Price(100_000));
        // r = 1/2: 3e5·1e5 / (2e5/2 + 1e5) = 150,000
        assert_eq!(selling_price(c, Wh(50), Wh(100)), Price(150_000));
        assert_eq!(selling_price(c, Wh(0), Wh(0)), Price(100_000));
        // The same ratio of energies whose products would overflow.
        assert_eq!(selling_price(c, Wh(1 << 61), Wh(1 << 62)), Price(150_000));
        assert_eq!(
            selling_price(c, Wh(1 << 56), Wh(1 << 62)),
            selling_price(c, Wh(1), Wh(64))
        );
        // Where the grid pays little, a tenth of what it asks is the least.
        let c = corridor(Tariff(300_007), Tariff(20), Price(0), Ppm(0)).unwrap();
        assert_eq!(c.lower, Price(30_000));
    }

    #[test]
    fn a_deficit_counts_for_four_times_the_lower_median_at_most() {
        let sum = |wh: &[u64]| robust_demand(&mut wh.iter().copied().map(Wh).collect::<Vec<_>>());
        assert_eq!(sum(&[]), Wh(0));
        assert_eq!(sum(&[9]), Wh(9));
        assert_eq!(sum(&[100, 1, 2, 3]), Wh(1 + 2 + 3 + 8));
        assert_eq!(sum(&[5, 100, 1, 2, 3]), Wh(1 + 2 + 3 + 5 + 12));
        assert_eq!(sum(&[0, 0, 50]), Wh(0));
    }

    #[test]
    fn no_gain_no_trade_and_ties_trade() {
        assert_eq!(corridor(Tariff(100), Tariff(100), Price(1), Ppm(0)), None);
        assert_eq!(corridor(Tariff(-1), Tariff(-9), Price(0), Ppm(0)), None);
        assert!(corridor(Tariff(100), Tariff(93), Price(0), Ppm(70_000)).is_some());
        assert_eq!(
            corridor(Tariff(100), Tariff(94), Price(0), Ppm(70_000)),
            None
        );
        assert_eq!(corridor(Tariff(100), Tariff(0), Price(0), Ppm(PPM)), None);
        let free = corridor(Tariff(0), Tariff(-5), Price(0), Ppm(0)).unwrap();
        assert_eq!(selling_price(free, Wh(1), Wh(2)), Price(0));
    }

    #[test]
    fn who_announces_the_feed_in_tariff_may_ask_for_it_everywhere() {
        for loss in (0..1_000_000).step_by(7_919) {
            let floor = sale_floor(Tariff(80_000), Ppm(loss)).unwrap();
            assert_eq!(announced_most(Price(80_000), Ppm(loss)), Some(floor));
        }
        assert_eq!(announced_most(Price(1), Ppm(PPM)), None);
        assert_eq!(
            announced_most(Price(u64::MAX), Ppm(PPM - 1)),
            Some(Price(u64::MAX))
        );
    }

    /// Homes' deficits, spread over two powers of ten, in 2,000 windows of 64 of them, a tenth liars that claim all that a home can be registered for, or
    /// nothing: in 95 of 100 windows the price moves by at most a fifth of the corridor.
    #[test]
    fn a_tenth_of_liars_moves_the_price_by_little() {
        let c = corridor(Tariff(300_000), Tariff(100_000), Price(0), Ppm(0)).unwrap();
        let mut state = 7u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        for claim in [0, 25_000] {
            let mut far = 0;
            for _ in 0..2_000 {
                // 10 to 1,000 Wh, as many below 100 as above.
                let honest: Vec<Wh> = (0..64)
                    .map(|_| {
                        let part = next() % 900;
                        Wh(if next() % 2 == 0 {
                            10 + part / 10
                        } else {
                            100 + part
                        })
                    })
                    .collect();
                let mut lied = honest.clone();
                for liar in lied.iter_mut().take(6) {
                    *liar = Wh(claim);
                }
                let mut truth = honest;
                let all: u64 = truth.iter().map(|wh| wh.0).sum();
                let supply = Wh(all * (next() % 120) / 100);
                let fair = selling_price(c, supply, robust_demand(&mut truth));
                let moved = selling_price(c, supply, robust_demand(&mut lied));
                far += u32::from(fair.0.abs_diff(moved.0) > 200_000 / 5);
            }
            assert!(far <= 100, "claims of {claim} Wh: {far} of 2,000 windows");
        }
    }

    #[test]
    fn owner_limits() {
        assert_eq!(with_owner_limits(Price(100), 100, None, None), Price(110));
        assert_eq!(
            with_owner_limits(Price(100), 0, Some(Price(120)), None),
            Price(120)
        );
        assert_eq!(
            with_owner_limits(Price(100), 0, None, Some(Price(90))),
            Price(90)
        );
        assert_eq!(
            with_owner_limits(Price(100), 0, Some(Price(95)), Some(Price(90))),
            Price(95)
        );
    }

    proptest! {
        #[test]
        fn price_stays_in_the_corridor_and_falls_with_supply(
            import in 0i64..2_000_000, feed_in in -100_000i64..500_000, supply in 0u64..1 << 62, demand in 0u64..1 << 62,
        ) {
            if let Some(c) = corridor(Tariff(import), Tariff(feed_in), Price(0), Ppm(0)) {
                let p = selling_price(c, Wh(supply), Wh(demand));
                prop_assert!(c.lower <= p && p <= c.upper);
                prop_assert!(selling_price(c, Wh(supply / 2), Wh(demand)) >= p);
            }
        }
    }
}
