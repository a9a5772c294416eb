//! Standing orders whose sides do not keep their word: nobody is blocked by them, nobody is blamed for another. Each of these once worked.

use crate::common::{
    by_default, cancel, close, closed, deliver, market, next, open, opened, order, order_of,
    settle, show_cover, trade, FAR, MONEY, NEAR, SELLER,
};
use wattpool_fixtures::setup::pair;
use wattpool_fixtures::Market;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::escrow::LimitsChange;
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::token::ExecuteMsg as Token;
use wattpool_schema::{Micro, Wh};

const PRICE: u64 = 100_000;

fn trading_off(m: &mut Market, i: usize) {
    let set = LimitsChange {
        trading_off: Some(true),
        ..LimitsChange::default()
    };
    m.limit(i, set, &[]).unwrap();
}

#[test]
fn an_order_blocks_nobody_whatever_its_buyer_does() {
    let mut m = market();
    let (attacker, honest) = (FAR, NEAR);
    let id = opened(&mut m, SELLER, attacker, 4, 900, PRICE);
    trading_off(&mut m, attacker);
    for _ in 0..4 {
        next(&mut m, 1_000);
        show_cover(&mut m, attacker, 900);
        let refused = deliver(&mut m, SELLER, attacker, id, None).unwrap_err();
        assert_eq!(refused.code(), Code::TradingOff);
        let t = trade(&mut m, SELLER, honest, 1_000, PRICE);
        settle(&mut m, honest, t).unwrap();
    }
    m.windows(1);
    assert_eq!(closed(&mut m, attacker, id), (3_600, 0));
    assert_eq!(m.book_of(SELLER).statistics.missed, Wh(0));
}

#[test]
fn one_cover_is_shown_to_one_order() {
    let mut m = market();
    let (attacker, accomplice) = (2, 3);
    let a = opened(&mut m, accomplice, attacker, 1, 400, PRICE);
    let b = opened(&mut m, 0, attacker, 1, 400, PRICE);
    let c = opened(&mut m, 1, attacker, 1, 400, PRICE);
    m.windows(1);
    m.advance(100);
    // Nobody has tokens; 500 Wh are covered.
    show_cover(&mut m, attacker, 500);
    for id in [a, b, c, a, c] {
        deliver(&mut m, attacker, attacker, id, None).unwrap();
    }
    let shown = |m: &Market, id| order_of(m, attacker, id).shown_now.0;
    assert_eq!([shown(&m, a), shown(&m, b), shown(&m, c)], [400, 100, 0]);
    m.windows(1);
    assert_eq!(closed(&mut m, attacker, a), (0, 400));
    assert_eq!(closed(&mut m, attacker, b), (300, 100));
    assert_eq!(closed(&mut m, attacker, c), (400, 0));
}

#[test]
fn a_seller_that_passes_its_tokens_on_blocks_no_cover_and_has_missed() {
    let mut m = market();
    let (attacker, honest, other) = (SELLER, NEAR, FAR);
    let id = opened(&mut m, attacker, honest, 1, 100, PRICE);
    next(&mut m, 100);
    let live = m.live();
    m.state(other, live, 1_000).unwrap();
    let (owner, second) = (m.homes[attacker].owner.clone(), m.account("second wallet"));
    let (recipient, amount) = (second.to_string(), cosmwasm_std::Uint128::new(100));
    m.token(&owner, &Token::Transfer { recipient, amount })
        .unwrap();
    let cover = Some(m.cover(honest, live, 100));
    deliver(&mut m, honest, honest, id, cover).unwrap();
    let mut t = trade(&mut m, other, honest, 100, PRICE);
    t.cover = None;
    settle(&mut m, honest, t).unwrap();
    m.windows(1);
    assert_eq!(closed(&mut m, honest, id), (0, 100));
}

#[test]
fn a_full_line_blocks_no_neighbour_and_is_nobodys_fault() {
    let mut m = market();
    // Zone 2: the line to it carries 700 Wh a window.
    let (thin, near) = (4, NEAR);
    let id = opened(&mut m, SELLER, thin, 1, 900, PRICE);
    next(&mut m, 2_000);
    let live = m.live();
    let cover = Some(m.cover(thin, live, 900));
    deliver(&mut m, thin, thin, id, cover).unwrap();
    assert_eq!(order_of(&m, thin, id).delivered, Wh(700));
    let left = m.holding(&m.homes[SELLER].owner.clone()).0;
    let t = trade(&mut m, SELLER, near, left.0, PRICE);
    settle(&mut m, near, t).unwrap();
    m.windows(1);
    assert_eq!(closed(&mut m, thin, id), (0, 0));
    assert_eq!(m.book_of(SELLER).statistics.missed, Wh(0));
}

#[test]
fn who_keeps_its_word_is_not_blamed_for_another_order() {
    let mut m = market();
    let (attacker, honest) = (FAR, NEAR);
    opened(&mut m, SELLER, attacker, 1, 900, PRICE);
    let id = opened(&mut m, SELLER, honest, 1, 900, PRICE);
    trading_off(&mut m, attacker);
    next(&mut m, 1_000);
    show_cover(&mut m, attacker, 900);
    let cover = Some(m.cover(honest, m.live(), 900));
    deliver(&mut m, honest, honest, id, cover).unwrap();
    assert_eq!(order_of(&m, honest, id).delivered, Wh(900));
    m.windows(1);
    assert_eq!(closed(&mut m, honest, id), (0, 0));
    assert_eq!(m.book_of(SELLER).statistics.missed, Wh(0));
}

#[test]
fn cover_shown_late_is_no_evidence() {
    let mut m = market();
    let (attacker, honest) = (FAR, NEAR);
    let id = opened(&mut m, SELLER, attacker, 4, 900, PRICE);
    for _ in 0..4 {
        next(&mut m, 1_000);
        // The seller has held its tokens for the first part, then sells.
        m.advance(60);
        let t = trade(&mut m, SELLER, honest, 1_000, PRICE);
        settle(&mut m, honest, t).unwrap();
        let cover = Some(m.cover(attacker, m.live(), 900));
        deliver(&mut m, attacker, attacker, id, cover).unwrap();
    }
    m.windows(1);
    assert_eq!(closed(&mut m, attacker, id), (3_600, 0));
    assert_eq!(m.book_of(SELLER).statistics.missed, Wh(0));
}

#[test]
fn too_early_is_no_evidence_either() {
    let mut m = market();
    let id = opened(&mut m, SELLER, NEAR, 1, 900, PRICE);
    m.windows(1);
    m.advance(74);
    let cover = Some(m.cover(NEAR, m.live(), 900));
    deliver(&mut m, NEAR, NEAR, id, cover).unwrap();
    assert_eq!(order_of(&m, NEAR, id).shown_now, Wh(0));
    m.advance(1);
    deliver(&mut m, NEAR, NEAR, id, None).unwrap();
    assert_eq!(order_of(&m, NEAR, id).shown_now, Wh(900));
    m.windows(1);
    assert_eq!(closed(&mut m, NEAR, id), (0, 900));
}

#[test]
fn an_order_takes_at_least_what_the_approval_names() {
    let mut m = market();
    let first = m.running();
    let mut o = order(&mut m, (SELLER, FAR), (first, 96), 500, PRICE);
    o.approval.approval.min_wh = Wh(500);
    o.approval = m.approve(SELLER, o.approval.approval);
    o.wh = Wh(499);
    let refused = open(&mut m, FAR, o.clone()).unwrap_err();
    let field = "wh".to_owned();
    assert_eq!(refused, MarketError::ApprovalMismatch { field });
    o.wh = Wh(500);
    open(&mut m, FAR, o).unwrap();
}

#[test]
fn energy_and_money_count_on_the_day_they_move() {
    let mut m = market();
    let set = LimitsChange {
        max_buy_per_day: Some(Wh(960)),
        ..LimitsChange::default()
    };
    m.limit(NEAR, set, &[]).unwrap();
    // 23:45 of day one, and midnight: two orders for the next day, each as large as its limit.
    let day = m.now().0 / 86_400;
    m.advance((day + 1) * 86_400 - 900 - m.now().0);
    let first = m.running().plus(1);
    let mut ids = vec![];
    for n in 0..2 {
        m.windows(n);
        let o = order(&mut m, (SELLER, NEAR), (first, 10), 96, PRICE);
        ids.push(o.trade_id);
        open(&mut m, NEAR, o).unwrap();
    }
    for _ in 0..10 {
        next(&mut m, 1_000);
        show_cover(&mut m, NEAR, 192);
        for id in &ids {
            deliver(&mut m, NEAR, NEAR, *id, None).unwrap();
        }
    }
    let got = |m: &Market, id: &u64| order_of(m, NEAR, *id).delivered.0;
    assert_eq!(ids.iter().map(|id| got(&m, id)).sum::<u64>(), 960);
    m.check_all().unwrap();
}

#[test]
fn a_seller_cannot_hand_its_meter_over_to_be_rid_of_what_it_missed() {
    let mut m = market();
    let (owner, second) = (m.homes[SELLER].owner.clone(), m.homes[3].owner.clone());
    let meter = m.homes[SELLER].meter;
    let id = opened(&mut m, SELLER, NEAR, 4, 900, PRICE);
    m.windows(1);
    m.advance(100);
    let cover = Some(m.cover(NEAR, m.live(), 900));
    deliver(&mut m, NEAR, NEAR, id, cover).unwrap();
    m.pool(
        &owner,
        &Pool::ProposeOwner {
            meter,
            owner: Some(second.to_string()),
        },
    )
    .unwrap();
    m.pool(&second, &Pool::AcceptOwner { meter }).unwrap();
    m.windows(2);
    // The order has ended: anyone closes it at once, the buyer's money is free, the rest counts for neither side.
    let (declined, missed) = closed(&mut m, NEAR, id);
    assert_eq!((declined, missed), (900, 900));
    let record = m.log().pop().unwrap();
    assert_eq!(record.asked, Wh(1_800));
    assert_eq!(m.book_of(SELLER).statistics.missed, Wh(900));
    let buyer = m.homes[NEAR].owner.clone();
    assert_eq!(m.money(&buyer), (Micro(MONEY), Micro(0)));
}

#[test]
fn an_order_ends_with_a_change_of_zone() {
    let mut m = market();
    let id = opened(&mut m, SELLER, NEAR, 8, 100, PRICE);
    let registrar = m.registrar.clone();
    let update = Pool::UpdateMeter {
        meter: m.homes[NEAR].meter,
        zone: Some(wattpool_schema::Zone(1)),
        kind: None,
        max_export: None,
        max_import: None,
    };
    m.pool(&registrar, &update).unwrap();
    // Up to the window from which it holds the order is delivered on its terms.
    for _ in 0..2 {
        next(&mut m, 1_000);
        show_cover(&mut m, NEAR, 100);
        deliver(&mut m, NEAR, NEAR, id, None).unwrap();
    }
    assert_eq!(order_of(&m, NEAR, id).delivered, Wh(200));
    let anyone = m.stranger.clone();
    let open = close(&mut m, &anyone, NEAR, id).unwrap_err();
    assert_eq!(open.code(), Code::OrderStillOpen);
    next(&mut m, 1_000);
    // Any touch closes it.
    deliver(&mut m, NEAR, NEAR, id, None).unwrap();
    let record = m.log().pop().unwrap();
    assert_eq!((record.asked, record.arrived), (Wh(200), Wh(200)));
    m.check_all().unwrap();
}

#[test]
fn a_window_whose_tariff_is_below_the_price_counts_for_neither() {
    let mut m = by_default();
    let id = opened(&mut m, SELLER, NEAR, 3, 100, 200_000);
    let operator = m.operator.clone();
    let from_window = m.running().plus(2);
    let tariffs = wattpool_schema::pool::Tariffs {
        import: wattpool_schema::Tariff(199_999),
        feed_in: wattpool_schema::Tariff(80_000),
    };
    m.pool(
        &operator,
        &Pool::SetTariffs {
            from_window,
            tariffs,
        },
    )
    .unwrap();
    for _ in 0..3 {
        next(&mut m, 1_000);
        show_cover(&mut m, NEAR, 100);
        deliver(&mut m, NEAR, NEAR, id, None).unwrap();
    }
    m.windows(1);
    assert_eq!(closed(&mut m, NEAR, id), (0, 0));
    let record = m.log().pop().unwrap();
    assert_eq!((record.asked, record.arrived), (Wh(200), Wh(200)));
}

#[test]
fn cancelling_and_a_line_of_no_capacity_harm_no_record() {
    let mut m = market();
    let id = opened(&mut m, SELLER, NEAR, 6, 100, PRICE);
    let operator = m.operator.clone();
    let from_window = m.running().plus(2);
    let terms = pair(0, 0, 0, 1_000_000_000, Some(0));
    m.pool(&operator, &Pool::SetZonePair { from_window, terms })
        .unwrap();
    for _ in 0..3 {
        next(&mut m, 1_000);
        show_cover(&mut m, NEAR, 100);
        deliver(&mut m, NEAR, NEAR, id, None).unwrap();
    }
    assert_eq!(
        order_of(&m, NEAR, id).delivered,
        Wh(200),
        "at the charge of the opening"
    );
    let owner = m.homes[SELLER].owner.clone();
    cancel(&mut m, &owner, NEAR, id).unwrap();
    m.windows(2);
    assert_eq!(closed(&mut m, NEAR, id), (100, 0));
    let s = m.book_of(SELLER).statistics;
    assert_eq!((s.arrived, s.asked, s.missed), (Wh(200), Wh(200), Wh(0)));
}
