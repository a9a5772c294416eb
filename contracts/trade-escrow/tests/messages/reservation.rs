//! Spot trades and later orders leave what earlier-ranked deliverable orders can still use.

use crate::common::{deliver, market, opened, order_of, settle, trade, FAR, NEAR, SELLER};
use wattpool_contract_harness::{code_of, Market};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::ExecuteMsg;
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::Wh;

const PRICE: u64 = 100_000;

fn cover(m: &mut Market, i: usize, wh: u64) {
    let cover = m.cover(i, m.live(), wh);
    let sender = m.stranger.clone();
    let response = m
        .pool(
            &sender,
            &Pool::Cover {
                covers: vec![cover],
            },
        )
        .unwrap();
    assert_eq!(code_of(&response), [None]);
}

#[test]
fn spot_leaves_the_tokens_of_a_covered_order() {
    let mut m = market();
    let id = opened(&mut m, SELLER, FAR, 1, 100, PRICE);
    m.windows(1);
    let live = m.live();
    m.state(SELLER, live, 150).unwrap();
    cover(&mut m, FAR, 50);
    // 50 Wh to arrive with 7 % loss are 54 of the seller's 150.
    let t = trade(&mut m, SELLER, NEAR, 97, PRICE);
    assert_eq!(
        settle(&mut m, NEAR, t.clone()).unwrap_err(),
        MarketError::OrderReserved {
            wanted: 97,
            free: 96
        }
    );
    let sender = m.homes[NEAR].agent_address.clone();
    let response = m
        .escrow(&sender, &ExecuteMsg::SettleBatch { trades: vec![t] })
        .unwrap();
    assert_eq!(code_of(&response), [Some("ORDER_RESERVED".to_owned())]);
    let t = trade(&mut m, SELLER, NEAR, 96, PRICE);
    settle(&mut m, NEAR, t).unwrap();
    deliver(&mut m, FAR, FAR, id, None).unwrap();
    assert_eq!(order_of(&m, FAR, id).delivered, Wh(50));
    m.check_all().unwrap();
}

#[test]
fn spot_leaves_the_cover_of_a_deliverable_order() {
    let mut m = market();
    let id = opened(&mut m, SELLER, NEAR, 1, 100, PRICE);
    m.windows(1);
    let live = m.live();
    m.state(FAR, live, 1_000).unwrap();
    cover(&mut m, NEAR, 120);
    // As long as the order's seller has nothing, the whole cover is free.
    let spot = |m: &mut Market, wh: u64| {
        let mut t = trade(m, FAR, NEAR, wh, PRICE);
        t.cover = None;
        settle(m, NEAR, t)
    };
    spot(&mut m, 10).unwrap();
    m.state(SELLER, live, 100).unwrap();
    assert_eq!(
        spot(&mut m, 11).unwrap_err(),
        MarketError::OrderReserved {
            wanted: 11,
            free: 10
        }
    );
    spot(&mut m, 10).unwrap();
    deliver(&mut m, NEAR, NEAR, id, None).unwrap();
    assert_eq!(order_of(&m, NEAR, id).delivered, Wh(100));
    m.check_all().unwrap();
}

#[test]
fn a_later_order_waits_for_an_earlier_one() {
    let mut m = market();
    let first = opened(&mut m, SELLER, FAR, 1, 100, PRICE);
    let second = opened(&mut m, SELLER, NEAR, 1, 100, PRICE);
    m.windows(1);
    let live = m.live();
    m.state(SELLER, live, 150).unwrap();
    cover(&mut m, FAR, 100);
    cover(&mut m, NEAR, 100);
    deliver(&mut m, NEAR, NEAR, second, None).unwrap();
    // 108 of the 150 are the earlier order's.
    assert_eq!(order_of(&m, NEAR, second).delivered, Wh(42));
    deliver(&mut m, FAR, FAR, first, None).unwrap();
    assert_eq!(order_of(&m, FAR, first).delivered, Wh(100));
    m.check_all().unwrap();
}

#[test]
fn orders_of_one_pair_share_its_cover() {
    let mut m = market();
    let first = opened(&mut m, SELLER, NEAR, 1, 60, PRICE);
    let second = opened(&mut m, SELLER, NEAR, 1, 60, PRICE);
    m.windows(1);
    let live = m.live();
    m.state(SELLER, live, 1_000).unwrap();
    cover(&mut m, NEAR, 80);
    deliver(&mut m, NEAR, NEAR, second, None).unwrap();
    assert_eq!(order_of(&m, NEAR, second).delivered, Wh(20));
    deliver(&mut m, NEAR, NEAR, first, None).unwrap();
    assert_eq!(order_of(&m, NEAR, first).delivered, Wh(60));
    // Nothing is left of the cover, but tokens for others are.
    let t = trade(&mut m, SELLER, FAR, 855, PRICE);
    settle(&mut m, FAR, t).unwrap();
    m.check_all().unwrap();
}
