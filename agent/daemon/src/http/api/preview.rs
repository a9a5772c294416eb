//! What another policy would have left of the last week. Trades that it would have brought about instead are not known:
//! what is told is what would have been lost.

use super::control::{amended, in_force, not_so};
use super::read;
use crate::http::answer::{Answer, Told};
use crate::http::Shared;
use axum::extract::State;
use axum::Json;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};
use wattpool_core::policy::Policy;
use wattpool_journal_sqlite::{TradeFilter, WindowRow};
use wattpool_schema::event::TradeClosed;
use wattpool_schema::{MeterId, Seconds, Wh, WH_PER_KWH};

/// A week, seconds.
const WEEK: u64 = 7 * 86_400;
const DAY: u64 = 86_400;
/// Trades looked at: more than a week of windows has.
const MOST: u32 = 5_000;

/// A week's trades, all of them or those that another policy would have left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Left {
    /// How many.
    trades: u64,
    /// Bought, Wh.
    bought: Wh,
    /// Sold, Wh.
    sold: Wh,
    /// What they saved against the grid, micro-units; of trades in windows of known tariffs.
    saved: i64,
}

/// What a change would have left of the last week's trades.
#[derive(Serialize, JsonSchema)]
pub struct Preview {
    /// First second of the week.
    from: Seconds,
    /// First second after it.
    to: Seconds,
    /// What was.
    was: Left,
    /// What would have been left of it.
    left: Left,
}

/// Spent, bought and sold on a day.
#[derive(Default)]
struct Day {
    number: u64,
    spent: u64,
    bought: u64,
    sold: u64,
}

/// What a kWh came to, rounded up.
fn per_kwh(micro: u64, wh: Wh) -> u64 {
    let price = u128::from(micro)
        .saturating_mul(u128::from(WH_PER_KWH))
        .div_ceil(u128::from(wh.0.max(1)));
    u64::try_from(price).unwrap_or(u64::MAX)
}

/// Whether a policy would have let a trade be, as far as a trade tells.
fn lets(policy: &Policy, me: MeterId, trade: &TradeClosed, day: &mut Day) -> bool {
    let number = trade.requested_at.0.checked_div(DAY).unwrap_or(0);
    if day.number != number {
        *day = Day {
            number,
            ..Day::default()
        };
    }
    let buys = trade.buyer == me;
    let partner = if buys { trade.seller } else { trade.buyer };
    let within = |held: u64, more: u64, limit: Option<u64>| {
        limit.is_none_or(|limit| held.saturating_add(more) <= limit)
    };
    let wh = trade.arrived.0;
    let cost = trade.paid.0.saturating_add(trade.charge.0);
    let own = if buys {
        policy.buys()
            && policy
                .max_buy_price
                .is_none_or(|most| per_kwh(cost, trade.arrived) <= most.0)
            && within(day.bought, wh, policy.max_buy_wh_per_day.map(|l| l.0))
            && within(day.spent, cost, policy.max_spend_per_day.map(|l| l.0))
    } else {
        policy.sells()
            && policy
                .min_sell_price
                .is_none_or(|least| trade.price >= least)
            && within(day.sold, wh, policy.max_sell_wh_per_day.map(|l| l.0))
    };
    let lets = own
        && policy.hour_allowed(trade.requested_at)
        && !policy.blocked.contains(&partner)
        && trade.arrived >= policy.min_trade_wh;
    if lets && buys {
        day.bought = day.bought.saturating_add(wh);
        day.spent = day.spent.saturating_add(cost);
    } else if lets {
        day.sold = day.sold.saturating_add(wh);
    }
    lets
}

/// What a trade saved against the grid, if the grid's tariffs are known.
fn saved(me: MeterId, trade: &TradeClosed, tariffs: Option<(i64, i64)>) -> i64 {
    let Some((import, feed_in)) = tariffs else {
        return 0;
    };
    let kwh = i128::from(WH_PER_KWH);
    let grid = |wh: u64, tariff: i64| i128::from(wh).saturating_mul(i128::from(tariff));
    let money = |micro: u64| i128::from(micro).saturating_mul(kwh);
    let exact = if trade.buyer == me {
        let cost = trade.paid.0.saturating_add(trade.charge.0);
        grid(trade.arrived.0, import).saturating_sub(money(cost))
    } else {
        let left = trade.arrived.0.saturating_add(trade.lost.0);
        money(trade.paid.0).saturating_sub(grid(left, feed_in))
    };
    i64::try_from(exact.div_euclid(kwh)).unwrap_or(0)
}

/// What there was of these trades, and what a policy would have left. Trades oldest first.
fn weigh(
    policy: Option<&Policy>,
    me: MeterId,
    trades: &[TradeClosed],
    tariffs: &BTreeMap<u64, (i64, i64)>,
) -> Left {
    let (mut left, mut day) = (Left::default(), Day::default());
    for trade in trades {
        if policy.is_some_and(|policy| !lets(policy, me, trade, &mut day)) {
            continue;
        }
        left.trades = left.trades.saturating_add(1);
        if trade.buyer == me {
            left.bought = left.bought.saturating_add(trade.arrived);
        } else {
            left.sold = left.sold.saturating_add(trade.arrived);
        }
        let known = tariffs.get(&trade.window.0).copied();
        left.saved = left.saved.saturating_add(saved(me, trade, known));
    }
    left
}

pub async fn preview(
    State(shared): State<Shared>,
    Told(named): Told<Map<String, Value>>,
) -> Answer<Preview> {
    let policy = amended(&in_force(&shared).await?, named).map_err(not_so)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let to = Seconds(now.map_or(0, |d| d.as_secs()));
    let from = Seconds(to.0.saturating_sub(WEEK));
    let (me, len) = (shared.meter, shared.market.window_seconds);
    let (rows, windows) = read(&shared, move |history| {
        let filter = TradeFilter {
            from: Some(from),
            ..TradeFilter::default()
        };
        // A trade is of a window before it was closed, at most a day.
        let before = Seconds(from.0.saturating_sub(DAY));
        let windows = history.windows(me, len, before, to, usize::MAX)?;
        Ok((history.trades(&filter, MOST)?, windows))
    })
    .await?;
    let known = |w: &WindowRow| Some((w.window.0, (w.import?, w.feed_in?)));
    let tariffs: BTreeMap<_, _> = windows.iter().filter_map(known).collect();
    let trades: Vec<TradeClosed> = rows.into_iter().rev().map(|row| row.trade).collect();
    Ok(Json(Preview {
        from,
        to,
        was: weigh(None, me, &trades, &tariffs),
        left: weigh(Some(&policy), me, &trades, &tariffs),
    }))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use wattpool_core::policy::Hours;
    use wattpool_schema::{Digest32, Micro, Price, TradeKind, Window};

    const ME: MeterId = MeterId([1; 16]);
    const OTHER: MeterId = MeterId([2; 16]);

    fn trade(buys: bool, hour: u64, wh: u64, price: u64) -> TradeClosed {
        let (buyer, seller) = if buys { (ME, OTHER) } else { (OTHER, ME) };
        TradeClosed {
            sequence: 1,
            kind: TradeKind::Spot,
            trade_id: 1,
            buyer,
            seller,
            nonce: 1,
            window: Window(hour * 4),
            count: 1,
            asked: Wh(wh),
            arrived: Wh(wh),
            declined: Wh(0),
            missed: Wh(0),
            lost: Wh(0),
            price: Price(price),
            paid: Micro(wh * price / 1000),
            charge: Micro(wh / 100),
            requested_at: Seconds(hour * 3600),
            closed_at: Seconds(hour * 3600 + 60),
            head: Digest32([0; 32]),
        }
    }

    #[test]
    fn a_policy_leaves_what_it_lets() {
        let trades = [
            trade(true, 1, 100, 200_000),
            trade(true, 9, 400, 150_000),
            trade(false, 12, 700, 120_000),
            trade(true, 25, 100, 150_000),
        ];
        let tariffs = (0..120).map(|w| (w, (300_000, 80_000))).collect();
        let all = weigh(None, ME, &trades, &tariffs);
        assert_eq!((all.trades, all.bought, all.sold), (4, Wh(600), Wh(700)));
        // 100 · 0.10 + 400 · 0.15 + 700 · 0.04 + 100 · 0.15, less what the lines asked.
        assert_eq!(all.saved, 10_000 - 1 + 60_000 - 4 + 28_000 + 15_000 - 1);
        let with = |policy: Policy| weigh(Some(&policy), ME, &trades, &tariffs);
        assert_eq!(with(Policy::default()), all);
        let cheap = with(Policy {
            max_buy_price: Some(Price(199_999)),
            ..Policy::default()
        });
        assert_eq!((cheap.trades, cheap.bought), (3, Wh(500)));
        let day = with(Policy {
            max_buy_wh_per_day: Some(Wh(450)),
            ..Policy::default()
        });
        // The second purchase of the first day is too much, the next day's is not.
        assert_eq!((day.trades, day.bought), (3, Wh(200)));
        let hours = with(Policy {
            hours: Some(Hours { from: 6, to: 22 }),
            ..Policy::default()
        });
        assert_eq!(hours.trades, 2);
        let paused = with(Policy {
            paused: true,
            ..Policy::default()
        });
        assert_eq!(paused, Left::default());
        let dear = with(Policy {
            min_sell_price: Some(Price(120_001)),
            ..Policy::default()
        });
        assert_eq!(dear.sold, Wh(0));
        let blocked = with(Policy {
            blocked: [OTHER].into_iter().collect(),
            ..Policy::default()
        });
        assert_eq!(blocked.trades, 0);
        assert_eq!(weigh(None, ME, &trades, &BTreeMap::new()).saved, 0);
    }
}
