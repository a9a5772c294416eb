//! `State` for windows that are over: feed-in credit without a token, in order, up to 30 days.

use crate::market::*;
use wattpool_schema::event::{ItemRefused, MarketEvent, StatedTooOld};
use wattpool_schema::Wh;

#[test]
fn late_but_in_order() {
    let mut market = Market::new();
    let response = market.state(&[market.statement(1, LIVE.0 - 1, 1, 30)]);
    assert_eq!(codes(&response), [None]);
    assert!(matches!(&events(&response)[..], [MarketEvent::Stated(s)] if !s.minted));
    assert_eq!(
        (market.tokens("ann"), market.late("ann")),
        (0, vec![(LIVE.0, 30)])
    );
    let position = market.position(1);
    assert_eq!(
        (position.stated.unwrap().0, position.minted),
        (LIVE.0 - 1, Wh(0))
    );
    // It counts in the books of its own window.
    let books = market.books(LIVE.0 - 1);
    assert_eq!(
        (books.late, books.minted, books.statements),
        (Wh(30), Wh(0), 1)
    );
    // The live window still mints.
    market.stated(1, LIVE.0, 2, 40);
    assert_eq!(market.tokens("ann"), 40);
}

#[test]
fn credit_of_several_meters_adds_up() {
    let mut market = Market::new();
    let mut second = registration(2);
    second.meter = id(8);
    second.device = device_key(8);
    second.owner = addr("ann").into_string();
    let msg = wattpool_schema::pool::ExecuteMsg::RegisterMeter {
        registration: second,
    };
    market.run("registrar", &msg).unwrap();
    market.go_to(NOW + 3);
    market.stated(1, NOW, 1, 30);
    market.stated(8, NOW, 1, 12);
    assert_eq!(market.late("ann"), [(NOW + 2, 42)]);
}

#[test]
fn late_without_export_leaves_no_credit() {
    let mut market = Market::new();
    market.stated(1, LIVE.0 - 1, 1, 0);
    assert_eq!(market.late("ann"), []);
    assert_eq!(market.books(LIVE.0 - 1).statements, 1);
}

#[test]
fn before_the_registration_nothing_is_earned() {
    let mut market = Market::new();
    let code = market.state_one(1, START - 1, 1, 30);
    assert_eq!(code.unwrap(), "TOO_OLD");
    market.stated(1, START, 1, 30);
    assert_eq!(market.late("ann"), [(LIVE.0, 30)]);
}

#[test]
fn thirty_days() {
    let mut market = Market::new();
    market.go_to(NOW + MONTH);
    let oldest = NOW;
    let statement = market.statement(1, oldest - 1, 1, 30);
    let response = market.state(std::slice::from_ref(&statement));
    let report = StatedTooOld {
        meter: id(1),
        window: wattpool_schema::Window(oldest - 1),
        wh: Wh(30),
    };
    let refused = ItemRefused {
        index: 0,
        code: "TOO_OLD".into(),
    };
    let expected = [
        MarketEvent::StatedTooOld(report),
        MarketEvent::ItemRefused(refused),
    ];
    assert_eq!(events(&response), expected);
    assert_eq!(market.position(1), Default::default());
    // A forged one is not even reported.
    let mut forged = statement;
    forged.statement.export_wh = Wh(31);
    let response = market.state(&[forged]);
    assert!(
        matches!(&events(&response)[..], [MarketEvent::ItemRefused(r)] if r.code == "BAD_SIGNATURE")
    );
    market.stated(1, oldest, 1, 30);
    assert_eq!(market.late("ann"), [(LIVE.0 + MONTH, 30)]);
}
