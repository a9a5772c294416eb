use crate::common::{
    close, deliver, market, only, only_the, opened, order_of, pause, FAR, MONEY, NEAR, SELLER,
};
use wattpool_fixtures::{events_of, Market};
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{Delivered, MarketEvent, OrderWindow};
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::{Micro, TradeKind, Wh};

const PRICE: u64 = 100_000;

/// Goes into the second half of the first part of the window `n` windows on.
fn next(m: &mut Market, n: u64) {
    m.windows(n);
    m.advance(100);
}

/// An order of 100 Wh for `count` windows, the first of which is live; nothing is stated for it yet.
fn due(buyer: usize, count: u32) -> (Market, u64) {
    let mut m = market();
    let id = opened(&mut m, SELLER, buyer, count, 100, PRICE);
    next(&mut m, 1);
    (m, id)
}

fn order_window(e: MarketEvent) -> Option<OrderWindow> {
    match e {
        MarketEvent::OrderWindow(e) => Some(e),
        _ => None,
    }
}

#[test]
fn a_chunk_is_paid_from_the_lock() {
    let (mut m, id) = due(FAR, 2);
    let live = m.live();
    m.state(SELLER, live, 1_000).unwrap();
    let cover = Some(m.cover(FAR, live, 60));
    let response = deliver(&mut m, SELLER, FAR, id, cover).unwrap();
    let event = only(&response, |e| match e {
        MarketEvent::Delivered(e) => Some(e),
        _ => None,
    });
    let (seller, buyer) = (m.homes[SELLER].clone(), m.homes[FAR].clone());
    assert_eq!(
        event,
        Delivered {
            kind: TradeKind::Forward,
            window: live,
            trade_id: id,
            seller: seller.meter,
            buyer: buyer.meter,
            seller_owner: seller.owner.to_string(),
            buyer_owner: buyer.owner.to_string(),
            net: Wh(60),
            gross: Wh(65),
            paid: Micro(6_000),
            charge: Micro(600),
        }
    );
    let o = order_of(&m, FAR, id);
    assert_eq!(
        (o.delivered, o.delivered_now, o.locked),
        (Wh(60), Wh(60), Micro(22_000 - 6_600))
    );
    assert_eq!(m.money(&seller.owner).0, Micro(MONEY + 6_000));
    m.check_all().unwrap();
    // The rest as more is covered, by the other side; then nothing is wanted any more.
    let cover = Some(m.cover(FAR, live, 500));
    deliver(&mut m, FAR, FAR, id, cover).unwrap();
    assert_eq!(order_of(&m, FAR, id).delivered_now, Wh(100));
    let response = deliver(&mut m, FAR, FAR, id, None).unwrap();
    assert!(events_of(&response.events).is_empty());
    assert_eq!(m.holding(&seller.owner).0, Wh(1_000 - 108));
    m.check_all().unwrap();
}

#[test]
fn one_wh_chunks_gain_nobody_anything() {
    let run = |chunk: u64| {
        let (mut m, id) = due(FAR, 1);
        let live = m.live();
        m.state(SELLER, live, 1_000).unwrap();
        let mut covered = 0;
        while covered < 100 {
            covered += chunk;
            let cover = Some(m.cover(FAR, live, covered));
            deliver(&mut m, FAR, FAR, id, cover).unwrap();
        }
        m.check_all().unwrap();
        let money = |i: usize| m.money(&m.homes[i].owner.clone());
        (
            money(SELLER),
            money(FAR),
            m.holding(&m.homes[SELLER].owner.clone()),
        )
    };
    assert_eq!(run(1), run(100));
}

#[test]
fn only_in_its_windows_and_while_the_market_runs() {
    let mut m = market();
    let id = opened(&mut m, SELLER, NEAR, 2, 100, PRICE);
    let live = m.live();
    assert_eq!(
        deliver(&mut m, NEAR, NEAR, id, None).unwrap_err(),
        MarketError::OrderNotDue { window: live }
    );
    m.windows(1);
    pause(&mut m, true);
    assert_eq!(
        deliver(&mut m, NEAR, NEAR, id, None).unwrap_err(),
        MarketError::Paused
    );
    pause(&mut m, false);
    deliver(&mut m, NEAR, NEAR, id, None).unwrap();
    m.windows(2);
    let live = m.live();
    assert_eq!(
        deliver(&mut m, NEAR, NEAR, id, None).unwrap_err(),
        MarketError::OrderNotDue { window: live }
    );
    assert_eq!(
        deliver(&mut m, NEAR, NEAR, 99, None).unwrap_err(),
        MarketError::UnknownTrade { trade_id: 99 }
    );
}

#[test]
fn only_agents_of_the_two_meters_that_opened_it() {
    let (mut m, id) = due(NEAR, 2);
    assert_eq!(
        deliver(&mut m, FAR, NEAR, id, None).unwrap_err(),
        only_the("agent of either side")
    );
    let (meter, owner) = (m.homes[SELLER].meter, m.homes[SELLER].owner.clone());
    let heir = m.homes[FAR].owner.clone();
    let to = Some(heir.to_string());
    m.pool(&owner, &Pool::ProposeOwner { meter, owner: to })
        .unwrap();
    m.pool(&heir, &Pool::AcceptOwner { meter }).unwrap();
    // Of this window it is the former owner's still.
    deliver(&mut m, NEAR, NEAR, id, None).unwrap();
    m.windows(2);
    let (meter, owner) = (m.homes[NEAR].meter, m.homes[NEAR].owner.clone());
    let (mut m, id) = due(NEAR, 2);
    m.pool(&owner, &Pool::RetireMeter { meter }).unwrap();
    let anyone = m.stranger.clone();
    close(&mut m, &anyone, NEAR, id).unwrap();
    let record = m.log()[0].clone();
    assert_eq!((record.asked, record.declined), (Wh(0), Wh(0)));
    assert_eq!(m.money(&owner), (Micro(MONEY), Micro(0)));
    m.check_all().unwrap();
}

#[test]
fn a_forged_cover_changes_nothing() {
    let (mut m, id) = due(NEAR, 1);
    let live = m.live();
    let before = m.app.dump_wasm_raw(&m.escrow.clone());
    for stated in [false, true] {
        if stated {
            m.state(SELLER, live, 1_000).unwrap();
        }
        let mut cover = m.cover(NEAR, live, 100);
        cover.signature.0[5] ^= 1;
        let error = deliver(&mut m, SELLER, NEAR, id, Some(cover)).unwrap_err();
        assert_eq!(error.code(), Code::BadSignature);
        let foreign = Some(m.cover(FAR, live, 100));
        let error = deliver(&mut m, SELLER, NEAR, id, foreign).unwrap_err();
        assert_eq!(error.code(), Code::BadInput);
    }
    assert_eq!(m.app.dump_wasm_raw(&m.escrow.clone()), before);
}

#[test]
fn what_was_covered_and_not_there_is_missed() {
    let (mut m, id) = due(NEAR, 2);
    let live = m.live();
    m.state(SELLER, live, 30).unwrap();
    let cover = Some(m.cover(NEAR, live, 80));
    deliver(&mut m, NEAR, NEAR, id, cover).unwrap();
    next(&mut m, 1);
    let live = m.live();
    m.state(SELLER, live, 500).unwrap();
    let cover = Some(m.cover(NEAR, live, 10));
    let response = deliver(&mut m, NEAR, NEAR, id, cover).unwrap();
    assert_eq!(
        only(&response, order_window),
        OrderWindow {
            trade_id: id,
            buyer: m.homes[NEAR].meter,
            seller: m.homes[SELLER].meter,
            window: live.prev(),
            delivered: Wh(30),
            declined: Wh(20),
            missed: Wh(50),
            refunded: Micro(7_000),
        }
    );
    // 200 Wh asked: 30 + 10 arrived; locked is what the second window may still need.
    assert_eq!(order_of(&m, NEAR, id).locked, Micro(9_000));
    m.check_all().unwrap();
}

/// What of the first window is held against the seller when the order is closed.
fn missed(m: &mut Market, id: u64) -> (u64, u64) {
    m.windows(3);
    let stranger = m.stranger.clone();
    let response = close(m, &stranger, NEAR, id).unwrap();
    m.check_all().unwrap();
    let window = only(&response, order_window);
    (window.missed.0, window.declined.0)
}

#[test]
fn a_seller_that_delivers_later_has_not_missed() {
    let (mut m, id) = due(NEAR, 1);
    let live = m.live();
    let cover = Some(m.cover(NEAR, live, 80));
    deliver(&mut m, NEAR, NEAR, id, cover).unwrap();
    m.state(SELLER, live, 500).unwrap();
    deliver(&mut m, SELLER, NEAR, id, None).unwrap();
    assert_eq!(order_of(&m, NEAR, id).delivered, Wh(80));
    assert_eq!(missed(&mut m, id), (0, 20));
}

#[test]
fn neither_side_wipes_the_evidence_out_by_calling_again() {
    let (mut m, id) = due(NEAR, 1);
    let live = m.live();
    let cover = Some(m.cover(NEAR, live, 80));
    deliver(&mut m, NEAR, NEAR, id, cover).unwrap();
    // The buyer turns to another seller with its cover; the seller calls when nothing is covered any more.
    m.state(FAR, live, 500).unwrap();
    let t = crate::common::trade(&mut m, FAR, NEAR, 80, PRICE);
    crate::common::settle(&mut m, NEAR, t).unwrap();
    deliver(&mut m, SELLER, NEAR, id, None).unwrap();
    assert_eq!(missed(&mut m, id), (80, 20));
}

#[test]
fn a_seller_without_tokens_is_excused_by_a_pause_or_a_halt() {
    for halt in [false, true] {
        let (mut m, id) = due(NEAR, 1);
        let live = m.live();
        let cover = Some(m.cover(NEAR, live, 80));
        deliver(&mut m, NEAR, NEAR, id, cover).unwrap();
        if halt {
            m.halt(300);
            m.state(FAR, live, 0).unwrap();
        } else {
            pause(&mut m, true);
            pause(&mut m, false);
        }
        assert_eq!(missed(&mut m, id), (0, 20), "halt {halt}");
    }
}

#[test]
fn windows_in_which_nobody_delivers_are_declined() {
    let (mut m, id) = due(NEAR, 5);
    m.windows(3);
    let live = m.live();
    m.state(SELLER, live, 500).unwrap();
    let cover = Some(m.cover(NEAR, live, 100));
    let response = deliver(&mut m, NEAR, NEAR, id, cover).unwrap();
    let window = only(&response, order_window);
    assert_eq!(
        (window.declined, window.missed, window.refunded),
        (Wh(100), Wh(0), Micro(30_000))
    );
    assert_eq!(order_of(&m, NEAR, id).locked, Micro(10_000));
    m.windows(2);
    let stranger = m.stranger.clone();
    close(&mut m, &stranger, NEAR, id).unwrap();
    let record = &m.log()[0];
    assert_eq!(
        (record.asked, record.arrived, record.declined),
        (Wh(500), Wh(100), Wh(400))
    );
    m.check_all().unwrap();
}
