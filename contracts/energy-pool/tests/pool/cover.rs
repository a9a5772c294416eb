//! `Cover`: the highest counts; lower or repeated ones change nothing.

use crate::market::*;
use cw_multi_test::AppResponse;
use wattpool_schema::event::{Covered, MarketEvent};
use wattpool_schema::pool::ExecuteMsg;
use wattpool_schema::{Cover, SignedCover, Wh, Window};

fn send(market: &mut Market, covers: &[SignedCover]) -> AppResponse {
    let covers = covers.to_vec();
    market.run("relay", &ExecuteMsg::Cover { covers }).unwrap()
}

fn covered(number: u8, wh: u64) -> MarketEvent {
    MarketEvent::Covered(Covered {
        meter: id(number),
        window: LIVE,
        covered: Wh(wh),
    })
}

#[test]
fn the_highest_counts() {
    let mut market = Market::new();
    let cover = market.cover_of(2, LIVE, 100);
    let response = send(&mut market, &[cover]);
    assert_eq!(
        (codes(&response), events(&response)),
        (vec![None], vec![covered(2, 100)])
    );
    let cover = market.cover_of(2, LIVE, 250);
    let response = send(&mut market, &[cover]);
    assert_eq!(events(&response), [covered(2, 250)]);
    for wh in [250, 249, 0] {
        let cover = market.cover_of(2, LIVE, wh);
        let response = send(&mut market, &[cover]);
        assert_eq!((codes(&response), events(&response)), (vec![None], vec![]));
    }
    let position = market.position(2);
    assert_eq!(
        (position.cover_window, position.covered, position.redeemed),
        (LIVE, Wh(250), Wh(0))
    );
    assert_eq!(market.books(LIVE.0).covered, Wh(250));
}

#[test]
fn a_new_window_starts_at_nothing() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 500);
    market.covered(2, 300);
    let redeem = ExecuteMsg::Redeem {
        redeem: redeem(1, 2, 120, 120, None),
    };
    market.run("escrow", &redeem).unwrap();
    market.go_to(NOW + 1);
    market.covered(2, 50);
    let position = market.position(2);
    assert_eq!(
        (position.cover_window, position.covered, position.redeemed),
        (Window(NOW), Wh(50), Wh(0))
    );
    assert_eq!(
        (market.books(NOW).covered, market.books(LIVE.0).covered),
        (Wh(50), Wh(300))
    );
}

#[test]
fn each_is_answered_by_itself() {
    let mut market = Market::new();
    let mut forged = market.cover_of(2, LIVE, 100);
    forged.cover.import_wh = Wh(101);
    let other = |change: &dyn Fn(&mut Cover)| {
        let mut cover = market.cover_of(1, LIVE, 100).cover;
        change(&mut cover);
        sign_cover(cover, 1)
    };
    let covers = [
        other(&|c| c.version = 0),
        other(&|c| c.chain = "other".into()),
        other(&|c| c.pool = addr("pool").into_string()),
        other(&|c| c.meter = id(9)),
        other(&|c| c.meter = id(2)),
        other(&|c| c.window = Window(LIVE.0 - 1)),
        other(&|c| c.window = Window(NOW)),
        other(&|c| c.import_wh = Wh(MAX + 1)),
        forged,
        market.cover_of(3, LIVE, MAX),
    ];
    let response = send(&mut market, &covers);
    let code = |text: &str| Some(text.to_owned());
    let expected = [
        code("UNKNOWN_VERSION"),
        code("WRONG_CHAIN"),
        code("WRONG_CONTRACT"),
        code("UNKNOWN_METER"),
        code("BAD_SIGNATURE"),
        code("WINDOW_CLOSED"),
        code("WINDOW_CLOSED"),
        code("ABOVE_REGISTERED"),
        code("BAD_SIGNATURE"),
        None,
    ];
    assert_eq!(codes(&response), expected);
    assert_eq!(market.books(LIVE.0).covered, Wh(MAX));
    assert_eq!(market.position(2).covered, Wh(0));
}

#[test]
fn one_to_fifty() {
    let mut market = Market::new();
    let refused = bad("covers", "1 to 50 items");
    for len in [0, 51] {
        let covers = vec![market.cover_of(1, LIVE, 1); len];
        let result = market.run("relay", &ExecuteMsg::Cover { covers });
        assert_eq!(result.unwrap_err(), refused);
    }
}

#[test]
fn a_meter_may_export_and_import() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 100);
    market.covered(1, 40);
    let position = market.position(1);
    assert_eq!((position.minted, position.covered), (Wh(100), Wh(40)));
}
