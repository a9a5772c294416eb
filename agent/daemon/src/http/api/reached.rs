//! Limits of a day that leave no trade any more: said in words, for an offer of nothing tells nobody why.

use super::market::Limits;
use schemars::JsonSchema;
use serde::Serialize;
use wattpool_core::agent::Snapshot;
use wattpool_core::io;
use wattpool_core::policy::Policy;
use wattpool_schema::{Micro, Price, Seconds, Wh, WH_PER_KWH};

/// Limits count days of UTC.
const DAY_S: u64 = 86_400;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limited {
    /// Money spent a day, micro-units.
    Spend,
    /// Energy bought a day, Wh.
    Buy,
    /// Energy sold a day, Wh.
    Sell,
}

/// A limit of which today too little is left for the smallest trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reached {
    /// What is limited.
    limited: Limited,
    /// It is set on the chain, by the owner's key; otherwise in the policy.
    on_chain: bool,
    /// The limit.
    limit: u64,
    /// What of it is used today.
    used: u64,
    /// When it begins anew.
    again: Seconds,
}

/// What a day is limited to, and what of it is used.
struct Day {
    on_chain: bool,
    spend: (Option<Micro>, Micro),
    buy: (Option<Wh>, Wh),
    sell: (Option<Wh>, Wh),
}

/// What the smallest trade costs, micro-units: at the least that is asked now, otherwise at the grid's price, the most that a trade can cost.
fn least_payment(policy: &Policy, window: &Snapshot, grid: Option<i64>) -> Micro {
    let offers = window.offers.iter();
    let asked = offers.map(|o| o.price.saturating_add(o.charge)).min();
    let grid = grid.map(|import| Price(import.max(0).unsigned_abs()));
    let price = asked.or(grid).unwrap_or(Price(0)).0;
    let micro = u128::from(policy.min_trade_wh.0.max(1)).saturating_mul(u128::from(price));
    let micro = u64::try_from(micro.div_ceil(u128::from(WH_PER_KWH)));
    Micro(micro.unwrap_or(u64::MAX).max(1))
}

/// Limits that are reached. `now`: the chain's time; `grid`: what it asks for a kWh; `chain`: limits there, as far as they are known of today.
pub fn reached(
    policy: &Policy,
    window: &Snapshot,
    now: Seconds,
    grid: Option<i64>,
    chain: Option<&Limits>,
) -> Vec<Reached> {
    let least = Wh(policy.min_trade_wh.0.max(1));
    let payment = least_payment(policy, window, grid);
    let again = Seconds(
        io::Day::of(now)
            .number
            .saturating_add(1)
            .saturating_mul(DAY_S),
    );
    let own = Day {
        on_chain: false,
        spend: (policy.max_spend_per_day, window.spent_today),
        buy: (policy.max_buy_wh_per_day, window.bought_today),
        sell: (policy.max_sell_wh_per_day, window.sold_today),
    };
    let mut all = Vec::new();
    for day in [Some(own), chain.map(Limits::day)].into_iter().flatten() {
        let mut add = |limited, limit: Option<u64>, used: u64, least: u64| {
            if let Some(limit) = limit.filter(|limit| limit.saturating_sub(used) < least) {
                all.push(Reached {
                    limited,
                    on_chain: day.on_chain,
                    limit,
                    used,
                    again,
                });
            }
        };
        if policy.buy {
            let (limit, used) = day.spend;
            add(Limited::Spend, limit.map(|l| l.0), used.0, payment.0);
            let (limit, used) = day.buy;
            add(Limited::Buy, limit.map(|l| l.0), used.0, least.0);
        }
        if policy.sell {
            let (limit, used) = day.sell;
            add(Limited::Sell, limit.map(|l| l.0), used.0, least.0);
        }
    }
    all
}

impl Limits {
    const fn day(&self) -> Day {
        Day {
            on_chain: true,
            spend: (self.limits.max_spend_per_day, self.spent_today),
            buy: (self.limits.max_buy_per_day, self.bought_today),
            sell: (self.limits.max_sell_per_day, self.sold_today),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_schema::escrow;

    const NOON: Seconds = Seconds(20_000 * DAY_S + DAY_S / 2);

    fn told(policy: &Policy, window: &Snapshot, chain: Option<&Limits>) -> Vec<(Limited, bool)> {
        let all = reached(policy, window, NOON, Some(300_000), chain);
        assert!(all.iter().all(|r| r.again == Seconds(20_001 * DAY_S)));
        all.iter().map(|r| (r.limited, r.on_chain)).collect()
    }

    #[test]
    fn a_limit_is_reached_once_the_smallest_trade_is_beyond_it() {
        let policy = Policy {
            max_spend_per_day: Some(Micro(1_000_000)),
            max_buy_wh_per_day: Some(Wh(5_000)),
            max_sell_wh_per_day: Some(Wh(2_000)),
            min_trade_wh: Wh(10),
            ..Policy::default()
        };
        let mut window = Snapshot {
            // 10 Wh at the grid's 0.30 are 3,000.
            spent_today: Micro(997_000),
            bought_today: Wh(4_990),
            sold_today: Wh(1_990),
            ..Snapshot::default()
        };
        assert_eq!(told(&policy, &window, None), []);
        window.spent_today = Micro(997_001);
        assert_eq!(told(&policy, &window, None), [(Limited::Spend, false)]);
        window.bought_today = Wh(4_991);
        window.sold_today = Wh(2_001);
        let all = [Limited::Spend, Limited::Buy, Limited::Sell];
        assert_eq!(told(&policy, &window, None), all.map(|what| (what, false)));
        // Who does not buy is told nothing of what could be bought.
        let seller = Policy {
            buy: false,
            ..policy
        };
        assert_eq!(told(&seller, &window, None), [(Limited::Sell, false)]);
        assert_eq!(told(&Policy::default(), &window, None), []);
    }

    #[test]
    fn limits_on_the_chain_are_told_beside_the_policys() {
        let chain = Limits {
            limits: escrow::Limits {
                max_buy_per_day: Some(Wh(700)),
                ..escrow::Limits::default()
            },
            set: true,
            spent_today: Micro(9),
            bought_today: Wh(700),
            sold_today: Wh(0),
        };
        let (policy, window) = (Policy::default(), Snapshot::default());
        let told = told(&policy, &window, Some(&chain));
        assert_eq!(told, [(Limited::Buy, true)]);
    }
}
