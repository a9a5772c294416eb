use crate::common::{
    deliver, market, only, only_the, open, opened, order, order_of, settle, trade, FAR, NEAR,
    SELLER,
};
use wattpool_contract_harness::Market;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{ExecuteMsg, Limits};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{Micro, Price, Wh};

fn limit(m: &mut Market, i: usize, limits: Limits) {
    let (meter, owner) = (m.homes[i].meter, m.homes[i].owner.clone());
    let response = m
        .escrow(
            &owner,
            &ExecuteMsg::SetLimits {
                meter,
                limits: limits.clone(),
            },
        )
        .unwrap();
    let event = only(&response, |e| match e {
        MarketEvent::LimitsSet(e) => Some(e),
        _ => None,
    });
    assert_eq!(
        (event.meter, event.max_spend_per_day),
        (meter, limits.max_spend_per_day)
    );
    assert_eq!(m.book_of(i).limits, limits);
}

#[test]
fn only_the_owner_sets_them() {
    let mut m = market();
    let meter = m.homes[0].meter;
    let limits = Limits::default();
    for sender in [
        m.homes[0].agent_address.clone(),
        m.homes[1].owner.clone(),
        m.admin.clone(),
    ] {
        let msg = ExecuteMsg::SetLimits {
            meter,
            limits: limits.clone(),
        };
        assert_eq!(
            m.escrow(&sender, &msg).unwrap_err(),
            only_the("meter's owner")
        );
    }
    let meter = wattpool_schema::MeterId([9; 16]);
    let owner = m.homes[0].owner.clone();
    let msg = ExecuteMsg::SetLimits { meter, limits };
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
            max_sell_per_day: Some(Wh(25)),
            ..Limits::default()
        },
    );
    let t = trade(&mut m, SELLER, FAR, 16, 100);
    assert_eq!(
        settle(&mut m, FAR, t).unwrap_err(),
        MarketError::LimitEnergy {
            limit: 25,
            found: 26
        }
    );
    let t = trade(&mut m, SELLER, FAR, 15, 100);
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
fn a_standing_order_counts_as_a_whole_when_it_is_opened() {
    let mut m = market();
    limit(
        &mut m,
        NEAR,
        Limits {
            max_spend_per_day: Some(Micro(2_999)),
            ..Limits::default()
        },
    );
    let first = m.running();
    let o = order(&mut m, (SELLER, NEAR), (first, 3), 100, 10_000);
    assert_eq!(
        open(&mut m, NEAR, o.clone()).unwrap_err(),
        MarketError::LimitSpend {
            limit: 2_999,
            found: 3_000
        }
    );
    limit(&mut m, NEAR, Limits::default());
    limit(
        &mut m,
        SELLER,
        Limits {
            max_sell_per_day: Some(Wh(299)),
            ..Limits::default()
        },
    );
    assert_eq!(
        open(&mut m, NEAR, o.clone()).unwrap_err(),
        MarketError::LimitEnergy {
            limit: 299,
            found: 300
        }
    );
    limit(&mut m, SELLER, Limits::default());
    open(&mut m, NEAR, o).unwrap();
    assert_eq!(
        (m.book_of(NEAR).spent_today, m.book_of(SELLER).sold_today),
        (Micro(3_000), Wh(300))
    );
}

#[test]
fn nothing_is_delivered_while_trading_is_off() {
    let mut m = market();
    let id = opened(&mut m, SELLER, NEAR, 1, 100, 10_000);
    m.windows(1);
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
