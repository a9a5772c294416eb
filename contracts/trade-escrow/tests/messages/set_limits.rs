use crate::common::{
    deliver, generous, market, only, only_the, open, opened, order, order_of, settle, trade, FAR,
    NEAR, SELLER,
};
use wattpool_fixtures::Market;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{ExecuteMsg, LimitName, Limits, LimitsChange};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{Micro, Price, Wh};

fn limit(m: &mut Market, i: usize, limits: Limits) {
    let all = generous();
    let set = LimitsChange {
        trading_off: Some(limits.trading_off),
        min_sell_price: limits.min_sell_price.or(all.min_sell_price),
        max_buy_price: limits.max_buy_price.or(all.max_buy_price),
        max_spend_per_day: limits.max_spend_per_day.or(all.max_spend_per_day),
        ..LimitsChange::from(limits.clone())
    };
    let remove = [LimitName::MaxBuyPerDay, LimitName::MaxSellPerDay];
    let there = [
        limits.max_buy_per_day.is_some(),
        limits.max_sell_per_day.is_some(),
    ];
    let remove = remove.iter().zip(there).filter(|(_, there)| !there);
    let remove: Vec<LimitName> = remove.map(|(name, _)| *name).collect();
    let response = m.limit(i, set.clone(), &remove).unwrap();
    let event = only(&response, |e| match e {
        MarketEvent::LimitsSet(e) => Some(e),
        _ => None,
    });
    assert_eq!(
        (event.tenure, event.max_spend_per_day),
        (1, set.max_spend_per_day)
    );
    let found = m.book_of(i).limits;
    assert_eq!(found.max_sell_per_day, limits.max_sell_per_day);
    assert_eq!(found.max_buy_per_day, limits.max_buy_per_day);
    assert_eq!(found.max_buy_price, set.max_buy_price);
}

#[test]
fn only_the_owner_sets_them() {
    let mut m = market();
    let meter = m.homes[0].meter;
    for sender in [
        m.homes[0].agent_address.clone(),
        m.homes[1].owner.clone(),
        m.admin.clone(),
    ] {
        let msg = ExecuteMsg::SetLimits {
            meter,
            set: LimitsChange::default(),
            remove: vec![],
        };
        assert_eq!(
            m.escrow(&sender, &msg).unwrap_err(),
            only_the("meter's owner")
        );
    }
    let meter = wattpool_schema::MeterId([9; 16]);
    let owner = m.homes[0].owner.clone();
    let msg = ExecuteMsg::SetLimits {
        meter,
        set: LimitsChange::default(),
        remove: vec![],
    };
    assert_eq!(
        m.escrow(&owner, &msg).unwrap_err(),
        MarketError::UnknownMeter { meter }
    );
}

#[test]
fn the_sellers_limits() {
    let mut m = market();
    limit(
        &mut m,
        SELLER,
        Limits {
            min_sell_price: Some(Price(100)),
            ..Limits::default()
        },
    );
    let t = trade(&mut m, SELLER, NEAR, 10, 99);
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::LimitPrice {
            limit: 100,
            found: 99
        }
    );
    let t = trade(&mut m, SELLER, NEAR, 10, 100);
    settle(&mut m, NEAR, t).unwrap();
    limit(
        &mut m,
        SELLER,
        Limits {
            max_sell_per_day: Some(Wh(26)),
            ..Limits::default()
        },
    );
    let t = trade(&mut m, SELLER, FAR, 16, 100);
    assert_eq!(
        settle(&mut m, FAR, t).unwrap_err(),
        MarketError::LimitEnergy {
            limit: 26,
            found: 28
        }
    );
    // 10 Wh to the neighbour and 15 over a line that loses 7 %: it counts what leaves.
    let t = trade(&mut m, SELLER, FAR, 14, 100);
    settle(&mut m, FAR, t).unwrap();
    limit(
        &mut m,
        SELLER,
        Limits {
            trading_off: true,
            ..Limits::default()
        },
    );
    let t = trade(&mut m, SELLER, FAR, 1, 100);
    let meter = m.homes[SELLER].meter;
    assert_eq!(
        settle(&mut m, FAR, t).unwrap_err(),
        MarketError::TradingOff { meter }
    );
    m.check_all().unwrap();
}

#[test]
fn the_buyers_limits_include_the_charge() {
    let mut m = market();
    limit(
        &mut m,
        FAR,
        Limits {
            max_buy_price: Some(Price(110_000)),
            ..Limits::default()
        },
    );
    let t = trade(&mut m, SELLER, FAR, 10, 100_001);
    assert_eq!(
        settle(&mut m, FAR, t).unwrap_err(),
        MarketError::LimitPrice {
            limit: 110_000,
            found: 110_001
        }
    );
    let t = trade(&mut m, SELLER, FAR, 10, 100_000);
    settle(&mut m, FAR, t).unwrap();
    limit(
        &mut m,
        FAR,
        Limits {
            max_spend_per_day: Some(Micro(2_199)),
            ..Limits::default()
        },
    );
    let t = trade(&mut m, SELLER, FAR, 10, 100_000);
    assert_eq!(
        settle(&mut m, FAR, t).unwrap_err(),
        MarketError::LimitSpend {
            limit: 2_199,
            found: 2_200
        }
    );
    limit(
        &mut m,
        FAR,
        Limits {
            max_buy_per_day: Some(Wh(19)),
            ..Limits::default()
        },
    );
    let t = trade(&mut m, SELLER, FAR, 10, 0);
    assert_eq!(
        settle(&mut m, FAR, t).unwrap_err(),
        MarketError::LimitEnergy {
            limit: 19,
            found: 20
        }
    );
    limit(
        &mut m,
        FAR,
        Limits {
            trading_off: true,
            ..Limits::default()
        },
    );
    let t = trade(&mut m, SELLER, FAR, 1, 0);
    let meter = m.homes[FAR].meter;
    assert_eq!(
        settle(&mut m, FAR, t).unwrap_err(),
        MarketError::TradingOff { meter }
    );
    m.check_all().unwrap();
}

#[test]
fn a_day_is_a_utc_day_of_block_time() {
    let mut m = market();
    limit(
        &mut m,
        NEAR,
        Limits {
            max_buy_per_day: Some(Wh(10)),
            ..Limits::default()
        },
    );
    let t = trade(&mut m, SELLER, NEAR, 10, 0);
    settle(&mut m, NEAR, t).unwrap();
    assert_eq!(m.book_of(NEAR).bought_today, Wh(10));
    // Up to the last window of the day; the market began at midnight.
    m.windows(93);
    let live = m.live();
    m.state(SELLER, live, 100).unwrap();
    let t = trade(&mut m, SELLER, NEAR, 1, 0);
    assert_eq!(
        settle(&mut m, NEAR, t).unwrap_err(),
        MarketError::LimitEnergy {
            limit: 10,
            found: 11
        }
    );
    m.windows(1);
    assert_eq!(m.book_of(NEAR).bought_today, Wh(0));
    let live = m.live();
    m.state(SELLER, live, 100).unwrap();
    let t = trade(&mut m, SELLER, NEAR, 10, 0);
    settle(&mut m, NEAR, t).unwrap();
    m.check_all().unwrap();
}

#[test]
fn what_orders_lock_together_is_within_a_days_spending_and_counts_when_it_moves() {
    let mut m = market();
    limit(
        &mut m,
        NEAR,
        Limits {
            max_spend_per_day: Some(Micro(3_999)),
            ..Limits::default()
        },
    );
    let first = m.running();
    let o = order(&mut m, (SELLER, NEAR), (first, 3), 100, 10_000);
    open(&mut m, NEAR, o).unwrap();
    assert_eq!(
        (m.book_of(NEAR).spent_today, m.book_of(NEAR).locked),
        (Micro(0), Micro(3_000))
    );
    let o = order(&mut m, (SELLER, NEAR), (first, 1), 100, 10_000);
    assert_eq!(
        open(&mut m, NEAR, o).unwrap_err(),
        MarketError::LimitSpend {
            limit: 3_999,
            found: 4_000
        }
    );
    // 100 Wh move, of which the seller may send 60: the rest waits for another day.
    limit(
        &mut m,
        SELLER,
        Limits {
            max_sell_per_day: Some(Wh(60)),
            ..Limits::default()
        },
    );
    m.windows(1);
    let live = m.live();
    m.state(SELLER, live, 500).unwrap();
    let cover = Some(m.cover(NEAR, live, 100));
    deliver(&mut m, NEAR, NEAR, 1, cover).unwrap();
    assert_eq!(order_of(&m, NEAR, 1).delivered, Wh(60));
    let (buyer, seller) = (m.book_of(NEAR), m.book_of(SELLER));
    assert_eq!(
        (buyer.spent_today, buyer.bought_today),
        (Micro(600), Wh(60))
    );
    assert_eq!((buyer.locked, seller.sold_today), (Micro(2_400), Wh(60)));
    m.check_all().unwrap();
}

#[test]
fn nothing_is_delivered_while_trading_is_off() {
    let mut m = market();
    let id = opened(&mut m, SELLER, NEAR, 1, 100, 10_000);
    m.windows(1);
    m.advance(100);
    let live = m.live();
    m.state(SELLER, live, 500).unwrap();
    limit(
        &mut m,
        NEAR,
        Limits {
            trading_off: true,
            ..Limits::default()
        },
    );
    let meter = m.homes[NEAR].meter;
    assert_eq!(
        deliver(&mut m, SELLER, NEAR, id, None).unwrap_err(),
        MarketError::TradingOff { meter }
    );
    limit(&mut m, NEAR, Limits::default());
    limit(
        &mut m,
        SELLER,
        Limits {
            trading_off: true,
            ..Limits::default()
        },
    );
    let cover = Some(m.cover(NEAR, live, 100));
    deliver(&mut m, NEAR, NEAR, id, cover).unwrap();
    assert_eq!(order_of(&m, NEAR, id).delivered, Wh(0));
    // It is the seller's doing, and is held against it.
    m.windows(2);
    let stranger = m.stranger.clone();
    crate::common::close(&mut m, &stranger, NEAR, id).unwrap();
    assert_eq!(m.book_of(SELLER).statistics.missed, Wh(100));
    m.check_all().unwrap();
}
